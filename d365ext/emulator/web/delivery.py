"""How an answer reaches the client when a test wants it to go wrong: not at all, in half, or slowly.

Owns the iterator that a WSGI server sends. A dropped connection is an exception that waitress understands: it closes
the socket without a word if nothing was sent, and in the middle of the body if something was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from waitress.channel import ClientDisconnected

from d365ext.emulator.web.http import Response

_PIECES = 10


class DroppedError(ClientDisconnected, ConnectionResetError):
    """The connection ends here. For a client in this process it is a ConnectionResetError."""


@dataclass
class Struck(Response):
    """An answer with a fault on its way: reset, lost_reply, truncated or slow."""

    fault: str = ""
    seconds: float = 0.0


def pieces(response: Response) -> Iterator[bytes]:
    """Give the body as it is to be sent; raises DroppedError where the connection is to break."""
    if not isinstance(response, Struck):
        yield response.body
        return
    body = response.body
    match response.fault:
        case "reset" | "lost_reply":
            raise DroppedError("dropped by an injected fault")
        case "truncated":
            yield body[: len(body) // 2]
            raise DroppedError("cut by an injected fault")
        case _:
            size = max(1, -(-len(body) // _PIECES))
            for start in range(0, len(body), size):
                time.sleep(response.seconds / _PIECES)
                yield body[start : start + size]
