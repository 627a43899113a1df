"""deploy's whole life on the local Dataverse: plan, apply, nothing to do, drift, mend, stop and go on, uninstall."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from d365ext import deploy
from d365ext.definitions.load import load_solution
from d365ext.deploy.marker import is_marked
from d365ext.deploy.read.mappings import read_mappings
from d365ext.emulator import Emulator
from d365ext.errors import ApplyFailed, DestructiveChange, DriftFound, PlanError, PlanOutOfDate, Rejected
from d365ext.webapi.client import Client
from d365ext.webapi.components import find_by_name
from d365ext.webapi.query import row_address
from d365ext.webapi.tabledefs import read_definition
from support.deployments import (
    Killed,
    Somebody,
    a_deployed_emulator,
    apply,
    in_process,
    kill_before,
    make_managed,
    rename_view,
    the_labels,
)
from support.solutions import the_solution

THE = the_solution()
SMALL = load_solution(Path(__file__).parents[1] / "golden" / "base")
"""A dozen changes: for what does not depend on the size."""


def no_sleep(_: float) -> None:
    """Wait for nothing."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Emulator]:
    with closing(a_deployed_emulator(tmp_path)) as emulator:
        yield emulator


@pytest.fixture
def deployed(environment: Emulator) -> Iterator[Client]:
    with in_process(environment) as client:
        yield client


def test_the_second_apply_has_nothing_to_do(deployed: Client) -> None:
    plan = deploy.plan_for(deployed, THE)
    assert plan.is_empty
    assert (plan.kept, plan.notes) == ((), ())
    before = deployed.traffic.requests
    assert apply(deployed, plan).done == ()
    assert deployed.traffic.requests == before, "an empty plan sends nothing"


def test_planning_writes_nothing(client: Client) -> None:
    first = deploy.plan_for(client, THE)
    assert deploy.plan_for(client, THE).changes == first.changes
    assert find_by_name(client, "publishers", THE.publisher.name) is None


def test_progress_counts_every_step_and_the_publishing(client: Client) -> None:
    plan = deploy.plan_for(client, SMALL)
    seen: list[deploy.Progress] = []
    deploy.apply(client, plan, sleep=no_sleep, on_progress=seen.append)
    assert [each.number for each in seen] == list(range(1, len(plan.changes) + 2))
    assert {each.total for each in seen} == {len(plan.changes) + 1}
    assert seen[-1].what == "publish"


def test_what_was_deployed_is_what_was_declared(deployed: Client) -> None:
    label = the_labels(deployed, "pch_pipeline", "pch_openvalue")
    assert label == {1033: "Open value", 1035: "Avoin arvo", 1053: "Öppet värde"}


# ---------------------------------------------------------------- drift


def test_without_drift_nothing_is_said(deployed: Client) -> None:
    deploy.drift(deployed, THE)


def test_drift_is_found_and_mended(deployed: Client) -> None:
    rename_view(deployed, THE.views["partners"].id, "Somebody's view")
    with pytest.raises(DriftFound, match="in 1 place") as caught:
        deploy.drift(deployed, THE)
    plan: Any = caught.value.plan
    assert plan.changes[0].details == ('name en "Somebody\'s view" → "Partners by open value"',)
    apply(deployed, plan)
    deploy.drift(deployed, THE)


def test_what_somebody_deleted_comes_back(deployed: Client) -> None:
    deployed.delete(row_address("roles", THE.roles["sync"].id))
    mapping = next(iter(read_mappings(deployed, THE).items()))
    deployed.delete(row_address("attributemaps", mapping[1]))
    plan = deploy.plan_for(deployed, THE)
    assert [str(change) for change in plan.changes] == [
        f"+ mapping {mapping[0].source} → {mapping[0].target} {mapping[0].column}",
        "+ role Partner Channel – sync",
    ]
    apply(deployed, plan)
    assert deploy.plan_for(deployed, THE).is_empty


def test_a_plan_of_yesterday_is_not_applied(deployed: Client) -> None:
    rename_view(deployed, THE.views["partners"].id, "One name")
    plan = deploy.plan_for(deployed, THE)
    rename_view(deployed, THE.views["partners"].id, "Another name")
    with pytest.raises(PlanOutOfDate):
        apply(deployed, plan)


# ---------------------------------------------------------------- stopping


@pytest.mark.parametrize("step", [1, 2, 4, 6, 9, 12, 13])
def test_an_apply_that_was_killed_is_finished_by_the_next(client: Client, step: int) -> None:
    """Wherever it is killed: the next one goes on, and nothing is made twice."""
    plan = deploy.plan_for(client, SMALL)
    with pytest.raises(Killed):
        deploy.apply(client, plan, sleep=no_sleep, on_progress=kill_before(step))
    rest = deploy.plan_for(client, SMALL)
    made = {str(change) for change in plan.changes[: step - 1]}
    assert not made & {str(change) for change in rest.changes}
    apply(client, rest)
    assert deploy.plan_for(client, SMALL).is_empty
    row = find_by_name(client, "solutions", SMALL.solution.name)
    assert row is not None
    assert (row["description"] or "") == SMALL.solution.description


