"""The privileges of the standard tables: which rights each has, and what they are called.

Source: learn.microsoft.com/power-apps/developer/data-platform/security-roles#table-privileges-by-table and the table
references' messages (prv<Right><Name>; the name is the schema name but for those below; all activities share one set:
"prvReadActivity"). Ids are our own: the platform's differ by privilege and are looked up by name in any case.
"""

from __future__ import annotations

from d365ext.emulator.documents.documents import Document, fixed_id

_RIGHTS = ("Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo")
_OWNED_ONLY = frozenset({"Assign", "Share"})
_NAMES = {
    "systemuser": "User",
    "salesorder": "Order",
    "savedquery": "Query",
    "systemform": "SystemForm",
    "opportunityclose": "Activity",
    "quoteclose": "Activity",
    "orderclose": "Activity",
    "activitypointer": "Activity",
    "savedqueryvisualization": "SavedQueryVisualizations",
}


def standard_privileges(logical: str, schema: str, ownership: str) -> list[Document]:
    """Give the SecurityPrivilegeMetadata documents of a standard table."""
    is_owned = ownership == "UserOwned"
    made = []
    for right in _RIGHTS:
        if right in _OWNED_ONLY and not is_owned:
            continue
        name = f"prv{right}{_NAMES.get(logical, schema)}"
        made.append(
            {
                "CanBeBasic": is_owned,
                "CanBeDeep": is_owned,
                "CanBeGlobal": True,
                "CanBeLocal": is_owned,
                "CanBeEntityReference": False,
                "CanBeParentEntityReference": False,
                "Name": name,
                "PrivilegeId": fixed_id("privilege", name),
                "PrivilegeType": right,
            }
        )
    return made
