"""From a stored row back to values that `rows.py` accepts: what copies, mappings and merges carry from row to row."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.store.schema import TYPE_SUFFIX, Column, ColumnType, Table

_NEVER_COPIED = frozenset({"statecode", "statuscode", "overriddencreatedon", "importsequencenumber"})


def value_of(column: Column, row: Mapping[str, Any]) -> Any:
    """Give the value of a column in a row as stored, or None."""
    stored = row.get(column.logical)
    if stored is None:
        return None
    if column.is_lookup:
        table = row[column.logical + TYPE_SUFFIX] if column.is_polymorphic else column.targets[0]
        return LookupValue(table, stored)
    match column.type:
        case ColumnType.MONEY | ColumnType.DECIMAL:
            return Decimal(stored).scaleb(-column.scale)
        case ColumnType.BOOLEAN | ColumnType.MANAGED_PROPERTY:
            return bool(stored)
    return stored


def copy_of(table: Table, row: Mapping[str, Any], *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Give what a copy of a row would be made from: every writable column that has a value, but for id and state."""
    left_out = _NEVER_COPIED | without | {table.primary_id}
    copied: dict[str, Any] = {}
    for column in table.stored:
        if (column.valid_for_create or column.valid_for_update) and column.logical not in left_out:
            value = value_of(column, row)
            if value is not None:
                copied[column.logical] = value
    return copied
