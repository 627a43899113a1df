"""Environments made of a solution, as if it had been deployed: no server, no requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import OwnTable, Table
from d365ext.deploy.compare.roles import privileges_of
from d365ext.deploy.environment import Environment, Found, FoundComponent, FoundKey, FoundRole, FoundTable, Languages
from d365ext.deploy.rows import components_of


def an_id(*names: str) -> UUID:
    """Make an id, always the same for the same names."""
    return uuid5(NAMESPACE_OID, "/".join(names))


def with_nothing(solution: Solution, *present: str) -> Environment:
    """Make an environment with Dynamics 365 Sales and nothing of ours, in the languages `present` (default: all)."""
    standard = {name: table for name, table in solution.tables.items() if not isinstance(table, OwnTable)}
    return Environment(
        Languages(solution.languages, frozenset(present or solution.languages), base=1033),
        tables={
            name: FoundTable(table.model_copy(update={"change_tracking": False, "columns": {}}), an_id(name))
            for name, table in standard.items()
        },
    )


def deployed(solution: Solution, /, **other: Any) -> Environment:
    """Make an environment that has `solution` whole; `other` replaces parts of it."""
    languages = Languages(solution.languages, frozenset(solution.languages), base=1033)
    components = components_of(solution, languages)
    others = {each.table for each in solution.relationships.values()} | set(solution.app.tables if solution.app else ())
    tables = {**{name: Table(name=name) for name in others}, **solution.tables}
    environment = Environment(
        languages,
        publisher=Found(solution.publisher, an_id("publisher")),
        solution=Found(solution.solution, an_id("solution")),
        choices={name: Found(choice, an_id(name)) for name, choice in solution.choices.items()},
        tables={name: FoundTable(table, an_id(name)) for name, table in tables.items()},
        columns={
            (table.name, name): Found(column, an_id(table.name, name))
            for table in solution.tables.values()
            for name, column in table.columns.items()
        },
        keys={
            (table.name, name): FoundKey(key, an_id(table.name, name))
            for table in solution.tables.values()
            for name, key in table.keys.items()
        },
        relationships={name: Found(each, an_id(name)) for name, each in solution.relationships.items()},
        mappings={each: an_id(each.source, each.target, each.column) for each in solution.mappings},
        components={each.id: FoundComponent(each.id, each.columns, each.texts) for each in components},
        roles={
            role.id: FoundRole(role.name, privileges_of(role, Environment(languages)))
            for role in solution.roles.values()
        },
        app_members=frozenset((each.kind.component_type, each.id) for each in components)
        | frozenset((1, an_id(name)) for name in tables),
        app_roles=frozenset(solution.roles[key].id for key in (solution.app.roles if solution.app else ())),
    )
    members = {(9, found.id): 0 for found in environment.choices.values()}
    members |= {(1, environment.tables[name].id): 0 for name in environment.tables}
    members |= {(each.kind.component_type, each.id): 0 for each in components}
    return replace(environment, **{"members": members, **other})
