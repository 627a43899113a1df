"""QualifyLead: a lead becomes an account, a contact and an opportunity, as the caller asks.

Sources
- learn.microsoft.com/dynamics365/customer-engagement/web-api/qualifylead: bound to a lead; CreateAccount,
  CreateContact, CreateOpportunity, OpportunityCurrencyId, OpportunityCustomerId, SourceCampaignId, Status,
  ProcessInstanceId; returns the rows made;
- learn.microsoft.com/dynamics365/sales/qualify-lead-convert-opportunity-sales: columns are carried over by the column
  mappings; the new rows are linked to the lead (`originatingleadid`).
Inferred: the contact belongs to the account and is its primary contact if that has none; the opportunity's customer is
the one given, else the account, else the contact; the lead's own account and contact stand in for those not made; a
lead that is not open cannot be qualified (InvalidArgument).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.messages import initialize_from
from d365ext.emulator.odata.action_parameters import only, row_bound, whole_number
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.shape import plan_columns, shape_rows
from d365ext.emulator.routes import Target
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.entity_references import optional_reference
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.sales import close as sales_close
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

OPEN, QUALIFIED = 0, 1


def qualify(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST leads(id)/Microsoft.Dynamics.CRM.QualifyLead`."""
    only(
        body,
        "CreateAccount",
        "CreateContact",
        "CreateOpportunity",
        "OpportunityCurrencyId",
        "OpportunityCustomerId",
        "SourceCampaignId",
        "Status",
        "ProcessInstanceId",
    )
    if body.get("ProcessInstanceId") is not None:
        raise Problem.not_implemented("ProcessInstanceId of QualifyLead")
    lead_id = row_bound(target, "lead", request)
    lead = sales_close.existing(session, target.table, lead_id)
    if lead["statecode"] != OPEN:
        raise sales_close.wrong_state("The lead cannot be qualified because it is not open.")
    status = sales_close.status_for(target.table, lead_id, QUALIFIED, whole_number(body, "Status"))
    made: list[LookupValue] = []
    account = _account(session, target.table, lead_id, lead, body, made)
    contact = _contact(session, target.table, lead_id, lead, body, made, account)
    changes: dict[str, Any] = {"statecode": QUALIFIED, "statuscode": status}
    if _wanted(body, "CreateOpportunity"):
        opportunity = _opportunity(session, target.table, lead_id, body, account, contact)
        made.append(opportunity)
        changes["qualifyingopportunityid"] = opportunity
    rows.update(session, target.table, lead_id, changes, by_system=True)
    value = [_shaped(session, each) for each in made]
    return Response.json({"@odata.context": f"{request.root}$metadata#crmbaseentities", "value": value})


def _account(
    session: Session,
    leads: Table,
    lead_id: str,
    lead: Mapping[str, Any],
    body: Mapping[str, Any],
    made: list[LookupValue],
) -> LookupValue | None:
    if not _wanted(body, "CreateAccount"):
        return LookupValue("account", lead["parentaccountid"]) if lead["parentaccountid"] else None
    accounts = session.schema.table("account")
    values = initialize_from.mapped(session, leads, lead_id, accounts)
    values["originatingleadid"] = LookupValue("lead", lead_id)
    account = LookupValue("account", rows.create(session, accounts, values))
    made.append(account)
    return account


def _contact(
    session: Session,
    leads: Table,
    lead_id: str,
    lead: Mapping[str, Any],
    body: Mapping[str, Any],
    made: list[LookupValue],
    account: LookupValue | None,
) -> LookupValue | None:
    if not _wanted(body, "CreateContact"):
        return LookupValue("contact", lead["parentcontactid"]) if lead["parentcontactid"] else None
    contacts = session.schema.table("contact")
    values = initialize_from.mapped(session, leads, lead_id, contacts)
    values["originatingleadid"] = LookupValue("lead", lead_id)
    if account is not None:
        values["parentcustomerid"] = account
    contact = LookupValue("contact", rows.create(session, contacts, values))
    made.append(contact)
    if account is not None and account in made:
        rows.update(session, session.schema.table("account"), account.id, {"primarycontactid": contact})
    return contact


def _opportunity(
    session: Session,
    leads: Table,
    lead_id: str,
    body: Mapping[str, Any],
    account: LookupValue | None,
    contact: LookupValue | None,
) -> LookupValue:
    opportunities = session.schema.table("opportunity")
    values = initialize_from.mapped(session, leads, lead_id, opportunities)
    stated = {
        "originatingleadid": LookupValue("lead", lead_id),
        "parentaccountid": account,
        "parentcontactid": contact,
        "customerid": optional_reference(session, body, "OpportunityCustomerId") or account or contact,
        "transactioncurrencyid": optional_reference(session, body, "OpportunityCurrencyId"),
        "campaignid": optional_reference(session, body, "SourceCampaignId"),
    }
    values |= {name: value for name, value in stated.items() if value is not None}
    return LookupValue("opportunity", rows.create(session, opportunities, values))


def _wanted(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise Problem.payload(f"The parameter '{name}' must be a Boolean.")
    return value


def _shaped(session: Session, made: LookupValue) -> dict[str, Any]:
    table = session.schema.table(made.table)
    plan = plan_columns(session, table, [table.primary_id])
    row = rows.find(session, table, made.id) or {}
    [shaped] = shape_rows(plan, [[row[name] for name in plan.reads]])
    return {"@odata.type": f"#Microsoft.Dynamics.CRM.{made.table}", **shaped}
