"""Who calls: the user behind a request, and on whose behalf.

Owns the headers that name a caller. Whoever comes without a token, or with any, is the system administrator.
Source: learn.microsoft.com/…/webapi/impersonate-another-user-web-api: `CallerObjectId` (Microsoft Entra object id,
preferred) or `MSCRMCallerID` (systemuserid); the row shows the impersonated user in createdby, the real caller in
createdonbehalfby.
"""

from __future__ import annotations

from .http import Request
from .problems import Problem
from .seed_ids import ADMINISTRATOR
from .session import Session


def identify(session: Session, request: Request | None) -> None:
    """Set `user_id` and `caller_id` of the session; 401 without a token where one is required."""
    session.user_id = ADMINISTRATOR
    if request is None:
        return
    if session.settings.require_token and not request.headers.get("authorization", "").lower().startswith("bearer "):
        raise Problem(401, "0x80048d16", "The request has no bearer token.", {"WWW-Authenticate": "Bearer"})
    by_object = request.headers.get("callerobjectid")
    by_id = request.headers.get("mscrmcallerid")
    if by_object or by_id:
        session.user_id = _find(
            session, "azureactivedirectoryobjectid" if by_object else "systemuserid", by_object or by_id or ""
        )
        session.caller_id = ADMINISTRATOR


def _find(session: Session, column: str, value: str) -> str:
    found = session.raw.execute(
        f'select systemuserid from systemuser where "{column}" = ?',  # noqa: S608  one of two names of ours
        (value.strip().strip("{}").lower(),),
    ).fetchone()
    if found is None:
        # SecLib::… "User Id {0} … does not exist"; 403 as the impersonation family (data-plane.md §1.5), inferred
        raise Problem(403, "0x8004A102", f"No user with {column} {value} exists in this organization.")
    return str(found[0])
