"""What roles hold: the rows of `privilege`, and the messages that give a role privileges and tell who has them.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference, pages addprivilegesrole,
replaceprivilegesrole, removeprivilegerole, retrieveroleprivilegesrole, retrieveuserprivileges, roleprivilege (Depth of
the enumeration PrivilegeDepth: Basic, Local, Deep, Global; PrivilegeId; PrivilegeName; BusinessUnitId). Error code
table: CannotModifySysAdmin 0x80041d31. Inferred: a depth that a privilege cannot have is raised to Global.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from d365ext.emulator.documents.documents import fixed_id
from d365ext.emulator.odata.action_parameters import guid, only, row_bound
from d365ext.emulator.problems import Problem
from d365ext.emulator.routes import Target
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import to_guid
from d365ext.emulator.security import privileges as security
from d365ext.emulator.security.privileges import Depth
from d365ext.emulator.seed.seed_ids import BUSINESS_UNIT, ROLE
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response

_DEPTHS = {"Basic": Depth.BASIC, "Local": Depth.LOCAL, "Deep": Depth.DEEP, "Global": Depth.GLOBAL}
_BY_NUMBER = dict(enumerate(_DEPTHS.values()))
_RIGHTS = {
    "Assign": 524288,
    "Read": 1,
    "Write": 2,
    "Append": 4,
    "AppendTo": 16,
    "Create": 32,
    "Delete": 65536,
    "Share": 262144,
}


MISCELLANEOUS = (
    "prvActOnBehalfOfAnotherUser",
    "prvBulkDelete",
    "prvPublishCustomization",
    "prvImportCustomization",
    "prvExportCustomization",
    *(
        f"prv{right}{what}"
        for what in ("Entity", "Attribute", "Relationship", "OptionSet", "EntityKey")
        for right in ("Create", "Read", "Write", "Delete")
    ),
)
"""Privileges that belong to no table of rows. Source: …/security-roles ("Miscellaneous privileges")."""


def miscellaneous(name: str) -> dict[str, Any]:
    """Make the document of a privilege that belongs to no table: it is given for the organization or not at all."""
    depths = {f"CanBe{each}": each == "Global" for each in _DEPTHS}
    return {"Name": name, "PrivilegeId": fixed_id("privilege", name), "PrivilegeType": "None", **depths}


def plant(session: Session) -> None:
    """Make the privilege rows of every table."""
    for table in session.schema.tables.values():
        add_privileges(session, table.definition.get("Privileges") or ())
    add_privileges(session, (miscellaneous(name) for name in MISCELLANEOUS))


def add_privileges(session: Session, documents: Iterable[Mapping[str, Any]]) -> None:
    """Make a row of `privilege` for each document that has none."""
    table = session.schema.table("privilege")
    for document in documents:
        privilege_id = document["PrivilegeId"]
        if rows.find(session, table, privilege_id) is not None:
            continue
        values = {
            "privilegeid": privilege_id,
            "name": document["Name"],
            "accessright": _RIGHTS.get(document["PrivilegeType"], 0),
            **{f"canbe{each}": document[f"CanBe{each.capitalize()}"] for each in ("basic", "local", "deep", "global")},
        }
        rows.create(session, table, values, by_system=True)


def add_privileges_role(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST roles(id)/Microsoft.Dynamics.CRM.AddPrivilegesRole`."""
    role = _changeable(target, request)
    only(body, "Privileges")
    for privilege_id, depth in _given(session, body):
        _put(session, role, privilege_id, depth)
    return Response.empty()


