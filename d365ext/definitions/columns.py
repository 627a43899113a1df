"""The kinds of columns that we make, one class each. Lookups are relationships: `tables.py`.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-column-definitions-using-web-api;
the bounds are those of the column types in learn.microsoft.com/power-apps/maker/data-platform/types-of-fields.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from d365ext.definitions.parts import Name, OptionValue, Part, Texts, refuse


class Option(Part):
    """One option of a choice."""

    value: OptionValue
    label: Texts


def _each_value_once(options: tuple[Option, ...]) -> tuple[Option, ...]:
    seen: set[int] = set()
    for option in options:
        if option.value in seen:
            raise refuse(f"The option value {option.value} is used twice.")
        seen.add(option.value)
    return options


Options = Annotated[tuple[Option, ...], AfterValidator(_each_value_once)]


class Choice(Part):
    """A global choice, shared by columns."""

    name: Name
    label: Texts
    description: Texts = Field(default_factory=dict)
    options: Options = Field(min_length=1)


class _Column(Part):
    label: Texts
    description: Texts = Field(default_factory=dict)
    required: Literal["none", "recommended", "required"] = "none"


class Text(_Column):
    """One line of text."""

    type: Literal["text"] = "text"
    max_length: int = Field(ge=1, le=4_000)


class Memo(_Column):
    """Several lines of text."""

    type: Literal["memo"] = "memo"
    max_length: int = Field(ge=1, le=1_048_576)


class Integer(_Column):
    """A whole number of 32 bits."""

    type: Literal["integer"] = "integer"


class BigInt(_Column):
    """A whole number of 64 bits."""

    type: Literal["bigint"] = "bigint"


class Decimal(_Column):
    """An exact number with `precision` decimals."""

    type: Literal["decimal"] = "decimal"
    precision: int = Field(ge=0, le=10)


class Money(_Column):
    """An amount in the row's currency, with `precision` decimals."""

    type: Literal["money"] = "money"
    precision: int = Field(default=2, ge=0, le=4)


class Date(_Column):
    """A day, the same everywhere in the world."""

    type: Literal["date"] = "date"


class Moment(_Column):
    """A point in time, shown in the reader's time zone."""

    type: Literal["moment"] = "moment"


class YesNo(_Column):
    """Yes or no."""

    type: Literal["yesno"] = "yesno"
    yes: Texts
    no: Texts
    default: bool = False


class ChoiceColumn(_Column):
    """One of several options: of the global choice `choice`, or of its own `options`."""

    type: Literal["choice"] = "choice"
    choice: Name | None = None
    options: Options = ()

    @model_validator(mode="after")
    def _one_source_of_options(self) -> Self:
        if (self.choice is None) == (not self.options):
            raise refuse("A choice column has either 'choice' (a file in choices/) or 'options' of its own.")
        return self


Column = Annotated[
    Text | Memo | Integer | BigInt | Decimal | Money | Date | Moment | YesNo | ChoiceColumn,
    Field(discriminator="type"),
]
