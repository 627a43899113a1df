"""Signing in: every way to get a token, by MSAL, and the transport that carries it.

Owns tokens. They go into the Authorization header of requests to the environment and nowhere else.

Source: learn.microsoft.com/power-apps/developer/data-platform/authenticate-oauth (scopes: `{environment}/.default` for
applications, `{environment}/user_impersonation` for people). Managed and workload identity follow the rule for
applications: inferred.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import msal
import requests
from msal.exceptions import MsalError

from d365ext.log import hide
from d365ext.settings import Auth, Settings
from d365ext.webapi import faults
from d365ext.webapi.certificate import read_certificate
from d365ext.webapi.tokencache import TokenFile
from d365ext.webapi.transport import Reply, Request, Transport

Prompt = Callable[[str], None]
"""Shows a person what to do in order to sign in."""

Ask = Callable[[bool], Mapping[str, Any]]
"""Asks MSAL for a token; True: a fresh one, not one it remembers. Gives MSAL's result."""


class TokenSource(Protocol):
    """Whatever can give tokens."""

    def token(self) -> str:
        """Give a valid access token. Raises Unauthorized or ConnectionFailed."""
        ...

    def refresh(self, stale: str) -> None:
        """Get a new token, because `stale` was refused; nothing if another thread did so meanwhile."""
        ...


class AuthorisedTransport:
    """Adds the token; on 401 gets a new one and sends once more (a refused request was not carried out)."""

    def __init__(self, inner: Transport, source: TokenSource) -> None:
        self._inner = inner
        self._source = source

    def send(self, request: Request, *, timeout_s: float) -> Reply:
        """Send with a token; the reply may still be a 401."""
        token = self._source.token()
        reply = self._inner.send(_signed(request, token), timeout_s=timeout_s)
        if reply.status == 401:
            self._source.refresh(token)
            reply = self._inner.send(_signed(request, self._source.token()), timeout_s=timeout_s)
        # What comes back, and what errors and logs are made of, is the request without the token.
        return replace(reply, request=request)


def _signed(request: Request, token: str) -> Request:
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})


class SharedTokens:
    """The tokens of one sign-in, for all threads."""

    def __init__(self, start: Callable[[], Ask], *, authority: str) -> None:
        self._start = start
        self._authority = authority
        self._ask: Ask | None = None
        self._lock = threading.Lock()
        self._last = ""

    def token(self) -> str:
        """Give a valid access token; MSAL remembers it and knows when it ends."""
        with self._lock:
            return self._get(fresh=False)

    def refresh(self, stale: str) -> None:
        """Get a new token unless another thread already has."""
        with self._lock:
            if self._last == stale:
                self._get(fresh=True)

    def _get(self, *, fresh: bool) -> str:
        try:
            if self._ask is None:
                self._ask = self._start()  # looks the tenant up, so not before a token is needed
            result = self._ask(fresh)
        except (OSError, ValueError, MsalError) as cause:
            raise faults.sign_in_unreachable(cause, authority=self._authority) from cause
        token = result.get("access_token")
        if not token:
            raise faults.from_sign_in(result)
        if token != self._last:
            hide(token)
            self._last = token
        return str(token)


def token_source(settings: Settings, *, prompt: Prompt | None = None) -> TokenSource | None:
    """Make the source of tokens that `settings.auth` names; None for `none`. Opens no connection.

    Errors:  SettingsError if the certificate cannot be used.
    """
    for secret in (settings.client_secret, settings.certificate_password):
        if secret is not None:
            hide(secret.get_secret_value())
    match settings.auth:
        case Auth.NONE:
            return None
        case Auth.CLIENT_SECRET:
            given = settings.client_secret
            return _application(settings, given.get_secret_value() if given else "")
        case Auth.CERTIFICATE:
            certificate = settings.certificate_path or Path()
            return _application(settings, read_certificate(certificate, settings.certificate_password))
        case Auth.WORKLOAD_IDENTITY:
            file = settings.token_file or Path()
            # Read anew each time: the cluster replaces the file before the token in it ends.
            return _application(settings, {"client_assertion": lambda: file.read_text(encoding="utf-8").strip()})
        case Auth.MANAGED_IDENTITY:
            return _managed_identity(settings)
        case Auth.DEVICE_CODE | Auth.INTERACTIVE:
            return _person(settings, prompt)


