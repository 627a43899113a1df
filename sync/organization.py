"""What a run needs to know of the environment as a whole: who it is, its base currency, and that we may read it all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from d365ext.errors import Forbidden, Rejected
from d365ext.names import EntitySetName
from d365ext.webapi.batch import Operation, Outcome, send_batch
from d365ext.webapi.client import Client
from d365ext.webapi.codec import from_json
from d365ext.webapi.query import Query
from sync.tables import MirrorTable

_UNREADABLE = "0x8004f506"
"""QueryContainedSecuredAttributeWithoutAccess (learn.microsoft.com/…/reference/web-service-error-codes)."""


@dataclass(frozen=True, slots=True)
class Organization:
    """Its id, and its base currency, in which every amount of pch_pipeline is.

    Source:  learn.microsoft.com/…/data-platform/transaction-currency-currency-entity (one base currency, fixed when the
             organization is made).
    """

    id: UUID
    currency: UUID


def read_organization(client: Client, tables: Sequence[MirrorTable]) -> Organization:
    """Ask the environment, and make sure that no column of `tables` is hidden from us.

    A secured column reads as empty for those who may not see it (learn.microsoft.com/…/column-level-security): its
    numbers would silently become zero.

    Effects: one POST $batch; one GET more for each column that is secured.
    Errors:  Forbidden, naming the column.
    """
    who = Query(EntitySetName("organizations"), select=("organizationid", "_basecurrencyid_value")).path()
    asked, secured = send_batch(
        client, [Operation("GET", who), Operation("GET", _secured_path(tables))], repeatable=True
    )
    (row,) = _rows(asked)
    for table, column in _mirrored(tables, _rows(secured)):
        _check_readable(client, table, column)
    return Organization(UUID(row["organizationid"]), UUID(row["_basecurrencyid_value"]))


def _secured_path(tables: Sequence[MirrorTable]) -> str:
    condition = " or ".join(f"LogicalName eq '{table.name}'" for table in tables)
    expand = "Attributes($select=LogicalName;$filter=IsSecured eq true)"
    return (
        f"EntityDefinitions?$select=LogicalName&$filter={quote(condition, safe=chr(39))}"
        f"&$expand={quote(expand, safe='($=;)')}"
    )


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    if outcome.error is not None:
        raise outcome.error
    rows: list[dict[str, Any]] = from_json(outcome.body)["value"]
    return rows


def _mirrored(tables: Sequence[MirrorTable], found: Sequence[dict[str, Any]]) -> Iterator[tuple[MirrorTable, str]]:
    """The secured columns that are mirrored."""
    secured = {row["LogicalName"]: {each["LogicalName"] for each in row["Attributes"]} for row in found}
    for table in tables:
        for column in table.columns:
            if column.name in secured.get(table.name, ()):
                yield table, column.wire


def _check_readable(client: Client, table: MirrorTable, column: str) -> None:
    """Filter on a secured column: the platform refuses that to those who may not read it."""
    query = Query(table.entity_set, select=(table.key,), filter=f"{column} ne null", top=1)
    try:
        list(client.rows(query))
    except (Forbidden, Rejected) as refusal:
        if refusal.status != 403 and refusal.code != _UNREADABLE:
            raise
        raise Forbidden(
            f"The column {column} of {table.name} is secured, and the user of the sync may not read it: "
            f"its values would count as nothing. Nothing was computed.",
            status=refusal.status,
            code=refusal.code,
            request_id=refusal.request_id,
            method=refusal.method,
            path=refusal.path,
            hint="Give the user a column security profile that allows to read it.",
        ) from refusal
