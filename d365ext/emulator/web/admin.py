"""/_emulator/: what this server is, and what a test may do to it. Dataverse has nothing of the kind.

GET    /_emulator/            what it is
POST   /_emulator/reset       the fresh organization again: rows, definitions, clock, faults, counters, trace
POST   /_emulator/snapshot    {"name": "…"}: keep the organization as it is
POST   /_emulator/restore     {"name": "…"}: go back to it
GET    /_emulator/trace       what was asked; DELETE forgets it
GET    /_emulator/clock       the time; POST {"set": "2026-01-31T12:00:00Z"} or {"advance_s": 60}; DELETE: real time
GET    /_emulator/faults      what may go wrong; POST a fault (faults.py); DELETE all, ?seed=n starts the dice anew
GET    /_emulator/settings    settings; PATCH some of them, {"limits": {"requests": 100}} among them
POST   /_emulator/managed     {"solution": "…"}: as if that solution had been installed managed (managed.py)
GET    /_emulator/tokens      which bearer token is which user; POST {"token": "…", "user": "<systemuserid>"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from d365ext.emulator.messages.system import VERSION
from d365ext.emulator.problems import Problem
from d365ext.emulator.web import typed_json
from d365ext.emulator.web.faults import Fault, Faults
from d365ext.emulator.web.http import Request, Response
from d365ext.emulator.web.limits import Limits

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization

_FIXED = frozenset({"base_currency", "languages", "faults", "fault_seed", "body_bytes_max", "tokens"})
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def about(org: Organization, request: Request) -> Response:
    """Say what this is."""
    _only(request, "GET")
    with org.reading() as session:
        tables = len(session.schema.tables)
    about = {
        "name": "local Dataverse",
        "note": "A test double of the Dataverse Web API on SQLite. Not a Microsoft product.",
        "api": f"{request.origin}/api/data/v9.2/",
        "version": VERSION,
        "tables": tables,
        "now": org.clock.now().isoformat(),
    }
    return Response.json(about)


def reset(org: Organization, request: Request) -> Response:
    """Go back to the fresh organization."""
    _only(request, "POST")
    org.restore(None)
    org.clock.reset()
    org.faults.clear()
    org.trace.clear()
    org.protection.forget()
    return Response.empty()


def snapshot(org: Organization, request: Request) -> Response:
    """Keep the organization under a name."""
    _only(request, "POST")
    org.snapshot(_text(request.json_object(), "name"))
    return Response.empty()


def restore(org: Organization, request: Request) -> Response:
    """Go back to a snapshot; 404 if there is none of that name."""
    _only(request, "POST")
    name = _text(request.json_object(), "name")
    if not org.restore(name):
        raise Problem(404, "", f"There is no snapshot named '{name}'.")
    return Response.empty()


def trace(org: Organization, request: Request) -> Response:
    """List or forget what was asked."""
    _only(request, "GET", "DELETE")
    if request.method == "DELETE":
        org.trace.clear()
        return Response.empty()
    return Response.json(org.trace.listed())


def clock(org: Organization, request: Request) -> Response:
    """Tell, set, move or free the clock."""
    _only(request, "GET", "POST", "DELETE")
    if request.method == "DELETE":
        org.clock.reset()
    elif request.method == "POST":
        body = request.json_object()
        try:
            if "set" in body:
                org.clock.set(_within_reason(_moment(_text(body, "set"))))
            if "advance_s" in body:
                by = timedelta(seconds=float(body["advance_s"]))
                _within_reason(org.clock.now() + by)
                org.clock.advance(by)
        except (ValueError, TypeError, OverflowError) as error:
            raise Problem(400, "", f"The clock cannot be set to that: {error}.") from error
    return Response.json({"now": org.clock.now().isoformat()})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the moment needs an offset, such as Z")
    return moment


def _within_reason(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"the year must be between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment


def faults(org: Organization, request: Request) -> Response:
    """List, set or clear faults."""
    _only(request, "GET", "POST", "DELETE")
    if request.method == "DELETE":
        seed = request.options.get("seed")
        if seed is not None and not seed.isdecimal():
            raise Problem(400, "", f"The seed '{seed}' is not a number.")
        org.faults.clear(None if seed is None else int(seed))
        return Response.empty()
    if request.method == "POST":
        fault = Fault.read(request.json_object())
        with org.reading() as session:
            set_fault(org.faults, fault, session.version)
    return Response.json({"seed": org.faults.seed, "faults": org.faults.listed()})


def set_fault(armed: Faults, fault: Fault, version: int) -> None:
    """Arm a fault; deltas lag behind the version of now unless the fault says which."""
    if fault.kind == "lagging_delta" and fault.version == 0:
        fault = replace(fault, version=version)
    armed.set(fault)


def settings(org: Organization, request: Request) -> Response:
    """Tell or change settings; those written into the store at its start stay."""
    _only(request, "GET", "PATCH")
    if request.method == "PATCH":
        body = request.json_object()
        typed_json.check(type(org.settings), {n: v for n, v in body.items() if n != "limits"}, without=_FIXED)
        changes: dict[str, Any] = dict(body)
        if "limits" in changes:
            changes["limits"] = _limits(org.protection.limits, changes["limits"])
            org.protection.limits = changes["limits"]
        org.settings = replace(org.settings, **changes)
    return Response.json(asdict(org.settings))


def _limits(now: Limits, given: Any) -> Limits:
    if not isinstance(given, dict):
        raise Problem(400, "", "Limits are an object.")
    typed_json.check(Limits, given)
    return replace(now, **given)


def tokens(org: Organization, request: Request) -> Response:
    """Tell or say which user is behind a bearer token."""
    _only(request, "GET", "POST")
    if request.method == "POST":
        body = request.json_object()
        org.tokens[_text(body, "token")] = _text(body, "user").lower()
    return Response.json(org.tokens)


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise Problem(405, "", f"{request.path} takes {' and '.join(methods)}.")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Problem(400, "", f"'{name}' must be a text.")
    return value
