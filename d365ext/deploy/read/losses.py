"""Counts what a removal would lose, and who else still needs the publisher.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query/count-rows ($count stops at 5,000).
"""

from __future__ import annotations

from uuid import UUID

from d365ext.deploy.removal import EMPTY
from d365ext.errors import Forbidden
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query
from d365ext.webapi.tabledefs import column_address, read_definition, table_address

_COUNT_STOPS_AT = 5_000


def count_loss(client: Client, table: str, column: str) -> str:
    """Say how many rows a table has, or how many of them have something in a column."""
    definition = read_definition(client, f"{table_address(table)}?$select=EntitySetName,PrimaryIdAttribute")
    if definition is None:
        return ""
    value = f"{_property(client, table, column)} ne null" if column else ""
    query = Query(
        EntitySetName(definition["EntitySetName"]),
        select=(definition["PrimaryIdAttribute"],),
        filter=value,
        count=True,
    )
    try:
        page = next(client.pages(query, page_rows=1))
    except Forbidden:
        return "how much cannot be told: no right to read the table"
    count = page.count or 0
    if not count:
        return EMPTY
    many = f"{count} or more" if count >= _COUNT_STOPS_AT else str(count)
    return f"{many} rows have a value" if column else f"{many} rows"


def _property(client: Client, table: str, column: str) -> str:
    """Name the property of a column in a query: a lookup's is `_x_value`."""
    definition = read_definition(client, f"{column_address(table, column)}?$select=AttributeType") or {}
    return f"_{column}_value" if definition.get("AttributeType") == "Lookup" else column


def is_last_solution(client: Client, publisher_id: UUID | None, solution_id: UUID | None) -> bool:
    """Say whether no other solution has this publisher."""
    if publisher_id is None:
        return False
    query = Query(EntitySetName("solutions"), select=("solutionid",), filter=f"_publisherid_value eq {publisher_id}")
    return all(UUID(row["solutionid"]) == solution_id for row in client.rows(query))
