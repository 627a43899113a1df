"""What an environment has of what we declare, in the words of the declaration. Pure.

`inspect` makes it; `diff` compares it. It holds only what the solution declares, and what else carries our prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from d365ext.definitions.columns import Choice, Column
from d365ext.definitions.solution import Publisher, SolutionHead
from d365ext.definitions.tables import ColumnMapping, Key, Relationship, Table

T_co = TypeVar("T_co", covariant=True)

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found(Generic[T_co]):
    """Something that is there. Its texts are those in the languages of the solution."""

    what: T_co
    id: UUID
    is_managed: bool = False


@dataclass(frozen=True, slots=True)
class OtherColumn:
    """A column that we cannot have made: of a type that we do not make, or not declared."""

    type: str


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table; `table` is a standard one or ours, without its columns and keys."""

    table: Table
    id: UUID
    is_managed: bool = False
    can_track_changes: bool = True
    entity_set: str = ""
    primary_id: str = ""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """An alternate key and how far its index is: Pending, InProgress, Active or Failed."""

    key: Key
    id: UUID
    status: str = "Active"


@dataclass(frozen=True, slots=True)
class FoundComponent:
    """A component that is a row: its columns and texts as last edited, and whether people see them yet."""

    id: UUID
    columns: Mapping[str, Any]
    texts: Mapping[str, Texts]
    is_published: bool = True
    is_managed: bool = False


@dataclass(frozen=True, slots=True)
class FoundForm:
    """A form of a table: as last edited, and as people see it."""

    id: UUID
    table: str
    type: str
    name: str
    xml: str
    published_xml: str
    is_open: bool = True
    """It is in use and may be customized."""


@dataclass(frozen=True, slots=True)
class FoundRole:
    """A security role of ours: the names of its privileges and how far each reaches."""

    name: str
    privileges: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Languages:
    """Languages of the solution by name → code, those that the environment has, and the one it was made in."""

    codes: Mapping[str, int]
    present: frozenset[str]
    base: int

    def kept(self, texts: Texts) -> dict[str, str]:
        """Leave out the languages that the environment does not have."""
        return {language: text for language, text in texts.items() if language in self.present}

    def in_base(self, texts: Texts) -> str:
        """Give the text in the environment's own language, else in the first of ours."""
        own = next((language for language, code in self.codes.items() if code == self.base), None)
        return texts.get(own or "") or next(iter(texts.values()), "")


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything found."""

    languages: Languages
    publisher: Found[Publisher] | None = None
    solution: Found[SolutionHead] | None = None
    is_unfinished: bool = False
    """An apply began and did not reach its end."""
    choices: Mapping[str, Found[Choice]] = field(default_factory=dict)
    tables: Mapping[str, FoundTable] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], Found[Column | OtherColumn]] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], FoundKey] = field(default_factory=dict)
    relationships: Mapping[str, Found[Relationship]] = field(default_factory=dict)
    mappings: Mapping[ColumnMapping, UUID] = field(default_factory=dict)
    components: Mapping[UUID, FoundComponent] = field(default_factory=dict)
    """By the id that we declare, which is the row's own where we may choose it."""
    forms: tuple[FoundForm, ...] = ()
    """Every form of the tables that we add something to."""
    roles: Mapping[UUID, FoundRole] = field(default_factory=dict)
    privileges: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The name of the privilege to do something with a table: `("salesorder", "read")` → `prvReadOrder`."""
    app_members: frozenset[tuple[int, UUID]] = frozenset()
    """What our app shows: component type and id."""
    app_roles: frozenset[UUID] = frozenset()
    """The roles that may open our app."""
    members: Mapping[tuple[int, UUID], int] = field(default_factory=dict)
    """What our solution holds: component type and id → root component behaviour (0: with all its parts)."""
