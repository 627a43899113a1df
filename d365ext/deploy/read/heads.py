"""Languages, publisher, solution and what the solution lists."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from d365ext.definitions.solution import Publisher, Solution, SolutionHead
from d365ext.deploy.environment import Found, Languages
from d365ext.deploy.marker import is_marked, unmarked
from d365ext.webapi.client import Client
from d365ext.webapi.components import find_by_name, members
from d365ext.webapi.tabledefs import base_language, provisioned_languages


def read_languages(client: Client, solution: Solution) -> Languages:
    """Find out which of our languages the environment has."""
    provisioned = set(provisioned_languages(client))
    present = frozenset(language for language, code in solution.languages.items() if code in provisioned)
    return Languages(solution.languages, present, base_language(client))


def read_publisher(client: Client, solution: Solution) -> Found[Publisher] | None:
    """Find the publisher by its unique name."""
    row = find_by_name(client, "publishers", solution.publisher.name)
    if row is None:
        return None
    publisher = Publisher.model_construct(
        name=row["uniquename"],
        label=row.get("friendlyname") or "",
        description=row.get("description") or "",
        prefix=row.get("customizationprefix") or "",
        option_prefix=row.get("customizationoptionvalueprefix") or 0,
    )
    return Found(publisher, UUID(row["publisherid"]))


def read_solution(client: Client, solution: Solution) -> tuple[Found[SolutionHead] | None, bool]:
    """Find the solution by its unique name, and whether an apply to it was stopped before its end."""
    row = find_by_name(client, "solutions", solution.solution.name)
    if row is None:
        return None, False
    description = row.get("description") or ""
    head = SolutionHead.model_construct(
        name=row["uniquename"],
        label=row.get("friendlyname") or "",
        description=unmarked(description),
        version=row.get("version") or "",
    )
    found = Found(head, UUID(row["solutionid"]), is_managed=bool(row.get("ismanaged")))
    return found, is_marked(description)


def read_members(client: Client, found: Found[SolutionHead] | None) -> Mapping[tuple[int, UUID], int]:
    """List what the solution holds."""
    return members(client, found.id) if found else {}
