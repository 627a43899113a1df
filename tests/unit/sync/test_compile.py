"""The SQL of the rollups, on tables small enough to count by hand. Its random judge is property/test_rollups.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from d365ext.definitions.rollups import load_rollups
from d365ext.shipped import shipped
from support.mirrored import CURRENCY, a_mirror, fill, wanted_rows
from sync.compile import Run, desired_sql
from sync.compile.dates import months_later
from sync.compile.exact import half_away_sql
from sync.mirror import Mirror

AS_OF = date(2026, 6, 30)
PARTNER, CONTACT, CUSTOMER, PAIR = range(737860000, 737860004)
SALES, PRODUCTION = 737860000, 737860001
A, B, C, P, X = (str(UUID(int=number)) for number in (0xA, 0xB, 0xC, 0xF, 0x99))


@pytest.fixture(scope="module")
def mirror() -> Iterator[Mirror]:
    with a_mirror() as made:
        yield made


def world(mirror: Mirror, **tables: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What is wanted for accounts A, B (customers), P (partner), contact C of A, and `tables`."""
    accounts = [{"accountid": A, "name": "A"}, {"accountid": B, "name": "B"}, {"accountid": P, "name": "P"}]
    contacts = [{"contactid": C, "fullname": "C", "parentcustomerid": A}]
    for table in mirror.tables:
        mirror.connection.execute(f'delete from "{table.name}"')
    fill(mirror, {"account": accounts, "contact": contacts, **tables})
    return wanted_rows(mirror, AS_OF)


def deal(number: int = 1, **columns: Any) -> dict[str, Any]:
    return {
        "opportunityid": str(UUID(int=0x1000 + number)),
        "statecode": 0,
        "createdon": datetime(2026, 1, 1, tzinfo=UTC),
        "estimatedvalue_base": Decimal(10),
        **columns,
    }


def quote(number: int = 1, **columns: Any) -> dict[str, Any]:
    return {
        "quoteid": str(UUID(int=0x2000 + number)),
        "statecode": 1,
        "createdon": datetime(2026, 1, number, tzinfo=UTC),
        "totalamount_base": Decimal(number),
        **columns,
    }


@pytest.mark.parametrize(
    ("columns", "customer"),
    [
        ({"parentaccountid": A, "customerid": B}, A),
        ({"customerid": B, "parentcontactid": C}, B),
        ({"parentcontactid": C}, A),
        ({"customerid": C}, A),
        ({"parentaccountid": X, "customerid": B}, B),
        ({"parentaccountid": X, "customerid": X, "parentcontactid": X}, None),
        ({}, None),
    ],
)
def test_whose_an_opportunity_is(mirror: Mirror, columns: dict[str, str], customer: str | None) -> None:
    rows = world(mirror, opportunity=[deal(**columns)])
    assert [key for key in rows if key[0] == CUSTOMER] == ([(CUSTOMER, None, customer)] if customer else [])


@pytest.mark.parametrize("table", ["quote", "salesorder"])
@pytest.mark.parametrize(
    ("columns", "customer"),
    [
        ({"customerid": B, "opportunityid": deal()["opportunityid"]}, B),
        ({"customerid": C, "opportunityid": deal()["opportunityid"]}, A),
        ({"customerid": X, "opportunityid": deal()["opportunityid"]}, B),
        ({"opportunityid": X}, None),
    ],
)
def test_whose_a_quote_or_an_order_is(
    mirror: Mirror, table: str, columns: dict[str, str], customer: str | None
) -> None:
    row = {**quote(), f"{table}id": str(UUID(int=5)), **columns}
    rows = world(mirror, **{"opportunity": [deal(parentaccountid=B)], table: [row]})
    column = "pch_quotedvalue" if table == "quote" else "pch_orderedvalue"
    assert {key[2] for key, row in rows.items() if row[column]} == ({customer} if customer else set())


def test_of_several_active_quotes_for_an_opportunity_the_latest_counts_whoever_it_credits(mirror: Mirror) -> None:
    of = {"opportunityid": X}
    rows = world(
        mirror,
        quote=[
            quote(1, customerid=A, **of),
            quote(3, customerid=A, **of, pch_salespartnerid=P),
            quote(2, customerid=B, **of),
            quote(9, customerid=A, **of, statecode=0),
            quote(8, customerid=A, **of, statecode=3),
            quote(4, customerid=B),
            quote(5, customerid=B),
        ],
    )
    assert rows[CUSTOMER, None, A]["pch_quotedvalue"] == 3
    assert rows[PARTNER, SALES, P]["pch_quotedcount"] == 1
    assert (rows[CUSTOMER, None, B]["pch_quotedcount"], rows[CUSTOMER, None, B]["pch_quotedvalue"]) == (2, 9)


