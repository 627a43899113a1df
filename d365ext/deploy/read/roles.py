"""Security roles of ours, and what the privileges of a table are called.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/retrieveroleprivilegesrole,
…/reference/entitymetadata (`Privileges`: Name, PrivilegeId, PrivilegeType).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from d365ext.definitions.solution import Solution
from d365ext.deploy.environment import FoundRole
from d365ext.errors import RowNotFound
from d365ext.webapi.client import Client
from d365ext.webapi.query import row_address
from d365ext.webapi.tabledefs import read_definition, table_address

_RIGHTS = {"AppendTo": "append_to"}


def read_roles(client: Client, solution: Solution) -> dict[UUID, FoundRole]:
    """Read every role that we declare, by its fixed id."""
    found = {}
    for role in solution.roles.values():
        address = row_address("roles", role.id)
        try:
            name = client.retrieve(address, select=["name"])["name"]
        except RowNotFound:
            continue
        given = client.call(f"{address}/Microsoft.Dynamics.CRM.RetrieveRolePrivilegesRole()")["RolePrivileges"]
        found[role.id] = FoundRole(name, {_name(client, each): each["Depth"] for each in given})
    return found


def _name(client: Client, given: Mapping[str, Any]) -> str:
    """Name a privilege of a role; older versions of the service give only its id."""
    name = given.get("PrivilegeName") or client.retrieve(row_address("privileges", given["PrivilegeId"]))["name"]
    return str(name)


def read_privileges(client: Client, tables: Iterable[str]) -> Mapping[tuple[str, str], str]:
    """Read what the privileges of `tables` are called."""
    names: dict[tuple[str, str], str] = {}
    for table in dict.fromkeys(tables):
        definition = read_definition(client, f"{table_address(table)}?$select=Privileges")
        for each in (definition or {}).get("Privileges") or ():
            right = each["PrivilegeType"]
            names[table, _RIGHTS.get(right, right.lower())] = each["Name"]
    return names
