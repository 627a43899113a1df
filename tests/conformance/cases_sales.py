"""Closing, winning, converting, revising and qualifying. verified: docs

Sources are named in the modules of the local Dataverse that play them (emulator/sales_*.py) and repeated in short here:
"actions": learn.microsoft.com/dynamics365/customer-engagement/web-api/<name>; "table": the table's reference page.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from support.dataverse import Dataverse, error_of

MISSING = "00000000-0000-0000-0000-00000000beef"


def customer(dv: Dataverse) -> str:
    return dv.create("accounts", {"name": "Customer"})


def deal(dv: Dataverse, **more: Any) -> str:
    account = customer(dv)
    row = {"name": "Deal", "parentaccountid@odata.bind": f"accounts({account})", "estimatedvalue": 1000.5}
    return dv.create("opportunities", {**row, **more})


def close(dv: Dataverse, message: str, opportunity: str, status: int, **more: Any) -> requests.Response:
    activity = {"subject": "Closed", "opportunityid@odata.bind": f"opportunities({opportunity})", **more}
    return dv.post(message, {"Status": status, "OpportunityClose": activity})


def read(dv: Dataverse, address: str, *columns: str) -> list[Any]:
    row = dv.get(f"{address}?$select={','.join(columns)}").json()
    return [row[column] for column in columns]


STATE = ("statecode", "statuscode", "actualvalue", "actualclosedate")


def test_win_opportunity_takes_the_estimated_revenue(dv: Dataverse) -> None:
    """Actions: 204. Table, actualvalue: "Field defaults to the Est. Revenue value when an opportunity is won"."""
    row_id = deal(dv)
    response = close(dv, "WinOpportunity", row_id, 3, actualend="2024-05-06T00:00:00Z")
    assert (response.status_code, response.content) == (204, b""), response.text
    assert read(dv, f"opportunities({row_id})", *STATE) == [1, 3, 1000.5, "2024-05-06"]


def test_what_the_activity_says_is_what_the_opportunity_gets(dv: Dataverse) -> None:
    """Table, opportunityclose: "containing information such as the description of the closing and actual revenue"."""
    row_id = deal(dv)
    response = close(dv, "WinOpportunity", row_id, 3, actualrevenue=900, actualend="2024-02-29T12:00:00Z")
    assert response.status_code == 204, response.text
    assert read(dv, f"opportunities({row_id})", *STATE) == [1, 3, 900, "2024-02-29"]


def test_closing_makes_an_opportunityclose_activity(dv: Dataverse) -> None:
    """Table, opportunityclose: "Activity that is created automatically when an opportunity is closed"."""
    row_id = deal(dv)
    close(dv, "WinOpportunity", row_id, 3, actualrevenue=10, description="They liked it.")
    [activity] = dv.rows(f"opportunitycloses?$filter=_opportunityid_value eq {row_id}")
    assert (activity["subject"], activity["description"]) == ("Closed", "They liked it.")
    assert (activity["statecode"], activity["statuscode"], activity["actualrevenue"]) == (1, 2, 10)
    assert activity["actualend"] is not None


def test_lose_opportunity(dv: Dataverse) -> None:
    """Actions: as WinOpportunity; Status 4 or 5. No revenue unless the activity states it (inferred)."""
    row_id = deal(dv)
    assert close(dv, "LoseOpportunity", row_id, 5, actualend="2024-01-31T00:00:00Z").status_code == 204
    assert read(dv, f"opportunities({row_id})", *STATE) == [2, 5, None, "2024-01-31"]


@pytest.mark.parametrize(("message", "expected"), [("WinOpportunity", [1, 3]), ("LoseOpportunity", [2, 4])])
def test_status_minus_one_is_the_default_reason(dv: Dataverse, message: str, expected: list[int]) -> None:
    """previous-versions/ms940610: "If you pass -1 … the platform sets the status to the appropriate value"."""
    row_id = deal(dv)
    assert close(dv, message, row_id, -1).status_code == 204
    assert read(dv, f"opportunities({row_id})", "statecode", "statuscode") == expected


@pytest.mark.parametrize(("message", "status"), [("WinOpportunity", 4), ("LoseOpportunity", 3), ("WinOpportunity", 99)])
def test_a_reason_of_another_state_is_refused(dv: Dataverse, message: str, status: int) -> None:
    """Error code table: InvalidStateCodeStatusCode 0x80048408. Nothing changes."""
    row_id = deal(dv)
    assert error_of(close(dv, message, row_id, status))[:2] == (400, "0x80048408")
    assert read(dv, f"opportunities({row_id})", "statecode") == [0]
    assert dv.rows(f"opportunitycloses?$filter=_opportunityid_value eq {row_id}") == []


def test_a_closed_opportunity_cannot_be_closed_again(dv: Dataverse) -> None:
    """Error code table: OpportunityIsAlreadyClosed 0x80040515 "The opportunity is already closed."."""
    row_id = deal(dv)
    close(dv, "WinOpportunity", row_id, 3)
    status, code, message = error_of(close(dv, "LoseOpportunity", row_id, 4))
    assert (status, code, message) == (400, "0x80040515", "The opportunity is already closed.")


def test_an_opportunity_with_open_quotes_cannot_be_closed(dv: Dataverse) -> None:
    """Support article troubleshoot-opportunities-issues, "The opportunity can't be closed": draft or active quotes;
    OpportunityCannotBeClosed 0x80040516.
    """
    row_id = deal(dv)
    quote = quote_of(dv, row_id)
    assert error_of(close(dv, "WinOpportunity", row_id, 3))[:2] == (400, "0x80040516")
    activate(dv, quote)
    assert error_of(close(dv, "WinOpportunity", row_id, 3))[:2] == (400, "0x80040516")
    assert close_quote(dv, "WinQuote", quote, 4).status_code == 204
    assert close(dv, "WinOpportunity", row_id, 3).status_code == 204


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"close_with_open_quotes": "allowed"}])
def test_open_quotes_may_be_let_pass(dv: Dataverse) -> None:
    """The article speaks of the app; whether the message refuses too is inferred, so both can be played."""
    row_id = deal(dv)
    quote_of(dv, row_id)
    assert close(dv, "WinOpportunity", row_id, 3).status_code == 204


def test_won_and_lost_are_not_set_by_patch(dv: Dataverse) -> None:
    """Error code table: CannotUseOpportunitySetStateMessage 0x80100005, "… use the {1} message instead."."""
    row_id = deal(dv)
    for state, status in ((1, 3), (2, 4)):
        response = dv.patch(f"opportunities({row_id})", {"statecode": state, "statuscode": status}, If_Match="*")
        assert error_of(response)[:2] == (400, "0x80100005")


def test_a_closed_opportunity_is_reopened_by_patch(dv: Dataverse) -> None:
    """Table: SetState is PATCH of statecode and statuscode; vjcity.blogspot.com 2020 ("only one field to reopen")."""
    row_id = deal(dv)
    close(dv, "WinOpportunity", row_id, 3)
    assert dv.patch(f"opportunities({row_id})", {"statecode": 0}, If_Match="*").status_code == 204
    assert read(dv, f"opportunities({row_id})", "statecode", "statuscode") == [0, 1]
    assert close(dv, "LoseOpportunity", row_id, 4).status_code == 204


@pytest.mark.local
@pytest.mark.parametrize(
    ("emulator_settings", "left"),
    [({"reopened_actuals": "emptied"}, [None, None]), ({"reopened_actuals": "kept"}, [1000.5, "2024-05-06"])],
)
def test_reopening_empties_the_actual_values_or_keeps_them(dv: Dataverse, left: list[Any]) -> None:
    """No documentation found; both can be played."""
    row_id = deal(dv)
    close(dv, "WinOpportunity", row_id, 3, actualend="2024-05-06T00:00:00Z")
    dv.patch(f"opportunities({row_id})", {"statecode": 0}, If_Match="*")
    assert read(dv, f"opportunities({row_id})", "actualvalue", "actualclosedate") == left


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Status": 3}, 400),
        ({"Status": 3, "OpportunityClose": "x"}, 400),
        ({"Status": 3, "OpportunityClose": {"subject": "of nothing"}}, 400),
        ({"Status": "3", "OpportunityClose": {"opportunityid@odata.bind": f"opportunities({MISSING})"}}, 400),
        ({"Status": 3, "Other": 1, "OpportunityClose": {"opportunityid@odata.bind": f"opportunities({MISSING})"}}, 400),
        ({"Status": 3, "OpportunityClose": {"opportunityid@odata.bind": f"opportunities({MISSING})"}}, 404),
    ],
)
def test_a_close_message_needs_its_parameters(dv: Dataverse, body: dict[str, Any], status: int) -> None:
    """Actions: OpportunityClose and Status are not nullable."""
    assert error_of(dv.post("WinOpportunity", body))[0] == status


def test_an_action_is_posted(dv: Dataverse) -> None:
    """Web-api-client-errors: an action called by GET is not found."""
    assert dv.get("WinOpportunity").status_code == 404


def test_the_activity_may_name_its_type(dv: Dataverse) -> None:
    """Use-web-api-actions: `"@odata.type": "Microsoft.Dynamics.CRM.opportunityclose"` is allowed."""
    row_id = deal(dv)
    typed = {"@odata.type": "Microsoft.Dynamics.CRM.opportunityclose"}
    assert close(dv, "WinOpportunity", row_id, 3, **typed).status_code == 204


def test_a_foreign_currency_goes_with_the_deal(dv: Dataverse) -> None:
    """The activity's revenue is in the opportunity's currency (inferred from the columns of opportunityclose)."""
    currency = dv.create(
        "transactioncurrencies",
        {
            "currencyname": "Test",
            "isocurrencycode": "XTS",
            "currencysymbol": "T",
            "currencyprecision": 2,
            "exchangerate": 2,
        },
    )
    row_id = deal(dv, **{"transactioncurrencyid@odata.bind": f"transactioncurrencies({currency})"})
    close(dv, "WinOpportunity", row_id, 3)
    [activity] = dv.rows(f"opportunitycloses?$filter=_opportunityid_value eq {row_id}")
    assert (activity["actualrevenue"], activity["actualrevenue_base"]) == (1000.5, 500.25)
    assert read(dv, f"opportunities({row_id})", "actualvalue_base") == [500.25]


# Quotes


def quote_of(dv: Dataverse, opportunity: str, **more: Any) -> str:
    account = customer(dv)
    row = {
        "name": "Quote",
        "customerid_account@odata.bind": f"accounts({account})",
        "opportunityid@odata.bind": f"opportunities({opportunity})",
    }
    return dv.create("quotes", {**row, **more})


def activate(dv: Dataverse, quote: str) -> None:
    assert dv.patch(f"quotes({quote})", {"statecode": 1, "statuscode": 2}, If_Match="*").status_code == 204


def close_quote(dv: Dataverse, message: str, quote: str, status: int, **more: Any) -> requests.Response:
    activity = {"subject": "Quote closed", "quoteid@odata.bind": f"quotes({quote})", **more}
    return dv.post(message, {"Status": status, "QuoteClose": activity})


def test_a_quote_is_activated_by_patch_and_won_by_win_quote(dv: Dataverse) -> None:
    """Table, quote: Draft, Active (statuscode 2 or 3), Won (4), Closed; actions: WinQuote."""
    quote = quote_of(dv, deal(dv))
    assert read(dv, f"quotes({quote})", "statecode", "statuscode") == [0, 1]
    activate(dv, quote)
    assert read(dv, f"quotes({quote})", "statecode", "statuscode") == [1, 2]
    response = close_quote(dv, "WinQuote", quote, 4)
    assert (response.status_code, response.content) == (204, b""), response.text
    assert read(dv, f"quotes({quote})", "statecode", "statuscode") == [2, 4]
    [activity] = dv.rows(f"quotecloses?$filter=_quoteid_value eq {quote}")
    assert (activity["subject"], activity["statecode"]) == ("Quote closed", 1)


@pytest.mark.parametrize("status", [5, 6, 7])
def test_close_quote(dv: Dataverse, status: int) -> None:
    """Actions: CloseQuote; table: Lost 5, Canceled 6, Revised 7."""
    quote = quote_of(dv, deal(dv))
    activate(dv, quote)
    assert close_quote(dv, "CloseQuote", quote, status).status_code == 204
    assert read(dv, f"quotes({quote})", "statecode", "statuscode") == [3, status]


def test_a_draft_is_neither_won_nor_closed(dv: Dataverse) -> None:
    """Microsoft's samples activate a quote before WinQuote and CloseQuote; the refusal is inferred."""
    quote = quote_of(dv, deal(dv))
    assert close_quote(dv, "WinQuote", quote, 4).status_code == 400
    assert close_quote(dv, "CloseQuote", quote, 5).status_code == 400