def test_of_quotes_created_at_the_same_moment_the_highest_id_counts(mirror: Mirror) -> None:
    at = {"createdon": datetime(2026, 1, 1, tzinfo=UTC), "opportunityid": X, "customerid": A}
    rows = world(mirror, quote=[{**quote(number), **at} for number in (2, 7, 5)])
    assert rows[CUSTOMER, None, A]["pch_quotedvalue"] == 7


def test_a_partner_that_also_buys_and_helps_deliver_has_a_clean_row_for_each(mirror: Mirror) -> None:
    rows = world(
        mirror,
        opportunity=[
            deal(1, parentaccountid=P),
            deal(2, parentaccountid=A, pch_salespartnerid=P, estimatedvalue_base=Decimal(20)),
            deal(3, parentaccountid=A, pch_productionpartnerid=P, estimatedvalue_base=Decimal(40)),
        ],
    )
    values = {key: row["pch_openvalue"] for key, row in rows.items()}
    assert values == {
        (CUSTOMER, None, P): 10,
        (CUSTOMER, None, A): 60,
        (PARTNER, SALES, P): 20,
        (PAIR, SALES, P, A): 20,
        (PARTNER, PRODUCTION, P): 40,
        (PAIR, PRODUCTION, P, A): 40,
    }


def test_a_production_partner_alone_makes_no_deal_indirect(mirror: Mirror) -> None:
    rows = world(
        mirror,
        opportunity=[
            deal(1, parentaccountid=A, pch_productionpartnerid=P),
            deal(2, parentaccountid=A, pch_salespartnerid=P, estimatedvalue_base=Decimal(4)),
        ],
    )
    row = rows[CUSTOMER, None, A]
    assert (row["pch_directopenvalue"], row["pch_partneropenvalue"], row["pch_openvalue"]) == (10, 4, 14)
    assert row["pch_customercount"] is None
    assert rows[PARTNER, SALES, P]["pch_directopenvalue"] is None


def test_rows_exist_for_links_and_typed_partners_without_any_deal(mirror: Mirror) -> None:
    accounts = [
        {"accountid": A, "name": "A", "pch_salespartner2id": P, "pch_productionpartnerid": X},
        {"accountid": P, "name": "P"},
        {"accountid": B, "name": "B", "pch_customertype": 737860002},
    ]
    rows = world(mirror, account=accounts)
    assert rows.keys() == {
        (PARTNER, SALES, P),
        (CUSTOMER, None, A),
        (PAIR, SALES, P, A),
        (PARTNER, PRODUCTION, B),
    }
    assert rows[PAIR, SALES, P, A]["pch_islinked"] is True
    assert rows[PAIR, SALES, P, A]["pch_opencount"] == 0
    assert rows[PAIR, SALES, P, A]["pch_winrate"] is None


def test_a_deal_in_any_state_makes_a_row_and_a_deal_of_nobody_none(mirror: Mirror) -> None:
    cancelled = {"salesorderid": X, "statecode": 2, "customerid": A, "createdon": datetime(2026, 1, 1, tzinfo=UTC)}
    rows = world(mirror, salesorder=[cancelled], opportunity=[deal(1)])
    assert rows.keys() == {(CUSTOMER, None, A)}
    assert rows[CUSTOMER, None, A]["pch_orderedcount"] == 0


def test_a_person_shows_the_company_of_today_and_needs_no_partner_on_the_deal(mirror: Mirror) -> None:
    rows = world(mirror, opportunity=[deal(1, pch_salespartnercontactid=C)])
    assert rows.keys() == {(CONTACT, SALES, C)}
    row = rows[CONTACT, SALES, C]
    assert (row["pch_partnerid"], row["pch_contactid"], row["pch_name"]) == (A, C, "C")


