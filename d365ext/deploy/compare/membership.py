"""What is ours and there, but not listed in our solution: after a solution was deleted, or a component taken out of it.

Source: learn.microsoft.com/power-apps/developer/data-platform/reference/entities/solutioncomponent (component types;
root component behaviour 0: the table is in with all its parts).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import OwnTable
from d365ext.deploy.change import AddToSolution
from d365ext.deploy.compare.refusal import Findings
from d365ext.deploy.component import Component
from d365ext.deploy.environment import Environment

TABLE, COLUMN, CHOICE = 1, 2, 9
_WHOLE = 0


def compare_membership(solution: Solution, environment: Environment, components: Iterable[Component]) -> Findings:
    """Find what must be put into the solution."""
    members = environment.members
    whole = {row_id for (kind, row_id), behaviour in members.items() if kind == TABLE and behaviour == _WHOLE}

    def is_listed(component_type: int, component_id: UUID, table: str = "") -> bool:
        of = environment.tables.get(table)
        return (component_type, component_id) in members or (of is not None and of.id in whole)

    for name in solution.choices:
        found = environment.choices.get(name)
        if found and not is_listed(CHOICE, found.id):
            yield AddToSolution(f"choice {name}", CHOICE, found.id, whole=False)
    for name, table in solution.tables.items():
        there = environment.tables.get(name)
        if there and isinstance(table, OwnTable) and not is_listed(TABLE, there.id):
            yield AddToSolution(f"table {name}", TABLE, there.id, whole=True)
            whole.add(there.id)
        for column in table.columns:
            column_found = environment.columns.get((name, column))
            if column_found and not is_listed(COLUMN, column_found.id, name):
                yield AddToSolution(f"column {name}.{column}", COLUMN, column_found.id, whole=False)
    for component in components:
        row = environment.components.get(component.id)
        if row is not None and not is_listed(component.kind.component_type, row.id, component.table):
            what = f"{component.kind.word} {component.key}"
            yield AddToSolution(what, component.kind.component_type, row.id, whole=False)
