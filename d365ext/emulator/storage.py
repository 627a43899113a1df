"""The SQLite tables behind the schema: made, widened, narrowed and dropped as definitions change.

Owns all DDL for rows. One SQLite table per Dataverse table, named as it; one SQLite column per stored column.
Must not know definition documents.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.dialects import sqlite

from .schema import TYPE_SUFFIX, Column, Schema, Table, sql_type
from .session import Session

CREATE = """
    create table _counter (name text primary key, value integer not null);
    insert into _counter values ('version', 1000), ('schema', 1);
    create table _deleted (table_name text not null, row_id text not null, version integer not null, at text not null);
    create index _deleted_by_version on _deleted (table_name, version);
"""
_DIALECT = sqlite.dialect()  # type: ignore[no-untyped-call]


def quoted(name: str) -> str:
    """Quote a table's or column's name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def alter_storage(session: Session, before: Schema, after: Schema) -> None:
    """Make the SQLite tables fit `after`, which differs from `before`."""
    for name in before.tables.keys() - after.tables.keys():
        session.raw.execute(f"drop table {quoted(name)}")
        session.raw.execute("delete from _deleted where table_name = ?", (name,))
    for name, table in after.tables.items():
        old = before.tables.get(name)
        if old is table:
            continue
        if old is None:
            create_table(session.raw, table)
        else:
            _alter_table(session.raw, old, table)


def create_table(raw: sqlite3.Connection, table: Table) -> None:
    """Create the SQLite table with indexes on the row version and on every lookup (deletes and joins follow them)."""
    columns = [
        f"{quoted(name)} {kind}" + (" primary key not null" if name == table.primary_id else "")
        for name, kind in _sql_columns(table).items()
    ]
    raw.execute(f"create table {quoted(table.logical)} ({', '.join(columns)})")
    if "versionnumber" in table.columns:
        _index(raw, table.logical, "versionnumber")
    for column in table.stored:
        if _is_indexed(table, column):
            _index(raw, table.logical, column.logical)


def _alter_table(raw: sqlite3.Connection, old: Table, new: Table) -> None:
    was, now = _sql_columns(old), _sql_columns(new)
    for name in was.keys() - now.keys():
        raw.execute(f"drop index if exists {quoted(f'_by_{old.logical}_{name}')}")
        raw.execute(f"alter table {quoted(new.logical)} drop column {quoted(name)}")
    for name, kind in now.items():
        if name not in was:
            raw.execute(f"alter table {quoted(new.logical)} add column {quoted(name)} {kind}")
            if (column := new.columns.get(name)) is not None and _is_indexed(new, column):
                _index(raw, new.logical, name)


def _is_indexed(table: Table, column: Column) -> bool:
    return (column.is_lookup and column.logical not in _NEVER_FOLLOWED) or (
        table.is_intersect and column.logical != table.primary_id and column.logical != "versionnumber"
    )


_NEVER_FOLLOWED = frozenset({
    "createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "owninguser", "owningteam", "ownerid",
    "owningbusinessunit", "transactioncurrencyid", "organizationid",
})  # fmt: skip
"""Lookups that point to few rows from all: an index on each would cost every write and help no query."""


def _index(raw: sqlite3.Connection, table: str, column: str) -> None:
    raw.execute(f"create index {quoted(f'_by_{table}_{column}')} on {quoted(table)} ({quoted(column)})")


def _sql_columns(table: Table) -> dict[str, str]:
    found = {}
    for column in table.stored:
        found[column.logical] = sql_type(column).compile(dialect=_DIALECT)
        if column.is_polymorphic:
            found[column.logical + TYPE_SUFFIX] = "TEXT"
    return found
