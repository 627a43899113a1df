"""The gate, the back-off, and what is safe to repeat."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from d365ext.errors import (
    ConnectionFailed,
    DataverseError,
    DuplicateKey,
    Rejected,
    RowNotFound,
    ServiceProtection,
    ServiceUnavailable,
)
from d365ext.webapi.retry import Gate, Patience, RetryingTransport, SystemClock
from d365ext.webapi.transport import Reply, Request
from support.fakes import FakeClock, RecordingTransport, a_reply, a_request


def _lost() -> ConnectionFailed:
    error = ConnectionFailed("the answer was lost")
    error.may_have_been_sent = True
    return error


def _refused() -> ConnectionFailed:
    return ConnectionFailed("could not be reached")


def _over(answers: list[Any], **patience: float) -> tuple[RetryingTransport, RecordingTransport, FakeClock]:
    clock, wire = FakeClock(), RecordingTransport(answers)
    return RetryingTransport(wire, Patience(**{"total_s": 60.0, **patience}), clock=clock), wire, clock


# ---------------------------------------------------------------- 429


def test_a_429_waits_as_long_as_the_service_says_and_then_repeats_even_a_create() -> None:
    patient, wire, clock = _over([a_reply(429, code="0x80072322", headers={"Retry-After": "7"}), a_reply(204)])
    assert patient.send(a_request("POST"), timeout_s=5).status == 204
    assert clock.slept == [7.0]
    assert wire.is_used_up
    assert patient.traffic.requests == 2
    assert patient.traffic.throttled_s == 7.0


def test_a_429_with_a_date_waits_until_then() -> None:
    headers = {"Retry-After": "Mon, 05 Jan 2026 12:00:09 GMT"}
    patient, _, clock = _over([a_reply(429, headers=headers), a_reply(200)])
    patient.send(a_request(), timeout_s=5)
    assert clock.slept == [9.0]


def test_a_429_without_retry_after_doubles_its_pauses() -> None:
    patient, _, clock = _over([*(a_reply(429) for _ in range(4)), a_reply(200)])
    patient.send(a_request(), timeout_s=5)
    assert clock.slept == [1.0, 2.0, 4.0, 8.0]


def test_retry_after_beyond_the_ceiling_raises_at_once_and_nothing_more_is_sent() -> None:
    patient, wire, clock = _over([a_reply(429, code="0x80072321", headers={"Retry-After": "61"}), a_reply(200)])
    with pytest.raises(ServiceProtection) as caught:
        patient.send(a_request(), timeout_s=5)
    assert caught.value.code == "0x80072321"
    assert clock.slept == []
    with pytest.raises(ServiceProtection, match="61 s more"):
        patient.send(a_request(), timeout_s=5)
    assert len(wire.requests) == 1
    assert patient.traffic.throttled_s == 0.0


def test_429_after_429_ends_at_the_ceiling_with_its_own_error() -> None:
    patient, wire, clock = _over([a_reply(429, headers={"Retry-After": "25"}) for _ in range(9)])
    with pytest.raises(ServiceProtection):
        patient.send(a_request(), timeout_s=5)
    assert clock.slept == [25.0, 25.0]
    assert len(wire.requests) == 3


class _BlockingClock(FakeClock):
    """Sleeping blocks until the test opens the door; then the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Semaphore(0)
        self.door = threading.Event()

    def sleep(self, seconds: float) -> None:
        self.asleep.release()
        assert self.door.wait(10)
        with self._lock:
            self.slept.append(seconds)
            self._passed_s = max(self._passed_s, seconds)


def test_while_one_thread_waits_no_other_sends() -> None:
    clock = _BlockingClock()
    sent: list[str] = []

    class Throttling:
        def send(self, request: Request, *, timeout_s: float) -> Reply:
            sent.append(request.path)
            return a_reply(429, headers={"Retry-After": "5"}) if len(sent) == 1 else a_reply(200)

    patient = RetryingTransport(Throttling(), Patience(), clock=clock)
    first = threading.Thread(target=patient.send, args=(a_request(path="/first"),), kwargs={"timeout_s": 5})
    first.start()
    assert clock.asleep.acquire(timeout=10)  # the first one has met its 429 and sleeps
    others = [
        threading.Thread(target=patient.send, args=(a_request(path=f"/{n}"),), kwargs={"timeout_s": 5})
        for n in range(3)
    ]
    for thread in others:
        thread.start()
    for _ in others:
        assert clock.asleep.acquire(timeout=10)  # they sleep too, before their first sending
    assert sent == ["/first"]
    clock.door.set()
    for thread in [first, *others]:
        thread.join(10)
    assert sorted(sent) == ["/0", "/1", "/2", "/first", "/first"]


