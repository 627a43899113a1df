"""What was asked of the organization: the last requests, with kind, size, status and time.

Source: none; this is the local Dataverse's own, for tests that count what a client sends.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its answer."""

    at: str
    method: str
    path: str
    query: str
    kind: str  # the first segment's name: accounts, $batch, WhoAmI
    status: int
    request_bytes: int
    response_bytes: int
    milliseconds: float
    fault: str = ""


class Trace:
    """The last requests of an organization. Threads may share it."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Remember a request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()

    def listed(self) -> dict[str, Any]:
        """Tell how many requests there were, by kind and by status, and each of them, oldest first."""
        with self._lock:
            entries = list(self._entries)
        return {
            "count": len(entries),
            "kinds": dict(Counter(f"{entry.method} {entry.kind}" for entry in entries)),
            "statuses": {str(status): n for status, n in sorted(Counter(entry.status for entry in entries).items())},
            "milliseconds": round(sum(entry.milliseconds for entry in entries), 3),
            "requests": [asdict(entry) for entry in entries],
        }
