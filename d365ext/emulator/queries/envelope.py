"""What stands around rows in an answer: counts, links, annotations of the whole, the headers that echo preferences.

Owns these few; every kind of query uses them. Must not know how rows are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.queries.formatted import DEFINITIONS_VERSION, PREFERENCE, TOTAL_COUNT, TOTAL_EXCEEDED, Annotations
from d365ext.emulator.queries.paging import PAGE_ROWS_MAX
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request


def whole_annotations(session: Session, annotations: Annotations) -> dict[str, Any]:
    """Give the annotations of an answer as a whole.

    Source: powerapps-docs …/webapi/compose-http-requests-handle-errors.md names globalmetadataversion; that it is a
    text is inferred.
    """
    if not annotations.has(DEFINITIONS_VERSION):
        return {}
    return {f"@{DEFINITIONS_VERSION}": str(session.schema.version)}


def count_annotations(counted: int | None, annotations: Annotations) -> dict[str, Any]:
    """Give @odata.count, capped, and what says that it is.

    Source: powerapps-docs …/webapi/query/count-rows.md: 5,000 at most; -1 where no count was asked for.
    """
    found: dict[str, Any] = {}
    if counted is not None:
        found["@odata.count"] = min(counted, PAGE_ROWS_MAX)
    if annotations.has(TOTAL_COUNT):
        found[f"@{TOTAL_COUNT}"] = -1 if counted is None else min(counted, PAGE_ROWS_MAX)
    if annotations.has(TOTAL_EXCEEDED):
        found[f"@{TOTAL_EXCEEDED}"] = counted is not None and counted > PAGE_ROWS_MAX
    return found


def address(request: Request, table: Table, row_id: str) -> str:
    """Give the address of a row: …/accounts(<id>)."""
    return f"{request.root}{table.entity_set}({row_id})"


def next_link(request: Request, token: str) -> str:
    """Give the link to the next page: the request itself with another $skiptoken."""
    kept = [part for part in request.query.split("&") if part and not part.startswith(("$skiptoken=", "%24skiptoken="))]
    query = "&".join([*kept, f"$skiptoken={token}"]).replace(" ", "%20")  # a part of a batch may come with bare spaces
    return f"{request.origin}{request.path}?{query}"


def preference_applied(request: Request) -> Mapping[str, str]:
    """Echo the preferences that were followed. Source: the samples of powerapps-docs …/webapi/query/page-results.md."""
    applied = []
    for name in ("odata.maxpagesize", PREFERENCE):
        value = request.preferences.get(name)
        if value is not None:
            applied.append(f'{name}="{value}"' if name == PREFERENCE else f"{name}={value}")
    return {"Preference-Applied": ",".join(applied)} if applied else {}
