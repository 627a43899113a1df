"""One page of rows of one table: filter, order, keyset paging, count; rows come out shaped.

Owns the SELECT for a collection. Must not know HTTP answers or how related rows are expanded (expand.py does that to
the rows it is given).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.odata.ast import Path
from d365ext.emulator.odata.navigation_sql import Collection, holds, root_alias, run
from d365ext.emulator.odata.sql import Compiler
from d365ext.emulator.queries.formatted import Annotations
from d365ext.emulator.queries.paging import (
    PAGE_ROWS_MAX,
    OrderTerm,
    after,
    inner_cookie,
    order_by,
    read_skip_token,
    skip_token,
)
from d365ext.emulator.queries.query_options import QueryOptions
from d365ext.emulator.queries.shape import Plan, Row, plan_columns, shape_rows
from d365ext.emulator.queries.stored_values import NUMBER_TYPES, Condition
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, ColumnType, Table


@dataclass(frozen=True, slots=True)
class Within:
    """The parent row whose collection is read."""

    collection: Collection
    row_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """Shaped rows, the stored values of the columns that expanding them needs, and the token of the next page."""

    rows: list[Row]
    stored: dict[str, Sequence[Any]] = field(default_factory=dict)
    next_token: str | None = None


@dataclass(eq=False)
class RowQuery:
    """A query over one table, made of the options of a request; `needs` are columns wanted for expanding."""

    session: Session
    table: Table
    options: QueryOptions
    annotations: Annotations = field(default_factory=Annotations)
    within: Within | None = None
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Compile what the query asks for; every mistake in it is found here."""
        self.source = root_alias(self.table)
        self.compiler = Compiler(self.session, self.table, self.source, self.options.aliases)
        self.plan: Plan = plan_columns(self.session, self.table, self.options.select)
        self.where: list[Condition] = security.visible(self.session, self.table, self.source)
        if self.options.filter is not None:
            self.where.append(self.compiler.filter(self.options.filter))
        if self.within is not None:
            link = holds(self.session.schema, self.within.collection, self.source, self.within.row_id)
            self.where.append(link)
        self.terms = self._terms()

    def _terms(self) -> list[OrderTerm]:
        """The order asked for, then the primary key, so that no two rows are equal.

        Source: powerapps-docs …/includes/cc-ordering-paging.md: without a unique column pages repeat and drop rows;
        the platform orders by the primary key by default.
        """
        orders = self.compiler.order(self.options.orderby)
        names = [self._name(at) for at in range(len(orders))]
        terms = [
            OrderTerm(name, sql, descending, kind_of(column))
            for (name, column), (sql, descending) in zip(names, orders, strict=True)
        ]
        key = self.source.c[self.table.primary_id]
        if not any(term.name == self.table.primary_id for term in terms):
            terms.append(OrderTerm(self.table.primary_id, key, kind="id"))
        return terms

    def _name(self, at: int) -> tuple[str, Column]:
        by = self.compiler.resolved(self.options.orderby[at].by)
        assert isinstance(by, Path)  # noqa: S101  Compiler.order refuses the rest
        return ".".join(by.parts), self.compiler.operand(by).column

    def page(self) -> Page:
        """Read the page that the options name."""
        statement = self._statement()
        number = 1
        if self.options.skip_token is not None:
            cookie = read_skip_token(self.options.skip_token, self.terms)
            statement, number = statement.where(after(self.terms, cookie.last)), cookie.page + 1
        limit = self.options.limit
        found = run(self.session, statement.limit(limit + 1))
        more = len(found) > limit
        rows = found[:limit] if more else found
        shaped = shape_rows(self.plan, rows, session=self.session, annotations=self.annotations)
        token = self._token(number, rows) if more and rows and self.options.is_paged else None
        return Page(shaped, self._stored(rows), token)

    def _statement(self) -> sa.Select[Any]:
        extras = [term.sql for term in self.terms]
        needs = [self.source.c[name] for name in self.needs]
        return (
            sa.select(*self.plan.sql(self.source), *extras, *needs)
            .select_from(self.compiler.root.tables)
            .where(*self.where)
            .order_by(*order_by(self.terms))
        )

    def _token(self, number: int, rows: Sequence[Sequence[Any]]) -> str:
        keys = slice(self.plan.width, self.plan.width + len(self.terms))
        return skip_token(number, inner_cookie(number, self.terms, rows[0][keys], rows[-1][keys]))

    def _stored(self, rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
        start = self.plan.width + len(self.terms)
        return {name: [row[start + at] for row in rows] for at, name in enumerate(self.needs)}

    def count(self) -> int:
        """Count the rows that match, at most one more than 5,000."""
        rows = sa.select(sa.literal(1)).select_from(self.compiler.root.tables).where(*self.where)
        counted = sa.select(sa.func.count()).select_from(rows.limit(PAGE_ROWS_MAX + 1).subquery())
        return int(self.session.conn.execute(counted).scalar_one())


def kind_of(column: Column) -> str:
    """Say how values of a column are written in a cookie."""
    if column.type in NUMBER_TYPES or column.type in (ColumnType.BOOLEAN, ColumnType.MANAGED_PROPERTY):
        return "number"
    return "id" if column.type is ColumnType.UNIQUEIDENTIFIER else "text"
