"""The judge of the numbers: one naive loop over all rows, in plain Python. It shares no code with sync or rollups.toml.

Rows are dicts by logical column name; ids are str, money is Decimal, dates are date, moments are UTC datetime; what is
missing is None or not there. `pipeline(tables, …)` gives the wanted rows by subject: (level, role, ids…).
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
Tables = Mapping[str, Iterable[Row]]
Subject = tuple[Any, ...]

PARTNER, CONTACT, CUSTOMER, PAIR = 737860000, 737860001, 737860002, 737860003
SALES, PRODUCTION = 737860000, 737860001
ROLES = {
    SALES: ("pch_salespartnerid", "pch_salespartnercontactid"),
    PRODUCTION: ("pch_productionpartnerid", "pch_productionpartnercontactid"),
}
ZERO = Decimal(0)


def pipeline(tables: Tables, as_of: date, zone: str = "UTC") -> dict[Subject, dict[str, Any]]:
    """Compute every row of pch_pipeline that ought to be there, with its columns."""
    return _Oracle(tables, as_of, ZoneInfo(zone)).rows()


class _Oracle:
    def __init__(self, tables: Tables, as_of: date, zone: ZoneInfo) -> None:
        self.as_of, self.zone = as_of, zone
        self.accounts = {row["accountid"]: row for row in tables["account"]}
        self.contacts = {row["contactid"]: row for row in tables["contact"]}
        self.opportunities = {row["opportunityid"]: row for row in tables["opportunity"]}
        self.quotes = list(tables.get("quote", ()))
        self.orders = list(tables.get("salesorder", ()))

    # ------------------------------------------------------------ whose deal it is

    def company(self, contact: str | None) -> str | None:
        found = self.contacts.get(contact) if contact else None
        company = found.get("parentcustomerid") if found else None
        return company if company in self.accounts else None

    def customer_of_opportunity(self, row: Row) -> str | None:
        if row.get("parentaccountid") in self.accounts:
            return row["parentaccountid"]
        if row.get("customerid") in self.accounts:
            return row["customerid"]
        return self.company(row.get("parentcontactid")) or self.company(row.get("customerid"))

    def customer_of_quote_or_order(self, row: Row) -> str | None:
        if row.get("customerid") in self.accounts:
            return row["customerid"]
        if self.company(row.get("customerid")):
            return self.company(row.get("customerid"))
        opportunity = self.opportunities.get(row.get("opportunityid"))
        return self.customer_of_opportunity(opportunity) if opportunity else None

    # ------------------------------------------------------------ what each subject has

    def subjects_of(self, row: Row, customer: str | None) -> Iterable[Subject]:
        if customer:
            yield (CUSTOMER, None, customer)
        for role, (partner_column, contact_column) in ROLES.items():
            partner, contact = row.get(partner_column), row.get(contact_column)
            if partner in self.accounts:
                yield (PARTNER, role, partner)
                if customer:
                    yield (PAIR, role, partner, customer)
            if contact in self.contacts:
                yield (CONTACT, role, contact)

    def rows(self) -> dict[Subject, dict[str, Any]]:
        deals: dict[Subject, list[Row]] = defaultdict(list)
        quotes: dict[Subject, list[Row]] = defaultdict(list)
        orders: dict[Subject, list[Row]] = defaultdict(list)
        for row in self.opportunities.values():
            customer = self.customer_of_opportunity(row)
            for subject in self.subjects_of(row, customer):
                deals[subject].append({**row, "customer": customer})
        for row in self.quotes:
            for subject in self.subjects_of(row, self.customer_of_quote_or_order(row)):
                quotes[subject].append(row)
        for row in self.orders:
            for subject in self.subjects_of(row, self.customer_of_quote_or_order(row)):
                orders[subject].append(row)
        links = {
            (partner, role, customer) for customer, row in self.accounts.items() for partner, role in self.links(row)
        }
        subjects = {*deals, *quotes, *orders}
        for partner, role, customer in links:
            subjects |= {(PARTNER, role, partner), (CUSTOMER, None, customer), (PAIR, role, partner, customer)}
        for account, row in self.accounts.items():
            if row.get("pch_customertype") in (737860001, 737860002):
                subjects.add((PARTNER, SALES if row["pch_customertype"] == 737860001 else PRODUCTION, account))
        return {
            subject: {
                **self.shown(subject, links),
                **self.from_deals(subject[0], deals[subject]),
                **self.from_quotes(quotes[subject]),
                **self.from_orders(orders[subject]),
            }
            for subject in subjects
        }

    def links(self, account: Row) -> Iterable[tuple[str, int]]:
        for column, role in (
            ("pch_salespartner1id", SALES),
            ("pch_salespartner2id", SALES),
            ("pch_productionpartnerid", PRODUCTION),
        ):
            if account.get(column) in self.accounts:
                yield account[column], role

    # ------------------------------------------------------------ what the row shows

    def shown(self, subject: Subject, links: set[tuple[str, int, str]]) -> dict[str, Any]:
        level, role, *ids = subject
        partner = ids[0] if level in (PARTNER, PAIR) else self.company(ids[0]) if level == CONTACT else None
        customer = ids[-1] if level in (CUSTOMER, PAIR) else None
        if level == CONTACT:
            name = (self.contacts[ids[0]].get("fullname") or "").strip()
        else:
            name = " – ".join((self.accounts[each].get("name") or "").strip() for each in ids).strip()
        return {
            "pch_level": level,
            "pch_role": role,
            "pch_partnerid": partner,
            "pch_contactid": ids[0] if level == CONTACT else None,
            "pch_customerid": customer,
            "pch_name": name or None,
            "pch_islinked": level == PAIR and (ids[0], role, ids[1]) in links,
        }

    def local_date(self, moment: datetime) -> date:
        return moment.replace(tzinfo=UTC).astimezone(self.zone).date()

    def from_deals(self, level: int, rows: list[Row]) -> dict[str, Any]:
        still_open = [row for row in rows if row["statecode"] == 0]
        won = [row for row in rows if row["statecode"] == 1]
        lost = [row for row in rows if row["statecode"] == 2]
        due = [row["estimatedclosedate"] for row in still_open if row.get("estimatedclosedate")]
        cycles = [
            max(0, (row["actualclosedate"] - self.local_date(row["createdon"])).days)
            for row in won
            if row.get("actualclosedate")
        ]
        closed_on = [row["actualclosedate"] for row in won if row.get("actualclosedate")]
        recent, before = months_before(self.as_of, 12), months_before(self.as_of, 24)
        weighted = sum((estimated(row) * (row.get("closeprobability") or 0) for row in still_open), ZERO)
        numbers = {
            "pch_opencount": len(still_open),
            "pch_openvalue": money(sum(map(estimated, still_open), ZERO)),
            "pch_weightedvalue": money(weighted / 100),
            "pch_overduecount": sum(1 for day in due if day < self.as_of),
            "pch_nextcloseon": min((day for day in due if day >= self.as_of), default=None),
            "pch_woncount": len(won),
            "pch_wonvalue": money(sum(map(actual, won), ZERO)),
            "pch_lostcount": len(lost),
            "pch_winrate": ratio(100 * len(won), len(won) + len(lost), "0.01"),
            "pch_cycledays": ratio(sum(cycles), len(cycles), "0.1"),
            "pch_wonvalue12m": self.won_between(won, recent, self.as_of),
            "pch_wonvalueprev12m": self.won_between(won, before, recent),
            "pch_lastwonon": max(closed_on, default=None),
            "pch_customercount": len({row["customer"] for row in rows if row["customer"]}),
            "pch_partneropenvalue": None,
            "pch_partnerwonvalue": None,
            "pch_directopenvalue": None,
            "pch_directwonvalue": None,
        }
        if level == CUSTOMER:
            numbers["pch_customercount"] = None
            for word, through in (("partner", True), ("direct", False)):
                chosen = [row for row in rows if bool(row.get("pch_salespartnerid")) == through]
                numbers[f"pch_{word}openvalue"] = money(
                    sum((estimated(r) for r in chosen if r["statecode"] == 0), ZERO)
                )
                numbers[f"pch_{word}wonvalue"] = money(sum((actual(r) for r in chosen if r["statecode"] == 1), ZERO))
        return numbers

    def won_between(self, won: list[Row], after: date, until: date) -> Decimal:
        return money(
            sum(
                (actual(row) for row in won if row.get("actualclosedate") and after < row["actualclosedate"] <= until),
                ZERO,
            )
        )

    def from_quotes(self, rows: list[Row]) -> dict[str, Any]:
        counted = [row for row in rows if row["statecode"] == 1 and self.is_latest(row)]
        return {
            "pch_quotedcount": len(counted),
            "pch_quotedvalue": money(sum((row.get("totalamount_base") or ZERO for row in counted), ZERO)),
        }

    def is_latest(self, quote: Row) -> bool:
        """Of the active quotes for the same opportunity, whoever they credit, the one created last."""
        if not quote.get("opportunityid"):
            return True
        rivals = [
            (other["createdon"], other["quoteid"])
            for other in self.quotes
            if other["statecode"] == 1 and other.get("opportunityid") == quote["opportunityid"]
        ]
        return max(rivals) == (quote["createdon"], quote["quoteid"])

    def from_orders(self, rows: list[Row]) -> dict[str, Any]:
        counted = [row for row in rows if row["statecode"] != 2]
        return {
            "pch_orderedcount": len(counted),
            "pch_orderedvalue": money(sum((row.get("totalamount_base") or ZERO for row in counted), ZERO)),
        }


def estimated(row: Row) -> Decimal:
    return row.get("estimatedvalue_base") or ZERO


def actual(row: Row) -> Decimal:
    value = row.get("actualvalue_base")
    return estimated(row) if value is None else value


def money(value: Decimal) -> Decimal:
    """Two decimals, a half away from zero (which is what decimal calls ROUND_HALF_UP)."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def ratio(value: int, over: int, places: str) -> Decimal | None:
    if not over:
        return None
    return (Decimal(value) / Decimal(over)).quantize(Decimal(places), ROUND_HALF_UP)


def months_before(day: date, months: int) -> date:
    year, month = day.year - months // 12, day.month - months % 12
    if month < 1:
        year, month = year - 1, month + 12
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
