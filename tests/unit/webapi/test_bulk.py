"""The bulk messages: what is sent, and what may be repeated."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from d365ext.errors import ConnectionFailed, Rejected, UsageError
from d365ext.webapi.bulk import create_multiple, update_multiple, upsert_multiple
from d365ext.webapi.client import Client
from support.clients import client_of
from support.fakes import RecordingTransport, a_reply

ONE, TWO = "2e451703-c0fe-4d0b-9c4e-000000000001", "2e451703-c0fe-4d0b-9c4e-000000000002"


def _client(*answers: Any) -> tuple[Client, RecordingTransport]:
    wire = RecordingTransport(answers)
    return client_of(wire), wire


def _lost() -> ConnectionFailed:
    error = ConnectionFailed("lost")
    error.may_have_been_sent = True
    return error


def test_many_rows_are_created_in_one_message_each_with_its_type() -> None:
    client, wire = _client(a_reply(200, {"Ids": [ONE, TWO]}))
    assert create_multiple(client, "accounts", "account", [{"name": "a"}, {"name": "b"}]) == [UUID(ONE), UUID(TWO)]
    assert wire.requests[0].path == "/api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple"
    assert json.loads(wire.requests[0].body or b"") == {
        "Targets": [
            {"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "a"},
            {"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "b"},
        ]
    }


def test_ids_that_do_not_match_the_rows_are_an_error() -> None:
    client, _ = _client(a_reply(200, {"Ids": [ONE]}))
    with pytest.raises(Rejected, match="1 ids for 2 rows"):
        create_multiple(client, "accounts", "account", [{}, {}])


def test_creating_is_repeated_after_a_lost_reply_only_if_told() -> None:
    client, _ = _client(_lost(), _lost(), a_reply(200, {"Ids": [ONE]}))
    with pytest.raises(ConnectionFailed):
        create_multiple(client, "accounts", "account", [{}])
    assert create_multiple(client, "accounts", "account", [{"accountid": ONE}], repeatable=True) == [UUID(ONE)]


@pytest.mark.parametrize(
    ("message", "send"), [("UpdateMultiple", update_multiple), ("UpsertMultiple", upsert_multiple)]
)
def test_changing_is_repeated_after_a_lost_reply(message: str, send: Any) -> None:
    client, wire = _client(_lost(), a_reply(204))
    send(client, "accounts", "account", [{"accountid": ONE, "name": "a"}])
    assert wire.requests[1].path.endswith(f"/accounts/Microsoft.Dynamics.CRM.{message}")


@pytest.mark.parametrize("send", [create_multiple, update_multiple, upsert_multiple])
def test_no_rows_are_no_request(send: Any) -> None:
    client, wire = _client()
    assert not send(client, "accounts", "account", [])
    assert wire.requests == []


def test_a_row_that_comes_twice_is_refused_because_the_platform_would_drop_one() -> None:
    client, wire = _client()
    with pytest.raises(UsageError, match="twice"):
        update_multiple(
            client, "accounts", "account", [{"accountid": ONE}, {"accountid": TWO}, {"accountid": UUID(ONE)}]
        )
    assert wire.requests == []
