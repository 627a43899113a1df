"""The stories that the sample data tells, each read from the environment over the Web API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import requests

from d365ext.emulator import Emulator, running
from d365ext.webapi.codec import from_json
from support.cli import in_process

TODAY = "2026-11-22"
PARTNER, CONTACT, CUSTOMER, PARTNER_AT_CUSTOMER = range(737860000, 737860004)
SALES, PRODUCTION = 737860000, 737860001
SALES_PARTNER = 737860001

pytestmark = pytest.mark.xdist_group("stories")
Row = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A local Dataverse with the solution and the sample; what happens in it is undone before the next test."""

    url: str

    def rows(self, path: str) -> list[Row]:
        """Read rows, numbers exactly."""
        answer = requests.get(f"{self.url}/api/data/v9.2/{path}", timeout=30)
        assert answer.ok, answer.text
        found: list[Row] = from_json(answer.content)["value"]
        return found

    def row(self, path: str) -> Row:
        """Read the only row there is."""
        (found,) = self.rows(path)
        return found

    def change(self, address: str, changes: Row) -> None:
        """Change a row, as a seller would."""
        url = f"{self.url}/api/data/v9.2/{address}"
        answer = requests.patch(url, json=changes, headers={"If-Match": "*"}, timeout=30)
        assert answer.status_code == 204, answer.text

    def delete(self, address: str) -> None:
        """Delete a row."""
        assert requests.delete(f"{self.url}/api/data/v9.2/{address}", timeout=30).status_code == 204

    def sync(self) -> dict[str, int]:
        """Run the worker once and give what it wrote."""
        ran = in_process("--url", self.url, "sync", "run", "--as-of", TODAY, "--json")
        written: dict[str, int] = ran.json["pipeline"]
        return written

    def account(self, name: str) -> str:
        """Give the id of an account."""
        return str(self.row(f"accounts?$select=name&$filter=name eq '{name}'")["accountid"])

    def deal(self, filter_: str) -> Row:
        """Give the biggest open deal that fits."""
        columns = (
            "name,estimatedvalue,estimatedvalue_base,_parentaccountid_value,_pch_salespartnerid_value,"
            "_pch_salespartnercontactid_value,_transactioncurrencyid_value"
        )
        order = "$orderby=estimatedvalue_base desc&$top=1"
        return self.row(f"opportunities?$select={columns}&$filter=statecode eq 0 and {filter_}&{order}")

    def pipeline(self, level: int, role: int | None = None, **subject: str | None) -> list[Row]:
        """Read pipeline rows of a level, role and subject (partner, contact, customer)."""
        conditions = [f"pch_level eq {level}"]
        conditions += [f"pch_role eq {role}"] if role is not None else []
        conditions += [f"_pch_{name}id_value eq {value}" for name, value in subject.items()]
        return self.rows(f"pch_pipelines?$filter={' and '.join(conditions)}")


def about(found: Decimal, wanted: Decimal) -> bool:
    """Say whether two sums are the same but for the rounding of each, once, to the cent."""
    return abs(found - wanted) <= Decimal("0.01")


@pytest.fixture(scope="module")
def prepared() -> Iterator[str]:
    """A local Dataverse with the solution and the sample."""
    with closing(Emulator()) as emulator, running(emulator) as server:
        for arguments in (["deploy", "apply", "--yes"], ["data", "load", "--sample", "--today", TODAY]):
            ran = in_process("--url", server.url, *arguments)
            assert ran.code == 0, ran
        yield server.url


