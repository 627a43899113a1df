"""Watching: again and again, slower while it fails, stopped between two runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from uuid import UUID

import pytest

from d365ext.errors import DestructiveChange, LeaseHeld, ServiceUnavailable, Stopped, UsageError
from sync.healthz import serving_health
from sync.push import FailedRow, PushCount
from sync.stopping import Stopping
from sync.summary import RunSummary
from sync.watch import SLOWEST, Health, read_interval, watch

MINUTE = timedelta(minutes=1)


class Waiting(Stopping):
    """Waits in no time, and remembers how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.check()


def a_summary(*failed: FailedRow) -> RunSummary:
    return RunSummary(
        date(2026, 1, 1), {}, 1, PushCount(), computed=True, requests=1, throttled_s=0, duration_s=0, failed=failed
    )


def runs(*outcomes: Exception | None) -> Callable[[], RunSummary]:
    """A worker whose runs end as told, one after the other."""
    left = list(outcomes)

    def run() -> RunSummary:
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome
        return a_summary()

    return run


def test_it_waits_longer_after_each_failure_and_as_before_after_a_success() -> None:
    stopping, health = Waiting(), Health()
    down = ServiceUnavailable("down")
    watch(runs(down, down, down, None, down, None), MINUTE, stopping, health=health, runs_max=6)
    assert stopping.waited == [60, 120, 240, 60, 60]
    assert (health.runs, health.failures_in_a_row, health.is_well) == (6, 0, True)


def test_it_never_waits_longer_than_an_hour_nor_less_than_it_was_told() -> None:
    stopping = Waiting()
    watch(runs(*[ServiceUnavailable("down")] * 40), MINUTE, stopping, health=Health(), runs_max=40)
    assert max(stopping.waited) == SLOWEST.total_seconds()
    stopping = Waiting()
    watch(runs(LeaseHeld("held"), None), timedelta(hours=5), stopping, health=Health(), runs_max=2)
    assert stopping.waited == [5 * 3600]


@pytest.mark.parametrize("error", [ServiceUnavailable("down"), LeaseHeld("held"), DestructiveChange("too large")])
def test_a_run_that_fails_is_tried_again_and_its_reason_is_told(error: Exception, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "health.json"
    health = Health()
    watch(runs(error), MINUTE, Waiting(), health=health, health_file=file, runs_max=1)
    told = json.loads(file.read_text(encoding="utf-8"))
    assert (told["status"], told["last_error"], told["failures_in_a_row"]) == ("failing", str(error), 1)
    assert [each.name for each in file.parent.iterdir()] == ["health.json"]


def test_what_waiting_cannot_heal_ends_it() -> None:
    with pytest.raises(UsageError):
        watch(runs(UsageError("wrong")), MINUTE, Waiting(), health=Health())


def test_it_stops_when_it_is_asked_to() -> None:
    stopping = Waiting()
    stopping.ask("SIGTERM")
    with pytest.raises(Stopped, match="SIGTERM"):
        watch(runs(None), MINUTE, stopping, health=Health())


def test_failed_rows_are_told_but_are_no_failed_run() -> None:
    health = Health()
    failed = FailedRow(UUID(int=1), "A", (), "refused")
    watch(lambda: a_summary(failed), MINUTE, Waiting(), health=health, runs_max=1)
    assert health.is_well
    assert health.last_error == "1 rows failed"


def test_asking_twice_stops_at_once() -> None:
    stopping = Stopping()
    stopping.ask("SIGINT")
    with pytest.raises(Stopped):
        stopping.ask("SIGINT")


def test_a_wait_ends_when_somebody_asks() -> None:
    stopping = Stopping()
    stopping.wait(0)
    stopping.ask("SIGTERM")
    with pytest.raises(Stopped):
        stopping.sleep(3600)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), (" 5m", 300), ("2h", 7200)])
def test_intervals(text: str, seconds: int) -> None:
    assert read_interval(text).total_seconds() == seconds


def test_healthz_answers_200_503_and_404() -> None:
    health = Health()
    with serving_health(health, 0) as port:
        url = f"http://127.0.0.1:{port}"
        for path, status in (("/healthz", 503), ("/", 404)):
            with pytest.raises(HTTPError) as raised:
                urlopen(url + path, timeout=10)  # noqa: S310
            assert raised.value.code == status
            raised.value.close()
        watch(runs(None), MINUTE, Waiting(), health=health, runs_max=1)
        with urlopen(f"{url}/healthz", timeout=10) as answer:  # noqa: S310
            assert json.loads(answer.read())["status"] == "ok"
