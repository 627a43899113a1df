"""Column mappings with our prefix.

Source: learn.microsoft.com/dynamics365/customerengagement/on-premises/developer/entities/attributemap (rows; the map of
a pair of tables is a row of entitymap that comes with their relationship).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import ColumnMapping
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query, literal


def read_mappings(client: Client, solution: Solution) -> dict[ColumnMapping, UUID]:
    """Read the mappings of the pairs of tables for which we declare some."""
    found: dict[ColumnMapping, UUID] = {}
    for source, target in _pairs(solution.mappings):
        map_id = find_table_map(client, source, target)
        if map_id is None:
            continue
        query = Query(
            EntitySetName("attributemaps"),
            select=("attributemapid", "sourceattributename", "targetattributename"),
            filter=f"_entitymapid_value eq {map_id}",
        )
        for row in client.rows(query):
            column = row["sourceattributename"]
            if column == row["targetattributename"] and column.startswith(f"{solution.publisher.prefix}_"):
                mapping = ColumnMapping.model_construct(source=source, target=target, column=column)
                found[mapping] = UUID(row["attributemapid"])
    return found


def find_table_map(client: Client, source: str, target: str) -> UUID | None:
    """Find the map of a pair of tables; its id differs between environments."""
    query = Query(
        EntitySetName("entitymaps"),
        select=("entitymapid",),
        filter=f"sourceentityname eq {literal(source)} and targetentityname eq {literal(target)}",
    )
    row = next(client.rows(query), None)
    return UUID(row["entitymapid"]) if row else None


def _pairs(mappings: Iterable[ColumnMapping]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((mapping.source, mapping.target) for mapping in mappings))
