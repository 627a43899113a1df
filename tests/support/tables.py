"""Tables as the loader sees them, for tests that need no environment."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from d365ext.loader.shapes import Column, Kind, Option, Table

OPPORTUNITY_STATES = (
    Option(0, ("Open", "Avoin"), default_status=1),
    Option(1, ("Won",), default_status=3),
    Option(2, ("Lost",), default_status=4),
)
OPPORTUNITY_STATUSES = (
    Option(1, ("In Progress",), state=0),
    Option(2, ("On Hold",), state=0),
    Option(3, ("Won",), state=1),
    Option(4, ("Canceled",), state=2),
    Option(5, ("Out-Sold",), state=2),
)
QUOTE_STATES = (
    Option(0, ("Draft",), default_status=1),
    Option(1, ("Active",), default_status=2),
    Option(2, ("Won",), default_status=4),
    Option(3, ("Closed",), default_status=7),
)


def a_column(name: str, kind: Kind, **more: Any) -> Column:
    """A column that may be written, unless said."""
    return Column(name, kind, **{"can_create": True, "can_update": True, **more})


def a_table(name: str, entity_set: str, columns: Mapping[str, Kind | Column]) -> Table:
    """A table with its primary id, a name, and `columns`."""
    every = {f"{name}id": Kind.ID, "name": Kind.TEXT, **columns}
    made = {key: kind if isinstance(kind, Column) else a_column(key, kind) for key, kind in every.items()}
    return Table(name, entity_set, f"{name}id", made)


def state_column(options: tuple[Option, ...]) -> Column:
    """A statecode: written only once the row is there."""
    return a_column("statecode", Kind.CHOICE, options=options, can_create=False)


ACCOUNT = a_table(
    "account",
    "accounts",
    {
        "revenue": a_column("revenue", Kind.MONEY, decimals=2, decimals_by=2, low=Decimal(0), high=Decimal(10**12)),
        "parentaccountid": a_column("parentaccountid", Kind.LOOKUP, targets={"account": "parentaccountid"}),
        "primarycontactid": a_column("primarycontactid", Kind.LOOKUP, targets={"contact": "primarycontactid"}),
        "createdon": a_column("createdon", Kind.MOMENT, can_create=False, can_update=False),
        "overriddencreatedon": a_column("overriddencreatedon", Kind.MOMENT, can_update=False),
        "entityimage": Kind.OTHER,
    },
)
CONTACT = a_table(
    "contact",
    "contacts",
    {
        "parentcustomerid": a_column(
            "parentcustomerid",
            Kind.LOOKUP,
            targets={"account": "parentcustomerid_account", "contact": "parentcustomerid_contact"},
        )
    },
)
OPPORTUNITY = a_table(
    "opportunity",
    "opportunities",
    {
        "parentaccountid": a_column("parentaccountid", Kind.LOOKUP, targets={"account": "parentaccountid"}),
        "estimatedvalue": Kind.MONEY,
        "actualvalue": Kind.MONEY,
        "actualclosedate": Kind.DAY,
        "overriddencreatedon": a_column("overriddencreatedon", Kind.MOMENT, can_update=False),
        "statecode": state_column(OPPORTUNITY_STATES),
        "statuscode": a_column("statuscode", Kind.CHOICE, options=OPPORTUNITY_STATUSES),
    },
)
QUOTE = a_table(
    "quote",
    "quotes",
    {
        "totalamount": a_column("totalamount", Kind.MONEY, can_create=False),
        "statecode": state_column(QUOTE_STATES),
        "statuscode": a_column("statuscode", Kind.CHOICE),
    },
)