def test_an_active_quote_is_not_won_or_closed_by_patch(dv: Dataverse) -> None:
    """markcarrington.dev 2023: Active to Won and to Closed only by the messages, other transitions by an update."""
    quote = quote_of(dv, deal(dv))
    activate(dv, quote)
    for state, status in ((2, 4), (3, 5)):
        body = {"statecode": state, "statuscode": status}
        assert dv.patch(f"quotes({quote})", body, If_Match="*").status_code == 400
    assert dv.patch(f"quotes({quote})", {"statecode": 0, "statuscode": 1}, If_Match="*").status_code == 204


def test_revise_quote_makes_a_draft_with_the_same_number(dv: Dataverse) -> None:
    """Actions: ReviseQuote "Sets the state of a quote to Draft", returns the quote; table: revisionnumber."""
    opportunity = deal(dv)
    quote = quote_of(dv, opportunity, discountamount=5)
    activate(dv, quote)
    [number, revision] = read(dv, f"quotes({quote})", "quotenumber", "revisionnumber")
    response = dv.post("ReviseQuote", {"QuoteId": quote, "ColumnSet": {"AllColumns": True}})
    assert response.status_code == 200, response.text
    revised = response.json()
    dv.created.append(f"quotes({revised['quoteid']})")
    assert (revised["statecode"], revised["quotenumber"]) == (0, number)
    assert (revision, revised["revisionnumber"]) == (0, 1)
    assert (revised["_opportunityid_value"], revised["discountamount"]) == (opportunity, 5)
    assert read(dv, f"quotes({quote})", "statecode", "statuscode") == [3, 7]
    again = dv.post("ReviseQuote", {"QuoteId": quote, "ColumnSet": {"Columns": ["name"], "AllColumns": False}})
    assert error_of(again)[:2] == (400, "0x80048d00")  # QuoteReviseExistingActiveQuote


