"""Quotes: WinQuote, CloseQuote, ReviseQuote, GenerateQuoteFromOpportunity, and the way of their states.

Sources
- learn.microsoft.com/dynamics365/customer-engagement/web-api/winquote, closequote, revisequote ("Sets the state of a
  quote to Draft"), generatequotefromopportunity (OpportunityId, ColumnSet; returns the quote);
- table reference, quote: states Draft, Active, Won, Closed; "only draft quotes can be edited"; revisionnumber;
- error code table: QuoteReviseExistingActiveQuote 0x80048d00;
- markcarrington.dev (2023): Active to Won and to Closed only through WinQuote and CloseQuote, the rest by PATCH.
Inferred: WinQuote and CloseQuote ask for an active quote; a revision keeps the number and counts `revisionnumber` up,
and the quote revised is Closed with reason Revised; the code of a wrong state is InvalidArgument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.messages import initialize_from
from d365ext.emulator.odata.action_parameters import guid, only
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.copies import copy_of
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.sales import close as sales_close
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response

DRAFT, ACTIVE, WON, CLOSED = 0, 1, 2, 3
REVISED = 7
KIND = sales_close.Kind("QuoteClose", "quoteclose", "quoteid", "quote")


def win(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST WinQuote`."""
    return _close(session, body, request, WON)


def close(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST CloseQuote`."""
    return _close(session, body, request, CLOSED)


def _close(session: Session, body: Mapping[str, Any], request: Request, state: int) -> Response:
    closing = sales_close.read(session, KIND, body, request, state=state)
    if closing.row["statecode"] != ACTIVE:
        raise sales_close.wrong_state("The quote cannot be closed because it is not in the Active state.")
    finish(session, closing)
    return Response.empty()


def finish(session: Session, closing: sales_close.Closing) -> None:
    """Close an active quote and record it."""
    changes = {"closedon": (closing.closed_at or session.now_text)[:10]}
    activity = {"quotenumber": closing.row["quotenumber"], "revision": closing.row["revisionnumber"]}
    sales_close.finish(session, closing, changes, activity)


def revise(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST ReviseQuote`: a new draft with the same number."""
    only(body, "QuoteId", "ColumnSet")
    table = session.schema.table("quote")
    row_id = guid(body, "QuoteId")
    row = sales_close.existing(session, table, row_id)
    if row["statecode"] not in (ACTIVE, CLOSED):
        raise sales_close.wrong_state("The quote cannot be revised because it is not in the Active or Closed state.")
    other = session.raw.execute(
        "SELECT 1 FROM quote WHERE quotenumber = ? AND quoteid <> ? AND statecode IN (0, 1) LIMIT 1",
        (row["quotenumber"], row_id),
    ).fetchone()
    if other is not None:
        raise Problem(
            400,
            "0x80048d00",
            "Quote cannot be revised as there already exists another quote in Draft/Active state and with same quote "
            "number.",
        )
    if row["statecode"] == ACTIVE:
        rows.update(session, table, row_id, {"statecode": CLOSED, "statuscode": REVISED}, by_system=True)
    copied = copy_of(table, row, without=frozenset({"closedon"}))
    copied["revisionnumber"] = (row["revisionnumber"] or 0) + 1
    security.require(session, table, "Create")
    revised = rows.create(session, table, copied, by_system=True)
    return sales_close.answer_row(session, table, revised, body, request)


def generate_from_opportunity(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST GenerateQuoteFromOpportunity`: a draft with what the column mappings carry over."""
    only(body, "OpportunityId", "ColumnSet")
    opportunity_id = guid(body, "OpportunityId")
    opportunity = session.schema.table("opportunity")
    sales_close.existing(session, opportunity, opportunity_id)
    table = session.schema.table("quote")
    values = initialize_from.mapped(session, opportunity, opportunity_id, table)
    values["opportunityid"] = LookupValue("opportunity", opportunity_id)
    security.require(session, table, "Create")
    made = rows.create(session, table, values, by_system=True)
    return sales_close.answer_row(session, table, made, body, request)
