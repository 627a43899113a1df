"""`/healthz` over HTTP, for orchestrators: 200 if the last run was done, 503 if not. Loopback unless told otherwise."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sync.watch import Health


@contextmanager
def serving_health(health: Health, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer `/healthz` while the block runs; gives the port (0: one that is free)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/healthz"
            body = json.dumps(health.as_json() if known else {"error": "only /healthz is here"}).encode()
            self.send_response((200 if health.is_well else 503) if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (same)
            """Say nothing: a probe every few seconds is no news."""

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, name="healthz", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
