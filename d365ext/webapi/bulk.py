"""CreateMultiple, UpdateMultiple, UpsertMultiple: many rows of one table in one message, all or none.

Source: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations (`Targets`, `@odata.type` on each;
"any error rolls back all" for standard tables; `Ids` in the order of the input).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from d365ext.errors import Rejected, UsageError
from d365ext.names import EntitySetName, LogicalName, RowId
from d365ext.webapi.client import Client

_NAMESPACE = "Microsoft.Dynamics.CRM"


def create_multiple(
    client: Client,
    into: EntitySetName | str,
    table: LogicalName | str,
    rows: Sequence[Mapping[str, Any]],
    *,
    repeatable: bool = False,
) -> list[RowId]:
    """Create `rows`, all or none, and give their ids.

    Shape:   rows n ≥ 0 → n ids in the same order.
    Effects: one POST (none for no rows); not sent again after a lost reply unless `repeatable`.
    Errors:  as `Client.create`; one bad row refuses all, and the platform need not say which.
    """
    if not rows:
        return []
    answer = client.invoke(f"{into}/{_NAMESPACE}.CreateMultiple", _targets(table, rows), repeatable=repeatable)
    ids = [RowId(UUID(found)) for found in answer.get("Ids", [])]
    if len(ids) != len(rows):
        raise Rejected(f"CreateMultiple gave {len(ids)} ids for {len(rows)} rows.", method="POST", path=str(into))
    return ids


def update_multiple(
    client: Client, into: EntitySetName | str, table: LogicalName | str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Change `rows`, all or none; each names its primary id and the columns that change, each id once.

    Effects: one POST (none for no rows); safe to repeat, and repeated after a lost reply.
    Errors:  RowNotFound and others as `Client.update`; UsageError if an id comes twice (the platform would drop one).
    """
    if not rows:
        return
    ids = [str(row[f"{table}id"]).lower() for row in rows if f"{table}id" in row]
    if len(set(ids)) != len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise UsageError(f"{table} {twice} stands twice in one UpdateMultiple; the platform would drop the second.")
    client.invoke(f"{into}/{_NAMESPACE}.UpdateMultiple", _targets(table, rows), repeatable=True)


def upsert_multiple(
    client: Client, into: EntitySetName | str, table: LogicalName | str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Change or create `rows`, all or none; each names its primary id, or `@odata.id` with its key.

    Columns of the key stay out of the row's body: creating would fail (0x80040216).
    Effects: one POST (none for no rows); safe to repeat, and repeated after a lost reply.
    Source:  also github.com/microsoft/PowerPlatform-DataverseClient-Python pull request 127 (key columns in the body).
    """
    if rows:
        client.invoke(f"{into}/{_NAMESPACE}.UpsertMultiple", _targets(table, rows), repeatable=True)


def _targets(table: LogicalName | str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Targets": [{"@odata.type": f"{_NAMESPACE}.{table}", **row} for row in rows]}
