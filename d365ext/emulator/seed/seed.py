"""The first rows of a new organization: the organization itself, its currency, business unit, users, role, publisher
and solutions, and the forms and views of the sales tables.

Owns what is planted. Names and settings are those of a fresh organization in English; ids are fixed (seed_ids.py).
Source: table reference of organization, systemuser, publisher, solution; learn.microsoft.com/…/alm/
solution-concepts-alm ("Default Solution", default publisher with the prefix new); the rest is inferred.
"""

from __future__ import annotations

from typing import Any

from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.security import roles
from d365ext.emulator.seed import mapping_seed, message_rows, seed_ids, seed_layouts
from d365ext.emulator.session import Session

ORGANIZATION_NAME = "localdataverse"
_CURRENCIES = {
    "EUR": ("Euro", "€"),
    "USD": ("US Dollar", "$"),
    "SEK": ("Swedish Krona", "kr"),
    "GBP": ("Pound Sterling", "£"),
}


def plant(session: Session) -> None:
    """Create the first rows."""
    _currency(session)
    _organization(session)
    _people(session)
    _solutions(session)
    seed_layouts.plant(session)
    message_rows.plant(session)
    roles.plant(session)
    mapping_seed.seed(session)


def _create(session: Session, table: str, row_id: str, **values: Any) -> None:
    made = session.schema.table(table)
    rows.create(session, made, {made.primary_id: row_id, **values}, by_system=True)


def _currency(session: Session) -> None:
    code = session.settings.base_currency
    name, symbol = _CURRENCIES.get(code, (code, code))
    _create(
        session,
        "transactioncurrency",
        seed_ids.CURRENCY,
        currencyname=name,
        isocurrencycode=code,
        currencysymbol=symbol,
        currencyprecision=2,
        exchangerate=1,
    )


def _organization(session: Session) -> None:
    code = session.settings.base_currency
    _create(
        session,
        "organization",
        seed_ids.ORGANIZATION,
        name=ORGANIZATION_NAME,
        basecurrencyid=LookupValue("transactioncurrency", seed_ids.CURRENCY),
        basecurrencyprecision=2,
        basecurrencysymbol=_CURRENCIES.get(code, (code, code))[1],
        currencydecimalprecision=2,
        pricingdecimalprecision=2,
        languagecode=session.settings.languages[0],
        localeid=session.settings.languages[0],
        expirechangetrackingindays=7,
        fullnameconventioncode=0,
        maxuploadfilesize=5242880,
        fiscalcalendarstart="2000-01-01T00:00:00Z",
        fiscalperiodtype=2001,
    )
    _create(session, "businessunit", seed_ids.BUSINESS_UNIT, name=ORGANIZATION_NAME)


def _people(session: Session) -> None:
    unit = LookupValue("businessunit", seed_ids.BUSINESS_UNIT)
    people = (
        (seed_ids.ADMINISTRATOR, "System", "Administrator", "administrator@localdataverse.example", None),
        (seed_ids.SYSTEM, "", "SYSTEM", "", None),
        (seed_ids.APPLICATION, "#", "Local Application", "", seed_ids.APPLICATION_CLIENT),
    )
    for row_id, first, last, mail, application in people:
        _create(
            session,
            "systemuser",
            row_id,
            firstname=first,
            lastname=last,
            domainname=mail or last,
            internalemailaddress=mail or None,
            businessunitid=unit,
            applicationid=application,
            azureactivedirectoryobjectid=seed_ids.object_id(row_id),
            accessmode=3 if last == "SYSTEM" else 4 if application else 0,
            identityid=people.index((row_id, first, last, mail, application)) + 1,
        )
    administrator = LookupValue("systemuser", seed_ids.ADMINISTRATOR)
    team = {"name": ORGANIZATION_NAME, "businessunitid": unit, "administratorid": administrator}
    _create(session, "team", seed_ids.TEAM, **team, isdefault=True, teamtype=0, systemmanaged=True)
    _create(session, "role", seed_ids.ROLE, name="System Administrator", businessunitid=unit, ismanaged=True)
    for user in (seed_ids.ADMINISTRATOR, seed_ids.APPLICATION):
        _create(
            session, "systemuserroles", seed_ids.fixed("systemuserroles", user), systemuserid=user, roleid=seed_ids.ROLE
        )


def _solutions(session: Session) -> None:
    _create(
        session,
        "publisher",
        seed_ids.PUBLISHER,
        uniquename=f"DefaultPublisher{ORGANIZATION_NAME}",
        friendlyname=f"Default Publisher for {ORGANIZATION_NAME}",
        customizationprefix="new",
        customizationoptionvalueprefix=10000,
        isreadonly=False,
    )
    _create(
        session,
        "publisher",
        seed_ids.MICROSOFT,
        uniquename="MicrosoftCorporation",
        friendlyname="MicrosoftCorporation",
        customizationprefix="none",
        customizationoptionvalueprefix=None,
        isreadonly=True,
    )
    solutions = (
        (seed_ids.DEFAULT_SOLUTION, "Default", "Default Solution", seed_ids.PUBLISHER, False, True),
        (seed_ids.ACTIVE_SOLUTION, "Active", "Active Solution", seed_ids.PUBLISHER, False, False),
        (seed_ids.SYSTEM_SOLUTION, "System", "System Solution", seed_ids.MICROSOFT, True, False),
    )
    for row_id, name, title, publisher, managed, visible in solutions:
        _create(
            session,
            "solution",
            row_id,
            uniquename=name,
            friendlyname=title,
            version="9.2.0.0" if managed else "1.0",
            publisherid=LookupValue("publisher", publisher),
            ismanaged=managed,
            isvisible=visible,
            installedon=session.now_text,
        )
