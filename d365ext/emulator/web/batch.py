"""`$batch`: carry out the requests of a multipart body, in order.

Owns what a batch adds to single requests: order, stopping, atomic change sets, references by Content-ID, limits.
The bytes are `multipart.py`'s, each request is `app.handle`'s.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
- "performed sequentially in the order they're specified"; "up to 1000 individual requests and can't contain other
  batch requests"; "GET request are not allowed within change sets";
- "When an error occurs for a request within a batch, the error for that request will be returned for the batch request
  and more requests won't be processed", the outer status being that of the failed request; with
  `Prefer: odata.continue-on-error` 200 and the errors in the parts;
- "Content-ID Reference: '$1' does not exist in the batch context." with 400 for a reference before its declaration.
Inferred: what stood before the failed request stays committed (each request outside a change set is a transaction of
its own); the host of an absolute address inside a batch is not looked at; parts inherit the outer request's caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from d365ext.emulator.problems import Problem
from d365ext.emulator.web.http import Headers, Request, Response
from d365ext.emulator.web.multipart import (
    BatchError,
    ChangeSet,
    Embedded,
    Item,
    Outcome,
    Part,
    parse_batch,
    print_batch,
)

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization
    from d365ext.emulator.session import Session

REQUESTS_MAX = 1000
_INHERITED = ("authorization", "mscrmcallerid", "callerobjectid")
_REFERENCE = re.compile(r"\$([^/?()]+)")
_NOT_REFERENCES = frozenset({"metadata", "batch", "entity", "root"})


def handle(org: Organization, request: Request) -> Response:
    """Answer `POST $batch`."""
    if request.method != "POST":
        raise Problem.wrong_method(request.method, "$batch")
    try:
        items = parse_batch(request.headers.get("content-type", ""), request.body)
    except BatchError as error:
        raise Problem.payload(str(error)) from error
    _refuse_too_many(items)
    goes_on = "odata.continue-on-error" in request.preferences
    outcomes: list[Outcome] = []
    status = 200
    for item in items:
        outcome = _carry_out(org, item, request)
        outcomes.append(outcome)
        failed = _failure(outcome)
        if failed is not None and not goes_on:
            status = failed.status
            break
    return _answer(org, status, outcomes)


def _answer(org: Organization, status: int, outcomes: Iterable[Outcome]) -> Response:
    boundary = f"batchresponse_{uuid4()}"
    shaped = [_shape_failed_set(org, outcome) for outcome in outcomes]
    body = print_batch(shaped, boundary, _change_set_boundaries())
    return Response(status, body, {"Content-Type": f"multipart/mixed; boundary={boundary}"})


def _change_set_boundaries() -> Iterator[str]:
    while True:
        yield f"changesetresponse_{uuid4()}"


def _shape_failed_set(org: Organization, outcome: Outcome) -> Outcome:
    """Shape the answer to a failed change set, which is one response whatever the number of requests.

    Source: OData 4.0 part 1 §11.7.4: not multipart/mixed but "a single response, using the application/http media
    type". The service's library (Microsoft.AspNet.OData) writes it into a change set of one part; which of the two
    Dataverse sends is not documented, so `failed_change_set` plays either.
    """
    if isinstance(outcome, Part) or _failure(outcome) is None or org.settings.failed_change_set == "multipart":
        return outcome
    return outcome[0]


def _refuse_too_many(items: Iterable[Item]) -> None:
    """Refuse more than 1,000 requests. Source: the page above; the texts are Microsoft.OData.Core's (inferred)."""
    total = 0
    for item in items:
        inside = len(item.requests) if isinstance(item, ChangeSet) else 1
        if inside > REQUESTS_MAX:
            raise Problem.payload(
                "The current change set contains too many operations. "
                f"A maximum number of '{REQUESTS_MAX}' operations are allowed in a change set."
            )
        total += inside
    if total > REQUESTS_MAX:
        raise Problem.payload(
            "The current batch message contains too many parts. "
            f"A maximum number of '{REQUESTS_MAX}' query operations and change sets are allowed in a batch message."
        )


def _failure(outcome: Outcome) -> Part | None:
    parts = [outcome] if isinstance(outcome, Part) else outcome
    return next((part for part in parts if part.status >= 400), None)


