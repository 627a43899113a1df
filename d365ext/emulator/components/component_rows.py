"""What every write of a component row shares: its solution, its labels, its unpublished version.

Owns the hooks that all component tables have; what one kind of component must be is checked by its own module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import components, labels, publishing
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

_TABLE_OF = {
    "savedquery": "returnedtypecode",
    "systemform": "objecttypecode",
    "savedqueryvisualization": "primaryentitytypecode",
}


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Refuse to change what came with a managed solution and is not customizable.

    Source: metadata-plane.md §9.3; CannotUpdateBecauseItIsReadOnly 0x8004022e [which code is inferred].
    """
    if row_id is None:
        return
    row = rows.find(session, table, row_id) or {}
    if row.get("ismanaged") and row.get("iscustomizable") == 0:
        raise Problem(400, "0x8004022e", f"The object cannot be updated because it is read-only: {table.logical}.")


def after_write(session: Session, table: Table, row_id: str, operation: str, changes: Mapping[str, Any]) -> None:
    """Put the component into the solution that the request names; clear up after a deleted one."""
    if operation == "delete":
        components.remove_everywhere(session, row_id)
        labels.forget(session, row_id)
        publishing.forget(session, table, row_id)
        return
    if session.solution:
        solution = components.find_solution(session, session.solution)
        components.record(
            session, solution, components.ROW_TYPES[table.logical], row_id, _owner(session, table, row_id)
        )


def _owner(session: Session, table: Table, row_id: str) -> str | None:
    """Give the table that the component is a subcomponent of, if it is of one."""
    column = _TABLE_OF.get(table.logical)
    if column is None:
        return None
    name = (rows.find(session, table, row_id) or {}).get(column)
    return str(name) if name in session.schema.tables else None


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """Refuse to delete what came with a managed solution.

    Source: CannotDeleteMetadata 0x8004F032; a row's canbedeleted managed property says the same.
    """
    row = rows.find(session, table, row_id) or {}
    if row.get("ismanaged") or row.get("canbedeleted") == 0:
        raise Problem(
            400,
            "0x8004F032",
            f"The 'Delete' operation on the current component(name='{row.get('name')}', id='{row_id}') failed during "
            "managed property evaluation of condition: 'Managed Property Name: canbedeleted; Component is managed'",
        )
