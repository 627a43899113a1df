"""Rows and messages: what the client sends, and what it makes of the answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
import requests

from d365ext.errors import ConnectionFailed, DuplicateKey, Rejected, RowNotFound
from d365ext.names import RowId
from d365ext.settings import load_settings
from d365ext.webapi.client import Client, chosen_id, connect
from d365ext.webapi.retry import Patience, RetryingTransport
from d365ext.webapi.transport import Request
from support.clients import client_of
from support.fakes import RecordingTransport, a_reply

ID = "2e451703-c0fe-4d0b-9c4e-0123456789ab"
ROW = RowId(UUID(ID))
URL = "https://org.example"


def _client(*answers: Any) -> tuple[Client, RecordingTransport]:
    wire = RecordingTransport(answers)
    return client_of(wire, URL), wire


def _created(link: str = f"{URL}/api/data/v9.2/accounts({ID})") -> Any:
    return a_reply(204, headers={"OData-EntityId": link})


def _lost() -> ConnectionFailed:
    error = ConnectionFailed("lost")
    error.may_have_been_sent = True
    return error


def _body(request: Request) -> Any:
    return json.loads(request.body or b"null")


# ---------------------------------------------------------------- the wire


def test_every_request_carries_the_common_headers() -> None:
    client, wire = _client(a_reply(200, {}))
    client.get("WhoAmI()")
    assert wire.requests[0].path == "/api/data/v9.2/WhoAmI()"
    assert wire.requests[0].headers == {
        "Accept": "application/json",
        "OData-MaxVersion": "4.0",
        "OData-Version": "4.0",
        "If-None-Match": "null",
    }


def test_a_header_of_the_caller_wins() -> None:
    client, wire = _client(a_reply(204))
    client.send("PATCH", "accounts(1)", json={}, headers={"If-None-Match": "*"})
    assert wire.requests[0].headers["If-None-Match"] == "*"
    assert wire.requests[0].headers["Content-Type"] == "application/json"


def test_a_body_of_bytes_is_sent_as_it_is() -> None:
    client, wire = _client(a_reply(204))
    client.send("POST", "x", body=b"raw")
    assert wire.requests[0].body == b"raw"
    assert "Content-Type" not in wire.requests[0].headers


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("accounts", "/api/data/v9.2/accounts"),
        (
            "accounts?$filter=websiteurl eq 'https://x.example/y'",
            "/api/data/v9.2/accounts?$filter=websiteurl eq 'https://x.example/y'",
        ),
        (f"{URL}/api/data/v9.2/accounts?$skiptoken=%3ccookie%20", "/api/data/v9.2/accounts?$skiptoken=%3ccookie%20"),
        ("HTTPS://ORG.example/api/data/v9.2/accounts", "/api/data/v9.2/accounts"),
        ("/api/data/v9.2/accounts", "/api/data/v9.2/accounts"),
        ("$batch", "/api/data/v9.2/$batch"),
    ],
)
def test_a_path_is_below_the_service_and_a_link_is_sent_verbatim(given: str, sent: str) -> None:
    assert _client()[0].path(given) == sent


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/accounts",
        "https://org.example.evil.example/api",
        "https://org.example@evil.example/api",
        "https://org.example:8443/api",
        "http://org.example/api",
        "https://org.example\\@evil.example/api",
        "ftp://org.example/api",
        "https://org.example",
        "https://org.example?x=1",
    ],
)
def test_a_link_to_another_origin_is_refused_and_nothing_is_sent(link: str) -> None:
    client, wire = _client()
    with pytest.raises(Rejected, match="not followed"):
        client.get(link)
    assert wire.requests == []


# ---------------------------------------------------------------- reading


def test_a_row_is_retrieved_with_its_columns_and_exact_numbers() -> None:
    client, wire = _client(a_reply(200, b'{"revenue": 0.10}'))
    row = client.retrieve(f"accounts({ID})", select=["revenue"], expand="primarycontactid($select=fullname)")
    assert row == {"revenue": Decimal("0.10")}
    assert wire.requests[0].path.endswith("?$select=revenue&$expand=primarycontactid($select=fullname)")
    assert "Prefer" not in wire.requests[0].headers


def test_annotations_are_asked_for_by_preference() -> None:
    client, wire = _client(a_reply(200, {}))
    client.retrieve("accounts(1)", annotations=True)
    assert wire.requests[0].headers["Prefer"] == 'odata.include-annotations="*"'


def test_a_function_is_called() -> None:
    client, _ = _client(a_reply(200, {"UserId": ID}))
    assert client.call("WhoAmI()") == {"UserId": ID}


# ---------------------------------------------------------------- creating


def test_a_created_row_is_known_by_the_link_in_the_answer() -> None:
    client, wire = _client(_created())
    assert client.create("accounts", {"name": "Äänekoski Oy"}) == ROW
    assert (wire.requests[0].method, _body(wire.requests[0])) == ("POST", {"name": "Äänekoski Oy"})
    assert not wire.requests[0].is_repeatable


def test_a_created_definition_is_known_likewise() -> None:
    client, wire = _client(_created(f"{URL}/api/data/v9.2/EntityDefinitions({ID.upper()})"))
    assert client.create("EntityDefinitions", {}, solution="PartnerChannel") == ROW
    assert wire.requests[0].headers["MSCRM.SolutionUniqueName"] == "PartnerChannel"


def test_an_answer_without_the_link_is_an_error_that_says_so() -> None:
    client, _ = _client(a_reply(204))
    with pytest.raises(Rejected, match="OData-EntityId"):
        client.create("accounts", {})


def test_a_row_with_its_own_id_is_sent_again_after_a_lost_reply() -> None:
    client, wire = _client(_lost(), _created())
    assert client.create("accounts", {"accountid": ID}) == ROW
    assert wire.is_used_up


@pytest.mark.parametrize("code", ["0x80040237", "0x80060892", ""])
def test_a_row_with_its_own_id_that_is_there_after_a_lost_reply_is_done(code: str) -> None:
    client, wire = _client(
        a_reply(200, {}), _lost(), a_reply(412, code=code, message="already exists"), a_reply(200, {"accountid": ID})
    )
    client.get("WhoAmI()")
    assert client.create("accounts", {"accountid": ID}) == ROW
    assert wire.requests[-1].path == f"/api/data/v9.2/accounts({ID})?$select=accountid"


def test_a_key_that_another_row_holds_stays_an_error_after_a_lost_reply() -> None:
    client, _ = _client(_lost(), a_reply(412, code="0x80060892"), a_reply(404, code="0x80040217"))
    with pytest.raises(DuplicateKey):
        client.create("accounts", {"accountid": ID})


def test_a_row_that_is_there_before_is_an_error() -> None:
    client, wire = _client(a_reply(412, code="0x80040237"))
    with pytest.raises(DuplicateKey):
        client.create("accounts", {"accountid": ID})
    assert wire.is_used_up


def test_a_row_without_its_own_id_is_not_sent_again_after_a_lost_reply() -> None:
    client, wire = _client(_lost())
    with pytest.raises(ConnectionFailed):
        client.create("accounts", {"name": "x"})
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("into", "row", "column"),
    [
        ("accounts", {"accountid": ID}, "accountid"),
        ("opportunities", {"name": "x", "opportunityid": UUID(ID)}, "opportunityid"),
        ("pch_pipelines", {"pch_pipelineid": ID, "pch_level": 1}, "pch_pipelineid"),
        ("contacts", {"accountid": ID}, None),
        ("accounts", {"accountid": "not a guid"}, None),
        ("accounts", {"name": "x"}, None),
        ("accounts", {"id": ID}, None),
    ],
)
def test_the_id_that_a_row_brings_is_recognised(into: str, row: dict[str, Any], column: str | None) -> None:
    assert chosen_id(into, row) == (None if column is None else (column, ROW))


# ---------------------------------------------------------------- changing


def test_an_update_never_creates() -> None:
    client, wire = _client(a_reply(204))
    client.update(f"accounts({ID})", {"name": "x"}, solution="S")
    assert (wire.requests[0].method, wire.requests[0].headers["If-Match"]) == ("PATCH", "*")
    assert wire.requests[0].headers["MSCRM.SolutionUniqueName"] == "S"


def test_an_update_can_be_bound_to_what_was_read() -> None:
    client, wire = _client(a_reply(204))
    client.update(f"accounts({ID})", {"name": "x"}, etag='W/"12"')
    assert wire.requests[0].headers["If-Match"] == 'W/"12"'


def test_an_upsert_may_create() -> None:
    client, wire = _client(a_reply(204))
    client.upsert(f"accounts({ID})", {"name": "x"})
    assert wire.requests[0].method == "PATCH"
    assert "If-Match" not in wire.requests[0].headers


def test_a_delete_of_what_is_not_there_is_for_the_caller_to_decide() -> None:
    client, _ = _client(a_reply(404, code="0x80040217"))
    with pytest.raises(RowNotFound):
        client.delete(f"accounts({ID})")


def test_a_delete_can_be_bound_to_what_was_read() -> None:
    client, wire = _client(a_reply(204), a_reply(204))
    client.delete("accounts(1)", etag='W/"1"', solution="S")
    client.delete("accounts(1)")
    assert wire.requests[0].headers["If-Match"] == 'W/"1"'
    assert wire.requests[0].headers["MSCRM.SolutionUniqueName"] == "S"
    assert "If-Match" not in wire.requests[1].headers


def test_an_action_gives_its_answer_or_nothing() -> None:
    client, wire = _client(a_reply(200, {"a": 1}), a_reply(204))
    assert client.invoke("GrantAccess", {"x": 1}) == {"a": 1}
    assert client.invoke("PublishAllXml", repeatable=True) == {}
    assert [request.is_repeatable for request in wire.requests] == [False, True]
    assert _body(wire.requests[1]) == {}


# ---------------------------------------------------------------- its life


def test_a_client_made_of_settings_closes_its_connections_and_sends_nothing_by_itself() -> None:
    with patch.object(requests.Session, "close") as closed:
        with connect(load_settings(page_rows=77)) as client:
            assert client.url == "http://127.0.0.1:8181"
            assert client.page_rows == 77
            assert client.traffic.requests == 0
            closed.assert_not_called()
        closed.assert_called_once()


def test_a_client_over_a_session_of_others_leaves_it_open() -> None:
    with _client()[0] as client:
        assert client.url == URL


def test_pages_are_of_the_clients_size_unless_another_is_asked_for() -> None:
    wire = RecordingTransport([a_reply(200, {"value": []}) for _ in range(2)])
    client = Client(RetryingTransport(wire, Patience()), URL, page_rows=77)
    list(client.pages("accounts"))
    list(client.pages("accounts", page_rows=5))
    assert [one.headers["Prefer"] for one in wire.requests] == ["odata.maxpagesize=77", "odata.maxpagesize=5"]


def test_a_client_with_a_sign_in_asks_for_no_token_before_it_sends() -> None:
    settings = load_settings(url=URL, auth="client-secret", tenant_id="t", client_id="c", client_secret="hush-hush")
    with connect(settings) as client:
        assert client.traffic.requests == 0
