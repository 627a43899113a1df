"""$expand: related rows inside the rows of an answer, read one table at a time for all rows of a page.

Owns which expansions are allowed together, their paging rules and links. Rows are read level by level: one query for
each expanded property, however many rows the page has.

Source: powerapps-docs …/webapi/query/join-tables.md, whole; …/webapi/query/overview.md (no parameter aliases in
$expand). Samples there print rows of a nested expansion and single related rows without an ETag: so here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from d365ext.emulator import security
from d365ext.emulator.formatted import Annotations
from d365ext.emulator.http import Request
from d365ext.emulator.navigation_sql import Collection, collection_of, root_alias, run
from d365ext.emulator.odata_ast import Expand, to_text
from d365ext.emulator.odata_sql import Compiler
from d365ext.emulator.paging import PAGE_ROWS_MAX, OrderTerm, inner_cookie, order_by, skip_token
from d365ext.emulator.problems import Problem
from d365ext.emulator.query_options import QueryOptions
from d365ext.emulator.row_query import Page, kind_of
from d365ext.emulator.schema import TYPE_SUFFIX, ManyToMany, Relationship, Table
from d365ext.emulator.session import Session
from d365ext.emulator.shape import Plan, Row, plan_columns, shape_rows
from d365ext.emulator.stored_values import Condition

ONLY_SELECT_AND_FILTER = (
    "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested "
    "one-to-many relationship."
)
ONLY_LOOKUPS = "Expand with $ref is only supported on lookup type navigation property."
Target = Relationship | Collection
Stored = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Item:
    """One expanded property: where it leads, what it asks for, and what is expanded below it."""

    nav: str
    target: Target
    table: Table
    asked: Expand
    below: tuple[Item, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Stored columns of the parent row that reading this takes."""
        if isinstance(self.target, Collection):
            return (self.target.parent.primary_id,)
        return (self.target.referencing_column,)


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
        where: list[Condition] = [source.c[item.table.primary_id].in_(_listed(ids))]
        where += security.visible(self.session, item.table, source)
        if item.asked.filter is not None:
            where.append(compiler.filter(item.asked.filter))
        plan = plan_columns(self.session, item.table, item.asked.select)
        needs = _needs(item.table, item.below)
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
        reader = _ChildReader(self, item, collection)
        children = reader.read(ids)
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
        parts = _options_text(item.asked)
        if page is not None and page.next_token is not None:
            parts.append(f"$skiptoken={page.next_token}")
        path = f"{self.request.root}{item.target.parent.entity_set}({row_id})/{item.nav}"
        return f"{path}?{'&'.join(parts)}" if parts else path

    def _shape(self, plan: Plan, read: Sequence[Sequence[Any]], *, with_etag: bool = False) -> list[Row]:
        return shape_rows(plan, read, session=self.session, annotations=self._annotations, without_etag=not with_etag)


@dataclass(eq=False)
class _ChildReader:
    """Reads the rows of one collection for many parents at once, at most so many for each."""

    expansion: Expansion
    item: Item
    collection: Collection

    def __post_init__(self) -> None:
        self.session = self.expansion.session
        self.source = root_alias(self.item.table)
        self.compiler = Compiler(self.session, self.item.table, self.source)
        self.is_nested = self.expansion.is_nested
        asked = self.item.asked
        rows = self.expansion.options.page_rows if self.is_nested else asked.top
        self.limit = PAGE_ROWS_MAX if rows is None else min(rows, PAGE_ROWS_MAX)
        self.plan = plan_columns(self.session, self.item.table, self._select())
        self.needs = _needs(self.item.table, self.item.below)
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

    def read(self, ids: Sequence[str]) -> dict[str, Page]:
        """Read the children of these parents."""
        statement = self._statement(ids)
        read = run(self.session, statement)
        rows = self.expansion._shape(self.plan, read, with_etag=not self.is_nested)  # noqa: SLF001  one module
        start = self.plan.width + 2
        stored = {name: [each[start + at] for each in read] for at, name in enumerate(self.needs)}
        self.expansion._attach(self.item.table, rows, stored, self.item.below)  # noqa: SLF001
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
        link, listed = self.collection.navigation, _listed(set(ids))
        self.middle: sa.FromClause | None = None
        if isinstance(link, ManyToMany):
            middle = self.session.schema.table(link.intersect).sql.alias()
            near = link.seen_from(self.collection.parent.logical, self.collection.nav).near
            self.middle, parent = middle, middle.c[near]
        else:
            parent = self.source.c[link.referencing_column]
        where: list[Condition] = [parent.in_(listed)]
        if isinstance(link, Relationship) and self.item.table.columns[link.referencing_column].is_polymorphic:
            where.append(self.source.c[link.referencing_column + TYPE_SUFFIX] == self.collection.parent.logical)
        return parent, self._linked_tables(self.compiler.root.tables), where

    def _linked_tables(self, tables: sa.FromClause) -> sa.FromClause:
        link = self.collection.navigation
        if self.middle is None or not isinstance(link, ManyToMany):
            return tables
        far = link.seen_from(self.collection.parent.logical, self.collection.nav).far
        return tables.join(self.middle, self.middle.c[far] == self.source.c[self.item.table.primary_id])


