"""From a parsed FetchXML query to SQL: joins, conditions, order.

Owns the meaning of link types, aliases and conditions. Which columns come out is fetchxml_output.py's.

Source: powerapps-docs …/fetchxml/join-tables.md ("Use advanced link types", default aliases as in account1.name),
…/fetchxml/filter-rows.md (any, all: "the opposite of what the names might imply"), …/fetchxml/order-rows.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.fetchxml.parser import Condition, Entity, Fetch, Filter, Link, OrderElement, wrong
from d365ext.emulator.odata.navigation_sql import root_alias
from d365ext.emulator.odata.sql import name_sql, order_key, to_operand
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.conditions import condition
from d365ext.emulator.queries.stored_values import Condition as SqlCondition
from d365ext.emulator.queries.stored_values import Operand, compare_columns
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import CHOICE_TYPES, ColumnType, Table

_COLUMN_OPERATORS = {"eq": "eq", "ne": "ne", "neq": "ne", "gt": "gt", "ge": "ge", "lt": "lt", "le": "le"}
_SUBQUERIES = frozenset({"exists", "in"})
_NOT_JOINED = frozenset({ColumnType.FILE, ColumnType.IMAGE, ColumnType.MULTISELECT, ColumnType.PARTY_LIST})


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A table of the query under its alias."""

    alias: str
    table: Table
    sql: sa.FromClause
    entity: Entity
    first_only: bool = False  # matchfirstrowusingcrossapply

    def operand(self, session: Session, name: str) -> Operand:
        """Find a column by logical name; a lookup's shadow column (customeridname) is the name it points to."""
        column = self.table.columns.get(name)
        if column is not None and column.is_stored:
            return to_operand(self.table, self.sql, column)
        if column is not None and column.attribute_of is not None and name == f"{column.attribute_of}name":
            lookup = self.table.columns[column.attribute_of]
            found = name_sql(session, Operand(lookup, self.sql.c[lookup.logical])) if lookup.is_lookup else None
            if found is not None:
                return Operand(column, found)
        if column is not None:
            raise Problem.not_implemented(f"the column '{name}' of '{self.table.logical}' in FetchXML")
        raise no_attribute(self.table, name)


def no_attribute(table: Table, name: str) -> Problem:
    """Make the 400 for an unknown column. Source: QueryBuilderNoAttribute; the words as live services print them."""
    return Problem(
        400,
        "0x80041103",
        f"'{table.schema}' entity doesn't contain attribute with Name = '{name}' and NameMapping = 'Logical'.",
    )


def find_table(session: Session, name: str) -> Table:
    """Find a table by logical name; 400 QueryBuilderNoEntity if there is none."""
    table = session.schema.tables.get(name)
    if table is None:
        raise Problem(
            400,
            "0x80041102",
            f"The entity with a name = '{name}' with namemapping = 'Logical' was not found in the MetadataCache.",
        )
    return table


