"""Writes rows: many in one message where the platform can, one by one where it refuses: so the bad one is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from d365ext.errors import D365Error, DataverseError, DuplicateKey, Retriable, Unauthorized
from d365ext.loader.check import Row
from d365ext.loader.observed import chunks
from d365ext.loader.shapes import Table
from d365ext.webapi.batch import ChangeSet, Operation, send_batch
from d365ext.webapi.bulk import create_multiple, update_multiple
from d365ext.webapi.client import Client
from d365ext.webapi.query import row_address

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that the environment did not take, and why."""

    row: Row
    error: D365Error

    def __str__(self) -> str:
        return f"{self.row.place} ({self.row.table.name} {self.row.id}): {self.error}"


class Writer:
    """Writes rows of one load in parts of `batch_rows`. `done` is called with the number of rows of each part."""

    def __init__(self, client: Client, *, batch_rows: int, done: Callable[[int], None]) -> None:
        self._client = client
        self._batch_rows = batch_rows
        self._done = done
        self.refused: list[Refused] = []

    def create(self, table: Table, rows: Sequence[tuple[Row, Body]]) -> int:
        """Create rows of one table; give the number of those that were created."""

        def together(bodies: list[Body]) -> None:
            create_multiple(self._client, table.entity_set, table.name, bodies, repeatable=True)

        def alone(_row: Row, body: Body) -> Operation:
            return Operation("POST", table.entity_set, body)

        return self._write(rows, together, alone)

    def update(self, table: Table, rows: Sequence[tuple[Row, Body]]) -> int:
        """Change rows of one table; give the number of those that were changed."""

        def together(bodies: list[Body]) -> None:
            update_multiple(self._client, table.entity_set, table.name, bodies)

        def alone(row: Row, body: Body) -> Operation:
            changes = {name: value for name, value in body.items() if name != table.primary_id}
            return Operation("PATCH", row_address(table.entity_set, row.id), changes, {"If-Match": "*"})

        return self._write(rows, together, alone)

    def _write(
        self,
        rows: Sequence[tuple[Row, Body]],
        together: Callable[[list[Body]], None],
        alone: Callable[[Row, Body], Operation],
    ) -> int:
        """Write part after part; a part that is refused as a whole is written row by row.

        Source: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations (one error rolls back all; not
        every table has the bulk messages).
        """
        written = 0
        for part in chunks(rows, self._batch_rows):
            try:
                together([body for _, body in part])
                written += len(part)
            except (Retriable, Unauthorized):
                raise
            except DataverseError as error:
                steps = [(row, [alone(row, body)]) for row, body in part]
                written += self._one_by_one(steps, may_be_there=error.after_lost_reply)
            self._done(len(part))
        return written

    def carry_out(self, steps: Sequence[tuple[Row, list[Operation]]]) -> int:
        """Carry out the steps of each row, a row's own together or not at all; give the number of rows done."""
        carried = 0
        for part in chunks(steps, max(1, self._batch_rows // 2)):
            carried += self._one_by_one(part)
            self._done(len(part))
        return carried

    def _one_by_one(self, part: Sequence[tuple[Row, list[Operation]]], *, may_be_there: bool = False) -> int:
        """Send each row's steps by themselves. `may_be_there`: an answer was lost, so finding the row made is fine."""
        items = [steps[0] if len(steps) == 1 else ChangeSet(steps) for _, steps in part]
        taken = 0
        for (row, _), outcome in zip(part, send_batch(self._client, items), strict=True):
            if outcome.error is None or (may_be_there and isinstance(outcome.error, DuplicateKey)):
                taken += 1
            elif isinstance(outcome.error, Retriable):
                raise outcome.error  # it has nothing against the row: loading again goes on from here
            else:
                self.refused.append(Refused(row, outcome.error))
        return taken


def by_table(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    """Sort rows by their table, keeping the order."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        tables.setdefault(row.table.name, []).append(row)
    return tables
