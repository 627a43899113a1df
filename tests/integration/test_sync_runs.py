"""The worker against a local Dataverse: after every run each cell is what a naive loop over all rows says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from d365ext.emulator import Emulator
from d365ext.errors import DestructiveChange
from support.pipeline_world import AS_OF, PipelineWorld, a_busy_emulator, a_world

PARTNER, CONTACT, CUSTOMER, PAIR = range(737860000, 737860004)
SALES, PRODUCTION = 737860000, 737860001

pytestmark = pytest.mark.xdist_group("sync_runs")


@pytest.fixture(scope="module")
def busy_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, dict[str, str]]]:
    with a_busy_emulator(tmp_path_factory.mktemp("busy")) as made:
        yield made


@pytest.fixture
def busy(busy_emulator: tuple[Emulator, dict[str, str]], tmp_path: Path) -> Iterator[PipelineWorld]:
    emulator, ids = busy_emulator
    with a_world(emulator, tmp_path, "busy", ids) as world:
        yield world


def written(summary) -> tuple[int, int, int, int]:
    done = summary.written
    return done.created, done.updated, done.deleted, len(summary.failed)


def test_the_first_run_fills_the_table_and_the_second_writes_nothing(busy: PipelineWorld) -> None:
    first = busy.sync()
    assert first.written.created == len(busy.wanted())
    assert not first.failed
    busy.check()
    assert written(busy.sync()) == (0, 0, 0, 0)
    third = busy.sync()
    assert written(third) == (0, 0, 0, 0)
    assert not third.computed
    assert third.requests <= len(third.tables) + 4


def test_a_deal_that_changes_hands_moves_its_money_and_leaves_nothing_behind(busy: PipelineWorld) -> None:
    busy.sync()
    busy.change("opportunities", busy.ids["open"], pch_salespartnerid=busy.ids["p2"], pch_salespartnercontactid=None)
    summary = busy.sync()
    busy.check()
    stored = busy.stored()
    assert stored[PARTNER, SALES, busy.ids["p1"]]["pch_openvalue"] == 0
    assert stored[PARTNER, SALES, busy.ids["p2"]]["pch_openvalue"] == Decimal("100.10")
    assert summary.tables["opportunity"].read == 1


def test_a_deleted_deal_leaves_all_four_levels(busy: PipelineWorld) -> None:
    busy.sync()
    busy.delete("quotes", busy.ids["quote"])
    busy.delete("opportunities", busy.ids["open"])
    busy.sync()
    busy.check()


def test_a_link_that_changes_leaves_recorded_deals_alone(busy: PipelineWorld) -> None:
    busy.sync()
    pair = (PAIR, SALES, busy.ids["p1"], busy.ids["c1"])
    before = busy.stored()[pair]
    busy.change("accounts", busy.ids["c1"], pch_salespartner1id=busy.ids["p2"])
    busy.sync()
    busy.check()
    after = busy.stored()
    assert before["pch_islinked"] is True
    assert after[pair]["pch_islinked"] is False
    assert after[pair]["pch_openvalue"] == before["pch_openvalue"] == Decimal("100.10")
    assert after[PAIR, SALES, busy.ids["p2"], busy.ids["c1"]]["pch_islinked"] is True


def test_a_cell_that_somebody_overwrote_heals(busy: PipelineWorld) -> None:
    busy.sync()
    row = busy.stored()[PARTNER, SALES, busy.ids["p1"]]["pch_pipelineid"]
    busy.change("pch_pipelines", row, pch_openvalue=Decimal("1.00"), pch_opencount=99)
    assert written(busy.sync()) == (0, 1, 0, 0)
    busy.check()


def test_a_row_that_somebody_deleted_comes_back_and_a_made_up_one_goes(busy: PipelineWorld) -> None:
    busy.sync()
    busy.delete("pch_pipelines", busy.stored()[PARTNER, SALES, busy.ids["p1"]]["pch_pipelineid"])
    busy.client.create("pch_pipelines", {"pch_name": "Made up", "pch_level": CUSTOMER})
    assert written(busy.sync()) == (1, 0, 1, 0)
    busy.check()


def test_date_windows_move_with_no_edit_at_all(busy: PipelineWorld) -> None:
    for _ in range(3):
        settled = busy.sync()
    assert not settled.computed
    a_year_later = date(2027, 6, 15)
    assert busy.sync(a_year_later).written.updated > 0
    busy.check(a_year_later)


def test_names_and_companies_follow(busy: PipelineWorld) -> None:
    busy.sync()
    busy.change("accounts", busy.ids["p1"], name="Renamed Oy")
    busy.client.update(
        f"contacts({busy.ids['anna']})", {"parentcustomerid_account@odata.bind": f"/accounts({busy.ids['p2']})"}
    )
    busy.sync()
    busy.check()
    stored = busy.stored()
    assert stored[CONTACT, SALES, busy.ids["anna"]]["pch_partnerid"] == busy.ids["p2"]
    assert stored[PAIR, SALES, busy.ids["p1"], busy.ids["c1"]]["pch_name"] == "Renamed Oy – Customer One"


def test_a_deleted_person_takes_the_row_along(busy: PipelineWorld) -> None:
    busy.sync()
    busy.delete("contacts", busy.ids["anna"])
    busy.sync()
    busy.check()
    assert (CONTACT, SALES, busy.ids["anna"]) not in busy.stored()


def test_a_deleted_customer_takes_its_rows_along(busy: PipelineWorld) -> None:
    busy.sync()
    busy.delete("quotes", busy.ids["quote"])
    for deal in ("open", "lost", "direct"):
        busy.delete("opportunities", busy.ids[deal])
    busy.delete("accounts", busy.ids["c1"])
    busy.sync()
    busy.check()
    assert (CUSTOMER, None, busy.ids["c1"]) not in busy.stored()


def test_an_expired_delta_link_is_answered_with_a_full_read(busy: PipelineWorld) -> None:
    busy.sync()
    busy.delete("quotes", busy.ids["quote"])
    busy.emulator.organization.clock.advance(timedelta(days=40))
    summary = busy.sync()
    assert summary.tables["opportunity"].full
    busy.check()


@pytest.mark.parametrize("runs_before", [0, 1])
def test_an_environment_that_was_put_back_is_read_anew(busy: PipelineWorld, runs_before: int) -> None:
    for _ in range(runs_before):
        busy.sync()
    busy.emulator.organization.snapshot("earlier")
    busy.sync()
    busy.deal(busy.ids["c1"], estimatedvalue=Decimal("5"))
    busy.sync()
    busy.emulator.organization.restore("earlier")
    for number in range(150):  # so many writes that the delta link of the future is one of the past again
        busy.change("contacts", busy.ids["anna"], jobtitle=f"Title {number}")
    busy.delete("opportunities", busy.ids["won"])
    busy.sync()
    busy.check()


def test_a_run_that_would_delete_most_rows_stops_unless_it_is_meant(busy: PipelineWorld) -> None:
    for number in range(12):
        customer = busy.account(f"Customer {number}")
        busy.deal(customer, estimatedvalue=Decimal("1"), pch_salespartnerid=busy.ids["p2"])
    busy.sync()
    before = busy.stored()
    for row in busy.tables()["opportunity"]:
        if row["pch_salespartnerid"] == busy.ids["p2"]:
            busy.delete("opportunities", row["opportunityid"])
    with pytest.raises(DestructiveChange, match=r"delete 24 .* of 33"):
        busy.sync()
    assert busy.stored() == before
    busy.sync(allow_large_change=True)
    busy.check()


def test_foreign_money_counts_in_base_currency(busy: PipelineWorld) -> None:
    crown = busy.client.create(
        "transactioncurrencies",
        {
            "currencyname": "Krona",
            "isocurrencycode": "SEK",
            "currencysymbol": "kr",
            "exchangerate": Decimal("11.25"),
            "currencyprecision": 2,
        },
    )
    busy.deal(busy.ids["c2"], estimatedvalue=Decimal("1000"), transactioncurrencyid=str(crown))
    busy.sync()
    busy.check()
    assert busy.stored()[CUSTOMER, None, busy.ids["c2"]]["pch_openvalue"] == Decimal("88.89")


def test_the_as_of_date_is_today_where_nobody_says_another(busy: PipelineWorld) -> None:
    summary = busy.sync(None)
    assert summary.as_of == busy.client.transport.clock.now().date()
    assert summary.as_of != AS_OF
