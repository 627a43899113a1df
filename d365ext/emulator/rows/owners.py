"""The table `owner`: one row for every user and team, so that `ownerid` can be followed like any lookup.

Source: learn.microsoft.com/…/webapi/reference/owner: "Group of undeleted system users and undeleted teams. Owners can
be used to control access to specific objects"; properties ownerid, name, yominame, ownertypecode, versionnumber.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table


def after_write(session: Session, table: Table, row_id: str, operation: str, changes: Mapping[str, Any]) -> None:
    """Keep the owner row of a user or team in step with it."""
    del changes
    if operation == "delete":
        session.raw.execute("delete from owner where ownerid = ?", (row_id,))
        return
    source = f"select ?1, {table.primary_name}, ?2, ?3 from {table.logical} where {table.primary_id} = ?1"  # noqa: S608
    session.raw.execute(
        f"insert into owner (ownerid, name, ownertypecode, versionnumber) {source}"
        " on conflict (ownerid) do update set name = excluded.name, versionnumber = excluded.versionnumber",
        (row_id, table.logical, session.next_version()),
    )
