"""Faults to order: what a test wants to go wrong, when, and how often. Seeded, so that a run can be repeated.

Owns the list of faults and the choice of those that strike a request. What a struck request does is `door.py`'s and
`delivery.py`'s matter; deltas and batch parts ask for theirs.

Kinds
    latency        waits `seconds` before the request is looked at
    status         answers `status` (500, 502, 503, 504, 429 …) instead of doing the request
    reset          drops the connection before the request is done
    lost_reply     does the request, commits it, and drops the connection instead of answering
    truncated      does the request and sends half of the answer
    slow           does the request and sends the answer in ten pieces over `seconds`
    part_429       answers 429 to a part of a batch instead of doing it; `path` and `method` are the part's
    expired_token  answers 0x80044352 to a delta link whatever its age
    lagging_delta  shows no change that was made after the fault was set, until it is cleared
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.web import typed_json
from d365ext.emulator.web.http import Request

KINDS = frozenset(
    {
        "latency",
        "status",
        "reset",
        "lost_reply",
        "truncated",
        "slow",
        "part_429",
        "expired_token",
        "lagging_delta",
    }
)
SECONDS_MAX = 600


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to go wrong. It strikes requests whose method and path match, after `skip` of them, `times` times."""

    kind: str
    method: str = ""  # any
    path: str = ""  # a regular expression, searched in path and query; any
    skip: int = 0
    times: int | None = 1  # None: always
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 503
    retry_after_s: int | None = None
    version: int = 0  # of lagging_delta: the last version to show; set when the fault is set

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Fault:
        """Read a fault from JSON; 400 names what is wrong."""
        typed_json.check(cls, given)
        if given.get("kind") not in KINDS:
            raise Problem(400, "", f"A fault's kind is one of: {', '.join(sorted(KINDS))}.")
        try:
            re.compile(str(given.get("path", "")))
        except re.error as error:
            raise Problem(400, "", f"A fault's path is a regular expression: {error}.") from error
        if not 0 <= given.get("seconds", 0) <= SECONDS_MAX:
            raise Problem(400, "", f"A fault lasts {SECONDS_MAX} seconds at most.")
        return cls(**given)


class _Armed:
    """A fault, and how often it was passed and has struck."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.pattern = re.compile(fault.path)
        self.passed = 0
        self.struck = 0

    def matches(self, request: Request) -> bool:
        fault = self.fault
        if fault.method and fault.method.upper() != request.method:
            return False
        return not fault.path or self.pattern.search(f"{request.path}?{request.query}") is not None


class Faults:
    """The organization's faults, in the order they were set. Threads may share it."""

    def __init__(self, seed: int = 0) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311  repeatable is what it has to be

    def set(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self, seed: int | None = None) -> None:
        """Take all faults away, and start the dice anew."""
        with self._lock:
            self._armed.clear()
            self.seed = self.seed if seed is None else seed
            self._random = random.Random(self.seed)  # noqa: S311

    def strike(self, request: Request, *kinds: str) -> Fault | None:
        """Give the first fault of these kinds that strikes `request`, and count it; None if none does."""
        if not self._armed:
            return None
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                if fault.kind not in kinds or not armed.matches(request):
                    continue
                armed.passed += 1
                if armed.passed <= fault.skip or (fault.times is not None and armed.struck >= fault.times):
                    continue
                if fault.probability < 1.0 and self._random.random() >= fault.probability:
                    continue
                armed.struck += 1
                return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """Tell each fault and how often it has struck."""
        with self._lock:
            return [{**asdict(armed.fault), "struck": armed.struck} for armed in self._armed]