def plan(session: Session, table: Table, options: QueryOptions, request: Request) -> Expansion:
    """Check what a request expands and plan it."""
    items = tuple(_item(session, table, each) for each in options.expand)
    expansion = Expansion(session, request, table, options, items, _needs(table, items))
    _check(expansion)
    select = options.select
    if select is not None:
        added = [
            table.columns[item.target.referencing_column].property_name
            for item in items
            if item.asked.is_reference and isinstance(item.target, Relationship)
        ]
        expansion.options = replace(options, select=tuple(dict.fromkeys([*select, *added])))
    return expansion


def _item(session: Session, table: Table, asked: Expand) -> Item:
    if len(asked.path.parts) > 1:
        raise Problem.not_implemented(f"the path '{asked.path.text}' in $expand")
    nav = asked.path.parts[0]
    relationship = table.many_to_one.get(nav)
    if relationship is not None:
        target = session.schema.table(relationship.referenced_table)
        return Item(nav, relationship, target, asked, tuple(_item(session, target, each) for each in asked.expand))
    collection = collection_of(session.schema, table, nav)
    if collection is None:
        raise Problem.no_column(nav, table.logical)
    below = tuple(_item(session, collection.child, each) for each in asked.expand)
    return Item(nav, collection, collection.child, asked, below)


def _check(expansion: Expansion) -> None:
    """Refuse what cannot be combined. Source: join-tables.md, the tables and errors printed there."""
    everything = list(_flat(expansion.items))
    many = [item for item in everything if isinstance(item.target, Collection) and item.target.is_many_to_many]
    if many and (expansion.is_nested or len(many) < len(everything)):
        raise Problem.query(
            f"The many-to-many navigation property '{many[0].nav}' can't be expanded together with others or nested."
        )
    for item in everything:
        is_one = isinstance(item.target, Relationship)
        if item.asked.is_reference and not is_one:
            raise Problem.query(ONLY_LOOKUPS)
        if (is_one or expansion.is_nested) and (item.asked.top is not None or item.asked.orderby):
            raise Problem.query(ONLY_SELECT_AND_FILTER)


def _flat(items: Sequence[Item]) -> Sequence[Item]:
    return [each for item in items for each in (item, *_flat(item.below))]


def _needs(table: Table, items: Sequence[Item]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for item in items:
        for name in item.needs:
            names.setdefault(name)
            if isinstance(item.target, Relationship) and table.columns[name].is_polymorphic:
                names.setdefault(name + TYPE_SUFFIX)
    return tuple(names)


def _listed(ids: set[str]) -> sa.Select[tuple[Any]]:
    """A list of ids as one parameter, however long."""
    each = sa.func.json_each(json.dumps(sorted(ids))).table_valued("value")
    return sa.select(each.c.value)


def _options_text(asked: Expand) -> list[str]:
    parts = []
    if asked.select is not None:
        parts.append(f"$select={','.join(asked.select)}")
    if asked.filter is not None:
        parts.append(f"$filter={_quoted(to_text(asked.filter))}")
    if asked.orderby:
        orders = [to_text(each.by) + (" desc" if each.descending else "") for each in asked.orderby]
        parts.append(f"$orderby={_quoted(','.join(orders))}")
    if asked.top is not None:
        parts.append(f"$top={asked.top}")
    if asked.expand:
        parts.append(f"$expand={','.join(_expand_text(each) for each in asked.expand)}")
    return parts


def _expand_text(asked: Expand) -> str:
    inside = ";".join(_options_text(asked))
    path = asked.path.text + ("/$ref" if asked.is_reference else "")
    return f"{path}({inside})" if inside else path


def _quoted(text: str) -> str:
    return quote(text, safe="(),'/$:@*")
