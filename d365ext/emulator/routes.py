"""The one visible table of what the local Dataverse answers, beside rows of its tables.

A route is "module.function", imported when it is first used, so that this table can name every module without
importing them all. Whatever is not here is refused with 501 and its name (actions and functions that Dataverse
documents) or 404 (names that mean nothing).

Signatures, by kind:
    ACTIONS           handler(session: Session, body: dict, request: Request) -> Response        POST /Name
    FUNCTIONS         handler(session: Session, params: dict[str, Expression], request) -> Response   GET /Name(…)
    BOUND_ACTIONS     handler(session, target: Target, body: dict, request) -> Response          POST /set[(id)]/Namespace.Name
    BOUND_FUNCTIONS   handler(session, target: Target, params, request) -> Response              GET  /set[(id)]/Namespace.Name(…)
    DEFINITION_SETS   handler(session, segments: list[Segment], request) -> Response             any method; a write
                      session for anything but GET
    SPECIAL           handler(org: Organization, request: Request) -> Response                   opens its own sessions
    ADMIN             handler(org, request) -> Response                                          /_emulator/<name>
`params` are still expressions of odata_ast (parameter aliases unresolved: request.options["@p1"] has their text).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from .http import Response
from .schema import Table

Handler = Callable[..., Response]


@dataclass(frozen=True)
class Target:
    """What a bound action or function is called on: a table, or one row of it (`row_id`)."""

    table: Table
    row_id: str | None = None


ACTIONS: Mapping[str, str] = {}

FUNCTIONS: Mapping[str, str] = {}

BOUND_ACTIONS: Mapping[str, str] = {}

BOUND_FUNCTIONS: Mapping[str, str] = {}

DEFINITION_SETS: Mapping[str, str] = {
    "EntityDefinitions": "definitions_read.handle",
    "RelationshipDefinitions": "definitions_read.handle",
    "GlobalOptionSetDefinitions": "definitions_read.handle",
    "ManagedPropertyDefinitions": "definitions_read.handle",
}

SPECIAL: Mapping[str, str] = {
    "$batch": "batch.handle",
    "$metadata": "csdl.handle",
}

ADMIN: Mapping[str, str] = {}

# Hooks: called by rows.py around writes of these tables, inside the same transaction.
#   before_write(session, table, row_id | None (create), changes: dict) -> None   may change `changes` or refuse
#   after_write(session, table, row_id, operation: "create" | "update" | "delete", changes: dict) -> None
BEFORE_WRITE: Mapping[str, tuple[str, ...]] = {}
AFTER_WRITE: Mapping[str, tuple[str, ...]] = {}


@cache
def resolve(route: str) -> Callable[..., Any]:
    """Give the function that a route names."""
    module, _, function = route.rpartition(".")
    found = getattr(import_module(f"{__package__}.{module}"), function)
    assert callable(found)  # noqa: S101  routes are ours
    return found  # type: ignore[no-any-return]
