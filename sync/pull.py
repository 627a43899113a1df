"""Reads what changed into the mirror, by change tracking; reads everything where there is no link that leads on.

What makes a full load safe: it fills a second table, page by page, each with its link. Whether the service stamps the
delta link at the start or at the end of such a read is not documented. So, before the load takes its place, the rows
that were changed since it began are read once more, and the ids of all rows are compared: a row that was changed or
deleted meanwhile is right either way. Changes after that come with the delta link.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from d365ext.errors import DeltaExpired, Rejected, RowNotFound
from d365ext.names import RowId
from d365ext.webapi.changes import ChangePage, read_changes
from d365ext.webapi.client import Client, Row
from d365ext.webapi.query import Query, literal, row_address
from sync.crash import point
from sync.mirror import Mirror
from sync.tables import MirrorTable

log = logging.getLogger(__name__)

RESUMABLE = timedelta(hours=1)
"""A full load that began longer ago is begun anew: its paging link may be gone, and its pages are old."""

CLOCKS_APART = timedelta(minutes=2)
"""How far the clocks of the service's machines may be apart, when asking what changed since a load began."""

Progress = Callable[[str, int, int | None], None]
"""Called with a table's name and how many of its rows have come; the last is None: nobody knows how many there are."""

Heartbeat = Callable[[], None]


@dataclass(slots=True)
class PullCount:
    """What one table brought."""

    read: int = 0
    deleted: int = 0
    pages: int = 0
    full: bool = False

    @property
    def is_unchanged(self) -> bool:
        """Say whether nothing came."""
        return not self.read and not self.deleted and not self.full


class Pull:
    """One reading of all tables. `now` is the service's time; `heartbeat` is called after every page."""

    def __init__(
        self,
        client: Client,
        mirror: Mirror,
        *,
        now: Callable[[], datetime],
        progress: Progress = lambda _table, _done, _total: None,
        heartbeat: Heartbeat = lambda: None,
    ) -> None:
        self._client = client
        self._mirror = mirror
        self._now = now
        self._progress = progress
        self._heartbeat = heartbeat

    def run(self, *, full: bool = False) -> dict[str, PullCount]:
        """Bring every table to its delta link.

        Effects: one GET a page; every page is stored with its link before the next is asked for. Safe to abandon.
        Errors:  as `Client.send`; Forbidden without organization-level read. Then the mirror must not be used.
        """
        counts = {table.name: self._table(table, full=full) for table in self._mirror.tables}
        point("pull.done")
        return {str(name): count for name, count in counts.items()}

    def _table(self, table: MirrorTable, *, full: bool) -> PullCount:
        count = PullCount()
        link = self._mirror.state(table).link
        if not full and link is not None:
            try:
                self._delta(table, link, count)
            except DeltaExpired:
                log.info("%s: the delta link has expired; everything is read again.", table.name)
            except Rejected as refusal:
                log.warning("%s: the delta link was refused; everything is read again: %s", table.name, refusal)
            else:
                return count
        self._load(table, count, resume=not full)
        return count

    # ------------------------------------------------------------ what changed

    def _delta(self, table: MirrorTable, link: str, count: PullCount) -> None:
        live: set[UUID] = set()
        gone: set[UUID] = set()
        for page in self._counted(table, read_changes(self._client, table.entity_set, table.select, link=link), count):
            rows, deleted = page.rows, page.deleted
            live |= {UUID(row[table.key]) for row in rows}
            gone |= set(deleted)
            if page.delta_link is not None and live & gone:
                rows, deleted = self._told_apart(table, page, live & gone)
            self._mirror.add_page(
                table,
                rows,
                deleted,
                link=page.delta_link or page.next_link,
                is_whole=page.delta_link is not None,
            )

    def _told_apart(
        self, table: MirrorTable, page: ChangePage, unsure: set[UUID]
    ) -> tuple[list[dict[str, Any]], list[RowId]]:
        """Read the rows anew that a delta calls both live and deleted, and put the truth into its last page."""
        found = self._rows_now(table, unsure)
        rows = [row for row in page.rows if UUID(row[table.key]) not in unsure]
        deleted = [each for each in page.deleted if each not in unsure]
        deleted += [RowId(each) for each in unsure - found.keys()]
        return [*rows, *found.values()], deleted

    def _rows_now(self, table: MirrorTable, ids: Iterable[UUID]) -> dict[UUID, Row]:
        found: dict[UUID, Row] = {}
        for each in ids:
            try:
                found[each] = self._client.retrieve(row_address(table.entity_set, each), select=table.select)
            except RowNotFound:
                log.debug("%s %s is gone.", table.name, each)
        return found

    # ------------------------------------------------------------ everything

    def _load(self, table: MirrorTable, count: PullCount, *, resume: bool) -> None:
        count.full = True
        state = self._mirror.state(table)
        now = self._now()
        began_at = state.load_began_at.replace(tzinfo=UTC) if state.load_began_at else now
        link = state.load_link if resume and now - began_at < RESUMABLE else None
        if link is not None:
            log.info("%s: a full load is resumed.", table.name)
            try:
                self._load_pages(table, link, began_at, count)
            except (DeltaExpired, Rejected) as refusal:
                log.warning("%s: the load cannot be resumed and is begun anew: %s", table.name, refusal)
            else:
                return
        now = self._now()
        self._mirror.begin_load(table, now.replace(tzinfo=None))
        point("pull.load_begun")
        self._load_pages(table, None, now, count)

    def _load_pages(self, table: MirrorTable, link: str | None, began_at: datetime, count: PullCount) -> None:
        delta_link = ""
        for page in self._counted(table, read_changes(self._client, table.entity_set, table.select, link=link), count):
            # The delta link, too, leads on: a load that stops after its last page is resumed with what changed since.
            delta_link = page.delta_link or ""
            self._mirror.add_page(table, page.rows, page.deleted, link=page.delta_link or page.next_link, loading=True)
        self._read_overlap(table, began_at - CLOCKS_APART)
        self._sweep(table)
        self._mirror.end_load(table, delta_link)

    def _read_overlap(self, table: MirrorTable, since: datetime) -> None:
        """Read what changed since the load began; the load may have passed it already."""
        query = Query(
            table.entity_set,
            select=table.select,
            filter=f"modifiedon ge {literal(since.replace(microsecond=0))}",
            orderby=(f"{table.key} asc",),
        )
        for page in self._client.pages(query):
            self._mirror.put_loaded(table, page.rows)
            self._heartbeat()

    def _sweep(self, table: MirrorTable) -> None:
        """Compare the ids: drop what is no longer there, read what the load never saw."""
        query = Query(table.entity_set, select=(table.key,), orderby=(f"{table.key} asc",))
        with self._mirror.sweep(table) as sweep:
            for page in self._client.pages(query):
                sweep.saw([row[table.key] for row in page.rows])
                self._heartbeat()
            sweep.drop_unseen()
            unknown = sweep.unknown()
        if unknown:
            log.info("%s: %d rows that the load did not bring are read now.", table.name, len(unknown))
            self._mirror.put_loaded(table, list(self._rows_now(table, unknown).values()))

    def _counted(self, table: MirrorTable, pages: Iterator[ChangePage], count: PullCount) -> Iterator[ChangePage]:
        for page in pages:
            point("pull.page_read")
            count.pages += 1
            count.read += len(page.rows)
            count.deleted += len(page.deleted)
            yield page
            self._progress(table.name, count.read, None)
            self._heartbeat()
