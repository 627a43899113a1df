"""The deals behind a number, from the mirror as the last run left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from d365ext.definitions.rollups import Level, Role, Rollup, Rollups
from d365ext.errors import UsageError
from d365ext.settings import Settings
from sync.compile import Run, desired_sql, shares_sql
from sync.mirror import Mirror
from sync.mirror_file import mirror_path, open_mirror
from sync.tables import PIPELINE_KEY, mirrored_tables

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Share:
    """What one deal adds: to the number, and to what the number is over."""

    id: UUID
    name: str | None
    customer: str | None
    value: Any
    over: Any


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number of one row of pch_pipeline, and the deals behind it."""

    row: UUID
    name: str
    level: Level
    role: Role | None
    column: str
    number: Any
    shares: list[Share]

    def as_json(self) -> dict[str, Any]:
        """Give it as `--json` prints it."""
        return {
            "row": self.row,
            "name": self.name,
            "level": self.level.value,
            "role": self.role.value if self.role else None,
            "column": self.column,
            "number": self.number,
            "deals": [
                {"id": each.id, "name": each.name, "customer": each.customer, "adds": each.value, "of": each.over}
                for each in self.shares
            ],
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """A row of pch_pipeline that somebody asks about."""

    row: UUID
    name: str
    level: Level
    role: Role | None
    ids: tuple[UUID, ...]


def explain_from_mirror(
    settings: Settings,
    rollups: Rollups,
    who: str,
    column: str,
    *,
    level: Level | None = None,
    role: Role | None = None,
) -> Explanation:
    """Open the mirror, as the last run left it, and explain a number of its day.

    Errors:  UsageError if no run has filled the mirror; MirrorLocked while one does; else as `explain`.
    """
    path = mirror_path(settings.state_dir, settings.url)
    never = UsageError(f"There is no mirror of {settings.url} here yet.", hint="Run 'd365ext sync run' first.")
    if not path.exists():
        raise never
    tables = mirrored_tables(rollups)
    with open_mirror(path, tables, zone=settings.timezone, memory_limit=settings.memory_limit) as mirror:
        as_of, currency = mirror.fact("as_of"), mirror.fact("currency")
        if as_of is None or currency is None or not all(mirror.state(table).is_whole for table in tables):
            raise never
        run = Run(date.fromisoformat(as_of), settings.timezone, UUID(currency))
        return explain(mirror, rollups, who, column, run, level=level, role=role)


def explain(
    mirror: Mirror,
    rollups: Rollups,
    who: str,
    column: str,
    run: Run,
    *,
    level: Level | None = None,
    role: Role | None = None,
) -> Explanation:
    """List the deals behind `column` of the row of `who`.

    Shape:   `who` is a name, or part of one, or an id; `level` and `role` choose if several rows fit.
             `column` with or without its prefix.
    Errors:  UsageError if no row, no column, or more than one row fits.
    """
    rollup = _rollup(rollups, column)
    mirror.connection.execute(f"create or replace temp table wanted as {desired_sql(rollups, run)}")
    subject = _subject(mirror, who, level, role)
    if subject.level not in rollup.levels:
        raise UsageError(f"{rollup.column} has no meaning for a row of the level {subject.level.value!r}.")
    sql = shares_sql(rollups, rollup, subject.level, subject.role, run)
    names = {row[0]: row[1] for row in mirror.connection.execute("select accountid, name from account").fetchall()}
    rows = mirror.connection.execute(sql, [str(each) for each in subject.ids]).fetchall()
    number = mirror.connection.execute(
        f'select "{rollup.column}" from wanted where "{PIPELINE_KEY}" = ?', [str(subject.row)]
    ).fetchone()
    return Explanation(
        subject.row,
        subject.name,
        subject.level,
        subject.role,
        rollup.column,
        number[0] if number else None,
        [Share(row[0], row[1], names.get(row[2]), row[3], row[4]) for row in rows],
    )


def _rollup(rollups: Rollups, column: str) -> Rollup:
    for rollup in rollups.rollups:
        if column in (rollup.name, rollup.column):
            return rollup
    raise UsageError(
        f"There is no column {column!r}.", hint=f"There are {', '.join(rollup.name for rollup in rollups.rollups)}."
    )


def _subject(mirror: Mirror, who: str, level: Level | None, role: Role | None) -> Subject:
    found = [
        subject for subject in _subjects(mirror, who) if level in (None, subject.level) and role in (None, subject.role)
    ]
    exact = [subject for subject in found if subject.name.casefold() == who.casefold()]
    found = exact or found
    if level is None and len(found) > 1:
        found = [subject for subject in found if subject.level is Level.PARTNER] or found
    if not found:
        raise UsageError(f"There is no pipeline row for {who!r}.", hint="See 'd365ext show partners' for their names.")
    if len(found) > 1:
        listed = "; ".join(f"{each.name} ({each.level.value}{_of(each.role)})" for each in found[:_SHOWN])
        raise UsageError(f"{who!r} fits several rows: {listed}.", hint="Choose with --level, --role or the whole name.")
    return found[0]


def _of(role: Role | None) -> str:
    return "" if role is None else f", {role.value}"


def _subjects(mirror: Mirror, who: str) -> list[Subject]:
    rows = mirror.connection.execute(
        f"""
        select "{PIPELINE_KEY}", pch_name, pch_level, pch_role, pch_partnerid, pch_contactid, pch_customerid
        from wanted
        where contains(lower(pch_name), lower($1)) or lower($1) in
          (cast("{PIPELINE_KEY}" as varchar), cast(pch_contactid as varchar),
           case when pch_level <> {Level.CUSTOMER.option} then cast(pch_partnerid as varchar) end,
           case when pch_level = {Level.CUSTOMER.option} then cast(pch_customerid as varchar) end)
        order by pch_level, pch_role, pch_name
        """,
        [who],
    ).fetchall()
    levels = {level.option: level for level in Level}
    roles = {role.option: role for role in Role}
    subjects = []
    for row_id, name, level, role, partner, contact, customer in rows:
        ids = (contact,) if levels[level] is Level.CONTACT else tuple(each for each in (partner, customer) if each)
        subjects.append(Subject(row_id, name or str(row_id), levels[level], roles.get(role), ids))
    return subjects
