"""Column mappings with our prefix.

Source: learn.microsoft.com/dynamics365/customerengagement/on-premises/developer/entities/attributemap (rows; the map of
a pair of tables is a row of entitymap that comes with their relationship).
"""

from __future__ import annotations

from uuid import UUID

from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import ColumnMapping
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query, literal, row_address


def read_mappings(client: Client, solution: Solution) -> dict[ColumnMapping, UUID]:
    """Read every mapping of a column of ours to the column of the same name."""
    query = Query(
        EntitySetName("attributemaps"),
        select=("attributemapid", "sourceattributename", "targetattributename", "_entitymapid_value"),
        filter=f"startswith(sourceattributename,{literal(f'{solution.publisher.prefix}_')})",
    )
    pairs: dict[str, tuple[str, str]] = {}
    found: dict[ColumnMapping, UUID] = {}
    for row in list(client.rows(query)):
        column, map_id = row["sourceattributename"], row["_entitymapid_value"]
        if column == row["targetattributename"]:
            source, target = pairs.get(map_id) or pairs.setdefault(map_id, _tables_of(client, map_id))
            mapping = ColumnMapping.model_construct(source=source, target=target, column=column)
            found[mapping] = UUID(row["attributemapid"])
    return found


def _tables_of(client: Client, map_id: str) -> tuple[str, str]:
    row = client.retrieve(row_address("entitymaps", map_id), select=["sourceentityname", "targetentityname"])
    return row["sourceentityname"], row["targetentityname"]


def find_table_map(client: Client, source: str, target: str) -> UUID | None:
    """Find the map of a pair of tables; its id differs between environments."""
    query = Query(
        EntitySetName("entitymaps"),
        select=("entitymapid",),
        filter=f"sourceentityname eq {literal(source)} and targetentityname eq {literal(target)}",
    )
    row = next(client.rows(query), None)
    return UUID(row["entitymapid"]) if row else None
