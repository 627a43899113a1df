"""Answer GETs for rows: a collection, its count, its references, one row, one property.

Owns the JSON around rows: context, count, links, annotations of the whole, headers.

For whoever dispatches (app.py):
    collection(session, table, request, parent=None) -> Response     GET /accounts?…   GET /accounts(id)/nav?…
    count(session, table, request, parent=None) -> Response          GET …/$count
    references(session, table, request, parent=None) -> Response     GET …/nav/$ref of a collection-valued navigation
    single(session, table, row_id, request) -> Response              GET /accounts(id)?…   GET /accounts(id)/lookup?…
    reference(session, table, row_id, request) -> Response           GET …/lookup/$ref of a single-valued navigation
    value_of(session, table, row_id, name, request, raw=False) -> Response   GET /accounts(id)/name[/$value]
A POST or PATCH with return=representation calls `single(…)` and changes the status.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from d365ext.emulator.fetchxml import predefined
from d365ext.emulator.odata.ast import Compare, Expand, Literal, Path
from d365ext.emulator.odata.navigation_sql import Collection
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import apply, expand
from d365ext.emulator.queries.envelope import (
    address,
    count_annotations,
    next_link,
    preference_applied,
    whole_annotations,
)
from d365ext.emulator.queries.formatted import Annotations
from d365ext.emulator.queries.paging import PAGE_ROWS_MAX
from d365ext.emulator.queries.query_options import (
    PREDEFINED,
    QueryOptions,
    read_collection_options,
    read_single_options,
)
from d365ext.emulator.queries.row_query import RowQuery, Within
from d365ext.emulator.queries.shape import ETAG
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ManyToMany, Relationship, Table
from d365ext.emulator.web.http import Request, Response

__all__ = ["Parent", "address", "collection", "count", "reference", "references", "single", "value_of"]

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Parent:
    """The row whose collection is asked for: accounts(id)/contact_customer_accounts."""

    table: Table
    row_id: str
    nav: str  # its collection-valued navigation property
    navigation: Relationship | ManyToMany


def collection(session: Session, table: Table, request: Request, parent: Parent | None = None) -> Response:
    """Answer a collection of rows of `table`, whole options; savedQuery, userQuery, fetchXml and $apply included."""
    within = _within(table, parent)
    if any(name in request.options for name in PREDEFINED):
        return predefined.answer(session, table, request, within)
    options = read_collection_options(request)
    annotations = Annotations.of(request)
    if "$apply" in request.options:
        return apply.answer(session, table, request, within)
    expansion = expand.plan(session, table, options, request)
    query = RowQuery(session, table, expansion.options, annotations, within, expansion.needs)
    page = query.page()
    expansion.fill(page, annotations)
    payload: dict[str, Any] = {"@odata.context": context(request, table, options)}
    payload |= whole_annotations(session, annotations)
    payload |= count_annotations(query.count() if options.count else None, annotations)
    payload["value"] = page.rows
    if page.next_token is not None:
        payload["@odata.nextLink"] = next_link(request, page.next_token)
    return Response.json(payload, headers=preference_applied(request))


def _within(table: Table, parent: Parent | None) -> Within | None:
    if parent is None:
        return None
    return Within(Collection(parent.table, parent.nav, table, parent.navigation), parent.row_id)


def count(session: Session, table: Table, request: Request, parent: Parent | None = None) -> Response:
    """Answer …/$count: text, at most 5,000, after a byte order mark.

    Source: powerapps-docs …/webapi/query/count-rows.md and …/webapi/retrieve-entity-using-web-api.md, whose sample has
    the mark; the cap is documented for $count=true and inferred for the segment.
    """
    options = read_collection_options(request)
    wrong = [name for name in request.options if name not in ("$filter",) and not name.startswith("@")]
    if wrong:
        raise Problem.query(f"The query option '{wrong[0]}' can't be used with /$count.")
    found = RowQuery(session, table, options, within=_within(table, parent)).count()
    return Response.text(f"{_BOM}{min(found, PAGE_ROWS_MAX)}")


def references(session: Session, table: Table, request: Request, parent: Parent | None = None) -> Response:
    """Answer …/$ref of a collection: {"value":[{"@odata.id": …}]}."""
    options = replace(read_collection_options(request), select=(), expand=())
    page = RowQuery(session, table, options, within=_within(table, parent)).page()
    payload: dict[str, Any] = {
        "@odata.context": f"{request.root}$metadata#Collection($ref)",
        "value": [{"@odata.id": address(request, table, row[table.primary_id])} for row in page.rows],
    }
    if page.next_token is not None:
        payload["@odata.nextLink"] = next_link(request, page.next_token)
    return Response.json(payload, headers=preference_applied(request))


def single(session: Session, table: Table, row_id: str, request: Request) -> Response:
    """Answer one row with $select and $expand and its ETag header; 404 if it is not there, 304 if it is unchanged.

    Source: powerapps-docs …/webapi/perform-conditional-operations-using-web-api.md: If-None-Match with an ETag gives
    304, but never where annotations are asked for; …/compose-http-requests-handle-errors.md: `null` means nothing.
    """
    options = read_single_options(request)
    annotations = Annotations.of(request)
    expansion = expand.plan(session, table, options, request)
    by_id = Compare("eq", Path((table.primary_id,)), Literal(row_id))
    narrowed = replace(expansion.options, filter=by_id, page_rows=1)
    page = RowQuery(session, table, narrowed, annotations, None, expansion.needs).page()
    if not page.rows:
        raise Problem.no_row(table.logical, row_id)
    row = page.rows[0]
    headers = {"ETag": row[ETAG]} if ETAG in row else {}
    known = request.headers.get("if-none-match")
    if request.method == "GET" and known is not None and known == row.get(ETAG) and not annotations.wanted:
        return Response.empty(status=304, headers=headers)
    expansion.fill(page, annotations)
    payload = {"@odata.context": context(request, table, options) + "/$entity"}
    return Response.json(
        payload | whole_annotations(session, annotations) | row, headers={**headers, **preference_applied(request)}
    )


def reference(session: Session, table: Table, row_id: str, request: Request) -> Response:
    """Answer …/lookup/$ref: {"@odata.context": …, "@odata.id": …}."""
    del session
    payload = {"@odata.context": f"{request.root}$metadata#$ref", "@odata.id": address(request, table, row_id)}
    return Response.json(payload)


def value_of(
    session: Session, table: Table, row_id: str, name: str, request: Request, *, raw: bool = False
) -> Response:
    """Answer one property: {"@odata.context": …, "value": …}, as text if `raw`, 204 if it is null.

    Source: powerapps-docs …/webapi/retrieve-entity-using-web-api.md, "Retrieve specific properties"; 204 and $value:
    OData 4.0 part 1, 11.2.3.
    """
    options = QueryOptions(
        select=(name,), filter=Compare("eq", Path((table.primary_id,)), Literal(row_id)), page_rows=1
    )
    page = RowQuery(session, table, options, Annotations.of(request)).page()
    if not page.rows:
        raise Problem.no_row(table.logical, row_id)
    row = page.rows[0]
    if row[name] is None:
        return Response.empty()
    if raw:
        value = row[name]
        text = ("true" if value else "false") if isinstance(value, bool) else _plain(value)
        return Response.text(text)
    payload = {"@odata.context": f"{request.root}$metadata#{table.entity_set}({row_id})/{name}"}
    payload |= {key[len(name) :]: value for key, value in row.items() if key.startswith(f"{name}@")}
    return Response.json({**payload, "value": row[name]}, headers=preference_applied(request))


def _plain(value: Any) -> bytes:
    answer = Response.json(value).body
    return str(value).encode() if isinstance(value, str) else answer


def context(request: Request, table: Table, options: QueryOptions) -> str:
    """Give @odata.context: …$metadata#accounts(name,primarycontactid(fullname)).

    Source: the samples of powerapps-docs …/webapi/query/join-tables.md.
    """
    return f"{request.root}$metadata#{table.entity_set}{_listed(options.select, options.expand)}"


def _listed(select: tuple[str, ...] | None, items: tuple[Expand, ...], empty: str = "") -> str:
    names = [*(select or ())]
    for item in items:
        nav = item.path.text
        names.append(f"{nav},{nav}/$ref()" if item.is_reference else f"{nav}{_listed(item.select, item.expand, '()')}")
    return f"({','.join(names)})" if names else empty
