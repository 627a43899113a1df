"""Service protection limits: who may ask how much in the last five minutes, and what the answer says of it.

Counts per caller. Each of the three limits is enforced only if it has a value; the counting goes on in any case, so
that a limit can be set while the organization runs.

Source: learn.microsoft.com/power-apps/developer/data-platform/api-limits
- number of requests 6,000, combined execution time 1,200 s, both in a sliding window of 300 s; 52 or more at once;
- 429 with `Retry-After` in seconds and the codes and texts below; a batch counts as one request;
- x-ms-ratelimit-burst-remaining-xrm-requests and x-ms-ratelimit-time-remaining-xrm-requests (the latter with a
  thousands separator: field reports); x-ms-dop-hint: …/send-parallel-requests.
Inferred: Retry-After is the time until the window frees a place, at least one second; concurrency frees in a second.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from d365ext.emulator.problems import Problem

REQUESTS, EXECUTION_MS, CONCURRENT = 6_000, 1_200_000, 52
WINDOW_S = 300


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The three limits (None: not enforced), their window, and the hint of how many requests to send at once."""

    requests: int | None = None
    execution_ms: int | None = None
    concurrent: int | None = None
    window_s: int = WINDOW_S
    dop_hint: int = 4


@dataclass(slots=True)
class _Usage:
    """What one caller used: per second of the window, requests and milliseconds; and what runs now."""

    seconds: deque[list[float]] = field(default_factory=deque)  # [second, requests, milliseconds]
    requests: int = 0
    milliseconds: float = 0.0
    running: int = 0

    def forget_before(self, second: float) -> None:
        while self.seconds and self.seconds[0][0] <= second:
            _, requests, milliseconds = self.seconds.popleft()
            self.requests -= int(requests)
            self.milliseconds -= milliseconds

    def add(self, second: float, requests: int, milliseconds: float) -> None:
        if not self.seconds or self.seconds[-1][0] < second:
            self.seconds.append([second, 0, 0.0])
        self.seconds[-1][1] += requests
        self.seconds[-1][2] += milliseconds
        self.requests += requests
        self.milliseconds += milliseconds


class Protection:
    """The organization's counters. Threads may share it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._usage: dict[str, _Usage] = {}
        self._lock = threading.Lock()

    def admit(self, caller: str, now: datetime) -> None:
        """Count a request in; 429 if a limit is reached. Whoever was admitted must be `release`d."""
        limits, second = self.limits, math.floor(now.timestamp())
        with self._lock:
            usage = self._usage.setdefault(caller, _Usage())
            usage.forget_before(second - limits.window_s)
            if limits.concurrent is not None and usage.running >= limits.concurrent:
                raise _refusal(
                    "0x80072326", f"Number of concurrent requests exceeded the limit of {limits.concurrent}.", 1
                )
            wait_s = self._wait_s(usage, second)
            if limits.requests is not None and usage.requests >= limits.requests:
                raise _refusal(
                    "0x80072322",
                    f"Number of requests exceeded the limit of {limits.requests} "
                    f"over time window of {limits.window_s} seconds.",
                    wait_s,
                )
            if limits.execution_ms is not None and usage.milliseconds >= limits.execution_ms:
                raise _refusal(
                    "0x80072321",
                    "Combined execution time of incoming requests exceeded limit of "
                    f"{limits.execution_ms:,} milliseconds over time window of {limits.window_s} seconds. "
                    "Decrease number of concurrent requests or reduce the duration of requests and try again later.",
                    wait_s,
                )
            usage.add(second, 1, 0.0)
            usage.running += 1

    def release(self, caller: str, now: datetime, milliseconds: float) -> None:
        """Count a request out, with what it took."""
        with self._lock:
            usage = self._usage.setdefault(caller, _Usage())
            usage.running = max(0, usage.running - 1)
            usage.add(math.floor(now.timestamp()), 0, milliseconds)

    def headers(self, caller: str) -> Mapping[str, str]:
        """Tell what the caller has left."""
        with self._lock:
            usage = self._usage.get(caller, _Usage())
            requests_left = max(0, (self.limits.requests or REQUESTS) - usage.requests)
            seconds_left = max(0.0, ((self.limits.execution_ms or EXECUTION_MS) - usage.milliseconds) / 1000)
        return {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(requests_left),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{seconds_left:,.2f}",
            "x-ms-dop-hint": str(self.limits.dop_hint),
        }

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._usage.clear()

    def _wait_s(self, usage: _Usage, second: float) -> int:
        oldest = usage.seconds[0][0] if usage.seconds else second
        return max(1, math.ceil(oldest + self.limits.window_s - second))


def _refusal(code: str, message: str, retry_after_s: int) -> Problem:
    return Problem(429, code, message, {"Retry-After": str(retry_after_s)})
