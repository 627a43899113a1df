"""Requests for rows: create, retrieve, update, upsert, delete, one property; with their conditions and answers.

Owns the meaning of methods and of If-Match, If-None-Match and Prefer: return=representation on rows. What a body means
is payload.py's, what is written row_writes.py's and rows.py's, what is read query.py's.

Sources, all under learn.microsoft.com/…/data-platform/: webapi/create-entity-web-api;
webapi/update-delete-entities-using-web-api ("Upsert a table row", "Update a single property value", "Delete a single
property value"); webapi/perform-conditional-operations-using-web-api (texts and statuses of failed conditions);
use-upsert-insert-update-record (steps of an upsert by key: key columns are taken out of the body for an update, and
into it for a create, where values in the body win; the answer echoes the alternate key); optimistic-concurrency.
With `error_codes` "empty" the codes of failed conditions are empty, as that page prints them; live services fill them
(field reports). Inferred: If-Match with a version on a missing row is 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import envelope, query
from d365ext.emulator.queries.query_options import SINGLE, refuse_unknown
from d365ext.emulator.rows import rows
from d365ext.emulator.rows import writes as row_writes
from d365ext.emulator.rows.addresses import Address
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_VERSION = "versionnumber"


def create(session: Session, table: Table, request: Request, also: Mapping[str, Any] | None = None) -> Response:
    """POST accounts: 204 with the address of the new row, or 201 with the row."""
    refuse_unknown(request, SINGLE)
    row_id = row_writes.create_row(session, table, request.json_object(), request, also=also)
    return _written(session, table, row_id, request, created=True)


def retrieve(session: Session, address: Address, request: Request) -> Response:
    """GET accounts(id): the row, or 304 if the client has this version of it."""
    row_id = address.required()
    if security.is_restricted(session) and (row := rows.find(session, address.table, row_id)) is not None:
        security.require(session, address.table, "Read", row)
    return query.single(session, address.table, row_id, request)


def write(session: Session, address: Address, request: Request) -> Response:
    """PATCH accounts(id): update, or create (upsert) unless If-Match forbids it."""
    refuse_unknown(request, SINGLE)
    table = address.table
    body = request.json_object()
    row = rows.find(session, table, address.row_id) if address.row_id is not None else None
    if row is not None:
        _refuse_existing(session, request)
        _check_version(session, address, row, request)
        row_id = str(row[table.primary_id])
        row_writes.update_row(session, table, row_id, body, request, without=address.key)
        return _written(session, table, row_id, request, created=False, address=address)
    if _if_match(request) is not None:
        raise _conditional(session, _missing(address))
    also = dict(address.key) if address.row_id is None else {table.primary_id: address.row_id}
    if address.row_id is not None and table.primary_id in body:
        body = {name: value for name, value in body.items() if name != table.primary_id}
    row_id = row_writes.create_row(session, table, body, request, also=also)
    return _written(session, table, row_id, request, created=True, address=address)


def delete(session: Session, address: Address, request: Request) -> Response:
    """DELETE accounts(id)."""
    refuse_unknown(request, SINGLE)
    row = _present(session, address)
    _check_version(session, address, row, request)
    rows.delete(session, address.table, str(row[address.table.primary_id]))
    return Response.empty()


def write_property(session: Session, address: Address, name: str, request: Request) -> Response:
    """PUT accounts(id)/name {"value": …}, or DELETE accounts(id)/name, which empties it."""
    refuse_unknown(request, SINGLE)
    row = _present(session, address)
    _check_version(session, address, row, request)
    value = None
    if request.method == "PUT":
        body = request.json_object()
        if "value" not in body:
            raise Problem.payload("The body must have the property 'value'.")
        value = body["value"]
    row_id = str(row[address.table.primary_id])
    row_writes.update_row(session, address.table, row_id, {name: value}, request)
    return Response.empty(headers={"OData-EntityId": envelope.address(request, address.table, row_id)})


def _present(session: Session, address: Address) -> dict[str, Any]:
    row = rows.find(session, address.table, address.required())
    if row is None:
        raise _conditional(session, _missing(address)) if address.row_id else _missing(address)
    return row


def _missing(address: Address) -> Problem:
    if address.row_id is None:
        return Problem.no_row_by_key(address.table.logical)
    return Problem.no_row(address.table.logical, address.row_id)


def _if_match(request: Request) -> str | None:
    given = request.headers.get("if-match", "").strip()
    return None if given in ("", "null") else given


def _refuse_existing(session: Session, request: Request) -> None:
    if request.headers.get("if-none-match", "").strip() == "*":
        raise _conditional(session, Problem(412, "0x80040237", "A record with matching key values already exists."))


def _check_version(session: Session, address: Address, row: Mapping[str, Any], request: Request) -> None:
    wanted = _if_match(request)
    if wanted is None or wanted == "*":
        return
    if not address.table.optimistic_concurrency or _VERSION not in row:
        raise Problem(
            400, "0x8006088D", f"Optimistic concurrency isn't enabled for entity type {address.table.logical}."
        )
    if rows.etag(row[_VERSION]) not in [each.strip() for each in wanted.split(",")]:
        raise _conditional(
            session,
            Problem(
                412,
                "0x80060882",
                "The version of the existing record doesn't match the RowVersion property provided.",
            ),
        )


def _conditional(session: Session, problem: Problem) -> Problem:
    if session.settings.error_codes == "empty":
        problem.code = ""
    return problem


def _written(
    session: Session,
    table: Table,
    row_id: str,
    request: Request,
    *,
    created: bool,
    address: Address | None = None,
) -> Response:
    """Answer a write: the address alone, or the row where the client prefers it."""
    if request.preferences.get("return") == "representation":
        response = query.single(session, table, row_id, request if created else _without_expand(request))
        response.status = 201 if created else 200
        applied = response.headers.get("Preference-Applied")
        response.headers["Preference-Applied"] = (
            f"return=representation,{applied}" if applied else "return=representation"
        )
        return response
    link = envelope.address(request, table, row_id)
    if address is not None and address.key:
        link = request.root + _tail(request)
    return Response.empty(headers={"OData-EntityId": link, **({"Location": link} if created else {})})


def _without_expand(request: Request) -> Request:
    """Leave $expand out. Source: the update page, "$expand … is ignored" for PATCH."""
    kept = [part for part in request.query.split("&") if not part.startswith(("$expand=", "%24expand="))]
    return replace(request, query="&".join(kept))


def _tail(request: Request) -> str:
    """Give the path after the service root, as it was sent: an upsert by key answers with the key."""
    return request.path.split("/", 4)[-1]
