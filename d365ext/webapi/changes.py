"""Change tracking: every row once, then what changed since.

Source: learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from d365ext.names import EntitySetName, RowId
from d365ext.webapi import faults
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query
from d365ext.webapi.transport import Reply


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of changes. Either `next_link` (more to come) or `delta_link` (the end: ask it next time) is set.

    `rows` have the selected columns, whether created or changed; numbers with a fraction are text, exact.
    Store a page together with its link; reading goes on from either.
    """

    rows: list[dict[str, Any]]
    deleted: list[RowId]
    next_link: str | None
    delta_link: str | None


def read_changes(
    client: Client,
    entity_set: EntitySetName | str,
    select: Sequence[str],
    *,
    link: str | None = None,
    page_rows: int | None = None,
) -> Iterator[ChangePage]:
    """Read the changes since `link`, page by page; all rows if there is no link.

    `link` is a page's `next_link` or `delta_link`, passed on verbatim.

    Shape:   one or more pages; the last one has the delta link.
    Units:   page_rows 1..5000; default: the settings'.
    Effects: one GET a page, when it is asked for; safe to abandon and to resume from the last link.
    Errors:  DeltaExpired if the link is too old (read everything); Rejected if the table is not tracked;
             Forbidden without organization-level Read.
    """
    # No annotations: with them a delta link was seen missing (github.com/MicrosoftDocs/powerapps-docs/issues/439).
    headers = {"Prefer": f"odata.track-changes,odata.maxpagesize={page_rows or client.page_rows}"}
    asked: str | None = link or Query(EntitySetName(entity_set), select=tuple(select)).path()
    while asked is not None:
        page = _page(client.send("GET", asked, headers=headers))
        yield page
        asked = page.next_link


def _page(reply: Reply) -> ChangePage:
    answer = reply.json(parse_float=str)
    rows: list[dict[str, Any]] = []
    deleted: list[RowId] = []
    for entry in answer["value"]:
        if _is_deleted(entry):
            deleted.append(RowId(UUID(entry["id"])))
        else:
            rows.append(entry)
    next_link, delta_link = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
    if next_link is None and delta_link is None:
        raise faults.no_delta_link(reply.request, reply)
    return ChangePage(rows, deleted, next_link, delta_link)


def _is_deleted(entry: dict[str, Any]) -> bool:
    """Tell a deletion from a row: `{"@odata.context": "…#accounts/$deletedEntity", "id": …, "reason": "deleted"}`.

    A row of a table with columns `id` and `reason` always brings its ETag.
    """
    if str(entry.get("@odata.context", "")).endswith("/$deletedEntity"):
        return True
    return entry.get("reason") == "deleted" and "id" in entry and "@odata.etag" not in entry
