"""The thin HTTP layer: a Flask application that turns a WSGI request into ours and our answer into WSGI's.

Owns the raw path (percent-encoded, as it was sent), sizes and encodings. Must not know what a path means.
"""

from __future__ import annotations

import contextlib
import gzip
import zlib
from typing import TYPE_CHECKING

import flask
from werkzeug.exceptions import RequestEntityTooLarge

from d365ext.emulator.problems import Problem
from d365ext.emulator.web import delivery, door
from d365ext.emulator.web.http import Headers, Request, Response

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization

_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
_COMPRESSED_FROM = 1024  # bytes; below, gzip costs more than it saves


def make_app(org: Organization) -> flask.Flask:
    """Make the application of an organization: one view for every path."""
    app = flask.Flask("d365ext.emulator", static_folder=None)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = None

    def view(path: str = "") -> flask.Response:
        del path  # decoded: '%2F' in it looks like '/'; the raw one is read from the server
        return _to_flask(_answer(org), flask.request.method)

    app.add_url_rule("/", "root", view, methods=_METHODS)
    app.add_url_rule("/<path:path>", "any", view, methods=_METHODS)
    return app


def _answer(org: Organization) -> Response:
    try:
        request = _to_request(org)
    except Problem as problem:
        return Response.problem(problem)
    return door.answer(org, request)


def _to_request(org: Organization) -> Request:
    given = flask.request
    raw = given.environ.get("REQUEST_URI") or given.environ.get("RAW_URI") or ""
    with contextlib.suppress(UnicodeError):  # WSGI passes bytes as Latin-1 text; what is not UTF-8 stays as it is
        raw = raw.encode("latin-1").decode()
    if raw.startswith(("http://", "https://")):  # a proxy's absolute form
        raw = "/" + raw.split("://", 1)[1].partition("/")[2]
    path, _, query = raw.partition("?")
    length = given.content_length or 0
    if length > org.settings.body_bytes_max:
        raise Problem(413, "0x8004418a", "The request is too large.")
    try:
        body = given.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Problem(413, "0x8004418a", "The request is too large.") from None
    return Request(
        method=given.method,
        path=path or given.path,
        query=query,
        headers=Headers(given.headers.items()),
        body=_decoded(body, given.headers.get("Content-Encoding", ""), org.settings.body_bytes_max),
        origin=f"{given.scheme}://{given.host}",
    )


def _decoded(body: bytes, encoding: str, most: int) -> bytes:
    """Unpack a compressed body, but never to more than `most` bytes."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Problem(415, "", f"The content encoding '{encoding}' is not supported.")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS if encoding == "gzip" else zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise Problem(400, "", "The body is not what its Content-Encoding says.") from None
    if len(unpacked) > most:
        raise Problem(413, "0x8004418a", "The request is too large.")
    return unpacked


def _to_flask(response: Response, method: str) -> flask.Response:
    accepts = "gzip" in flask.request.headers.get("Accept-Encoding", "")
    if isinstance(response, delivery.Struck):
        # No server reads the body of a 204, and a body that is not read cannot break: the break needs another status,
        # which nobody gets to see.
        breaks = response.fault in ("reset", "lost_reply") or (response.fault == "truncated" and not response.body)
        made = flask.Response(delivery.pieces(response), status=200 if breaks else response.status)
    else:
        body = response.body
        if accepts and len(body) >= _COMPRESSED_FROM and response.status < 300:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            response.headers.update({"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
        made = flask.Response(b"" if method == "HEAD" else body, status=response.status)
    for name, value in response.headers.items():
        made.headers[name] = value
    if not response.body and response.status in (204, 304):
        made.headers.pop("Content-Type", None)
    return made
