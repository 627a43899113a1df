"""What every definition is made of: strict parts, names of ours, texts in all our languages.

A part knows what is right of itself only with the solution at hand (its prefix, its languages): `Rules`, given to
pydantic as the context of a validation. Without rules those checks are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True)
class Rules:
    """What `solution.toml` settles for all other files."""

    prefix: str
    option_prefix: int
    languages: Mapping[str, int]


class Part(BaseModel):
    """A piece of a definition: no key too many, no type bent to fit, never changed."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


def refuse(message: str, *, below: int = 0) -> PydanticCustomError:
    """Make the error that a validator raises, as a sentence of ours; `below` counts lines inside a long text."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": message, "below": below})


def _in_every_language(texts: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    if isinstance(info.context, Rules):
        missing = [language for language in info.context.languages if not texts.get(language, "").strip()]
        if missing:
            raise refuse(f"The text in {' and '.join(missing)} is missing.")
        unknown = [language for language in texts if language not in info.context.languages]
        if unknown:
            known = ", ".join(info.context.languages)
            raise refuse(f"There is no language {', '.join(unknown)} in solution.toml; it has {known}.")
    return texts


def _carries_the_prefix(name: str, info: ValidationInfo) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise refuse(f"'{name}' is no name: a name has small letters a to z, digits and underscores.")
    if isinstance(info.context, Rules) and not name.startswith(f"{info.context.prefix}_"):
        raise refuse(f"'{name}' does not start with {info.context.prefix}_, as every name of ours does.")
    return name


def _in_our_range(value: int, info: ValidationInfo) -> int:
    if isinstance(info.context, Rules):
        first = info.context.option_prefix * 10_000
        if not first <= value < first + 10_000:
            raise refuse(f"{value} is not one of our option values: they are {first} to {first + 9_999}.")
    return value


Texts = Annotated[dict[str, str], AfterValidator(_in_every_language)]
"""A text in every language of the solution: `{"en": "Partner", "fi": "Kumppani", …}`."""

OurName = Annotated[str, AfterValidator(_carries_the_prefix)]
"""The logical name of something that we make; it starts with the publisher's prefix."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A logical name, ours or Microsoft's."""

OptionValue = Annotated[int, AfterValidator(_in_our_range)]
"""The value of an option of ours.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-optionsets ("the option value prefix
of the publisher": prefix × 10,000 and up).
"""
