"""Create, update and delete rows: checks, system columns, money, hooks, and the SQL that writes.

Values come by *logical column name* in Web API JSON form (payload.py has resolved binds):
    text, number (int, float or Decimal), bool, "YYYY-MM-DDTHH:MM:SSZ", choice int, multi-choice "1,2", guid text,
    lookup: LookupValue(table, id) or None.
Must not know HTTP. Every write takes a new version number, so that change tracking and ETags see it. What may be
written is row_checks.py's matter, reading is row_reads.py's (offered here too, for callers that also write).

Source: error code table: DuplicateRecord 0x80040237 and DuplicateRecordEntityKey 0x80060892 (both HTTP 412,
data-plane.md §2.3).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.routes import resolve
from d365ext.emulator.rows import cascade, currency, customers, numbering
from d365ext.emulator.rows import defaults as row_defaults
from d365ext.emulator.rows.checks import check_types, missing, refuse_message, stored_values
from d365ext.emulator.rows.plan import Plan, plan_of
from d365ext.emulator.rows.reads import etag, exists, find, find_by_key
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, Table
from d365ext.emulator.store.storage import key_index, quoted

__all__ = ["check", "create", "create_many", "delete", "etag", "exists", "find", "find_by_key", "update"]

Row = dict[str, Any]


def create(session: Session, table: Table, values: Mapping[str, Any], *, by_system: bool = False) -> str:
    """Create a row; give its id. `by_system` also accepts columns that are not valid for create (statecode …)."""
    return create_many(session, table, [values], by_system=by_system)[0]


def create_many(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], *, by_system: bool = False
) -> list[str]:
    """Create rows in order, all or none; give their ids."""
    plan = plan_of(table)
    if not by_system:
        refuse_message(table, "Create")
        security.require(session, table, "Create")
    ids: list[str] = []
    waiting: list[Row] = []
    shape: tuple[str, ...] = ()
    version = session.next_version(len(rows))
    for values in rows:
        row = _new_row(session, plan, values, by_system=by_system)
        if "versionnumber" in plan.has:
            row["versionnumber"] = version
            version += 1
        ids.append(row[table.primary_id])
        names = tuple(row)
        if names != shape:
            _insert(session, plan, shape, waiting)
            shape, waiting = names, []
        waiting.append(row)
        session.known.add((table.logical, row[table.primary_id]))
    _insert(session, plan, shape, waiting)
    for hook in plan.after:
        for values, row_id in zip(rows, ids, strict=True):
            resolve(hook)(session, table, row_id, "create", dict(values))
    return ids


def update(session: Session, table: Table, row_id: str, changes: Mapping[str, Any], *, by_system: bool = False) -> None:
    """Change columns of a row; 404 if it is not there. `by_system` also accepts read-only columns."""
    plan = plan_of(table)
    before = find(session, table, row_id)
    if before is None:
        raise Problem.no_row(table.logical, row_id)
    if not by_system:
        security.require(session, table, "Write", before)
        if "ownerid" in changes:
            security.require(session, table, "Assign", before)
    wanted = dict(changes)
    if not by_system:
        _require_links(session, plan, wanted)
    if plan.before and not by_system:
        check_types(session, plan, wanted, for_create=False)
        for hook in plan.before:
            resolve(hook)(session, table, row_id, wanted)
    row = stored_values(session, plan, wanted, for_create=False, by_system=by_system)
    row.pop(table.primary_id, None)
    customers.follow(plan, {**before, **row}, row)
    row_defaults.changed_state(plan, before, row)
    currency.on_update(session, plan, before, row)
    row_defaults.composed(plan, {**before, **row}, row)
    row_defaults.modified(session, plan, row)
    if "ownerid" in row:
        row_defaults.owned(session, plan, row)
    if "versionnumber" in plan.has:
        row["versionnumber"] = session.next_version()
    _write(session, plan, row_id, row)
    if "ownerid" in row and row["ownerid"] != before.get("ownerid"):
        cascade.assigned(session, table, row_id, before, LookupValue(row["ownerid" + TYPE_SUFFIX], row["ownerid"]))
    for hook in plan.after:
        resolve(hook)(session, table, row_id, "update", wanted)


def delete(session: Session, table: Table, row_id: str, *, by_system: bool = False) -> None:
    """Delete a row, with what its relationships' delete behaviour says; 404 if it is not there."""
    if (table.logical, row_id) in session.deleting:
        return
    row = find(session, table, row_id)
    if row is None:
        raise Problem.no_row(table.logical, row_id)
    plan = plan_of(table)
    if not by_system:
        refuse_message(table, "Delete")
        security.require(session, table, "Delete", row)
    for hook in plan.before_delete if not by_system else ():
        resolve(hook)(session, table, row_id)
    session.deleting.add((table.logical, row_id))
    cascade.before_delete(session, table, row_id)
    session.raw.execute(
        f"delete from {quoted(table.logical)} where {quoted(table.primary_id)} = ?",  # noqa: S608  quoted names
        (row_id,),
    )
    session.raw.execute(
        "insert into _deleted values (?, ?, ?, ?)", (table.logical, row_id, session.next_version(), session.now_text)
    )
    session.known.discard((table.logical, row_id))
    session.deleting.discard((table.logical, row_id))
    for hook in plan.after:
        resolve(hook)(session, table, row_id, "delete", {})


