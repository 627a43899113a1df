"""Picks values out of a TOML file and gathers what is wrong with them, so that all mistakes are told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from d365ext.definitions.expressions import did_you_mean
from d365ext.definitions.tomlfile import Place, TomlFile
from d365ext.errors import DefinitionError

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SAID: dict[type, str] = {str: "a text", int: "a whole number", list: "a list", dict: "a table"}
E = TypeVar("E", bound=StrEnum)


class Entries:
    """The values of one file; a value that is wrong is noted in `mistakes` and a harmless one is given instead."""

    def __init__(self, file: TomlFile, languages: Sequence[str]) -> None:
        self.file = file
        self.mistakes: list[DefinitionError] = []
        self._languages = languages

    def mistake(self, message: str, place: Place) -> None:
        """Note a mistake at `place`."""
        self.mistakes.append(self.file.mistake(message, place))

    def get(self, entry: Mapping[str, Any], place: Place, key: str, kind: type[Any], default: Any = None) -> Any:
        """Give `entry[key]`, which may be missing but must be of `kind`; else `default`."""
        value = entry.get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or isinstance(value, bool):
            self.mistake(f"{key!r} should be {_SAID[kind]}.", (*place, key))
            return default
        return value

    def need(self, entry: Mapping[str, Any], place: Place, key: str) -> str:
        """Give the text `entry[key]`, which must be there."""
        value: str = self.get(entry, place, key, str, "")
        if key not in entry:
            self.mistake(f"{key!r} is missing.", place)
        return value

    def table(self, entry: Mapping[str, Any], place: Place, key: str) -> Mapping[str, Any]:
        """Give the table `entry[key]`, empty if it is missing."""
        value: Mapping[str, Any] = self.get(entry, place, key, dict, {})
        return value

    def texts(self, entry: Mapping[str, Any], place: Place, key: str) -> dict[str, str]:
        """Give a text for each language."""
        at = (*place, key)
        texts = self.table(entry, place, key)
        self.only(texts, at, self._languages)
        missing = [language for language in self._languages if not isinstance(texts.get(language), str)]
        if missing:
            self.mistake(f"A {key} is needed in: {', '.join(missing)}.", at)
        return dict(texts)

    def member(self, enum: type[E], value: str, place: Place, default: E) -> E:
        """Give the member of `enum` that has `value`."""
        try:
            return enum(value)
        except ValueError:
            known = [str(member) for member in enum]
            self.mistake(f"{value!r} is none of {', '.join(known)}{did_you_mean(value, known)}.", place)
            return default

    def name(self, name: str, place: Place) -> None:
        """Check a name that a person made up."""
        if not _NAME.fullmatch(name):
            self.mistake("A name is lower-case letters, digits and _, and begins with a letter.", place)

    def only(self, entry: Mapping[str, Any], place: Place, known: Sequence[str]) -> None:
        """Check that `entry` has no key but `known`."""
        for key in entry:
            if key not in known:
                self.mistake(f"{key!r} has no meaning here{did_you_mean(key, known)}.", (*place, key))
