"""Reads an environment into the words of the solution: only what it declares, and what else carries our prefix."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.deploy.environment import Environment
from d365ext.deploy.read.choices import read_choices
from d365ext.deploy.read.components import read_components
from d365ext.deploy.read.heads import read_languages, read_members, read_publisher, read_solution
from d365ext.deploy.read.mappings import read_mappings
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
        components=read_components(client, components_of(solution), languages),
        members=listed,
    )
