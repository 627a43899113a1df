"""The words of a `$batch`: multipart/mixed bytes to embedded requests, and responses back to bytes.

Pure: nothing here knows what a request does. `batch.py` carries the parsed items out.

Real clients differ, and all of these forms are read: CRLF and LF line ends, quoted and unquoted boundaries, a blank
line before the first delimiter, raw spaces in a request line, one or two blank lines where a body could stand.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
(form of requests, change sets and responses); OData 4.0 part 1 §11.7 (multipart batch); the texts of refusals are those
of Microsoft.OData.Core, which the service is built on (inferred: the service passes them through).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

_HTTP_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
_BOUNDARY_MAX = 70  # RFC 2046 §5.1.1
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"([A-Za-z]+)[ \t]+(\S.*?)[ \t]+HTTP/1\.1[ \t]*")


class BatchError(ValueError):
    """The bytes are not a batch; the message says which rule they break."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """One request inside a batch. Header names are lower case; `url` is as written, spaces and all."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Requests that succeed or fail together."""

    requests: tuple[Embedded, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One response inside a batch; `headers` in the order to print."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    content_id: str | None = None


Item = Embedded | ChangeSet
Outcome = Part | Sequence[Part]
"""The answer to one item: one part, or the parts of a change set that succeeded."""


def parse_batch(content_type: str, body: bytes) -> list[Item]:
    """Read the items of a batch.

    Shape:  bytes → items in the order written; a change set is one item.
    Errors: BatchError.

    >>> parse_batch("multipart/mixed;boundary=b", b"--b\\nContent-Type: application/http\\n"
    ...             b"Content-Transfer-Encoding: binary\\n\\nGET tasks?$top=1 HTTP/1.1\\n\\n--b--")[0].url
    'tasks?$top=1'
    """
    return [_item(part) for part in _parts(_boundary(content_type), body)]


def print_batch(outcomes: Iterable[Outcome], boundary: str, change_set_boundaries: Iterator[str]) -> bytes:
    """Print the body of a batch's answer under `boundary`; each change set takes the next of the other boundaries.

    >>> print(print_batch([Part(204, {"OData-Version": "4.0"})], "b", iter(())).decode().replace("\\r", ""))
    --b
    Content-Type: application/http
    Content-Transfer-Encoding: binary
    <BLANKLINE>
    HTTP/1.1 204 No Content
    OData-Version: 4.0
    <BLANKLINE>
    <BLANKLINE>
    --b--
    <BLANKLINE>
    """
    out: list[bytes] = []
    for outcome in outcomes:
        if isinstance(outcome, Part):
            _print_part(out, outcome, boundary)
            continue
        inner = next(change_set_boundaries)
        out.append(f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode())
        for part in outcome:
            _print_part(out, part, inner)
        out.append(f"--{inner}--\r\n".encode())
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out)


def _print_part(out: list[bytes], part: Part, boundary: str) -> None:
    lines = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if part.content_id is not None:
        lines.append(f"Content-ID: {part.content_id}")
    lines += ["", f"HTTP/1.1 {part.status} {HTTPStatus(part.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in part.headers.items()]
    out.append(("\r\n".join(lines) + "\r\n\r\n").encode())
    out.append(part.body)
    out.append(b"\r\n")


def _boundary(content_type: str) -> bytes:
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind != "multipart/mixed":
        raise BatchError(f"The content type '{kind}' is not supported for a batch; 'multipart/mixed' is expected.")
    found = _BOUNDARY.search(content_type)
    boundary = (found.group(1) or found.group(2) or "") if found else ""
    if not 0 < len(boundary) <= _BOUNDARY_MAX:
        raise BatchError("The content type of a batch needs a boundary of 1 to 70 characters.")
    return boundary.encode()


def _parts(boundary: bytes, body: bytes) -> Iterator[bytes]:
    """Yield what stands between delimiters; a delimiter is a whole line, so a boundary may begin like another."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:(?=\r?\n)|\Z)")
    start = -1
    for found in delimiter.finditer(body):
        if start >= 0:
            yield body[start : found.start()]
        if found.group(1):
            return
        start = found.end()
    raise BatchError("The batch ends without its closing boundary." if start >= 0 else "The batch has no parts.")


def _item(part: bytes) -> Item:
    headers, content = _headers_and_rest(part)
    kind = headers.get("content-type", "")
    if kind.split(";", 1)[0].strip().lower() != "multipart/mixed":
        return _embedded(headers, content)
    requests = []
    for inner in _parts(_boundary(kind), content):
        inner_headers, inner_content = _headers_and_rest(inner)
        if inner_headers.get("content-type", "").lower().startswith("multipart/"):
            raise BatchError("Nested change sets in a batch payload are not supported.")
        requests.append(_embedded(inner_headers, inner_content))
    _refuse_twice([request.content_id for request in requests if request.content_id is not None])
    return ChangeSet(tuple(requests))


def _refuse_twice(content_ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for content_id in content_ids:
        if content_id in seen:
            raise BatchError(
                f"The content ID '{content_id}' was found more than once in the same change set. "
                "Content IDs have to be unique across all operations of a change set."
            )
        seen.add(content_id)


def _embedded(mime: Mapping[str, str], content: bytes) -> Embedded:
    kind = mime.get("content-type", "").split(";", 1)[0].strip().lower()
    if kind != "application/http":
        raise BatchError(
            f"The content type '{kind}' of a part is invalid; 'application/http' or 'multipart/mixed' is expected."
        )
    if mime.get("content-transfer-encoding", "").strip().lower() != "binary":
        raise BatchError("A batch part needs the header 'Content-Transfer-Encoding: binary'.")
    line, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    found = _REQUEST_LINE.fullmatch(_text(line.rstrip(b"\r")))
    if found is None or found.group(1).upper() not in _HTTP_METHODS:
        shown = _text(line[:200].rstrip(b"\r"))
        raise BatchError(f"The request line '{shown}' of a part is invalid; 'METHOD url HTTP/1.1' is expected.")
    headers, body = _headers_and_rest(b"\n" + rest)
    content_id = mime.get("content-id") or headers.get("content-id")
    return Embedded(found.group(1).upper(), found.group(2), headers, b"" if body.isspace() else body, content_id)


def _headers_and_rest(block: bytes) -> tuple[dict[str, str], bytes]:
    """Split at the first blank line; `block` begins with the line end that closes the line before."""
    if found := _BLANK_LINE.search(block):
        head, rest = block[: found.start()], block[found.end() :]
    else:
        head, rest = block, b""
    headers: dict[str, str] = {}
    for line in _text(head).replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise BatchError(f"The header line '{line[:200]}' of a batch part is invalid.")
        headers[name.lower()] = value.strip()
    return headers, rest


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as cause:
        raise BatchError("A batch is UTF-8; this one is not.") from cause
