"""One run: lease → pull → compute → diff → push → run log. Never prints.

At least once, with absolute values: it may be killed at any moment and run again; the next run finishes the work.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from d365ext.definitions.rollups import Rollups
from d365ext.errors import D365Error, DataverseError, LeaseHeld, MirrorLocked, PlanError, Stopped, SyncError
from d365ext.names import RowId
from d365ext.settings import Settings
from d365ext.webapi.batch import send_batch
from d365ext.webapi.client import Client
from sync.compile import Run, desired_sql
from sync.crash import point
from sync.diff import compare
from sync.guards import check_size, remember_written, set_unsettled_aside
from sync.lease import Lease, LeaseSeen, Worker, read_lease
from sync.mirror import Mirror
from sync.mirror_file import mirror_path, open_mirror
from sync.organization import Organization, read_organization
from sync.pull import Pull, PullCount
from sync.push import FailedRow, Push, PushCount
from sync.runlog import Outcome, RunRecord, prune_runs, record_of_dead, run_id_of
from sync.service_clock import ServiceClock
from sync.summary import RunSummary
from sync.tables import mirrored_tables, pipeline_table

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person may ask of one run. `as_of` None: today, in the settings' time zone."""

    as_of: date | None = None
    full: bool = False
    allow_large_change: bool = False


def run_once(
    client: Client,
    settings: Settings,
    rollups: Rollups,
    options: RunOptions = RunOptions(),
    *,
    progress: Progress = lambda _step, _done, _total: None,
    check: Callable[[], None] = lambda: None,
) -> RunSummary:
    """Bring pch_pipeline up to date once. `check` is called between steps, and may raise Stopped.

    Effects: reads what changed, writes what differs, and one row of the run log. Safe to kill and to run again.
    Errors:  LeaseHeld; MirrorLocked, MirrorTooNew; DestructiveChange (nothing was written); as `Client.send`.
             A refused row does not raise: see `RunSummary.failed`.
    """
    tables = mirrored_tables(rollups)
    path = mirror_path(settings.state_dir, client.url)
    try:
        opened = open_mirror(path, tables, zone=settings.timezone, memory_limit=settings.memory_limit)
    except MirrorLocked as locked:
        raise _lease_or(client, locked) from locked
    with opened as mirror:
        return _Run(client, settings, rollups, options, mirror, progress, check).run()


def _lease_or(client: Client, locked: MirrorLocked) -> D365Error:
    """Who has our mirror open holds the lease, if it is a worker."""
    seen = read_lease(client)
    if seen is None or not seen.holder:
        return locked
    return LeaseHeld(f"Another worker holds the lease: {seen.holder}.", hint="Wait for it.")