def test_names_of_accounts_with_none_and_of_very_long_ones_fit(mirror: Mirror) -> None:
    accounts = [{"accountid": A, "name": "x" * 5000, "pch_salespartner1id": P}, {"accountid": P, "name": None}]
    rows = world(mirror, account=accounts)
    assert rows[PARTNER, SALES, P]["pch_name"] is None
    assert len(rows[PAIR, SALES, P, A]["pch_name"]) <= 400


@pytest.mark.parametrize(
    ("created", "zone", "days"),
    [
        (datetime(2026, 6, 1, 21, 30, tzinfo=UTC), "UTC", 9),
        (datetime(2026, 6, 1, 21, 30, tzinfo=UTC), "Europe/Helsinki", 8),
        (datetime(2026, 6, 2, 2, 30, tzinfo=UTC), "America/New_York", 9),
        (datetime(2026, 6, 20, tzinfo=UTC), "UTC", 0),
    ],
)
def test_a_cycle_counts_local_days_and_is_never_negative(created: datetime, zone: str, days: int) -> None:
    with a_mirror(zone=zone) as mirror:
        won = deal(statecode=1, createdon=created, actualclosedate=date(2026, 6, 10), parentaccountid=A)
        fill(mirror, {"account": [{"accountid": A}], "opportunity": [won]})
        assert wanted_rows(mirror, AS_OF, zone)[CUSTOMER, None, A]["pch_cycledays"] == days


def test_twelve_months_are_counted_up_to_and_including_the_day(mirror: Mirror) -> None:
    days = [
        date(2025, 6, 30),
        date(2025, 7, 1),
        date(2026, 6, 30),
        date(2026, 7, 1),
        date(2024, 6, 30),
        date(2024, 7, 1),
    ]
    won = [
        deal(number, statecode=1, parentaccountid=A, actualclosedate=day, actualvalue_base=Decimal(10**number))
        for number, day in enumerate(days)
    ]
    row = world(mirror, opportunity=won)[CUSTOMER, None, A]
    assert row["pch_wonvalue12m"] == 10 + 100
    assert row["pch_wonvalueprev12m"] == 1 + 100_000
    assert row["pch_lastwonon"] == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("dividend", "divisor", "rounded"),
    [
        (1, 2, 1),
        (-1, 2, -1),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (5, -2, -3),
        (-5, -2, 3),
        (0, 7, 0),
        (10**30, 3, 10**30 // 3),
    ],
)
def test_halves_are_rounded_away_from_zero(mirror: Mirror, dividend: int, divisor: int, rounded: int) -> None:
    sql = half_away_sql(f"{dividend}::HUGEINT", f"({divisor})::HUGEINT")
    assert mirror.connection.execute(f"select {sql}").fetchone() == (rounded,)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -24, date(2024, 1, 15)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2026, 12, 31), 0, date(2026, 12, 31)),
    ],
)
def test_a_month_without_such_a_day_ends_on_its_last(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


def test_a_new_number_is_one_entry_in_the_file(tmp_path: Path) -> None:
    text = (shipped("solution") / "rollups.toml").read_text(encoding="utf-8") + (
        '\n[rollup.meandeal]\nfrom = "deal"\ntype = "money"\nvalue = "sum(won) filter (where is_won)"\n'
        'over = "count(*) filter (where is_won)"\nlabel = { en = "a", fi = "b", sv = "c" }\n'
        'description = { en = "a", fi = "b", sv = "c" }\n'
    )
    (tmp_path / "rollups.toml").write_text(text, encoding="utf-8")
    rollups = load_rollups(tmp_path / "rollups.toml")
    won = [deal(number, statecode=1, parentaccountid=A, actualvalue_base=Decimal(number)) for number in (1, 1, 3)][1:]
    with a_mirror(rollups) as mirror:
        fill(mirror, {"account": [{"accountid": A}], "opportunity": won})
        row = wanted_rows(mirror, AS_OF, rollups=rollups)[CUSTOMER, None, A]
    assert row["pch_meandeal"] == 2


def test_every_amount_is_in_the_base_currency_and_the_query_names_it() -> None:
    with a_mirror() as mirror:
        sql = desired_sql(load_rollups(shipped("solution") / "rollups.toml"), Run(AS_OF, "UTC", CURRENCY))
        fill(mirror, {"account": [{"accountid": A, "pch_customertype": 737860001}]})
        found = mirror.connection.execute(f"select distinct transactioncurrencyid from ({sql})").fetchall()
    assert found == [(CURRENCY,)]
