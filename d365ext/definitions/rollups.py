"""`solution/rollups.toml` as types: which tables hold deals, whom a deal credits, and what is counted.

Pure: reads one file, opens nothing else. deploy makes a column of pch_pipeline from each `Rollup`; sync makes SQL.

The file has four kinds of sections:

* `[parameters]`: dates that are fixed at the start of a run, each the as-of date moved by a number of months.
* `[source.<name>]`: a Dataverse table of deals. `customer` lists where its customer is looked for, in order:
  `{ account = column }` (the id, if it is an account), `{ contact = column }` (that contact's account) or
  `{ <source> = column }` (the customer of a deal of a source above). `partners` and `contacts` name, by role, the
  columns that credit a partner and a partner's contact. `latest` declares a true/false column: of the rows that meet
  `where`, the one with the highest `by` for each `per` (and every one without `per`).
* `[source.<name>.reads]`: the other columns to read, and what they hold. `[source.<name>.columns]`: columns made of
  them, as `[kind, expression]`; a `bool` that is null is false.
* `[rollup.<name>]`: `from` a source, of a `type`, one aggregate `value`; a ratio is `value` / `over` (another
  aggregate) or `value` / `per` (a number), with `scale` decimals. `levels`: where it has a meaning; else everywhere.

Expressions are those of `expressions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from d365ext.definitions.expressions import Kind, is_empty_zero
from d365ext.definitions.tomlfile import read_toml
from d365ext.errors import DefinitionError, DefinitionErrors
from d365ext.names import EntitySetName, LogicalName

_OPTIONS_FROM = 737_860_000
"""The first option value of our publisher (design.md)."""


class Level(StrEnum):
    """What a row of pch_pipeline is about."""

    PARTNER = "partner"
    CONTACT = "contact"
    CUSTOMER = "customer"
    PARTNER_CUSTOMER = "partner_customer"

    @property
    def option(self) -> int:
        """Its value in the choice pch_level."""
        return _OPTIONS_FROM + list(Level).index(self)


class Role(StrEnum):
    """In which role a deal names a partner."""

    SALES = "sales"
    PRODUCTION = "production"

    @property
    def option(self) -> int:
        """Its value in the choice pch_role."""
        return _OPTIONS_FROM + list(Role).index(self)


class RollupType(StrEnum):
    """The type of the Dataverse column."""

    INTEGER = "integer"
    MONEY = "money"
    DECIMAL = "decimal"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A date: the as-of date moved by `months`."""

    name: str
    months: int


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """One place to look for a deal's customer: `column` holds the id of an account, a contact or a row of a source."""

    via: str
    column: LogicalName


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column made of the columns that are read."""

    name: str
    kind: Kind
    expression: str


@dataclass(frozen=True, slots=True)
class Latest:
    """A true/false column: the row, of those that meet `where`, with the highest `by` (then id) for its `per`."""

    name: str
    where: str
    per: LogicalName
    by: LogicalName


@dataclass(frozen=True, slots=True)
class Source:
    """A Dataverse table that holds deals."""

    name: str
    table: LogicalName
    entity_set: EntitySetName
    customer: tuple[CustomerStep, ...]
    partners: Mapping[Role, LogicalName]
    contacts: Mapping[Role, LogicalName]
    reads: Mapping[LogicalName, Kind]
    columns: tuple[SourceColumn, ...]
    latest: tuple[Latest, ...]

    @property
    def lookups(self) -> tuple[LogicalName, ...]:
        """Every lookup that is read, each once, in a fixed order."""
        named = [step.column for step in self.customer]
        named += [*self.partners.values(), *self.contacts.values(), *(each.per for each in self.latest)]
        return tuple(dict.fromkeys(named))

    @property
    def raw(self) -> dict[str, Kind]:
        """The kinds of the columns as they are read."""
        return {
            **dict.fromkeys(map(str, self.lookups), Kind.ID),
            **{str(name): kind for name, kind in self.reads.items()},
        }


@dataclass(frozen=True, slots=True)
class Rollup:
    """One number: a column of pch_pipeline.

    `scale` is its number of decimals; `over` and `per` divide `value`.
    """

    name: str
    column: LogicalName
    source: str
    type: RollupType
    value: str
    over: str | None
    per: int | None
    scale: int
    levels: tuple[Level, ...]
    label: Mapping[str, str]
    description: Mapping[str, str]

    @property
    def empty_is_zero(self) -> bool:
        """Whether the value is 0, and not empty, where nothing is counted."""
        return self.over is None and is_empty_zero(self.value)


@dataclass(frozen=True, slots=True)
class Rollups:
    """The whole file."""

    file: Path
    parameters: tuple[Parameter, ...]
    sources: Mapping[str, Source]
    rollups: tuple[Rollup, ...]

    @property
    def numbers(self) -> tuple[LogicalName, ...]:
        """The columns that hold a number, and not a date."""
        return tuple(rollup.column for rollup in self.rollups if rollup.type is not RollupType.DATE)


def load_rollups(path: Path, *, prefix: str = "pch", languages: tuple[str, ...] = ("en", "fi", "sv")) -> Rollups:
    """Read and check `path`.

    Shape:   `prefix` is the publisher's, in front of every column; a label and a description is needed in each of
             `languages`.
    Errors:  DefinitionErrors with every mistake, each with its line.
    """
    from d365ext.definitions.rollups_toml import RollupsReader  # noqa: PLC0415  it needs the types above

    try:
        file = read_toml(path)
    except DefinitionError as mistake:
        raise DefinitionErrors([mistake]) from mistake
    return RollupsReader(file, prefix, languages).read()
