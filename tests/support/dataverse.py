"""A bare hand on the Web API for conformance cases: it adds the address and the two OData headers, and nothing else.

It shares no code with `d365ext.webapi`: a misreading of ours must not be in the question and in the answer.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from typing import Any

import requests

API = "/api/data/v9.2/"


class Dataverse:
    """One environment as a case sees it: `url` is its root, `api` the root of its Web API, no slash at their end."""

    def __init__(self, url: str, session: requests.Session, token: Callable[[], str] | None = None) -> None:
        self.url = url.rstrip("/")
        self.api = self.url + API.rstrip("/")
        self._session = session
        self._token = token
        self.created: list[str] = []
        """Addresses of rows and definitions this case made, oldest first, for `clean_up`."""

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> requests.Response:
        """Send one request, its path exactly as given (nothing is re-encoded), and return whatever comes back.

        `path` is relative to the Web API root, starts with "/" to be relative to the host, or is absolute.
        A header given as None is left out.
        """
        if path.startswith("http"):
            url = path
        elif path.startswith("/"):
            url = self.url + path
        else:
            url = f"{self.api}/{path}"
        sent: dict[str, str | None] = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token()}"
        payload = body.encode() if isinstance(body, str) else body
        if json is not None:
            sent["Content-Type"] = "application/json"
            payload = jsonlib.dumps(json).encode()
        sent.update(headers or {})
        clean = {key: value for key, value in sent.items() if value is not None}
        prepared = self._session.prepare_request(requests.Request(method, self.url + "/", headers=clean, data=payload))
        prepared.url = url
        # A prepared request knows no REQUESTS_CA_BUNDLE and no HTTPS_PROXY by itself.
        ways = self._session.merge_environment_settings(self.url, {}, None, None, None)
        response = self._session.send(prepared, allow_redirects=False, timeout=120, **ways)
        entity_id = response.headers.get("OData-EntityId")
        if method == "POST" and entity_id and response.ok:
            self.created.append(entity_id)
        return response

    def get(self, path: str, **headers: str | None) -> requests.Response:
        """GET; keyword arguments are headers, `_` for `-` (`If_None_Match="…"`, `Prefer="…"`)."""
        return self.send("GET", path, headers=_headers(headers))

    def post(self, path: str, json: Any = None, **headers: str | None) -> requests.Response:
        """POST a JSON body ({} when none is given)."""
        return self.send("POST", path, json={} if json is None else json, headers=_headers(headers))

    def patch(self, path: str, json: Any, **headers: str | None) -> requests.Response:
        """PATCH a JSON body."""
        return self.send("PATCH", path, json=json, headers=_headers(headers))

    def put(self, path: str, json: Any, **headers: str | None) -> requests.Response:
        """PUT a JSON body."""
        return self.send("PUT", path, json=json, headers=_headers(headers))

    def delete(self, path: str, **headers: str | None) -> requests.Response:
        """DELETE."""
        return self.send("DELETE", path, headers=_headers(headers))

    def clean_up(self) -> list[str]:
        """Delete what the case made, the newest first; give what would not go, and why.

        What is in use is tried again when others have gone: a case may change older things to use newer ones.
        """
        addresses = list(reversed(dict.fromkeys(self.created)))
        while addresses:
            answers = {address: self.delete(address) for address in addresses}
            left = {each: answer for each, answer in answers.items() if answer.status_code not in (204, 404)}
            if len(left) == len(addresses):
                return [f"{address}: {answer.status_code} {answer.text}" for address, answer in left.items()]
            addresses = list(left)
        return []

    def create(self, entity_set: str, row: Mapping[str, Any]) -> str:
        """Create a row and return its id; the case fails if that did not work."""
        response = self.post(entity_set, dict(row))
        assert response.status_code == 204, response.text
        return response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    def rows(self, path: str, **headers: str | None) -> list[dict[str, Any]]:
        """GET a collection's first page and return its rows; the case fails if that did not work."""
        response = self.get(path, **headers)
        assert response.status_code == 200, response.text
        value: list[dict[str, Any]] = response.json()["value"]
        return value


def error_of(response: requests.Response) -> tuple[int, str, str]:
    """Status, platform code and message of a refusal; the case fails if the body is not an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"]


def _headers(given: Mapping[str, str | None]) -> dict[str, str | None]:
    return {key.replace("_", "-"): value for key, value in given.items()}
