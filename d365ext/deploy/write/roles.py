"""Security roles and their privileges.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/addprivilegesrole (adds, or changes the
depth of what is there), …/roleprivilege (Depth, PrivilegeId, BusinessUnitId).
"""

from __future__ import annotations

from collections.abc import Iterable

from d365ext.deploy.ui_change import CreateRole, ModifyRole
from d365ext.deploy.write.writer import Writer
from d365ext.errors import RowNotFound
from d365ext.names import EntitySetName
from d365ext.webapi.query import Query, bind, literal, row_address

_AT_ONCE = 20
"""Names in one filter: short enough for an address."""


def create_role(writer: Writer, change: CreateRole) -> None:
    unit = _root_unit(writer)
    row = {
        "roleid": str(change.role.id),
        "name": change.role.name,
        "businessunitid@odata.bind": bind("businessunits", unit),
    }
    writer.client.create("roles", row, solution=writer.into)
    _add(writer, change.role.id, unit, change.privileges)


def modify_role(writer: Writer, change: ModifyRole) -> None:
    address = row_address("roles", change.role.id)
    writer.client.update(address, {"name": change.role.name}, solution=writer.into)
    _add(writer, change.role.id, _root_unit(writer), change.privileges)


def _add(writer: Writer, role_id: object, unit: str, privileges: Iterable[tuple[str, str]]) -> None:
    wanted = dict(privileges)
    ids = _privilege_ids(writer, list(wanted))
    given = [{"PrivilegeId": ids[name], "Depth": depth, "BusinessUnitId": unit} for name, depth in wanted.items()]
    if given:
        action = f"{row_address('roles', str(role_id))}/Microsoft.Dynamics.CRM.AddPrivilegesRole"
        writer.client.invoke(action, {"Privileges": given}, repeatable=True)


def _privilege_ids(writer: Writer, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        query = Query(
            EntitySetName("privileges"),
            select=("name", "privilegeid"),
            filter=" or ".join(f"name eq {literal(name)}" for name in some),
        )
        found |= {row["name"]: row["privilegeid"] for row in writer.client.rows(query)}
    missing = [name for name in names if name not in found]
    if missing:
        raise RowNotFound(f"The environment has no privilege {', '.join(missing)}.")
    return found


def _root_unit(writer: Writer) -> str:
    """Find the business unit that has none above it: roles are made there and inherited by the others."""
    query = Query(
        EntitySetName("businessunits"), select=("businessunitid",), filter="_parentbusinessunitid_value eq null"
    )
    (unit,) = writer.client.rows(query)
    return str(unit["businessunitid"])
