"""Request and Response: what goes into the local Dataverse and what comes out, without a web server.

Owns the two shapes and how JSON is read from and written into them. Must not know rows, tables or Flask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

import orjson

from d365ext.emulator.problems import Problem

_LONG_NUMBER = re.compile(rb"[0-9][0-9.]{15}")
"""A float keeps 15 digits; a body that may hold a longer number is read by the slower parser that keeps them all."""

API_PATH = "/api/data/"
JSON_TYPE = "application/json; odata.metadata=minimal"


class Headers(dict[str, str]):
    """Header names in lower case, so that `headers.get("if-match")` finds them however they were sent."""

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs = items.items() if isinstance(items, Mapping) else items
        super().__init__((name.lower(), value) for name, value in pairs)


@dataclass(frozen=True)
class Request:
    """One request. `path` and `query` are raw, still percent-encoded; `origin` is `http://host:port`."""

    method: str
    path: str  # /api/data/v9.2/accounts(name='a%2Fb')
    query: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    origin: str = "http://localhost"

    @cached_property
    def root(self) -> str:
        """Give the service root with its closing slash, as clients see it: http://host/api/data/v9.2/."""
        version = self.path.removeprefix(API_PATH).split("/", 1)[0] if self.path.startswith(API_PATH) else "v9.2"
        return f"{self.origin}{API_PATH}{version}/"

    @cached_property
    def options(self) -> Mapping[str, str]:
        """Give the query options, decoded (`+` is a space); 400 if one is given twice."""
        found: dict[str, str] = {}
        for part in self.query.split("&"):
            if not part:
                continue
            raw_name, _, raw_value = part.partition("=")
            name = unquote_plus(raw_name)
            if name in found:
                raise Problem.query(
                    f"Query option '{name}' was specified more than once, but it must be specified at most once."
                )
            found[name] = unquote_plus(raw_value)
        return found

    @cached_property
    def preferences(self) -> Mapping[str, str]:
        """Give the values of `Prefer` by name: {"return": "representation", "odata.maxpagesize": "50"}."""
        found: dict[str, str] = {}
        for part in _split_outside_quotes(self.headers.get("prefer", "")):
            name, _, value = part.partition("=")
            if name.strip():
                found[name.strip().lower()] = value.strip().strip('"')
        return found

    def json(self) -> Any:
        """Parse the body; 415 if it is not said to be JSON, 400 if it is not JSON."""
        kind = self.headers.get("content-type", "")
        if kind and "json" not in kind.lower():
            raise Problem(415, "0x80060888", f"The content type '{kind}' is not supported: send application/json.")
        try:
            parsed = orjson.loads(self.body)
            if _LONG_NUMBER.search(self.body):  # valid, or orjson, the stricter parser, would have said so
                parsed = json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:  # both parsers raise a kind of ValueError
            raise Problem.payload(f"Error reading the JSON of the request body: {error}") from error
        return parsed

    def json_object(self) -> dict[str, Any]:
        """Parse the body, which must be one JSON object; an absent body is an empty object."""
        if not self.body.strip():
            return {}
        parsed = self.json()
        if not isinstance(parsed, dict):
            raise Problem.payload("The request body must be a JSON object.")
        return parsed


def _split_outside_quotes(text: str) -> list[str]:
    parts, start, quoted = [], 0, False
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char in ",;" and not quoted:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return parts


@dataclass
class Response:
    """One answer: status, headers, body as bytes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """Answer with JSON. `orjson.Fragment` inside is written as it is: exact numbers leave so."""
        return cls(status, orjson.dumps(payload), {"Content-Type": JSON_TYPE, **(headers or {})})

    @classmethod
    def empty(cls, *, status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
        """Answer without a body."""
        return cls(status, b"", dict(headers or {}))

    @classmethod
    def text(cls, text: str | bytes, *, content_type: str = "text/plain", status: int = 200) -> Response:
        """Answer with text."""
        return cls(status, text.encode() if isinstance(text, str) else text, {"Content-Type": content_type})

    @classmethod
    def problem(cls, problem: Problem) -> Response:
        """Answer with the platform's error body.

        Source: learn.microsoft.com/…/webapi/compose-http-requests-handle-errors, "Parse errors from the response".
        """
        body = orjson.dumps({"error": {"code": problem.code, "message": problem.message}})
        return cls(
            problem.status, body, {"Content-Type": "application/json; odata.metadata=minimal", **problem.headers}
        )