def test_generate_quote_from_opportunity_carries_mapped_columns(dv: Dataverse) -> None:
    """Actions: OpportunityId, ColumnSet; returns the quote. Columns come by the maps (metadata-plane.md §8)."""
    account = customer(dv)
    opportunity = deal(dv, **{"customerid_account@odata.bind": f"accounts({account})", "discountamount": 7})
    columns = {"AllColumns": False, "Columns": ["name", "customerid", "opportunityid", "discountamount"]}
    response = dv.post("GenerateQuoteFromOpportunity", {"OpportunityId": opportunity, "ColumnSet": columns})
    assert response.status_code == 200, response.text
    quote = response.json()
    dv.created.append(f"quotes({quote['quoteid']})")
    assert quote["@odata.context"].startswith(f"{dv.api}/$metadata#quotes(")
    assert (quote["name"], quote["_customerid_value"], quote["_opportunityid_value"]) == ("Deal", account, opportunity)
    assert quote["discountamount"] == 7
    assert "statecode" not in quote


# Orders


def converted(dv: Dataverse, quote: str, **more: Any) -> requests.Response:
    response = dv.post("ConvertQuoteToSalesOrder", {"QuoteId": quote, "ColumnSet": {"AllColumns": True}, **more})
    if response.status_code == 200:
        dv.created.append(f"salesorders({response.json()['salesorderid']})")
    return response