def test_the_whole_solution_killed_twice_is_finished_by_the_third(client: Client) -> None:
    for share in (0.5, 0.97):
        plan = deploy.plan_for(client, THE)
        with pytest.raises(Killed):
            deploy.apply(client, plan, sleep=no_sleep, on_progress=kill_before(1 + int(share * len(plan.changes))))
    apply(client, deploy.plan_for(client, THE))
    assert deploy.plan_for(client, THE).is_empty


def test_an_apply_killed_before_publishing_publishes_the_next_time(client: Client) -> None:
    plan = deploy.plan_for(client, SMALL)
    with pytest.raises(Killed):
        deploy.apply(client, plan, sleep=no_sleep, on_progress=kill_before(len(plan.changes) + 1))
    row = find_by_name(client, "solutions", SMALL.solution.name)
    assert row is not None
    assert is_marked(row["description"])
    again = deploy.plan_for(client, SMALL)
    assert "publish everything" in again.changes[-1].details[-1]
    apply(client, again)
    assert deploy.plan_for(client, SMALL).is_empty


def test_a_refusal_on_the_way_says_what_was_done(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = deploy.plan_for(client, SMALL)
    sending = client.send
    refused = "RelationshipDefinitions"

    def send(method: str, path: str, **more: Any) -> Any:
        if (method, path) == ("POST", refused):
            raise Rejected("No more today.", status=400, code="0x80040203", method=method, path=path)
        return sending(method, path, **more)

    monkeypatch.setattr(client, "send", send)
    with pytest.raises(ApplyFailed, match="No more today") as caught:
        apply(client, plan)
    failure = caught.value
    assert str(failure.failed).startswith("+ lookup ")
    assert [*failure.done, failure.failed, *failure.not_started] == list(plan.changes)


def test_while_somebody_else_customizes_it_waits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sending = client.send
    busy = [True, True]
    slept: list[float] = []

    def send(method: str, path: str, **more: Any) -> Any:
        if (method, path) == ("POST", "GlobalOptionSetDefinitions") and busy:
            busy.pop()
            raise Rejected("Cannot start another [PublishAll]…", status=400, code="0x80071151")
        return sending(method, path, **more)

    monkeypatch.setattr(client, "send", send)
    deploy.apply(client, deploy.plan_for(client, SMALL), sleep=slept.append)
    assert slept[:2] == [10.0, 10.0]
    assert deploy.plan_for(client, SMALL).is_empty


def test_a_refusal_of_the_first_change_is_told_as_it_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = deploy.plan_for(client, SMALL)

    def create(*_: Any, **__: Any) -> Any:
        raise Rejected("No.", status=400)

    monkeypatch.setattr(client, "create", create)
    with pytest.raises(Rejected, match=r"No\."):
        apply(client, plan)


# ---------------------------------------------------------------- others


def test_what_others_have_survives_everything(client: Client) -> None:
    """Another publisher's column, option, label and view stay as they are through apply, mend and uninstall."""
    somebody = Somebody(client)
    somebody.builds()
    apply(client, deploy.plan_for(client, THE))
    somebody.joins_in()
    apply(client, deploy.plan_for(client, THE))
    somebody.is_untouched()
    apply(client, deploy.plan_uninstall(client, THE, allow_delete=True))
    somebody.is_untouched_after_uninstall()


def test_a_managed_solution_is_refused(deployed: Client, environment: Emulator) -> None:
    make_managed(environment, THE.solution.name)
    for make in (deploy.plan_for, deploy.plan_uninstall):
        with pytest.raises(PlanError, match="installed as managed"):
            make(deployed, THE)


def test_after_the_solution_was_deleted_its_components_are_listed_again(deployed: Client) -> None:
    row = find_by_name(deployed, "solutions", THE.solution.name)
    assert row is not None
    deployed.delete(f"solutions({row['solutionid']})")
    apply(deployed, deploy.plan_for(deployed, THE))
    assert deploy.plan_for(deployed, THE).is_empty


# ---------------------------------------------------------------- uninstall


def test_uninstall_wants_to_be_allowed(deployed: Client) -> None:
    plan = deploy.plan_uninstall(deployed, THE)
    with pytest.raises(DestructiveChange, match="--allow-delete"):
        apply(deployed, plan)
    deploy.drift(deployed, THE)


def test_uninstall_says_what_is_lost_and_leaves_nothing(deployed: Client) -> None:
    deployed.create("accounts", {"name": "Öljy Oy", "pch_customertype": 737860001})
    plan = deploy.plan_uninstall(deployed, THE, allow_delete=True)
    assert "column account.pch_customertype: 1 row with a value" in deploy.to_text(plan)
    assert any("Change tracking stays on for account" in note for note in plan.notes)
    apply(deployed, plan)
    assert deploy.plan_uninstall(deployed, THE).is_empty
    assert read_definition(deployed, "EntityDefinitions(LogicalName='pch_pipeline')") is None
    assert find_by_name(deployed, "publishers", THE.publisher.name) is None


def test_install_uninstall_install(client: Client) -> None:
    for _ in range(2):
        apply(client, deploy.plan_for(client, SMALL))
        assert deploy.plan_for(client, SMALL).is_empty
        apply(client, deploy.plan_uninstall(client, SMALL, allow_delete=True))
