"""Changes are nouns: each says what it would do, in words that can be read aloud, counted, compared and refused. Pure.

Those of tables, lookups and components are in `table_change.py`. How each is found is in `compare/`; how it is carried
out is in `write/`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from d365ext.definitions.columns import Choice, Option
from d365ext.definitions.solution import Publisher, SolutionHead
from d365ext.deploy.publication import NOTHING, Publication


class Change(ABC):
    """One step of a plan: an addition (+), a modification (~) or a removal (-)."""

    __slots__ = ()

    sign: ClassVar[str] = "+"
    is_destructive: ClassVar[bool] = False
    """It takes away what people may have filled."""
    irreversible: ClassVar[str] = ""
    """Why it cannot be undone; empty if it can."""
    order: ClassVar[int] = 0
    """Steps with a lower number come first."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What is changed: "column pch_pipeline.pch_openvalue"."""

    @property
    def remark(self) -> str:
        """What more there is to say on the same line."""
        return ""

    @property
    def is_harmless(self) -> bool:
        """What it destroys was looked at and is empty."""
        return False

    @property
    def details(self) -> tuple[str, ...]:
        """What becomes what, one line each."""
        return ()

    @property
    def publication(self) -> Publication:
        """What must be published afterwards."""
        return NOTHING

    @property
    def is_published_at_once(self) -> bool:
        """What follows can only be done once people see the change."""
        return False

    @property
    def place(self) -> int:
        """Where the step stands in a plan."""
        return self.order

    def __str__(self) -> str:
        return f"{self.sign} {self.subject}"


# ---------------------------------------------------------------- publisher and solution


@dataclass(frozen=True, slots=True)
class CreatePublisher(Change):
    """Make the publisher."""

    publisher: Publisher
    order = 0

    @property
    def subject(self) -> str:
        return f"publisher {self.publisher.name}"

    @property
    def remark(self) -> str:
        return f"prefix {self.publisher.prefix}, option values from {self.publisher.option_prefix * 10_000}"


@dataclass(frozen=True, slots=True)
class ModifyPublisher(Change):
    """Give the publisher the texts that we declare."""

    publisher: Publisher
    id: UUID
    differences: tuple[str, ...]
    sign = "~"
    order = 0

    @property
    def subject(self) -> str:
        return f"publisher {self.publisher.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences


@dataclass(frozen=True, slots=True)
class CreateSolution(Change):
    """Make the solution that lists what is ours."""

    solution: SolutionHead
    publisher: str
    order = 1

    @property
    def subject(self) -> str:
        return f"solution {self.solution.name}"

    @property
    def remark(self) -> str:
        return f"version {self.solution.version}"


@dataclass(frozen=True, slots=True)
class ModifySolution(Change):
    """Give the solution the version and texts that we declare; the last step, so that it also marks the end."""

    solution: SolutionHead
    id: UUID
    differences: tuple[str, ...]
    again: Publication = NOTHING
    """What an apply that was stopped may have left unpublished."""
    sign = "~"
    order = 90

    @property
    def subject(self) -> str:
        return f"solution {self.solution.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return self.again


@dataclass(frozen=True, slots=True)
class AddToSolution(Change):
    """List in the solution what is there and ours but not listed."""

    what: str
    component_type: int
    id: UUID
    whole: bool
    order = 80

    @property
    def subject(self) -> str:
        return f"{self.what} in the solution"


# ---------------------------------------------------------------- choices


@dataclass(frozen=True, slots=True)
class CreateChoice(Change):
    """Make a global choice."""

    choice: Choice
    order = 2

    @property
    def subject(self) -> str:
        return f"choice {self.choice.name}"

    @property
    def remark(self) -> str:
        return f"{len(self.choice.options)} options"


@dataclass(frozen=True, slots=True)
class ModifyChoice(Change):
    """Give a global choice the texts that we declare."""

    choice: Choice
    differences: tuple[str, ...]
    sign = "~"
    order = 2

    @property
    def subject(self) -> str:
        return f"choice {self.choice.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return Publication(choices=frozenset({self.choice.name}))


@dataclass(frozen=True, slots=True)
class OptionPlace:
    """Whose option it is: a global choice's, or a column's (`table` and `column`)."""

    choice: str = ""
    table: str = ""
    column: str = ""

    def __str__(self) -> str:
        return self.choice or f"{self.table}.{self.column}"

    @property
    def publication(self) -> Publication:
        """What to publish after the options of this place changed."""
        if self.choice:
            return Publication(choices=frozenset({self.choice}))
        return Publication(tables=frozenset({self.table}))


@dataclass(frozen=True, slots=True)
class AddOption(Change):
    """Add an option to a choice that is there."""

    of: OptionPlace
    option: Option
    order = 5

    @property
    def subject(self) -> str:
        return f"option {self.of} {self.option.value}"

    @property
    def remark(self) -> str:
        return next(iter(self.option.label.values()), "")

    @property
    def publication(self) -> Publication:
        return self.of.publication


@dataclass(frozen=True, slots=True)
class RelabelOption(Change):
    """Give an option the texts that we declare."""

    of: OptionPlace
    option: Option
    differences: tuple[str, ...]
    sign = "~"
    order = 5

    @property
    def subject(self) -> str:
        return f"option {self.of} {self.option.value}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return self.of.publication
