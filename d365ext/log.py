"""Log lines to stderr, as text or JSON, with secrets taken out.

Two nets: what was registered with `hide` (our secrets and tokens), and what looks like one (bearer headers, JWTs,
form fields of a token request), wherever it stands: message, arguments, traceback.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

_HIDDEN: set[str] = set()
_SHORTEST = 6  # a shorter "secret" would blot out ordinary words

_LOOKS_SECRET = re.compile(
    r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|(?<=Bearer )[^\s\"',;]{8,}"
    r"|(?<=client_secret=)[^\s&\"',;]+|(?<=client_assertion=)[^\s&\"',;]+|(?<=refresh_token=)[^\s&\"',;]+"
    r"|(?<=access_token=)[^\s&\"',;]+|(?<=password=)[^\s&\"',;]+",
    re.IGNORECASE,
)
_MASK = "***"


def hide(secret: str) -> None:
    """Let no log line and no error show `secret` from now on."""
    if len(secret) >= _SHORTEST:
        _HIDDEN.add(secret)


def redact(text: str) -> str:
    """Take secrets out of `text`.

    >>> redact("Authorization: Bearer 0123abcd.4567")
    'Authorization: Bearer ***'
    """
    for secret in _HIDDEN:
        text = text.replace(secret, _MASK)
    return _LOOKS_SECRET.sub(_MASK, text)


class TextLines(logging.Formatter):
    """One line a record: time, level, logger, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        """Format and redact."""
        return redact(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a record: at, level, logger, message, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Format and redact."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def set_up_log(
    level: Literal["debug", "info", "warning", "error"] = "warning",
    form: Literal["text", "json"] = "text",
    *,
    to: TextIO | None = None,
) -> logging.Handler:
    """Send the log of the whole process to stderr (or `to`); calling again replaces what the last call set."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if getattr(handler, "of_d365ext", False)]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    handler.of_d365ext = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level.upper())
    return handler
