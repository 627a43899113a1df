"""Two functions that SQLite lacks: case folding beyond ASCII, and Transact-SQL's LIKE.

Owns `register`, to be called once for every connection. SQLite's own lower() and LIKE know ASCII only, so that Ä
would not equal ä.
"""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache
from typing import Any

FOLD = "d365_fold"
LIKE = "d365_like"


def register(connection: sqlite3.Connection) -> None:
    """Teach a connection the two functions."""
    connection.create_function(FOLD, 1, fold, deterministic=True)
    connection.create_function(LIKE, 2, like, deterministic=True)


def fold(text: Any) -> Any:
    """Bring text to the form in which equal means equal but for case.

    Source: powerapps-docs …/webapi/query/filter-rows.md, "All filters using string values are case insensitive."
    """
    return text.casefold() if isinstance(text, str) else text


def like(text: object, pattern: object) -> bool | None:
    """Say whether `text` fits a LIKE pattern with % _ [set] [^set]; None if either is null."""
    if text is None or pattern is None:
        return None
    return to_regex(str(pattern)).fullmatch(str(text).casefold()) is not None


@lru_cache(maxsize=512)
def to_regex(pattern: str) -> re.Pattern[str]:
    """Turn a LIKE pattern into a regular expression over folded text.

    Source: powerapps-docs …/developer/data-platform/wildcard-characters.md. Inferred from SQL Server: a bracket that is
    never closed matches nothing else than itself.

    >>> bool(to_regex("[a-c]%_z").fullmatch("bxyz")), bool(to_regex("[^a]b").fullmatch("ab"))
    (True, False)
    """
    made, position, text = [], 0, pattern.casefold()
    while position < len(text):
        character = text[position]
        closing = text.find("]", position + 1) if character == "[" else -1
        if closing > position + 1:
            made.append(_set(text[position + 1 : closing]))
            position = closing
        else:
            made.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
        position += 1
    return re.compile("".join(made), re.DOTALL)


def _set(inside: str) -> str:
    negated = inside.startswith("^") and len(inside) > 1
    members = re.sub(r"([\\\[\]^&|~])", r"\\\1", inside[1:] if negated else inside)
    try:
        re.compile(f"[{members}]")
    except re.error:  # a range the wrong way round, as [z-a], matches nothing
        return r"(?!)"
    return f"[{'^' if negated else ''}{members}]"