def check(session: Session, table: Table, changes: Mapping[str, Any]) -> None:
    """Refuse changes that an update would refuse for their values, without making them."""
    stored_values(session, plan_of(table), changes, for_create=False, by_system=False)


def _new_row(session: Session, plan: Plan, values: Mapping[str, Any], *, by_system: bool) -> Row:
    if plan.before and not by_system:
        values = dict(values)
        check_types(session, plan, values, for_create=True)
        for hook in plan.before:
            resolve(hook)(session, plan.table, None, values)
    if not by_system:
        _require_links(session, plan, values)
    row = stored_values(session, plan, values, for_create=True, by_system=by_system)
    for name in plan.needed if not by_system else ():
        if row.get(name) is None and name != plan.table.primary_id:
            raise missing(plan, name)
    customers.follow(plan, row, row)
    row_defaults.on_create(session, plan, row)
    numbering.on_create(session, plan, row)
    currency.on_create(session, plan, row)
    return row


def _require_links(session: Session, plan: Plan, values: Mapping[str, Any]) -> None:
    """Refuse what the caller may not link; an owner is not a link."""
    if not security.is_restricted(session):
        return
    for name, value in values.items():
        if isinstance(value, LookupValue) and name != "ownerid":
            security.require_link(session, plan.table, session.schema.table(value.table))


def _insert(session: Session, plan: Plan, names: tuple[str, ...], waiting: Iterable[Row]) -> None:
    rows = [tuple(row.values()) for row in waiting]
    if not rows:
        return
    columns = ", ".join(map(quoted, names))
    marks = ", ".join("?" * len(names))
    statement = f"insert into {quoted(plan.table.logical)} ({columns}) values ({marks})"  # noqa: S608  quoted names
    try:
        session.raw.executemany(statement, rows)
    except sqlite3.IntegrityError as error:
        raise _duplicate(plan, error) from error


def _write(session: Session, plan: Plan, row_id: str, row: Row) -> None:
    changes = ", ".join(f"{quoted(name)} = ?" for name in row)
    try:
        session.raw.execute(
            f"update {quoted(plan.table.logical)} set {changes} where {quoted(plan.table.primary_id)} = ?",  # noqa: S608
            (*row.values(), row_id),
        )
    except sqlite3.IntegrityError as error:
        raise _duplicate(plan, error) from error


def _duplicate(plan: Plan, error: sqlite3.IntegrityError) -> Problem:
    """Tell a clash of the primary key from one of an alternate key, by the name of the index."""
    text = str(error)
    for key in plan.table.keys.values():
        if f"'{key_index(plan.table.logical, key.logical)}'" in text:
            columns = ", ".join(key.columns)
            return Problem(
                412,
                "0x80060892",
                f"Entity Key {key.logical} violated. A record with the same value for {columns} already exists. A "
                "duplicate record cannot be created. Select one or more unique values and try again.",
            )
    return Problem(412, "0x80040237", "A record with matching key values already exists.")
