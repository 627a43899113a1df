"""The only translator: what Dataverse, `requests` or the sign-in said → one of our errors.

Looks at the platform's code first where it decides, then at the status; the code is documented as often empty.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors (body,
statuses), …/reference/web-service-error-codes (codes), …/api-limits (429, Retry-After).
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests
from msal.exceptions import MsalError
from urllib3 import exceptions as wire

from d365ext.errors import (
    ConnectionFailed,
    DataverseError,
    DeltaExpired,
    DuplicateKey,
    Forbidden,
    Rejected,
    RowChanged,
    RowNotFound,
    ServiceProtection,
    ServiceUnavailable,
    Unauthorized,
)
from d365ext.log import redact

if TYPE_CHECKING:
    from d365ext.webapi.transport import Reply, Request

DELTA_EXPIRED = "0x80044352"

BY_CODE: Mapping[str, type[DataverseError]] = {
    "0x80072322": ServiceProtection,  # number of requests
    "0x80072321": ServiceProtection,  # combined execution time
    "0x80072326": ServiceProtection,  # concurrent requests
    "0x80040217": RowNotFound,  # ObjectDoesNotExist
    "0x80060891": RowNotFound,  # RecordNotFoundByEntityKey
    "0x80060882": RowChanged,  # ConcurrencyVersionMismatch
    "0x80040237": DuplicateKey,  # DuplicateRecord
    "0x80060892": DuplicateKey,  # DuplicateRecordEntityKey
    "0x80040220": Forbidden,  # PrivilegeDenied
    "0x80040231": Forbidden,  # PrincipalPrivilegeDenied
    "0x80040276": Forbidden,  # PrivilegeCreateIsDisabledForOrganization
    "0x80048405": Forbidden,  # AccessDenied
}
BY_STATUS: Mapping[int, type[DataverseError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: RowNotFound,
    412: RowChanged,
    429: ServiceProtection,
    502: ServiceUnavailable,
    503: ServiceUnavailable,
    504: ServiceUnavailable,
}
HINTS: Mapping[type[DataverseError], str] = {
    ServiceProtection: "Wait, or send less at a time (D365EXT_PARALLEL).",
    ServiceUnavailable: "Wait and run it again; nothing is lost.",
    Unauthorized: "Check the credential and that its application user exists in the environment (d365ext doctor).",
    Forbidden: "Give the user a security role that allows it.",
    RowNotFound: "It may have been deleted, or the name or id is wrong.",
    RowChanged: "Somebody changed it meanwhile; read it again.",
    DuplicateKey: "Change the existing row, or use another id or key.",
}
_HINT_BY_STATUS: Mapping[int, str] = {
    413: "Send fewer rows at a time (D365EXT_BATCH_ROWS).",
    500: "Run it again; if it stays, give the request id to Microsoft's support.",
    501: "This Dataverse does not have it.",
}
_REQUEST_ID = ("x-ms-service-request-id", "REQ_ID", "x-ms-client-request-id")
_PRIVILEGE = re.compile(r"\bprv[A-Z]\w+")
_EXPLANATION_MAX = 2000

_E = TypeVar("_E", bound=DataverseError)


# ---------------------------------------------------------------- replies


def from_reply(request: Request, reply: Reply, *, now: datetime | None = None) -> DataverseError | DeltaExpired | None:
    """Say what is wrong with a reply; None if nothing is.

    `now` is what an HTTP date in Retry-After is measured from if the reply has no Date of its own.
    """
    if reply.status < 300 or reply.status == 304:
        return None
    if reply.headers.get("Content-Type", "").startswith("multipart/mixed"):
        return None  # a batch that stopped mirrors the status of its last part, and the part speaks for itself
    code, explanation = _explained(reply)
    if code == DELTA_EXPIRED:
        return DeltaExpired(
            f"[request {request_id(reply)}] The delta link is too old: {explanation}", hint="Read the table anew."
        )
    if reply.status < 400:
        return _redirected(request, reply)
    kind = BY_CODE.get(code) or BY_STATUS.get(reply.status) or Rejected
    if reply.status == 412 and not code and _means_duplicate(request, explanation):
        kind = DuplicateKey
    hint = HINTS.get(kind) or _HINT_BY_STATUS.get(reply.status, "")
    error = _made(kind, request, reply, explanation, code=code, hint=hint)
    if isinstance(error, ServiceProtection | ServiceUnavailable):
        error.retry_after_s = _retry_after_s(reply, now or datetime.now(UTC))
    if isinstance(error, Forbidden) and (found := _PRIVILEGE.search(explanation)):
        error.privilege = found[0]
        error.hint = f"Give the user a security role with {found[0]}."
    return error


def not_json(request: Request, reply: Reply) -> Rejected:
    """Say that a reply holds no JSON where it should."""
    kind = reply.headers.get("Content-Type", "no content type")
    hint = "Is D365EXT_URL the environment's own address? Something on the way may have answered instead."
    return _made(Rejected, request, reply, f"The answer is not JSON ({kind}).", hint=hint)


def not_multipart(request: Request, reply: Reply, why: str) -> Rejected:
    """Say that the answer to a batch cannot be matched with its operations; some of them may have been done."""
    return _made(Rejected, request, reply, f"The answer to the batch is not understood: {why}.")


def no_id(request: Request, reply: Reply) -> Rejected:
    """Say that the reply to a creation names no row."""
    return _made(Rejected, request, reply, "It was created, but the answer has no OData-EntityId with its id.")


def no_delta_link(request: Request, reply: Reply) -> Rejected:
    """Say that the last page of changes has no delta link."""
    hint = "Is change tracking on for the table?"
    return _made(Rejected, request, reply, "The last page of changes has no delta link.", hint=hint)


def foreign_link(link: str, origin: str) -> Rejected:
    """Say that a link leads away from the environment; it is not followed, for the token would go along."""
    parts = urlsplit(link)
    return Rejected(
        f"A link leads to {parts.scheme}://{parts.hostname}, not to {origin}; it was not followed.",
        path=parts.path,
        hint="Is D365EXT_URL the environment's own address?",
    )


def still_throttled(request: Request, seconds: float) -> ServiceProtection:
    """Say that the gate stays closed for longer than the request may wait."""
    error = ServiceProtection(
        f"The service asked for a pause of {seconds:.0f} s more, longer than retry_total_s allows.",
        status=429,
        method=request.method,
        path=redact(request.path),
        hint="Run it again later, or raise D365EXT_RETRY_TOTAL_S.",
    )
    error.retry_after_s = seconds
    return error


def _made(kind: type[_E], request: Request, reply: Reply, message: str, *, code: str = "", hint: str = "") -> _E:
    return kind(
        redact(message),
        status=reply.status,
        code=code,
        request_id=request_id(reply),
        method=request.method,
        path=redact(request.path),
        hint=hint,
    )


def request_id(reply: Reply) -> str:
    """Find the id that Microsoft's support asks for; empty if there is none."""
    return redact(next((reply.headers[name] for name in _REQUEST_ID if name in reply.headers), ""))


