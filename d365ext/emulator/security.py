"""What a caller may do: privileges of roles, with their depth, against tables and rows.

Owns the question "may they?"; who "they" are is `callers.py`'s, how roles are written `roles.py`'s.

Source: learn.microsoft.com/power-apps/developer/data-platform/security-roles and …/security-access-coding: a privilege
is named prv<Right><Table>, a role gives it at a depth (Basic: own rows, Local: business unit, Deep: with those below,
Global: organization), roles of a user and of their teams add up; the System Administrator role has every privilege.
The refusal's words: powerapps-docs issue 3883 ("SecLib::CheckPrivilege failed. User: …, PrivilegeName: prvReadAccount,
PrivilegeId: …, Required Depth: Global, BusinessUnitId: …"), with PrivilegeDenied 0x80040220 and 403 (error code table;
…/webapi/compose-http-requests-handle-errors). Rows out of reach: SecLib::AccessCheckEx, 0x80048306 (field reports).
Not played: sharing, column security, hierarchy, access modes, licences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from .problems import Problem
from .schema import Table
from .seed_ids import ADMINISTRATOR, ROLE, SYSTEM
from .session import Session


class Depth(IntEnum):
    """How far a privilege reaches; the numbers are those of `roleprivileges.privilegedepthmask`."""

    BASIC = 1
    LOCAL = 2
    DEEP = 4
    GLOBAL = 8


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose rows a caller may touch: the units in reach, and the owners in any case (themselves and their teams)."""

    depth: Depth
    owners: frozenset[str]
    units: frozenset[str]

    def covers(self, row: Mapping[str, Any]) -> bool:
        """Say whether a stored row is in reach."""
        if self.depth is Depth.GLOBAL or row.get("ownerid") in self.owners:
            return True
        return row.get("owningbusinessunit") in self.units


def is_administrator(session: Session) -> bool:
    """Say whether the caller has the System Administrator role."""
    return has_every_privilege(session, session.user_id)


def has_every_privilege(session: Session, user_id: str) -> bool:
    """Say whether a user has the System Administrator role, of their own or by a team."""
    return user_id in (ADMINISTRATOR, SYSTEM) or ROLE in _roles(session, user_id)


def require(session: Session, table: Table, right: str, row: Mapping[str, Any] | None = None) -> None:
    """Refuse with 403 unless the caller has `right` (Create Read Write Delete Append AppendTo Assign) on the table.

    With a stored `row` the row must be in reach too.
    """
    if session.user_id in (ADMINISTRATOR, SYSTEM):
        return
    reach = reach_of(session, table, right)
    if reach is None:
        raise denied(session, table, right, Depth.BASIC)
    if row is not None and table.ownership == "UserOwned" and not reach.covers(row):
        raise _out_of_reach(session, table, right, row)


def require_global_read(session: Session, table: Table) -> None:
    """Refuse with 403 unless the caller may read every row of the table."""
    if session.user_id in (ADMINISTRATOR, SYSTEM):
        return
    reach = reach_of(session, table, "Read")
    if reach is None or reach.depth is not Depth.GLOBAL:
        raise denied(session, table, "Read", Depth.GLOBAL)


def reach_of(session: Session, table: Table, right: str) -> Reach | None:
    """Give how far the caller's `right` reaches, or None if they have none."""
    if is_administrator(session):
        return Reach(Depth.GLOBAL, frozenset(), frozenset())
    privilege = privilege_of(table, right)
    if privilege is None:
        return None
    found = session.raw.execute(
        "select max(rp.privilegedepthmask) from roleprivileges rp "  # noqa: S608  constants of ours
        "where rp.privilegeid = ? and rp.roleid in "
        f"({ROLES_SQL})",
        (privilege["PrivilegeId"], session.user_id, session.user_id),
    ).fetchone()
    if found is None or found[0] is None:
        return None
    depth = Depth(found[0])
    if table.ownership != "UserOwned":
        depth = Depth.GLOBAL
    return Reach(depth, _owners(session), _units(session, depth))


def privilege_of(table: Table, right: str) -> Mapping[str, Any] | None:
    """Give the privilege document of a table's right, if the table has that right."""
    for privilege in table.definition.get("Privileges", ()):
        if privilege["PrivilegeType"] == right:
            found: Mapping[str, Any] = privilege
            return found
    return None


def denied(session: Session, table: Table, right: str, depth: Depth) -> Problem:
    """Make the 403 that names the privilege the caller lacks."""
    privilege = privilege_of(table, right) or {"Name": f"prv{right}{table.schema}", "PrivilegeId": ""}
    (held,) = session.raw.execute(
        f"select count(distinct privilegeid) from roleprivileges where roleid in ({ROLES_SQL})",  # noqa: S608
        (session.user_id, session.user_id),
    ).fetchone()
    known = sum(len(each.definition.get("Privileges", ())) for each in session.schema.tables.values())
    return Problem(
        403,
        "0x80040220",
        f"SecLib::CheckPrivilege failed. User: {session.user_id}, PrivilegeName: {privilege['Name']}, "
        f"PrivilegeId: {privilege['PrivilegeId']}, Required Depth: {depth.name.capitalize()}, "
        f"BusinessUnitId: {_unit(session)}, MetadataCache Privileges Count: {known}, User Privileges Count: {held}",
    )


def _out_of_reach(session: Session, table: Table, right: str, row: Mapping[str, Any]) -> Problem:
    rights = {"Read": "ReadAccess", "Write": "WriteAccess", "Delete": "DeleteAccess", "Assign": "AssignAccess"}
    return Problem(
        403,
        "0x80048306",
        f"SecLib::AccessCheckEx failed. Returned hr = -2147187962, ObjectID: {row[table.primary_id]}, "
        f"OwnerId: {row.get('ownerid')}, OwnerIdType: 8 and CallingUser: {session.user_id}. "
        f"ObjectTypeCode: {table.object_type_code}, objectBusinessUnitId: {row.get('owningbusinessunit')}, "
        f"AccessRights: {rights.get(right, right + 'Access')}",
    )


ROLES_SQL = (
    "select roleid from systemuserroles where systemuserid = ? union "
    "select tr.roleid from teamroles tr join teammembership tm on tm.teamid = tr.teamid where tm.systemuserid = ?"
)


def _roles(session: Session, user_id: str) -> set[str]:
    return {role for (role,) in session.raw.execute(ROLES_SQL, (user_id, user_id))}


def _owners(session: Session) -> frozenset[str]:
    teams = session.raw.execute("select teamid from teammembership where systemuserid = ?", (session.user_id,))
    return frozenset({session.user_id, *(team for (team,) in teams)})


def _unit(session: Session) -> str:
    found = session.raw.execute(
        "select businessunitid from systemuser where systemuserid = ?", (session.user_id,)
    ).fetchone()
    return "" if found is None or found[0] is None else str(found[0])


def _units(session: Session, depth: Depth) -> frozenset[str]:
    unit = _unit(session)
    if depth is Depth.LOCAL:
        return frozenset({unit})
    if depth is not Depth.DEEP:
        return frozenset()
    below = session.raw.execute(
        "with recursive below(id) as (select ? union select b.businessunitid from businessunit b "
        "join below on b.parentbusinessunitid = below.id) select id from below",
        (unit,),
    )
    return frozenset(each for (each,) in below)
