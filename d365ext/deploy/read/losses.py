"""Counts what a removal would lose, all of it in one request; and who else still needs the publisher.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query/count-rows ($count stops at 5,000).
"""

from __future__ import annotations

from uuid import UUID

from d365ext.deploy.environment import Environment
from d365ext.deploy.removal import EMPTY
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client, Json
from d365ext.webapi.components import read_many
from d365ext.webapi.query import Query

_COUNT_STOPS_AT = 5_000

Losses = dict[tuple[str, str], str]
"""By table and column: what is lost with the column; with the column "": what is lost with the table."""


def count_losses(client: Client, environment: Environment, prefix: str) -> Losses:
    """Count the rows of our tables, and the rows of others that have something in a column of ours.

    Errors:  Forbidden if a table may not be read: what would be lost must be told.
    """
    filters: dict[tuple[str, str], str] = {}
    lookups = {(each.what.table, each.what.lookup) for each in environment.relationships.values()}
    for name in environment.tables:
        if name.startswith(prefix):
            filters[name, ""] = ""
    for table, column in [*lookups, *environment.columns]:
        if table in environment.tables and not table.startswith(prefix):
            value = f"_{column}_value" if (table, column) in lookups else column
            filters[table, column] = f"{value} ne null"
    paths = [_count(environment, table, condition) for (table, _), condition in filters.items()]
    answers = read_many(client, paths, headers={"Prefer": "odata.maxpagesize=1"})
    return {what: _told(answer, column=what[1]) for what, answer in zip(filters, answers, strict=True)}


def _count(environment: Environment, table: str, condition: str) -> str:
    found = environment.tables[table]
    query = Query(EntitySetName(found.entity_set), select=(found.primary_id,), filter=condition, count=True)
    return query.path()


def _told(answer: Json | None, *, column: str) -> str:
    count = int((answer or {}).get("@odata.count", 0))
    if not count:
        return EMPTY
    many = f"{count} or more" if count >= _COUNT_STOPS_AT else str(count)
    rows = "row" if count == 1 else "rows"
    return f"{many} {rows} with a value" if column else f"{many} {rows}"


def is_last_solution(client: Client, publisher_id: UUID | None, solution_id: UUID | None) -> bool:
    """Say whether no other solution has this publisher."""
    if publisher_id is None:
        return False
    query = Query(EntitySetName("solutions"), select=("solutionid",), filter=f"_publisherid_value eq {publisher_id}")
    return all(UUID(row["solutionid"]) == solution_id for row in client.rows(query))
