"""What a row wants that the environment does not have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from d365ext.loader.check import Reference, Row
from d365ext.loader.differences import compare, payload, read_names, split_for_creation
from d365ext.loader.shapes import Kind, Table
from support.tables import ACCOUNT, CONTACT, OPPORTUNITY, QUOTE, a_column

A, B = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000"
TABLES = {"account": ACCOUNT, "contact": CONTACT, "opportunity": OPPORTUNITY, "quote": QUOTE}


def a_row(table: Table, lookups: dict[str, Reference] | None = None, **values: Any) -> Row:
    return Row(table, A, f"{table.name}.csv", 2, values, lookups or {})


@pytest.mark.parametrize(
    ("kind", "wanted", "found", "same"),
    [
        (Kind.MONEY, Decimal("10.50"), Decimal("10.5000"), True),
        (Kind.MONEY, Decimal("10.50"), 10, False),
        (Kind.MOMENT, "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", True),
        (Kind.MOMENT, "2026-01-02T00:00:00Z", "2026-01-02T00:00:01Z", False),
        (Kind.DAY, "2026-01-02", "2026-01-02", True),
        (Kind.CHOICES, "1,2", "2,1", True),
        (Kind.TEXT, "a", "A", False),
        (Kind.YES_NO, False, False, True),
        (Kind.WHOLE, 0, None, False),
        (Kind.ID, A, A.upper(), True),
    ],
)
def test_values_are_compared_by_what_they_mean(kind: Kind, wanted: Any, found: Any, same: bool) -> None:
    table = Table("t", "ts", "tid", {"x": a_column("x", kind)})
    assert compare(a_row(table, x=wanted), {"x": found}).columns == (() if same else ("x",))


def test_a_lookup_is_compared_under_the_name_it_is_read_by() -> None:
    row = a_row(ACCOUNT, {"parentaccountid": Reference(B, "account")})
    assert read_names(ACCOUNT, [row]) == ["_parentaccountid_value"]
    assert compare(row, {"_parentaccountid_value": B}).columns == ()
    assert compare(row, {"_parentaccountid_value": A}).columns == ("parentaccountid",)


def test_the_day_of_creation_is_compared_with_createdon_and_cannot_be_changed_later() -> None:
    row = a_row(ACCOUNT, overriddencreatedon="2026-01-02T00:00:00Z")
    assert read_names(ACCOUNT, [row]) == ["createdon"]
    assert compare(row, {"createdon": "2026-01-02T00:00:00Z"}).too_late == ()
    assert compare(row, {"createdon": "2026-03-04T00:00:00Z"}).too_late == ("overriddencreatedon",)


def test_what_an_action_will_hand_over_is_no_difference_but_is_one_once_the_row_is_closed() -> None:
    row = a_row(OPPORTUNITY, statecode=1, actualvalue=Decimal(5))
    assert compare(row, {"statecode": 0, "actualvalue": None}).columns == ()
    assert compare(row, {"statecode": 1, "actualvalue": Decimal(4)}).columns == ("actualvalue",)


def test_a_new_row_leaves_for_later_what_creation_does_not_take() -> None:
    row = a_row(QUOTE, name="q", totalamount=Decimal(5), statecode=1)
    new = split_for_creation(row, set())
    assert (new.first, new.then) == (["name"], ["totalamount"])


def test_a_won_opportunity_is_created_open_without_its_actual_figures() -> None:
    row = a_row(OPPORTUNITY, name="o", statecode=1, actualvalue=Decimal(5), actualclosedate="2026-01-02")
    assert split_for_creation(row, set()).first == ["name"]
    open_row = a_row(OPPORTUNITY, name="o", statecode=0, actualvalue=Decimal(5))
    assert split_for_creation(open_row, set()).first == ["name", "actualvalue"]


def test_a_lookup_at_a_row_that_comes_later_waits() -> None:
    row = a_row(CONTACT, {"parentcustomerid": Reference(B, "account")})
    assert split_for_creation(row, {("account", B)}).then == ["parentcustomerid"]
    assert split_for_creation(row, {("contact", B)}).first == ["parentcustomerid"]


def test_a_lookup_of_several_tables_is_bound_by_the_navigation_property_of_its_target() -> None:
    row = a_row(CONTACT, {"parentcustomerid": Reference(B, "account")}, name="n")
    assert payload(row, ["name", "parentcustomerid"], TABLES) == {
        "contactid": A,
        "name": "n",
        "parentcustomerid_account@odata.bind": f"/accounts({B})",
    }
