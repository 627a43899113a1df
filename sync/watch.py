"""Runs again and again: at once, then every so often; slower while the environment does not answer."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from d365ext.errors import DataverseError, LeaseHeld, MirrorLocked, PlanError, Stopped, SyncError, UsageError
from sync.stopping import Stopping
from sync.summary import RunSummary

log = logging.getLogger(__name__)

SLOWEST = timedelta(hours=1)
"""However often it fails, it tries again after that time."""

_EVERY = re.compile(r"(\d+)(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def read_interval(text: str) -> timedelta:
    """Read an interval: a whole number of seconds, minutes or hours.

    >>> read_interval("5m")
    datetime.timedelta(seconds=300)

    Errors:  UsageError
    """
    found = _EVERY.fullmatch(text.strip())
    if not found or int(found[1]) == 0:
        raise UsageError(f"{text!r} is no interval.", hint="Write 30s, 5m or 1h.")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


@dataclass(slots=True)
class Health:
    """How the watch is doing, as its health file and /healthz say it."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    runs: int = 0
    failures_in_a_row: int = 0
    last_done_at: datetime | None = None
    last_error: str = ""
    next_at: datetime | None = None

    @property
    def is_well(self) -> bool:
        """Say whether the last run was done."""
        return self.failures_in_a_row == 0 and self.last_done_at is not None

    def as_json(self) -> dict[str, Any]:
        """Give it as the health file has it."""
        return {
            "status": "ok" if self.is_well else "starting" if not self.last_error else "failing",
            "started_at": _text(self.started_at),
            "runs": self.runs,
            "failures_in_a_row": self.failures_in_a_row,
            "last_done_at": _text(self.last_done_at),
            "last_error": self.last_error,
            "next_at": _text(self.next_at),
        }

    def write(self, path: Path) -> None:
        """Write the health file: a new one takes the old one's place, so that nobody reads half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(json.dumps(self.as_json()) + "\n", encoding="utf-8")
        beside.replace(path)


def watch(
    run: Callable[[], RunSummary],
    every: timedelta,
    stopping: Stopping,
    *,
    health: Health,
    health_file: Path | None = None,
    done: Callable[[RunSummary], None] = lambda _summary: None,
    runs_max: int | None = None,
) -> None:
    """Run, wait, run again, until somebody asks to stop (or `runs_max` runs are over).

    Effects: a run that fails is logged and tried again: after `every`, twice that, four times that …, an hour at most.
    Errors:  Stopped; UsageError and whatever else waiting cannot heal.
    """
    while True:
        try:
            summary = run()
        except Stopped:
            raise
        except (DataverseError, LeaseHeld, MirrorLocked, PlanError, SyncError) as error:
            health.failures_in_a_row += 1
            health.last_error = str(error)
            log.warning("The run failed (%d in a row): %s", health.failures_in_a_row, error)
        else:
            health.failures_in_a_row = 0
            health.last_done_at = datetime.now(UTC)
            health.last_error = "" if not summary.failed else f"{len(summary.failed)} rows failed"
            done(summary)
        health.runs += 1
        pause = min(every * 2 ** min(max(health.failures_in_a_row - 1, 0), 20), max(SLOWEST, every))
        health.next_at = datetime.now(UTC) + pause
        if health_file is not None:
            health.write(health_file)
        if runs_max is not None and health.runs >= runs_max:
            return
        stopping.wait(pause.total_seconds())


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
