"""The single entry: one request in, one response out, for HTTP and for the parts of a batch.

Owns dispatch by path and the turning of problems into answers. Must not know how rows are stored.

Sources: learn.microsoft.com/troubleshoot/power-platform/dataverse/web-api-client-errors (404 for unknown segments, and
for an action called by GET); …/webapi/web-api-service-documents (service document); …/webapi/compose-http-requests-
handle-errors (headers, statuses). Inferred: v9.0 and v9.1 answer as v9.2.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from d365ext.emulator import operations, routes
from d365ext.emulator.odata.ast import Segment
from d365ext.emulator.odata.parser import parse_path
from d365ext.emulator.problems import UNEXPECTED, Problem
from d365ext.emulator.rows import paths as row_paths
from d365ext.emulator.security import customizing
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import API_PATH, Request, Response

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization

_log = logging.getLogger("d365ext.emulator")
_VERSION = re.compile(r"v9\.[0-2]$")
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"})
_READS = frozenset({"GET", "HEAD"})
_ADMIN_PATH = "/_emulator"
_OTHER_SERVICES = {
    "/api/search/": "the search service",
    "/api/backgroundoperation/": "background operations",
    "/XRMServices/": "the organization service (SOAP)",
}
"""Source: …/data-platform/webapi/relevance-search, …/background-operations, …/org-service/overview."""


class _Refused(Exception):  # noqa: N818  carries an answer out of a transaction that must roll back
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def handle(org: Organization, request: Request, session: Session | None = None) -> Response:
    """Answer one request; never raises.

    Without `session` the request is its own unit of work: a GET reads a snapshot, anything else is one transaction
    that commits if the answer is below 400. With `session` (a part of a change set) nothing is committed or rolled
    back here; the caller does it, by the status.
    """
    try:
        response = _answer(org, request, session)
    except Problem as problem:
        response = Response.problem(problem)
    except _Refused as refused:
        response = refused.response
    except Exception:  # the one outer loop: whatever went wrong is ours, is logged, and becomes an answer
        _log.exception("%s %s failed", request.method, request.path)
        response = Response.problem(Problem(500, UNEXPECTED, "An unexpected error occurred."))
    if request.path.startswith(API_PATH):
        response.headers.setdefault("OData-Version", "4.0")
    return response


def _answer(org: Organization, request: Request, session: Session | None) -> Response:
    if request.method not in _METHODS:
        raise Problem(405, "0x80060888", f"The requested resource does not support http method '{request.method}'.")
    if request.path == _ADMIN_PATH or request.path.startswith(_ADMIN_PATH + "/"):
        return _admin(org, request)
    for elsewhere, name in _OTHER_SERVICES.items():
        if request.path.startswith(elsewhere):
            raise Problem.not_implemented(name)
    if not request.path.startswith(API_PATH):
        raise Problem(404, "", f"There is nothing at '{request.path}': the Web API is at {API_PATH}v9.2/.")
    version, _, rest = request.path.removeprefix(API_PATH).partition("/")
    if not _VERSION.match(version):
        raise Problem(404, "", f"There is no version '{version}' of the Web API: use v9.2.")
    if len(request.body) > org.settings.body_bytes_max:
        raise Problem(413, "0x8004418a", "The request is too large.")
    if "respond-async" in request.preferences:
        raise Problem.not_implemented("background operations (Prefer: respond-async)")
    segments = parse_path(rest)
    if segments and segments[0].name in routes.SPECIAL and len(segments) == 1:
        special: Response = routes.resolve(routes.SPECIAL[segments[0].name])(org, request)
        return special
    if session is not None:
        session.solution = request.headers.get("mscrm.solutionuniquename", "")
        return _in_session(session, segments, request)
    if request.method in _READS:
        with org.reading(request) as reading:
            return _in_session(reading, segments, request)
    with org.writing(request) as writing:
        writing.solution = request.headers.get("mscrm.solutionuniquename", "")
        response = _in_session(writing, segments, request)
        if response.status >= 400:
            raise _Refused(response)
        return response


def _admin(org: Organization, request: Request) -> Response:
    name = request.path.removeprefix(_ADMIN_PATH).strip("/")
    route = routes.ADMIN.get(name)
    if route is None:
        known = ", ".join(sorted(filter(None, routes.ADMIN)))
        raise Problem(404, "", f"There is no admin route '{name}'; there are: {known}.")
    response: Response = routes.resolve(route)(org, request)
    return response


def _in_session(session: Session, segments: list[Segment], request: Request) -> Response:
    if not segments:
        return _service_document(session, request)
    first = segments[0]
    name = first.name
    if name in session.schema.by_set:
        return row_paths.answer(session, segments, request)
    response: Response
    if name in routes.DEFINITION_SETS:
        customizing.require_for_definition(session, segments, request.method)
        response = routes.resolve(routes.DEFINITION_SETS[name])(session, segments, request)
        return response
    short = first.short_name
    if short in routes.ACTIONS or short in routes.FUNCTIONS:
        return _operation(session, segments, request)
    if name.startswith("$"):
        raise Problem.no_resource(name)
    if short in operations.KNOWN:
        raise Problem.not_implemented(f"the operation '{short}'")
    raise Problem.no_resource(name)


def _operation(session: Session, segments: list[Segment], request: Request) -> Response:
    """Call an unbound action or function; a path may not go on after it."""
    first = segments[0]
    name = first.short_name
    if len(segments) > 1:
        raise Problem.not_implemented(f"a path that goes on after '{name}'")
    response: Response
    if name in routes.ACTIONS:
        if request.method != "POST":
            raise Problem.no_operation(f"{request.origin}{request.path}")
        customizing.require_for_action(session, name)
        response = routes.resolve(routes.ACTIONS[name])(session, request.json_object(), request)
        return response
    if request.method not in _READS:
        raise Problem.no_operation(f"{request.origin}{request.path}")
    response = routes.resolve(routes.FUNCTIONS[name])(session, first.named, request)
    return response


def _service_document(session: Session, request: Request) -> Response:
    if request.method not in _READS:
        raise Problem.wrong_method(request.method, "the service document is read by GET")
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in sorted(session.schema.by_set)]
    return Response.json({"@odata.context": f"{request.root}$metadata", "value": value})