def test_a_longer_closing_of_the_gate_stands() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    gate.close_for(10)
    gate.close_for(3)
    assert gate.closed_s() == 10.0
    assert gate.was_closed_s() == 0.0
    assert gate.wait(clock.monotonic() + 10)
    assert clock.slept == [10.0]
    assert gate.was_closed_s() == 10.0


def test_even_a_short_closing_is_waited_for() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    gate.close_for(0.25)
    assert gate.wait(clock.monotonic() + 10)
    assert clock.slept == [0.25]


def test_a_wait_that_just_fits_below_the_ceiling_is_waited() -> None:
    patient, _, clock = _over([a_reply(429, headers={"Retry-After": "60"}), a_reply(200)], total_s=60.0)
    patient.send(a_request(), timeout_s=5)
    assert clock.slept == [60.0]


def test_the_gate_is_not_waited_for_beyond_the_ceiling() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    gate.close_for(10)
    assert not gate.wait(clock.monotonic() + 9)
    assert clock.slept == []


# ---------------------------------------------------------------- the service is down


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_unavailable_service_is_tried_again_with_growing_jittered_pauses(status: int) -> None:
    patient, _, clock = _over([*(a_reply(status) for _ in range(4)), a_reply(200)])
    assert patient.send(a_request(), timeout_s=5).status == 200
    for pause, least in zip(clock.slept, [1, 2, 4, 8], strict=True):
        assert least <= pause <= least + 1
    assert patient.traffic.throttled_s == 0.0


def test_a_503_with_retry_after_closes_the_gate_for_all() -> None:
    patient, _, clock = _over([a_reply(503, headers={"Retry-After": "4"}), a_reply(200)])
    patient.send(a_request(), timeout_s=5)
    assert clock.slept == [4.0]
    assert patient.traffic.throttled_s == 4.0


def test_the_service_stays_down_and_the_error_is_raised_at_the_ceiling() -> None:
    patient, _, clock = _over([a_reply(503) for _ in range(20)], total_s=20.0)
    with pytest.raises(ServiceUnavailable):
        patient.send(a_request(), timeout_s=5)
    assert sum(clock.slept) <= 20.0


def test_a_ceiling_of_nothing_means_no_second_try() -> None:
    patient, wire, _ = _over([a_reply(503), a_reply(200)], total_s=0.0)
    with pytest.raises(ServiceUnavailable):
        patient.send(a_request(), timeout_s=5)
    assert len(wire.requests) == 1


# ---------------------------------------------------------------- lost replies


