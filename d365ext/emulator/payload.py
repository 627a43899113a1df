"""From a JSON body to column values: `@odata.bind`, `_x_value`, nested rows, annotations.

values, nested = read(session, table, body, request)     # see rows.py for the form of values
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from .schema import ManyToMany, Relationship


class LookupValue(NamedTuple):
    """A row that a lookup points to."""

    table: str
    id: str


Navigation: TypeAlias = "Relationship | ManyToMany"


@dataclass(frozen=True, slots=True)
class Nested:
    """A row to be made or linked along with its parent: the navigation property and the JSON object or bind."""

    navigation: Navigation
    body: object
