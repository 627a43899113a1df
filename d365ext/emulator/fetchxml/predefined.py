"""savedQuery=, userQuery= and fetchXml=: a FetchXML query as a collection.

Owns where the XML comes from, which options go with it, its paging and the JSON around its rows.

Source: powerapps-docs …/webapi/retrieve-and-execute-predefined-queries.md (null columns are left out; a saved query
applies to a collection of a row too), …/fetchxml/page-results.md (cookie and morerecords are annotations, absent on the
last page), …/fetchxml/count-rows.md ($count=true). That no other option goes with these three, and that a saved query
with more rows than a page gives a nextLink, is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from d365ext.emulator.fetchxml.output import Selection, select_aggregates, select_plain
from d365ext.emulator.fetchxml.parser import Fetch, parse_fetch, wrong
from d365ext.emulator.fetchxml.sql import Joined, find_table
from d365ext.emulator.odata.navigation_sql import holds
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.aggregates import ROWS_MAX, check_rows, fetch_all
from d365ext.emulator.queries.envelope import count_annotations, next_link, preference_applied, whole_annotations
from d365ext.emulator.queries.formatted import MORE_RECORDS, PAGING_COOKIE, Annotations
from d365ext.emulator.queries.paging import (
    PAGE_ROWS_MAX,
    SIMPLE_ROWS_MAX,
    OrderTerm,
    after,
    inner_cookie,
    order_by,
    outer_cookie,
    read_cookie,
    read_skip_token,
    skip_token,
)
from d365ext.emulator.queries.query_options import PREDEFINED, page_rows, read_truth
from d365ext.emulator.queries.row_query import Within, kind_of
from d365ext.emulator.queries.shape import shape_rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_STORED = {"savedQuery": "savedquery", "userQuery": "userquery"}


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one page, its number, whether more follow, and the cookie of the next page where there can be one."""

    rows: Sequence[Sequence[Any]]
    page: int
    has_more: bool = False
    cookie: str | None = None


def answer(session: Session, table: Table, request: Request, within: Within | None) -> Response:
    """Answer one of the three."""
    fetch, is_stored = _read_fetch(session, request)
    find_table(session, fetch.entity.name)
    if fetch.entity.name != table.logical:
        raise wrong(f"The query is on '{fetch.entity.name}', but '{table.entity_set}' holds rows of '{table.logical}'.")
    if fetch.top is None:
        fetch = replace(fetch, count=min(fetch.count or page_rows(request) or PAGE_ROWS_MAX, PAGE_ROWS_MAX))
    joined = Joined(session, fetch)
    if within is not None:
        joined.where.append(holds(session.schema, within.collection, joined.root.sql, within.row_id))
    selection = select_aggregates(session, joined) if fetch.is_aggregate else select_plain(session, fetch, joined)
    query = PageQuery(session, fetch, joined, selection)
    found = query.page(request.options.get("$skiptoken"))
    counts = fetch.counts_all or read_truth(request.options.get("$count", "false"))
    annotations = Annotations.of(request)
    payload: dict[str, Any] = {"@odata.context": _context(request, table, fetch, selection)}
    payload |= whole_annotations(session, annotations)
    payload |= count_annotations(query.count() if counts else None, annotations)
    payload |= _page_annotations(found, annotations)
    payload["value"] = shape_rows(
        selection.plan, found.rows, session=session, annotations=annotations, without_nulls=True
    )
    if is_stored and found.has_more:
        token = skip_token(found.page, found.cookie or inner_cookie(found.page, (), (), ()))
        payload["@odata.nextLink"] = next_link(request, token)
    return Response.json(payload, headers=preference_applied(request))


def _read_fetch(session: Session, request: Request) -> tuple[Fetch, bool]:
    """Find the XML, from the URL or from the row of a view; say whether it is a stored query."""
    options = request.options
    named = [name for name in PREDEFINED if name in options]
    if len(named) > 1:
        raise Problem.query(f"The query options {' and '.join(named)} can't be used together.")
    name = named[0]
    allowed = {name, "$count"} | ({"$skiptoken"} if name in _STORED else set())
    for option in options:
        if option not in allowed:
            raise Problem.query(f"The query option '{option}' can't be used together with '{name}'.")
    if name not in _STORED:
        return parse_fetch(options[name]), False
    return parse_fetch(_stored_xml(session, session.schema.table(_STORED[name]), options[name])), True


def _stored_xml(session: Session, table: Table, text: str) -> str:
    try:
        row_id = str(UUID(text.strip("{}'")))
    except ValueError as cause:
        raise Problem.query(f"'{text}' is not the id of a row of '{table.logical}'.") from cause
    source = table.sql
    xml = session.conn.execute(sa.select(source.c.fetchxml).where(source.c[table.primary_id] == row_id)).scalar()
    if xml is None:
        raise Problem.no_row(table.logical, row_id)
    return str(xml)


def _context(request: Request, table: Table, fetch: Fetch, selection: Selection) -> str:
    keys = [] if fetch.is_aggregate else [cell.key for cell in selection.cells]
    return f"{request.root}$metadata#{table.entity_set}" + (f"({','.join(keys)})" if keys else "")


