"""Compares the rows as they ought to be with those that the mirror saw. Total compute, incremental writing.

The wanted rows and the differences live in temporary tables; they are handed out in chunks, so that millions of
differences need no more memory than a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sync.mirror import Mirror
from sync.tables import PIPELINE, PIPELINE_KEY, MirrorTable


class Kind(Enum):
    """What has to be done about a row."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that differs. `wanted`: all columns of a row to create, the changed ones of a row to update.

    `found`: the same columns as the mirror saw them; empty for a row to create.
    """

    kind: Kind
    id: UUID
    name: str
    wanted: dict[str, Any]
    found: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there are, and how many differ. `emptied`: those to update that lose every number they have."""

    wanted: int
    found: int
    create: int
    update: int
    delete: int
    emptied: int

    @property
    def is_settled(self) -> bool:
        """Say whether nothing differs."""
        return not (self.create or self.update or self.delete)


class Differences:
    """The differences of one run, in the mirror. Made by `compare`."""

    def __init__(self, mirror: Mirror, table: MirrorTable, counts: Counts) -> None:
        self._mirror = mirror
        self._columns = [column.name for column in table.columns]
        self.counts = counts

    def chunks(self, kind: Kind, rows: int) -> Iterator[list[RowDifference]]:
        """Hand out the differences of one kind, `rows` at a time."""
        last = 0
        while True:
            found = self._mirror.connection.execute(self._chunk_sql(kind), [kind.value, last, rows]).fetchall()
            if not found:
                return
            last = found[-1][0]
            yield [self._difference(kind, row) for row in found]

    def set_aside(self, ids: Sequence[UUID]) -> None:
        """Take rows out: nothing is written for them."""
        self._mirror.connection.execute(
            "delete from difference where id in (select unnest($1::UUID[]))", [[str(each) for each in ids]]
        )

    def _chunk_sql(self, kind: Kind) -> str:
        wanted = ", ".join(f'w."{name}"' for name in self._columns)
        found = ", ".join(f'f."{name}"' for name in self._columns)
        columns = {Kind.CREATE: wanted, Kind.UPDATE: f"{wanted}, {found}", Kind.DELETE: found}[kind]
        return (
            f"select d.nr, d.id, {columns} from difference d"
            f' left join wanted w on w."{PIPELINE_KEY}" = d.id'
            f' left join "{PIPELINE}" f on f."{PIPELINE_KEY}" = d.id'
            " where d.kind = $1 and d.nr > $2 order by d.nr limit $3"
        )

    def _difference(self, kind: Kind, row: Sequence[Any]) -> RowDifference:
        first = dict(zip(self._columns, row[2:], strict=False))
        second = dict(zip(self._columns, row[2 + len(self._columns) :], strict=False))
        name = str(first["pch_name"] or second.get("pch_name") or row[1])
        if kind is Kind.UPDATE:
            changed = [column for column in self._columns if first[column] != second[column]]
            wanted, found = ({column: side[column] for column in changed} for side in (first, second))
            return RowDifference(kind, row[1], name, wanted, found)
        if kind is Kind.CREATE:
            return RowDifference(kind, row[1], name, first, {})
        return RowDifference(kind, row[1], name, {}, first)


def compare(mirror: Mirror, table: MirrorTable, wanted_sql: str, numbers: Sequence[str]) -> Differences:
    """Compute the wanted rows with `wanted_sql`, and compare them with those of the mirror.

    Shape:   `numbers` are the columns of `table` whose loss empties a row.
    Effects: makes the temporary tables `wanted` and `difference` anew.
    """
    run = mirror.connection.execute
    run(f"create or replace temp table wanted as {wanted_sql}")
    key = f'"{PIPELINE_KEY}"'
    differs = " or ".join(
        f'w."{column.name}" is distinct from f."{column.name}"' for column in table.columns if column.name != table.key
    )
    f_has, w_has = (" or ".join(f'coalesce({side}."{name}", 0) <> 0' for name in numbers) for side in ("f", "w"))
    run(f"""
        create or replace temp table difference as
        select row_number() over (order by w.{key}) as nr, w.{key} as id, 'create' as kind, false as is_emptied
        from wanted w anti join "{table.name}" f on f.{key} = w.{key}
        union all
        select row_number() over (order by w.{key}), w.{key}, 'update', ({f_has}) and not ({w_has})
        from wanted w join "{table.name}" f on f.{key} = w.{key} where {differs}
        union all
        select row_number() over (order by f.{key}), f.{key}, 'delete', false
        from "{table.name}" f anti join wanted w on f.{key} = w.{key}
    """)
    counted = run(f"""
        select (select count(*) from wanted), (select count(*) from "{table.name}"),
          count(*) filter (where kind = 'create'), count(*) filter (where kind = 'update'),
          count(*) filter (where kind = 'delete'), count(*) filter (where is_emptied)
        from difference
    """).fetchone()
    assert counted is not None, "an aggregate gives one row"  # noqa: S101 - our own mistake, if ever
    return Differences(mirror, table, Counts(*counted))