def _explained(reply: Reply) -> tuple[str, str]:
    """Give the platform's code (`0x` and lower case, may be empty) and its message."""
    try:
        error = json.loads(reply.body.decode("utf-8-sig"))["error"]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        kind = reply.headers.get("Content-Type", "").partition(";")[0]
        code, message = "", f"It said nothing that we understand ({kind or 'no content type'})."
    return redact(code).lower(), redact(message)[:_EXPLANATION_MAX] or "It gave no reason."


def _means_duplicate(request: Request, explanation: str) -> bool:
    """Tell the 412 of an existing row from that of a changed one, where the code is empty.

    Source:  …/webapi/perform-conditional-operations-using-web-api ("A record with matching key values already
             exists." and "The version of the existing record doesn't match …", both with an empty code).
    """
    creates = request.method == "POST" or request.headers.get("If-None-Match") == "*"
    return "already exists" in explanation or (creates and "version" not in explanation)


def _retry_after_s(reply: Reply, now: datetime) -> float | None:
    """Read Retry-After (RFC 9110 §10.2.3): seconds, or an HTTP date, measured from the server's own Date if given."""
    said = reply.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", said):
        return float(said)
    until = _http_date(said)
    if until is None:
        return None
    return max(0.0, (until - (_http_date(reply.headers.get("Date", "")) or now)).total_seconds())


def _http_date(said: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _redirected(request: Request, reply: Reply) -> Rejected:
    there = urlsplit(reply.headers.get("Location", ""))
    message = f"The answer sends us on to {there.hostname or 'another place'}; it was not followed."
    return _made(Rejected, request, reply, message, hint="Is D365EXT_URL the environment's own address?")


# ---------------------------------------------------------------- connections

_NEVER_SENT = (wire.NewConnectionError, wire.ConnectTimeoutError, wire.NameResolutionError, wire.ProxyError)
_UNSENDABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.URLRequired,
    requests.exceptions.InvalidHeader,
    requests.exceptions.UnrewindableBodyError,
)


