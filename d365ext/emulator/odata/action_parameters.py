"""Parameters of actions: members of the JSON body, checked by name and type.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/use-web-api-actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from d365ext.emulator.problems import Problem
from d365ext.emulator.routes import Target
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request


def row_bound(target: Target, table: str, request: Request) -> str:
    """Give the id of the row that a message of `table` is called on; 404 if it is called on something else."""
    if target.table.logical != table or target.row_id is None:
        raise Problem.no_operation(f"{request.origin}{request.path}")
    return target.row_id


def set_bound(target: Target, request: Request) -> Table:
    """Give the table that a message of collections is called on; 404 if it is called on one row."""
    if target.row_id is not None:
        raise Problem.no_operation(f"{request.origin}{request.path}")
    return target.table


def only(body: Mapping[str, Any], *names: str) -> None:
    """Refuse a parameter that the action does not have."""
    unknown = body.keys() - set(names)
    if unknown:
        raise Problem.payload(f"The parameter '{min(unknown)}' is not a parameter of this action.")


def untyped(given: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out `@odata.type`, which a parameter may carry."""
    return {name: value for name, value in given.items() if name != "@odata.type"}


def whole_number(body: Mapping[str, Any], name: str) -> int:
    """Read a required Edm.Int32 parameter."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Problem.payload(f"The parameter '{name}' must be an integer.")
    return value


def guid(body: Mapping[str, Any], name: str) -> str:
    """Read a required Edm.Guid parameter."""
    try:
        return str(UUID(body[name]))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Problem.payload(f"The parameter '{name}' must be a GUID.") from None
