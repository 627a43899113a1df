"""The log of runs in Dataverse: a row of pch_syncrun for each, so that people see when the numbers were computed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from importlib.metadata import version
from typing import Any
from uuid import UUID

from d365ext.webapi.batch import Operation, send_batch
from d365ext.webapi.client import Client, Row
from d365ext.webapi.query import Query, literal, row_address
from sync.lease import KIND_RUN, RUNS, LeaseSeen, moment

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
_MESSAGE_LENGTH = 10_000
_PRUNED_AT_ONCE = 500
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(Enum):
    """How a run ended; the value is that of pch_outcome."""

    RUNNING = 737_860_000
    DONE = 737_860_001
    DONE_WITH_FAILURES = 737_860_002
    REFUSED = 737_860_003
    FAILED = 737_860_004
    STOPPED = 737_860_005
    DIED = 737_860_006

    @property
    def words(self) -> str:
        """Say it in words.

        >>> Outcome.DONE_WITH_FAILURES.words
        'done with failures'
        """
        return self.name.lower().replace("_", " ")


@dataclass(slots=True)
class RunRecord:
    """What is known of a run."""

    id: UUID
    worker: str
    started_at: datetime
    number: int | None = None
    outcome: Outcome = Outcome.RUNNING
    as_of: date | None = None
    ended_at: datetime | None = None
    rows: int | None = None
    created: int | None = None
    updated: int | None = None
    deleted: int | None = None
    failed: int | None = None
    requests: int | None = None
    version: str = field(default_factory=lambda: version("d365ext"))
    message: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended_at is None else round((self.ended_at - self.started_at).total_seconds(), 1)

    def as_json(self) -> dict[str, Any]:
        """Give it as `--json` prints it."""
        return {
            "run": self.number,
            "started_at": self.started_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "as_of": self.as_of,
            "outcome": self.outcome.words,
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "deleted": self.deleted,
            "failed": self.failed,
            "requests": self.requests,
            "version": self.version,
            "worker": self.worker,
            "message": self.message,
        }

    def operation(self) -> Operation:
        """Give the operation that writes the record, whether it is there already or not."""
        row: dict[str, Any] = {
            "pch_name": f"Run {self.number}, {self.started_at:%Y-%m-%d %H:%M}: {self.outcome.words}",
            "pch_kind": KIND_RUN,
            "pch_outcome": self.outcome.value,
            "pch_runnumber": self.number,
            "pch_asof": self.as_of,
            "pch_startedon": self.started_at,
            "pch_endedon": self.ended_at,
            "pch_rowcount": self.rows,
            "pch_created": self.created,
            "pch_updated": self.updated,
            "pch_deleted": self.deleted,
            "pch_failed": self.failed,
            "pch_requests": self.requests,
            "pch_message": self.message[:_MESSAGE_LENGTH] or None,
            "pch_version": self.version[:50],
            "pch_worker": self.worker[:200],
        }
        return Operation("PATCH", row_address(RUNS, self.id), row)


def read_runs(client: Client, *, top: int) -> list[RunRecord]:
    """Read the last runs, the newest first."""
    query = Query(RUNS, filter=f"pch_kind eq {KIND_RUN}", orderby=("pch_runnumber desc", "pch_syncrunid asc"), top=top)
    return [_record(row) for row in client.rows(query)]


def prune_runs(client: Client, now: datetime) -> int:
    """Delete the records of runs that ended long ago, and say how many. One that fails is left for the next time."""
    before = literal((now - KEPT).replace(microsecond=0))
    query = Query(
        RUNS,
        select=("pch_syncrunid",),
        filter=f"pch_kind eq {KIND_RUN} and pch_startedon lt {before}",
        top=_PRUNED_AT_ONCE,
    )
    old = [row["pch_syncrunid"] for row in client.rows(query)]
    if not old:
        return 0
    outcomes = send_batch(client, [Operation("DELETE", row_address(RUNS, each)) for each in old])
    kept = [outcome.error for outcome in outcomes if outcome.error is not None and outcome.status != 404]
    for error in kept:
        log.warning("An old record of a run could not be deleted: %s", error)
    return len(old) - len(kept)


def record_of_dead(dead: LeaseSeen, ended_at: datetime, record_id: UUID) -> RunRecord:
    """Make the record of a run whose worker died: it left only its lease behind."""
    return RunRecord(
        record_id,
        dead.holder,
        dead.started_at or ended_at,
        dead.run_number,
        Outcome.DIED,
        ended_at=ended_at,
        message="The worker ended without giving its lease back. The next run went on where it stopped.",
    )


def run_id_of(holder: str) -> UUID | None:
    """Find the id of the run in what a lease says of its holder."""
    _, found, run = holder.rpartition("run ")
    try:
        return UUID(run) if found else None
    except ValueError:
        return None


def _record(row: Row) -> RunRecord:
    return RunRecord(
        UUID(row["pch_syncrunid"]),
        row.get("pch_worker") or "",
        moment(row.get("pch_startedon")) or _UNKNOWN,
        row.get("pch_runnumber"),
        Outcome(row["pch_outcome"]),
        None if row.get("pch_asof") is None else date.fromisoformat(row["pch_asof"][:10]),
        moment(row.get("pch_endedon")),
        row.get("pch_rowcount"),
        row.get("pch_created"),
        row.get("pch_updated"),
        row.get("pch_deleted"),
        row.get("pch_failed"),
        row.get("pch_requests"),
        row.get("pch_version") or "",
        row.get("pch_message") or "",
    )
