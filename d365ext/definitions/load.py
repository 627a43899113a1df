"""Reads `solution/`: every file, every mistake, then one `Solution`.

Pure but for reading the files. What must hold between the files is in `check.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from d365ext.definitions.app import App
from d365ext.definitions.charts import Chart
from d365ext.definitions.check import check
from d365ext.definitions.columns import Choice, Date, Decimal, Integer, Money
from d365ext.definitions.columns import Column as AnyColumn
from d365ext.definitions.dashboards import Dashboard
from d365ext.definitions.draft import Draft, Placed
from d365ext.definitions.forms import FormAddition
from d365ext.definitions.parts import Part, Rules
from d365ext.definitions.relationships import MappingsFile, RelationshipsFile
from d365ext.definitions.roles import Role
from d365ext.definitions.rollups import Rollup, Rollups, load_rollups
from d365ext.definitions.scripts import load_scripts
from d365ext.definitions.solution import KPI_TABLE, Publisher, Solution, SolutionHead
from d365ext.definitions.tables import OwnTable, Table
from d365ext.definitions.tomlfile import TomlFile, read_toml
from d365ext.definitions.validation import Mistakes, PartT, to_part, unknown
from d365ext.definitions.views import View
from d365ext.errors import DefinitionError

_FILES = ("solution.toml", "relationships.toml", "mappings.toml", "rollups.toml")
_FOLDERS = ("choices", "tables", "views", "scripts", "forms", "charts", "dashboards", "roles", "app")


class SolutionFile(Part):
    """The whole of solution.toml."""

    publisher: Publisher
    solution: SolutionHead
    languages: dict[str, int]


def load_solution(folder: Path) -> Solution:
    """Read the solution that `folder` declares.

    Errors:  DefinitionErrors with every mistake in every file, each with its file and line.
    """
    mistakes = Mistakes()
    draft = _begin(folder, mistakes)
    if draft is None:
        mistakes.raise_if_any()
        raise AssertionError("a solution.toml without mistakes begins a draft")
    _refuse_strangers(draft)
    _load_choices(draft)
    _load_tables(draft)
    _load_relationships(draft)
    _load_mappings(draft)
    draft.views = _load_keyed(draft, View, "views")
    draft.scripts = load_scripts(folder / "scripts", draft.rules, mistakes)
    draft.forms = _load_keyed(draft, FormAddition, "forms")
    draft.charts = _load_keyed(draft, Chart, "charts")
    draft.dashboards = _load_keyed(draft, Dashboard, "dashboards")
    draft.roles = _load_keyed(draft, Role, "roles")
    _load_app(draft)
    _load_rollups(draft)
    check(draft)
    mistakes.raise_if_any()
    return _finish(draft)


def _begin(folder: Path, mistakes: Mistakes) -> Draft | None:
    if not folder.is_dir():
        mistakes.add(DefinitionError("There is no such folder.", file=folder))
        return None
    with mistakes.caught():
        file = read_toml(folder / "solution.toml")
        head = to_part(SolutionFile, file.content, file=file, mistakes=mistakes)
        if head is not None:
            rules = Rules(head.publisher.prefix, head.publisher.option_prefix, head.languages)
            return Draft(folder, mistakes, head.publisher, head.solution, rules)
    return None


def _refuse_strangers(draft: Draft) -> None:
    """Refuse files and folders that nothing reads: a misspelt folder must not quietly mean nothing."""
    for entry in sorted(draft.folder.iterdir()):
        known = _FOLDERS if entry.is_dir() else _FILES
        if entry.name not in known and not entry.name.startswith("."):
            what = "folder" if entry.is_dir() else "file"
            draft.mistakes.add(DefinitionError(unknown(entry.name, known, what=what), file=entry))


def _files(draft: Draft, folder: str) -> Iterator[TomlFile]:
    """Read every TOML file in a folder, in the order of their names."""
    for path in sorted((draft.folder / folder).glob("*.toml")):
        draft.unread.add(f"{folder}/{path.stem}")
        with draft.mistakes.caught():
            yield read_toml(path)


def _part(draft: Draft, kind: type[PartT], file: TomlFile, **more: Any) -> Placed[PartT] | None:
    """Make a part of a whole file, and of what its name says."""
    part = to_part(kind, {**more, **file.content}, file=file, mistakes=draft.mistakes, rules=draft.rules)
    if part is None:
        return None
    draft.unread.discard(f"{file.path.parent.name}/{file.path.stem}")
    return Placed(part, file)


def _load_choices(draft: Draft) -> None:
    for file in _files(draft, "choices"):
        choice = _part(draft, Choice, file, name=file.path.stem)
        if choice:
            draft.choices[choice.part.name] = choice


def _load_tables(draft: Draft) -> None:
    for file in _files(draft, "tables"):
        is_ours = file.path.stem.startswith(f"{draft.rules.prefix}_")
        kind: type[Table] = OwnTable if is_ours else Table
        table = _part(draft, kind, file, name=file.path.stem)
        if table:
            draft.tables[table.part.name] = table


def _load_keyed(draft: Draft, kind: type[PartT], folder: str) -> dict[str, Placed[PartT]]:
    """Read a folder of files that are a part each, called by the name of the file."""
    parts = {file.path.stem: _part(draft, kind, file, key=file.path.stem) for file in _files(draft, folder)}
    return {key: part for key, part in parts.items() if part is not None}


def _load_app(draft: Draft) -> None:
    for file in _files(draft, "app"):
        app = _part(draft, App, file, name=file.path.stem)
        if app is not None and draft.app is not None:
            draft.mistakes.add(file.mistake("A solution has one app."))
        draft.app = app or draft.app


def _load_rollups(draft: Draft) -> None:
    """Read rollups.toml; a solution without the table that holds the numbers needs none."""
    path = draft.folder / "rollups.toml"
    if not path.exists() and KPI_TABLE not in draft.tables:
        draft.rollups = Rollups(path, (), {}, ())
        return
    with draft.mistakes.caught():
        draft.rollups = load_rollups(path, prefix=draft.rules.prefix, languages=tuple(draft.rules.languages))


def _load_relationships(draft: Draft) -> None:
    path = draft.folder / "relationships.toml"
    if not path.exists():
        return
    with draft.mistakes.caught():
        draft.unread.add("relationships")
        file = read_toml(path)
        whole = to_part(RelationshipsFile, file.content, file=file, mistakes=draft.mistakes, rules=draft.rules)
        if whole is None:
            return
        draft.unread.discard("relationships")
        for number, lookup in enumerate(whole.lookups):
            place = ("lookup", number)
            if lookup.rule not in whole.rules:
                message = unknown(lookup.rule, list(whole.rules), what="rule")
                draft.mistakes.add(file.mistake(message, (*place, "rule")))
                continue
            for table in lookup.on:
                made = lookup.to_relationship(table, whole.rules[lookup.rule], draft.rules.prefix)
                if made.name in draft.relationships:
                    draft.mistakes.add(file.mistake(f"{lookup.column} on {table} is declared twice.", place))
                draft.relationships[made.name] = Placed(made, file, place)


def _load_mappings(draft: Draft) -> None:
    path = draft.folder / "mappings.toml"
    if not path.exists():
        return
    with draft.mistakes.caught():
        file = read_toml(path)
        whole = to_part(MappingsFile, file.content, file=file, mistakes=draft.mistakes, rules=draft.rules)
        for number, entry in enumerate(whole.mappings if whole else ()):
            draft.mappings += [Placed(each, file, ("mapping", number)) for each in entry.to_mappings()]


def to_column(rollup: Rollup) -> AnyColumn:
    """Make the column that holds a rollup."""
    texts: dict[str, Any] = {"label": dict(rollup.label), "description": dict(rollup.description)}
    match rollup.type.value:
        case "integer":
            return Integer(**texts)
        case "money":
            return Money(precision=2, **texts)
        case "decimal":
            return Decimal(precision=rollup.scale, **texts)
        case _:
            return Date(**texts)


def _finish(draft: Draft) -> Solution:
    assert draft.rollups is not None, "a draft without mistakes has rollups"  # noqa: S101 - our own mistake, if ever
    tables = {name: placed.part for name, placed in draft.tables.items()}
    pipeline = tables.get(KPI_TABLE)
    if pipeline is not None:
        kpis = {str(rollup.column): to_column(rollup) for rollup in draft.rollups.rollups}
        tables[KPI_TABLE] = pipeline.model_copy(update={"columns": {**pipeline.columns, **kpis}})
    return Solution(
        publisher=draft.publisher,
        solution=draft.solution,
        languages=draft.rules.languages,
        rollups=draft.rollups,
        choices={name: placed.part for name, placed in draft.choices.items()},
        tables=tables,
        relationships={name: placed.part for name, placed in draft.relationships.items()},
        mappings=tuple(placed.part for placed in draft.mappings),
        views={key: placed.part for key, placed in draft.views.items()},
        scripts=draft.scripts,
        forms={key: placed.part for key, placed in draft.forms.items()},
        charts={key: placed.part for key, placed in draft.charts.items()},
        dashboards={key: placed.part for key, placed in draft.dashboards.items()},
        roles={key: placed.part for key, placed in draft.roles.items()},
        app=draft.app.part if draft.app else None,
    )
