"""Writes differences: in bulk, absolute values, only what changed; a refused chunk row by row, to name the bad one.

Owns no memory of what was written: an interrupted push is continued by the next run, which sees what is still missing.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from d365ext.errors import DataverseError, DeltaExpired, Forbidden, Retriable, Unauthorized
from d365ext.webapi.batch import Operation, send_batch
from d365ext.webapi.bulk import create_multiple, update_multiple
from d365ext.webapi.client import Client
from d365ext.webapi.query import bind, row_address
from sync.crash import point
from sync.diff import Differences, Kind, RowDifference
from sync.tables import CURRENCY, PIPELINE, PIPELINE_KEY, PIPELINES

log = logging.getLogger(__name__)

_BOUND_TO = {
    "pch_partnerid": "accounts",
    "pch_contactid": "contacts",
    "pch_customerid": "accounts",
    CURRENCY: "transactioncurrencies",
}
"""The lookups of a pipeline row, whose navigation properties have their names, and the entity sets of their rows."""

# Source: learn.microsoft.com/troubleshoot/power-platform/dataverse/…/bulk-operation-errors: a deadlock (generic SQL
# error), a timeout, a transaction that was rolled back because of one. They pass.
_PASSING = frozenset({"0x80044150", "0x80044151", "0x80040255", "0x80040251"})
_TRIES = 4

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that could not be written, or does not stay as it was written, and why."""

    id: UUID
    name: str
    columns: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        columns = f" [{', '.join(self.columns)}]" if self.columns else ""
        return f"{self.name} ({self.id}){columns}: {self.reason}"


