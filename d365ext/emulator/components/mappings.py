"""Column mappings: which columns of a row start a new row that is made from it.

Owns the rows of `entitymap`, which come and go with relationships, and the rules for rows of `attributemap`.
Source: metadata-plane.md §8, from powerapps-docs developer/data-platform/customize-entity-attribute-mappings.md,
maker/data-platform/map-entity-fields.md and the 9.0 reference of both tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, ColumnType, Relationship, Table

_BAD_MAP = "0x80046201"


def pair(session: Session, source: str, target: str) -> str | None:
    """Give the entity map from one table to another."""
    found = session.raw.execute(
        "SELECT entitymapid FROM entitymap WHERE sourceentityname = ? AND targetentityname = ?", (source, target)
    ).fetchone()
    return str(found[0]) if found else None


def add_pair(session: Session, source: str, target: str) -> str:
    """Make the entity map of two tables that are now related, if there is none: "valid table maps are created when a
    relationship is created"."""
    there = pair(session, source, target)
    if there is not None:
        return there
    values = {"sourceentityname": source, "targetentityname": target}
    return rows.create(session, session.schema.table("entitymap"), values, by_system=True)


def drop_pair(session: Session, source: str, target: str) -> None:
    """Remove the entity map, and its column maps, of two tables that are related no more."""
    related = any(
        isinstance(each, Relationship) and (each.referenced_table, each.referencing_table) == (source, target)
        for each in session.schema.relationships.values()
    )
    map_id = pair(session, source, target)
    if related or map_id is None:
        return
    found = session.raw.execute("SELECT attributemapid FROM attributemap WHERE entitymapid = ?", (map_id,)).fetchall()
    for (row_id,) in found:
        rows.delete(session, session.schema.table("attributemap"), row_id, by_system=True)
    rows.delete(session, session.schema.table("entitymap"), map_id, by_system=True)


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a column map that is created; a map has no update: its columns are for create only.

    Rules: same type and format; target at least as long; target not yet a target in this map; target can be entered by
    a user; target and source exist; a choice maps to the same global choice or a choice with its values.
    The code for all of these is inferred.
    """
    if row_id is not None:
        raise Problem(405, "0x80060888", f"The {table.logical} table does not support update.")
    if table.logical == "entitymap":
        raise Problem(405, "0x80060888", "The entitymap table does not support create.")
    if changes.get("issystem"):
        raise Problem(400, _BAD_MAP, "Cannot create or delete system attribute map.")
    source_table, target_table, map_id = _tables(session, changes)
    source = _column(source_table, changes.get("sourceattributename"))
    target = _column(target_table, changes.get("targetattributename"))
    if session.raw.execute(
        "SELECT 1 FROM attributemap WHERE entitymapid = ? AND targetattributename = ?", (map_id, target.logical)
    ).fetchone():
        raise _refused(f"{target.logical} is already the target of a map from {source_table.logical}")
    if not target.valid_for_create:
        raise _refused(f"{target.logical} cannot be entered by a user")
    if _family(source) != _family(target):
        raise _refused(f"{source.logical} and {target.logical} are not of the same type")
    if source.max_length and target.max_length and target.max_length < source.max_length:
        raise _refused(f"{target.logical} is shorter than {source.logical}")
    if source.is_lookup and not set(source.targets) & set(target.targets):
        raise _refused(f"{source.logical} and {target.logical} point to different tables")
    _check_format(source, target)


def _tables(session: Session, changes: Mapping[str, Any]) -> tuple[Table, Table, str]:
    bound = changes.get("entitymapid")
    map_id = bound.id if isinstance(bound, LookupValue) else str(bound or "")
    found = session.raw.execute(
        "SELECT sourceentityname, targetentityname FROM entitymap WHERE entitymapid = ?", (map_id,)
    ).fetchone()
    if found is None:
        raise _refused("it belongs to no entity map")
    return session.schema.table(found[0]), session.schema.table(found[1]), map_id


def _column(table: Table, name: object) -> Column:
    found = table.columns.get(str(name or ""))
    if found is None:
        raise _refused(f"{table.logical} has no column {name}")
    return found


def _family(column: Column) -> ColumnType:
    return ColumnType.LOOKUP if column.is_lookup else column.type


def _check_format(source: Column, target: Column) -> None:
    formats = [each.definition.get("Format") for each in (source, target)]
    if source.type is ColumnType.DATETIME and formats[0] != formats[1]:
        raise _refused(f"{source.logical} and {target.logical} have different formats")
    missing = set(source.options) - set(target.options)
    if missing and source.type is not ColumnType.BOOLEAN:
        raise _refused(f"{target.logical} lacks options of {source.logical}: {sorted(missing)}")


def _refused(why: str) -> Problem:
    return Problem(400, _BAD_MAP, f"The attribute map is invalid: {why}.")


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """Refuse to delete a table map or a system map ("Cannot create or delete system attribute map"), or a managed one.

    Source: metadata-plane.md §8; AttributeMapIsManagedException 0x8004F224.
    """
    if table.logical == "entitymap":
        raise Problem(405, "0x80060888", "The entitymap table does not support delete.")
    row = rows.find(session, table, row_id) or {}
    if row.get("issystem"):
        raise Problem(400, _BAD_MAP, f"Cannot create or delete system attribute map {row_id}.")
    if row.get("ismanaged"):
        raise Problem(400, "0x8004F224", f"Cannot delete managed attribute map with Id: {row_id}.")
