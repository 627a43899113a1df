"""The worker on a bad day: refused rows, rewritten cells, lost replies, throttling. It converges and names failures."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from d365ext.emulator import Emulator
from d365ext.emulator.web.faults import Fault
from d365ext.errors import DataverseError, Forbidden
from d365ext.webapi.tabledefs import change_definition, column_address
from support.pipeline_world import PipelineWorld, a_busy_emulator, a_client, a_world
from sync.runlog import Outcome, read_runs

PARTNER, CONTACT, CUSTOMER, PAIR = range(737860000, 737860004)
SALES = 737860000

pytestmark = pytest.mark.xdist_group("sync_faults")


@pytest.fixture(scope="module")
def busy_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, dict[str, str]]]:
    with a_busy_emulator(tmp_path_factory.mktemp("busy")) as made:
        yield made


@pytest.fixture
def busy(busy_emulator: tuple[Emulator, dict[str, str]], tmp_path: Path) -> Iterator[PipelineWorld]:
    emulator, ids = busy_emulator
    emulator.organization.faults.clear()
    with a_world(emulator, tmp_path, "busy", ids) as world:
        yield world


def arm(world: PipelineWorld, kind: str, **fault: Any) -> None:
    world.emulator.organization.faults.set(Fault(kind=kind, **fault))


def settle(world: PipelineWorld) -> None:
    """Run until nothing is written; the faults are over."""
    world.emulator.organization.faults.clear()
    world.sync()
    summary = world.sync()
    assert (summary.written.created, summary.written.updated, summary.written.deleted) == (0, 0, 0)
    assert not summary.failed
    world.check()


def test_a_refused_row_is_named_and_the_others_are_written(busy: PipelineWorld) -> None:
    change_definition(
        busy.client,
        column_address("pch_pipeline", "pch_name"),
        lambda found: {**found, "MaxLength": 20},
        cast="StringAttributeMetadata",
        solution="PartnerChannel",
    )
    summary = busy.sync()
    wanted = busy.wanted()
    too_long = {row["pch_name"] for row in wanted.values() if len(row["pch_name"]) > 20}
    assert {row.name for row in summary.failed} == too_long
    assert summary.written.created == len(wanted) - len(summary.failed)
    assert "exceeded the maximum allowed length" in summary.failed[0].reason
    stored = busy.stored()
    assert all(stored[key] for key, row in wanted.items() if row["pch_name"] not in too_long)
    (run,) = read_runs(busy.client, top=1)
    assert run.outcome is Outcome.DONE_WITH_FAILURES
    assert run.failed == len(too_long)
    assert all(name in run.message for name in too_long)


def test_a_row_that_something_rewrites_is_set_aside_after_three_runs_and_tried_again_later(busy: PipelineWorld) -> None:
    busy.sync()
    busy.sync()  # it settles: what was written before does not count
    key = (PARTNER, SALES, busy.ids["p1"])
    row = busy.stored()[key]["pch_pipelineid"]
    for _ in range(3):
        busy.change("pch_pipelines", row, pch_openvalue=Decimal("1.00"))
        assert busy.sync().written.updated == 1
    busy.change("pch_pipelines", row, pch_openvalue=Decimal("1.00"))
    summary = busy.sync()
    assert summary.written.updated == 0
    (aside,) = summary.failed
    assert (aside.name, aside.columns) == ("Mäkelä Sales Oy", ("pch_openvalue",))
    busy.change("opportunities", busy.ids["open"], estimatedvalue=Decimal("101"))
    assert not busy.sync().failed
    busy.check()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_reply", "method": "POST", "path": "CreateMultiple"},
        {"kind": "lost_reply", "method": "PATCH", "path": "pch_syncruns", "times": 2},
        {"kind": "lost_reply", "path": "batch", "times": 2},
        {"kind": "truncated", "skip": 1, "times": 5},
        {"kind": "reset", "skip": 1, "times": 5},
        {"kind": "status", "status": 503, "times": 5},
        {"kind": "status", "status": 502, "path": "Multiple", "times": 2},
        {"kind": "status", "status": 429, "retry_after_s": 7, "times": 4},
        {"kind": "status", "status": 429, "times": 2},
        {"kind": "part_429", "times": 3},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_one_run_gets_through_and_no_row_is_there_twice(busy: PipelineWorld, fault: dict[str, Any]) -> None:
    arm(busy, **fault)
    summary = busy.sync()
    assert not summary.failed
    busy.check()
    settle(busy)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_reply", "path": "UpdateMultiple"},
        {"kind": "lost_reply", "path": "batch"},
        {"kind": "part_429", "times": 2},
        {"kind": "truncated", "path": "UpdateMultiple"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_changes_and_deletions_get_through(busy: PipelineWorld, fault: dict[str, Any]) -> None:
    busy.sync()
    busy.change("opportunities", busy.ids["open"], pch_salespartnerid=busy.ids["p2"], pch_salespartnercontactid=None)
    busy.delete("salesorders", busy.ids["order"])
    busy.delete("opportunities", busy.ids["won"])
    arm(busy, **fault)
    summary = busy.sync()
    assert not summary.failed
    assert summary.written.updated > 0
    assert summary.written.deleted > 0
    busy.check()
    settle(busy)


def test_a_delta_that_lags_behind_leads_to_the_same_rows_in_the_end(busy: PipelineWorld) -> None:
    arm(busy, "lagging_delta", times=None)
    for _ in range(2):
        busy.sync()
    settle(busy)


def test_an_expired_link_in_the_middle_of_a_day_is_answered_with_a_full_read(busy: PipelineWorld) -> None:
    busy.sync()
    busy.delete("opportunities", busy.ids["won"])
    arm(busy, "expired_token", times=None)
    summary = busy.sync()
    assert all(count.full for count in summary.tables.values())
    settle(busy)


def test_a_service_that_is_down_ends_the_run_and_the_next_one_goes_on(busy: PipelineWorld) -> None:
    arm(busy, "status", status=503, path="opportunities", times=None)
    with pytest.raises(DataverseError, match="503"):
        busy.sync()
    busy.emulator.organization.faults.clear()
    (run,) = read_runs(busy.client, top=1)
    assert run.outcome is Outcome.FAILED
    assert "503" in run.message
    busy.sync()
    settle(busy)


def test_without_the_right_to_write_the_run_is_refused_and_says_which(busy: PipelineWorld) -> None:
    arm(busy, "status", status=403, path="CreateMultiple", times=None)
    with pytest.raises(Forbidden):
        busy.sync()


def test_a_column_that_the_user_may_not_read_stops_the_run_before_it_computes_zeros(busy: PipelineWorld) -> None:
    busy.sync()
    before = busy.stored()
    change_definition(
        busy.client,
        column_address("opportunity", "estimatedvalue_base"),
        lambda found: {**found, "IsSecured": True},
        cast="MoneyAttributeMetadata",
        solution="PartnerChannel",
    )
    busy.change("opportunities", busy.ids["open"], estimatedvalue=Decimal("5"))
    assert not busy.sync().failed  # who may read it goes on
    before = busy.stored()
    busy.change("opportunities", busy.ids["open"], estimatedvalue=Decimal("6"))
    arm(busy, "status", status=403, path="estimatedvalue_base%20ne%20null")
    with pytest.raises(Forbidden, match=r"estimatedvalue_base of opportunity .* column security profile"):
        busy.sync()
    assert busy.stored() == before


def test_a_row_that_went_meanwhile_is_no_failure(busy: PipelineWorld) -> None:
    busy.sync()
    busy.change("opportunities", busy.ids["open"], estimatedvalue=Decimal("101"))
    row = busy.stored()[PARTNER, SALES, busy.ids["p1"]]["pch_pipelineid"]
    with a_client(busy.emulator) as other:
        steps = iter(range(100))

        def check() -> None:
            if next(steps) == 6:  # six tables are read
                other.delete(f"pch_pipelines({row})")

        summary = busy.sync(check=check)
    assert not summary.failed
    assert summary.written.gone == 1
    busy.sync()
    busy.check()
