"""Signing in, in every way, and what becomes of a token that is refused."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests
import responses

from d365ext.errors import ConnectionFailed, SettingsError, Unauthorized
from d365ext.settings import Settings, load_settings
from d365ext.webapi import auth
from d365ext.webapi.auth import AuthorisedTransport, token_source
from support.certificates import a_certificate
from support.clients import client_of
from support.entra import AUTHORITY, CLIENT, TENANT, Entra, a_person
from support.fakes import RecordingTransport, a_reply, a_request

URL = "https://org.crm4.dynamics.com"
SCOPE = f"{URL}/user_impersonation"


@pytest.fixture
def entra() -> Iterator[Entra]:
    responses.start()
    yield Entra()
    responses.stop(allow_assert=False)
    responses.reset()


def _settings(mode: str, **more: Any) -> Settings:
    return load_settings(url=URL, auth=mode, tenant_id=TENANT, client_id=CLIENT, **more)


def _source(settings: Settings, **more: Any) -> Any:
    made = token_source(settings, **more)
    assert made is not None
    return made


# ---------------------------------------------------------------- applications


def test_no_sign_in_needs_no_source() -> None:
    assert token_source(load_settings()) is None


def test_a_client_secret_gets_a_token_for_the_environment(entra: Entra) -> None:
    entra.answers(entra.a_token())
    assert _source(_settings("client-secret", client_secret="hush-hush")).token() == "token-1"
    asked = entra.asked[0]
    assert asked["grant_type"] == "client_credentials"
    assert asked["client_id"] == CLIENT
    assert asked["client_secret"] == "hush-hush"
    assert asked["scope"] == f"{URL}/.default"


def test_a_token_is_remembered_until_it_ends(entra: Entra) -> None:
    entra.answers(entra.a_token())
    source = _source(_settings("client-secret", client_secret="hush-hush"))
    assert [source.token() for _ in range(3)] == ["token-1"] * 3
    assert len(entra.asked) == 1


def test_nothing_is_asked_before_a_token_is_needed(entra: Entra) -> None:
    _source(_settings("client-secret", client_secret="hush-hush"))
    assert entra.asked == []


def test_a_refused_token_is_replaced_once_for_all_threads(entra: Entra) -> None:
    entra.answers(entra.a_token(), entra.a_token(), entra.a_token())
    source = _source(_settings("client-secret", client_secret="hush-hush"))
    stale = source.token()
    threads = [threading.Thread(target=source.refresh, args=(stale,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert source.token() == "token-2"
    assert len(entra.asked) == 2


@pytest.mark.parametrize("form", ["pem", "pem with password", "pfx", "pfx with password"])
def test_a_certificate_signs_an_assertion(entra: Entra, tmp_path: Path, form: str) -> None:
    entra.answers(entra.a_token())
    password = "pass-word" if "password" in form else None
    path = a_certificate(tmp_path, form.split(maxsplit=1)[0], password=password)
    settings = _settings("certificate", certificate_path=path, certificate_password=password)
    assert _source(settings).token() == "token-1"
    asked = entra.asked[0]
    assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    head, claims = (
        json.loads(base64.urlsafe_b64decode(part + "==")) for part in asked["client_assertion"].split(".")[:2]
    )
    assert head["alg"] == "PS256"
    assert "x5t#S256" in head
    assert (claims["iss"], claims["aud"]) == (CLIENT, f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token")


def test_a_certificate_that_cannot_be_opened_is_refused_before_anything_is_sent(entra: Entra, tmp_path: Path) -> None:
    path = a_certificate(tmp_path, "pfx", password="right-one")
    with pytest.raises(SettingsError, match="D365EXT_CERTIFICATE_PASSWORD"):
        token_source(_settings("certificate", certificate_path=path, certificate_password="wrong-one"))
    assert entra.asked == []


def test_a_workload_identity_passes_its_federated_token_on_and_reads_it_anew(entra: Entra, tmp_path: Path) -> None:
    entra.answers(entra.a_token(), entra.a_token())
    file = tmp_path / "federated"
    file.write_text("first.federated.token\n")
    source = _source(_settings("workload-identity", token_file=file))
    token = source.token()
    file.write_text("second.federated.token\n")
    source.refresh(token)
    assert [asked["client_assertion"] for asked in entra.asked] == ["first.federated.token", "second.federated.token"]


def test_a_federated_token_that_vanished_is_a_failed_sign_in(entra: Entra, tmp_path: Path) -> None:
    file = tmp_path / "federated"
    file.write_text("x")
    source = _source(_settings("workload-identity", token_file=file))
    file.unlink()
    with pytest.raises(Unauthorized, match="No such file"):
        source.token()


@responses.activate
@pytest.mark.parametrize("client_id", [CLIENT, ""])
def test_a_managed_identity_asks_the_machine(client_id: str) -> None:
    metadata = "http://169.254.169.254/metadata/identity/oauth2/token"
    for number in (1, 2):
        responses.get(metadata, json={"access_token": f"token-{number}", "expires_in": "3600", "resource": URL})
    settings = load_settings(url=URL, auth="managed-identity", client_id=client_id or None)
    source = _source(settings)
    assert source.token() == source.token() == "token-1"
    source.refresh("token-1")
    assert source.token() == "token-2"
    asked = responses.calls[0].request.params
    assert asked["resource"] == URL
    assert asked.get("client_id", "") == client_id


@responses.activate
def test_where_there_is_no_managed_identity_that_is_said_at_once() -> None:
    with pytest.raises(Unauthorized, match="no managed identity"):
        _source(load_settings(url=URL, auth="managed-identity")).token()


# ---------------------------------------------------------------- people


def _device_flow() -> None:
    responses.add(
        "POST",
        f"{AUTHORITY}/{TENANT}/oauth2/v2.0/devicecode",
        json={
            "device_code": "dc",
            "user_code": "ABC123",
            "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": 900,
            "interval": 0,
            "message": "To sign in, open https://microsoft.com/devicelogin and enter ABC123.",
        },
    )


def test_a_device_code_is_shown_through_the_callback_and_the_tokens_are_kept_private(
    entra: Entra, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _device_flow()
    entra.answers(a_person(entra, SCOPE))
    settings = _settings("device-code", state_dir=tmp_path / "state")
    shown: list[str] = []
    assert _source(settings, prompt=shown.append).token() == "token-1"
    assert shown == ["To sign in, open https://microsoft.com/devicelogin and enter ABC123."]
    assert entra.asked[0]["device_code"] == "dc"
    cache = tmp_path / "state" / "tokens.json"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert capfd.readouterr() == ("", "")


def test_who_signed_in_once_is_remembered_by_the_next_process(entra: Entra, tmp_path: Path) -> None:
    _device_flow()
    entra.answers(a_person(entra, SCOPE), a_person(entra, SCOPE))
    settings = _settings("device-code", state_dir=tmp_path)
    _source(settings, prompt=lambda text: None).token()
    next_process = _source(settings)  # nobody there to be prompted
    assert next_process.token() == "token-1"
    next_process.refresh("token-1")
    assert next_process.token() == "token-2"
    assert entra.asked[1]["grant_type"] == "refresh_token"
    assert SCOPE in entra.asked[1]["scope"].split()


@pytest.mark.usefixtures("entra")
def test_nobody_to_prompt_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="nobody is there"):
        _source(_settings("device-code", state_dir=tmp_path)).token()


def test_a_device_code_that_is_refused_is_a_failed_sign_in(entra: Entra, tmp_path: Path) -> None:
    responses.add(
        "POST",
        f"{AUTHORITY}/{TENANT}/oauth2/v2.0/devicecode",
        status=400,
        json={"error": "unauthorized_client", "error_description": "AADSTS700016: Application not found."},
    )
    with pytest.raises(Unauthorized, match="AADSTS700016"):
        _source(_settings("device-code", state_dir=tmp_path), prompt=lambda text: None).token()
    assert entra.asked == []


@pytest.mark.usefixtures("entra")
@pytest.mark.parametrize("is_prompted", [True, False])
def test_the_browser_is_opened_by_msal_after_the_callback_said_so(tmp_path: Path, is_prompted: bool) -> None:
    shown: list[str] = []
    with patch(
        "msal.PublicClientApplication.acquire_token_interactive", return_value={"access_token": "by-browser"}
    ) as opened:
        source = _source(_settings("interactive", state_dir=tmp_path), prompt=shown.append if is_prompted else None)
        assert source.token() == "by-browser"
    assert opened.call_args.args == ([SCOPE],)
    assert len(shown) == is_prompted


# ---------------------------------------------------------------- failures


def test_a_wrong_secret_is_unauthorized_and_says_what_to_set(entra: Entra) -> None:
    entra.answers({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
    with pytest.raises(Unauthorized, match="D365EXT_CLIENT_SECRET") as caught:
        _source(_settings("client-secret", client_secret="hush-hush")).token()
    assert "hush-hush" not in str(caught.value)


def test_a_tenant_that_does_not_exist_is_unauthorized() -> None:
    with responses.RequestsMock() as mocked:
        mocked.get(
            f"{AUTHORITY}/{TENANT}/v2.0/.well-known/openid-configuration",
            status=400,
            json={"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."},
        )
        with pytest.raises(Unauthorized, match="D365EXT_TENANT_ID"):
            _source(_settings("client-secret", client_secret="hush-hush")).token()


def test_an_authority_that_cannot_be_reached_may_be_tried_again() -> None:
    with responses.RequestsMock() as mocked:
        mocked.get(
            f"{AUTHORITY}/{TENANT}/v2.0/.well-known/openid-configuration", body=requests.ConnectionError("refused")
        )
        with pytest.raises(ConnectionFailed) as caught:
            _source(_settings("client-secret", client_secret="hush-hush")).token()
    assert not caught.value.may_have_been_sent


def test_a_token_endpoint_that_is_down_may_be_tried_again(entra: Entra) -> None:
    entra.answers(503)
    with pytest.raises(ConnectionFailed):
        _source(_settings("client-secret", client_secret="hush-hush")).token()


def test_the_sign_in_never_waits_for_ever(entra: Entra) -> None:
    entra.answers(entra.a_token())
    with patch("requests.Session.request", autospec=True, side_effect=requests.Session.request) as sent:
        _source(_settings("client-secret", client_secret="hush-hush")).token()
    assert {call.kwargs["timeout"] for call in sent.call_args_list} == {(10.0, 120.0)}


# ---------------------------------------------------------------- the transport


class _Tokens:
    def __init__(self) -> None:
        self.refreshed: list[str] = []

    def token(self) -> str:
        return f"t{len(self.refreshed)}"

    def refresh(self, stale: str) -> None:
        self.refreshed.append(stale)


def test_the_token_goes_into_the_header_and_not_into_the_reply() -> None:
    wire = RecordingTransport([a_reply(200)])
    reply = AuthorisedTransport(wire, _Tokens()).send(a_request(headers={"A": "b"}), timeout_s=4)
    assert wire.requests[0].headers == {"A": "b", "Authorization": "Bearer t0"}
    assert wire.timeouts == [4]
    assert reply.request.headers == {"A": "b"}


def test_a_401_is_answered_with_one_new_token() -> None:
    tokens, wire = _Tokens(), RecordingTransport([a_reply(401), a_reply(200)])
    assert AuthorisedTransport(wire, tokens).send(a_request("POST"), timeout_s=4).status == 200
    assert tokens.refreshed == ["t0"]
    assert wire.requests[1].headers["Authorization"] == "Bearer t1"


def test_a_second_401_stays() -> None:
    wire = RecordingTransport([a_reply(401), a_reply(401)])
    assert AuthorisedTransport(wire, _Tokens()).send(a_request(), timeout_s=4).status == 401
    assert wire.is_used_up


def test_a_second_401_is_unauthorized_and_not_tried_for_ever() -> None:
    wire = RecordingTransport([a_reply(401, code="0x80048306", message="expired") for _ in range(2)])
    client = client_of(AuthorisedTransport(wire, _Tokens()))
    with pytest.raises(Unauthorized, match="doctor"):
        client.get("accounts")
    assert wire.is_used_up


def test_the_protocol_is_met_by_what_token_source_makes() -> None:
    source: auth.TokenSource | None = token_source(_settings("client-secret", client_secret="hush-hush"))
    assert source is not None
