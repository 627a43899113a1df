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

import sqlalchemy as sa

from d365ext.emulator.documents.documents import fixed_id
from d365ext.emulator.problems import Problem
from d365ext.emulator.seed.seed_ids import ADMINISTRATOR, ROLE, SYSTEM
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table


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


def is_restricted(session: Session) -> bool:
    """Say whether the caller's privileges have to be looked at."""
    return session.user_id not in (ADMINISTRATOR, SYSTEM) and not is_administrator(session)


def require(session: Session, table: Table, right: str, row: Mapping[str, Any] | None = None) -> None:
    """Refuse with 403 unless the caller has `right` (Create Read Write Delete Append AppendTo Assign) on the table.

    With a stored `row` the row must be in reach too.
    """
    if not is_restricted(session):
        return
    reach = reach_of(session, table, right)
    if reach is None:
        raise denied(session, table, right, Depth.BASIC)
    if row is not None and table.ownership == "UserOwned" and not reach.covers(row):
        raise _out_of_reach(session, table, right, row)


def require_global_read(session: Session, table: Table) -> None:
    """Refuse with 403 unless the caller may read every row of the table."""
    if not is_restricted(session):
        return
    reach = reach_of(session, table, "Read")
    if reach is None or reach.depth is not Depth.GLOBAL:
        raise denied(session, table, "Read", Depth.GLOBAL)


def require_link(session: Session, table: Table, target: Table) -> None:
    """Refuse with 403 unless the caller may link rows of the one table to rows of the other.

    Source: …/security-access-coding: Append on the row that has the lookup, AppendTo on the row it names.
    """
    require(session, table, "Append")
    require(session, target, "AppendTo")


def require_privilege(session: Session, name: str) -> None:
    """Refuse with 403 unless the caller has a privilege that belongs to no table, such as prvBulkDelete."""
    if not is_restricted(session):
        return
    held = session.raw.execute(
        "select 1 from roleprivileges rp join privilege p on p.privilegeid = rp.privilegeid "  # noqa: S608
        f"where p.name = ? and rp.roleid in ({ROLES_SQL})",
        (name, session.user_id, session.user_id),
    ).fetchone()
    if held is None:
        raise _denied(session, {"Name": name, "PrivilegeId": fixed_id("privilege", name)}, Depth.BASIC)


def visible(session: Session, table: Table, source: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Give the conditions that leave only rows the caller may read; 403 if they may read none."""
    if not is_restricted(session):
        return []
    reach = reach_of(session, table, "Read")
    if reach is None:
        raise denied(session, table, "Read", Depth.BASIC)
    if reach.depth is Depth.GLOBAL:
        return []
    return [sa.or_(source.c.ownerid.in_(reach.owners), source.c.owningbusinessunit.in_(reach.units))]


def reach_of(session: Session, table: Table, right: str) -> Reach | None:
    """Give how far the caller's `right` reaches, or None if they have none. Tables without privileges are open."""
    if not table.definition.get("Privileges") or is_administrator(session):
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
    for privilege in table.definition.get("Privileges") or ():
        if privilege["PrivilegeType"] == right:
            found: Mapping[str, Any] = privilege
            return found
    return None


def denied(session: Session, table: Table, right: str, depth: Depth) -> Problem:
    """Make the 403 that names the privilege the caller lacks."""
    privilege = privilege_of(table, right) or {"Name": f"prv{right}{table.schema}", "PrivilegeId": ""}
    return _denied(session, privilege, depth)


def _denied(session: Session, privilege: Mapping[str, Any], depth: Depth) -> Problem:
    (held,) = session.raw.execute(
        f"select count(distinct privilegeid) from roleprivileges where roleid in ({ROLES_SQL})",  # noqa: S608
        (session.user_id, session.user_id),
    ).fetchone()
    (known,) = session.raw.execute("select count(*) from privilege").fetchone()
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


def _roles(session: Session, user_id: str) -> frozenset[str]:
    known = session.cache.setdefault("roles", {})
    assert isinstance(known, dict)  # noqa: S101  only this function writes that entry
    if user_id not in known:
        known[user_id] = frozenset(role for (role,) in session.raw.execute(ROLES_SQL, (user_id, user_id)))
    found: frozenset[str] = known[user_id]
    return found


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
