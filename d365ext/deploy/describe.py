"""Definitions in a few words, as a plan shows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from d365ext.definitions.columns import ChoiceColumn, Column, Decimal, Memo, Money, Text
from d365ext.definitions.tables import Cascade


def described(column: Column) -> str:
    """Say what kind of column it is.

    >>> described(Money(label={}, precision=2))
    'money, 2 decimals'
    """
    match column:
        case Text() | Memo():
            return f"{column.type}, at most {column.max_length} characters"
        case Decimal() | Money():
            return f"{column.type}, {column.precision} decimal{'s' if column.precision != 1 else ''}"
        case ChoiceColumn(choice=str(name)):
            return f"choice {name}"
        case ChoiceColumn():
            return f"choice of {len(column.options)}"
        case _:
            return column.type


def cascading(cascade: Cascade) -> str:
    """Say what a relationship does, leaving out what it does not do.

    >>> cascading(Cascade(delete="Restrict", merge="Cascade"))
    'delete Restrict, merge Cascade'
    """
    kept = {name: does for name, does in cascade.model_dump().items() if does != "NoCascade"}
    return ", ".join(f"{name} {does}" for name, does in kept.items())


def from_to(what: str, before: object, after: object) -> str:
    """Say that something becomes something else.

    >>> from_to("label fi", "Osuus", "Kumppanin osuus")
    'label fi "Osuus" → "Kumppanin osuus"'
    """
    return f"{what} {_quoted(before)} → {_quoted(after)}"


def text_changes(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Say which texts change; languages that `after` does not name stay as they are.

    >>> text_changes("label", {"en": "Share", "de": "Anteil"}, {"en": "Share", "fi": "Osuus"})
    ['label fi nothing → "Osuus"']
    """
    return [
        from_to(f"{what} {language}", before.get(language), text)
        for language, text in after.items()
        if before.get(language, "") != text
    ]


def _quoted(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
