"""Every view and chart of the solution, run on the sample data, returns what its name promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests
from lxml import etree

from d365ext.definitions.xmltext import parse_xml
from d365ext.deploy.rows.charts import chart_component
from d365ext.emulator import Emulator, running
from support.cli import in_process
from support.solutions import the_solution

THE = the_solution()
TODAY = "2026-11-22"
LINKS = ("_pch_salespartner1id_value", "_pch_salespartner2id_value", "_pch_productionpartnerid_value")
SALES_ROWS = "pch_pipelines?$filter=pch_level eq 737860000 and pch_role eq 737860000"
COMMANDS = (
    ("deploy", "apply", "--yes"),
    ("data", "load", "--sample", "--today", TODAY),
    ("sync", "run", "--as-of", TODAY),
)
Row = dict[str, Any]

pytestmark = pytest.mark.xdist_group("views")


@dataclass(frozen=True)
class World:
    """A local Dataverse with the solution, the sample and its pipeline."""

    url: str

    def rows(self, path: str) -> list[Row]:
        """Read rows."""
        answer = requests.get(f"{self.url}/api/data/v9.2/{path}", timeout=30)
        assert answer.ok, answer.text
        found: list[Row] = answer.json()["value"]
        return found

    def entity_set(self, table: str) -> str:
        """Name the entity set of a table."""
        answer = requests.get(f"{self.url}/api/data/v9.2/EntityDefinitions(LogicalName='{table}')", timeout=30)
        return str(answer.json()["EntitySetName"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, closing(Emulator()) as emulator, running(emulator) as server:
        patch.setenv("D365EXT_STATE_DIR", str(tmp_path_factory.mktemp("views")))
        requests.post(f"{server.url}/_emulator/clock", json={"set": f"{TODAY}T12:00:00Z"}, timeout=30)
        for command in (
            ("deploy", "apply", "--yes"),
            ("data", "load", "--sample", "--today", TODAY),
            ("sync", "run", "--as-of", TODAY),
        ):
            ran = in_process("--url", server.url, *command)
            assert ran.code == 0, ran.err
        yield World(server.url)


PROMISES: dict[str, Callable[[Row], bool]] = {
    "sales-partners": lambda row: row["pch_customertype"] == 737860001,
    "production-partners": lambda row: row["pch_customertype"] == 737860002,
    "end-customers": lambda row: "pch_customertype" not in row or row["pch_customertype"] == 737860000,
    "customers-without-partner": lambda row: not any(row.get(link) for link in LINKS),
    "deals": lambda row: True,
    "partner-deals-open": lambda row: row["_pch_salespartnerid_value"] is not None,
    "partner-deals-overdue": lambda row: row["_pch_salespartnerid_value"] and row["estimatedclosedate"] < TODAY,
    "partner-deals-won-this-year": lambda row: row["_pch_salespartnerid_value"] and row["actualclosedate"] >= "2026",
    "partner-leads": lambda row: row["_pch_salespartnerid_value"] or row["_pch_productionpartnerid_value"],
    "quotes": lambda row: True,
    "partner-quotes-active": lambda row: row["_pch_salespartnerid_value"] is not None,
    "orders": lambda row: True,
    "partner-orders": lambda row: row["_pch_salespartnerid_value"] and row["statecode"] != 2,
    "partners": lambda row: row["_pch_partnerid_value"] is not None,
    "contacts": lambda row: row["_pch_contactid_value"] is not None,
    "customers": lambda row: row["_pch_customerid_value"] is not None,
    "partner-customers": lambda row: row["_pch_partnerid_value"] and row["_pch_customerid_value"],
    "no-longer-linked": lambda row: row["_pch_partnerid_value"] and row["_pch_customerid_value"],
    "sync-runs": lambda row: row["pch_outcome"] == 737860001,
}


def test_every_public_view_has_its_promise_here() -> None:
    assert set(PROMISES) == {key for key, view in THE.views.items() if view.kind == "public"}


@pytest.mark.parametrize("key", sorted(PROMISES))
def test_a_view_returns_what_its_name_promises(world: World, key: str) -> None:
    view = THE.views[key]
    rows = world.rows(f"{world.entity_set(view.table)}?savedQuery={view.id}")
    assert rows, "the sample has something for every view"
    assert all(PROMISES[key](row) for row in rows)


def test_the_overdue_view_counts_what_the_pipeline_counts(world: World) -> None:
    """The view's filter and the worker's SQL mean the same day."""
    deals = world.rows(f"opportunities?savedQuery={THE.views['partner-deals-overdue'].id}")
    sales = world.rows(f"{SALES_ROWS}&$select=pch_overduecount")
    assert len(deals) == sum(row["pch_overduecount"] for row in sales)


def test_open_deals_through_partners_are_worth_what_the_pipeline_says(world: World) -> None:
    deals = world.rows(f"opportunities?savedQuery={THE.views['partner-deals-open'].id}")
    sales = world.rows(f"{SALES_ROWS}&$select=pch_openvalue")
    assert round(sum(row["estimatedvalue_base"] or 0 for row in deals), 2) == round(
        sum(row["pch_openvalue"] for row in sales), 2
    )


def test_customers_without_a_partner_are_all_of_them(world: World) -> None:
    found = {row["accountid"] for row in world.rows(f"accounts?savedQuery={THE.views['customers-without-partner'].id}")}
    accounts = world.rows("accounts?$filter=pch_customertype eq 737860000 and statecode eq 0")
    assert found == {row["accountid"] for row in accounts if not any(row.get(link) for link in LINKS)}


@pytest.mark.parametrize("key", sorted(key for key, view in THE.views.items() if view.kind != "public"))
def test_a_view_that_comes_with_its_table_runs(world: World, key: str) -> None:
    view = THE.views[key]
    kinds = {"quick find": 4, "lookup": 64, "associated": 2}
    where = f"returnedtypecode eq '{view.table}' and querytype eq {kinds[view.kind]}"
    (row,) = world.rows(f"savedqueries?$filter={where}&$select=fetchxml,layoutxml,name")
    assert row["name"] == view.label["en"]
    fetch = row["fetchxml"].replace("{0}", "%")
    assert world.rows(f"{world.entity_set(view.table)}?fetchXml={quote(fetch)}")


@pytest.mark.parametrize("key", sorted(THE.charts))
def test_a_chart_has_something_to_draw(world: World, key: str) -> None:
    chart = THE.charts[key]
    data = parse_xml(chart_component(chart).columns["datadescription"])
    fetch = data.find("fetchcollection/fetch")
    assert fetch is not None
    rows = world.rows(f"{world.entity_set(chart.table)}?fetchXml={quote(etree.tostring(fetch, encoding='unicode'))}")
    assert rows
    assert all(f"measure{number}" in rows[0] for number in range(len(chart.measures)))
    assert len(rows) <= (chart.top or len(rows))
