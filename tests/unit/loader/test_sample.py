"""The sample data: the same every time, believable, and holding every story that the tests and the demo tell."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from d365ext.loader.folder import read_folder
from d365ext.loader.sample import write_sample
from d365ext.loader.sample.files import currency_id, sample_tables

TODAY = date(2026, 11, 22)
Row = Mapping[str, str]


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    return sample_tables(TODAY)


def test_the_same_day_gives_the_same_bytes_and_another_day_other_dates_of_the_same_rows(tmp_path: Path) -> None:
    for name, day in (("a", TODAY), ("b", TODAY), ("c", TODAY + timedelta(days=1))):
        (tmp_path / name).mkdir()
        write_sample(tmp_path / name, day)
    first, second, third = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in "abc")
    assert first == second
    assert first["opportunity.csv"] != third["opportunity.csv"]
    assert first["account.csv"] == third["account.csv"]
    ids = [{row.cells[0] for row in read_folder(tmp_path / n)[3].rows} for n in "ac"]
    assert ids[0] == ids[1]


def test_the_files_are_in_the_form_that_the_loader_reads(tmp_path: Path) -> None:
    write_sample(tmp_path, TODAY)
    assert [sheet.table for sheet in read_folder(tmp_path)] == [
        "account",
        "contact",
        "lead",
        "opportunity",
        "quote",
        "salesorder",
        "transactioncurrency",
    ]
    with (tmp_path / "account.csv").open(encoding="utf-8", newline="") as file:
        assert "Lumisäde Myynti Oy" in next(csv.DictReader(file))["name"]


def test_it_has_the_size_that_was_asked_for(tables: dict[str, list[Row]]) -> None:
    types = Counter(row["pch_customertype"] for row in tables["account"])
    assert types == {"737860000": 60, "737860001": 8, "737860002": 3}
    partners = {row["accountid"] for row in tables["account"] if row["pch_customertype"] != "737860000"}
    assert sum(row["parentcustomerid"] in partners for row in tables["contact"]) == 30
    assert len(tables["opportunity"]) == 800
    assert {row["transactioncurrencyid"] for row in tables["opportunity"]} == {
        currency_id(code) for code in ("EUR", "SEK", "USD")
    }


def test_every_id_is_used_once_and_every_lookup_leads_somewhere(tables: dict[str, list[Row]]) -> None:
    ids = {name: [row[f"{name}id"] for row in rows] for name, rows in tables.items()}
    for name, found in ids.items():
        assert len(set(found)) == len(found), name
        assert all(UUID(each).version == 5 for each in found)
    known = {each for found in ids.values() for each in found}
    for name, rows in tables.items():
        for row in rows:
            lookups = {column: value for column, value in row.items() if column.endswith("id") and value}
            assert set(lookups.values()) <= known, (name, row)


def test_deals_are_open_won_lost_overdue_direct_and_through_partners(tables: dict[str, list[Row]]) -> None:
    deals = tables["opportunity"]
    states = Counter(row["statecode"] for row in deals)
    assert all(states[state] > 200 for state in ("Open", "Won", "Lost"))
    overdue = [row for row in deals if row["statecode"] == "Open" and "" < row["estimatedclosedate"] < str(TODAY)]
    assert 30 <= len(overdue) <= 80
    assert 200 < sum(not row["pch_salespartnerid"] for row in deals) < 400
    assert any(row["pch_productionpartnerid"] and not row["pch_salespartnerid"] for row in deals)
    assert any(row["customerid"] for row in deals), "a deal with a person alone as its customer"


def test_no_deal_is_closed_before_it_is_made_or_after_today(tables: dict[str, list[Row]]) -> None:
    for row in tables["opportunity"]:
        assert row["overriddencreatedon"] < str(TODAY)
        if row["actualclosedate"]:
            assert row["overriddencreatedon"] <= row["actualclosedate"] <= str(TODAY)


def test_a_closed_deal_has_no_open_quote(tables: dict[str, list[Row]]) -> None:
    states = {row["opportunityid"]: row["statecode"] for row in tables["opportunity"]}
    allowed = {"Open": {"Draft", "Active"}, "Won": {"Won"}, "Lost": {"Closed"}}
    for quote in tables["quote"]:
        assert quote["statecode"] in allowed[states[quote["opportunityid"]]]


def test_the_stories_are_there(tables: dict[str, list[Row]]) -> None:
    accounts = {row["name"]: row for row in tables["account"]}
    deals = tables["opportunity"]
    buyer = accounts["Ahjomäki Kumppanit Oy"]["accountid"]
    assert any(deal["parentaccountid"] == buyer for deal in deals), "a partner that also buys"
    assert any(deal["pch_salespartnerid"] == buyer for deal in deals)
    both = accounts["Väylänpää Ratkaisut Oy"]["accountid"]
    assert any(deal["pch_salespartnerid"] == both for deal in deals), "a partner in both roles"
    assert any(deal["pch_productionpartnerid"] == both for deal in deals)
    changed = accounts["Käpylahden Leipomo Oy"]
    former = accounts["Lumisäde Myynti Oy"]["accountid"]
    kept = [deal for deal in deals if deal["parentaccountid"] == changed["accountid"]]
    assert former not in (changed["pch_salespartner1id"], changed["pch_salespartner2id"])
    assert any(deal["pch_salespartnerid"] == former for deal in kept), "a deal of before the partner changed"
    assert any(deal["pch_salespartnerid"] not in ("", former) for deal in kept)