def _carry_out(org: Organization, item: Item, outer: Request) -> Outcome:
    if isinstance(item, Embedded):
        return _one(org, item, outer, {}, None)
    parts: list[Part] = []
    addresses: dict[str, str] = {}
    try:
        with org.writing(outer) as session:
            for embedded in item.requests:
                parts.append(_succeeded(_one(org, embedded, outer, addresses, session)))
    except _ChangeSetFailed as failed:
        return [failed.part]
    return parts


class _ChangeSetFailed(Exception):  # noqa: N818  carries an answer out of a transaction that must roll back
    def __init__(self, part: Part) -> None:
        super().__init__(part.status)
        self.part = part


def _succeeded(part: Part) -> Part:
    if part.status >= 400:
        raise _ChangeSetFailed(part)
    return part


def _one(
    org: Organization, embedded: Embedded, outer: Request, addresses: dict[str, str], session: Session | None
) -> Part:
    try:
        request = _request(embedded, outer, addresses)
        if session is not None and request.method == "GET":
            raise Problem.payload(
                "An invalid HTTP method 'GET' was detected for a request in a change set. Requests in change sets only "
                "support the HTTP methods 'POST', 'PUT', 'DELETE', and 'PATCH'."
            )
        _strike(org, request)
    except Problem as problem:
        response = Response.problem(problem)
    else:
        response = org.handle(request, session)
    address = response.headers.get("OData-EntityId")
    if embedded.content_id is not None and address:
        addresses[embedded.content_id] = address
    return _part(response, embedded.content_id)


def _strike(org: Organization, request: Request) -> None:
    """Refuse a part that a test wants to meet a limit. Whether Dataverse ever does so is not documented."""
    fault = org.faults.strike(request, "part_429")
    if fault is not None:
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        raise Problem(429, "0x80072322", "An injected fault of the local Dataverse.", headers)


def _part(response: Response, content_id: str | None) -> Part:
    """Print an answer as a part. Source: the page above: creates have Location too, errors a REQ_ID."""
    headers: dict[str, str] = {}
    if response.status >= 400:
        headers["REQ_ID"] = str(uuid4())
    for name, value in response.headers.items():
        if name == "Content-Type" and response.status < 400 and "json" in value:
            headers[name] = f"{value}; odata.streaming=true"
        elif name == "OData-EntityId":
            headers |= {"Location": value, name: value}
        else:
            headers[name] = value
    headers["OData-Version"] = "4.0"
    return Part(response.status, headers, response.body, content_id)


def _request(embedded: Embedded, outer: Request, addresses: Mapping[str, str]) -> Request:
    """Make a request of its own out of an embedded one: its address made whole, its references put in."""
    url = _with_address(embedded.url, addresses)
    if "://" in url.split("?", 1)[0]:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise Problem.payload(f"The address '{url[:200]}' of a part is invalid: {error}.") from error
        path, query = parts.path, parts.query
    else:
        path, _, query = url.partition("?")
        if not path.startswith("/"):
            path = outer.root.removeprefix(outer.origin) + path
    if path.rstrip("/").endswith("/$batch"):
        raise Problem.payload("A batch request can't contain other batch requests.")
    inherited = {name: outer.headers[name] for name in _INHERITED if name in outer.headers}
    return replace(
        outer,
        method=embedded.method,
        path=path.replace(" ", "%20"),
        query=query.replace(" ", "%20"),
        headers=Headers({**inherited, **embedded.headers}),
        body=_with_addresses(embedded.body, addresses),
    )


def _with_address(text: str, addresses: Mapping[str, str]) -> str:
    """Replace a leading `$1` by the address of the row that request 1 made."""
    found = _REFERENCE.match(text)
    if found is None or found.group(1) in _NOT_REFERENCES:
        return text
    try:
        return addresses[found.group(1)] + text[found.end() :]
    except KeyError:
        message = f"Content-ID Reference: '${found.group(1)}' does not exist in the batch context."
        raise Problem.payload(message) from None


def _with_addresses(body: bytes, addresses: Mapping[str, str]) -> bytes:
    """Replace references in the binds and ids of a JSON body; any other body goes on untouched."""
    if b'"$' not in body:
        return body
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return orjson.dumps(_resolved(parsed, addresses, is_reference=False))


def _resolved(value: Any, addresses: Mapping[str, str], *, is_reference: bool) -> Any:
    if isinstance(value, dict):
        return {
            name: _resolved(inner, addresses, is_reference=name.endswith(("@odata.bind", "@odata.id")))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_resolved(inner, addresses, is_reference=is_reference) for inner in value]
    if is_reference and isinstance(value, str):
        return _with_address(value, addresses)
    return value
