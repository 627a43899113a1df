"""Bringing a row into its state: by the action that the platform wants, or by writing the state."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from d365ext.loader.check import Row
from d365ext.loader.closing import steps_to_state
from d365ext.loader.shapes import Table
from support.tables import OPPORTUNITY, QUOTE

A = "aaaaaaaa-0000-4000-8000-000000000000"
OPPORTUNITY_AT, QUOTE_AT = f"opportunities({A})", f"quotes({A})"


def steps(table: Table, state: int, status: int | None = None, **values: Any) -> list[tuple[str, str, Any]]:
    operations = steps_to_state(Row(table, A, "x.csv", 2, values), state, status)
    return [(each.method, each.path, each.body) for each in operations]


def test_a_row_that_wants_no_state_or_is_in_it_needs_nothing() -> None:
    assert steps(OPPORTUNITY, 0) == []
    assert steps(OPPORTUNITY, 1, 3, statecode=1) == []
    assert steps(OPPORTUNITY, 0, None, statecode=0, statuscode=1) == []


def test_a_won_opportunity_is_won_with_its_figures() -> None:
    body = {
        "Status": 3,
        "OpportunityClose": {
            "subject": "WinOpportunity: Halli 2",
            "opportunityid@odata.bind": f"/opportunities({A})",
            "actualrevenue": Decimal("10.50"),
            "actualend": "2026-01-02T00:00:00Z",
        },
    }
    values = {"name": "Halli 2", "statecode": 1, "actualvalue": Decimal("10.50"), "actualclosedate": "2026-01-02"}
    assert steps(OPPORTUNITY, 0, **values) == [("POST", "WinOpportunity", body)]


def test_a_lost_opportunity_keeps_its_reason_and_leaves_unknown_figures_to_the_platform() -> None:
    [(_, action, body)] = steps(OPPORTUNITY, 0, statecode=2, statuscode=5)
    assert (action, body["Status"]) == ("LoseOpportunity", 5)
    assert "actualrevenue" not in body["OpportunityClose"]


def test_a_lost_opportunity_that_is_to_be_won_is_opened_first() -> None:
    first, second = steps(OPPORTUNITY, 2, 4, statecode=1)
    assert first == ("PATCH", OPPORTUNITY_AT, {"statecode": 0, "statuscode": 1})
    assert second[1] == "WinOpportunity"


def test_opening_a_closed_opportunity_is_a_plain_change_of_state() -> None:
    assert steps(OPPORTUNITY, 1, 3, statecode=0) == [("PATCH", OPPORTUNITY_AT, {"statecode": 0, "statuscode": 1})]


@pytest.mark.parametrize(("state", "action", "status"), [(2, "WinQuote", 4), (3, "CloseQuote", 5)])
def test_a_quote_is_activated_before_it_is_won_or_closed(state: int, action: str, status: int) -> None:
    first, second = steps(QUOTE, 0, statecode=state)
    assert first == ("PATCH", QUOTE_AT, {"statecode": 1, "statuscode": 2})
    assert (second[1], second[2]["Status"]) == (action, status)
    assert second[2]["QuoteClose"]["quoteid@odata.bind"] == f"/quotes({A})"
    assert [each[1] for each in steps(QUOTE, 1, 2, statecode=state)] == [action]


def test_another_reason_for_the_same_state_is_written_alone() -> None:
    assert steps(OPPORTUNITY, 0, 1, statecode=0, statuscode=2) == [
        ("PATCH", OPPORTUNITY_AT, {"statecode": 0, "statuscode": 2})
    ]
