"""The SQLite tables behind the schema: made, widened, narrowed and dropped as definitions change.

Owns all DDL for rows. One SQLite table per Dataverse table, named as it; one SQLite column per stored column.
Must not know definition documents.
"""

from __future__ import annotations

import sqlite3

from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TEXT_TYPES, TYPE_SUFFIX, Column, Key, Schema, Table, sql_type
from d365ext.emulator.store.sqlite_functions import FOLD

FORMAT = 1
"""Grows whenever a store of an older version of this program could not be read by a newer one."""

CREATE = """
    create table _counter (name text primary key, value integer not null);
    insert into _counter values ('version', 1000), ('schema', 1);
    create table _deleted (table_name text not null, row_id text not null, version integer not null, at text not null);
    create index _deleted_by_version on _deleted (table_name, version);
"""


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
            _index(raw, table.logical, column.logical, " where {0} is not null")
    for key in table.keys.values():
        _alter_key(raw, table, None, key)


def _alter_table(raw: sqlite3.Connection, old: Table, new: Table) -> None:
    was, now = _sql_columns(old), _sql_columns(new)
    for name, key in old.keys.items():
        if name not in new.keys:
            _alter_key(raw, old, key, None)
    for name in was.keys() - now.keys():
        raw.execute(f"drop index if exists {quoted(f'_by_{old.logical}_{name}')}")
        raw.execute(f"alter table {quoted(new.logical)} drop column {quoted(name)}")
    for name, kind in now.items():
        if name not in was:
            raw.execute(f"alter table {quoted(new.logical)} add column {quoted(name)} {kind}")
            if (column := new.columns.get(name)) is not None and _is_indexed(new, column):
                _index(raw, new.logical, name, " where {0} is not null")
    for name, key in new.keys.items():
        _alter_key(raw, new, old.keys.get(name), key)


def _alter_key(raw: sqlite3.Connection, table: Table, old: Key | None, new: Key | None) -> None:
    """Make or drop the unique index of an alternate key; only an Active one has an index.

    Rows with a null in a key column are exempt, and text is the same whatever its case [both inferred, data-plane §9].
    """
    had = old is not None and old.status == "Active"
    has = new is not None and new.status == "Active"
    if old is not None and had and not (has and new is not None and new.columns == old.columns):
        raw.execute(f"drop index if exists {quoted(key_index(table.logical, old.logical))}")
        had = False
    if new is not None and has and not had:
        parts = [
            f"{FOLD}({quoted(name)})" if table.columns[name].type in TEXT_TYPES else quoted(name)
            for name in new.columns
        ]
        index = quoted(key_index(table.logical, new.logical))
        # The constant makes it an index on an expression: only of those does SQLite tell the name on a clash.
        raw.execute(f"create unique index {index} on {quoted(table.logical)} ({', '.join([*parts, '(1)'])})")


def key_index(table: str, key: str) -> str:
    """Give the name of the SQLite index of an alternate key."""
    return f"_key_{table}_{key}"


def _is_indexed(table: Table, column: Column) -> bool:
    return (column.is_lookup and column.logical not in _NEVER_FOLLOWED) or (
        table.is_intersect and column.logical not in (table.primary_id, "versionnumber")
    )


_NEVER_FOLLOWED = frozenset({
    "createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "owninguser", "owningteam", "ownerid",
    "owningbusinessunit", "transactioncurrencyid", "organizationid",
})  # fmt: skip
"""Lookups that point to few rows from all: an index on each would cost every write and help no query."""


def _index(raw: sqlite3.Connection, table: str, column: str, condition: str = "") -> None:
    """Index a column. Most lookups of most rows are empty; a condition that leaves those out spares their writes."""
    name = quoted(f"_by_{table}_{column}")
    raw.execute(f"create index {name} on {quoted(table)} ({quoted(column)}){condition.format(quoted(column))}")


def _sql_columns(table: Table) -> dict[str, str]:
    found = {}
    for column in table.stored:
        found[column.logical] = sql_type(column).__class__.__name__.upper()
        if column.is_polymorphic:
            found[column.logical + TYPE_SUFFIX] = "TEXT"
    return found
