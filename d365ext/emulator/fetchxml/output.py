"""The columns that a FetchXML query returns: plain ones under their names or aliases, aggregates, groups.

Owns the names of properties in the answer and the order by them. The joins are fetchxml_sql.py's.

Source: powerapps-docs …/fetchxml/select-columns.md, …/fetchxml/aggregate-data.md; …/fetchxml/join-tables.md, "Related
table property/attribute names are inconsistent": account1.name is the key as printed, with a dot, and with
matchfirstrowusingcrossapply the schema name without alias.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.fetchxml.parser import Attribute, Fetch, wrong
from d365ext.emulator.fetchxml.sql import Joined, Source, no_attribute
from d365ext.emulator.queries.aggregates import aggregate, date_part, part_cell
from d365ext.emulator.queries.shape import CURRENCY, Cell, Plan, plan_columns
from d365ext.emulator.queries.stored_values import Operand
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, Column, ColumnType


@dataclass(eq=False)
class Selection:
    """The SQL columns to read, the cells made of them; in an aggregate query the groups, and what it can sort by."""

    columns: list[sa.ColumnElement[Any]] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    version_at: int | None = None
    groups: list[sa.ColumnElement[Any]] = field(default_factory=list)
    sortable: dict[str, sa.ColumnElement[Any]] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The shape of the rows."""
        return Plan(tuple(self.cells), len(self.columns), self.version_at)

    def add(self, key: str, column: Column, source: Source, value: sa.ColumnElement[Any]) -> None:
        """Add a plain column under a key, with what its annotations need beside it."""
        if any(cell.key == key for cell in self.cells):
            raise wrong(f"The column '{key}' is returned more than once.")
        at = len(self.columns)
        self.columns.append(value)
        type_at = currency_at = None
        if column.is_polymorphic and column.is_stored:
            type_at = len(self.columns)
            self.columns.append(source.sql.c[column.logical + TYPE_SUFFIX])
        if column.type is ColumnType.MONEY and CURRENCY in source.sql.c:
            currency_at = len(self.columns)
            self.columns.append(source.sql.c[CURRENCY])
        self.cells.append(Cell(key, column, source.table, at, type_at, currency_at))


def select_plain(session: Session, fetch: Fetch, joined: Joined) -> Selection:
    """Select the columns of a query without aggregates."""
    made = Selection()
    _select_root(session, fetch, joined.root, made)
    for source in joined.sources[1:]:
        attributes = source.entity.attributes
        if source.entity.all_attributes:
            attributes = tuple(Attribute(name) for name, column in source.table.columns.items() if column.is_property)
        for attribute in attributes:
            _refuse_aggregate(attribute)
            operand = source.operand(session, attribute.name)
            plain = operand.column.schema if source.first_only else f"{source.alias}.{attribute.name}"
            made.add(attribute.alias or plain, operand.column, source, operand.sql)
    return made


def _select_root(session: Session, fetch: Fetch, root: Source, made: Selection) -> None:
    entity = root.entity
    everything = entity.all_attributes or not (entity.attributes or entity.no_attributes)
    named = [each for each in entity.attributes if each.alias is None]
    names = None if everything else [_property(root, each) for each in named]
    if fetch.is_distinct:
        # The key would make every row distinct, so it comes only where it is asked for (inferred).
        for name in root.table.properties if names is None else dict.fromkeys(names):
            column = root.table.properties[name]
            made.add(name, column, root, root.sql.c[column.logical])
    else:
        plan = plan_columns(session, root.table, names)
        made.columns, made.cells, made.version_at = plan.sql(root.sql), list(plan.cells), plan.version_at
    for each in entity.attributes:
        _refuse_aggregate(each)
        if each.alias is not None:
            operand = root.operand(session, each.name)
            made.add(each.alias, operand.column, root, operand.sql)


def _property(root: Source, attribute: Attribute) -> str:
    column = root.table.columns.get(attribute.name)
    if column is None:
        raise no_attribute(root.table, attribute.name)
    if column.attribute_of is not None and column.attribute_of in root.table.columns:
        column = root.table.columns[column.attribute_of]  # customeridname comes as the annotation of customerid
    if column.property_name not in root.table.properties:
        raise no_attribute(root.table, attribute.name)
    return column.property_name


def _refuse_aggregate(attribute: Attribute) -> None:
    if attribute.aggregate or attribute.is_group or attribute.date_grouping:
        raise wrong(f"The attribute '{attribute.name}' asks for an aggregate or a group, but the fetch does not.")


def select_aggregates(session: Session, joined: Joined) -> Selection:
    """Select the columns of an aggregate query."""
    made = Selection()
    for source in joined.sources:
        if source.entity.all_attributes:
            raise wrong("All attributes can't be requested in an aggregate query.")
        for attribute in source.entity.attributes:
            operand = source.operand(session, attribute.name)
            if attribute.is_group:
                _group(joined, made, source, attribute, operand)
            elif attribute.aggregate is not None and attribute.alias is not None:
                cell = Cell(attribute.alias, operand.column, source.table, len(made.columns))
                value, cell = aggregate(session, attribute.aggregate, operand, cell, distinct=attribute.is_distinct)
                made.columns.append(value)
                made.cells.append(cell)
                made.sortable[attribute.alias] = value
            else:
                raise wrong(f"In an aggregate query '{attribute.name}' needs an alias and an aggregate or groupby.")
    if not made.cells:
        raise wrong("An aggregate query needs at least one attribute.")
    return made


def _group(joined: Joined, made: Selection, source: Source, attribute: Attribute, operand: Operand) -> None:
    key = attribute.alias or attribute.name
    if attribute.date_grouping is not None:
        part = date_part(operand, attribute.date_grouping)
        made.cells.append(
            part_cell(Cell(key, operand.column, source.table, len(made.columns)), attribute.date_grouping)
        )
        made.columns.append(part)
        made.groups.append(part)
        made.sortable[key] = part
        return
    made.sortable[key] = joined.sort_key(operand)
    add_group(made, key, operand, source)


def add_group(made: Selection, key: str, operand: Operand, source: Source) -> None:
    """Group by a column: text without regard to case, one spelling of it shown."""
    before = len(made.columns)
    made.add(key, operand.column, source, sa.func.min(operand.sql))
    made.columns[before + 1 :] = [sa.func.min(each) for each in made.columns[before + 1 :]]
    made.groups.append(operand.key)
    made.sortable.setdefault(key, operand.key)
