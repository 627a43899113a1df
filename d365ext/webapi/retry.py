"""Patience: one gate that all threads wait on, and repeating where repeating is safe.

* 429, or Retry-After on a 503: the gate closes for all threads of the client until the time the service asked for.
* 502, 503, 504 and connection failures: the thread alone backs off, exponentially with jitter.
* A request whose reply was lost may have been carried out: it is repeated only if it is repeatable.
* All this for at most `Patience.total_s` a request; then the error is raised.

Source: learn.microsoft.com/power-apps/developer/data-platform/api-limits ("Retry-After"; without it 2ⁿ seconds).
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import tenacity

from d365ext.errors import (
    ConnectionFailed,
    DataverseError,
    Retriable,
    RowNotFound,
    ServiceProtection,
    ServiceUnavailable,
)
from d365ext.webapi import faults
from d365ext.webapi.transport import Reply, Request, Transport

log = logging.getLogger(__name__)


class Clock(Protocol):
    """Time, so that tests need not wait, and so that a caller can break a wait off (`sleep` may raise)."""

    def monotonic(self) -> float:
        """Give seconds since some fixed moment."""
        ...

    def now(self) -> datetime:
        """Give this moment, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class SystemClock:
    """The machine's own."""

    def monotonic(self) -> float:
        """Give seconds since some fixed moment."""
        return time.monotonic()

    def now(self) -> datetime:
        """Give this moment, aware, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a client has sent up to now, repeats counted; how long its gate was closed; how parallel it might be.

    `dop_hint` is the service's own advice, `x-ms-dop-hint` (…/send-parallel-requests), None until it is given.
    """

    requests: int = 0
    throttled_s: float = 0.0
    dop_hint: int | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may be tried: `total_s` in all, pauses from `first_s` doubling up to `longest_s`.

    Until the service has answered once, it is tried for `first_contact_s` only: then the address is probably wrong, and
    a person is waiting.
    """

    total_s: float = 600.0
    first_s: float = 1.0
    longest_s: float = 60.0
    first_contact_s: float = 5.0

    def pause_s(self, attempt: int) -> float:
        """Give the pause after a 429 that names none: 1, 2, 4 … seconds for attempt 1, 2, 3 …"""
        return float(min(self.first_s * 2 ** (attempt - 1), self.longest_s))


class Gate:
    """The one door through which all requests of a client go. Closed, nothing is sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._opens_at = clock.monotonic()
        self._asked_s = 0.0

    def close_for(self, seconds: float) -> None:
        """Let nothing through for that long from now; a longer closing stands."""
        with self._lock:
            now = self._clock.monotonic()
            opens_at = max(self._opens_at, now + seconds)
            self._asked_s += opens_at - max(self._opens_at, now)
            self._opens_at = opens_at

    def closed_s(self) -> float:
        """Say how long it stays closed; 0 if it is open."""
        with self._lock:
            return max(0.0, self._opens_at - self._clock.monotonic())

    def was_closed_s(self) -> float:
        """Say how long it has been closed so far."""
        closed_s = self.closed_s()
        with self._lock:
            return self._asked_s - closed_s

    def wait(self, give_up_at: float) -> bool:
        """Wait until it is open; False, at once, if that would be after `give_up_at`."""
        while (left := self.closed_s()) > 0:
            if self._clock.monotonic() + left > give_up_at:
                return False
            self._clock.sleep(left)
        return True


