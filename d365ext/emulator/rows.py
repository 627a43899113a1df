"""Create, update and delete rows: checks, system columns, money, hooks, and the SQL that writes.

Values come by *logical column name* in Web API JSON form (payload.py has resolved binds):
    text, number (int, float or Decimal), bool, "YYYY-MM-DDTHH:MM:SSZ", choice int, multi-choice "1,2", guid text,
    lookup: LookupValue(table, id) or None.
Must not know HTTP. Every write takes a new version number, so that change tracking and ETags see it.

Sources: error code table: RequiredFieldMissing 0x80040200, DuplicateRecord 0x80040237 and DuplicateRecordEntityKey
0x80060892 (both HTTP 412, data-plane.md §2.3). A column that is not valid for create or update is ignored when it is
sent anyway (DynamicsValue/fake-xrm-easy issue 36: statecode on Create "doesn't throw any exceptions, in fact, it's
ignored"; powerupwithazure.blogspot.com 2026-05: createdon, createdby, modifiedon "Ignored"); the setting
`read_only_columns` plays the other way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import cascade, currency, customers, numbering, row_defaults, security
from .problems import Problem
from .routes import resolve
from .row_plan import Plan, plan_of
from .schema import TYPE_SUFFIX, Column, Table
from .session import Session
from .storage import key_index, quoted
from .values import NOT_AN_OPTION, LookupValue

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
        _refuse_message(table, "Create")
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
        _check_types(session, plan, wanted, for_create=False)
        for hook in plan.before:
            resolve(hook)(session, table, row_id, wanted)
    row = _stored(session, plan, wanted, for_create=False, by_system=by_system)
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
        _refuse_message(table, "Delete")
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
    _stored(session, plan_of(table), changes, for_create=False, by_system=False)


def find(session: Session, table: Table, row_id: str) -> Row | None:
    """Give the stored values of a row by SQL column name (money still × 10⁴), or None."""
    cursor = session.raw.execute(
        f"select * from {quoted(table.logical)} where {quoted(table.primary_id)} = ?",  # noqa: S608  quoted names
        (row_id,),
    )
    found = cursor.fetchone()
    if found is None:
        return None
    return dict(zip((each[0] for each in cursor.description), found, strict=True))


def exists(session: Session, table: str, row_id: str) -> bool:
    """Say whether the row is there; remembers for the session that it is."""
    if (table, row_id) in session.known:
        return True
    primary = session.schema.table(table).primary_id
    found = session.raw.execute(
        f"select 1 from {quoted(table)} where {quoted(primary)} = ?",  # noqa: S608  quoted names
        (row_id,),
    ).fetchone()
    if found is not None:
        session.known.add((table, row_id))
    return found is not None


def find_by_key(session: Session, table: Table, key: Mapping[str, Any]) -> str | None:
    """Give the id of the row with these values (JSON form) in the columns of an alternate key, or None.

    Inferred: text is compared without regard to case, as everywhere in Dataverse.
    """
    plan = plan_of(table)
    tests, values = [], []
    for name, value in key.items():
        stored = _converted(plan, name, value)
        if stored is None:
            return None
        is_text = isinstance(stored, str) and not plan.columns[name].is_lookup
        tests.append(f"d365_fold({quoted(name)}) = d365_fold(?)" if is_text else f"{quoted(name)} = ?")
        values.append(stored.id if isinstance(stored, LookupValue) else stored)
    found = session.raw.execute(
        f"select {quoted(table.primary_id)} from {quoted(table.logical)} where {' and '.join(tests)}",  # noqa: S608
        values,
    ).fetchone()
    return None if found is None else str(found[0])


def etag(version: int) -> str:
    """Give the ETag of a row version."""
    return f'W/"{version}"'


_NOT_CREATED = frozenset({"activitypointer", "organization", "owner", "privilege", "sdkmessage", "sdkmessagefilter"})
"""Tables whose rows come and go by other ways. Source: the "Messages" of their pages in the table reference."""


def _refuse_message(table: Table, message: str) -> None:
    if table.logical in _NOT_CREATED or table.is_intersect:
        raise Problem(
            400,
            "0x80040800",
            f"The '{message}' method does not support entities of type '{table.logical}'. MessageProcessorCache "
            "returned MessageProcessor.Empty.",
        )


def _new_row(session: Session, plan: Plan, values: Mapping[str, Any], *, by_system: bool) -> Row:
    if plan.before and not by_system:
        values = dict(values)
        _check_types(session, plan, values, for_create=True)
        for hook in plan.before:
            resolve(hook)(session, plan.table, None, values)
    if not by_system:
        _require_links(session, plan, values)
    row = _stored(session, plan, values, for_create=True, by_system=by_system)
    for name in plan.needed if not by_system else ():
        if row.get(name) is None and name != plan.table.primary_id:
            raise _missing(plan, name)
    customers.follow(plan, row, row)
    row_defaults.on_create(session, plan, row)
    numbering.on_create(session, plan, row)
    currency.on_create(session, plan, row)
    return row


def _check_types(session: Session, plan: Plan, values: Mapping[str, Any], *, for_create: bool) -> None:
    """Let hooks see only values of the right type. What is no option of a choice they may refuse in their own words."""
    try:
        _stored(session, plan, values, for_create=for_create, by_system=False)
    except Problem as problem:
        if problem.code != NOT_AN_OPTION:
            raise


def _require_links(session: Session, plan: Plan, values: Mapping[str, Any]) -> None:
    """Refuse what the caller may not link; an owner is not a link."""
    if not security.is_restricted(session):
        return
    for name, value in values.items():
        if isinstance(value, LookupValue) and name != "ownerid":
            security.require_link(session, plan.table, session.schema.table(value.table))


def _stored(session: Session, plan: Plan, values: Mapping[str, Any], *, for_create: bool, by_system: bool) -> Row:
    """Check and convert what a client sends; leave out what it may not write."""
    row: Row = {}
    for name, value in values.items():
        column = plan.columns.get(name)
        if column is None:
            raise Problem.undeclared_property(name, plan.table.logical)
        if not (by_system or (column.valid_for_create if for_create else column.valid_for_update)):
            if session.settings.read_only_columns == "refuse" and name != plan.table.primary_id:
                raise _read_only(plan, column, for_create=for_create)
            continue
        if value is None:
            if name in plan.required and not for_create:
                raise _missing(plan, name)
            stored = None
        else:
            stored = plan.converters[name](value)
        if isinstance(stored, LookupValue):
            if not exists(session, stored.table, stored.id):
                raise Problem.no_row(stored.table, stored.id)
            row[name] = stored.id
            if column.is_polymorphic:
                row[name + TYPE_SUFFIX] = stored.table
        else:
            row[name] = stored
            if column.is_polymorphic:
                row[name + TYPE_SUFFIX] = None
    return row


def _converted(plan: Plan, name: str, value: Any) -> Any:
    column = plan.columns.get(name)
    if column is None:
        raise Problem.undeclared_property(name, plan.table.logical)
    return None if value is None else plan.converters[name](value)


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


def _missing(plan: Plan, name: str) -> Problem:
    return Problem(400, "0x80040200", f"The required field '{name}' of '{plan.table.logical}' is missing.")


def _read_only(plan: Plan, column: Column, *, for_create: bool) -> Problem:
    what = "create" if for_create else "update"
    return Problem(
        400, "0x80040203", f"The column '{column.logical}' of '{plan.table.logical}' is not valid for {what}."
    )
