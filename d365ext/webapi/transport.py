"""One request, one reply, over one pool of connections. Knows no tokens, no retries and no Dataverse errors.

The path is sent as it was given: a delta link or paging link is opaque and must come back verbatim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.metadata import version
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as wire

from d365ext.settings import is_loopback
from d365ext.webapi import faults
from d365ext.webapi.codec import from_json

_OURS = {"Accept-Encoding": "gzip", "User-Agent": f"d365ext/{version('d365ext')}"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent. `path` begins with `/` and is percent-encoded; it may hold a query.

    `repeatable` says whether sending it twice is as good as once, for the case that a reply is lost. None: what the
    method promises (all but POST may be repeated).
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # a token may be among them
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool | None = None

    @property
    def is_repeatable(self) -> bool:
        """Say whether it may be sent again after its reply was lost.

        Source:  RFC 9110 §9.2.2 (GET, PUT, DELETE are idempotent); a Dataverse PATCH sets columns of the row that it
                 addresses and creates nothing when repeated (…/webapi/update-delete-entities-using-web-api).
        """
        return self.method != "POST" if self.repeatable is None else self.repeatable


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole. `after_lost_reply`: an earlier try of the same request may have been carried out."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: Request
    after_lost_reply: bool = False

    def json(self, *, parse_float: Callable[[str], Any] = Decimal) -> Any:
        """Read the body.

        Errors:  Rejected if it is not JSON (a proxy's page, for instance).
        """
        try:
            return from_json(self.body, parse_float=parse_float)
        except ValueError as cause:
            raise faults.not_json(self.request, self) from cause


class Transport(Protocol):
    """Whatever can answer a request; a fake is ten lines."""

    def send(self, request: Request, *, timeout_s: float) -> Reply:
        """Send once and give the reply, whatever its status. Raises a DataverseError if no whole reply came."""
        ...


class RequestsTransport:
    """Sends by `requests`: kept-alive connections, gzip, no cookies, no redirects.

    Units:   `connect_timeout_s` and `timeout_s` in seconds; the latter is the longest silence while reading.
    """

    def __init__(self, session: requests.Session, origin: str, *, connect_timeout_s: float = 10.0) -> None:
        self._session = session
        self._origin = origin
        self._connect_timeout_s = connect_timeout_s
        self._environment: dict[str, Any] = (
            {"proxies": {}, "verify": session.verify, "cert": session.cert}
            if is_loopback(origin)
            else dict(session.merge_environment_settings(origin, {}, None, None, None))
        )

    def send(self, request: Request, *, timeout_s: float) -> Reply:
        """Send once.

        Errors:  ConnectionFailed and DataverseError as `faults.from_exception` has them.
        """
        # Prepared without the session, whose .netrc look-up would replace our Authorization header.
        prepared = requests.Request(
            request.method, self._origin, headers={**_OURS, **request.headers}, data=request.body
        ).prepare()
        prepared.url = self._origin + request.path  # set last: prepare() would quote it anew
        try:
            response = self._session.send(
                prepared,
                timeout=(self._connect_timeout_s, timeout_s),
                allow_redirects=False,
                **self._environment,
            )
        except (requests.RequestException, wire.HTTPError) as cause:
            raise faults.from_exception(request, cause, origin=self._origin) from cause
        if _is_cut_short(response):
            raise faults.cut_short(request, origin=self._origin)
        return Reply(response.status_code, CaseInsensitiveDict(response.headers), response.content, request)


def _is_cut_short(response: requests.Response) -> bool:
    """Tell an answer whose head broke off: it looks empty, and nothing says that it should be (RFC 9112 §6.3)."""
    is_marked = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
    return not response.content and not is_marked and response.status_code not in (204, 304)


def open_session(url: str, *, parallel: int) -> requests.Session:
    """Make a session for `url`: as many kept connections as requests at a time, and no affinity cookie.

    Source:  learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests ("Server affinity": without
             its cookie requests spread over the environment's servers, and so do the limits).
    """
    session = requests.Session()
    session.mount(url, HTTPAdapter(pool_connections=1, pool_maxsize=parallel, max_retries=0))
    return session
