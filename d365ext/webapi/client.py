"""The client: rows, queries and messages of one environment.

Owns the common headers, addresses relative to `/api/data/v9.2/` and paging. Never sends anything to another origin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from d365ext.errors import DuplicateKey, RowNotFound
from d365ext.names import EntitySetName, RowId
from d365ext.settings import Settings
from d365ext.webapi import faults
from d365ext.webapi.auth import AuthorisedTransport, Prompt, token_source
from d365ext.webapi.codec import to_json
from d365ext.webapi.paging import Page, pages_of, prefer
from d365ext.webapi.query import Query, row_address, select_option
from d365ext.webapi.retry import Clock, Patience, RetryingTransport, SystemClock, Traffic
from d365ext.webapi.transport import Reply, Request, RequestsTransport, open_session

Json = Any
Row = dict[str, Any]
"""Column logical name (or annotation) → value; numbers with a fraction are Decimal."""

API = "/api/data/v9.2/"
__all__ = ["API", "Client", "Json", "Page", "Row", "chosen_id", "connect"]

# Source of both: learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors.
_ALWAYS = {
    "Accept": "application/json",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
    "If-None-Match": "null",
}
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_ROW_OF_LINK = re.compile(r"\(([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\)$")


def connect(settings: Settings, *, prompt: Prompt | None = None, clock: Clock | None = None) -> Client:
    """Make a client of the environment that `settings` name. Nothing is sent yet.

    `prompt` is called with the text that a person must see to sign in (device code, interactive).
    `clock` lets a caller stop the waiting: its `sleep` may raise.

    Errors:  SettingsError if a certificate cannot be read.
    """
    clock = clock or SystemClock()
    session = open_session(settings.url, parallel=settings.parallel)
    wire = RequestsTransport(session, settings.url, connect_timeout_s=settings.connect_timeout_s)
    source = token_source(settings, prompt=prompt)
    signed = wire if source is None else AuthorisedTransport(wire, source)
    patient = RetryingTransport(signed, Patience(total_s=settings.retry_total_s), clock=clock)
    return Client(
        patient,
        settings.url,
        read_timeout_s=settings.read_timeout_s,
        page_rows=settings.page_rows,
        close=session.close,
    )


class Client:
    """Speaks to one environment; threads may share it.

    Errors of every method that sends: ServiceProtection, ServiceUnavailable and ConnectionFailed once `retry_total_s`
    is used up (or at once where repeating is unsafe), Unauthorized, Forbidden, Rejected. Others are named there.
    """

    def __init__(
        self,
        transport: RetryingTransport,
        url: str,
        *,
        read_timeout_s: float = 120.0,
        page_rows: int = 5000,
        close: Callable[[], None] | None = None,
    ) -> None:
        self.url = url
        self.page_rows = page_rows
        self.transport = transport
        self._read_timeout_s = read_timeout_s
        self._close = close

    @property
    def traffic(self) -> Traffic:
        """What was sent so far."""
        return self.transport.traffic

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        if self._close is not None:
            self._close()

    # ------------------------------------------------------------ the wire

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> Reply:
        """Send one request and wait for its success.

        `path` is relative to `/api/data/v9.2/`, or a whole link of the same origin (a nextLink, an OData-EntityId),
        which is sent verbatim. `repeatable` as in `Request`. A header given here wins over the common ones.

        Errors:  RowNotFound, RowChanged, DuplicateKey, DeltaExpired by what the service says;
                 Rejected if a link leads to another origin: the token must not go there.
        """
        payload = to_json(json) if json is not None else body
        common = dict(_ALWAYS)
        if json is not None:
            common["Content-Type"] = "application/json"
        request = Request(method, self.path(path), {**common, **(headers or {})}, payload, repeatable)
        return self.transport.send(request, timeout_s=self._read_timeout_s)

    def path(self, path: str) -> str:
        """Give the path to send: below `/api/data/v9.2/`, or that of a whole link of the same origin, verbatim.

        Errors:  Rejected if a link leads to another origin: the token must not go there.
        """
        if path.startswith("/"):
            return path
        found = _ORIGIN.match(path)
        if found is None:
            return API + path
        if found[0].lower() != self.url or not path[found.end() :].startswith("/"):
            raise faults.foreign_link(path, self.url)
        return path[found.end() :]

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Json:
        """Read JSON; numbers with a fraction are Decimal. Errors: RowNotFound."""
        return self.send("GET", path, headers=headers).json()

    # ------------------------------------------------------------ reading

    def retrieve(self, address: str, *, select: Sequence[str] = (), expand: str = "", annotations: bool = False) -> Row:
        """Read one row (`row_address`, `key_address`, or the address of a definition).

        Errors:  RowNotFound.
        """
        row: Row = self.get(address + select_option(select, expand), headers=prefer(annotations=annotations))
        return row

    def pages(self, query: Query | str, *, page_rows: int | None = None, annotations: bool = False) -> Iterator[Page]:
        """Read page after page, each when it is asked for.

        Shape:   a query, or a path, → one or more pages (the last may be empty).
        Units:   page_rows 1..5000; default: the settings'.
        Effects: one GET a page; links are followed verbatim. FetchXML has no links: its paging cookie is used.
        """
        return pages_of(self, query, page_rows=page_rows or self.page_rows, annotations=annotations)

    def rows(self, query: Query | str, *, page_rows: int | None = None, annotations: bool = False) -> Iterator[Row]:
        """Read row after row, a page at a time."""
        for page in self.pages(query, page_rows=page_rows, annotations=annotations):
            yield from page.rows

    def call(self, function_path: str) -> Row:
        """Call a function, e.g. `WhoAmI()`. Errors: RowNotFound if there is no such function."""
        row: Row = self.get(function_path)
        return row

    # ------------------------------------------------------------ writing

    def create(self, into: EntitySetName | str, row: Mapping[str, Any], *, solution: str | None = None) -> RowId:
        """Create a row and give its id.

        A row that brings its own id may be sent again after a lost reply; if it is found to be there then, it is done.

        Errors:  DuplicateKey if a row with that id or alternate key is there already.
        Source:  …/webapi/create-entity-web-api (204 and `OData-EntityId`).
        """
        chosen = chosen_id(into, row)
        try:
            reply = self.send(
                "POST", into, json=row, headers=_solution(solution), repeatable=True if chosen is not None else None
            )
        except DuplicateKey as clash:
            if chosen is None or not clash.after_lost_reply:
                raise
            column, row_id = chosen
            try:
                self.retrieve(row_address(into, row_id), select=[column])
            except RowNotFound:
                raise clash from None  # another row holds the key; ours was never written
            return row_id
        found = _ROW_OF_LINK.search(reply.headers.get("OData-EntityId", ""))
        if found is None:
            raise faults.no_id(reply.request, reply)
        return RowId(UUID(found[1]))

    def update(self, address: str, changes: Mapping[str, Any], *, etag: str = "*", solution: str | None = None) -> None:
        """Change columns of a row that is there.

        `etag` of the row as it was read guards against a change in between; `*` only against creating it.

        Errors:  RowNotFound; RowChanged if `etag` no longer holds; DuplicateKey.
        Source:  …/webapi/perform-conditional-operations-using-web-api (`If-Match`).
        """
        self.send("PATCH", address, json=changes, headers={"If-Match": etag, **_solution(solution)})

    def upsert(self, address: str, row: Mapping[str, Any], *, solution: str | None = None) -> None:
        """Change the row at `address`, or create it there. Leave the columns of the key out of `row`.

        Errors:  DuplicateKey.
        Source:  …/data-platform/use-upsert-insert-update-record
        """
        self.send("PATCH", address, json=row, headers=_solution(solution))

    def delete(self, address: str, *, etag: str | None = None, solution: str | None = None) -> None:
        """Delete a row or a definition.

        Errors:  RowNotFound (not after a lost reply: then it is done); RowChanged if `etag` no longer holds.
        """
        guard = {} if etag is None else {"If-Match": etag}
        self.send("DELETE", address, headers={**guard, **_solution(solution)})

    def invoke(self, action: str, body: Mapping[str, Any] | None = None, *, repeatable: bool = False) -> Row:
        """Carry out an action, e.g. `WinOpportunity`; {} if it answers nothing.

        `repeatable` says that doing it twice is as good as once.
        """
        reply = self.send("POST", action, json=body or {}, repeatable=repeatable)
        row: Row = reply.json() if reply.body else {}
        return row


def chosen_id(into: EntitySetName | str, row: Mapping[str, Any]) -> tuple[str, RowId] | None:
    """Find the primary id that a new row brings: column and value.

    A table's id column is its logical name and `id`; a lookup would be written `…@odata.bind`, so a bare GUID under a
    name that fits the entity set is the id. The last letter may differ: opportunit(y|ies).

    >>> chosen_id("opportunities", {"name": "x", "opportunityid": "2e451703-c0fe-4d0b-9c4e-0123456789ab"})
    ('opportunityid', UUID('2e451703-c0fe-4d0b-9c4e-0123456789ab'))
    """
    for column, value in row.items():
        stem = column.removesuffix("id")
        if stem and stem != column and str(into).lower().startswith(stem[:-1]):
            try:
                return column, RowId(UUID(str(value)))
            except ValueError:
                continue
    return None


def _solution(unique_name: str | None) -> dict[str, str]:
    """Name the solution that a component goes into.

    Source:  learn.microsoft.com/power-apps/developer/data-platform/optional-parameters (`MSCRM.SolutionUniqueName`).
    """
    return {} if unique_name is None else {"MSCRM.SolutionUniqueName": unique_name}
