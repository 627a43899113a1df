"""`$ref`: associate and disassociate rows through navigation properties.

Source: learn.microsoft.com/…/webapi/associate-disassociate-entities-using-web-api: POST nav/$ref adds to a collection,
PUT nav/$ref sets a single-valued one, DELETE nav/$ref clears it, DELETE nav(<id>)/$ref or nav/$ref?$id=<address> takes
out of a collection; the body is {"@odata.id": "<address>"}; all answer 204.
"""

from __future__ import annotations

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows import writes as row_writes
from d365ext.emulator.rows.addresses import row_of
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Relationship, Table
from d365ext.emulator.web.http import Request, Response


def write(
    session: Session, table: Table, row_id: str, nav: str, request: Request, child: str | None = None
) -> Response:
    """Answer POST, PUT or DELETE of accounts(id)/nav/$ref, or DELETE of accounts(id)/nav(child)/$ref."""
    if not rows.exists(session, table.logical, row_id):
        raise Problem.no_row(table.logical, row_id)
    single = table.many_to_one.get(nav)
    if single is not None:
        _write_single(session, table, row_id, single, request)
    else:
        _write_collection(session, table, row_id, nav, request, child)
    return Response.empty()


def _write_single(session: Session, table: Table, row_id: str, relationship: Relationship, request: Request) -> None:
    match request.method:
        case "PUT":
            target = _named(session, request)
            allowed = {relationship.referenced_table, *(("systemuser", "team") if _is_owner(relationship) else ())}
            if target.table not in allowed:
                raise Problem.payload(f"'{relationship.lookup_nav}' does not lead to rows of '{target.table}'.")
            rows.update(session, table, row_id, {relationship.referencing_column: target})
        case "DELETE":
            rows.update(session, table, row_id, {relationship.referencing_column: None})
        case method:
            raise Problem.wrong_method(method, f"'{relationship.lookup_nav}' is single-valued, use PUT or DELETE")


def _is_owner(relationship: Relationship) -> bool:
    return relationship.referenced_table == "owner"


def _write_collection(
    session: Session, table: Table, row_id: str, nav: str, request: Request, child: str | None
) -> None:
    navigation = table.one_to_many.get(nav) or table.many_to_many[nav]
    other = row_writes.other_end(table, nav, navigation)
    match request.method:
        case "POST" if child is None:
            row_writes.associate(session, table, row_id, nav, _expected(other, _named(session, request)))
        case "DELETE":
            address = request.options.get("$id")
            if child is None and address is None:
                raise Problem.query("Say which row to take out: nav(<id>)/$ref or nav/$ref?$id=<address>.")
            target = LookupValue(other, child) if child is not None else _at(session, address or "")
            row_writes.disassociate(session, table, row_id, nav, _expected(other, target))
        case method:
            raise Problem.wrong_method(method, f"'{nav}' is a collection, use POST or DELETE")


def _expected(table: str, target: LookupValue) -> LookupValue:
    if target.table != table:
        raise Problem.payload(f"The collection holds rows of '{table}', not of '{target.table}'.")
    return target


def _named(session: Session, request: Request) -> LookupValue:
    address = request.json_object().get("@odata.id")
    if not isinstance(address, str):
        raise Problem.payload("The body must be an object with the property '@odata.id', the address of a row.")
    return _at(session, address)


def _at(session: Session, address: str) -> LookupValue:
    table, row_id = row_of(session, address)
    return LookupValue(table.logical, row_id)
