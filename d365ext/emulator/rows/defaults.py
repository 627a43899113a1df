"""What the platform itself writes into a row: who, when, whose, in which state, under which composed name.

Owns system columns on create and update, the consistency of state and status, and composed columns. Works on stored
values. Must not know JSON or SQL statements.

Sources: table reference (createdon …: not valid for create or update); learn.microsoft.com/…/impersonate-another-user-
web-api (createdonbehalfby); error code table InvalidStateCodeStatusCode 0x80048408, its sentence from field reports.
overriddencreatedon, "Date and time that the record was migrated", is the one way to choose createdon, on create only
(field reports: debajmecrm.com, pine4.net/Memo/Article/Archives/295). Inferred: afterwards it holds the moment at which
the row was really made (its display name is "Record Created On").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.plan import Plan
from d365ext.emulator.seed.seed_ids import ORGANIZATION
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX

_OWNER_TYPE = "ownerid" + TYPE_SUFFIX


def on_create(session: Session, plan: Plan, row: dict[str, Any]) -> None:
    """Complete a new row: defaults, who and when, owner, state, names. `row` holds stored values."""
    for name, value in plan.defaults.items():
        row.setdefault(name, value)
    has = plan.has
    primary = plan.table.primary_id
    if row.get(primary) is None:
        row[primary] = str(uuid4())
    unique = primary + "unique"
    if unique in plan.columns and row.get(unique) is None:
        row[unique] = str(uuid4())
    now = session.now_text
    if "createdon" in has:
        row.setdefault("createdon", now)
        migrated = row.get("overriddencreatedon")
        if migrated is not None:
            row["createdon"], row["overriddencreatedon"] = migrated, now
    if "createdby" in has:
        row.setdefault("createdby", session.user_id)
    if "organizationid" in has:
        row.setdefault("organizationid", ORGANIZATION)
    if session.caller_id and "createdonbehalfby" in has:
        row["createdonbehalfby"] = session.caller_id
    modified(session, plan, row)
    if "ownerid" in has:
        if row.get("ownerid") is None:
            row["ownerid"], row[_OWNER_TYPE] = session.user_id, "systemuser"
        owned(session, plan, row)
    if "statecode" in has:
        _first_state(plan, row)
    composed(plan, row, row)


def modified(session: Session, plan: Plan, changes: dict[str, Any]) -> None:
    """Note who changes the row and when."""
    if "modifiedon" in plan.has:
        changes.setdefault("modifiedon", session.now_text)
    if "modifiedby" in plan.has:
        changes.setdefault("modifiedby", session.user_id)
    if session.caller_id and "modifiedonbehalfby" in plan.has:
        changes["modifiedonbehalfby"] = session.caller_id


def owned(session: Session, plan: Plan, changes: dict[str, Any]) -> None:
    """Let owninguser, owningteam and owningbusinessunit follow ownerid."""
    owner, kind = changes["ownerid"], changes[_OWNER_TYPE]
    has = plan.has
    if "owninguser" in has:
        changes["owninguser"] = owner if kind == "systemuser" else None
    if "owningteam" in has:
        changes["owningteam"] = owner if kind == "team" else None
    if "owningbusinessunit" in has:
        changes["owningbusinessunit"] = _business_unit(session, kind, owner)


def _business_unit(session: Session, kind: str, owner: str) -> str | None:
    units = session.cache.setdefault("business units", {})
    assert isinstance(units, dict)  # noqa: S101  only this function writes that entry
    if owner not in units:
        read = session.raw.execute(
            f"select businessunitid from {kind} where {kind}id = ?",  # noqa: S608  systemuser or team
            (owner,),
        ).fetchone()
        units[owner] = read and read[0]
    found: str | None = units[owner]
    return found


def _first_state(plan: Plan, row: dict[str, Any]) -> None:
    """A new row is in its first state; a status reason may be chosen within it."""
    state = row.setdefault("statecode", next(iter(plan.default_status), 0))
    if row["statecode"] is None:
        state = row["statecode"] = 0
    if "statuscode" not in plan.has:
        return
    if row.get("statuscode") is None:
        row["statuscode"] = plan.default_status.get(state)
    else:
        _refuse_mismatch(plan, state, row["statuscode"])


def changed_state(plan: Plan, before: Mapping[str, Any], changes: dict[str, Any]) -> None:
    """Keep state and status consistent on update.

    A state alone takes its default status reason; a status reason of another state is refused.
    """
    if "statecode" not in plan.has or "statuscode" not in plan.has:
        return
    state = changes.get("statecode", before["statecode"])
    if "statuscode" not in changes:
        if "statecode" in changes and state != before["statecode"]:
            changes["statuscode"] = plan.default_status.get(state)
    elif changes["statuscode"] is not None:
        _refuse_mismatch(plan, state, changes["statuscode"])
    else:
        changes["statuscode"] = plan.default_status.get(state)


def _refuse_mismatch(plan: Plan, state: int, status: int) -> None:
    option = plan.columns["statuscode"].options.get(status)
    if option is None or option.state in (None, state):
        return
    name = plan.columns["statecode"].options[state].label(1033) if state in plan.columns["statecode"].options else state
    raise Problem(
        400,
        "0x80048408",
        f"{status} is not a valid status code for state code {plan.table.schema}State.{name} on {plan.table.logical}.",
    )


_NAMED = frozenset({"contact", "lead", "systemuser"})


def composed(plan: Plan, row: Mapping[str, Any], into: dict[str, Any]) -> None:
    """Compose fullname and the composite addresses; `row` is the whole row, `into` what is written.

    Inferred: the name format is "First Last" (organization.fullnameconventioncode can say otherwise on the platform);
    an address is its lines, then "city, state postal code", then the country, on lines of their own.
    """
    if plan.table.logical in _NAMED and ("firstname" in into or "lastname" in into):
        into["fullname"] = " ".join(filter(None, (row.get("firstname"), row.get("lastname")))) or None
    for prefix in _ADDRESSES:
        composite = prefix + "_composite"
        if composite in plan.columns and any(prefix + part in into for part in _PARTS):
            into[composite] = _address(prefix, row)


_ADDRESSES = ("address1", "address2", "address3", "billto", "shipto")
_PARTS = ("_line1", "_line2", "_line3", "_city", "_stateorprovince", "_postalcode", "_country")


def _address(prefix: str, row: Mapping[str, Any]) -> str | None:
    line1, line2, line3, city, state, postal, country = (row.get(prefix + part) for part in _PARTS)
    region = " ".join(filter(None, (state, postal)))
    place = ", ".join(filter(None, (city, region)))
    return "\r\n".join(filter(None, (line1, line2, line3, place, country))) or None
