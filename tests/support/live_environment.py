"""A program that plays a real environment: the local Dataverse over TLS, which wants a token, and who gives tokens out.

    python -m support.live_environment FOLDER      (with tests/ on the path)

Prints one line of JSON: `url`, the `authority` with its `tenant`, and the certificate `ca` of both; it ends when its
input does. Some rows are there before anybody comes. The authority has the form of AD FS, because MSAL asks
login.microsoftonline.com about any other that it does not know. It counts what it gave: GET …/count.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow (the form of the request).
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, jsonify, request

from d365ext.emulator import Emulator, EmulatorSettings
from support.tls import running_over_tls

TENANT = "adfs"
CLIENT = "33333333-3333-3333-3333-333333333333"
SECRET = "only-for-loopback"


def authority() -> Flask:
    """Make the application that gives tokens to whoever knows CLIENT and SECRET."""
    app = Flask("authority")
    given: list[str] = []

    @app.get(f"/{TENANT}/.well-known/openid-configuration")
    def _configuration() -> Response:
        base = request.host_url + TENANT
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        return jsonify({"issuer": base} | {key: f"{base}/oauth2/{end}" for key, end in ends.items()})

    @app.post(f"/{TENANT}/oauth2/token")
    def _token() -> Response | tuple[Response, int]:
        asked = request.form
        wanted = ("client_credentials", CLIENT, SECRET)
        if (asked.get("grant_type"), asked.get("client_id"), asked.get("client_secret")) != wanted:
            return jsonify({"error": "invalid_client", "error_description": "Nobody known asks."}), 401
        given.append(asked["scope"])
        return jsonify({"token_type": "Bearer", "expires_in": 3600, "access_token": f"live-{len(given)}"})

    @app.get("/count")
    def _count() -> Response:
        return jsonify(given)

    return app


def _serve(folder: Path) -> None:
    with ExitStack() as stack:
        emulator = stack.enter_context(closing(Emulator(settings=EmulatorSettings(require_token=True))))
        served = stack.enter_context(running_over_tls(emulator, folder))
        tokens: Any = SimpleNamespace(wsgi=authority())
        beside = folder / "authority"
        beside.mkdir()
        signs_in = stack.enter_context(running_over_tls(tokens, beside))
        both = folder / "both.pem"
        both.write_bytes(served.authority.read_bytes() + signs_in.authority.read_bytes())
        told = {"url": served.url, "authority": signs_in.url, "tenant": TENANT, "ca": str(both)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
