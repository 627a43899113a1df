"""The way in from the network: faults, service protection limits, the organization, the trace.

A batch is one request here, whatever the number of its parts. The routes under /_emulator/ are neither limited nor
struck nor traced. Must not know what a request means.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.query_options import DIRECT_URL_LENGTH_MAX, check_url
from d365ext.emulator.web.delivery import Struck
from d365ext.emulator.web.faults import Fault
from d365ext.emulator.web.http import Request, Response
from d365ext.emulator.web.trace import Entry

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization

ADMIN_PATH = "/_emulator"
_GATEWAY = frozenset({502, 503, 504})


def answer(org: Organization, request: Request) -> Response:
    """Answer a request from the network; never raises."""
    if request.path.startswith(ADMIN_PATH):
        return org.handle(request)
    started = time.perf_counter()
    if late := org.faults.strike(request, "latency"):
        time.sleep(late.seconds)
    fault = org.faults.strike(request, "reset", "status")
    caller = request.headers.get("authorization", "")
    response = _refusal(fault) if fault is not None else _admitted(org, request, caller)
    if fault is None and (fault := org.faults.strike(request, "lost_reply", "truncated", "slow")):
        headers = {**response.headers, "Content-Length": str(len(response.body))}
        response = Struck(response.status, response.body, headers, fault.kind, fault.seconds)
    response.headers.update(org.protection.headers(caller))
    response.headers.setdefault("x-ms-service-request-id", str(uuid4()))
    _trace(org, request, response, (time.perf_counter() - started) * 1000, fault or late)
    return response


def _admitted(org: Organization, request: Request, caller: str) -> Response:
    try:
        check_url(request, DIRECT_URL_LENGTH_MAX)
        org.protection.admit(caller, org.clock.now())
    except Problem as problem:
        return Response.problem(problem)
    started = time.perf_counter()
    try:
        return org.handle(request)
    finally:
        org.protection.release(caller, org.clock.now(), (time.perf_counter() - started) * 1000)


def _refusal(fault: Fault) -> Response:
    """Make what a request meets instead of the organization.

    Inferred: a gateway's page of HTML for 502, 503 and 504, the platform's JSON for the rest.
    """
    if fault.kind == "reset":
        return Struck(500, b"", {}, fault.kind, 0.0)
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    if fault.status in _GATEWAY:
        page = f"<html><head><title>{fault.status}</title></head><body><h1>{fault.status}</h1></body></html>"
        return Response(fault.status, page.encode(), {"Content-Type": "text/html", **headers})
    code = "0x80072322" if fault.status == 429 else "0x80040216"
    return Response.problem(Problem(fault.status, code, "An injected fault of the local Dataverse.", headers))


def _trace(org: Organization, request: Request, response: Response, milliseconds: float, fault: Fault | None) -> None:
    org.trace.add(
        Entry(
            at=org.clock.now().isoformat(timespec="milliseconds"),
            method=request.method,
            path=request.path,
            query=request.query,
            kind=_kind(request),
            status=response.status,
            request_bytes=len(request.body),
            response_bytes=len(response.body),
            milliseconds=round(milliseconds, 3),
            fault="" if fault is None else fault.kind,
        )
    )


def _kind(request: Request) -> str:
    """Name what was asked: the set, function or action after the version, without key and parameters."""
    rest = request.path.removeprefix("/api/data/").partition("/")[2]
    return rest.partition("/")[0].partition("(")[0]
