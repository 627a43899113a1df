"""JSON objects checked against the fields of a dataclass: for faults and settings that a test sends."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from d365ext.emulator.problems import Problem


def check(cls: type, given: Mapping[str, Any], *, without: frozenset[str] = frozenset()) -> None:
    """Refuse with 400 a member that `cls` has not (or that is in `without`), or a value not of its type."""
    hints = {name: hint for name, hint in _hints(cls).items() if name not in without}
    for name, value in given.items():
        if name not in hints:
            raise Problem(400, "", f"There is no '{name}' here; there are: {', '.join(sorted(hints))}.")
        if not _fits(hints[name], value):
            raise Problem(400, "", f"The value {value!r} does not fit '{name}'.")


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _fits(hint: Any, value: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(hint, UnionType):
        return any(_fits(each, value) for each in get_args(hint))
    if hint in (None, NoneType):
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True
