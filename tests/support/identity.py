"""A managed identity endpoint on loopback, as Azure gives its machines: it hands out the token it was told to.

Source: learn.microsoft.com/azure/app-service/overview-managed-identity ("REST endpoint reference": IDENTITY_ENDPOINT,
IDENTITY_HEADER, `access_token`, `expires_on`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def identity_endpoint(token: str | None) -> Iterator[dict[str, str]]:
    """Serve `token` (None: refuse) and give the environment variables that lead to it."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = {"access_token": token, "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
            refusal = {"statusCode": 400, "message": "No identity is assigned to this machine."}
            body = json.dumps(answer if token else refusal).encode()
            self.send_response(200 if token else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "D365EXT_AUTH": "managed-identity",
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{server.server_port}/token",
            "IDENTITY_HEADER": "x",
        }
    finally:
        server.shutdown()
        server.server_close()
