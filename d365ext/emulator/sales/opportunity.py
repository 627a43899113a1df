"""WinOpportunity, LoseOpportunity, and what may be written to an opportunity in which state.

Sources
- parameters and activity: see `sales_close.py`;
- table reference, opportunity.actualvalue: "Field defaults to the Est. Revenue value when an opportunity is won";
- error code table: OpportunityIsAlreadyClosed 0x80040515, OpportunityCannotBeClosed 0x80040516,
  CannotUseOpportunitySetStateMessage 0x80100005 ("This message can not be used to set the state of opportunity to
  {0}. In order to set state of opportunity to {1}, use the {1} message instead.");
- learn.microsoft.com/troubleshoot/dynamics-365/sales/troubleshoot-opportunities-issues: an opportunity can't be closed
  while "there are active or draft quotes associated with the opportunity", nor when it has already been closed;
- reopening by PATCH of statecode: the table reference's SetState (`PATCH /opportunities(id)`), field reports.
Inferred: actualclosedate is the date (UTC) of the activity's actualend, else today; a lost one keeps actualvalue empty
unless the activity states it; reopening empties both (`reopened_actuals` plays the other way).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.sales import close as sales_close
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

OPEN, WON, LOST = 0, 1, 2
KIND = sales_close.Kind("OpportunityClose", "opportunityclose", "opportunityid", "opportunity")
_MESSAGES = {WON: "Won", LOST: "Lost"}
_MONEY_SCALE = 10_000


def win(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST WinOpportunity`."""
    return _close(session, body, request, WON)


def lose(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST LoseOpportunity`."""
    return _close(session, body, request, LOST)


def _close(session: Session, body: Mapping[str, Any], request: Request, state: int) -> Response:
    closing = sales_close.read(session, KIND, body, request, state=state)
    if closing.row["statecode"] != OPEN:
        raise Problem(400, "0x80040515", "The opportunity is already closed.")
    _refuse_open_quotes(session, closing.row_id)
    value = closing.activity.get("actualrevenue")
    if value is None and state == WON and closing.row["estimatedvalue"] is not None:
        value = Decimal(closing.row["estimatedvalue"]) / _MONEY_SCALE
    closed_on = (closing.closed_at or session.now_text)[:10]
    changes: dict[str, Any] = {"actualclosedate": closed_on}
    activity: dict[str, Any] = {"opportunitystatecode": state, "opportunitystatuscode": closing.status}
    if value is not None:
        changes["actualvalue"] = activity["actualrevenue"] = value
    sales_close.finish(session, closing, changes, activity)
    return Response.empty()


def _refuse_open_quotes(session: Session, opportunity_id: str) -> None:
    if session.settings.close_with_open_quotes == "allowed":
        return
    found = session.raw.execute(
        "SELECT 1 FROM quote WHERE opportunityid = ? AND statecode IN (0, 1) LIMIT 1", (opportunity_id,)
    ).fetchone()
    if found is not None:
        raise Problem(400, "0x80040516", "The opportunity cannot be closed.")


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Refuse Won and Lost by PATCH, and empty the actual values of a reopened opportunity."""
    state = changes.get("statecode")
    if row_id is None or state is None:
        return
    row = rows.find(session, table, row_id)
    if row is None or row["statecode"] == state:
        return
    if state in _MESSAGES:
        word = _MESSAGES[state]
        raise Problem(
            400,
            "0x80100005",
            f"This message can not be used to set the state of opportunity to {word}. "
            f"In order to set state of opportunity to {word}, use the {word} message instead.",
        )
    if session.settings.reopened_actuals == "emptied":
        changes.setdefault("actualvalue", None)
        changes.setdefault("actualclosedate", None)
