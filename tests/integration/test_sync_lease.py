"""One worker at a time: the lease is taken by If-Match, is given back, and frees itself; runs are logged and pruned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from d365ext.emulator import Emulator
from d365ext.errors import LeaseHeld, MirrorLocked, RowNotFound, Stopped
from d365ext.webapi.batch import Operation, send_batch
from support.mirrored import shipped_rollups
from support.pipeline_world import PipelineWorld, a_busy_emulator, a_client, a_world
from sync.lease import LEASE_ADDRESS, TTL, Lease, Worker, read_lease
from sync.runlog import KEPT, Outcome, RunRecord, read_runs
from sync.service_clock import ServiceClock
from sync.worker import run_once

pytestmark = pytest.mark.xdist_group("sync_lease")


@pytest.fixture(scope="module")
def busy_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, dict[str, str]]]:
    with a_busy_emulator(tmp_path_factory.mktemp("busy")) as made:
        yield made


@pytest.fixture
def busy(busy_emulator: tuple[Emulator, dict[str, str]], tmp_path: Path) -> Iterator[PipelineWorld]:
    emulator, ids = busy_emulator
    with a_world(emulator, tmp_path, "busy", ids) as world:
        yield world


def a_lease(world: PipelineWorld, mirror: str, run: str = "1") -> Lease:
    return Lease(world.client, ServiceClock(world.client.transport.clock), Worker("host", 1, mirror, run))


def holder(world: PipelineWorld) -> str:
    seen = read_lease(world.client)
    assert seen is not None
    return seen.holder


def test_only_one_of_two_gets_it(busy: PipelineWorld) -> None:
    a_lease(busy, "one").take()
    with pytest.raises(LeaseHeld, match="mirror one"):
        a_lease(busy, "two").take()


def test_of_two_who_saw_it_free_only_one_gets_it(busy: PipelineWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = a_lease(busy, "one"), a_lease(busy, "two")
    a_lease(busy, "zero").take()
    send_batch(busy.client, [_freed()])
    seen, etag = second._read()
    first.take()
    monkeypatch.setattr(second, "_read", lambda: (seen, etag))
    with pytest.raises(LeaseHeld):
        second.take()
    assert "mirror one" in holder(busy)


def _freed() -> Operation:
    return Operation("PATCH", LEASE_ADDRESS, {"pch_worker": None, "pch_leaseuntil": None}, {"If-Match": "*"})


def test_it_frees_itself_by_the_clock_of_the_service(busy: PipelineWorld) -> None:
    clock = busy.client.transport.clock
    a_lease(busy, "one").take()
    clock.advance(TTL.total_seconds() - 1)
    with pytest.raises(LeaseHeld):
        a_lease(busy, "two").take()
    clock.advance(2)
    later = a_lease(busy, "two")
    later.take()
    assert later.dead is not None
    assert "mirror one" in later.dead.holder


def test_a_worker_that_died_does_not_lock_out_the_next_one_with_its_mirror(busy: PipelineWorld) -> None:
    a_lease(busy, "one", "1").take()
    again = a_lease(busy, "one", "2")
    again.take()
    assert again.dead is not None


def test_a_long_run_keeps_it_and_a_run_that_lost_it_stops(busy: PipelineWorld) -> None:
    clock = busy.client.transport.clock
    lease = a_lease(busy, "one")
    lease.take()
    for _ in range(6):
        clock.advance(TTL.total_seconds() / 2)
        lease.keep()
    with pytest.raises(LeaseHeld):
        a_lease(busy, "two").take()
    clock.advance(TTL.total_seconds() * 2)
    a_lease(busy, "two").take()
    with pytest.raises(LeaseHeld, match="mirror two"):
        lease.keep()


def test_a_run_gives_it_back_and_leaves_a_record(busy: PipelineWorld) -> None:
    busy.sync()
    busy.sync()
    assert holder(busy) == ""
    last, first = read_runs(busy.client, top=10)
    assert (first.number, last.number) == (1, 2)
    assert first.outcome is last.outcome is Outcome.DONE
    assert first.created == first.rows == last.rows
    assert (last.created, last.updated, last.deleted, last.failed) == (0, 0, 0, 0)
    assert first.as_of is not None
    assert last.version


def test_a_second_worker_with_another_mirror_is_refused_while_one_runs(busy: PipelineWorld, tmp_path: Path) -> None:
    def meanwhile() -> None:
        with a_client(busy.emulator) as other_client:
            other = PipelineWorld(busy.emulator, other_client, tmp_path / "other")
            with pytest.raises(LeaseHeld):
                other.sync()

    busy.sync(check=meanwhile)
    busy.check()


def test_a_stopped_run_gives_the_lease_back_and_the_next_one_goes_on(busy: PipelineWorld) -> None:
    steps = iter(range(1000))

    def stop() -> None:
        if next(steps) == 4:
            raise Stopped("Stopped by SIGTERM.")

    with pytest.raises(Stopped):
        busy.sync(check=stop)
    assert holder(busy) == ""
    assert read_runs(busy.client, top=1)[0].outcome is Outcome.STOPPED
    busy.sync()
    busy.check()


def test_a_mirror_that_somebody_else_has_open_says_whether_a_worker_does(
    busy: PipelineWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise MirrorLocked("Another process has the mirror open.")

    monkeypatch.setattr("sync.worker.open_mirror", locked)
    with pytest.raises(MirrorLocked):
        busy.sync()
    a_lease(busy, "one").take()
    with pytest.raises(LeaseHeld):
        busy.sync()


def test_a_dead_worker_is_named_in_the_log_of_the_next_run(busy: PipelineWorld) -> None:
    busy.sync()
    dead = "11111111-1111-1111-1111-111111111111"
    a_lease(busy, "gone", dead).take()
    busy.client.transport.clock.advance(TTL.total_seconds() + 1)
    busy.sync()
    outcomes = {str(run.id): run.outcome for run in read_runs(busy.client, top=10)}
    assert outcomes[dead] is Outcome.DIED


def test_old_records_are_pruned_once_a_day(busy: PipelineWorld) -> None:
    busy.sync()
    now = busy.client.transport.clock.now()
    old = RunRecord(_id(1), "somebody", now - KEPT - timedelta(days=1), 1, Outcome.DONE)
    young = RunRecord(_id(2), "somebody", now - KEPT + timedelta(days=1), 2, Outcome.DONE)
    send_batch(busy.client, [old.operation(), young.operation()])
    busy.sync()
    assert {_id(1), _id(2)} <= {run.id for run in read_runs(busy.client, top=10)}
    busy.client.transport.clock.advance(86_400)
    busy.sync()
    ids = {run.id for run in read_runs(busy.client, top=10)}
    assert _id(2) in ids
    assert _id(1) not in ids


def _id(number: int) -> UUID:
    return UUID(int=number)


def test_without_the_solution_a_run_says_what_to_do(emulator: Emulator, tmp_path: Path) -> None:
    with a_client(emulator) as client:
        world = PipelineWorld(emulator, client, tmp_path)
        with pytest.raises(RowNotFound, match="deploy apply"):
            run_once(client, world.settings(), shipped_rollups())
