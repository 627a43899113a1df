"""Read stored rows: by id, by alternate key, only whether they are there.

Owns the SQL that finds one row for a write or an address; queries of clients are query.py's. Must not write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.plan import plan_of
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.store.sqlite_functions import FOLD
from d365ext.emulator.store.storage import quoted


def find(session: Session, table: Table, row_id: str) -> dict[str, Any] | None:
    """Give the stored values of a row by SQL column name (money still × 10⁴), or None."""
    cursor = session.raw.execute(
        f"select * from {quoted(table.logical)} where {quoted(table.primary_id)} = ?",  # noqa: S608  quoted names
        (row_id,),
    )
    found = cursor.fetchone()
    if found is None:
        return None
    return dict(zip((each[0] for each in cursor.description), found, strict=True))


def exists(session: Session, table: str, row_id: str) -> bool:
    """Say whether the row is there; remembers for the session that it is."""
    if (table, row_id) in session.known:
        return True
    primary = session.schema.table(table).primary_id
    found = session.raw.execute(
        f"select 1 from {quoted(table)} where {quoted(primary)} = ?",  # noqa: S608  quoted names
        (row_id,),
    ).fetchone()
    if found is not None:
        session.known.add((table, row_id))
    return found is not None


def find_by_key(session: Session, table: Table, key: Mapping[str, Any]) -> str | None:
    """Give the id of the row with these values (JSON form) in the columns of an alternate key, or None.

    Inferred: text is compared without regard to case, as everywhere in Dataverse.
    """
    plan = plan_of(table)
    tests, values = [], []
    for name, value in key.items():
        column = plan.columns.get(name)
        if column is None:
            raise Problem.undeclared_property(name, table.logical)
        stored = None if value is None else plan.converters[name](value)
        if stored is None:
            return None
        is_text = isinstance(stored, str) and not column.is_lookup
        tests.append(f"{FOLD}({quoted(name)}) = {FOLD}(?)" if is_text else f"{quoted(name)} = ?")
        values.append(stored.id if isinstance(stored, LookupValue) else stored)
    found = session.raw.execute(
        f"select {quoted(table.primary_id)} from {quoted(table.logical)} where {' and '.join(tests)}",  # noqa: S608
        values,
    ).fetchone()
    return None if found is None else str(found[0])


def etag(version: int) -> str:
    """Give the ETag of a row version."""
    return f'W/"{version}"'