class _TimedSession(requests.Session):
    """A session that never waits for ever; MSAL sets no timeout of its own on a session that it is given."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._timeout = (settings.connect_timeout_s, settings.read_timeout_s)

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._timeout)
        return super().request(*args, **kwargs)


def _application(settings: Settings, credential: str | Mapping[str, Any]) -> SharedTokens:
    """Sign in as the application itself, with a secret, certificate or federated token."""

    def start() -> Ask:
        app = msal.ConfidentialClientApplication(
            settings.client_id,
            authority=f"{settings.authority}/{settings.tenant_id}",
            client_credential=credential,
            http_client=_TimedSession(settings),
        )

        def ask(fresh: bool) -> Mapping[str, Any]:  # noqa: FBT001 (the shape of Ask)
            if fresh:
                app.remove_tokens_for_client()
            result: Mapping[str, Any] = app.acquire_token_for_client([f"{settings.url}/.default"])
            return result

        return ask

    return SharedTokens(start, authority=settings.authority)


def _managed_identity(settings: Settings) -> SharedTokens:
    """Sign in as the identity of the Azure machine that this runs on; `client_id` chooses among several."""
    identity = (
        msal.UserAssignedManagedIdentity(client_id=settings.client_id)
        if settings.client_id
        else msal.SystemAssignedManagedIdentity()
    )

    def start() -> Ask:
        clients = [_managed_client(settings, identity)]

        def ask(fresh: bool) -> Mapping[str, Any]:  # noqa: FBT001 (the shape of Ask)
            if fresh:
                clients[0] = _managed_client(settings, identity)  # a new one remembers nothing
            try:
                result: Mapping[str, Any] = clients[0].acquire_token_for_client(resource=settings.url)
            except requests.ConnectionError as cause:
                # Where there is no identity there is no such address: waiting for it would be in vain.
                raise faults.no_managed_identity() from cause
            return result

        return ask

    return SharedTokens(start, authority="the managed identity of this machine")


def _managed_client(settings: Settings, identity: Any) -> Any:
    return msal.ManagedIdentityClient(identity, http_client=_TimedSession(settings))


def _person(settings: Settings, prompt: Prompt | None) -> SharedTokens:
    """Sign in as a person, by a code typed elsewhere or in the browser; remembered in `state_dir`."""

    def start() -> Ask:
        tokens = TokenFile(settings.state_dir / "tokens.json")
        app = msal.PublicClientApplication(
            settings.client_id,
            authority=f"{settings.authority}/{settings.tenant_id}",
            token_cache=tokens.cache,
            http_client=_TimedSession(settings),
        )
        scopes = [f"{settings.url}/user_impersonation"]
        sign_in = _by_code if settings.auth is Auth.DEVICE_CODE else _by_browser

        def ask(fresh: bool) -> Mapping[str, Any]:  # noqa: FBT001 (the shape of Ask)
            known = app.get_accounts()
            result = app.acquire_token_silent(scopes, account=known[0], force_refresh=fresh) if known else None
            if not result or "access_token" not in result:
                result = sign_in(app, scopes, prompt)
            tokens.save()
            return result

        return ask

    return SharedTokens(start, authority=settings.authority)


def _by_code(app: Any, scopes: list[str], prompt: Prompt | None) -> Mapping[str, Any]:
    if prompt is None:
        raise faults.nobody_to_prompt()
    flow: Mapping[str, Any] = app.initiate_device_flow(scopes)
    if "message" not in flow:
        return flow  # it holds the error
    prompt(str(flow["message"]))
    result: Mapping[str, Any] = app.acquire_token_by_device_flow(flow)
    return result


def _by_browser(app: Any, scopes: list[str], prompt: Prompt | None) -> Mapping[str, Any]:
    if prompt is not None:
        prompt("A browser window opens; sign in there.")
    result: Mapping[str, Any] = app.acquire_token_interactive(scopes)
    return result
