"""Create, update and delete rows: validation, system columns, names, money, and cascades.

Values are in Web API JSON form by *logical column name* (payload.py has turned binds and `_x_value` into them):
    text, number (int, float or Decimal), bool, "YYYY-MM-DDTHH:MM:SSZ", choice int, multi-choice "1,2", guid text,
    lookup: LookupValue(table, id) or None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .schema import Table
from .session import Session


def create(session: Session, table: Table, values: Mapping[str, Any], *, by_system: bool = False) -> str:
    """Create a row; give its id. `by_system` also accepts columns that are not valid for create (statecode …)."""
    raise NotImplementedError


def create_many(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], *, by_system: bool = False
) -> list[str]:
    """Create rows in order, all or none; give their ids."""
    raise NotImplementedError


def update(session: Session, table: Table, row_id: str, changes: Mapping[str, Any], *, by_system: bool = False) -> None:
    """Change columns of a row; 404 if it is not there. `by_system` also accepts read-only columns."""
    raise NotImplementedError


def delete(session: Session, table: Table, row_id: str) -> None:
    """Delete a row, with what its relationships' delete behaviour says; 404 if it is not there."""
    raise NotImplementedError


def find(session: Session, table: Table, row_id: str) -> dict[str, Any] | None:
    """Give the stored values of a row by SQL column name (money still × 10⁴), or None."""
    raise NotImplementedError


def find_by_key(session: Session, table: Table, key: Mapping[str, Any]) -> str | None:
    """Give the id of the row with these column values (stored form), or None."""
    raise NotImplementedError


def etag(version: int) -> str:
    """Give the ETag of a row version."""
    return f'W/"{version}"'