def test_convert_quote_to_sales_order_wins_the_quote(dv: Dataverse) -> None:
    """Actions: QuoteId, ColumnSet, QuoteCloseDate, QuoteCloseStatus, QuoteCloseSubject, …; returns the order."""
    opportunity = deal(dv)
    quote = quote_of(dv, opportunity, freightamount=12)
    activate(dv, quote)
    response = converted(dv, quote, QuoteCloseSubject="By conversion", QuoteCloseStatus=4)
    assert response.status_code == 200, response.text
    order = response.json()
    assert (order["name"], order["_quoteid_value"], order["_opportunityid_value"]) == ("Quote", quote, opportunity)
    assert (order["statecode"], order["freightamount"]) == (0, 12)
    assert read(dv, f"quotes({quote})", "statecode", "statuscode") == [2, 4]
    [activity] = dv.rows(f"quotecloses?$filter=_quoteid_value eq {quote}")
    assert activity["subject"] == "By conversion"


def test_a_won_quote_can_be_converted_and_a_draft_not(dv: Dataverse) -> None:
    """Microsoft's sample wins the quote first; that a draft is refused is inferred."""
    quote = quote_of(dv, deal(dv))
    assert converted(dv, quote).status_code == 400
    activate(dv, quote)
    close_quote(dv, "WinQuote", quote, 4)
    assert converted(dv, quote).status_code == 200
    assert len(dv.rows(f"quotecloses?$filter=_quoteid_value eq {quote}")) == 1


