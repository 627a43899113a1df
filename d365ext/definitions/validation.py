"""Turns the content of a file into parts, and every mistake into a sentence with its line.

Unknown keys are refused with the nearest known one: a key that is quietly ignored is a wish not granted.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from d365ext.definitions.parts import Part, Rules
from d365ext.definitions.tomlfile import Place, TomlFile
from d365ext.errors import DefinitionError, DefinitionErrors

PartT = TypeVar("PartT", bound=Part)

_WORDS = {"dict_type": "a table", "model_type": "a table", "tuple_type": "a list", "string_type": "a text in quotes"}
_WORDS |= {"int_type": "a whole number", "bool_type": "true or false", "model_attributes_type": "a table"}


@dataclass(slots=True)
class Mistakes:
    """Every mistake so far; none stops the search for more."""

    found: list[DefinitionError] = field(default_factory=list)

    def add(self, mistake: DefinitionError) -> None:
        """Note one."""
        self.found.append(mistake)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Note what the block raises instead of letting it end the search."""
        try:
            yield
        except DefinitionError as mistake:
            self.found.append(mistake)
        except DefinitionErrors as several:
            self.found.extend(several.mistakes)

    def raise_if_any(self) -> None:
        """Raise them all, in the order of files and lines.

        Errors:  DefinitionErrors.
        """
        if self.found:
            raise DefinitionErrors(sorted(self.found, key=lambda mistake: (mistake.file, mistake.line or 0)))


def to_part(
    kind: type[PartT],
    content: Mapping[str, Any],
    *,
    file: TomlFile,
    mistakes: Mistakes,
    place: Place = (),
    rules: Rules | None = None,
) -> PartT | None:
    """Make a part of `content`, which stands at `place` of `file`; note the mistakes and give None if it has any."""
    try:
        # JSON is the form in which strict pydantic takes a list for a tuple and a text for a UUID, and nothing else.
        return kind.model_validate_json(json.dumps(content, default=str), context=rules)
    except ValidationError as refused:
        for error in refused.errors():
            inside = _without_tags(error["loc"], content)
            below = error.get("ctx", {}).get("below", 0)
            mistakes.add(file.mistake(_sentence(error, kind), (*place, *inside), below=below))
        return None


def _without_tags(loc: Sequence[str | int], content: Any) -> Place:
    """Leave out of pydantic's location what is not in the file: the names of the union's members."""
    place: list[str | int] = []
    for number, part in enumerate(loc):
        inside = isinstance(content, Mapping) and part in content
        inside = inside or (isinstance(content, list) and isinstance(part, int) and part < len(content))
        if inside:
            content = content[part]
            place.append(part)
        elif number == len(loc) - 1 and isinstance(content, Mapping):
            place.append(part)  # what is missing
    return tuple(place)


def _sentence(error: ErrorDetails, kind: type[Part]) -> str:
    """Say in our words what pydantic found."""
    last = error["loc"][-1] if error["loc"] else ""
    match error["type"]:
        case "missing":
            return f"'{last}' is missing."
        case "extra_forbidden":
            return unknown(str(last), _keys_at(kind, error["loc"][:-1]))
        case "refused":
            return error["msg"]
        case "union_tag_not_found":
            return "'type' is missing."
        case "union_tag_invalid":
            context = error.get("ctx", {})
            return f"There is no type '{context.get('tag')}'. Types are {context.get('expected_tags')}."
        case name if name in _WORDS:
            return f"This should be {_WORDS[name]}, not {error['input']!r}."
        case _:
            return f"{error['msg']}, not {error['input']!r}."


def unknown(name: str, known: Sequence[str], *, what: str = "key") -> str:
    """Say that `name` is not known, and which known one it resembles.

    >>> unknown("lable", ["label", "name"])
    "There is no key 'lable' here; did you mean 'label'?"
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    advice = f"; did you mean '{near[0]}'?" if near else f". Known here: {', '.join(sorted(known))}." if known else "."
    return f"There is no {what} '{name}' here{advice}"


def _keys_at(kind: Any, loc: Sequence[str | int]) -> list[str]:
    """List the keys that a table at `loc` of `kind` may have."""
    for part in loc:
        kind = _step(kind, part)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    return []


def _step(kind: Any, part: str | int) -> Any:
    """Follow one step of pydantic's location through the types."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field_of in kind.model_fields.items():
            if part in (name, field_of.alias):
                return _bare(field_of.annotation)
        return None
    if get_origin(kind) in (Union, UnionType):
        return next((member for member in get_args(kind) if part in _tags(member)), None)
    arguments = get_args(kind)
    return _bare(arguments[-1] if get_origin(kind) is dict else arguments[0]) if arguments else None


def _bare(kind: Any) -> Any:
    """Take off Annotated and None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else kind
    return kind


def _tags(member: Any) -> tuple[Any, ...]:
    """Give the words of `type` that choose this member of a union."""
    annotation = member.model_fields["type"].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()