def replace_privileges_role(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST roles(id)/Microsoft.Dynamics.CRM.ReplacePrivilegesRole`."""
    role = _changeable(target, request)
    only(body, "Privileges")
    given = list(_given(session, body))
    session.raw.execute("delete from roleprivileges where roleid = ?", (role,))
    for privilege_id, depth in given:
        _put(session, role, privilege_id, depth)
    return Response.empty()


def remove_privilege_role(session: Session, target: Target, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST roles(id)/Microsoft.Dynamics.CRM.RemovePrivilegeRole`."""
    role = _changeable(target, request)
    only(body, "PrivilegeId")
    session.raw.execute(
        "delete from roleprivileges where roleid = ? and privilegeid = ?", (role, guid(body, "PrivilegeId"))
    )
    return Response.empty()


def retrieve_role_privileges(session: Session, target: Target, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET roles(id)/Microsoft.Dynamics.CRM.RetrieveRolePrivilegesRole()`."""
    found = session.raw.execute(
        "select rp.privilegeid, p.name, rp.privilegedepthmask from roleprivileges rp "
        "join privilege p on p.privilegeid = rp.privilegeid where rp.roleid = ? order by p.name",
        (row_bound(target, "role", request),),
    ).fetchall()
    return _listed(request, "RetrieveRolePrivilegesRoleResponse", found)


def retrieve_user_privileges(session: Session, target: Target, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET systemusers(id)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`."""
    user = row_bound(target, "systemuser", request)
    if security.has_every_privilege(session, user):
        found = session.raw.execute(
            "select privilegeid, name, ? from privilege order by name", (int(Depth.GLOBAL),)
        ).fetchall()
    else:
        found = session.raw.execute(
            "select rp.privilegeid, p.name, max(rp.privilegedepthmask) from roleprivileges rp "  # noqa: S608
            "join privilege p on p.privilegeid = rp.privilegeid "
            f"where rp.roleid in ({security.ROLES_SQL}) group by rp.privilegeid, p.name order by p.name",
            (user, user),
        ).fetchall()
    return _listed(request, "RetrieveUserPrivilegesResponse", found)


def _listed(request: Request, kind: str, found: Iterable[tuple[str, str, int]]) -> Response:
    names = {depth: name for name, depth in _DEPTHS.items()}
    listed = [
        {
            "Depth": names[Depth(depth)],
            "PrivilegeId": privilege_id,
            "BusinessUnitId": BUSINESS_UNIT,
            "PrivilegeName": name,
        }
        for privilege_id, name, depth in found
    ]
    return Response.json(
        {"@odata.context": f"{request.root}$metadata#Microsoft.Dynamics.CRM.{kind}", "RolePrivileges": listed}
    )


def _changeable(target: Target, request: Request) -> str:
    role = row_bound(target, "role", request)
    if role == ROLE:
        raise Problem(400, "0x80041d31", "The System Administrator Role cannot be modified.")
    return role


def _given(session: Session, body: Mapping[str, Any]) -> Iterable[tuple[str, Depth]]:
    given = body.get("Privileges")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise Problem.payload("The parameter 'Privileges' must be a list of RolePrivilege objects.")
    for each in given:
        privilege_id = to_guid("role", each.get("PrivilegeId"))
        row = rows.find(session, session.schema.table("privilege"), privilege_id)
        if row is None:
            raise Problem.no_row("privilege", privilege_id)
        depth = _depth(each.get("Depth"))
        yield privilege_id, depth if row[f"canbe{depth.name.lower()}"] else Depth.GLOBAL


def _depth(given: object) -> Depth:
    found = _DEPTHS.get(given) if isinstance(given, str) else _BY_NUMBER.get(given) if isinstance(given, int) else None
    if found is None and isinstance(given, str) and given.isdecimal():
        found = _BY_NUMBER.get(int(given))
    if found is None:
        raise Problem.payload(f"'{given}' is not a member of Microsoft.Dynamics.CRM.PrivilegeDepth.")
    return found


def _put(session: Session, role: str, privilege_id: str, depth: Depth) -> None:
    session.raw.execute("delete from roleprivileges where roleid = ? and privilegeid = ?", (role, privilege_id))
    values = {"roleid": role, "privilegeid": privilege_id, "privilegedepthmask": int(depth)}
    rows.create(session, session.schema.table("roleprivileges"), values, by_system=True)