@pytest.mark.parametrize(
    ("message", "status", "expected"), [("FulfillSalesOrder", 100001, [3, 100001]), ("CancelSalesOrder", 4, [2, 4])]
)
def test_orders_are_fulfilled_and_cancelled(dv: Dataverse, message: str, status: int, expected: list[int]) -> None:
    """Actions: OrderClose and Status, 204; table, salesorder: Fulfilled 3, Canceled 2."""
    response = dv.post(
        "GenerateSalesOrderFromOpportunity", {"OpportunityId": deal(dv), "ColumnSet": {"AllColumns": True}}
    )
    assert response.status_code == 200, response.text
    order = response.json()["salesorderid"]
    dv.created.append(f"salesorders({order})")
    activity = {"subject": "Done", "salesorderid@odata.bind": f"salesorders({order})"}
    assert dv.post(message, {"Status": status, "OrderClose": activity}).status_code == 204
    assert read(dv, f"salesorders({order})", "statecode", "statuscode") == expected
    assert [row["subject"] for row in dv.rows(f"ordercloses?$filter=_salesorderid_value eq {order}")] == ["Done"]
    assert dv.post(message, {"Status": status, "OrderClose": activity}).status_code == 400


# Leads and mappings


def qualify(dv: Dataverse, lead: str, **more: Any) -> requests.Response:
    body = {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": 3, **more}
    return dv.post(f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", body)


def test_qualify_lead_makes_account_contact_and_opportunity(dv: Dataverse) -> None:
    """Actions: QualifyLead, bound to a lead; returns the rows made; they name the lead as their origin."""
    lead = dv.create(
        "leads",
        {
            "subject": "Twelve desks",
            "firstname": "Aino",
            "lastname": "Ahola",
            "companyname": "Ahola Oy",
            "telephone1": "1",
        },
    )
    response = qualify(dv, lead)
    assert response.status_code == 200, response.text
    made = {row["@odata.type"].rsplit(".", 1)[1]: row for row in response.json()["value"]}
    assert made.keys() == {"account", "contact", "opportunity"}
    account, contact = made["account"]["accountid"], made["contact"]["contactid"]
    opportunity = made["opportunity"]["opportunityid"]
    dv.created += [f"contacts({contact})", f"accounts({account})", f"opportunities({opportunity})"]
    assert read(dv, f"accounts({account})", "name", "_originatingleadid_value") == ["Ahola Oy", lead]
    assert read(dv, f"contacts({contact})", "fullname", "_parentcustomerid_value") == ["Aino Ahola", account]
    assert read(dv, f"opportunities({opportunity})", "name", "_parentaccountid_value", "_parentcontactid_value") == [
        "Twelve desks",
        account,
        contact,
    ]
    assert read(dv, f"leads({lead})", "statecode", "statuscode", "_qualifyingopportunityid_value") == [
        1,
        3,
        opportunity,
    ]
    assert qualify(dv, lead).status_code == 400


def test_qualify_lead_makes_only_what_it_is_told(dv: Dataverse) -> None:
    """Actions: the three Create… parameters are required Booleans; the customer may be given."""
    account = customer(dv)
    lead = dv.create("leads", {"subject": "s", "lastname": "Ek", "companyname": "Ek AB"})
    known = {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": account}
    response = qualify(dv, lead, CreateAccount=False, CreateContact=False, OpportunityCustomerId=known)
    assert response.status_code == 200, response.text
    [made] = response.json()["value"]
    dv.created.append(f"opportunities({made['opportunityid']})")
    assert read(dv, f"opportunities({made['opportunityid']})", "_customerid_value") == [account]
    assert error_of(dv.post(f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", {"Status": 3}))[0] == 400


def test_a_lead_is_disqualified_and_opened_again_by_patch(dv: Dataverse) -> None:
    """Table, lead: SetState is PATCH; Disqualified 2 with reasons 4 to 7."""
    lead = dv.create("leads", {"subject": "s", "lastname": "Ek"})
    for state, status in ((2, 5), (0, 1)):
        body = {"statecode": state, "statuscode": status}
        assert dv.patch(f"leads({lead})", body, If_Match="*").status_code == 204
        assert read(dv, f"leads({lead})", "statecode", "statuscode") == [state, status]


def initialized(dv: Dataverse, source: str, target: str) -> requests.Response:
    return dv.get(
        "InitializeFrom(EntityMoniker=@p1,TargetEntityName=@p2,TargetFieldType=@p3)"
        f"?@p1={{'@odata.id':'{source}'}}&@p2='{target}'&@p3=Microsoft.Dynamics.CRM.TargetFieldType'ValidForCreate'"
    )


def test_initialize_from_gives_a_row_ready_to_create(dv: Dataverse) -> None:
    """Web-api/initializefrom and Microsoft's FunctionsAndActions sample: `"parentaccountid@odata.bind": "accounts(…)"`;
    the default maps account → account (previous-versions dn531076): accountid to parentaccountid.
    """
    account = customer(dv)
    response = initialized(dv, f"accounts({account})", "account")
    assert response.status_code == 200, response.text
    row = response.json()
    assert row["@odata.context"] == f"{dv.api}/$metadata#accounts/$entity"
    assert row["@odata.type"] == "#Microsoft.Dynamics.CRM.account"
    assert row["parentaccountid@odata.bind"] == f"accounts({account})"
    row_id = dv.create("accounts", {**row, "name": "Subsidiary"})
    assert read(dv, f"accounts({row_id})", "_parentaccountid_value") == [account]


def test_initialize_from_needs_an_entity_map(dv: Dataverse) -> None:
    """Error code table: MetadataNoMapping 0x80040e01 "The mapping between specified entities does not exist"."""
    response = initialized(dv, f"accounts({customer(dv)})", "transactioncurrency")
    assert error_of(response)[:2] == (400, "0x80040e01")


@pytest.mark.local
def test_a_new_column_map_is_used_from_then_on(dv: Dataverse) -> None:
    """metadata-plane.md §8: `POST attributemaps` with entitymapid, sourceattributename, targetattributename."""
    address = "entitymaps?$select=entitymapid&$filter=sourceentityname eq 'opportunity' and targetentityname eq 'quote'"
    [entity_map] = dv.rows(address)
    made = dv.post(
        "attributemaps",
        {
            "entitymapid@odata.bind": f"entitymaps({entity_map['entitymapid']})",
            "sourceattributename": "customerneed",
            "targetattributename": "description",
        },
    )
    assert made.status_code == 204, made.text
    opportunity = deal(dv, customerneed="Twelve desks by June")
    body = {"OpportunityId": opportunity, "ColumnSet": {"AllColumns": True}}
    assert dv.post("GenerateQuoteFromOpportunity", body).json()["description"] == "Twelve desks by June"


# Read-only states


@pytest.mark.local
@pytest.mark.parametrize(
    ("emulator_settings", "status"),
    [
        ({"closed_rows": "admin_writable"}, 204),
        ({"closed_rows": "writable"}, 204),
        ({"closed_rows": "read_only"}, 400),
    ],
)
def test_ordinary_columns_of_closed_rows(dv: Dataverse, status: int) -> None:
    """Privacy page of Dynamics 365 Sales: an administrator can update rows in closed states, others get that the record
    is read only; field reports differ, so three ways can be played. CannotUpdateBecauseItIsReadOnly 0x8004022e.
    """
    opportunity = deal(dv)
    quote = quote_of(dv, opportunity)
    activate(dv, quote)
    response = dv.patch(f"quotes({quote})", {"name": "renamed"}, If_Match="*")
    assert response.status_code == status
    if status == 400:
        assert error_of(response)[1] == "0x8004022e"
