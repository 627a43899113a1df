"""A mirror in memory, filled from rows as the oracle takes them, and its wanted rows as the oracle gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from d365ext.definitions.rollups import Rollups, load_rollups
from d365ext.shipped import shipped
from sync.compile import Run, desired_sql
from sync.mirror import Mirror
from sync.mirror_file import open_mirror
from sync.tables import MirrorTable, SqlType, mirrored_tables

CURRENCY = UUID(int=0xEEE)


@cache
def shipped_rollups() -> Rollups:
    """Load the rollups that come with the program."""
    return load_rollups(shipped("solution") / "rollups.toml")


def a_mirror(rollups: Rollups | None = None, zone: str = "UTC") -> Mirror:
    """Open an empty mirror in memory."""
    tables = mirrored_tables(rollups or shipped_rollups())
    return open_mirror(None, tables, zone=zone, memory_limit="500MB", threads=1)


def on_the_wire(table: MirrorTable, row: Mapping[str, Any]) -> dict[str, Any]:
    """Write a row as a page of changes has it."""
    wire: dict[str, Any] = {}
    for column in table.columns:
        value = row.get(column.name)
        if isinstance(value, datetime):
            value = value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
        elif isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = int(value) if value == value.to_integral_value() else str(value)
        wire[column.wire] = value
    return wire


def fill(mirror: Mirror, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Put rows into the mirror, each table as one whole page."""
    for table in mirror.tables:
        rows = [on_the_wire(table, row) for row in tables.get(table.name, ())]
        mirror.add_page(table, rows, [], link="link", is_whole=True)


def wanted_rows(
    mirror: Mirror, as_of: date, zone: str = "UTC", rollups: Rollups | None = None
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Compute the wanted rows, keyed as the oracle keys them."""
    sql = desired_sql(rollups or shipped_rollups(), Run(as_of, zone, CURRENCY))
    found = mirror.connection.execute(sql)
    names = [column[0] for column in found.description]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for values in found.fetchall():
        row = {
            name: str(value) if isinstance(value, UUID) else value for name, value in zip(names, values, strict=True)
        }
        level, role = row["pch_level"], row["pch_role"]
        ids = [row["pch_contactid"]] if level == 737860001 else [row["pch_partnerid"], row["pch_customerid"]]
        key = (level, role, *(each for each in ids if each is not None))
        assert key not in rows, "a subject has one row"
        rows[key] = row
    return rows


def columns_of(table: MirrorTable, *types: SqlType) -> list[str]:
    """Name the columns of some types."""
    return [column.name for column in table.columns if column.type in types]
