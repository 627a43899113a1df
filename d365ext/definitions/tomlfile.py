"""TOML files that remember on which line each value stands, so that a mistake can be shown where it was made.

`tomllib` reads the values and judges the syntax; the scanner here reads the same text once more, only for places. It
trusts that the text is valid.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from d365ext.errors import DefinitionError

Place = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: \d\d:\d\d[^\s,\]}#]*)?")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """One file: what it says, and where it says it."""

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[Place, int] = field(repr=False)

    def line(self, place: Sequence[str | int]) -> int | None:
        """Give the line of `place`, or of the nearest thing around it that has one."""
        for end in range(len(place), 0, -1):
            found = self.lines.get(tuple(place[:end]))
            if found is not None:
                return found
        return None

    def mistake(
        self, message: str, place: Sequence[str | int] = (), *, hint: str = "", below: int = 0
    ) -> DefinitionError:
        """Make the error that says what is wrong at `place`, or so many lines `below` it in a text of several lines."""
        line = self.line(place)
        line = line + below if line is not None else None
        return DefinitionError(message, file=self.path, line=line, path=written(place), hint=hint)


def written(place: Sequence[str | int]) -> str:
    """Write a place as people do.

    >>> written(("column", "pch_role", "options", 1, "label"))
    'column.pch_role.options[1].label'
    """
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_toml(path: Path) -> TomlFile:
    """Read the TOML file at `path`.

    Errors:  DefinitionError if it cannot be read or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise DefinitionError(f"The file cannot be read: {cause}", file=path) from cause
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        message, line = _told(str(cause))
        raise DefinitionError(f"This is not TOML: {message}.", file=path, line=line) from cause
    return TomlFile(path, content, _Scanner(text).scan())


def _told(message: str) -> tuple[str, int | None]:
    """Take the line out of a message of tomllib: "… (at line 3, column 1)"."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", message, flags=re.DOTALL)
    return (found[1], int(found[2])) if found else (message, None)


class _Scanner:
    """Walks through valid TOML and notes the line of every table, key and array element."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[Place, int] = {}
        self._elements: dict[Place, int] = {}  # how many [[…]] of an array have been seen

    def scan(self) -> dict[Place, int]:
        table: Place = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                self._at += 2
                table = self._next_element(self._key("]]"))
                self._note(table)
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._inside(self._key("]"))
                self._note(table)
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _note(self, place: Place) -> None:
        self._lines.setdefault(place, self._text.count("\n", 0, self._at) + 1)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _key(self, end: str) -> Place:
        """Read a dotted key and what ends it."""
        parts: list[str | int] = []
        while True:
            self._skip(_SPACE)
            if self._text[self._at] in "\"'":
                parts.append(self._string())
            else:
                found = _BARE_KEY.match(self._text, self._at)
                assert found, "tomllib has accepted this key"  # noqa: S101 - our own mistake, if ever
                parts.append(found[0])
                self._at = found.end()
            self._skip(_SPACE)
            if self._text.startswith(end, self._at):
                self._at += len(end)
                return tuple(parts)
            self._at += 1  # the dot

    def _inside(self, key: Place) -> Place:
        """Say where a header leads: into the last element of every array of tables on the way."""
        place: Place = ()
        for part in key:
            place = (*place, part)
            self._note(place)
            if place in self._elements:
                place = (*place, self._elements[place] - 1)
        return place

    def _next_element(self, key: Place) -> Place:
        array = (*self._inside(key[:-1]), key[-1])
        self._elements[array] = self._elements.get(array, 0) + 1
        self._note(array)
        return (*array, self._elements[array] - 1)

    def _pair(self, table: Place) -> None:
        place = table
        start = self._at
        for part in self._key("="):
            place = (*place, part)
            self._lines.setdefault(place, self._text.count("\n", 0, start) + 1)
        self._skip(_SPACE)
        self._value(place)

    def _value(self, place: Place) -> None:
        match self._text[self._at]:
            case '"' | "'":
                self._string()
            case "[":
                self._array(place)
            case "{":
                self._inline_table(place)
            case _:
                self._skip(_SCALAR)

    def _array(self, place: Place) -> None:
        self._at += 1
        count = 0
        self._skip(_BLANK)
        while self._text[self._at] != "]":
            self._note((*place, count))
            self._value((*place, count))
            count += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "}":
            self._pair(place)
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _string(self) -> str:
        """Read past a string of any of the four kinds; give what stands between its quotes."""
        quote = self._text[self._at]
        long = self._text.startswith(quote * 3, self._at)
        end = quote * 3 if long else quote
        start = self._at = self._at + len(end)
        while not self._text.startswith(end, self._at):
            self._at += 2 if quote == '"' and self._text[self._at] == "\\" else 1
        content = self._text[start : self._at]
        self._at += len(end)
        while long and self._text.startswith(quote, self._at):  # """he said "no""""" ends with quotes of its own
            self._at += 1
        return content
