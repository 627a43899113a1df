"""What closing an opportunity, a quote and an order have in common: the message, and the activity that records it.

Owns the reading of `{"Status": n, "…Close": {…}}` and the writing of the close activity. Which states may be closed,
and what else changes on the row, is for `sales_opportunity.py`, `sales_quote.py` and `sales_order.py`.

Source: learn.microsoft.com/dynamics365/customer-engagement/web-api/winopportunity, …/losequote and their like
(parameters); …/previous-versions/ms940610 ("If you pass -1 for this parameter, the platform sets the status to the
appropriate value"); …/sales/developer/entities/opportunityclose ("Activity that is created automatically when an
opportunity is closed, containing information such as the description of the closing and actual revenue").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from d365ext.emulator.odata.action_parameters import only, untyped, whole_number
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import query
from d365ext.emulator.rows import payload, rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_COMPLETED = {"statecode": 1, "statuscode": 2}  # of every close activity; its states are those of an activity
DEFAULT_STATUS = -1
_INVALID_ARGUMENT = "0x80040203"


@dataclass(frozen=True, slots=True)
class Kind:
    """Which activity closes which table."""

    parameter: str  # of the action: OpportunityClose
    activity: str  # logical name of its table
    lookup: str  # its column that names the closed row
    table: str  # logical name of the closed table


@dataclass(frozen=True, slots=True)
class Closing:
    """A close message, read: the row as stored, its new state and status, the activity's values by column."""

    kind: Kind
    row_id: str
    row: Mapping[str, Any]
    state: int
    status: int
    activity: Mapping[str, Any]

    @property
    def closed_at(self) -> str | None:
        """Give the moment that the activity states, if it states one."""
        moment = self.activity.get("actualend")
        return moment if isinstance(moment, str) else None


def read(session: Session, kind: Kind, body: Mapping[str, Any], request: Request, *, state: int) -> Closing:
    """Read a close message; 400 if it names no row or a status that does not belong to `state`, 404 for no such row."""
    only(body, kind.parameter, "Status")
    stated = whole_number(body, "Status")
    given = body.get(kind.parameter)
    if not isinstance(given, dict):
        raise Problem.payload(f"The parameter '{kind.parameter}' must be an object of type {kind.activity}.")
    activity, nested = payload.read(session, session.schema.table(kind.activity), untyped(given), request)
    if nested:
        raise Problem.not_implemented(f"rows inside {kind.parameter}")
    target = activity.get(kind.lookup)
    if not isinstance(target, LookupValue):
        raise Problem.payload(f"The parameter '{kind.parameter}' must bind '{kind.lookup}'.")
    table = session.schema.table(kind.table)
    row = rows.find(session, table, target.id)
    if row is None:
        raise Problem.no_row(kind.table, target.id)
    security.require(session, table, "Write", row)
    status = status_for(table, target.id, state, stated)
    return Closing(kind, target.id, row, state, status, activity)


def finish(session: Session, closing: Closing, changes: Mapping[str, Any], activity: Mapping[str, Any]) -> None:
    """Close the row with `changes` beside its state, and record it; `activity` gives defaults of the activity."""
    table = session.schema.table(closing.kind.table)
    state = {"statecode": closing.state, "statuscode": closing.status}
    rows.update(session, table, closing.row_id, {**changes, **state}, by_system=True)
    defaults = {"actualend": session.now_text, **activity}
    if closing.row.get("transactioncurrencyid"):
        currency = LookupValue("transactioncurrency", closing.row["transactioncurrencyid"])
        defaults.setdefault("transactioncurrencyid", currency)
    stated = {name: value for name, value in closing.activity.items() if value is not None}
    record = {**defaults, **stated, **_COMPLETED}
    rows.create(session, session.schema.table(closing.kind.activity), record, by_system=True)


def status_for(table: Table, row_id: str, state: int, given: int) -> int:
    """Give the status reason for `state`: the given one, or the state's default for -1.

    Source: error code table, InvalidStateCodeStatusCode 0x80048408; the sentence is from field reports.
    """
    if given == DEFAULT_STATUS:
        default = table.columns["statecode"].options[state].default_status
        if default is not None:
            return default
    option = table.columns["statuscode"].options.get(given)
    if option is None or option.state != state:
        name = table.columns["statecode"].options[state].label(1033)
        raise Problem(
            400,
            "0x80048408",
            f"{given} is not a valid status code for state code {table.schema}State.{name} "
            f"on {table.logical} with Id {row_id}.",
        )
    return given


def existing(session: Session, table: Table, row_id: str) -> dict[str, Any]:
    """Give a row as stored; 404 if it is not there."""
    row = rows.find(session, table, row_id)
    if row is None:
        raise Problem.no_row(table.logical, row_id)
    return row


def wrong_state(message: str) -> Problem:
    """400: the row is in a state from which the message does not lead."""
    return Problem(400, _INVALID_ARGUMENT, message)


def answer_row(session: Session, table: Table, row_id: str, body: Mapping[str, Any], request: Request) -> Response:
    """Answer an action that returns a row, with the columns its `ColumnSet` asks for (all, if it asks for none).

    Source: web-api/columnset: ComplexType with `AllColumns` (Boolean) and `Columns` (names).
    """
    wanted = body.get("ColumnSet") or {"AllColumns": True}
    if not isinstance(wanted, dict) or wanted.keys() - {"AllColumns", "Columns", "AttributeExpressions", "@odata.type"}:
        raise Problem.payload("The parameter 'ColumnSet' must be an object with 'AllColumns' and 'Columns'.")
    if wanted.get("AttributeExpressions"):
        raise Problem.not_implemented("AttributeExpressions of a ColumnSet")
    columns = [] if wanted.get("AllColumns") else wanted.get("Columns", [])
    if not isinstance(columns, list):
        raise Problem.payload("The member 'Columns' of 'ColumnSet' must be a list of column names.")
    names = [table.column(str(name)).property_name for name in columns]
    select = f"$select={','.join(names or [table.primary_id])}" if not wanted.get("AllColumns") else ""
    return query.single(session, table, row_id, replace(request, method="GET", query=select))
