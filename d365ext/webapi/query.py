"""Addresses and queries: where a row lives, and which rows are wanted. Pure; opens no connection.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query/overview (query options; their names are
case-sensitive; `$skip`, `$search` and `$format` do not exist), OData 4.0 Part 2 §5.1.1.6 (literals).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

from d365ext.errors import UsageError
from d365ext.names import EntitySetName, RowId

KeyValue = str | int | Decimal | date | datetime | UUID

# Values with one of these cannot be addressed by key, percent-encoded or not
# (learn.microsoft.com/…/data-platform/use-alternate-key-reference-record, the note on special characters).
_NOT_IN_KEYS = frozenset("/<>*%&:\\?+")

_SAFE_IN_VALUE = "(),'/"
_SAFE_IN_STRUCTURE = "(),'/$=;@:"


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of one table, in what order, with which columns.

    `saved_query` (a view's id) and `fetch_xml` come instead of select, filter and orderby. `top` caps the whole answer
    and switches paging off; for the size of a page see `Client.pages`.
    """

    entity_set: EntitySetName
    select: tuple[str, ...] = ()
    filter: str = ""
    orderby: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    top: int | None = None
    count: bool = False
    apply: str | None = None
    saved_query: UUID | str | None = None
    fetch_xml: str | None = None

    def path(self) -> str:
        """Give the path below `/api/data/v9.2/`, percent-encoded.

        >>> Query(EntitySetName("accounts"), select=("name",), filter=f"name eq {literal('Öljy & Vesi')}").path()
        "accounts?$select=name&$filter=name%20eq%20'%C3%96ljy%20%26%20Vesi'"
        """
        options: dict[str, str] = {
            "savedQuery": str(self.saved_query) if self.saved_query else "",
            "fetchXml": quote(self.fetch_xml or "", safe=""),
            "$apply": quote(self.apply or "", safe=_SAFE_IN_STRUCTURE),
            "$select": ",".join(self.select),
            "$expand": quote(",".join(self.expand), safe=_SAFE_IN_STRUCTURE),
            "$filter": quote(self.filter, safe=_SAFE_IN_VALUE),
            "$orderby": quote(",".join(self.orderby), safe=_SAFE_IN_STRUCTURE),
            "$top": "" if self.top is None else str(self.top),
            "$count": "true" if self.count else "",
        }
        written = "&".join(f"{name}={value}" for name, value in options.items() if value)
        return f"{self.entity_set}?{written}" if written else str(self.entity_set)


def literal(value: KeyValue | bool | None) -> str:  # noqa: FBT001 (a value, not a switch)
    """Write a value as it stands in `$filter` or in a key; not percent-encoded.

    >>> literal("O'Brien"), literal(None), literal(True), literal(Decimal("10.50"))
    ("'O''Brien'", 'null', 'true', '10.50')

    Errors:  ValueError for a datetime without an offset.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case Decimal():
            return format(value, "f")
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()
        case int() | UUID():
            return str(value)


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no offset; make it UTC")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def row_address(entity_set: EntitySetName | str, row_id: RowId | UUID | str) -> str:
    """Say where a row lives.

    >>> row_address("accounts", "2E451703-C0FE-4D0B-9C4E-0123456789AB")
    'accounts(2e451703-c0fe-4d0b-9c4e-0123456789ab)'

    Errors:  ValueError if `row_id` is no GUID.
    """
    return f"{entity_set}({UUID(str(row_id))})"


def key_address(entity_set: EntitySetName | str, key: Mapping[str, KeyValue]) -> str:
    """Say where a row lives by an alternate key: every column of it, by name.

    >>> key_address("contacts", {"firstname": "Åke", "emailaddress1": "o'b@example.com"})
    "contacts(firstname='%C3%85ke',emailaddress1='o''b%40example.com')"

    Errors:  UsageError for a value with one of `/ < > * % & : \\ ? +`: the service cannot address it.
    Source:  learn.microsoft.com/power-apps/developer/data-platform/use-alternate-key-reference-record
    """
    for column, value in key.items():
        bad = sorted(_NOT_IN_KEYS & set(value)) if isinstance(value, str) else []
        if bad:
            raise UsageError(
                f"{entity_set} cannot be addressed by {column} = {value!r}: Dataverse allows no {' '.join(bad)} there.",
                hint="Find the row with a filter and use its id.",
            )
    parts = [f"{column}={quote(literal(value), safe=_KEY_SAFE)}" for column, value in key.items()]
    return f"{entity_set}({','.join(parts)})"


_KEY_SAFE = "':"  # a moment's colons belong to it; those of a text were refused above


def bind(entity_set: EntitySetName | str, row_id: RowId | UUID | str) -> str:
    """Write a row as the value of `…@odata.bind`.

    >>> bind("accounts", "2e451703-c0fe-4d0b-9c4e-0123456789ab")
    '/accounts(2e451703-c0fe-4d0b-9c4e-0123456789ab)'
    """
    return f"/{row_address(entity_set, row_id)}"


def select_option(select: Sequence[str], expand: str = "") -> str:
    """Write the options of a single row's address, with the question mark; empty if there are none.

    >>> select_option(["name"], "primarycontactid($select=fullname)")
    '?$select=name&$expand=primarycontactid($select=fullname)'
    """
    options = [f"$select={','.join(select)}"] if select else []
    if expand:
        options.append(f"$expand={quote(expand, safe=_SAFE_IN_STRUCTURE)}")
    return "?" + "&".join(options) if options else ""
