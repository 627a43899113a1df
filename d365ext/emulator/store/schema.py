"""What exists in the organization: tables, columns, choices, keys and relationships, as frozen objects.

Owns the types that every other module of the local Dataverse reads. Derived from definition documents by
`schema_build.py`; never changed in place: a changed definition makes a new `Table` and a new `Schema`.
Must not read the store or know HTTP.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import sqlalchemy as sa

from d365ext.emulator.problems import Problem

TYPE_SUFFIX = "__type"
"""Beside a polymorphic lookup `x`, the SQL column `x__type` holds the logical name of the target table."""


class ColumnType(StrEnum):
    """Type of a column: `AttributeTypeName` without its `Type` ending.

    Source: learn.microsoft.com/…/webapi/reference/attributetypedisplayname (StringType, MemoType, …).
    """

    STRING = "String"
    MEMO = "Memo"
    INTEGER = "Integer"
    BIGINT = "BigInt"
    DECIMAL = "Decimal"
    DOUBLE = "Double"
    MONEY = "Money"
    DATETIME = "DateTime"
    BOOLEAN = "Boolean"
    PICKLIST = "Picklist"
    STATE = "State"
    STATUS = "Status"
    MULTISELECT = "MultiSelectPicklist"
    LOOKUP = "Lookup"
    OWNER = "Owner"
    CUSTOMER = "Customer"
    UNIQUEIDENTIFIER = "Uniqueidentifier"
    ENTITYNAME = "EntityName"
    MANAGED_PROPERTY = "ManagedProperty"
    VIRTUAL = "Virtual"
    PARTY_LIST = "PartyList"
    IMAGE = "Image"
    FILE = "File"


LOOKUP_TYPES = frozenset({ColumnType.LOOKUP, ColumnType.OWNER, ColumnType.CUSTOMER})
CHOICE_TYPES = frozenset({ColumnType.PICKLIST, ColumnType.STATE, ColumnType.STATUS})
TEXT_TYPES = frozenset({ColumnType.STRING, ColumnType.MEMO, ColumnType.ENTITYNAME})
UNSTORED_TYPES = frozenset({ColumnType.VIRTUAL, ColumnType.PARTY_LIST, ColumnType.IMAGE, ColumnType.FILE})


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice; `state` for a status reason; `default_status` for a state."""

    value: int
    labels: Mapping[int, str]
    state: int | None = None
    default_status: int | None = None

    def label(self, language: int, base_language: int = 1033) -> str:
        """Give the label in `language`, else in the base language, else any."""
        return self.labels.get(language) or self.labels.get(base_language) or next(iter(self.labels.values()), "")


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table."""

    logical: str
    schema: str
    type: ColumnType
    definition: Mapping[str, Any] = field(repr=False)
    targets: tuple[str, ...] = ()
    options: Mapping[int, Option] = field(default_factory=dict, repr=False)
    max_length: int | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    precision: int | None = None
    precision_source: int | None = None
    date_behavior: str | None = None  # UserLocal | DateOnly | TimeZoneIndependent
    date_format: str | None = None  # DateOnly | DateAndTime
    attribute_of: str | None = None
    valid_for_create: bool = True
    valid_for_update: bool = True
    valid_for_read: bool = True
    base_of: str | None = None  # of a money column x_base: x
    default: int | bool | None = None
    required: str = "None"  # None | Recommended | ApplicationRequired | SystemRequired

    @cached_property
    def is_lookup(self) -> bool:
        """Say whether the column holds the id of another row (OData: `_x_value`)."""
        return self.type in LOOKUP_TYPES

    @cached_property
    def is_polymorphic(self) -> bool:
        """Say whether `x__type` stands beside the column."""
        return self.is_lookup and (self.type is not ColumnType.LOOKUP or len(self.targets) > 1)

    @cached_property
    def is_stored(self) -> bool:
        """Say whether the column has a column in SQLite (shadow columns such as `customeridname` have none)."""
        return self.attribute_of is None and self.type not in UNSTORED_TYPES

    @cached_property
    def is_property(self) -> bool:
        """Say whether the column is a property of the OData type."""
        return self.is_stored and self.valid_for_read

    @cached_property
    def property_name(self) -> str:
        """Give the name in a payload: `_x_value` for a lookup, else the logical name."""
        return f"_{self.logical}_value" if self.is_lookup else self.logical

    @cached_property
    def is_date_only(self) -> bool:
        """Say whether values are plain dates (behaviour DateOnly), stored and sent as YYYY-MM-DD."""
        return self.type is ColumnType.DATETIME and self.date_behavior == "DateOnly"

    @cached_property
    def scale(self) -> int:
        """Give the power of ten by which the SQL integer is larger than the value (money 4, decimal its precision)."""
        if self.type is ColumnType.MONEY:
            return 4
        return (self.precision or 0) if self.type is ColumnType.DECIMAL else 0


@dataclass(frozen=True, slots=True, eq=False)
class Relationship:
    """A 1:N relationship: `referencing_table.referencing_column` holds the id of a row of `referenced_table`.

    `lookup_nav` is the single-valued navigation property on the referencing table (case-sensitive),
    `collection_nav` the collection-valued one on the referenced table; either may be empty (no navigation).
    """

    schema: str
    referenced_table: str
    referenced_column: str
    referencing_table: str
    referencing_column: str
    lookup_nav: str
    collection_nav: str
    cascade: Mapping[str, str]  # Assign Delete Merge Reparent Share Unshare → NoCascade Cascade RemoveLink Restrict …
    definition: Mapping[str, Any] = field(repr=False)
    is_hierarchical: bool = False


class Side(NamedTuple):
    """An N:N relationship as one of its tables sees it."""

    near: str  # the intersect's column with this table's ids
    far: str  # … with the other table's
    table: str  # the other table


@dataclass(frozen=True, slots=True, eq=False)
class ManyToMany:
    """An N:N relationship through the table `intersect`, which has `column1` and `column2`."""

    schema: str
    intersect: str
    table1: str
    column1: str
    nav1: str  # collection on table1, of rows of table2
    table2: str
    column2: str
    nav2: str  # collection on table2, of rows of table1
    definition: Mapping[str, Any] = field(repr=False)

    def seen_from(self, table: str, nav: str) -> Side:
        """Give near and far column and far table for the navigation property `nav` of `table`.

        Both ends may call their property the same (contactleads_association does); only both together are telling.
        """
        if (self.table1, self.nav1) == (table, nav):
            return Side(self.column1, self.column2, self.table2)
        return Side(self.column2, self.column1, self.table1)


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """An alternate key; usable only when `status` is Active."""

    logical: str
    columns: tuple[str, ...]
    status: str  # Pending | InProgress | Active | Failed
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Table:
    """One table. `columns` by logical name; the three navigation maps by navigation property name."""

    logical: str
    schema: str
    entity_set: str
    object_type_code: int
    primary_id: str
    primary_name: str | None
    ownership: str  # UserOwned | OrganizationOwned | BusinessOwned | None
    change_tracking: bool
    optimistic_concurrency: bool
    columns: Mapping[str, Column] = field(repr=False)
    keys: Mapping[str, Key] = field(repr=False)
    definition: Mapping[str, Any] = field(repr=False)
    many_to_one: Mapping[str, Relationship] = field(default_factory=dict, repr=False)
    one_to_many: Mapping[str, Relationship] = field(default_factory=dict, repr=False)
    many_to_many: Mapping[str, ManyToMany] = field(default_factory=dict, repr=False)
    is_intersect: bool = False
    is_activity: bool = False
    # What others worked out about this very table, to be had again; it goes when the table does.
    worked_out: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def stored(self) -> tuple[Column, ...]:
        """Give the columns that SQLite has, in order of logical name."""
        return tuple(column for column in self.columns.values() if column.is_stored)

    @cached_property
    def properties(self) -> Mapping[str, Column]:
        """Give the columns by OData property name (`_x_value` for lookups)."""
        return {column.property_name: column for column in self.columns.values() if column.is_property}

    def no_property(self, name: str) -> Problem:
        """Make the refusal of a name that is no property of the type. Files and images would be, but are not kept."""
        column = self.columns.get(name)
        if column is not None and column.type in (ColumnType.FILE, ColumnType.IMAGE):
            return Problem.not_implemented(f"'{name}' of '{self.logical}', a column of type {column.type}")
        return Problem.no_column(name, self.logical)

    @cached_property
    def lookup_navs(self) -> Mapping[str, tuple[Relationship, ...]]:
        """Give the relationships by lookup column, so that a stored target finds its navigation property."""
        found: dict[str, list[Relationship]] = {}
        for relationship in self.many_to_one.values():
            found.setdefault(relationship.referencing_column, []).append(relationship)
        return {name: tuple(items) for name, items in found.items()}

    @cached_property
    def money_columns(self) -> tuple[Column, ...]:
        """Give the money columns that people write (not the `_base` ones)."""
        return tuple(c for c in self.columns.values() if c.type is ColumnType.MONEY and c.base_of is None)

    @cached_property
    def sql(self) -> sa.Table:
        """Give the SQLAlchemy table: SQLite column names are logical names, plus `x__type` for polymorphic lookups."""
        made: list[sa.Column[Any]] = []
        for column in self.stored:
            is_primary = column.logical == self.primary_id
            made.append(sa.Column(column.logical, sql_type(column), primary_key=is_primary))
            if column.is_polymorphic:
                made.append(sa.Column(column.logical + TYPE_SUFFIX, sa.Text()))
        return sa.Table(self.logical, sa.MetaData(), *made)

    def column(self, logical: str) -> Column:
        """Give a column by logical name; 400 if there is none."""
        found = self.columns.get(logical)
        if found is None:
            raise Problem.undeclared_property(logical, self.logical)
        return found


def sql_type(column: Column) -> sa.types.TypeEngine[Any]:
    """Give the SQLite storage class of a column: exact types as integers, the rest as text."""
    match column.type:
        case ColumnType.DOUBLE:
            return sa.Float()
        case (
            ColumnType.INTEGER
            | ColumnType.BIGINT
            | ColumnType.DECIMAL
            | ColumnType.MONEY
            | ColumnType.BOOLEAN
            | ColumnType.PICKLIST
            | ColumnType.STATE
            | ColumnType.STATUS
            | ColumnType.MANAGED_PROPERTY
        ):
            return sa.Integer()
        case _:
            return sa.Text()


@dataclass(frozen=True, eq=False)
class Schema:
    """Everything that exists. `version` grows with every change of a definition."""

    version: int
    tables: Mapping[str, Table] = field(repr=False)
    relationships: Mapping[str, Relationship | ManyToMany] = field(repr=False)
    choices: Mapping[str, Mapping[str, Any]] = field(repr=False)  # OptionSetMetadata documents by Name

    @cached_property
    def by_set(self) -> Mapping[str, Table]:
        """Give the tables by entity set name (case-sensitive, as URLs are)."""
        return {table.entity_set: table for table in self.tables.values() if table.entity_set}

    @cached_property
    def _by_referenced(self) -> Mapping[str, tuple[Relationship, ...]]:
        found: dict[str, list[Relationship]] = {}
        for each in self.relationships.values():
            if isinstance(each, Relationship) and each.referencing_table in self.tables:
                found.setdefault(each.referenced_table, []).append(each)
        return {name: tuple(items) for name, items in found.items()}

    def pointing_to(self, logical: str) -> tuple[Relationship, ...]:
        """Give the 1:N relationships whose lookups point to a table, with or without a navigation property."""
        return self._by_referenced.get(logical, ())

    def table(self, logical: str) -> Table:
        """Give a table by logical name; 404 with the platform's text if there is none."""
        found = self.tables.get(logical)
        if found is None:
            raise Problem(
                404, "0x80060888", f"The entity with a name = '{logical}' was not found in the MetadataCache."
            )
        return found

    def set(self, entity_set: str) -> Table:
        """Give a table by entity set name; 404 "Resource not found for the segment" if there is none."""
        found = self.by_set.get(entity_set)
        if found is None:
            raise Problem.no_resource(entity_set)
        return found
