"""The counters behind the service protection limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from d365ext.emulator.problems import Problem
from d365ext.emulator.web.limits import Limits, Protection

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def refused(protection: Protection, caller: str, now: datetime) -> Problem:
    with pytest.raises(Problem) as caught:
        protection.admit(caller, now)
    return caught.value


def use(protection: Protection, caller: str, now: datetime, milliseconds: float = 1.0) -> None:
    protection.admit(caller, now)
    protection.release(caller, now, milliseconds)


def test_without_limits_everything_passes_and_is_counted() -> None:
    protection = Protection()
    for _ in range(7_000):
        use(protection, "a", NOON, 200.0)
    assert protection.headers("a")["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"
    assert protection.headers("b")["x-ms-ratelimit-burst-remaining-xrm-requests"] == "6000"
    assert protection.headers("a")["x-ms-ratelimit-time-remaining-xrm-requests"] == "0.00"
    assert protection.headers("b")["x-ms-ratelimit-time-remaining-xrm-requests"] == "1,200.00"


def test_the_window_slides() -> None:
    protection = Protection(Limits(requests=2))
    use(protection, "a", at(0))
    use(protection, "a", at(100))
    problem = refused(protection, "a", at(200))
    assert (problem.status, problem.code, problem.headers["Retry-After"]) == (429, "0x80072322", "100")
    use(protection, "a", at(300))
    assert refused(protection, "a", at(301)).headers["Retry-After"] == "99"


def test_a_refused_request_is_not_counted() -> None:
    protection = Protection(Limits(requests=1))
    use(protection, "a", at(0))
    for second in range(1, 300):
        refused(protection, "a", at(second))
    use(protection, "a", at(300))


def test_execution_time_is_refused_only_after_it_was_spent() -> None:
    protection = Protection(Limits(execution_ms=1_000))
    use(protection, "a", at(0), 999.0)
    use(protection, "a", at(1), 5_000.0)
    problem = refused(protection, "a", at(2))
    assert problem.code == "0x80072321"
    assert "limit of 1,000 milliseconds over time window of 300 seconds" in problem.message
    use(protection, "a", at(301), 1.0)


def test_concurrent_requests_are_those_not_yet_released() -> None:
    protection = Protection(Limits(concurrent=2))
    protection.admit("a", NOON)
    protection.admit("a", NOON)
    assert refused(protection, "a", NOON).code == "0x80072326"
    protection.admit("b", NOON)
    protection.release("a", NOON, 1.0)
    protection.admit("a", NOON)


def test_usage_is_kept_in_seconds_not_in_requests() -> None:
    """A million requests in five minutes must not be a million entries."""
    protection = Protection()
    for second in range(600):
        for _ in range(10):
            use(protection, "a", at(second))
    assert len(protection._usage["a"].seconds) <= 301