class RetryingTransport:
    """Sends through the gate, again and again while that is safe and time is left; raises what is wrong otherwise."""

    def __init__(self, inner: Transport, patience: Patience, *, clock: Clock | None = None) -> None:
        self.patience = patience
        self.clock = clock or SystemClock()
        self.gate = Gate(self.clock)
        self._inner = inner
        self._counting = threading.Lock()
        self._requests = 0
        self._was_reached = False
        self._dop_hint: int | None = None

    @property
    def traffic(self) -> Traffic:
        """What was sent up to now."""
        return Traffic(self._requests, self.gate.was_closed_s(), self._dop_hint)

    @property
    def was_reached(self) -> bool:
        """Say whether the service has answered anything yet."""
        return self._was_reached

    def send(self, request: Request, *, timeout_s: float) -> Reply:
        """Give the reply of a success.

        A DELETE that finds nothing after an earlier reply was lost counts as done: the earlier one did it.

        Errors:  the last one, with `after_lost_reply` if an earlier try may have been carried out.
        """
        return _Sending(self, request, timeout_s).run()

    def attempt(self, request: Request, timeout_s: float) -> Reply:
        """Send once, count it, and raise what the reply means."""
        with self._counting:
            self._requests += 1
        reply = self._inner.send(request, timeout_s=timeout_s)
        self._was_reached = True
        hint = reply.headers.get("x-ms-dop-hint", "")
        if hint.isdigit():
            self._dop_hint = int(hint)
        error = faults.from_reply(request, reply, now=self.clock.now())
        if error is not None:
            raise error
        return reply


class _Sending:
    """One request on its way: its attempts, and whether a reply of it was lost."""

    def __init__(self, transport: RetryingTransport, request: Request, timeout_s: float) -> None:
        self._transport = transport
        self._clock = transport.clock
        self._request = request
        self._timeout_s = timeout_s
        self._started = self._clock.monotonic()
        self._give_up_at = self._started + transport.patience.total_s
        self._is_reply_lost = False
        self._attempts = 0

    def run(self) -> Reply:
        patience = self._transport.patience
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_repeat),
            wait=_Pause(self._transport.gate, patience),
            stop=self._is_out_of_time,
            sleep=self._clock.sleep,
            before_sleep=_say,
            reraise=True,
        )
        try:
            reply: Reply = retrying(self._attempt)
        except DataverseError as error:
            error.after_lost_reply = self._is_reply_lost
            if isinstance(error, RowNotFound) and self._request.method == "DELETE" and self._is_reply_lost:
                return Reply(204, {}, b"", self._request, after_lost_reply=True)
            raise
        return replace(reply, after_lost_reply=True) if self._is_reply_lost else reply

    def _attempt(self) -> Reply:
        gate = self._transport.gate
        if not gate.wait(self._give_up_at):
            raise faults.still_throttled(self._request, gate.closed_s())
        self._attempts += 1
        try:
            return self._transport.attempt(self._request, self._timeout_s)
        except ServiceProtection as error:
            pause_s = error.retry_after_s
            gate.close_for(self._transport.patience.pause_s(self._attempts) if pause_s is None else pause_s)
            raise
        except ServiceUnavailable as error:
            # 503 is the service's own word that it did not handle the request (RFC 9110 §15.6.4); a gateway's 502 or
            # 504 says only that the gateway got no answer.
            self._is_reply_lost |= error.status != 503
            if error.retry_after_s is not None:
                gate.close_for(error.retry_after_s)
            raise
        except ConnectionFailed as error:
            self._is_reply_lost |= error.may_have_been_sent
            raise

    def _may_repeat(self, error: BaseException) -> bool:
        if not isinstance(error, Retriable):
            return False
        if isinstance(error, ServiceProtection):
            return True
        may_be_done = error.status in (502, 504) or (isinstance(error, ConnectionFailed) and error.may_have_been_sent)
        return self._request.is_repeatable or not may_be_done

    def _is_out_of_time(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        give_up_at = self._give_up_at
        if isinstance(error, ConnectionFailed) and not self._transport.was_reached:
            give_up_at = min(give_up_at, self._started + self._transport.patience.first_contact_s)
        return self._clock.monotonic() + state.upcoming_sleep > give_up_at


class _Pause(tenacity.wait.wait_base):
    """How long the thread sleeps before the next attempt: until the gate opens, or its own back-off."""

    def __init__(self, gate: Gate, patience: Patience) -> None:
        self._gate = gate
        self._back_off = tenacity.wait_exponential_jitter(
            initial=patience.first_s, max=patience.longest_s, jitter=patience.first_s
        )

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        closed_s = self._gate.closed_s()
        return closed_s if closed_s > 0 else self._back_off(retry_state)


def _say(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s Trying again in %.1f s.", error, state.upcoming_sleep)
