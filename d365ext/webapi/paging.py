"""Page after page: OData's nextLink, followed verbatim, and FetchXML's paging cookie.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results (`odata.maxpagesize`, resent
with each link; with it `$top` is ignored), …/fetchxml/page-results (cookie: URL-decoded twice; no nextLink).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID
from xml.etree.ElementTree import tostring

from defusedxml.ElementTree import ParseError, fromstring

from d365ext.errors import Rejected, UsageError
from d365ext.names import EntitySetName
from d365ext.webapi.query import Query, row_address

if TYPE_CHECKING:
    from d365ext.webapi.client import Client

_MORE = "@Microsoft.Dynamics.CRM.morerecords"
_COOKIE = "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
_TOP = re.compile(r"[?&]\$top=")
_VIEWS = EntitySetName("savedqueries")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows. `count` is the number of all rows if it was asked for (the service stops counting at 5,000)."""

    rows: list[dict[str, Any]]
    count: int | None


def prefer(*, annotations: bool = False, page_rows: int | None = None) -> dict[str, str]:
    """Write the Prefer header; {} if nothing is preferred.

    >>> prefer(annotations=True, page_rows=500)
    {'Prefer': 'odata.include-annotations="*",odata.maxpagesize=500'}
    """
    wanted = ['odata.include-annotations="*"'] if annotations else []
    if page_rows is not None:
        wanted.append(f"odata.maxpagesize={page_rows}")
    return {"Prefer": ",".join(wanted)} if wanted else {}


def pages_of(client: Client, query: Query | str, *, page_rows: int, annotations: bool) -> Iterator[Page]:
    """Read all pages of `query`; see `Client.pages`."""
    if isinstance(query, Query) and query.fetch_xml is not None:
        yield from _fetched(client, query, page_rows, number=1, cookie=None)
        return
    is_view = isinstance(query, Query) and query.saved_query is not None
    # A view is FetchXML inside: without annotations nobody would be told that there is more.
    # A page size and $top exclude each other: with both, $top is ignored.
    has_top = query.top is not None if isinstance(query, Query) else _TOP.search(query) is not None
    headers = prefer(annotations=annotations or is_view, page_rows=None if has_top else page_rows)
    link: str | None = query.path() if isinstance(query, Query) else query
    while link is not None:
        answer = client.get(link, headers=headers)
        yield _page(answer)
        following: str | None = answer.get("@odata.nextLink")
        if following is not None and following == link:
            raise Rejected("A nextLink leads to its own page.", method="GET", path=link, hint="Report it to Microsoft.")
        if following is None and answer.get(_MORE) is True:
            if not (isinstance(query, Query) and query.saved_query is not None):
                raise Rejected("There are more rows, but no link to them.", method="GET", path=link)
            # More to come means that this page was full: its length is the size that the service took.
            size, cookie = len(answer["value"]), answer.get(_COOKIE)
            yield from _fetched(client, _fetch_of_view(client, query), size, number=2, cookie=cookie)
        link = following


def _page(answer: dict[str, Any]) -> Page:
    count = answer.get("@odata.count")
    return Page(rows=answer["value"], count=count if isinstance(count, int) and count >= 0 else None)


def _fetched(client: Client, query: Query, page_rows: int, *, number: int, cookie: str | None) -> Iterator[Page]:
    """Read page `number` of a FetchXML query and those after it."""
    headers = prefer(annotations=True)
    while True:
        asked = replace(query, fetch_xml=_numbered(query.fetch_xml or "", page_rows, number, cookie))
        answer = client.get(asked.path(), headers=headers)
        yield _page(answer)
        if answer.get(_MORE) is not True:
            return
        number, cookie = number + 1, answer.get(_COOKIE)


def _fetch_of_view(client: Client, query: Query) -> Query:
    """Turn a query by view into one by the view's FetchXML."""
    view = client.retrieve(row_address(_VIEWS, UUID(str(query.saved_query))), select=["fetchxml"])
    return Query(query.entity_set, fetch_xml=view["fetchxml"])


def _numbered(fetch_xml: str, page_rows: int, number: int, cookie: str | None) -> str:
    """Write page size, page number and cookie into FetchXML; its own `count` stays, and `top` excludes all of them.

    >>> _numbered('<fetch><entity name="account"/></fetch>', 2, 1, None)
    '<fetch count="2" page="1"><entity name="account" /></fetch>'

    Errors:  UsageError if it is not XML.
    """
    try:
        fetch = fromstring(fetch_xml)
    except ParseError as cause:
        raise UsageError(f"The FetchXML cannot be read: {cause}.") from cause
    if "top" not in fetch.attrib:
        fetch.attrib.setdefault("count", str(page_rows))
        fetch.set("page", str(number))
    if cookie:
        # <cookie pagenumber="2" pagingcookie="…encoded twice…" istracking="False" />
        inner = fromstring(cookie).get("pagingcookie", "")
        fetch.set("paging-cookie", unquote(unquote(inner)))
    written: str = tostring(fetch, encoding="unicode")
    return written
