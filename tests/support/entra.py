"""A stand-in for Microsoft Entra ID, by `responses`: tenant look-up and token endpoint.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, …/v2-oauth2-device-code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import requests
import responses

AUTHORITY = "https://login.microsoftonline.com"
TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"


class Entra:
    """Answers token requests in order; `asked` are their form fields."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self._count = 0
        base = f"{AUTHORITY}/{TENANT}"
        responses.get(
            f"{base}/v2.0/.well-known/openid-configuration",
            json={
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            },
        )

        host = AUTHORITY.removeprefix("https://")
        responses.get(
            f"{AUTHORITY}/common/discovery/instance",
            json={"metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]},
        )

    def answers(self, *bodies: dict[str, Any] | int) -> None:
        """Let the token endpoint answer so, in order; a number is the status of an empty answer."""
        for body in bodies:
            responses.add_callback("POST", f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token", self._callback(body))

    def a_token(self, **more: Any) -> dict[str, Any]:
        """Make the answer of a success; each has its own token."""
        self._count += 1
        return {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{self._count}", **more}

    def _callback(self, body: dict[str, Any] | int) -> Callable[[requests.PreparedRequest], Any]:
        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            text = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
            self.asked.append({name: values[0] for name, values in parse_qs(text).items()})
            if isinstance(body, int):
                return body, {}, ""
            return (400 if "error" in body else 200), {"Content-Type": "application/json"}, json.dumps(body)

        return answer


def a_person(entra: Entra, scope: str) -> dict[str, Any]:
    """Make the answer to a person's sign-in: access, refresh and id token, as MSAL wants them."""
    info = _packed({"uid": "u", "utid": TENANT})
    claims = {
        "aud": CLIENT,
        "iss": f"{AUTHORITY}/{TENANT}/v2.0",
        "sub": "s",
        "exp": 4102444800,
        "iat": 1,
        "tid": TENANT,
    }
    id_token = f"{_packed({'alg': 'none'})}.{_packed({**claims, 'preferred_username': 'me@example.com'})}.x"
    return entra.a_token(scope=scope, refresh_token="refresh-me-please", id_token=id_token, client_info=info)


def _packed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
