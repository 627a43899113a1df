"""What a row of the files wants that the environment does not have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from d365ext.loader.check import Reference, Row
from d365ext.loader.closing import STATE_COLUMNS, columns_of_closing
from d365ext.loader.shapes import Column, Kind, Table
from d365ext.webapi.query import bind

CREATION = "overriddencreatedon"
"""Written when a row is made and read back as `createdon`.

Source: learn.microsoft.com/power-apps/developer/data-platform/import-data ("overriddencreatedon … createdon")."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What to write to a row that is there, and the columns that differ but can only be set when a row is made."""

    columns: tuple[str, ...] = ()
    too_late: tuple[str, ...] = ()


def read_names(table: Table, rows: list[Row]) -> list[str]:
    """Give the columns to read back for comparing `rows`, as they are called in a row that was read."""
    used = {name: None for row in rows for name in (*row.values, *row.lookups)}
    names = {_read_name(table.columns[name]): None for name in used}
    for name in STATE_COLUMNS:
        if "statecode" in used and name in table.columns:
            names[name] = None
    return list(names)


def _read_name(column: Column) -> str:
    return "createdon" if column.name == CREATION else column.read_name


def compare(row: Row, found: Mapping[str, Any]) -> Difference:
    """Say in which columns `row` differs from the row that was read; its state is not looked at.

    What reaches the row by an action that still has to close it is no difference.
    """
    by_action = columns_of_closing(row) if found.get("statecode") != row.values.get("statecode") else ()
    columns: list[str] = []
    too_late: list[str] = []
    for name, wanted in (*row.values.items(), *row.lookups.items()):
        column = row.table.columns[name]
        if name in (*STATE_COLUMNS, *by_action) or _is_same(column, wanted, found.get(_read_name(column))):
            continue
        (columns if column.can_update else too_late).append(name)
    return Difference(tuple(columns), tuple(too_late))


def _is_same(column: Column, wanted: Any, found: Any) -> bool:
    if found is None:
        return False
    match column.kind:
        case Kind.LOOKUP | Kind.ID:
            return str(wanted.id if isinstance(wanted, Reference) else wanted) == str(found).lower()
        case Kind.MONEY | Kind.DECIMAL:
            return bool(wanted == Decimal(str(found)))
        case Kind.MOMENT:
            return datetime.fromisoformat(wanted) == datetime.fromisoformat(str(found))
        case Kind.CHOICES:
            return set(wanted.split(",")) == set(str(found).split(","))
        case _:
            return bool(wanted == found)


@dataclass(slots=True)
class NewRow:
    """A row to create: `first` goes with its creation, `then` can only be written once it is there."""

    row: Row
    first: list[str] = field(default_factory=list)
    then: list[str] = field(default_factory=list)


def split_for_creation(row: Row, not_there_yet: set[tuple[str, str]]) -> NewRow:
    """Say what of a new row goes when. `not_there_yet`: (table, id) of rows that are created no earlier than this."""
    new = NewRow(row)
    for name in row.values:
        if name == row.table.primary_id or name in STATE_COLUMNS or name in columns_of_closing(row):
            continue
        (new.first if row.table.columns[name].can_create else new.then).append(name)
    for name, reference in row.lookups.items():
        waits = (reference.table, reference.id) in not_there_yet
        (new.then if waits or not row.table.columns[name].can_create else new.first).append(name)
    return new


def payload(row: Row, columns: list[str] | tuple[str, ...], tables: Mapping[str, Table]) -> dict[str, Any]:
    """Write `columns` of a row as the Web API wants them: lookups by their navigation property, bound to a row."""
    body: dict[str, Any] = {row.table.primary_id: row.id}
    for name in columns:
        if name in row.values:
            body[name] = row.values[name]
            continue
        reference = row.lookups[name]
        target = reference.table or ""
        navigation = row.table.columns[name].targets[target]
        body[f"{navigation}@odata.bind"] = bind(tables[target].entity_set, reference.id)
    return body
