"""Columns, of our tables and of standard ones. Lookups are in `relationships.py`."""

from __future__ import annotations

from collections.abc import Iterator

from d365ext.definitions.columns import ChoiceColumn, Column, YesNo
from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import OwnTable, Table
from d365ext.deploy.change import OptionPlace
from d365ext.deploy.compare.options import compare_options
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.describe import described, from_to, text_changes
from d365ext.deploy.environment import Environment, Found, Languages, OtherColumn
from d365ext.deploy.removal import DeleteColumn
from d365ext.deploy.table_change import CreateColumn, ModifyColumn, ReplaceColumn

_NOT_PLAIN = {"type", "label", "description", "yes", "no", "choice", "options"}
"""What is compared in its own way; everything else of a column is a plain value."""


def compare_columns(solution: Solution, environment: Environment) -> Findings:
    """Compare every column that we declare."""
    for table in solution.tables.values():
        for name, column in table.columns.items():
            found = environment.columns.get((table.name, name))
            if found is not None:
                yield from _compare_column(table, name, column, found, environment.languages)
            elif not (table.name not in environment.tables and comes_with_its_table(table, column)):
                yield CreateColumn(table.name, name, column)


def comes_with_its_table(table: Table, column: Column) -> bool:
    """Say whether creating the table creates the column: all but those that name a global choice."""
    return isinstance(table, OwnTable) and not (isinstance(column, ChoiceColumn) and column.choice is not None)


def _compare_column(
    table: Table, name: str, column: Column, found: Found[Column | OtherColumn], languages: Languages
) -> Findings:
    there = found.what
    if isinstance(there, OtherColumn) or type(there) is not type(column) or _other_choice(column, there):
        before = there.type if isinstance(there, OtherColumn) else described(there)
        if found.is_managed or (isinstance(table, OwnTable) and name == table.primary_name):
            yield Refusal(f"The column {table.name}.{name} is of type {before}, and must not be replaced.")
        else:
            yield ReplaceColumn(table.name, name, column, before)
        return
    if differences := tuple(_differences(column, there, languages)):
        yield ModifyColumn(table.name, name, column, differences)
    if isinstance(column, ChoiceColumn) and isinstance(there, ChoiceColumn):
        place = OptionPlace(table=table.name, column=name)
        yield from compare_options(place, column.options, there.options, languages)


def _other_choice(column: Column, there: Column) -> bool:
    return isinstance(column, ChoiceColumn) and isinstance(there, ChoiceColumn) and column.choice != there.choice


def _differences(column: Column, there: Column, languages: Languages) -> Iterator[str]:
    yield from text_changes("label", there.label, languages.kept(column.label))
    yield from text_changes("description", there.description, languages.kept(column.description))
    if isinstance(column, YesNo) and isinstance(there, YesNo):
        yield from text_changes("yes", there.yes, languages.kept(column.yes))
        yield from text_changes("no", there.no, languages.kept(column.no))
    for name in type(column).model_fields:
        before, after = getattr(there, name), getattr(column, name)
        if name not in _NOT_PLAIN and before != after:
            yield from_to(name.replace("_", " "), before, after)


def stray_columns(solution: Solution, environment: Environment) -> Findings:
    """Find columns with our prefix that we do not declare; those of a stray table go with it."""
    for table, name in environment.columns:
        declared = solution.tables.get(table)
        is_declared = declared is not None and name in declared.columns
        goes_with_table = declared is None and table.startswith(f"{solution.publisher.prefix}_")
        if not is_declared and not goes_with_table and not _is_lookup(solution, environment, table, name):
            yield DeleteColumn(table, name)


def _is_lookup(solution: Solution, environment: Environment, table: str, name: str) -> bool:
    declared = [*solution.relationships.values(), *(found.what for found in environment.relationships.values())]
    return any((each.table, each.lookup) == (table, name) for each in declared)
