"""Reads an environment into the words of the solution: only what it declares, and what else carries our prefix."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.deploy.environment import Environment
from d365ext.deploy.read.app import read_app
from d365ext.deploy.read.choices import read_choices
from d365ext.deploy.read.components import read_components
from d365ext.deploy.read.forms import read_forms, tables_with_forms
from d365ext.deploy.read.heads import read_languages, read_members, read_publisher, read_solution
from d365ext.deploy.read.mappings import read_mappings
from d365ext.deploy.read.roles import read_privileges, read_roles
from d365ext.deploy.read.tables import read_tables
from d365ext.deploy.rows import components_of
from d365ext.webapi.client import Client


def inspect(client: Client, solution: Solution) -> Environment:
    """Read what there is of `solution`.

    Effects: reads only; some ten requests a table and three a component.
    """
    languages = read_languages(client, solution)
    head, is_unfinished = read_solution(client, solution)
    listed = read_members(client, head)
    app_members, app_roles = read_app(client, solution)
    tables = read_tables(client, solution, languages, listed)
    return Environment(
        languages=languages,
        publisher=read_publisher(client, solution),
        solution=head,
        is_unfinished=is_unfinished,
        choices=read_choices(client, solution, languages),
        tables=tables.tables,
        columns=tables.columns,
        keys=tables.keys,
        relationships=tables.relationships,
        mappings=read_mappings(client, solution),
        components=read_components(client, components_of(solution, languages), languages),
        forms=read_forms(client, [name for name in tables_with_forms(solution) if name in tables.tables]),
        roles=read_roles(client, solution),
        privileges=read_privileges(client, _tables_of_roles(solution)),
        app_members=app_members,
        app_roles=app_roles,
        members=listed,
    )


def _tables_of_roles(solution: Solution) -> list[str]:
    return [table for role in solution.roles.values() for table in role.tables]