def _page_annotations(found: Found, annotations: Annotations) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if found.has_more and found.cookie is not None and annotations.has(PAGING_COOKIE):
        made[f"@{PAGING_COOKIE}"] = outer_cookie(found.page, found.cookie)
    if found.has_more and annotations.has(MORE_RECORDS):
        made[f"@{MORE_RECORDS}"] = True
    return made


class PageQuery:
    """One page of a FetchXML query: by the values of a cookie where the order allows it, else by counting rows off."""

    def __init__(self, session: Session, fetch: Fetch, joined: Joined, selection: Selection) -> None:
        """Work out the order."""
        self._session, self._fetch, self._joined, self._selection = session, fetch, joined, selection
        self._has_cookie = not (fetch.is_aggregate or fetch.is_distinct)
        self._terms = self._aggregate_terms() if fetch.is_aggregate else self._plain_terms()

    def _plain_terms(self) -> list[OrderTerm]:
        """The order asked for, then every table's key, so that no two rows are equal."""
        terms = []
        for element, source in self._joined.orders():
            operand, where = self._joined.order_operand(element, source)
            if where is not self._joined.root:
                self._has_cookie = (
                    False  # "queries sorted using a link-entity attribute may not support paging cookies"
                )
            key = self._joined.sort_key(operand)
            sorted_by = kind_of(operand.column) if key is operand.sql else "number" if _is_rank(key) else "text"
            terms.append(OrderTerm(operand.column.logical, key, element.descending, sorted_by))
        if self._fetch.is_distinct:
            return terms + [OrderTerm(f"column{at}", each) for at, each in enumerate(self._selection.columns)]
        for at, source in enumerate(self._joined.sources):
            name = source.table.primary_id
            terms.append(OrderTerm(f"link{at}.{name}" if at else name, source.sql.c[name], kind="id"))
        return terms

    def _aggregate_terms(self) -> list[OrderTerm]:
        """Source: …/fetchxml/aggregate-data.md, "Grouping": an order of a group is by alias."""
        terms = []
        for element, _ in self._joined.orders():
            name = element.alias or ""
            if name not in self._selection.sortable:
                raise wrong("An order of an aggregate query names the alias of one of its columns.")
            terms.append(OrderTerm(name, self._selection.sortable[name], element.descending))
        return terms + [OrderTerm(f"group{at}", each) for at, each in enumerate(self._selection.groups)]

    def page(self, token: str | None) -> Found:
        """Read the page that the query names, or that a $skiptoken of a stored query does."""
        number, last = self._place(token)
        size = self._fetch.top or self._fetch.count or PAGE_ROWS_MAX
        statement = self._statement()
        if last is not None:
            statement = statement.where(after(self._terms, last))
        elif number > 1:
            if number * size > SIMPLE_ROWS_MAX:
                raise too_deep()
            statement = statement.offset((number - 1) * size)
        rows = fetch_all(self._session, statement.limit(size + 1))
        has_more = len(rows) > size and self._fetch.top is None
        rows = rows[:size]
        if not (has_more and self._has_cookie):
            return Found(rows, number, has_more)
        keys = slice(len(self._selection.columns), None)
        return Found(rows, number, has_more, inner_cookie(number, self._terms, rows[0][keys], rows[-1][keys]))

    def _place(self, token: str | None) -> tuple[int, Sequence[Any] | None]:
        """The number of the page to read, and the row it comes after if a cookie says so."""
        terms = self._terms if self._has_cookie else []
        if token is not None:
            cookie = read_skip_token(token, terms)
            return cookie.page + 1, cookie.last if self._has_cookie else None
        if self._fetch.cookie is None or not self._has_cookie or self._fetch.page == 1:
            return self._fetch.page, None
        cookie = read_cookie(self._fetch.cookie, terms)
        return self._fetch.page, cookie.last if self._fetch.page == cookie.page + 1 else None

    def _statement(self) -> sa.Select[Any]:
        joined, selection = self._joined, self._selection
        extras = [term.sql for term in self._terms] if self._has_cookie else []
        labelled = [column.label(f"c{at}") for at, column in enumerate([*selection.columns, *extras])]
        statement = sa.select(*labelled).select_from(joined.tables).where(*joined.where)
        if self._fetch.is_aggregate:
            check_rows(self._session, joined.tables, joined.where, self._fetch.aggregate_limit or ROWS_MAX)
            statement = statement.group_by(*selection.groups) if selection.groups else statement
        if self._fetch.is_distinct:
            statement = statement.distinct()
        return statement.order_by(*order_by(self._terms))

    def count(self) -> int:
        """Count the rows that match, at most one more than 5,000."""
        rows = self._statement().order_by(None).limit(PAGE_ROWS_MAX + 1).subquery()
        return int(self._session.conn.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one())


def _is_rank(key: sa.ColumnElement[Any]) -> bool:
    return isinstance(key, sa.Case)


def too_deep() -> Problem:
    """Source: OverRetrievalUpperLimitWithoutPagingCookie; …/fetchxml/page-results.md, "Simple paging" (50,000)."""
    return Problem(
        400, "0x8004430A", f"Without a paging cookie at most the first {SIMPLE_ROWS_MAX:,} rows can be retrieved."
    )
