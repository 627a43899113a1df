"""Rows of `sdkmessage` and `sdkmessagefilter`: which messages a table has, for clients that look before they call.

Source: learn.microsoft.com/…/bulk-operations: a table has CreateMultiple where `sdkmessagefilters` has a row with
`sdkmessageid/name eq 'CreateMultiple' and primaryobjecttypecode eq '<table>'`, else it has not. Inferred: every table
here has all messages; the documentation says so of custom tables and of opportunity only.
"""

from __future__ import annotations

from collections.abc import Iterable

from d365ext.emulator.documents.documents import fixed_id
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

MESSAGES = ("Create", "CreateMultiple", "Delete", "Retrieve", "RetrieveMultiple", "Update", "UpdateMultiple")


def plant(session: Session) -> None:
    """Create the messages, and the filters of all tables that there are."""
    messages = [{"sdkmessageid": _id(name), "name": name, "isprivate": False} for name in MESSAGES]
    rows.create_many(session, session.schema.table("sdkmessage"), messages, by_system=True)
    add_filters(session, session.schema.tables.values())


def add_filters(session: Session, tables: Iterable[Table]) -> None:
    """Create the filters of tables."""
    filters = [
        {
            "sdkmessagefilterid": fixed_id("row", "sdkmessagefilter", name, table.logical),
            "primaryobjecttypecode": table.logical,
            "sdkmessageid": LookupValue("sdkmessage", _id(name)),
        }
        for table in tables
        if not table.is_intersect
        for name in MESSAGES
    ]
    rows.create_many(session, session.schema.table("sdkmessagefilter"), filters, by_system=True)


def _id(name: str) -> str:
    return fixed_id("row", "sdkmessage", name)
