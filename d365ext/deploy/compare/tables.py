"""Tables: ours whole, of standard ones only whether they track changes."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import OwnTable, Table
from d365ext.deploy.compare.columns import comes_with_its_table
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.describe import from_to, text_changes
from d365ext.deploy.environment import Environment, FoundTable
from d365ext.deploy.removal import DeleteTable
from d365ext.deploy.table_change import CreateTable, ModifyTable, TrackChanges


def compare_tables(solution: Solution, environment: Environment) -> Findings:
    """Compare every table that we declare."""
    for name, table in solution.tables.items():
        found = environment.tables.get(name)
        if found is None and isinstance(table, OwnTable):
            columns = [column for column, what in table.columns.items() if comes_with_its_table(table, what)]
            yield CreateTable(table, tuple(columns))
        elif found is None:
            yield Refusal(f"The environment has no table {name}. Is Dynamics 365 Sales installed in it?")
        else:
            yield from _compare_table(table, found, environment)


def _compare_table(table: Table, found: FoundTable, environment: Environment) -> Findings:
    if isinstance(table, OwnTable) and isinstance(found.table, OwnTable):
        if found.is_managed:
            yield Refusal(f"The table {table.name} belongs to a managed solution.")
            return
        if table.ownership != found.table.ownership:
            yield Refusal(f"The table {table.name} is owned by the {found.table.ownership}; that cannot be changed.")
            return
        if differences := _differences(table, found.table, environment):
            yield ModifyTable(table, differences)
    if table.change_tracking and not found.table.change_tracking:
        if found.can_track_changes:
            yield TrackChanges(table.name)
        else:
            yield Refusal(f"The environment does not let {table.name} track changes.")


def _differences(table: OwnTable, found: OwnTable, environment: Environment) -> tuple[str, ...]:
    kept = environment.languages.kept
    differences = text_changes("label", found.label, kept(table.label))
    differences += text_changes("plural", found.plural, kept(table.plural))
    differences += text_changes("description", found.description, kept(table.description))
    if table.auditing != found.auditing:
        differences.append(from_to("auditing", found.auditing, table.auditing))
    return tuple(differences)


def stray_tables(solution: Solution, environment: Environment) -> Findings:
    """Find tables with our prefix that we do not declare."""
    for name in environment.tables:
        if name not in solution.tables and name.startswith(f"{solution.publisher.prefix}_"):
            yield DeleteTable(name)
