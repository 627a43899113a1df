"""Brings a row into its state: by an action where the platform wants one, else by writing the state. Pure.

Source: learn.microsoft.com/dynamics365/customer-engagement/web-api/winopportunity, …/loseopportunity, …/winquote,
…/closequote (bodies); powerapps-docs …/webapi/use-web-api-actions (`OpportunityClose`); `statecode` is not valid for
create (the tables' references). That a quote is won or closed only from Active: field report (markcarrington.dev).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from d365ext.loader.check import Row
from d365ext.webapi.batch import Operation
from d365ext.webapi.query import bind, row_address

STATE_COLUMNS = ("statecode", "statuscode")

STATES_IN_ORDER = ("quote", "salesorder", "lead", "opportunity")
"""Tables whose states are set first, in this order: a quote that is still open can keep its opportunity from closing
(inferred: the app's own dialogs insist on it)."""

SUBJECT_LENGTH = 200
"""Source: the table reference of opportunityclose and quoteclose (`subject`)."""


@dataclass(frozen=True, slots=True)
class Closing:
    """An action that closes a row. `made`: the activity it makes; `from_state`: the only one it may start from."""

    action: str
    made: str
    lookup: str
    status: int
    from_state: int


# statuscode 3 Won, 4 Canceled; quotes 4 Won, 5 Lost. Source: the table references (statuscode, its default per state);
# for a closed quote Lost, not the default Revised, since nobody revised it.
CLOSINGS: Mapping[tuple[str, int], Closing] = {
    ("opportunity", 1): Closing("WinOpportunity", "OpportunityClose", "opportunityid", 3, 0),
    ("opportunity", 2): Closing("LoseOpportunity", "OpportunityClose", "opportunityid", 4, 0),
    ("quote", 2): Closing("WinQuote", "QuoteClose", "quoteid", 4, 1),
    ("quote", 3): Closing("CloseQuote", "QuoteClose", "quoteid", 5, 1),
}
# column of the opportunity → column of the activity that closes it and hands it over
HANDED_OVER = {"actualvalue": "actualrevenue", "actualclosedate": "actualend"}


def columns_of_closing(row: Row) -> tuple[str, ...]:
    """Name the columns that reach the row by the action that closes it, not by its creation."""
    is_closed = (row.table.name, row.values.get("statecode")) in CLOSINGS
    return tuple(HANDED_OVER) if is_closed and row.table.name == "opportunity" else ()


def steps_to_state(row: Row, state: int, status: int | None) -> list[Operation]:
    """Give the requests that bring the row from `state` and `status` to those that it wants; none if it is there.

    `status` None: whatever the platform gives to a new row.
    """
    wanted = row.values.get("statecode")
    if wanted is None:
        return []
    closing = CLOSINGS.get((row.table.name, wanted))
    if wanted == state:
        wanted_status = row.values.get("statuscode")
        current = _default_status(row, state) if status is None else status
        return [] if wanted_status in (None, current) else [_patch(row, wanted)]
    if closing is None:
        return [_patch(row, wanted)]
    before = [] if state == closing.from_state else [_patch(row, closing.from_state, by_default=True)]
    return [*before, _close(row, closing)]


def _patch(row: Row, state: int, *, by_default: bool = False) -> Operation:
    given = None if by_default else row.values.get("statuscode")
    status = _default_status(row, state) if given is None else given
    body = {"statecode": state} if status is None else {"statecode": state, "statuscode": status}
    return Operation("PATCH", row_address(row.table.entity_set, row.id), body, {"If-Match": "*"})


def _default_status(row: Row, state: int) -> int | None:
    options = row.table.columns["statecode"].options
    return next((option.default_status for option in options if option.value == state), None)


def _close(row: Row, closing: Closing) -> Operation:
    name = str(row.values.get("name", ""))
    activity: dict[str, Any] = {
        "subject": f"{closing.action}: {name}"[:SUBJECT_LENGTH],
        f"{closing.lookup}@odata.bind": bind(row.table.entity_set, row.id),
    }
    for column in columns_of_closing(row):
        if column in row.values:
            value = row.values[column]
            activity[HANDED_OVER[column]] = f"{value}T00:00:00Z" if isinstance(value, str) else value
    status = row.values.get("statuscode", closing.status)
    return Operation("POST", closing.action, {"Status": status, closing.made: activity})
