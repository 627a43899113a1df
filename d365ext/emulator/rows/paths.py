"""Paths that begin with an entity set: which row, collection, property, link or bound message they lead to.

Owns the walk along navigation properties and the choice of what answers. Must not read bodies or build queries.

Source: learn.microsoft.com/…/webapi/retrieve-entity-using-web-api ("Retrieve specific properties"), …/query/overview;
OData 4.0 part 2 §4 (addressing). Posting to a collection-valued navigation property creates a related row (OData 4.0
part 1 §11.4.2.2 [inferred for Dataverse]).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from d365ext.emulator import routes
from d365ext.emulator.messages import changes
from d365ext.emulator.odata.ast import Segment
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import query
from d365ext.emulator.queries.query import Parent
from d365ext.emulator.routes import Target
from d365ext.emulator.rows import links, rows
from d365ext.emulator.rows import requests as row_requests
from d365ext.emulator.rows import writes as row_writes
from d365ext.emulator.rows.addresses import Address, locate
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, ManyToMany, Relationship, Table
from d365ext.emulator.web.http import Request, Response


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk has come: a collection (perhaps of a parent), or one row."""

    table: Table
    address: Address | None = None
    parent: Parent | None = None


def answer(session: Session, segments: list[Segment], request: Request) -> Response:
    """Answer a request whose path begins with an entity set."""
    table = session.schema.set(segments[0].name)
    address = None if segments[0].arguments is None else locate(session, table, segments[0])
    place = Place(table, address)
    rest = segments[1:]
    while rest:
        last = _last(session, place, rest, request)
        if last is not None:
            return last
        onward = _step(session, place, rest[0])
        if onward is None:
            return Response.empty() if request.method in ("GET", "HEAD") else _refuse_empty(rest[0])
        place, rest = onward, rest[1:]
    return _collection(session, place, request) if place.address is None else _row(session, place.address, request)


def _refuse_empty(segment: Segment) -> Response:
    raise Problem(404, "0x80060888", f"The navigation property '{segment.name}' leads to no row.")


def _last(session: Session, place: Place, rest: list[Segment], request: Request) -> Response | None:
    """Answer where the next segments end the path; None where the walk goes on."""
    segment, after = rest[0], rest[1:]
    if segment.is_qualified:
        return _bound(session, place, rest, request)
    if place.address is None:
        return _of_collection(session, place, rest, request)
    table = place.table
    nav = (
        table.many_to_one.get(segment.name)
        or table.one_to_many.get(segment.name)
        or table.many_to_many.get(segment.name)
    )
    if nav is not None:
        if after and after[0].name == "$ref" and len(after) == 1:
            return _reference(session, place.address, segment, request)
        return None
    column = table.properties.get(segment.name)
    if column is None or segment.arguments is not None:
        refusal = table.no_property(segment.name)
        raise refusal if refusal.status == 501 else Problem.no_resource(segment.name)
    return _property(session, place.address, segment.name, after, request)


def _of_collection(session: Session, place: Place, rest: list[Segment], request: Request) -> Response:
    if [each.name for each in rest] == ["$count"]:
        _only(request, "GET", "HEAD")
        if place.parent is None and changes.is_tracked(request):
            return changes.count(session, place.table, request)
        return query.count(session, place.table, request, place.parent)
    if [each.name for each in rest] == ["$ref"] and place.parent is None:
        _only(request, "GET", "HEAD")
        return query.references(session, place.table, request)
    raise Problem.no_resource(rest[0].name)


def _property(session: Session, address: Address, name: str, after: list[Segment], request: Request) -> Response:
    raw = [each.name for each in after] == ["$value"]
    if after and not raw:
        raise Problem.no_resource(after[0].name)
    if request.method in ("GET", "HEAD"):
        return query.value_of(session, address.table, address.required(), name, request, raw=raw)
    if request.method in ("PUT", "DELETE") and not raw:
        return row_requests.write_property(session, address, name, request)
    raise Problem.wrong_method(request.method, f"a property is written by PUT and emptied by DELETE ('{name}')")


def _reference(session: Session, address: Address, segment: Segment, request: Request) -> Response:
    """Answer accounts(id)/nav/$ref and accounts(id)/nav(child)/$ref."""
    table, row_id, nav = address.table, address.required(), segment.name
    child = None
    navigation: Relationship | ManyToMany
    if nav not in table.many_to_one:
        navigation = table.one_to_many.get(nav) or table.many_to_many[nav]
        other = session.schema.table(row_writes.other_end(table, nav, navigation))
        if segment.arguments is not None:
            child = locate(session, other, segment).required()
    if request.method not in ("GET", "HEAD"):
        return links.write(session, table, row_id, nav, request, child)
    if nav not in table.many_to_one:
        if child is not None:
            raise Problem.not_implemented("reading the reference of one row of a collection")
        return query.references(session, other, request, Parent(table, row_id, nav, navigation))
    found = _follow(session, address, nav)
    if found is None:
        return Response.empty()
    return query.reference(session, session.schema.table(found.table), found.id, request)


