"""CreateMultiple, UpdateMultiple and UpsertMultiple: many rows of one table in one transaction, all or none.

Owns the form of `Targets` and its documented oddities. Must not know how rows are stored: `rows.py` writes them.

Source: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations
- every item must have `@odata.type`; all items are of one table; "All operations roll back on error" on standard
  tables, with one error that names no item (inferred: nothing says that it does);
- CreateMultiple answers 200 with `Ids` in the order of the items, UpdateMultiple and UpsertMultiple 204;
- UpdateMultiple: the primary key in each item, alternate keys aren't supported; of items with the same id "only the
  first is applied";
- UpsertMultiple: `@odata.id` or the primary key says which row; the same row twice is an error;
- DeleteMultiple is "available only for elastic tables"; there are none here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from d365ext.emulator.odata.action_parameters import set_bound
from d365ext.emulator.problems import UNEXPECTED, Problem
from d365ext.emulator.routes import Target
from d365ext.emulator.rows import payload, rows
from d365ext.emulator.rows.addresses import find_referenced
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_TYPE = "Microsoft.Dynamics.CRM."


def create_multiple(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST {set}/Microsoft.Dynamics.CRM.CreateMultiple`."""
    table = set_bound(target, request)
    values = [_values(session, table, item, request) for item in _targets(table, body)]
    ids = rows.create_many(session, table, values)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    return Response.json({"@odata.context": context, "Ids": ids})


def update_multiple(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST {set}/Microsoft.Dynamics.CRM.UpdateMultiple`."""
    table = set_bound(target, request)
    done: set[str] = set()
    for item in _targets(table, body):
        row_id = _own_id(table, item)
        if row_id is None:
            raise Problem.payload(
                f"Every target of UpdateMultiple needs its primary key '{table.primary_id}'; "
                "alternate keys are not supported."
            )
        if row_id in done:
            continue
        done.add(row_id)
        rows.update(session, table, row_id, _values(session, table, item, request))
    return Response.empty()


def upsert_multiple(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST {set}/Microsoft.Dynamics.CRM.UpsertMultiple`.

    A key column repeated in the item is accepted where the row exists and refused with 0x80040216 where it does not.
    Source: microsoft/PowerPlatform-DataverseClient-Python pull request 127 (seen by the SDK's authors, 2026-02).
    """
    table = set_bound(target, request)
    done: set[tuple[Any, ...]] = set()
    new: list[Mapping[str, Any]] = []
    for item in _targets(table, body):
        row_id, key = _addressed(session, table, item)
        identity = (row_id,) if row_id is not None else tuple(sorted(key.items(), key=lambda pair: pair[0]))
        if identity in done:
            raise Problem(412, "0x80040237", "Cannot insert duplicate key: a row is addressed twice in Targets.")
        done.add(identity)
        values = _values(session, table, item, request)
        if row_id is not None and rows.find(session, table, row_id) is not None:
            rows.update(session, table, row_id, {name: value for name, value in values.items() if name not in key})
        elif key.keys() & values.keys():
            raise Problem(400, UNEXPECTED, "An unexpected error occurred.")
        else:
            own = {table.primary_id: row_id} if row_id is not None else {}
            new.append({**values, **key, **own})
    rows.create_many(session, table, new)
    return Response.empty()


def delete_multiple(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Refuse `DeleteMultiple`: every table here is a standard table."""
    raise Problem(
        400,
        "0x80040800",
        f"The 'DeleteMultiple' method does not support entities of type '{target.table.logical}': it is available "
        "only for elastic tables. Use the BulkDelete action.",
    )


def _targets(table: Table, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    targets = body.get("Targets")
    if not isinstance(targets, list):
        raise Problem.payload("The parameter 'Targets' must be a list of rows.")
    unknown = body.keys() - {"Targets"}
    if unknown:
        raise Problem.payload(f"The parameter '{min(unknown)}' is not a parameter of this action.")
    for item in targets:
        if not isinstance(item, dict):
            raise Problem.payload("Every item of 'Targets' must be a JSON object.")
        stated = item.get("@odata.type")
        if not isinstance(stated, str):
            raise Problem.payload("Every item of 'Targets' needs the property '@odata.type'.")
        if stated.removeprefix("#") != _TYPE + table.logical:
            raise Problem.payload(f"The type '{stated}' of an item of 'Targets' is not '{_TYPE}{table.logical}'.")
        yield item


def _values(session: Session, table: Table, item: Mapping[str, Any], request: Request) -> dict[str, Any]:
    values, nested = payload.read(session, table, item, request)
    if nested:
        raise Problem.not_implemented("rows inside the rows of a bulk message")
    return values


def _own_id(table: Table, item: Mapping[str, Any]) -> str | None:
    stated = item.get(table.primary_id)
    if stated is None:
        return None
    try:
        return str(UUID(stated))
    except (ValueError, AttributeError, TypeError):
        raise Problem.payload(f"'{stated}' is not a valid id for '{table.primary_id}'.") from None


def _addressed(session: Session, table: Table, item: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Give the id of the row an item of UpsertMultiple means, if known, and the key columns that address it."""
    reference = item.get("@odata.id")
    if reference is None:
        row_id = _own_id(table, item)
        if row_id is None:
            raise Problem.payload(f"Every target of UpsertMultiple needs '@odata.id' or '{table.primary_id}'.")
        return row_id, {}
    if not isinstance(reference, str):
        raise Problem.payload("'@odata.id' must be the address of a row.")
    return find_referenced(session, table, reference)
