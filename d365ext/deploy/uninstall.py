"""What must be removed to leave nothing of the solution, and what would be lost. Pure but for the counting.

Only what the solution declares, or what carries our prefix, is removed; the counting is done by whoever has a client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from d365ext.definitions.solution import Solution
from d365ext.deploy.change import Change
from d365ext.deploy.compare.forms import withdrawals
from d365ext.deploy.component import ROLE
from d365ext.deploy.environment import Environment
from d365ext.deploy.plan import Plan, Purpose
from d365ext.deploy.removal import (
    DeleteChoice,
    DeleteColumn,
    DeleteComponent,
    DeleteKey,
    DeleteMapping,
    DeletePublisher,
    DeleteRelationship,
    DeleteSolution,
    DeleteTable,
)
from d365ext.deploy.rows import components_of
from d365ext.errors import PlanError

Losses = Mapping[tuple[str, str], str]
"""What a column of a table holds that would be lost; with the column "": what the table holds."""


def make_uninstall_plan(
    solution: Solution, environment: Environment, *, url: str, losses: Losses, is_last: bool, allow_delete: bool
) -> Plan:
    """Make the plan that removes everything of ours. `is_last`: no other solution has our publisher.

    Errors:  PlanError if the solution is installed as managed.
    """
    if environment.solution and environment.solution.is_managed:
        raise PlanError(
            f"The solution {solution.solution.name} is installed as managed; nothing was written.",
            hint="Uninstall it in the Power Platform admin centre.",
        )
    changes = [
        *_components(solution, environment),
        *_definitions(solution, environment, losses),
        *_heads(environment, is_last=is_last),
    ]
    return Plan(
        Purpose.UNINSTALL,
        solution,
        url,
        changes=tuple(sorted(changes, key=lambda change: change.place)),
        notes=tuple(_stays(solution, environment)),
        allow_delete=allow_delete,
    )


def _components(solution: Solution, environment: Environment) -> Iterator[Change]:
    yield from withdrawals(solution, environment)
    for each in components_of(solution, environment.languages):
        there = environment.components.get(each.id)
        if there is not None and not each.comes_with_its_table:
            yield DeleteComponent(each.kind, there.id, each.key)
    for role in solution.roles.values():
        if role.id in environment.roles:
            yield DeleteComponent(ROLE, role.id, role.name)


def _definitions(solution: Solution, environment: Environment, losses: Losses) -> Iterator[Change]:
    prefix = f"{solution.publisher.prefix}_"
    own = [name for name in environment.tables if name.startswith(prefix)]
    for mapping, row_id in environment.mappings.items():
        yield DeleteMapping(mapping, row_id)
    for table, name in environment.keys:
        if table not in own:
            yield DeleteKey(table, name)
    lookups = set()
    for name, relationship in environment.relationships.items():
        what = relationship.what
        lookups.add((what.table, what.lookup))
        if what.table not in own:
            yield DeleteRelationship(name, what.table, what.lookup, losses.get((what.table, what.lookup), ""))
    for table, name in environment.columns:
        if table not in own and (table, name) not in lookups:
            yield DeleteColumn(table, name, losses.get((table, name), ""))
    for name in own:
        yield DeleteTable(name, losses.get((name, ""), ""))
    for name in environment.choices:
        yield DeleteChoice(name)


def _heads(environment: Environment, *, is_last: bool) -> Iterator[Change]:
    if environment.solution:
        yield DeleteSolution(environment.solution.what.name, environment.solution.id)
    if environment.publisher and is_last:
        yield DeletePublisher(environment.publisher.what.name, environment.publisher.id)


def _stays(solution: Solution, environment: Environment) -> Iterator[str]:
    """Say what cannot be taken back."""
    prefix = f"{solution.publisher.prefix}_"
    tracked = [
        name
        for name, found in environment.tables.items()
        if found.table.change_tracking
        and not name.startswith(prefix)
        and name in solution.tables
        and solution.tables[name].change_tracking
    ]
    if tracked:
        yield f"Change tracking stays on for {', '.join(sorted(tracked))}: it cannot be turned off."