def from_exception(request: Request, raised: Exception, *, origin: str = "") -> DataverseError:
    """Translate what `requests` raised.

    A `ConnectionFailed` says whether the request may have reached the service: only then is it unsafe to repeat.
    """
    there = origin or "the service"
    if isinstance(raised, _UNSENDABLE):
        return _unsent(Rejected, request, f"It could not be sent to {there}: {_named(raised)}.", hint=_CHECK)
    causes = list(_causes(raised))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        hint = "If a proxy replaces it, name its certificate in REQUESTS_CA_BUNDLE."
        return _unsent(Rejected, request, f"The certificate of {there} is not trusted.", hint=hint)
    never = isinstance(raised, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError)
    if never or any(isinstance(cause, _NEVER_SENT) for cause in causes):
        return _unsent(ConnectionFailed, request, f"{there} could not be reached: {_named(raised)}.", hint=_CHECK)
    message = f"The answer of {there} was lost: {_named(raised)}."
    error = _unsent(ConnectionFailed, request, message, hint=_MAYBE)
    error.may_have_been_sent = True
    return error


def cut_short(request: Request, *, origin: str) -> ConnectionFailed:
    """Say that an answer broke off."""
    error = _unsent(ConnectionFailed, request, f"The answer of {origin} broke off.", hint=_MAYBE)
    error.may_have_been_sent = True
    return error


_MAYBE = "It may have been carried out all the same."
_CHECK = "Check D365EXT_URL, the network and HTTPS_PROXY; the local Dataverse starts with `d365ext emulator serve`."


def _unsent(kind: type[_E], request: Request, message: str, *, hint: str) -> _E:
    return kind(redact(message), method=request.method, path=redact(request.path), hint=hint)


def _causes(raised: BaseException | None) -> Iterator[BaseException]:
    """Walk through what an exception wraps: `requests` keeps urllib3's as an argument, urllib3 keeps a `reason`."""
    seen: list[BaseException] = []
    waiting: list[Any] = [raised]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _named(raised: Exception) -> str:
    """Name the innermost cause that says something; never the whole chain, which would show addresses twice."""
    for cause in reversed(list(_causes(raised))):
        if isinstance(cause, RemoteDisconnected):
            return "the connection was closed"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror.lower()
    return next((words for kind, words in _WORDS.items() if isinstance(raised, kind)), type(raised).__name__)


_WORDS: Mapping[type[Exception], str] = {
    requests.exceptions.Timeout: "no answer in time",
    requests.exceptions.ChunkedEncodingError: "it broke off",
    requests.exceptions.ContentDecodingError: "it could not be unpacked",
}


# ---------------------------------------------------------------- sign-in

# What to do about the commonest refusals (learn.microsoft.com/entra/identity-platform/reference-error-codes).
_SIGN_IN_HINTS: Mapping[str, str] = {
    "AADSTS7000215": "The client secret is wrong: D365EXT_CLIENT_SECRET wants its value, not its id.",
    "AADSTS7000222": "The client secret has expired: make a new one and set D365EXT_CLIENT_SECRET.",
    "AADSTS700016": "D365EXT_CLIENT_ID is not known in that tenant.",
    "AADSTS700027": "The certificate is not registered for the application, or has expired.",
    "AADSTS90002": "D365EXT_TENANT_ID is no tenant.",
    "AADSTS500011": "D365EXT_URL is no environment that the tenant knows.",
}
_AADSTS = re.compile(r"AADSTS\d+")


def from_sign_in(result: Mapping[str, Any]) -> Unauthorized:
    """Translate MSAL's `{"error", "error_description", "correlation_id"}`."""
    said = redact(str(result.get("error_description") or result.get("error") or "no reason was given"))
    found = _AADSTS.search(said)
    code = found[0] if found else ""
    first_line = said.splitlines()[0].partition(" Trace ID:")[0].rstrip(".")
    return Unauthorized(
        f"The sign-in was refused: {first_line}.",
        code=code,
        request_id=redact(str(result.get("correlation_id") or "")),
        hint=_SIGN_IN_HINTS.get(code, "Check tenant, client and credential (d365ext doctor)."),
    )


def sign_in_unreachable(raised: Exception, *, authority: str) -> DataverseError:
    """Translate what stopped MSAL before an answer: the network, or an authority that is none."""
    if isinstance(raised, requests.RequestException | MsalError):  # the latter only for a status of 500 or more
        return ConnectionFailed(f"{authority} could not be reached: {_named(raised)}.", hint=_CHECK)
    return Unauthorized(
        f"The sign-in could not begin at {authority}: {redact(str(raised)).splitlines()[0]}",
        hint="Check D365EXT_TENANT_ID and D365EXT_AUTHORITY.",
    )


def no_managed_identity() -> Unauthorized:
    """Say that this machine has no identity of its own."""
    return Unauthorized(
        "This machine has no managed identity that answers.",
        hint="Run it on Azure with an identity assigned, or set D365EXT_AUTH to another way to sign in.",
    )


def nobody_to_prompt() -> Unauthorized:
    """Say that a person is needed to sign in, and none is there."""
    return Unauthorized(
        "Somebody must sign in, and nobody is there to be asked.",
        hint="Sign in once at a terminal, or set D365EXT_AUTH to a way for applications.",
    )
