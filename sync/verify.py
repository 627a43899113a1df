"""Recomputes all from a fresh full read, and compares every cell with the environment. Writes nothing, anywhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from d365ext.definitions.rollups import Rollups
from d365ext.settings import Settings
from d365ext.webapi.client import Client
from sync.compile import Run, desired_sql
from sync.diff import Kind, compare
from sync.mirror_file import open_mirror
from sync.organization import read_organization
from sync.pull import Pull
from sync.service_clock import ServiceClock
from sync.tables import mirrored_tables, pipeline_table

_CHUNK = 1000

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One cell that is not as it ought to be; `column` is empty for a row that is missing or ought not to be there."""

    kind: Kind
    id: UUID
    name: str
    column: str
    wanted: Any
    found: Any

    def as_json(self) -> dict[str, Any]:
        """Give it as `--json` prints it."""
        said = {Kind.CREATE: "missing", Kind.UPDATE: "differs", Kind.DELETE: "not wanted"}[self.kind]
        cell = {"column": self.column, "wanted": self.wanted, "found": self.found} if self.column else {}
        return {"row": str(self.id), "name": self.name, "what": said, **cell}


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found. `cells` were compared; the first differences are named, all are counted."""

    as_of: date
    rows: int
    cells: int
    differing: int
    differences: list[CellDifference] = field(default_factory=list)


def verify(
    client: Client,
    settings: Settings,
    rollups: Rollups,
    *,
    as_of: date | None = None,
    named_max: int = 1000,
    progress: Progress = lambda _step, _done, _total: None,
) -> Verification:
    """Compare every cell of pch_pipeline with what a fresh full read says it ought to be.

    Shape:   `as_of` None: today, in the settings' time zone. At most `named_max` differences are named.
    Effects: reads every mirrored table once, into a temporary file; writes nothing anywhere.
             What is changed in the environment while it reads may show as a difference.
    Errors:  as `Client.send`.
    """
    clock = ServiceClock(client.transport.clock)
    table = pipeline_table(rollups)
    with tempfile.TemporaryDirectory(prefix="d365ext-verify-") as folder:
        path = Path(folder) / "verify.duckdb"
        opened = open_mirror(path, mirrored_tables(rollups), zone=settings.timezone, memory_limit=settings.memory_limit)
        with opened as mirror:
            organization = read_organization(client, mirror.tables)
            Pull(client, mirror, now=clock.now, progress=progress).run(full=True)
            day = as_of or clock.now().astimezone(settings.zone).date()
            sql = desired_sql(rollups, Run(day, settings.timezone, organization.currency))
            found = compare(mirror, table, sql, rollups.numbers)
            named: list[CellDifference] = []
            differing = 0
            for kind in Kind:
                for chunk in found.chunks(kind, _CHUNK):
                    for row in chunk:
                        cells = list(_cells(row.kind, row.id, row.name, row.wanted, row.found))
                        differing += len(cells)
                        named += cells[: max(0, named_max - len(named))]
            return Verification(day, found.counts.wanted, found.counts.wanted * len(table.columns), differing, named)


def _cells(kind: Kind, row: UUID, name: str, wanted: dict[str, Any], found: dict[str, Any]) -> list[CellDifference]:
    if kind is Kind.UPDATE:
        return [CellDifference(kind, row, name, column, wanted[column], found[column]) for column in wanted]
    return [CellDifference(kind, row, name, "", None, None)]
