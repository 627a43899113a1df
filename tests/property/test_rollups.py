"""Whatever the data, the SQL of the rollups says what a naive loop over all rows says: every level, column and cent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365ext.definitions.rollups import Level, Role
from support.mirrored import a_mirror, fill, wanted_rows
from support.oracle import pipeline
from sync.compile.subjects import pipeline_id

AS_OF = date(2024, 2, 29)
ACCOUNTS = [str(UUID(int=0xA0000000000000000000000000000000 + number)) for number in range(5)]
CONTACTS = [str(UUID(int=0xC0000000000000000000000000000000 + number)) for number in range(4)]
GONE = str(UUID(int=0xDEAD))

accounts = st.sampled_from([*ACCOUNTS, None, GONE])
contacts = st.sampled_from([*CONTACTS, None, GONE])
parties = st.sampled_from([*ACCOUNTS, *CONTACTS, None, GONE])
money = st.one_of(
    st.none(),
    st.decimals(min_value=-(10**9), max_value=9 * 10**14, places=4),
    st.sampled_from([Decimal("0.005"), Decimal("-0.005"), Decimal("812345678901234.5678")]),
)
days = st.one_of(
    st.none(),
    st.dates(AS_OF - timedelta(days=800), AS_OF + timedelta(days=60)),
    st.sampled_from([AS_OF, AS_OF + timedelta(days=1), date(2023, 2, 28), date(2023, 3, 1), date(2022, 2, 28)]),
)
moments = st.integers(0, 90_000_000).map(lambda seconds: datetime(2022, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
few_moments = st.sampled_from([datetime(2024, 1, day, 22, 30, tzinfo=UTC) for day in (1, 2, 3)])
names = st.one_of(st.none(), st.sampled_from(["Brinkmann Partners", "Mäkelä Öljy & Vesi", " spaced ", ""]))


def rows_of(key: str, **columns: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({key: st.uuids().map(str), **columns})
    return st.lists(row, max_size=25, unique_by=lambda each: each[key])


partners = {
    "pch_salespartnerid": accounts,
    "pch_productionpartnerid": accounts,
    "pch_salespartnercontactid": contacts,
    "pch_productionpartnercontactid": contacts,
}
opportunities = rows_of(
    "opportunityid",
    statecode=st.sampled_from([0, 1, 2]),
    createdon=moments,
    parentaccountid=accounts,
    parentcontactid=contacts,
    customerid=parties,
    estimatedvalue_base=money,
    actualvalue_base=money,
    closeprobability=st.one_of(st.none(), st.integers(0, 100)),
    estimatedclosedate=days,
    actualclosedate=days,
    **partners,
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    deals = draw(opportunities)
    known = st.sampled_from([*(row["opportunityid"] for row in deals), None, GONE])
    paper = {
        "createdon": few_moments,
        "customerid": parties,
        "opportunityid": known,
        "totalamount_base": money,
        **partners,
    }
    return {
        "opportunity": deals,
        "quote": draw(rows_of("quoteid", statecode=st.sampled_from([0, 1, 1, 1, 2, 3]), **paper)),
        "salesorder": draw(rows_of("salesorderid", statecode=st.sampled_from([0, 1, 2, 3, 4]), **paper)),
        "account": [
            {
                "accountid": account,
                "name": draw(names),
                "pch_customertype": draw(st.sampled_from([None, 737860000, 737860001, 737860002])),
                "pch_salespartner1id": draw(accounts),
                "pch_salespartner2id": draw(accounts),
                "pch_productionpartnerid": draw(accounts),
            }
            for account in draw(st.sets(st.sampled_from(ACCOUNTS)))
        ],
        "contact": [
            {"contactid": contact, "fullname": draw(names), "parentcustomerid": draw(parties)}
            for contact in draw(st.sets(st.sampled_from(CONTACTS)))
        ],
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables=tables(), zone=st.sampled_from(["UTC", "Europe/Helsinki", "America/New_York"]))
def test_the_sql_agrees_with_the_naive_loop_for_every_cell(tables: dict[str, list[dict[str, Any]]], zone: str) -> None:
    with a_mirror(zone=zone) as mirror:
        fill(mirror, tables)
        found = wanted_rows(mirror, AS_OF, zone)
    expected = pipeline(tables, AS_OF, zone)
    assert found.keys() == expected.keys()
    for subject, row in expected.items():
        shown = {name: found[subject][name] for name in row}
        assert shown == row, subject


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables=tables())
def test_ids_made_in_sql_are_those_made_in_python(tables: dict[str, list[dict[str, Any]]]) -> None:
    with a_mirror() as mirror:
        fill(mirror, tables)
        found = wanted_rows(mirror, AS_OF)
    levels = {level.option: level for level in Level}
    roles = {role.option: role for role in Role}
    for (level, role, *ids), row in found.items():
        assert row["pch_pipelineid"] == str(pipeline_id(levels[level], roles.get(role), *map(UUID, ids)))


@pytest.mark.parametrize(
    ("values", "total"),
    [
        (["0.0025", "0.0025"], "0.01"),
        (["-0.0025", "-0.0025"], "-0.01"),
        (["0.0049"], "0.00"),
        (["999999999999.9950"], "1000000000000.00"),
        (["0.1", "0.2", "-0.3"], "0.00"),
    ],
)
def test_money_is_summed_first_and_rounded_once_half_away_from_zero(values: list[str], total: str) -> None:
    deals = [
        {
            "opportunityid": str(UUID(int=number)),
            "statecode": 0,
            "createdon": datetime(2024, 1, 1, tzinfo=UTC),
            "parentaccountid": ACCOUNTS[0],
            "estimatedvalue_base": Decimal(value),
        }
        for number, value in enumerate(values)
    ]
    with a_mirror() as mirror:
        fill(mirror, {"opportunity": deals, "account": [{"accountid": ACCOUNTS[0], "name": "A"}]})
        row = wanted_rows(mirror, AS_OF)[(737860002, None, ACCOUNTS[0])]
    assert str(row["pch_openvalue"]) == total
