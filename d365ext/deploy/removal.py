"""Removals: the changes that take something of ours away. Pure. A deletion publishes itself.

Those that lose what people put there say so. They are carried out in the opposite order of making.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from d365ext.definitions.tables import ColumnMapping
from d365ext.deploy.change import Change
from d365ext.deploy.component import Kind

EMPTY = "empty"
"""The loss of what holds nothing."""


@dataclass(frozen=True, slots=True)
class DeleteComponent(Change):
    """Take away a view, chart, dashboard, script …"""

    kind: Kind
    id: UUID
    key: str
    sign = "-"

    @property
    def place(self) -> int:
        return 200 - self.kind.phase

    @property
    def subject(self) -> str:
        return f"{self.kind.word} {self.key}"


@dataclass(frozen=True, slots=True)
class DeleteMapping(Change):
    """Take away a column mapping."""

    mapping: ColumnMapping
    id: UUID
    sign = "-"
    order = 191

    @property
    def subject(self) -> str:
        return f"mapping {self.mapping.source} → {self.mapping.target} {self.mapping.column}"


@dataclass(frozen=True, slots=True)
class DeleteKey(Change):
    """Take away an alternate key."""

    table: str
    name: str
    sign = "-"
    order = 192

    @property
    def subject(self) -> str:
        return f"key {self.table}.{self.name}"


@dataclass(frozen=True, slots=True)
class DeleteRelationship(Change):
    """Take away a lookup and its relationship."""

    name: str
    table: str
    lookup: str
    loss: str = ""
    sign = "-"
    is_destructive = True
    irreversible = "its values are lost"
    order = 193

    @property
    def subject(self) -> str:
        return f"lookup {self.table}.{self.lookup}"

    @property
    def remark(self) -> str:
        return self.loss

    @property
    def is_harmless(self) -> bool:
        return self.loss == EMPTY


@dataclass(frozen=True, slots=True)
class DeleteColumn(Change):
    """Take away a column."""

    table: str
    name: str
    loss: str = ""
    sign = "-"
    is_destructive = True
    irreversible = "its values are lost"
    order = 194

    @property
    def subject(self) -> str:
        return f"column {self.table}.{self.name}"

    @property
    def remark(self) -> str:
        return self.loss

    @property
    def is_harmless(self) -> bool:
        return self.loss == EMPTY


@dataclass(frozen=True, slots=True)
class DeleteTable(Change):
    """Take away a table of ours with all its rows, columns, lookups and views."""

    name: str
    loss: str = ""
    sign = "-"
    is_destructive = True
    irreversible = "its rows are lost"
    order = 195

    @property
    def subject(self) -> str:
        return f"table {self.name}"

    @property
    def remark(self) -> str:
        return self.loss

    @property
    def is_harmless(self) -> bool:
        return self.loss == EMPTY


@dataclass(frozen=True, slots=True)
class DeleteChoice(Change):
    """Take away a global choice of ours."""

    name: str
    sign = "-"
    order = 196

    @property
    def subject(self) -> str:
        return f"choice {self.name}"


@dataclass(frozen=True, slots=True)
class DeleteSolution(Change):
    """Take away the list of what was ours."""

    name: str
    id: UUID
    sign = "-"
    order = 198

    @property
    def subject(self) -> str:
        return f"solution {self.name}"


@dataclass(frozen=True, slots=True)
class DeletePublisher(Change):
    """Take away the publisher."""

    name: str
    id: UUID
    sign = "-"
    order = 199

    @property
    def subject(self) -> str:
        return f"publisher {self.name}"