class _Run:
    """The state of one run."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        rollups: Rollups,
        options: RunOptions,
        mirror: Mirror,
        progress: Progress,
        check: Callable[[], None],
    ) -> None:
        self._client = client
        self._settings = settings
        self._rollups = rollups
        self._options = options
        self._mirror = mirror
        self._progress = progress
        self._check = check
        self._clock = ServiceClock(client.transport.clock)
        self._began_s = self._clock.monotonic()
        self._before = client.traffic
        self._table = pipeline_table(rollups)
        run_id = RowId(uuid4())
        self._worker = Worker(platform.node(), os.getpid(), _mirror_id(mirror), str(run_id))
        self._lease = Lease(client, self._clock, self._worker)
        self._record = RunRecord(run_id, str(self._worker), self._clock.now())

    def run(self) -> RunSummary:
        before = self._lease.take()
        self._record.started_at, self._record.number = self._clock.now(), before.run_number + 1
        try:
            summary = self._work(before)
        except Exception as error:  # whatever it is, people must see in Dataverse that the run did not end well
            self._close(_outcome_of(error), str(error))
            raise
        self._close(
            Outcome.DONE_WITH_FAILURES if summary.failed else Outcome.DONE, "\n".join(map(str, summary.failed)), summary
        )
        return summary

    def _work(self, before: LeaseSeen) -> RunSummary:
        organization = read_organization(self._client, self._mirror.tables)
        self._check_lineage(before, organization)
        pull = Pull(self._client, self._mirror, now=self._clock.now, progress=self._progress, heartbeat=self._step)
        counts = pull.run(full=self._options.full)
        as_of = self._options.as_of or self._clock.now().astimezone(self._settings.zone).date()
        self._record.as_of = as_of
        sql = desired_sql(self._rollups, Run(as_of, self._settings.timezone, organization.currency))
        return self._compute_and_write(sql, as_of, organization.currency, counts)

    def _compute_and_write(self, sql: str, as_of: date, currency: UUID, counts: dict[str, PullCount]) -> RunSummary:
        self._mirror.remember("as_of", as_of.isoformat())
        self._mirror.remember("currency", str(currency))
        wanted = hashlib.sha256(sql.encode()).hexdigest()
        is_settled = self._mirror.fact("settled") == wanted and all(count.is_unchanged for count in counts.values())
        if is_settled:
            return self._summary(as_of, counts, self._mirror.count(self._table), PushCount(), [], computed=False)
        _check_whole(self._mirror)
        differences = compare(self._mirror, self._table, sql, self._rollups.numbers)
        point("compute.done")
        check_size(differences.counts, allow=self._options.allow_large_change)
        aside = set_unsettled_aside(self._mirror, self._table, differences)
        self._step()
        push = Push(
            self._client,
            chunk_rows=self._settings.batch_rows,
            parallel=self._settings.parallel,
            progress=self._progress,
            heartbeat=self._step,
        )
        written = push.run(differences)
        remember_written(self._mirror, written.written)
        failed = [*aside, *written.failed]
        self._mirror.remember("settled", wanted if differences.counts.is_settled else "")
        rows = differences.counts.found + written.created - written.deleted
        return self._summary(as_of, counts, rows, written, failed, computed=True)

    def _summary(
        self,
        as_of: date,
        counts: dict[str, PullCount],
        rows: int,
        written: PushCount,
        failed: list[FailedRow],
        *,
        computed: bool,
    ) -> RunSummary:
        now = self._client.traffic
        return RunSummary(
            as_of,
            counts,
            rows,
            written,
            computed,
            requests=now.requests - self._before.requests + 1,  # the one that closes the run
            throttled_s=now.throttled_s - self._before.throttled_s,
            duration_s=self._clock.monotonic() - self._began_s,
            failed=tuple(failed),
        )

    def _check_lineage(self, before: LeaseSeen, organization: Organization) -> None:
        """Forget the mirror if the environment is not the one it knows: another answers at this address, or the same
        was made anew or put back to an earlier day. Delta links of the future would show no changes at all.
        """
        lineage = f"{organization.id} {before.made_at}"
        known_number = int(self._mirror.fact("run_number") or 0)
        if self._mirror.fact("lineage") != lineage or before.run_number < known_number:
            self._mirror.forget()
            self._mirror.remember("lineage", lineage)
        self._mirror.remember("run_number", str(before.run_number + 1))

    def _step(self) -> None:
        """Between steps: stop if somebody asked for it, and keep the lease."""
        self._check()
        self._lease.keep()

    # ------------------------------------------------------------ the end

    def _close(self, outcome: Outcome, message: str, summary: RunSummary | None = None) -> None:
        """Write the record and give the lease back, in one request. What fails here is logged: the work is done."""
        record = self._record
        record.outcome, record.message, record.ended_at = outcome, message, self._clock.now()
        if summary is not None:
            record.rows, record.requests = summary.rows, summary.requests
            record.created, record.updated = summary.written.created, summary.written.updated
            record.deleted, record.failed = summary.written.deleted, len(summary.failed)
        operations = [record.operation(), self._lease.released()]
        if self._lease.dead is not None and (dead := run_id_of(self._lease.dead.holder)) is not None:
            operations.append(record_of_dead(self._lease.dead, self._clock.now(), dead).operation())
        point("run.closing")
        try:
            for result in send_batch(self._client, operations):
                if result.error is not None:
                    log.warning("The run could not be closed in Dataverse: %s", result.error)
            point("run.closed")
            self._prune(record.started_at)
        except DataverseError as error:
            log.warning("The run could not be closed in Dataverse: %s", error)

    def _prune(self, now: datetime) -> None:
        today = now.date().isoformat()
        if self._mirror.fact("pruned_on") != today:
            prune_runs(self._client, now)
            self._mirror.remember("pruned_on", today)


def _mirror_id(mirror: Mirror) -> str:
    """The name of this very mirror: whoever held the lease with it is dead, for we have it open."""
    known = mirror.fact("mirror")
    if known is None:
        known = str(uuid4())
        mirror.remember("mirror", known)
    return known


def _check_whole(mirror: Mirror) -> None:
    """Make sure that every table reached its delta link: a half-read mirror must never be pushed.

    Errors:  SyncError
    """
    for table in mirror.tables:
        if not mirror.state(table).is_whole:
            raise SyncError(f"The mirror of {table.name} is incomplete; nothing was computed.", hint="Run it again.")


def _outcome_of(error: Exception) -> Outcome:
    if isinstance(error, Stopped):
        return Outcome.STOPPED
    return Outcome.REFUSED if isinstance(error, PlanError) else Outcome.FAILED
