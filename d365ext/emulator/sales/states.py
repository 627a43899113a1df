"""Which states a client may set by PATCH, and which rows are read-only in which state. A hook of `rows.py`.

Sources
- table references of opportunity, quote, salesorder and lead: states, and "only draft quotes can be edited", "only
  active orders can be edited", a won or lost opportunity and a qualified lead are read-only until reactivated;
- learn.microsoft.com/dynamics365/sales/dynamics-365-sales-privacy: rows in closed states (quote Active and Closed;
  order Fulfilled, Canceled, Submitted, Invoiced; the opportunity is not in its list) can be updated by a system
  administrator, others get that the record is read only;
- markcarrington.dev (2023): a quote goes from Active to Won or Closed only by WinQuote and CloseQuote, and otherwise by
  a plain update; most tables take updates while inactive;
- error code table: CannotUpdateBecauseItIsReadOnly 0x8004022e.
`closed_rows` plays "administrators only", "nobody" (then opportunities and leads are closed as well) or "everybody".
"""

from __future__ import annotations

from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.sales import close as sales_close
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

_OPEN = {"opportunity": 0, "lead": 0, "quote": 0, "salesorder": 0}
_CLOSED_TO_SELLERS = frozenset({"quote", "salesorder"})
_STATE_COLUMNS = frozenset({"statecode", "statuscode"})
_QUOTE_ACTIVE, _QUOTE_MESSAGES = 1, {2: "WinQuote", 3: "CloseQuote"}


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Refuse a client's change that the row's state does not allow."""
    if row_id is None:
        return
    row = rows.find(session, table, row_id)
    if row is None:
        return
    state = changes.get("statecode", row["statecode"])
    if table.logical == "quote" and row["statecode"] == _QUOTE_ACTIVE and state in _QUOTE_MESSAGES:
        raise sales_close.wrong_state(f"An active quote is closed with the message {_QUOTE_MESSAGES[state]}.")
    if state != _OPEN[table.logical] and changes.keys() - _STATE_COLUMNS and not _may_write(session, table):
        raise Problem(400, "0x8004022e", "The object cannot be updated because it is read-only.")


def _may_write(session: Session, table: Table) -> bool:
    match session.settings.closed_rows:
        case "writable":
            return True
        case "read_only":
            return False
    return table.logical not in _CLOSED_TO_SELLERS or security.is_administrator(session)