def _step(session: Session, place: Place, segment: Segment) -> Place | None:
    """Follow a navigation property; None where a single-valued one is empty."""
    assert place.address is not None  # noqa: S101  `_last` ends the walk at collections
    table, nav = place.table, segment.name
    if nav in table.many_to_one:
        if segment.arguments is not None:
            raise Problem.no_resource(nav)
        found = _follow(session, place.address, nav)
        if found is None:
            return None
        target = session.schema.table(found.table)
        return Place(target, Address(target, found.id, {}))
    navigation = table.one_to_many.get(nav) or table.many_to_many[nav]
    other = session.schema.table(row_writes.other_end(table, nav, navigation))
    row_id = place.address.required()
    if not rows.exists(session, table.logical, row_id):
        raise Problem.no_row(table.logical, row_id)
    if segment.arguments is None:
        return Place(other, None, Parent(table, row_id, nav, navigation))
    child = locate(session, other, segment)
    if not row_writes.is_associated(session, table, row_id, nav, child.required()):
        raise Problem.no_row(other.logical, child.required())
    return Place(other, child)


def _follow(session: Session, address: Address, nav: str) -> LookupValue | None:
    """Give the row that a single-valued navigation property leads to."""
    table, relationship = address.table, address.table.many_to_one[nav]
    row = rows.find(session, table, address.required())
    if row is None:
        raise Problem.no_row(table.logical, address.required())
    found = row[relationship.referencing_column]
    kind = row.get(relationship.referencing_column + TYPE_SUFFIX, relationship.referenced_table)
    if found is None or relationship.referenced_table not in (kind, "owner"):
        return None
    return LookupValue(relationship.referenced_table, found)


def _collection(session: Session, place: Place, request: Request) -> Response:
    match request.method:
        case "GET" | "HEAD":
            if place.parent is None and changes.is_tracked(request):
                return changes.collection(session, place.table, request)
            return query.collection(session, place.table, request, place.parent)
        case "POST":
            return _create(session, place, request)
    raise Problem.wrong_method(request.method, f"'{place.table.entity_set}' is a collection of rows")


def _create(session: Session, place: Place, request: Request) -> Response:
    parent = place.parent
    if parent is None:
        return row_requests.create(session, place.table, request)
    if isinstance(parent.navigation, Relationship):
        link: Mapping[str, Any] = {
            parent.navigation.referencing_column: LookupValue(parent.table.logical, parent.row_id)
        }
        return row_requests.create(session, place.table, request, also=link)
    raise Problem.not_implemented("creating a row within a many-to-many navigation property")


def _row(session: Session, address: Address, request: Request) -> Response:
    match request.method:
        case "GET" | "HEAD":
            return row_requests.retrieve(session, address, request)
        case "PATCH":
            return row_requests.write(session, address, request)
        case "DELETE":
            return row_requests.delete(session, address, request)
    raise Problem.wrong_method(request.method, "a row is read by GET, written by PATCH and deleted by DELETE")


def _bound(session: Session, place: Place, rest: list[Segment], request: Request) -> Response:
    """Answer accounts/Microsoft.Dynamics.CRM.CreateMultiple, accounts(id)/Microsoft.Dynamics.CRM.SomeFunction(…)."""
    segment = rest[0]
    name = segment.short_name
    if len(rest) > 1:
        raise Problem.not_implemented(f"a path that goes on after '{segment.name}'")
    row_id = None if place.address is None else place.address.required()
    target = Target(place.table, row_id)
    found: Response
    if name in routes.BOUND_ACTIONS:
        if request.method != "POST":
            raise Problem.no_operation(f"{request.origin}{request.path}")
        found = routes.resolve(routes.BOUND_ACTIONS[name])(session, target, request.json_object(), request)
    elif name in routes.BOUND_FUNCTIONS:
        if request.method != "GET":
            raise Problem.no_operation(f"{request.origin}{request.path}")
        found = routes.resolve(routes.BOUND_FUNCTIONS[name])(session, target, segment.named, request)
    elif name in session.schema.tables:
        raise Problem.not_implemented(f"the type cast '{segment.name}'")
    else:
        raise Problem.not_implemented(f"the bound message '{segment.name}'")
    return found


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise Problem.wrong_method(request.method, f"use {methods[0]}")
