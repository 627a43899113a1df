"""What a view must be: its query, its layout, its kind and its state.

Owns the checks on writes of savedquery rows.
Source: powerapps-docs developer/model-driven-apps/customize-entity-views.md (metadata-plane.md §4): required columns,
public views are many, advanced find, associated, quick find and lookup views exist once and are only updated; every
cell is a column of the query. Codes: …/includes/data-service-error-codes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import publishing
from d365ext.emulator.components.xml_text import parse
from d365ext.emulator.fetchxml import columns as fetch_columns
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

PUBLIC = 0


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a view that is created or changed."""
    if row_id is None:
        _check_new(changes)
        check(session, changes)
        return
    row = rows.find(session, table, row_id) or {}
    _check_state(row, changes)
    if {"fetchxml", "layoutxml"} & set(changes):
        check(session, {**row, **publishing.pending(session, table.logical, row_id), **changes})


def _check_new(changes: Mapping[str, Any]) -> None:
    for name in ("name", "returnedtypecode", "fetchxml", "layoutxml", "querytype"):
        if changes.get(name) is None:
            raise Problem(400, "0x80040200", f"The required field '{name}' of 'savedquery' is missing.")
    if changes["querytype"] != PUBLIC:
        # Which code the platform gives is inferred.
        raise Problem(400, "0x8004023b", f"A view of the query type {changes['querytype']} cannot be created.")


def _check_state(row: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Check a change of state: CannotDeactivateDefaultView 0x8004027a, CannotChangeStateOfNonpublicView 0x80040279,
    CannotSetInactiveViewAsDefault 0x8004027b."""
    state = changes.get("statecode")
    if state is not None and state != row.get("statecode"):
        if row.get("querytype") != PUBLIC:
            raise Problem(400, "0x80040279", "Only public views can be deactivated and activated.")
        if state == 1 and row.get("isdefault"):
            raise Problem(400, "0x8004027a", "Default views cannot be deactivated.")
    if changes.get("isdefault") and row.get("statecode") == 1:
        raise Problem(400, "0x8004027b", "Inactive views cannot be set as default view.")


def check(session: Session, view: Mapping[str, Any]) -> None:
    """Check query and layout of a view: both parse, name existing columns, and fit each other.

    Inferred: that the platform refuses a cell that the query does not return.
    """
    found = fetch_columns.read(session, view["fetchxml"], f"the fetchxml of the view {view.get('name')}")
    if found.table.logical != view["returnedtypecode"]:
        raise Problem(
            400,
            "0x80040303",
            f"Malformed FetchXml: the view is of {view['returnedtypecode']}, its query of {found.table.logical}.",
        )
    if not view.get("layoutxml"):
        return
    grid = parse(view["layoutxml"], f"the layoutxml of the view {view.get('name')}", "grid")
    row = grid.find("row")
    if row is None or not row.findall("cell"):
        raise Problem(400, "0x80040201", "Invalid XML: a layoutxml needs a row with at least one cell.")
    for cell in row.findall("cell"):
        name = cell.get("name") or ""
        if name not in found.returned and not (found.returns_all and name in found.table.columns):
            raise Problem(400, "0x80041103", f"The cell '{name}' of the layoutxml is not a column of the view's query.")


def after_write(session: Session, table: Table, row_id: str, operation: str, changes: Mapping[str, Any]) -> None:
    """Let a new default view take the place of the old one: "isdefault picks one"."""
    if operation == "delete" or not changes.get("isdefault"):
        return
    row = rows.find(session, table, row_id) or {}
    others = session.raw.execute(
        "SELECT savedqueryid FROM savedquery WHERE returnedtypecode = ? AND querytype = ? AND isdefault = 1 "
        "AND savedqueryid <> ?",
        (row.get("returnedtypecode"), row.get("querytype"), row_id),
    )
    for (other,) in others.fetchall():
        rows.update(session, table, other, {"isdefault": False}, by_system=True)


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """Refuse to delete what exists once: CannotDeleteCannedView 0x8004022f."""
    row = rows.find(session, table, row_id) or {}
    if row.get("querytype") != PUBLIC or row.get("isdefault"):
        raise Problem(400, "0x8004022f", "System-defined views cannot be deleted.")
