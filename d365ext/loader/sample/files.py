"""The sample as a folder of CSV files, in the form that `d365ext data load` reads."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from d365ext.loader.sample.cast import Cast, Company, Person, id_of, load_cast
from d365ext.loader.sample.deals import Deal, draw_deals
from d365ext.loader.sample.papers import Lead, Paper, leads_of, orders_of, quotes_of

Row = Mapping[str, str]

BASE_CURRENCY = "EUR"
"""What the environment itself counts in: rows in it name no currency."""


def write_sample(folder: Path, today: date) -> None:
    """Write the sample data into `folder`, which exists: one CSV file per table.

    Effects: same `today`, same bytes.
    """
    for table, rows in sample_tables(today).items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def sample_tables(today: date) -> dict[str, list[Row]]:
    """Give the rows of every table, as text."""
    cast = load_cast()
    deals = list(draw_deals(cast, today))
    leads = list(leads_of(cast, deals, today))
    quotes = list(quotes_of(deals, today))
    orders = list(orders_of(deals, quotes, today))
    lead_of = {lead.deal.number: lead.id for lead in leads if lead.deal}
    companies = [*cast.partners.values(), *cast.customers]
    return {
        "transactioncurrency": [_currency(code, entry) for code, entry in cast.currencies.items()],
        "account": [_account(company, cast) for company in companies],
        "contact": [_contact(person, company) for company in companies for person in company.people],
        "lead": [_lead(lead) for lead in leads],
        "opportunity": [_opportunity(deal, lead_of.get(deal.number, "")) for deal in deals],
        "quote": [_paper("quote", quote) for quote in quotes],
        "salesorder": [{**_paper("salesorder", order), "quoteid": order.quote} for order in orders],
    }


def currency_id(code: str) -> str:
    """Give the id of a currency of the sample; empty for the base currency."""
    return "" if code == BASE_CURRENCY else id_of("transactioncurrency", code)


def _currency(code: str, entry: Mapping[str, str]) -> Row:
    return {
        "transactioncurrencyid": currency_id(code),
        "isocurrencycode": code,
        "currencyname": entry["name"],
        "currencysymbol": entry["symbol"],
        "currencyprecision": "2",
        "exchangerate": entry["rate"],
    }


def _account(company: Company, cast: Cast) -> Row:
    links = [cast.partners[key].id if key else "" for key in company.links]
    return {
        "accountid": company.id,
        "name": company.name,
        "pch_customertype": company.role,
        "industrycode": company.industry,
        "address1_city": company.city,
        "address1_country": company.country,
        "primarycontactid": company.people[0].id if company.people else "",
        "pch_salespartner1id": links[0],
        "pch_salespartner2id": links[1],
        "pch_productionpartnerid": links[2],
    }


def _contact(person: Person, company: Company) -> Row:
    return {
        "contactid": person.id,
        "firstname": person.first_name,
        "lastname": person.last_name,
        "emailaddress1": person.email,
        "parentcustomerid": company.id,
    }


def _partner_columns(deal: Deal) -> Row:
    return {
        "pch_salespartnerid": deal.sales.id if deal.sales else "",
        "pch_salespartnercontactid": deal.seller.id if deal.seller else "",
        "pch_productionpartnerid": deal.production.id if deal.production else "",
        "pch_productionpartnercontactid": deal.installer.id if deal.installer else "",
    }


def _lead(lead: Lead) -> Row:
    return {
        "leadid": lead.id,
        "subject": lead.subject,
        "firstname": lead.first_name,
        "lastname": lead.last_name,
        "companyname": lead.customer.name,
        "parentaccountid": lead.customer.id,
        "leadsourcecode": lead.source,
        "pch_salespartnerid": lead.sales.id if lead.sales else "",
        "pch_salespartnercontactid": lead.seller.id if lead.seller else "",
        "transactioncurrencyid": currency_id(lead.currency),
        "estimatedamount": _money(lead.amount),
        "overriddencreatedon": lead.created.isoformat(),
        "statecode": lead.state,
    }


def _opportunity(deal: Deal, lead_id: str) -> Row:
    person = deal.buyer.id if deal.buyer else ""
    return {
        "opportunityid": deal.id,
        "name": deal.name,
        "parentaccountid": "" if deal.through_person else deal.customer.id,
        "parentcontactid": "" if deal.through_person else person,
        "customerid": person if deal.through_person else "",
        "originatingleadid": lead_id,
        **_partner_columns(deal),
        "transactioncurrencyid": currency_id(deal.currency),
        "estimatedvalue": _money(deal.amount),
        "closeprobability": "" if deal.probability is None else str(deal.probability),
        "estimatedclosedate": _day(deal.expected),
        "overriddencreatedon": deal.created.isoformat(),
        "statecode": deal.state,
        "statuscode": deal.reason,
        "actualvalue": "" if deal.paid is None else _money(deal.paid),
        "actualclosedate": _day(deal.closed),
    }


def _paper(table: str, paper: Paper) -> dict[str, str]:
    deal = paper.deal
    buyer = deal.buyer.id if deal.through_person and deal.buyer else deal.customer.id
    return {
        f"{table}id": paper.id,
        "name": paper.name,
        "opportunityid": deal.id,
        "customerid": buyer,
        **_partner_columns(deal),
        "transactioncurrencyid": currency_id(deal.currency),
        "totalamount": _money(paper.amount),
        "overriddencreatedon": paper.created.isoformat(),
        "statecode": paper.state,
    }


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
