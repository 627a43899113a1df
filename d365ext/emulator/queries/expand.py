"""$expand: related rows inside the rows of an answer, read one table at a time for all rows of a page.

Owns putting related rows into rows, level by level: one query for each expanded property, however many rows the page
has. What may be expanded is expand_plan.py's.

Source: powerapps-docs …/webapi/query/join-tables.md, whole. Samples there print rows of a nested expansion and single
related rows without an ETag: so here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.odata.navigation_sql import Collection, root_alias, run
from d365ext.emulator.odata.sql import Compiler
from d365ext.emulator.queries.expand_children import ChildReader, listed
from d365ext.emulator.queries.expand_plan import Item, check, needs_of, options_text, to_item
from d365ext.emulator.queries.formatted import Annotations
from d365ext.emulator.queries.query_options import QueryOptions
from d365ext.emulator.queries.row_query import Page
from d365ext.emulator.queries.shape import Plan, Row, plan_columns, shape_rows
from d365ext.emulator.queries.stored_values import Condition
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, Relationship, Table
from d365ext.emulator.web.http import Request

Stored = Mapping[str, Sequence[Any]]


@dataclass(eq=False)
class Expansion:
    """What a request expands. `options` are its options with what the expansion adds to $select."""

    session: Session
    request: Request
    table: Table
    options: QueryOptions
    items: tuple[Item, ...] = ()
    needs: tuple[str, ...] = ()
    _annotations: Annotations = field(default_factory=Annotations)

    @property
    def is_nested(self) -> bool:
        """Whether anything is expanded inside an expansion: then collections are paged."""
        return any(item.below for item in self.items)

    def fill(self, page: Page, annotations: Annotations) -> None:
        """Put the related rows into the rows of a page."""
        self._annotations = annotations
        self._attach(self.table, page.rows, page.stored, self.items)

    def _attach(self, table: Table, rows: list[Row], stored: Stored, items: Sequence[Item]) -> None:
        for item in items if rows else ():
            if isinstance(item.target, Collection):
                self._attach_many(item, item.target, rows, stored[table.primary_id])
            elif item.asked.is_reference:
                self._attach_reference(item, item.target, table, rows, stored)
            else:
                self._attach_one(item, item.target, table, rows, stored)

    # ---- single-valued

    def _ids(self, relationship: Relationship, table: Table, stored: Stored) -> list[str | None]:
        """The ids that lead to the relationship's table; a polymorphic lookup may point elsewhere."""
        name = relationship.referencing_column
        ids = stored[name]
        types = stored.get(name + TYPE_SUFFIX)
        if types is None or relationship.referenced_table == "owner":
            return list(ids)
        return [each if kind == relationship.referenced_table else None for each, kind in zip(ids, types, strict=True)]

    def _attach_one(
        self,
        item: Item,
        relationship: Relationship,
        table: Table,
        rows: list[Row],
        stored: Stored,
    ) -> None:
        ids = self._ids(relationship, table, stored)
        found = self._read_by_id(item, {each for each in ids if each is not None})
        for row, row_id in zip(rows, ids, strict=True):
            row[item.nav] = found.get(row_id or "")

    def _read_by_id(self, item: Item, ids: set[str]) -> dict[str, Row]:
        source = root_alias(item.table)
        compiler = Compiler(self.session, item.table, source)
        where: list[Condition] = [source.c[item.table.primary_id].in_(listed(ids))]
        where += security.visible(self.session, item.table, source)
        if item.asked.filter is not None:
            where.append(compiler.filter(item.asked.filter))
        plan = plan_columns(self.session, item.table, item.asked.select)
        needs = needs_of(item.table, item.below)
        columns = [*plan.sql(source), source.c[item.table.primary_id], *(source.c[name] for name in needs)]
        statement = sa.select(*columns).select_from(compiler.root.tables).where(*where)
        read = run(self.session, statement)
        rows = self._shape(plan, read)
        below = {name: [each[plan.width + 1 + at] for each in read] for at, name in enumerate(needs)}
        self._attach(item.table, rows, below, item.below)
        return {each[plan.width]: row for each, row in zip(read, rows, strict=True)}

    def _attach_reference(
        self,
        item: Item,
        relationship: Relationship,
        table: Table,
        rows: list[Row],
        stored: Stored,
    ) -> None:
        for row, row_id in zip(rows, self._ids(relationship, table, stored), strict=True):
            address = f"{self.request.root}{item.table.entity_set}({row_id})"
            row[item.nav] = None if row_id is None else {"@odata.id": address}

    # ---- collection-valued

    def _attach_many(self, item: Item, collection: Collection, rows: list[Row], ids: Sequence[str]) -> None:
        reader = ChildReader(self.session, item, collection, self.options.page_rows, self.is_nested)
        read = reader.read(ids)
        shaped = self._shape(reader.plan, read, with_etag=not self.is_nested)
        self._attach(item.table, shaped, reader.stored(read), item.below)
        children = reader.pages(read, shaped)
        for row, row_id in zip(rows, ids, strict=True):
            page = children.get(row_id)
            row[item.nav] = page.rows if page else []
            link = self._child_link(item, row_id, page)
            if link is not None:
                row[f"{item.nav}@odata.nextLink"] = link

    def _child_link(self, item: Item, row_id: str, page: Page | None) -> str | None:
        """The link beside a collection: to the same rows, or in a nested expansion to the next page."""
        if self.is_nested and (page is None or page.next_token is None):
            return None
        assert isinstance(item.target, Collection)  # noqa: S101
        parts = options_text(item.asked)
        if page is not None and page.next_token is not None:
            parts.append(f"$skiptoken={page.next_token}")
        path = f"{self.request.root}{item.target.parent.entity_set}({row_id})/{item.nav}"
        return f"{path}?{'&'.join(parts)}" if parts else path

    def _shape(self, plan: Plan, read: Sequence[Sequence[Any]], *, with_etag: bool = False) -> list[Row]:
        return shape_rows(plan, read, session=self.session, annotations=self._annotations, without_etag=not with_etag)


def plan(session: Session, table: Table, options: QueryOptions, request: Request) -> Expansion:
    """Check what a request expands and plan it."""
    items = tuple(to_item(session, table, each) for each in options.expand)
    expansion = Expansion(session, request, table, options, items, needs_of(table, items))
    check(items)
    select = options.select
    if select is not None:
        added = [
            table.columns[item.target.referencing_column].property_name
            for item in items
            if item.asked.is_reference and isinstance(item.target, Relationship)
        ]
        expansion.options = replace(options, select=tuple(dict.fromkeys([*select, *added])))
    return expansion
