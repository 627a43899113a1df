"""Field security: which columns a profile may open.

Owns the checks on writes of fieldpermission rows. Enforcing them on rows is not played (security.py says so).
Source: powerapps-docs developer/data-platform/column-level-security.md (metadata-plane.md §10): cancreate, canread and
canupdate are 4 (allowed) or 0; AttributeNotSecured 0x8004F508, AttributePermissionIsInvalid 0x8004F50E (code table).
"""

from __future__ import annotations

from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

_RIGHTS = {
    "cancreate": "CanBeSecuredForCreate",
    "canread": "CanBeSecuredForRead",
    "canupdate": "CanBeSecuredForUpdate",
}


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a permission that is created or changed."""
    row = {**((rows.find(session, table, row_id) if row_id else None) or {}), **changes}
    target = session.schema.table(str(row.get("entityname") or ""))
    column = target.columns.get(str(row.get("attributelogicalname") or ""))
    if column is None or not column.definition.get("IsSecured"):
        raise Problem(
            400,
            "0x8004F508",
            f"One or more fields are not enabled for field level security: {row.get('attributelogicalname')} of "
            f"{target.logical}. Field level security is not enabled until you publish the customizations.",
        )
    for right, member in _RIGHTS.items():
        if row.get(right) and not column.definition.get(member):
            raise Problem(
                400,
                "0x8004F50E",
                f"Permission '{right}' for field '{column.logical}' with id={row_id} is invalid because '{member}' is "
                "false.",
            )
