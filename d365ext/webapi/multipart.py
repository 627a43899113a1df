"""The multipart text of `$batch`: written with CRLF, read with either line end. Pure.

Source: RFC 2046 §5.1 (multipart), OData 4.0 Part 1 §11.7 (batch),
learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api (samples).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message

from requests.structures import CaseInsensitiveDict

_BLANK = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(r"\r?\n")


@dataclass(frozen=True, slots=True)
class PartRequest:
    """One operation as it is written: `path` as it stands in the request line."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class PartReply:
    """One answer as it was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_id: str = ""


def write(items: Sequence[PartRequest | Sequence[PartRequest]], boundary: str) -> bytes:
    """Write a batch; a sequence inside becomes a change set.

    Errors:  ValueError for a line break in a path or header: it would begin another operation.
    """
    parts = []
    for number, item in enumerate(items, 1):
        if isinstance(item, PartRequest):
            parts.append(_written(item))
        else:
            inner = f"changeset_{number}_{boundary}"
            head = f'Content-Type: multipart/mixed; boundary="{inner}"\r\n\r\n'.encode()
            parts.append(head + _joined([_written(part) for part in item], inner))
    return _joined(parts, boundary)


def _joined(parts: Sequence[bytes], boundary: str) -> bytes:
    opened = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    return opened + b"--%b--\r\n" % boundary.encode()


def _written(part: PartRequest) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if part.content_id:
        head.append(f"Content-ID: {part.content_id}")
    request = [f"{part.method} {part.path} HTTP/1.1", *(f"{name}: {value}" for name, value in part.headers.items())]
    lines = [*head, "", *request, "", ""]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError(f"a line break in {part.method} {part.path!r} or its headers")
    return "\r\n".join(lines).encode() + part.body


def read(body: bytes, content_type: str) -> list[PartReply | list[PartReply]]:
    """Read the answer to a batch; the answer to a change set becomes a list.

    Errors:  ValueError if it is not multipart, or a part is not understood.
    """
    return [_read_part(part) for part in _parts(body, content_type)]


def _parts(body: bytes, content_type: str) -> list[tuple[Mapping[str, str], bytes]]:
    said = Message()
    said["Content-Type"] = content_type
    boundary = said.get_boundary()
    if said.get_content_maintype() != "multipart" or not boundary:
        raise ValueError(f"not multipart: {content_type!r}")
    mark = rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?:\r?\n|$)"
    pieces = re.split(mark, body)
    if b"--" not in pieces[1::2]:
        raise ValueError("the closing boundary is missing")
    # The list alternates: preamble, mark, part, mark, part …, the last mark being "--", epilogue.
    return [_headed(piece) for piece in pieces[2:-1:2]]


def _headed(piece: bytes) -> tuple[Mapping[str, str], bytes]:
    head, rest = _split(b"\n" + piece)  # a part may have no headers at all, only the blank line
    return _headers(head.decode("latin-1").splitlines()), rest


def _split(piece: bytes) -> tuple[bytes, bytes]:
    found = _BLANK.search(piece)
    return (piece, b"") if found is None else (piece[: found.start()], piece[found.end() :])


def _headers(lines: Sequence[str]) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return CaseInsensitiveDict({name.strip(): value.strip() for name, _, value in pairs})


def _read_part(part: tuple[Mapping[str, str], bytes]) -> PartReply | list[PartReply]:
    headers, content = part
    if headers.get("Content-Type", "").lower().startswith("multipart/"):
        return [_answer(*inner) for inner in _parts(content, headers["Content-Type"])]
    return _answer(headers, content)


def _answer(headers: Mapping[str, str], content: bytes) -> PartReply:
    head, body = _split(content)
    first, *lines = _LINE.split(head.decode("latin-1").lstrip("\r\n"))
    version, _, rest = first.partition(" ")
    status = rest.partition(" ")[0]
    if not version.startswith("HTTP/") or not status.isdigit():
        raise ValueError(f"no status line: {first[:80]!r}")
    own = _headers(lines)
    content_id = headers.get("Content-ID") or own.get("Content-ID") or ""
    return PartReply(int(status), own, body.rstrip(b"\r\n"), content_id)