@pytest.mark.parametrize("lost", [_lost, lambda: a_reply(502), lambda: a_reply(504)], ids=["lost", "502", "504"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_after_a_lost_reply_what_is_repeatable_is_repeated(lost: Any, method: str) -> None:
    patient, wire, _ = _over([a_reply(204), lost(), a_reply(204)])
    patient.send(a_request(), timeout_s=5)
    reply = patient.send(a_request(method), timeout_s=5)
    assert reply.status == 204
    assert reply.after_lost_reply
    assert wire.is_used_up


@pytest.mark.parametrize("lost", [_lost, lambda: a_reply(502), lambda: a_reply(504)], ids=["lost", "502", "504"])
def test_after_a_lost_reply_a_post_is_not_repeated(lost: Any) -> None:
    patient, wire, _ = _over([lost(), a_reply(204)])
    with pytest.raises(DataverseError) as caught:
        patient.send(a_request("POST"), timeout_s=5)
    assert caught.value.after_lost_reply
    assert len(wire.requests) == 1


@pytest.mark.parametrize("answer", [_refused, lambda: a_reply(503)], ids=["refused", "503"])
def test_a_post_that_was_not_carried_out_is_repeated(answer: Any) -> None:
    patient, wire, _ = _over([answer(), a_reply(204)])
    reply = patient.send(a_request("POST"), timeout_s=5)
    assert not reply.after_lost_reply
    assert wire.is_used_up


def test_a_post_declared_repeatable_is_repeated() -> None:
    patient, wire, _ = _over([_lost(), a_reply(204)])
    assert patient.send(a_request("POST", repeatable=True), timeout_s=5).after_lost_reply
    assert wire.is_used_up


def test_a_get_declared_unrepeatable_is_not_repeated() -> None:
    patient, _, _ = _over([_lost(), a_reply(200)])
    with pytest.raises(ConnectionFailed):
        patient.send(a_request(repeatable=False), timeout_s=5)


def test_a_delete_that_finds_nothing_after_a_lost_reply_is_done() -> None:
    patient, _, _ = _over([_lost(), a_reply(404, code="0x80040217")])
    reply = patient.send(a_request("DELETE"), timeout_s=5)
    assert (reply.status, reply.body, reply.after_lost_reply) == (204, b"", True)


@pytest.mark.parametrize("before", [[], [_refused()]], ids=["at once", "after a refused connection"])
def test_a_delete_that_finds_nothing_otherwise_is_an_error(before: list[Any]) -> None:
    patient, _, _ = _over([*before, a_reply(404, code="0x80040217")])
    with pytest.raises(RowNotFound):
        patient.send(a_request("DELETE"), timeout_s=5)


def test_a_read_that_finds_nothing_after_a_lost_reply_is_an_error() -> None:
    patient, _, _ = _over([_lost(), a_reply(404, code="0x80040217")])
    with pytest.raises(RowNotFound):
        patient.send(a_request("GET"), timeout_s=5)


def test_a_refusal_after_a_lost_reply_says_that_it_came_after_one() -> None:
    patient, _, _ = _over([_lost(), a_reply(412, code="0x80040237")])
    with pytest.raises(DuplicateKey) as caught:
        patient.send(a_request("POST", repeatable=True), timeout_s=5)
    assert caught.value.after_lost_reply


def test_a_refusal_is_not_repeated() -> None:
    patient, wire, clock = _over([a_reply(400, code="0x80048d19"), a_reply(200)])
    with pytest.raises(Rejected) as caught:
        patient.send(a_request(), timeout_s=5)
    assert not caught.value.after_lost_reply
    assert len(wire.requests) == 1
    assert clock.slept == []


# ---------------------------------------------------------------- first contact, counters


def test_an_address_that_never_answered_is_given_up_soon() -> None:
    patient, _, clock = _over([_refused() for _ in range(20)], total_s=600.0)
    with pytest.raises(ConnectionFailed):
        patient.send(a_request(), timeout_s=5)
    assert sum(clock.slept) <= 5.0


def test_an_address_that_answered_once_is_waited_for() -> None:
    patient, _, clock = _over([a_reply(200), *(_refused() for _ in range(4)), a_reply(200)], total_s=600.0)
    patient.send(a_request(), timeout_s=5)
    patient.send(a_request(), timeout_s=5)
    assert sum(clock.slept) > 5.0


def test_the_services_advice_on_parallelism_is_kept() -> None:
    patient, _, _ = _over([a_reply(200), a_reply(200, headers={"x-ms-dop-hint": "12"}), a_reply(200)])
    assert patient.traffic.dop_hint is None
    for _ in range(3):
        patient.send(a_request(), timeout_s=5)
    assert patient.traffic.dop_hint == 12


def test_the_timeout_is_passed_on() -> None:
    patient, wire, _ = _over([a_reply(200)])
    patient.send(a_request(), timeout_s=3.5)
    assert wire.timeouts == [3.5]


def test_each_wait_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    patient, _, _ = _over([a_reply(503), a_reply(200)])
    patient.send(a_request(), timeout_s=5)
    assert "Trying again in" in caplog.text


def test_a_clock_may_break_the_wait_off() -> None:
    class Interrupted(FakeClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    patient = RetryingTransport(
        RecordingTransport([a_reply(429, headers={"Retry-After": "5"})]), Patience(), clock=Interrupted()
    )
    with pytest.raises(KeyboardInterrupt):
        patient.send(a_request(), timeout_s=5)


def test_the_machines_clock_moves() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().utcoffset() is not None
