"""Who calls: the user behind a request, and on whose behalf.

Owns the headers that name a caller, and which user a token means: the one that was said to be behind it (setting or
admin route `tokens`), the one whose Entra object id or application id a JSON Web Token carries (its signature is not
looked at), else the system administrator. What a user may do is `security.py`'s.
Source: learn.microsoft.com/…/webapi/impersonate-another-user-web-api: `CallerObjectId` (Microsoft Entra object id,
preferred) or `MSCRMCallerID` (systemuserid) need prvActOnBehalfOfAnotherUser; the row shows the impersonated user in
createdby, the real caller in createdonbehalfby. …/authenticate-oauth and …/use-single-tenant-server-server-
authentication: a token's `oid` or `appid` leads to the systemuser. Inferred: rights are those of the impersonated user
alone (the documentation says the intersection, which is the same for an administrator); error codes.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from d365ext.emulator.problems import Problem
from d365ext.emulator.security import privileges as security
from d365ext.emulator.seed.seed_ids import ADMINISTRATOR
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request

_DISABLED = "0x80040225"


def identify(session: Session, request: Request | None) -> None:
    """Set `user_id` and `caller_id` of the session; 401 without a token where one is required."""
    session.user_id = ADMINISTRATOR
    if request is None:
        return
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        session.user_id = _behind(session, token.strip())
    elif session.settings.require_token:
        raise Problem(401, "0x80048d16", "The request has no bearer token.", {"WWW-Authenticate": "Bearer"})
    by_object = request.headers.get("callerobjectid")
    by_id = request.headers.get("mscrmcallerid")
    if by_object or by_id:
        security.require_privilege(session, "prvActOnBehalfOfAnotherUser")
        session.caller_id = session.user_id
        column = "azureactivedirectoryobjectid" if by_object else "systemuserid"
        value = by_object or by_id or ""
        session.user_id = _enabled(
            session, column, value, f"No user with {column} {value} exists in this organization."
        )


def _behind(session: Session, token: str) -> str:
    """Give the user behind a token."""
    said = session.org.tokens.get(token)
    if said is not None:
        return _enabled(session, "systemuserid", said, f"The token stands for {said}, which is no user.")
    if token.count(".") == 2:
        claims = _claims(token)
        for claim, column in (("oid", "azureactivedirectoryobjectid"), ("appid", "applicationid")):
            value = claims.get(claim)
            if isinstance(value, str) and _find(session, column, value) is not None:
                return _enabled(session, column, value, "")
    return ADMINISTRATOR


def _claims(token: str) -> dict[str, Any]:
    """Read the middle of a JSON Web Token; {} if it is none."""
    middle = token.split(".")[1]
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _enabled(session: Session, column: str, value: str, missing: str) -> str:
    found = _find(session, column, value)
    if found is None:
        raise Problem(403, "0x8004A102", missing)
    user_id, is_disabled = found
    if is_disabled:
        raise Problem(403, _DISABLED, f"The specified user(Id = {user_id}) is disabled. Consider enabling this user.")
    return user_id


def _find(session: Session, column: str, value: str) -> tuple[str, bool] | None:
    found = session.raw.execute(
        f'select systemuserid, isdisabled from systemuser where "{column}" = ?',  # noqa: S608  one of our names
        (value.strip().strip("{}").lower(),),
    ).fetchone()
    return None if found is None else (str(found[0]), bool(found[1]))
