"""Columns that follow a customer column: `customerid`, `parentcustomerid` and what mirrors them.

Owns which column follows which. Works on stored values.

Sources: the table reference marks accountid and contactid of lead, opportunity, quote and order, and accountid and
parentcontactid of contact, as not valid for create or update: the platform writes them [inferred: from the customer
column]. Opportunity: when an account or a contact is set and no customer is, the customer is the account, else the
contact; the account "will always be mapped so long as it is not null, regardless of whether it was set at creation
time or later on" (field reports: steveplatz.com 2019-02-02, riics.com 2014-07-13). Nothing is mirrored the other way:
a customer that is given sets neither parentaccountid nor parentcontactid [inferred].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.rows.plan import Plan
from d365ext.emulator.store.schema import TYPE_SUFFIX

_FOLLOWERS = {  # table: (customer column, column for an account, column for a contact)
    "contact": ("parentcustomerid", "accountid", "parentcontactid"),
    "lead": ("customerid", "accountid", "contactid"),
    "opportunity": ("customerid", "accountid", "contactid"),
    "quote": ("customerid", "accountid", "contactid"),
    "salesorder": ("customerid", "accountid", "contactid"),
}


def follow(plan: Plan, row: Mapping[str, Any], into: dict[str, Any]) -> None:
    """Write the following columns `into` the changes; `row` is the whole row as it will be."""
    followers = _FOLLOWERS.get(plan.table.logical)
    if followers is None:
        return
    if plan.table.logical == "opportunity":
        _default_customer(row, into)
    customer, account, contact = followers
    if customer in into:
        kind = into[customer + TYPE_SUFFIX]
        into[account] = into[customer] if kind == "account" else None
        into[contact] = into[customer] if kind == "contact" else None


def _default_customer(row: Mapping[str, Any], into: dict[str, Any]) -> None:
    if "customerid" in into or not ("parentaccountid" in into or "parentcontactid" in into):
        return
    for column, kind in (("parentaccountid", "account"), ("parentcontactid", "contact")):
        if row.get(column) is not None:
            into["customerid"], into["customerid" + TYPE_SUFFIX] = row[column], kind
            return
