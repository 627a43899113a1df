"""Alternate keys, whose index is built in the background.

Source: learn.microsoft.com/power-apps/developer/data-platform/define-alternate-keys-entity (EntityKeyIndexStatus:
Pending, InProgress, Active, Failed; a failed key is deleted and made again once its duplicates are gone).
"""

from __future__ import annotations

from d365ext.deploy.codec.tables import to_key
from d365ext.deploy.table_change import CreateKey
from d365ext.deploy.write.writer import Writer
from d365ext.errors import PlanError
from d365ext.webapi.tabledefs import (
    create_definition,
    delete_definition,
    key_address,
    read_definition,
    table_address,
)

_POLL_FIRST_S = 0.5
_POLL_EVERY_S = 8.0
_POLL_AT_MOST_S = 1_800.0


def create_key(writer: Writer, change: CreateKey) -> None:
    """Make the key if it is not there, and wait until its index is built."""
    address = key_address(change.table, change.name)
    if change.status == "Failed":
        delete_definition(writer.client, address)
    if change.status in ("", "Failed"):
        definition = to_key(change.name, change.key, writer.languages)
        into = f"{table_address(change.table)}/Keys"
        create_definition(writer.client, into, definition, address=address, solution=writer.into)
    _wait(writer, change, address)


def _wait(writer: Writer, change: CreateKey, address: str) -> None:
    waited_s, pause_s = 0.0, _POLL_FIRST_S
    while True:
        found = read_definition(writer.client, f"{address}?$select=EntityKeyIndexStatus") or {}
        match found.get("EntityKeyIndexStatus"):
            case "Active":
                return
            case "Failed":
                columns = ", ".join(change.key.columns)
                raise PlanError(
                    f"The index of the key {change.table}.{change.name} failed.",
                    hint=f"Are there rows that agree in {columns}? Mend them and apply again.",
                )
        if waited_s >= _POLL_AT_MOST_S:
            raise PlanError(
                f"The index of the key {change.table}.{change.name} is not built after {waited_s:.0f} s.",
                hint="Apply again later; it is waited for again.",
            )
        writer.sleep(pause_s)
        waited_s += pause_s
        pause_s = min(2 * pause_s, _POLL_EVERY_S)