@dataclass(slots=True)
class PushCount:
    """What was written. `gone`: rows that were deleted meanwhile, or whose account or contact was."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    gone: int = 0
    failed: list[FailedRow] = field(default_factory=list)
    written: list[UUID] = field(default_factory=list)

    def add(self, other: PushCount) -> None:
        """Add what another chunk wrote."""
        self.created += other.created
        self.updated += other.updated
        self.deleted += other.deleted
        self.gone += other.gone
        self.failed += other.failed
        self.written += other.written


class Push:
    """One writing of differences. `heartbeat` is called between chunks (the lease lives by it)."""

    def __init__(
        self,
        client: Client,
        *,
        chunk_rows: int,
        parallel: int,
        progress: Progress = lambda _step, _done, _total: None,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._chunk_rows = chunk_rows
        self._parallel = parallel
        self._progress = progress
        self._heartbeat = heartbeat

    def run(self, differences: Differences) -> PushCount:
        """Write them all: deletions first, then new rows, then changes.

        Effects: per chunk one POST (CreateMultiple, UpdateMultiple, $batch); chunks at the same time, as many as the
                 service advises (`x-ms-dop-hint`) and the settings allow. Safe to abandon.
        Errors:  as `Client.send`; Forbidden at once. A refused row does not raise: see `PushCount.failed`.
        """
        count = PushCount()
        todo = differences.counts
        total = todo.create + todo.update + todo.delete
        done = 0
        for kind in (Kind.DELETE, Kind.CREATE, Kind.UPDATE):
            for rows, written in self._all(differences.chunks(kind, self._chunk_rows)):
                count.add(written)
                done += rows
                self._progress("write", done, total)
                self._heartbeat()
        point("push.done")
        return count

    def _all(self, chunks: Iterable[list[RowDifference]]) -> Iterator[tuple[int, PushCount]]:
        """Write chunks, some at a time, and give what each wrote. After an error no new one is begun."""
        at_a_time = min(self._parallel, self._client.traffic.dop_hint or self._parallel)
        with ThreadPoolExecutor(max_workers=max(at_a_time, 1), thread_name_prefix="push") as pool:
            running: dict[Future[PushCount], int] = {}
            for chunk in chunks:
                running[pool.submit(self._chunk, chunk)] = len(chunk)
                if len(running) > at_a_time:
                    yield from _finished(running)
            while running:
                yield from _finished(running)

    # ------------------------------------------------------------ one chunk

    def _chunk(self, chunk: list[RowDifference]) -> PushCount:
        point("push.chunk_sending")
        written = self._delete(chunk) if chunk[0].kind is Kind.DELETE else self._write(chunk)
        point("push.chunk_sent")
        return written

    def _write(self, chunk: list[RowDifference]) -> PushCount:
        """Create or change rows together; if that is refused, one by one."""
        kind = chunk[0].kind
        rows = [{PIPELINE_KEY: row.id, **to_wire(row.wanted, nulls=kind is Kind.UPDATE)} for row in chunk]
        for attempt in range(1, _TRIES + 1):
            try:
                if kind is Kind.CREATE:
                    create_multiple(self._client, PIPELINES, PIPELINE, rows, repeatable=True)
                else:
                    update_multiple(self._client, PIPELINES, PIPELINE, rows)
            except (Forbidden, Unauthorized, Retriable):
                raise
            except DataverseError as refusal:
                if refusal.code in _PASSING and attempt < _TRIES:
                    self._client.transport.clock.sleep(random.uniform(0, 2**attempt))  # noqa: S311 (jitter)
                    continue
                log.info("%d rows were refused together and are written one by one: %s", len(rows), refusal)
                return self._one_by_one(chunk)
            break
        ids = [row.id for row in chunk]
        if kind is Kind.CREATE:
            return PushCount(created=len(chunk), written=ids)
        return PushCount(updated=len(chunk), written=ids)

    def _one_by_one(self, chunk: list[RowDifference]) -> PushCount:
        """Write rows in a batch that goes on after errors. A row to create that is there already is overwritten."""
        count = PushCount()
        operations = [
            Operation(
                "PATCH",
                row_address(PIPELINES, row.id),
                to_wire(row.wanted, nulls=True),
                {} if row.kind is Kind.CREATE else {"If-Match": "*"},
            )
            for row in chunk
        ]
        for row, outcome in zip(chunk, send_batch(self._client, operations), strict=True):
            if outcome.error is None:
                count.created += row.kind is Kind.CREATE
                count.updated += row.kind is Kind.UPDATE
                count.written.append(row.id)
            else:
                _sort_out(row, outcome.error, count)
        return count

    def _delete(self, chunk: list[RowDifference]) -> PushCount:
        count = PushCount()
        operations = [Operation("DELETE", row_address(PIPELINES, row.id)) for row in chunk]
        for row, outcome in zip(chunk, send_batch(self._client, operations), strict=True):
            if outcome.error is None:
                count.deleted += 1
            else:
                _sort_out(row, outcome.error, count)
        return count


def _sort_out(row: RowDifference, error: DataverseError | DeltaExpired, count: PushCount) -> None:
    """Say what the refusal of one row means.

    Errors:  `error` itself if it is not about the row: no right to write at all, or a service that is not there.
    """
    if isinstance(error, Forbidden | Unauthorized | Retriable):
        raise error
    if isinstance(error, DataverseError) and error.status == 404:
        # The row, or the account or contact it is about, was deleted meanwhile: the next run reads that.
        log.info("%s is gone meanwhile: %s", row.name, error)
        count.gone += 1
        return
    columns = tuple(row.wanted) if row.kind is Kind.UPDATE else ()
    count.failed.append(FailedRow(row.id, row.name, columns, str(error)))


def _finished(running: dict[Future[PushCount], int]) -> Iterator[tuple[int, PushCount]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


def to_wire(values: Mapping[str, Any], *, nulls: bool) -> dict[str, Any]:
    """Write columns as the Web API takes them: lookups bound, the rest as it is.

    `nulls`: write empty columns too, to empty them.

    >>> to_wire({"pch_level": 737860000, "pch_partnerid": UUID(int=1), "pch_contactid": None}, nulls=False)
    {'pch_level': 737860000, 'pch_partnerid@odata.bind': '/accounts(00000000-0000-0000-0000-000000000001)'}
    """
    body: dict[str, Any] = {}
    for column, value in values.items():
        if column == PIPELINE_KEY or (value is None and not nulls):
            continue
        if column in _BOUND_TO:
            body[f"{column}@odata.bind"] = None if value is None else bind(_BOUND_TO[column], value)
        else:
            body[column] = value
    return body
