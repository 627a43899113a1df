"""Above and under: rows of a table along its hierarchical relationship, as a recursive query.

Source: powerapps-docs …/developer/data-platform/query-hierarchical-data.md: the operators stand on the primary key of a
table that has one hierarchical relationship.
"""

from __future__ import annotations

import sqlalchemy as sa

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.stored_values import Condition, Operand
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table


def in_hierarchy(session: Session, operand: Operand, start: str, *, up: bool, itself: bool) -> Condition:
    """Say that an id is that of a row above (`up`) or under the row `start`, or perhaps of that row itself."""
    table = _table_of(session, operand)
    parent = next((each.referencing_column for each in table.many_to_one.values() if each.is_hierarchical), None)
    if parent is None:
        raise Problem.not_implemented(f"hierarchical conditions on '{table.logical}', which has no hierarchy")
    source = table.sql
    key = source.c[table.primary_id]
    rows = sa.select(key.label("id"), source.c[parent].label("up"))
    chain = rows.where(key == start).cte(recursive=True)
    link = key == chain.c.up if up else source.c[parent] == chain.c.id
    chain = chain.union(sa.select(key, source.c[parent]).where(link))
    found: Condition = operand.sql.in_(sa.select(chain.c.id))
    return found if itself else sa.and_(found, operand.sql != start)


def _table_of(session: Session, operand: Operand) -> Table:
    for table in session.schema.tables.values():
        if table.columns.get(table.primary_id) is operand.column:
            return table
    if operand.column.targets:
        return session.schema.table(operand.column.targets[0])
    raise Problem(400, "0x80040203", f"'{operand.column.logical}' is not the key of a hierarchy.")
