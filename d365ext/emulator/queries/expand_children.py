"""Rows of one expanded collection for all parents of a page in one query, at most so many for each parent.

Owns that query and how its rows are told apart by parent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.odata.navigation_sql import Collection, root_alias, run
from d365ext.emulator.odata.sql import Compiler
from d365ext.emulator.queries.expand_plan import Item, needs_of
from d365ext.emulator.queries.paging import PAGE_ROWS_MAX, OrderTerm, inner_cookie, order_by, skip_token
from d365ext.emulator.queries.row_query import Page, kind_of
from d365ext.emulator.queries.shape import Row, plan_columns
from d365ext.emulator.queries.stored_values import Condition
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, ManyToMany, Relationship


@dataclass(eq=False)
class ChildReader:
    """Reads the rows of one collection for many parents at once, at most so many for each."""

    session: Session
    item: Item
    collection: Collection
    page_rows: int | None  # in a nested expansion
    is_nested: bool

    def __post_init__(self) -> None:
        """Plan the reading."""
        self.source = root_alias(self.item.table)
        self.compiler = Compiler(self.session, self.item.table, self.source)
        asked = self.item.asked
        rows = self.page_rows if self.is_nested else asked.top
        self.limit = PAGE_ROWS_MAX if rows is None else min(rows, PAGE_ROWS_MAX)
        self.plan = plan_columns(self.session, self.item.table, self._select())
        self.needs = needs_of(self.item.table, self.item.below)
        self.terms = self._terms()

    def _select(self) -> tuple[str, ...] | None:
        select, link = self.item.asked.select, self.collection.navigation
        if select is None or self.is_nested or isinstance(link, ManyToMany):
            return select
        lookup = self.item.table.columns[link.referencing_column].property_name
        return select if lookup in select or lookup not in self.item.table.properties else (*select, lookup)

    def _terms(self) -> list[OrderTerm]:
        terms = [
            OrderTerm(f"order{at}", sql, descending)
            for at, (sql, descending) in enumerate(self.compiler.order(self.item.asked.orderby))
        ]
        key = self.item.table.primary_id
        return [*terms, OrderTerm(key, self.source.c[key], kind=kind_of(self.item.table.columns[key]))]

    def read(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """Read the children of these parents: the plan's values, the parent's id, the child's, what expanding needs."""
        return run(self.session, self._statement(ids))

    def stored(self, read: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
        """Give the stored values that expanding the children needs."""
        start = self.plan.width + 2
        return {name: [each[start + at] for each in read] for at, name in enumerate(self.needs)}

    def pages(self, read: Sequence[Sequence[Any]], rows: Sequence[Row]) -> dict[str, Page]:
        """Give the shaped rows by parent, with the token of the next page in a nested expansion."""
        parent_at, key_at = self.plan.width, self.plan.width + 1
        pages: dict[str, Page] = {}
        keys: dict[str, list[str]] = {}
        for each, row in zip(read, rows, strict=True):
            pages.setdefault(each[parent_at], Page([])).rows.append(row)
            keys.setdefault(each[parent_at], []).append(each[key_at])
        if not self.is_nested:
            return pages
        return {parent: replace(page, next_token=self._token(keys[parent])) for parent, page in pages.items()}

    def _token(self, keys: list[str]) -> str | None:
        """Source: join-tables.md prints a link with paging information beside a full page, even the last."""
        if len(keys) < self.limit:
            return None
        return skip_token(1, inner_cookie(1, self.terms, keys[:1], keys[-1:]))

    def _statement(self, ids: Sequence[str]) -> sa.Select[Any]:
        parent, tables, where = self._linked(ids)
        where += security.visible(self.session, self.item.table, self.source)
        if self.item.asked.filter is not None:
            where.append(self.compiler.filter(self.item.asked.filter))
            tables = self._linked_tables(self.compiler.root.tables)
        number = sa.func.row_number().over(partition_by=parent, order_by=order_by(self.terms))
        columns = [
            *self.plan.sql(self.source),
            parent,
            self.source.c[self.item.table.primary_id],
            *(self.source.c[name] for name in self.needs),
        ]
        labelled = [column.label(f"c{at}") for at, column in enumerate(columns)]
        inner = sa.select(*labelled, number.label("n")).select_from(tables).where(*where).subquery()
        kept = [inner.c[f"c{at}"] for at in range(len(columns))]
        return sa.select(*kept).where(inner.c.n <= self.limit).order_by(inner.c.n)

    def _linked(self, ids: Sequence[str]) -> tuple[sa.ColumnElement[Any], sa.FromClause, list[Condition]]:
        link, among = self.collection.navigation, listed(set(ids))
        self.middle: sa.FromClause | None = None
        parent: sa.ColumnElement[Any]
        if isinstance(link, ManyToMany):
            middle = self.session.schema.table(link.intersect).sql.alias()
            near = link.seen_from(self.collection.parent.logical, self.collection.nav).near
            self.middle, parent = middle, middle.c[near]
        else:
            parent = self.source.c[link.referencing_column]
        where: list[Condition] = [parent.in_(among)]
        if isinstance(link, Relationship) and self.item.table.columns[link.referencing_column].is_polymorphic:
            where.append(self.source.c[link.referencing_column + TYPE_SUFFIX] == self.collection.parent.logical)
        return parent, self._linked_tables(self.compiler.root.tables), where

    def _linked_tables(self, tables: sa.FromClause) -> sa.FromClause:
        link = self.collection.navigation
        if self.middle is None or not isinstance(link, ManyToMany):
            return tables
        far = link.seen_from(self.collection.parent.logical, self.collection.nav).far
        return tables.join(self.middle, self.middle.c[far] == self.source.c[self.item.table.primary_id])


def listed(ids: Iterable[str]) -> sa.Select[tuple[Any]]:
    """A list of ids as one parameter, however long."""
    each = sa.func.json_each(json.dumps(sorted(ids))).table_valued("value")
    return sa.select(each.c.value)
