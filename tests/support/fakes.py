"""Fakes: a clock that tests move, a transport that answers from a list and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from requests.structures import CaseInsensitiveDict

from d365ext.webapi.transport import Reply, Request


class FakeClock:
    """Time that passes only by sleeping; `slept` is how long each sleep was to be."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)) -> None:
        self._start = now
        self._passed_s = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Give seconds since some fixed moment."""
        return 1000.0 + self._passed_s

    def now(self) -> datetime:
        """Give this moment."""
        return self._start + timedelta(seconds=self._passed_s)

    def sleep(self, seconds: float) -> None:
        """Let time pass, at once."""
        with self._lock:
            self.slept.append(seconds)
            self._passed_s += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass without a sleep."""
        with self._lock:
            self._passed_s += seconds


class RecordingTransport:
    """Answers with `answers`, in order; `requests` is what it was asked. An answer may be an error: it is raised."""

    def __init__(self, answers: Iterable[Reply | Exception]) -> None:
        self._answers = list(answers)
        self.requests: list[Request] = []
        self.timeouts: list[float] = []

    def send(self, request: Request, *, timeout_s: float) -> Reply:
        """Give the next answer."""
        self.requests.append(request)
        self.timeouts.append(timeout_s)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer.status, answer.headers, answer.body, request)

    @property
    def is_used_up(self) -> bool:
        """Say whether every answer was given."""
        return not self._answers


def a_request(method: str = "GET", path: str = "/api/data/v9.2/accounts", **fields: Any) -> Request:
    """Make a request."""
    return Request(method, path, **fields)


def a_reply(
    status: int = 200,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    code: str | None = None,
    message: str = "refused",
) -> Reply:
    """Make a reply: `body` is JSON, or bytes as they are; with `code`, it is the platform's error body."""
    if code is not None:
        body = {"error": {"code": code, "message": message}}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json; odata.metadata=minimal"} if raw else {}
    return Reply(status, CaseInsensitiveDict({**kind, **(headers or {})}), raw, a_request())
