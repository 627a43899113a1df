"""No secret and no token gets into an error, a repr or a log line, whichever way things fail."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses

from d365ext.errors import D365Error
from d365ext.log import set_up_log
from d365ext.settings import load_settings
from d365ext.webapi.batch import Operation, send_batch
from d365ext.webapi.changes import read_changes
from d365ext.webapi.client import Client, connect
from support.entra import CLIENT, TENANT, Entra
from support.fakes import FakeClock

URL = "https://org.crm4.dynamics.com"
API = f"{URL}/api/data/v9.2/"
SECRET = "canary-secret-value"
TOKEN = "canary-token-value"
ECHO = f"you sent Authorization: Bearer {TOKEN} and client_secret={SECRET}"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that any library logs, at its most talkative."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    written = io.StringIO()
    set_up_log("debug", "text", to=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def entra() -> Iterator[Entra]:
    responses.start()
    stand_in = Entra()
    stand_in.answers({"access_token": TOKEN, "expires_in": 3600}, {"access_token": f"{TOKEN}-2", "expires_in": 3600})
    yield stand_in
    responses.stop(allow_assert=False)
    responses.reset()


def _connected() -> Client:
    settings = load_settings(
        url=URL, auth="client-secret", tenant_id=TENANT, client_id=CLIENT, client_secret=SECRET, retry_total_s=5
    )
    return connect(settings, clock=FakeClock())


def _error(message: str, code: str = "0x1") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _answer(**answer: Any) -> Callable[[Client], Any]:
    def act(client: Client) -> Any:
        responses.get(f"{API}accounts", **answer)
        return client.get("accounts")

    return act


def _batch(client: Client) -> Any:
    part = '--R\r\n\r\nHTTP/1.1 400 X\r\n\r\n{"error":{"code":"0x1","message":"' + ECHO + '"}}\r\n--R--'
    responses.post(f"{API}$batch", body=part, content_type="multipart/mixed; boundary=R")
    (outcome,) = send_batch(client, [Operation("GET", "accounts")])
    assert outcome.error is not None
    raise outcome.error


def _delta(client: Client) -> Any:
    responses.get(f"{API}accounts", status=400, json=_error(ECHO, "0x80044352"))
    return list(read_changes(client, "accounts", []))


def _foreign(client: Client) -> Any:
    responses.get(f"{API}accounts", json={"value": [], "@odata.nextLink": f"https://evil.example/x?token={TOKEN}"})
    return list(client.pages("accounts"))


def _in_path(client: Client) -> Any:
    responses.get(f"{API}accounts", status=400, json=_error("no"))
    return client.get(f"accounts?x={TOKEN}")


FAILURES: dict[str, Callable[[Client], Any]] = {
    **{f"status {status}": _answer(status=status, json=_error(ECHO)) for status in (400, 401, 403, 404, 412, 413, 500)},
    **{f"status {status}": _answer(status=status, json=_error(ECHO)) for status in (429, 502, 503, 504)},
    "empty code": _answer(status=400, json=_error(ECHO, "")),
    "page of a proxy": _answer(status=400, body=f"<html>{ECHO}</html>", content_type="text/html"),
    "not JSON": _answer(status=200, body=f"<html>{ECHO}</html>", content_type=f"text/{TOKEN}"),
    "redirect": _answer(
        status=302, headers={"Location": f"https://evil.example/?t={TOKEN}"}, auto_calculate_content_length=True
    ),
    "code": _answer(status=400, json=_error("no", TOKEN)),
    "request id": _answer(status=400, json=_error("no"), headers={"REQ_ID": TOKEN}),
    "connection": _answer(body=requests.ConnectionError(ECHO)),
    "connection, of the system": _answer(body=requests.ConnectionError(OSError(5, ECHO))),
    "timeout": _answer(body=requests.ReadTimeout(ECHO)),
    "certificate": _answer(body=requests.exceptions.SSLError(ECHO)),
    "invalid": _answer(body=requests.exceptions.InvalidURL(ECHO)),
    "batch": _batch,
    "delta": _delta,
    "foreign link": _foreign,
    "path": _in_path,
}


def _all_text(error: BaseException | None) -> str:
    text = ""
    while isinstance(error, D365Error):
        text += "\n".join([str(error), repr(error), *(f"{name}={value!r}" for name, value in vars(error).items())])
        error = error.__cause__
    return text


@pytest.mark.usefixtures("entra")
@pytest.mark.parametrize("name", FAILURES)
def test_no_failure_shows_the_secret_or_the_token(name: str, lines: io.StringIO) -> None:
    client = _connected()
    with pytest.raises(D365Error) as caught:
        FAILURES[name](client)
    logging.getLogger("d365ext").error("failed", exc_info=caught.value)
    for text in (_all_text(caught.value), lines.getvalue()):
        assert "failed" in text or "Error" in text or type(caught.value).__name__ in text
        assert TOKEN not in text
        assert SECRET not in text


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(
    "answer",
    [{"error": "invalid_client", "error_description": ECHO}, {"error": ECHO}, {"error": "x", "correlation_id": SECRET}],
)
def test_no_refused_sign_in_shows_the_secret(answer: dict[str, str], lines: io.StringIO) -> None:
    with responses.mock:
        Entra().answers(answer)
        with pytest.raises(D365Error) as caught:
            _connected().get("accounts")
    logging.getLogger("d365ext").error("failed", exc_info=caught.value)
    assert SECRET not in _all_text(caught.value)
    assert SECRET not in lines.getvalue()
    responses.reset()


@pytest.mark.usefixtures("entra")
def test_no_object_shows_the_secret_or_the_token_by_repr(lines: io.StringIO) -> None:
    client = _connected()
    responses.get(f"{API}accounts", json={"value": []})
    reply = client.send("GET", "accounts")
    sent = responses.calls[-1].request
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    text = "\n".join(
        repr(one) for one in (client, client.transport, client.traffic, reply, reply.request, vars(client))
    )
    assert TOKEN not in text
    assert SECRET not in text
    assert TOKEN not in lines.getvalue()
    assert SECRET not in lines.getvalue()


@pytest.mark.usefixtures("entra")
def test_a_traceback_in_the_log_is_clean_even_where_a_library_quotes_the_token(lines: io.StringIO) -> None:
    client = _connected()
    responses.get(f"{API}accounts", body=requests.ConnectionError(ECHO))
    with pytest.raises(D365Error) as caught:
        client.get("accounts")
    raw = "".join(traceback.format_exception(caught.value))
    assert TOKEN in raw  # the library did quote it …
    logging.getLogger("d365ext").error("failed", exc_info=caught.value)
    assert "ConnectionError" in lines.getvalue()
    assert TOKEN not in lines.getvalue()  # … and the log does not