@pytest.fixture(scope="module")
def synced(prepared: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same after a first sync, kept as a snapshot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("D365EXT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        World(prepared).sync()
    requests.post(f"{prepared}/_emulator/snapshot", json={"name": "synced"}, timeout=30)
    return prepared


@pytest.fixture
def world(synced: str) -> World:
    """The world as it was after the first sync."""
    requests.post(f"{synced}/_emulator/restore", json={"name": "synced"}, timeout=30)
    return World(synced)


def test_a_second_sync_writes_nothing(world: World) -> None:
    written = world.sync()
    assert (written["created"], written["updated"], written["deleted"], written["failed"]) == (0, 0, 0, 0)


def test_loading_the_sample_again_changes_nothing(world: World) -> None:
    ran = in_process("--url", world.url, "data", "load", "--sample", "--today", TODAY, "--json")
    assert all(count["unchanged"] == count["rows"] for count in ran.json["tables"].values())
    assert ran.json["set_only_at_creation"] == []


def test_a_deal_moved_to_another_partner_moves_its_money_on_the_next_sync(world: World) -> None:
    deal = world.deal("_pch_salespartnerid_value ne null and _parentaccountid_value ne null")
    giver = str(deal["_pch_salespartnerid_value"])
    taker = next(
        str(row["accountid"])
        for row in world.rows(f"accounts?$select=name&$filter=pch_customertype eq {SALES_PARTNER}&$orderby=name")
        if row["accountid"] != giver
    )
    before = {each: world.pipeline(PARTNER, SALES, partner=each)[0] for each in (giver, taker)}
    world.change(f"opportunities({deal['opportunityid']})", {"pch_salespartnerid@odata.bind": f"/accounts({taker})"})
    world.sync()
    after = {each: world.pipeline(PARTNER, SALES, partner=each)[0] for each in (giver, taker)}
    value = deal["estimatedvalue_base"]
    assert about(after[giver]["pch_openvalue"], before[giver]["pch_openvalue"] - value)
    assert about(after[taker]["pch_openvalue"], before[taker]["pch_openvalue"] + value)
    assert after[taker]["pch_opencount"] == before[taker]["pch_opencount"] + 1
    customer = str(deal["_parentaccountid_value"])
    (at_customer,) = world.pipeline(PARTNER_AT_CUSTOMER, SALES, partner=taker, customer=customer)
    assert at_customer["pch_openvalue"] >= round(value, 2)


def test_a_link_changed_leaves_recorded_deals_alone(world: World) -> None:
    deal = world.deal("_pch_salespartnerid_value ne null and _parentaccountid_value ne null")
    customer, partner = str(deal["_parentaccountid_value"]), str(deal["_pch_salespartnerid_value"])
    before = world.pipeline(PARTNER, SALES, partner=partner)[0]
    for link in ("pch_salespartner1id", "pch_salespartner2id"):
        world.change(f"accounts({customer})", {f"{link}@odata.bind": None})
    world.sync()
    only = f"$filter=opportunityid eq {deal['opportunityid']}"
    kept = world.row(f"opportunities?$select=_pch_salespartnerid_value&{only}")
    assert kept["_pch_salespartnerid_value"] == partner
    after = world.pipeline(PARTNER, SALES, partner=partner)[0]
    assert {name: after[name] for name in ("pch_openvalue", "pch_opencount", "pch_wonvalue")} == {
        name: before[name] for name in ("pch_openvalue", "pch_opencount", "pch_wonvalue")
    }
    (at_customer,) = world.pipeline(PARTNER_AT_CUSTOMER, SALES, partner=partner, customer=customer)
    assert at_customer["pch_islinked"] is False
    assert at_customer["pch_opencount"] >= 1


def test_a_customer_whose_partner_changed_shows_the_former_one_with_its_deals(world: World) -> None:
    customer, former = world.account("Käpylahden Leipomo Oy"), world.account("Lumisäde Myynti Oy")
    rows = {row["_pch_partnerid_value"]: row for row in world.pipeline(PARTNER_AT_CUSTOMER, SALES, customer=customer)}
    assert rows[former]["pch_islinked"] is False
    assert rows[former]["pch_woncount"] + rows[former]["pch_lostcount"] + rows[former]["pch_opencount"] > 0
    assert any(row["pch_islinked"] for partner, row in rows.items() if partner != former)


def test_a_deleted_deal_leaves_all_four_levels(world: World) -> None:
    deal = world.deal("_pch_salespartnercontactid_value ne null and _parentaccountid_value ne null")
    partner, customer = str(deal["_pch_salespartnerid_value"]), str(deal["_parentaccountid_value"])
    subjects: list[tuple[int, int | None, dict[str, str]]] = [
        (PARTNER, SALES, {"partner": partner}),
        (CONTACT, SALES, {"contact": str(deal["_pch_salespartnercontactid_value"])}),
        (CUSTOMER, None, {"customer": customer}),
        (PARTNER_AT_CUSTOMER, SALES, {"partner": partner, "customer": customer}),
    ]
    before = [world.pipeline(level, role, **subject)[0] for level, role, subject in subjects]
    world.delete(f"opportunities({deal['opportunityid']})")
    world.sync()
    for (level, role, subject), earlier in zip(subjects, before, strict=True):
        found = world.pipeline(level, role, **subject)
        count, value = (found[0]["pch_opencount"], found[0]["pch_openvalue"]) if found else (0, 0)
        assert count == earlier["pch_opencount"] - 1, level
        assert about(value, earlier["pch_openvalue"] - deal["estimatedvalue_base"]), level


def test_a_customers_rows_split_direct_and_through_partners(world: World) -> None:
    rows = world.pipeline(CUSTOMER)
    for row in rows:  # each is rounded by itself, once, from four decimals
        parts = row["pch_directopenvalue"] + row["pch_partneropenvalue"]
        assert about(parts, row["pch_openvalue"])
        parts = row["pch_directwonvalue"] + row["pch_partnerwonvalue"]
        assert about(parts, row["pch_wonvalue"])
    assert any(row["pch_directopenvalue"] and row["pch_partneropenvalue"] for row in rows)
    customer = world.account("Hämyrannan Kiinteistöt Oy")
    people = [row["contactid"] for row in world.rows(f"contacts?$filter=_parentcustomerid_value eq {customer}")]
    own = [f"_parentaccountid_value eq {customer}", *(f"_customerid_value eq {person}" for person in people)]
    select = "$select=estimatedvalue_base,_pch_salespartnerid_value"
    deals = world.rows(f"opportunities?{select}&$filter=statecode eq 0 and ({' or '.join(own)})")
    direct = sum((deal["estimatedvalue_base"] for deal in deals if not deal["_pch_salespartnerid_value"]), Decimal(0))
    (row,) = world.pipeline(CUSTOMER, customer=customer)
    assert (row["pch_opencount"], row["pch_directopenvalue"]) == (len(deals), round(direct, 2))


def test_a_deal_in_a_foreign_currency_counts_in_the_base_currency(world: World) -> None:
    krona = world.row("transactioncurrencies?$select=exchangerate&$filter=isocurrencycode eq 'SEK'")
    assert krona["exchangerate"] == Decimal("11.2")
    deal = world.deal(
        f"_pch_salespartnerid_value ne null and _transactioncurrencyid_value eq {krona['transactioncurrencyid']}"
    )
    partner = str(deal["_pch_salespartnerid_value"])
    before = world.pipeline(PARTNER, SALES, partner=partner)[0]
    world.change(f"opportunities({deal['opportunityid']})", {"estimatedvalue": float(deal["estimatedvalue"] + 1120)})
    world.sync()
    after = world.pipeline(PARTNER, SALES, partner=partner)[0]
    assert about(after["pch_openvalue"], before["pch_openvalue"] + 100)
    base = world.row("organizations?$select=_basecurrencyid_value")["_basecurrencyid_value"]
    assert after["_transactioncurrencyid_value"] == base
    assert after["pch_openvalue_base"] == after["pch_openvalue"]


def test_a_partner_that_also_buys_has_clean_rows_for_each_role(world: World) -> None:
    buyer = world.account("Ahjomäki Kumppanit Oy")
    (as_partner,) = world.pipeline(PARTNER, SALES, partner=buyer)
    (as_customer,) = world.pipeline(CUSTOMER, customer=buyer)
    sold = world.rows(f"opportunities?$select=name&$filter=_pch_salespartnerid_value eq {buyer}")
    bought = world.rows(f"opportunities?$select=name&$filter=_parentaccountid_value eq {buyer}")
    counts = ("pch_opencount", "pch_woncount", "pch_lostcount")
    assert sum(as_partner[name] for name in counts) == len(sold)
    assert sum(as_customer[name] for name in counts) == len(bought) > 0
    assert world.pipeline(PARTNER_AT_CUSTOMER, customer=buyer) == []


def test_a_partner_in_both_roles_has_a_row_for_each(world: World) -> None:
    both = world.account("Väylänpää Ratkaisut Oy")
    for role, column in ((SALES, "pch_salespartnerid"), (PRODUCTION, "pch_productionpartnerid")):
        (row,) = world.pipeline(PARTNER, role, partner=both)
        deals = world.rows(f"opportunities?$select=name&$filter=_{column}_value eq {both}")
        assert row["pch_opencount"] + row["pch_woncount"] + row["pch_lostcount"] == len(deals) > 0


def test_a_manager_sees_every_customer_that_a_partner_sold_to_and_every_person_who_did_it(world: World) -> None:
    partner = world.account("Norrvikens Sälj AB")
    select = "$select=_parentaccountid_value,_customerid_value,_pch_salespartnercontactid_value"
    deals = world.rows(f"opportunities?{select}&$filter=_pch_salespartnerid_value eq {partner}")
    company = {row["contactid"]: row["_parentcustomerid_value"] for row in world.rows("contacts")}
    buyers = {deal["_parentaccountid_value"] or company[deal["_customerid_value"]] for deal in deals}
    shown = world.pipeline(PARTNER_AT_CUSTOMER, SALES, partner=partner)
    assert buyers <= {row["_pch_customerid_value"] for row in shown}
    sellers = {deal["_pch_salespartnercontactid_value"] for deal in deals} - {None}
    assert {row["_pch_contactid_value"] for row in world.pipeline(CONTACT, SALES, partner=partner)} >= sellers
    assert world.pipeline(PARTNER, SALES, partner=partner)[0]["pch_customercount"] == len(buyers)