class Joined:
    """The tables of a query, joined, and the conditions on them."""

    def __init__(self, session: Session, fetch: Fetch) -> None:
        """Build the whole FROM and WHERE."""
        self._session = session
        self._fetch = fetch
        table = find_table(session, fetch.entity.name)
        self.root = Source(fetch.entity.name, table, root_alias(table), fetch.entity)
        self.sources: list[Source] = [self.root]
        self._links: dict[int, Source] = {}
        self._register(fetch.entity)
        self.where: list[SqlCondition] = security.visible(session, table, self.root.sql)
        self.tables = self._join(self.root, self.root.sql)
        self.where += [self.filter(each, self.root) for each in fetch.entity.filters]

    def _register(self, entity: Entity, *, listed: bool = True) -> None:
        """Give every joined table its alias; those inside subqueries return nothing and can't be named elsewhere."""
        for link in entity.links:
            table = find_table(self._session, link.entity.name)
            alias = link.alias or f"{link.entity.name}{len(self.sources)}"
            if any(each.alias == alias for each in self.sources[1:]):
                raise wrong(f"The alias '{alias}' is used more than once.")
            first_only = link.join == "matchfirstrowusingcrossapply"
            source = Source(alias, table, table.sql.alias(), link.entity, first_only)
            self._links[id(link)] = source
            is_listed = listed and link.join not in _SUBQUERIES
            if is_listed:
                self.sources.append(source)
            self._register(link.entity, listed=is_listed)

    def source(self, name: str) -> Source:
        """Find a table of the query by its alias, or by its name where no alias says otherwise."""
        by_alias = [each for each in self.sources if each.alias == name]
        by_name = [each for each in self.sources if each.table.logical == name]
        for each in (*by_alias, *by_name):
            return each
        raise wrong(f"'{name}' is neither an alias nor a table of this query.")

    # ---- joins

    def _join(self, parent: Source, tables: sa.FromClause) -> sa.FromClause:
        for link in parent.entity.links:
            child = self._links[id(link)]
            if link.join in _SUBQUERIES:
                self.where.append(self._exists(link, child, parent))
                continue
            on = self._on(link, child, parent)
            if child.first_only:
                on = self._first(link, child, parent)
            right = self._join(child, child.sql)
            tables = tables.join(right, on, isouter=link.join == "outer")
        return tables

    def _on(self, link: Link, child: Source, parent: Source) -> SqlCondition:
        return sa.and_(self._linked(link, child, parent), *(self.filter(each, child) for each in link.entity.filters))

    def _linked(self, link: Link, child: Source, parent: Source) -> SqlCondition:
        own = child.operand(self._session, link.own_column)
        other = parent.operand(self._session, link.parent_column)
        for operand in (own, other):
            if operand.column.type in _NOT_JOINED:
                raise wrong(f"Columns of type {operand.column.type} can't be used in from and to.")
        same: SqlCondition = own.key == other.key
        if own.column.scale != other.column.scale:
            same = compare_columns(own, "eq", other)
        return sa.and_(same, *security.visible(self._session, child.table, child.sql))

    def _first(self, link: Link, child: Source, parent: Source) -> SqlCondition:
        """Join one row at most: SQLite has no CROSS APPLY, so the row is found by its key."""
        inner = Source(child.alias, child.table, child.table.sql.alias(), child.entity)
        key = child.table.primary_id
        rows = sa.select(inner.sql.c[key]).where(self._on(link, inner, parent)).order_by(inner.sql.c[key]).limit(1)
        found: SqlCondition = child.sql.c[key] == rows.correlate_except(inner.sql).scalar_subquery()
        return found

    def _exists(self, link: Link, child: Source, parent: Source, *, filtered: bool = True) -> SqlCondition:
        on = self._on(link, child, parent) if filtered else self._linked(link, child, parent)
        before = self.where
        self.where = []
        tables = self._join(child, child.sql)
        inner, self.where = self.where, before
        rows = sa.select(sa.literal(1)).select_from(tables).where(on, *inner)
        return rows.correlate_except(*_leaves(tables)).exists()

    # ---- conditions

    def filter(self, node: Filter, source: Source) -> SqlCondition:
        """Compile a filter that stands in the element of `source`."""
        terms = [self._term(each, source) for each in node.terms]
        if not terms:
            return sa.true()
        return sa.or_(*terms) if node.is_or else sa.and_(*terms)

    def _term(self, node: Condition | Filter | Link, source: Source) -> SqlCondition:
        match node:
            case Filter():
                return self.filter(node, source)
            case Link():
                return self._related(node, source)
        where = source if node.entity is None else self._named(node.entity, source)
        operand = where.operand(self._session, node.attribute)
        if node.of_column is not None:
            return self._columns(node, operand, where)
        return condition(self._session, node.operator, operand, node.values)

    def _named(self, name: str, source: Source) -> Source:
        return source if name == source.alias else self.source(name)

    def _columns(self, node: Condition, operand: Operand, source: Source) -> SqlCondition:
        word = _COLUMN_OPERATORS.get(node.operator)
        if word is None:
            raise wrong(f"The operator '{node.operator}' can't compare two columns.")
        alias, dot, name = (node.of_column or "").rpartition(".")
        other = self.source(alias) if dot else source
        return compare_columns(operand, word, other.operand(self._session, name))

    def _related(self, link: Link, parent: Source) -> SqlCondition:
        """Compile any, not any, all, not all."""
        table = find_table(self._session, link.entity.name)
        child = Source(link.alias or link.entity.name, table, table.sql.alias(), link.entity)
        self._register(link.entity, listed=False)
        found = self._exists(link, child, parent)
        match link.join:
            case "any" | "not all":
                return found
            case "not any":
                return sa.not_(found)
        return sa.and_(self._exists(link, child, parent, filtered=False), sa.not_(found))

    # ---- order

    def orders(self) -> list[tuple[OrderElement, Source]]:
        """The order elements in the order in which they count: the root's, then those of joined tables."""
        return [(each, source) for source in self.sources for each in source.entity.orders]

    def order_operand(self, element: OrderElement, source: Source) -> tuple[Operand, Source]:
        """Find the column of an order element."""
        where = source if element.entity is None else self.source(element.entity)
        if element.attribute is None:
            raise wrong("An order by alias needs an aggregate query.")
        return where.operand(self._session, element.attribute), where

    def sort_key(self, operand: Operand) -> sa.ColumnElement[Any]:
        """Give the SQL by which a column sorts: choices by their label, unless useraworderby says otherwise."""
        if self._fetch.raw_order or (
            operand.column.type not in CHOICE_TYPES and operand.column.type is not ColumnType.BOOLEAN
        ):
            return order_key(self._session, operand)
        return label_order(self._session, operand)


def label_order(session: Session, operand: Operand) -> sa.ColumnElement[Any]:
    """Give the SQL that ranks a choice by its label in the user's language."""
    labels = {value: option.label(session.language).casefold() for value, option in operand.column.options.items()}
    ranked = sorted(labels, key=lambda value: (labels[value], value))
    if not ranked:
        return operand.sql
    return sa.case({value: rank for rank, value in enumerate(ranked)}, value=operand.sql, else_=operand.sql)


def _leaves(tables: sa.FromClause) -> Sequence[sa.FromClause]:
    if isinstance(tables, sa.Join):
        return [*_leaves(tables.left), *_leaves(tables.right)]
    return [tables]
