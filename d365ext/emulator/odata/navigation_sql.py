"""Navigation properties as SQL: which table they lead to, and by which condition.

Owns the one place where 1:N and N:N relationships become joins. Must not know query options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.stored_values import Condition
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, ManyToMany, Relationship, Schema, Table


def root_alias(table: Table) -> sa.FromClause:
    """Give the alias under which a table stands first in a query: one for all queries, as making one is not free.

    Its columns are made here, before any other thread can see it.
    """
    alias: sa.FromClause | None = table.worked_out.get(root_alias)
    if alias is None:
        alias = table.sql.alias()
        assert len(alias.c) > 0  # noqa: S101  reading makes them
        alias = table.worked_out.setdefault(root_alias, alias)  # of two threads, the first one's counts
    return alias


def run(session: Session, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Run a query and give its rows as the driver makes them, without SQLAlchemy's own row objects around them."""
    with session.conn.execute(statement) as result:
        assert result.cursor is not None  # noqa: S101  a SELECT has one
        return list(result.cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection-valued navigation property of `parent`, leading to rows of `child`."""

    parent: Table
    nav: str
    child: Table
    navigation: Relationship | ManyToMany

    @property
    def is_many_to_many(self) -> bool:
        """Whether an intersect table stands between."""
        return isinstance(self.navigation, ManyToMany)


def collection_of(schema: Schema, parent: Table, nav: str) -> Collection | None:
    """Find a collection-valued navigation property of `parent` by its name (case-sensitive)."""
    one_to_many = parent.one_to_many.get(nav)
    if one_to_many is not None:
        return Collection(parent, nav, schema.table(one_to_many.referencing_table), one_to_many)
    many = parent.many_to_many.get(nav)
    if many is not None:
        return Collection(parent, nav, schema.table(many.seen_from(parent.logical, nav).table), many)
    return None


def holds(schema: Schema, collection: Collection, child: sa.FromClause, parent_key: Any) -> Condition:
    """Say that a row of `child` belongs to the collection of the parent whose id is `parent_key` (SQL or text)."""
    link = collection.navigation
    if isinstance(link, ManyToMany):
        middle = schema.table(link.intersect).sql.alias()
        near, far, _ = link.seen_from(collection.parent.logical, collection.nav)
        found: Condition = child.c[collection.child.primary_id].in_(
            sa.select(middle.c[far]).where(middle.c[near] == parent_key).correlate_except(middle)
        )
        return found
    same: Condition = child.c[link.referencing_column] == parent_key
    if collection.child.columns[link.referencing_column].is_polymorphic:
        same = sa.and_(same, child.c[link.referencing_column + TYPE_SUFFIX] == collection.parent.logical)
    return same


def lookup_target(schema: Schema, table: Table, nav: str) -> tuple[Relationship, Table]:
    """Give the relationship and the table that a single-valued navigation property leads to; 400 if there is none."""
    relationship = table.many_to_one.get(nav)
    if relationship is None:
        raise Problem.no_column(nav, table.logical)
    return relationship, schema.table(relationship.referenced_table)


def follows(relationship: Relationship, table: Table, source: sa.FromClause, target: sa.FromClause) -> Condition:
    """Say that a row of `target` is the one that the lookup of a row of `source` points to."""
    column = relationship.referencing_column
    same: Condition = source.c[column] == target.c[relationship.referenced_column]
    if table.columns[column].is_polymorphic and relationship.referenced_table != "owner":
        same = sa.and_(same, source.c[column + TYPE_SUFFIX] == relationship.referenced_table)
    return same
