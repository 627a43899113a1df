"""Rows named in the parameters of actions: `{"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": "…"}`.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/use-web-api-actions ("Specify table type
parameter": `@odata.type` and the primary key); `@odata.id` is accepted as in function parameters (inferred).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.addresses import row_of
from d365ext.emulator.rows.values import LookupValue, to_guid
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

_TYPE = "Microsoft.Dynamics.CRM."


def read_reference(session: Session, body: Mapping[str, Any], name: str) -> LookupValue:
    """Read a required row parameter; 400 if it names no row of a known table. The row need not be there."""
    found = optional_reference(session, body, name)
    if found is None:
        raise Problem.payload(f"The parameter '{name}' must name a row.")
    return found


def optional_reference(session: Session, body: Mapping[str, Any], name: str) -> LookupValue | None:
    """Read a row parameter that may be left out or null."""
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Problem.payload(f"The parameter '{name}' must be an object that names a row.")
    address = given.get("@odata.id")
    if isinstance(address, str):
        addressed, row_id = row_of(session, address)
        return LookupValue(addressed.logical, row_id)
    table_name = str(given.get("@odata.type", "")).removeprefix("#").removeprefix(_TYPE)
    table = session.schema.tables.get(table_name) or _table_by_key(session, given)
    if table is None or table.primary_id not in given:
        raise Problem.payload(f"The parameter '{name}' needs '@odata.type' and the primary key of its row.")
    return LookupValue(table.logical, to_guid(table.logical, given[table.primary_id]))


def _table_by_key(session: Session, given: Mapping[str, Any]) -> Table | None:
    """Find the one table whose primary key is given, for clients that leave out `@odata.type`."""
    named = [table for table in session.schema.tables.values() if table.primary_id in given and not table.is_activity]
    return named[0] if len(named) == 1 else None
