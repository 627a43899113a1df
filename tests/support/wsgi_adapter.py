"""A `requests` adapter that lets a WSGI application in this process answer: no socket, no thread."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.cookies import extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiAdapter(BaseAdapter):
    """Answers requests from `app`.

    The environ is what waitress would make: PATH_INFO is unquoted, and REQUEST_URI (and RAW_URI, as gunicorn calls it)
    is the path and query as they were sent, because Dataverse's key values can only be told apart there.
    Headers that repeat are joined in the answer by a comma, as `requests` does with a socket's.
    """

    def __init__(self, app: WsgiApp) -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Run the application once, and give its answer as `requests` would."""
        answered: dict[str, Any] = {}
        early: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
            if exc_info and "status" in answered:
                raise exc_info[1].with_traceback(exc_info[2])
            answered["status"], answered["headers"] = status, headers
            return early.append

        try:
            chunks = self._app(_environ(request), start_response)
            try:
                later = b"".join(chunks)  # the application may call write() until it is exhausted
                body = b"".join(early) + later
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except ConnectionResetError as cause:
            # What a server raises to drop the connection; `requests` would see urllib3's word for it.
            raise requests.ConnectionError(ProtocolError("Connection aborted.", cause), request=request) from cause
        return self._response(request, answered["status"], answered["headers"], body)

    def _response(
        self, request: requests.PreparedRequest, status: str, headers: list[tuple[str, str]], body: bytes
    ) -> requests.Response:
        code, _, reason = status.partition(" ")
        folded = HTTPHeaderDict()
        for name, value in headers:
            folded.add(name, value)
        raw = HTTPResponse(
            body=io.BytesIO(body),
            headers=folded,
            status=int(code),
            reason=reason,
            preload_content=False,
            request_method=request.method,
        )
        response = requests.Response()
        response.status_code = int(code)
        response.reason = reason
        response.headers = CaseInsensitiveDict(folded)
        response.raw = raw
        response.url = request.url or ""
        response.request = request
        extract_cookies_to_jar(response.cookies, request, raw)
        return response

    def close(self) -> None:
        """Nothing is held."""


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    url = urlsplit(request.url or "")
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = b"".join(body) if not hasattr(body, "read") else body.read()
    raw_path = url.path or "/"
    target = f"{raw_path}?{url.query}" if url.query else raw_path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_NAME": url.hostname or "localhost",
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if key == "CONTENT_TYPE":
            environ[key] = text
        elif key not in ("CONTENT_LENGTH", "HOST"):
            environ[f"HTTP_{key}"] = text
    return environ
