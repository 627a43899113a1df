"""What a client may write into a row: known columns, valid values, nothing that must not be empty.

Owns the refusals of values and their turning into stored ones. Must not write.

Sources: error code table, RequiredFieldMissing 0x80040200. A column that is not valid for create or update is ignored
when it is sent anyway (DynamicsValue/fake-xrm-easy issue 36: statecode on Create "doesn't throw any exceptions, in
fact, it's ignored"; powerupwithazure.blogspot.com 2026-05: createdon, createdby, modifiedon "Ignored"); the setting
`read_only_columns` plays the other way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.plan import Plan
from d365ext.emulator.rows.reads import exists
from d365ext.emulator.rows.values import NOT_AN_OPTION, LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, Column, Table

Row = dict[str, Any]

_NOT_CREATED = frozenset({"activitypointer", "organization", "owner", "privilege", "sdkmessage", "sdkmessagefilter"})
"""Tables whose rows come and go by other ways. Source: the "Messages" of their pages in the table reference."""


def refuse_message(table: Table, message: str) -> None:
    if table.logical in _NOT_CREATED or table.is_intersect:
        raise Problem(
            400,
            "0x80040800",
            f"The '{message}' method does not support entities of type '{table.logical}'. MessageProcessorCache "
            "returned MessageProcessor.Empty.",
        )


def stored_values(session: Session, plan: Plan, values: Mapping[str, Any], *, for_create: bool, by_system: bool) -> Row:
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
                raise missing(plan, name)
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


def check_types(session: Session, plan: Plan, values: Mapping[str, Any], *, for_create: bool) -> None:
    """Let hooks see only values of the right type. What is no option of a choice they may refuse in their own words."""
    try:
        stored_values(session, plan, values, for_create=for_create, by_system=False)
    except Problem as problem:
        if problem.code != NOT_AN_OPTION:
            raise


def missing(plan: Plan, name: str) -> Problem:
    return Problem(400, "0x80040200", f"The required field '{name}' of '{plan.table.logical}' is missing.")


def _read_only(plan: Plan, column: Column, *, for_create: bool) -> Problem:
    what = "create" if for_create else "update"
    return Problem(
        400, "0x80040203", f"The column '{column.logical}' of '{plan.table.logical}' is not valid for {what}."
    )
