"""Changes of tables, columns, keys, lookups and components: nouns like those of `change.py`. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from d365ext.definitions.columns import Column
from d365ext.definitions.tables import ColumnMapping, Key, OwnTable, Relationship
from d365ext.deploy.change import Change
from d365ext.deploy.component import Component
from d365ext.deploy.describe import cascading, described
from d365ext.deploy.publication import Publication

# ---------------------------------------------------------------- tables, columns, keys


@dataclass(frozen=True, slots=True)
class CreateTable(Change):
    """Make a table of ours with its columns."""

    table: OwnTable
    columns: tuple[str, ...]
    order = 3

    @property
    def subject(self) -> str:
        return f"table {self.table.name}"

    @property
    def remark(self) -> str:
        return f"owned by the {self.table.ownership}" + (", change tracking" if self.table.change_tracking else "")

    @property
    def details(self) -> tuple[str, ...]:
        return tuple(f"column {name}: {described(self.table.columns[name])}" for name in self.columns)


@dataclass(frozen=True, slots=True)
class ModifyTable(Change):
    """Give a table of ours the texts and settings that we declare."""

    table: OwnTable
    differences: tuple[str, ...]
    sign = "~"
    order = 3

    @property
    def subject(self) -> str:
        return f"table {self.table.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.table.name}))


@dataclass(frozen=True, slots=True)
class TrackChanges(Change):
    """Let a table remember what changes, so that it can be mirrored.

    Source: learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems
    ("change tracking … can't be disabled").
    """

    table: str
    sign = "~"
    irreversible = "change tracking cannot be turned off again"
    order = 4

    @property
    def subject(self) -> str:
        return f"table {self.table}"

    @property
    def details(self) -> tuple[str, ...]:
        return ("change tracking off → on",)

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.table}))


@dataclass(frozen=True, slots=True)
class CreateColumn(Change):
    """Add a column to a table."""

    table: str
    name: str
    column: Column
    order = 6

    @property
    def subject(self) -> str:
        return f"column {self.table}.{self.name}"

    @property
    def remark(self) -> str:
        return described(self.column)


@dataclass(frozen=True, slots=True)
class ModifyColumn(Change):
    """Give a column the texts and limits that we declare."""

    table: str
    name: str
    column: Column
    differences: tuple[str, ...]
    sign = "~"
    order = 6

    @property
    def subject(self) -> str:
        return f"column {self.table}.{self.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.table}))


@dataclass(frozen=True, slots=True)
class ReplaceColumn(Change):
    """Delete a column and make it again with another type: a type cannot be changed."""

    table: str
    name: str
    column: Column
    before: str
    sign = "~"
    is_destructive = True
    irreversible = "the values of the column are lost"
    order = 6

    @property
    def subject(self) -> str:
        return f"column {self.table}.{self.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return (f"type {self.before} → {described(self.column)}",)


@dataclass(frozen=True, slots=True)
class CreateKey(Change):
    """Add an alternate key; its index is built in the background, and waited for."""

    table: str
    name: str
    key: Key
    status: str = ""
    """How far its index is, if the key is there: Pending, InProgress or Failed."""
    order = 8

    @property
    def subject(self) -> str:
        return f"key {self.table}.{self.name}"

    @property
    def remark(self) -> str:
        return ", ".join(self.key.columns)

    @property
    def details(self) -> tuple[str, ...]:
        return (f"its index is {self.status}",) if self.status else ()


# ---------------------------------------------------------------- relationships and mappings


@dataclass(frozen=True, slots=True)
class CreateRelationship(Change):
    """Make a lookup and its relationship."""

    relationship: Relationship
    order = 7

    @property
    def subject(self) -> str:
        return f"lookup {self.relationship.table}.{self.relationship.lookup}"

    @property
    def remark(self) -> str:
        return f"to {self.relationship.to}; {cascading(self.relationship.cascade)}"


@dataclass(frozen=True, slots=True)
class ModifyRelationship(Change):
    """Give a lookup and its relationship the texts and cascades that we declare."""

    relationship: Relationship
    differences: tuple[str, ...]
    sign = "~"
    order = 7

    @property
    def subject(self) -> str:
        return f"lookup {self.relationship.table}.{self.relationship.lookup}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.relationship.table, self.relationship.to}))


@dataclass(frozen=True, slots=True)
class CreateMapping(Change):
    """Let a column flow from one table's row to the row made from it."""

    mapping: ColumnMapping
    order = 9

    @property
    def subject(self) -> str:
        return f"mapping {self.mapping.source} → {self.mapping.target} {self.mapping.column}"

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.mapping.source, self.mapping.target}))


# ---------------------------------------------------------------- components that are rows


@dataclass(frozen=True, slots=True)
class CreateComponent(Change):
    """Make a view, chart, dashboard, script …"""

    component: Component

    @property
    def place(self) -> int:
        return self.component.kind.phase

    @property
    def subject(self) -> str:
        return f"{self.component.kind.word} {self.component.key}"

    @property
    def remark(self) -> str:
        return next(iter(self.component.texts.get("name", {}).values()), "")

    @property
    def publication(self) -> Publication:
        return self.component.publication


@dataclass(frozen=True, slots=True)
class ModifyComponent(Change):
    """Give a view, chart … the content and texts that we declare, and publish it."""

    component: Component
    columns: tuple[str, ...]
    """The columns that differ."""
    texts: tuple[str, ...]
    """The attributes whose texts differ."""
    differences: tuple[str, ...]
    sign = "~"

    @property
    def place(self) -> int:
        return self.component.kind.phase

    @property
    def subject(self) -> str:
        return f"{self.component.kind.word} {self.component.key}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return self.component.publication
