"""The tokens of OData as Dataverse writes it: one regular expression for paths, options and function parameters.

Owns: cutting a text that is already percent-decoded into tokens. Knows nothing of grammar or of tables.

    string    'O''Brien'                    json      "text"   {"any": ["JSON", "object"]}
    guid      00000000-0000-…               moment    2024-05-01   2024-05-01T10:00:00Z
    number    -12   3.50   1e3              enum      Microsoft.Dynamics.CRM.EntityFilters'Entity'
    alias     @p1                           option    $select   $count   $it
    word      name   null   Microsoft.Dynamics.CRM.In   _ownerid_value
    mark      ( ) [ ] , / ; : = *

Source: OData 4.0 ABNF (docs.oasis-open.org/odata/odata/v4.0/os/abnf); JSON arrays and double-quoted strings as
powerapps-docs …/webapi/query/filter-rows.md shows them in query functions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from d365ext.emulator.problems import Problem

SYNTAX_CODE = "0x80060888"
TEXT_LENGTH_MAX = 131_072
"""Longer than any request line allowed (65,536 in a batch): only a guard for whoever calls us with a body's text."""


class Kind(StrEnum):
    """What a token is."""

    STRING = "string"
    JSON = "json"
    GUID = "guid"
    MOMENT = "moment"
    NUMBER = "number"
    ENUM = "enum"
    ALIAS = "alias"
    OPTION = "option"
    WORD = "word"
    MARK = "mark"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, the text as written, and where it starts."""

    kind: Kind
    text: str
    position: int


_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_PATTERN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<string>'(?:[^']|'')*')
    | (?P<json>"(?:[^"\\]|\\.)*")
    | (?P<guid>[0-9A-Fa-f]{{8}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{12}}(?![\w-]))
    | (?P<moment>\d{{4}}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+\ ]\d\d:\d\d)?)?(?![\w-]))
    | (?P<number>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w))
    | (?P<enum>{_NAME}'(?:[^']|'')*')
    | (?P<alias>@[^\W\d]\w*)
    | (?P<option>\$\w+)
    | (?P<word>{_NAME})
    | (?P<mark>[()\[\],/;:=*])
    """,
    re.VERBOSE,
)
_OBJECT = json.JSONDecoder(parse_float=str, parse_int=str)


def syntax_error(text: str, position: int) -> Problem:
    """Make the 400 that names the place of a mistake.

    Source: Microsoft.OData.Core, ExpressionLexer_SyntaxError ("Syntax error at position {0} in '{1}'."); the code is
        the one that …/webapi/query/join-tables.md prints for refused queries; for syntax errors inferred.
    """
    shown = text if len(text) <= 200 else text[:200] + "…"
    return Problem(400, SYNTAX_CODE, f"Syntax error at position {position} in '{shown}'.")


def tokens(text: str) -> list[Token]:
    """Cut `text` into tokens; the last one has kind END.

    >>> [token.text for token in tokens("contains(name,'O''B')")]
    ['contains', '(', 'name', ',', "'O''B'", ')', '']
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise Problem(400, SYNTAX_CODE, f"An expression may have at most {TEXT_LENGTH_MAX:,} characters.")
    found: list[Token] = []
    position = 0
    while position < len(text):
        if text[position] == "{":
            end = _object_end(text, position)
            found.append(Token(Kind.JSON, text[position:end], position))
            position = end
            continue
        match = _PATTERN.match(text, position)
        if match is None:
            raise syntax_error(text, position)
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(Kind(kind), match.group(), position))
        position = match.end()
    found.append(Token(Kind.END, "", len(text)))
    return found


def _object_end(text: str, start: int) -> int:
    try:
        return _OBJECT.raw_decode(text, start)[1]
    except (ValueError, RecursionError) as cause:
        raise syntax_error(text, start) from cause
