"""Which of the privileges that a plan needs the user lacks.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/retrieveuserprivileges,
…/reference/entities/privilege (`name`), …/reference/whoami.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from d365ext.deploy.privileges import Needs
from d365ext.errors import Forbidden
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.components import read_many
from d365ext.webapi.query import Query, literal, row_address
from d365ext.webapi.tabledefs import table_address

_AT_ONCE = 20
_RIGHTS = {"Create": "create", "Read": "read", "Write": "write", "Delete": "delete"}


def missing_privileges(client: Client, needs: Needs) -> list[str]:
    """Name what the user lacks. What the environment does not know as a privilege is not asked for.

    Effects: reads only; four or five requests.
    """
    user = row_address("systemusers", client.call("WhoAmI()")["UserId"])
    held = client.call(f"{user}/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()")["RolePrivileges"]
    ids = {UUID(each["PrivilegeId"]) for each in held}
    wanted = {**_of_tables(client, needs.rights), **_by_name(client, sorted(needs.names))}
    return sorted(name for name, privilege_id in wanted.items() if privilege_id not in ids)


def _of_tables(client: Client, rights: Iterable[tuple[str, str]]) -> dict[str, UUID]:
    """Find the privileges of tables: name → id."""
    wanted = set(rights)
    tables = sorted({table for table, _ in wanted})
    answers = read_many(client, [f"{table_address(table)}?$select=Privileges" for table in tables])
    return {
        each["Name"]: UUID(each["PrivilegeId"])
        for table, answer in zip(tables, answers, strict=True)
        for each in (answer or {}).get("Privileges") or ()
        if (table, _RIGHTS.get(each["PrivilegeType"])) in wanted
    }


def _by_name(client: Client, names: list[str]) -> dict[str, UUID]:
    """Find privileges by their names. Who may not read the list is told by the first request that writes."""
    found: dict[str, UUID] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = " or ".join(f"name eq {literal(name)}" for name in names[start : start + _AT_ONCE])
        query = Query(EntitySetName("privileges"), select=("name", "privilegeid"), filter=some)
        try:
            found |= {row["name"]: UUID(row["privilegeid"]) for row in client.rows(query)}
        except Forbidden:
            return {}
    return found
