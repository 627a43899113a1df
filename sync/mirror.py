"""The mirror: a local copy of the few tables that the numbers need, in one DuckDB file.

Owns the file. It is a cache: losing it means one full read. A page and the link that comes with it are stored in one
transaction, so that whenever the process dies, the link says what the rows hold. One process opens it at a time.

What was measured (design.md): per page fill a stage from column lists, delete by stage, insert, in one transaction;
five times as fast as INSERT OR REPLACE. A full load fills a second table, which then takes the first one's place
together with its link.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import duckdb

from sync.crash import point
from sync.tables import MirrorColumn, MirrorTable, SqlType

BOOKKEEPING = """
create table if not exists fact (name varchar primary key, value varchar);
create table if not exists link (
  table_name varchar primary key, shape varchar not null, link varchar, is_whole boolean not null,
  load_link varchar, load_began_at timestamp
);
"""


@dataclass(frozen=True, slots=True)
class TableState:
    """How far a table has been read.

    `link` leads on from the rows there; None before the first full load. `is_whole`: it is a delta link, the rows are
    those of one moment; otherwise a delta was left half-way. A full load under way has `load_began_at`, and `load_link`
    once its first page is stored.
    """

    link: str | None = None
    is_whole: bool = False
    load_link: str | None = None
    load_began_at: datetime | None = None


class Mirror:
    """The tables `tables` of one environment. Made by `mirror_file.open_mirror`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Sequence[MirrorTable], zone: str) -> None:
        self.connection = connection
        self.tables = tuple(tables)
        self._zone = zone

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write everything to the file and let it go."""
        self.connection.close()

    # ------------------------------------------------------------ what is there

    def state(self, table: MirrorTable) -> TableState:
        """Say how far `table` has been read."""
        found = self.connection.execute(
            "select link, is_whole, load_link, load_began_at from link where table_name = ?", [table.name]
        ).fetchone()
        return TableState(*found) if found else TableState()

    def fact(self, name: str) -> str | None:
        """Give what was remembered under `name`."""
        found = self.connection.execute("select value from fact where name = ?", [name]).fetchone()
        return found[0] if found else None

    def remember(self, name: str, value: str) -> None:
        """Remember `value` under `name`."""
        self.connection.execute("insert or replace into fact values (?, ?)", [name, value])

    def count(self, table: MirrorTable) -> int:
        """Count the rows of `table`."""
        found = self.connection.execute(f"select count(*) from {_quoted(table.name)}").fetchone()
        assert found is not None, "count(*) gives one row"  # noqa: S101 - our own mistake, if ever
        return int(found[0])

    # ------------------------------------------------------------ writing

    def forget(self) -> None:
        """Drop every row and link: the next read is a full one."""
        with self._transaction():
            self.connection.execute("delete from link")
            for table in self.tables:
                self._drop(table.name)
                self._drop(_load_name(table))
        self.prepare()

    def begin_load(self, table: MirrorTable, began_at: datetime) -> None:
        """Begin a full load of `table`, into a second table. The rows there stay until `end_load`."""
        with self._transaction():
            self._make(table, _load_name(table))
            self._update(table, load_link=None, load_began_at=began_at)

    def add_page(
        self,
        table: MirrorTable,
        rows: Sequence[Mapping[str, Any]],
        deleted: Sequence[UUID],
        *,
        link: str | None,
        is_whole: bool = False,
        loading: bool = False,
    ) -> None:
        """Store a page and its link together: what it has replaces what is there, deletions come last.

        `loading`: into the load of `table`. `is_whole`: the link is a delta link.
        """
        name = _load_name(table) if loading else table.name
        with self._transaction():
            self._replace(table, name, rows)
            point("pull.page_staged")
            if deleted:
                self.connection.execute(
                    f"delete from {_quoted(name)} where {_quoted(table.key)} in (select unnest($1::UUID[]))",
                    [[str(each) for each in deleted]],
                )
            if loading:
                self._update(table, load_link=link)
            else:
                self._update(table, link=link, is_whole=is_whole)
            point("pull.link_staged")
        point("pull.page_committed")

    def put_loaded(self, table: MirrorTable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put rows that were read beside the pages into the load of `table`."""
        with self._transaction():
            self._replace(table, _load_name(table), rows)

    @contextmanager
    def sweep(self, table: MirrorTable) -> Iterator[Sweep]:
        """Compare the ids of the load of `table` with those that are seen."""
        self.connection.execute("create or replace temp table seen (id UUID)")
        yield Sweep(self.connection, _quoted(_load_name(table)), _quoted(table.key))
        self.connection.execute("drop table seen")

    def end_load(self, table: MirrorTable, link: str) -> None:
        """Let the load take the place of `table`, together with its delta link."""
        name = _quoted(table.name)
        with self._transaction():
            self.connection.execute(f"drop table {name}")
            self.connection.execute(f"alter table {_quoted(_load_name(table))} rename to {name}")
            self._update(table, link=link, is_whole=True, load_link=None, load_began_at=None)
            point("pull.swap_staged")
        point("pull.swapped")

    def _replace(self, table: MirrorTable, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        last = {row[table.key]: row for row in rows}  # a row may come twice in a page; the last is the newest
        lists = [[row.get(column.wire) for row in last.values()] for column in table.columns]
        stage = _quoted(f"{table.name}__stage")
        values = ", ".join(self._cast(f"c{number}", column) for number, column in enumerate(table.columns))
        unnested = ", ".join(f"unnest($c{number}::VARCHAR[]) as c{number}" for number in range(len(lists)))
        self.connection.execute(f"create or replace temp table {stage} ({_columns_sql(table)})")
        self.connection.execute(
            f"insert into {stage} select {values} from (select {unnested})",
            {f"c{number}": [_text(value) for value in column] for number, column in enumerate(lists)},
        )
        key = _quoted(table.key)
        self.connection.execute(f"delete from {_quoted(name)} where {key} in (select {key} from {stage})")
        self.connection.execute(f"insert into {_quoted(name)} select * from {stage}")

    def _cast(self, text: str, column: MirrorColumn) -> str:
        """Make a value of its text.

        A date is a date, but for columns that an old environment keeps as moments: those become the date they have in
        our time zone (learn.microsoft.com/…/behavior-format-date-time-attribute: "User local" with format Date only).
        """
        if column.type is not SqlType.DATE:
            return f"cast({text} as {column.type})"
        local = f"cast(timezone('{self._zone}', timezone('UTC', cast({text} as TIMESTAMP))) as DATE)"
        return f"case when length({text}) > 10 then {local} else cast({text} as DATE) end"

    # ------------------------------------------------------------ tables

    def prepare(self) -> None:
        """Make the tables that are missing or whose columns have changed; those are read anew."""
        with self._transaction():
            self.connection.execute(BOOKKEEPING)
            for table in self.tables:
                shape = hashlib.sha256(f"{_columns_sql(table)} {self._zone}".encode()).hexdigest()
                found = self.connection.execute("select shape from link where table_name = ?", [table.name]).fetchone()
                if found is None or found[0] != shape:
                    self._make(table, table.name)
                    self._drop(_load_name(table))
                    self.connection.execute("delete from link where table_name = ?", [table.name])
                    self.connection.execute(
                        "insert into link (table_name, shape, is_whole) values (?, ?, false)",
                        [table.name, shape],
                    )

    def _make(self, table: MirrorTable, name: str) -> None:
        self._drop(name)
        self.connection.execute(
            f"create table {_quoted(name)} ({_columns_sql(table)}, primary key ({_quoted(table.key)}))"
        )

    def _drop(self, name: str) -> None:
        self.connection.execute(f"drop table if exists {_quoted(name)}")

    def _update(self, table: MirrorTable, **changes: object) -> None:
        assigned = ", ".join(f"{name} = ?" for name in changes)
        self.connection.execute(f"update link set {assigned} where table_name = ?", [*changes.values(), table.name])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("begin")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):  # it may have ended the transaction itself
                self.connection.execute("rollback")
            raise
        self.connection.execute("commit")


class Sweep:
    """Tells the rows that are no longer there, and those that were missed, by their ids alone."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
        self._connection = connection
        self._table = table
        self._key = key

    def saw(self, ids: Sequence[str]) -> None:
        """Note ids of rows that are there."""
        self._connection.execute("insert into seen select unnest($1::UUID[])", [list(ids)])

    def drop_unseen(self) -> None:
        """Drop the rows that were not seen."""
        self._connection.execute(f"delete from {self._table} where {self._key} not in (select id from seen)")

    def unknown(self) -> list[UUID]:
        """Give the ids that were seen and have no row."""
        rows = self._connection.execute(
            f"select distinct id from seen where id not in (select {self._key} from {self._table})"
        ).fetchall()
        return [row[0] for row in rows]


def _load_name(table: MirrorTable) -> str:
    return f"{table.name}__load"


def _columns_sql(table: MirrorTable) -> str:
    return ", ".join(f"{_quoted(column.name)} {column.type}" for column in table.columns)


def _quoted(name: str) -> str:
    """Quote a name. All names come from checked definitions; quoting is for words that SQL knows."""
    return f'"{name}"'


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return str(value).lower() if isinstance(value, bool) else str(value)
