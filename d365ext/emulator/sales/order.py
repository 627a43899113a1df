"""Orders: ConvertQuoteToSalesOrder, GenerateSalesOrderFromOpportunity, FulfillSalesOrder, CancelSalesOrder.

Sources
- learn.microsoft.com/dynamics365/customer-engagement/web-api/convertquotetosalesorder (QuoteId, ColumnSet,
  QuoteCloseDate, QuoteCloseStatus, QuoteCloseSubject, QuoteCloseDescription; returns the order),
  generatesalesorderfromopportunity, fulfillsalesorder, cancelsalesorder (OrderClose, Status; return nothing);
- table reference, salesorder: states Active, Submitted, Canceled, Fulfilled, Invoiced; quoteid "order created from".
Inferred: a quote that is converted must be Active or Won, and an active one is won by it; an order is fulfilled or
cancelled from Active or Submitted; `datefulfilled` is the date (UTC) of the activity's actualend, else today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.messages import initialize_from
from d365ext.emulator.odata.action_parameters import guid, only, whole_number
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.sales import close as sales_close
from d365ext.emulator.sales import quote as sales_quote
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response

ACTIVE, SUBMITTED, CANCELED, FULFILLED = 0, 1, 2, 3
KIND = sales_close.Kind("OrderClose", "orderclose", "salesorderid", "salesorder")


def fulfill(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST FulfillSalesOrder`."""
    return _close(session, body, request, FULFILLED)


def cancel(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST CancelSalesOrder`."""
    return _close(session, body, request, CANCELED)


def _close(session: Session, body: Mapping[str, Any], request: Request, state: int) -> Response:
    closing = sales_close.read(session, KIND, body, request, state=state)
    if closing.row["statecode"] not in (ACTIVE, SUBMITTED):
        raise sales_close.wrong_state("The order cannot be closed because it is not in the Active or Submitted state.")
    changes = {"datefulfilled": (closing.closed_at or session.now_text)[:10]} if state == FULFILLED else {}
    sales_close.finish(session, closing, changes, {"ordernumber": closing.row["ordernumber"]})
    return Response.empty()


def convert_quote(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST ConvertQuoteToSalesOrder`: win the quote if it is active, and make an order of it."""
    only(
        body,
        "QuoteId",
        "ColumnSet",
        "QuoteCloseDate",
        "QuoteCloseStatus",
        "QuoteCloseSubject",
        "QuoteCloseDescription",
    )
    quote_id = guid(body, "QuoteId")
    quotes = session.schema.table("quote")
    quote = sales_close.existing(session, quotes, quote_id)
    if quote["statecode"] == sales_quote.ACTIVE:
        _win(session, quote_id, quote, body)
    elif quote["statecode"] != sales_quote.WON:
        raise sales_close.wrong_state("The quote cannot be converted because it is not in the Active or Won state.")
    table = session.schema.table("salesorder")
    values = initialize_from.mapped(session, quotes, quote_id, table)
    values["quoteid"] = LookupValue("quote", quote_id)
    if quote["opportunityid"] is not None:
        values["opportunityid"] = LookupValue("opportunity", quote["opportunityid"])
    security.require(session, table, "Create")
    made = rows.create(session, table, values, by_system=True)
    return sales_close.answer_row(session, table, made, body, request)


def _win(session: Session, quote_id: str, quote: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    activity: dict[str, Any] = {"quoteid": LookupValue("quote", quote_id)}
    for parameter, column in (
        ("QuoteCloseSubject", "subject"),
        ("QuoteCloseDescription", "description"),
        ("QuoteCloseDate", "actualend"),
    ):
        if body.get(parameter) is not None:
            activity[column] = body[parameter]
    given = body.get("QuoteCloseStatus")
    stated = sales_close.DEFAULT_STATUS if given is None else whole_number(body, "QuoteCloseStatus")
    status = sales_close.status_for(session.schema.table("quote"), quote_id, sales_quote.WON, stated)
    kind = sales_quote.KIND
    sales_quote.finish(session, sales_close.Closing(kind, quote_id, quote, sales_quote.WON, status, activity))


def generate_from_opportunity(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST GenerateSalesOrderFromOpportunity`: an order with what the column mappings carry over."""
    only(body, "OpportunityId", "ColumnSet")
    opportunity_id = guid(body, "OpportunityId")
    opportunities = session.schema.table("opportunity")
    sales_close.existing(session, opportunities, opportunity_id)
    table = session.schema.table("salesorder")
    values = initialize_from.mapped(session, opportunities, opportunity_id, table)
    values["opportunityid"] = LookupValue("opportunity", opportunity_id)
    security.require(session, table, "Create")
    made = rows.create(session, table, values, by_system=True)
    return sales_close.answer_row(session, table, made, body, request)
