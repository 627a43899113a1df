"""Serve an organization on a port of this machine: waitress in a thread, stopped cleanly.

Owns sockets and threads. Loopback only, unless a host is given.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

if TYPE_CHECKING:
    from d365ext.emulator import Emulator

_THREADS = 16
_SHUTDOWN_S = 10


class _Task(WSGITask):
    """Answers with header names as they were given: waitress makes `Odata-Entityid` of `OData-EntityId`.

    Names are case-insensitive, but a client was met that looks for the platform's spelling (Microsoft's Python SDK
    1.1.0, async: a plain dict).
    """

    def build_response_header(self) -> bytes:
        given = {name.lower(): name for name, _ in self.response_headers}
        lines = super().build_response_header().decode("latin-1").split("\r\n")
        for at, line in enumerate(lines[1:], start=1):
            name, colon, rest = line.partition(":")
            lines[at] = given.get(name.lower(), name) + colon + rest
        return "\r\n".join(lines).encode("latin-1")


class _Channel(HTTPChannel):
    task_class = _Task


@dataclass(frozen=True)
class Served:
    """A running server: its address, without a slash at the end."""

    url: str
    port: int


@contextmanager
def running(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """Serve `emulator` until the block ends; port 0 takes a free one."""
    server: Any = create_server(
        emulator.wsgi,
        host=host,
        port=port,
        threads=_THREADS,
        ident="local-dataverse",
        max_request_body_size=emulator.settings.body_bytes_max + 1,
        clear_untrusted_proxy_headers=True,
    )
    server.channel_class = _Channel
    # It warns as soon as a request waits for a thread, which on a busy machine is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    thread = threading.Thread(target=server.run, name="local-dataverse", daemon=True)
    thread.start()
    try:
        chosen = int(server.effective_port)
        shown = f"[{host}]" if ":" in host else host
        yield Served(f"http://{shown}:{chosen}", chosen)
    finally:
        server.task_dispatcher.shutdown()
        # In the server's own thread, which may be waiting on the very sockets that are closed. It may also be awake and
        # close them, the trigger's among them, before the trigger is pulled.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))  # noqa: SLF001
        thread.join(_SHUTDOWN_S)
