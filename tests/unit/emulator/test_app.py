"""app.py: one request in, one answer out, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from d365ext.emulator import Emulator, routes
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Headers, Request, Response

API = "/api/data/v9.2/"


def write_then_refuse(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    rows.create(session, session.schema.table("account"), {"name": "written"})
    return Response.json({"error": {"code": "", "message": "no"}}, status=400)


def break_down(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    rows.create(session, session.schema.table("account"), {"name": "written"})
    raise ZeroDivisionError


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let an action of the table of routes be carried out by a function of this file."""

    def put(function: Any) -> None:
        monkeypatch.setattr(routes, "ACTIONS", {"Merge": "test.route"})
        monkeypatch.setattr(routes, "resolve", lambda route: function)

    return put


def accounts(emulator: Emulator) -> list[str]:
    with emulator.organization.reading() as session:
        return [row[0] for row in session.raw.execute("select name from account")]


def post(emulator: Emulator, session: Session | None = None) -> Response:
    request = Request("POST", API + "Merge", headers=Headers({"Content-Type": "application/json"}), body=b"{}")
    return emulator.organization.handle(request, session)


def test_an_answer_of_400_or_more_undoes_what_was_written(emulator: Emulator, action: Any) -> None:
    action(write_then_refuse)
    assert post(emulator).status == 400
    assert accounts(emulator) == []


def test_with_a_session_the_caller_decides(emulator: Emulator, action: Any) -> None:
    action(write_then_refuse)
    with emulator.organization.writing() as session:
        assert post(emulator, session).status == 400
    assert accounts(emulator) == ["written"]


def test_an_unexpected_exception_is_logged_and_becomes_the_platforms_500(
    emulator: Emulator, action: Any, caplog: pytest.LogCaptureFixture
) -> None:
    action(break_down)
    with caplog.at_level(logging.ERROR):
        answer = post(emulator)
    assert (answer.status, b'"code":"0x80040216"' in answer.body) == (500, True)
    assert "ZeroDivisionError" in caplog.text
    assert accounts(emulator) == []


def test_every_answer_of_the_api_says_its_odata_version(emulator: Emulator) -> None:
    for path in ("", "accounts", "nosuch", "WhoAmI", "accounts(1)"):
        assert emulator.organization.handle(Request("GET", API + path)).headers["OData-Version"] == "4.0"
