"""Batches: one outcome an item, throttled parts again, repeats only where they are safe."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from d365ext.errors import (
    ConnectionFailed,
    DuplicateKey,
    Rejected,
    RowNotFound,
    ServiceProtection,
    Unauthorized,
    UsageError,
)
from d365ext.webapi.batch import ChangeSet, Operation, send_batch
from d365ext.webapi.client import Client
from d365ext.webapi.transport import Reply, Request
from support.clients import client_of
from support.fakes import FakeClock, RecordingTransport, a_reply


def _error(code: str, message: str = "no") -> str:
    return json.dumps({"error": {"code": code, "message": message}})


def _part(status: int, body: str = "", *, content_id: str = "", **headers: str) -> str:
    own = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    marked = f"Content-ID: {content_id}\r\n" if content_id else ""
    return f"Content-Type: application/http\r\n{marked}\r\nHTTP/1.1 {status} X\r\n{own}\r\n{body}\r\n"


def _set(*parts: str) -> str:
    inner = "".join(f"--S\r\n{part}" for part in parts)
    return f"Content-Type: multipart/mixed; boundary=S\r\n\r\n{inner}--S--\r\n"


def _answer(*parts: str, status: int = 200) -> Reply:
    text = "".join(f"--R\r\n{part}" for part in parts) + "--R--\r\n"
    return a_reply(status, text.encode(), headers={"Content-Type": "multipart/mixed; boundary=R", "REQ_ID": "outer"})


def _client(*answers: Any) -> tuple[Client, RecordingTransport, FakeClock]:
    clock, wire = FakeClock(), RecordingTransport(answers)
    return client_of(wire, clock=clock), wire, clock


def _lost() -> ConnectionFailed:
    error = ConnectionFailed("lost")
    error.may_have_been_sent = True
    return error


def _lines(request: Request) -> list[str]:
    """Give the request lines inside a batch."""
    return re.findall(rb"(?m)^(\w+ \S+) HTTP/1.1\r$", request.body or b"")  # type: ignore[return-value]


GET = Operation("GET", "accounts")
POST = Operation("POST", "accounts", {"name": "Åbo"})
PATCH = Operation("PATCH", "accounts(1)", {"name": "x"}, {"If-Match": "*"})
DELETE = Operation("DELETE", "accounts(2)")


def test_each_item_has_its_outcome_in_order() -> None:
    client, wire, _ = _client(
        _answer(_part(200, '{"value":[]}'), _part(204, OData_EntityId="e"), _part(404, _error("0x80040217")))
    )
    outcomes = send_batch(client, [GET, POST, DELETE])
    assert [outcome.status for outcome in outcomes] == [200, 204, 404]
    assert outcomes[0].body == b'{"value":[]}'
    assert outcomes[1].headers["odata-entityid"] == "e"
    assert [type(outcome.error) for outcome in outcomes] == [type(None), type(None), RowNotFound]
    error = outcomes[2].error
    assert isinstance(error, RowNotFound)
    assert (error.method, error.path, error.request_id) == ("DELETE", "/api/data/v9.2/accounts(2)", "outer")
    request = wire.requests[0]
    assert (request.method, request.path) == ("POST", "/api/data/v9.2/$batch")
    assert request.headers["Prefer"] == "odata.continue-on-error"
    assert _lines(request) == [
        b"GET /api/data/v9.2/accounts",
        b"POST /api/data/v9.2/accounts",
        b"DELETE /api/data/v9.2/accounts(2)",
    ]
    assert '{"name":"Åbo"}'.encode() in (request.body or b"")


def test_headers_of_an_operation_are_written() -> None:
    client, wire, _ = _client(_answer(_part(204)))
    send_batch(client, [PATCH])
    assert b"\r\nIf-Match: *\r\n" in (wire.requests[0].body or b"")


def test_no_items_are_no_request() -> None:
    client, wire, _ = _client()
    assert send_batch(client, []) == []
    assert wire.requests == []


def test_a_link_to_another_origin_is_refused_inside_a_batch_too() -> None:
    client, wire, _ = _client()
    with pytest.raises(Rejected, match="not followed"):
        send_batch(client, [Operation("GET", "https://evil.example/x")])
    assert wire.requests == []


# ---------------------------------------------------------------- stopping at the first error


def test_without_continue_on_error_what_was_not_reached_says_so() -> None:
    client, wire, _ = _client(_answer(_part(204), _part(400, _error("0x80048d19")), status=400))
    outcomes = send_batch(client, [PATCH, POST, DELETE], continue_on_error=False)
    assert [outcome.status for outcome in outcomes] == [204, 400, 0]
    assert isinstance(outcomes[1].error, Rejected)
    assert outcomes[2].error is None
    assert "Prefer" not in wire.requests[0].headers


# ---------------------------------------------------------------- change sets


def test_a_change_set_has_one_outcome_with_its_parts_in_order() -> None:
    client, wire, _ = _client(
        _answer(
            _set(_part(204, content_id="2", OData_EntityId="two"), _part(204, content_id="1", OData_EntityId="one"))
        )
    )
    (outcome,) = send_batch(client, [ChangeSet([POST, Operation("PUT", "$1/name", {"value": "x"})])])
    assert outcome.error is None
    assert [part.headers["OData-EntityId"] for part in outcome.parts] == ["one", "two"]
    assert outcome.status == 200
    assert _lines(wire.requests[0]) == [b"POST /api/data/v9.2/accounts", b"PUT $1/name"]
    assert re.findall(rb"Content-ID: (\d+)\r\n", wire.requests[0].body or b"") == [b"1", b"2"]


def test_parts_without_content_id_keep_the_order_of_the_answer() -> None:
    client, _, _ = _client(_answer(_set(_part(204, OData_EntityId="one"), _part(204, OData_EntityId="two"))))
    (outcome,) = send_batch(client, [ChangeSet([POST, POST])])
    assert [part.headers["OData-EntityId"] for part in outcome.parts] == ["one", "two"]


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        (_part(412, _error("0x80040237")), "POST"),
        (_set(_part(412, _error("0x80040237"))), "POST"),
        (_set(_part(412, _error("0x80040237"), content_id="2")), "PATCH"),
        (_set(_part(204, content_id="1"), _part(412, _error("0x80040237"), content_id="2")), "PATCH"),
        (_set(_part(412, _error("0x80040237"), content_id="9")), "PATCH"),
    ],
    ids=["plain", "in a set", "with its number", "beside another", "with a number too high"],
)
def test_a_change_set_that_failed_has_one_error_and_no_parts(answer: str, method: str) -> None:
    client, _, _ = _client(_answer(answer, _part(204)))
    outcome, after = send_batch(client, [ChangeSet([POST, PATCH]), DELETE])
    assert isinstance(outcome.error, DuplicateKey)
    assert outcome.error.method == method
    assert (outcome.status, outcome.parts) == (412, ())
    assert after.error is None


def test_a_change_set_of_one_may_be_answered_plainly() -> None:
    client, _, _ = _client(_answer(_part(204)))
    (outcome,) = send_batch(client, [ChangeSet([POST])])
    assert [part.status for part in outcome.parts] == [204]


def test_an_operation_may_be_answered_inside_a_set() -> None:
    client, _, _ = _client(_answer(_set(_part(204))))
    assert [outcome.status for outcome in send_batch(client, [POST])] == [204]


# ---------------------------------------------------------------- refusals of our own


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([GET] * 1001, "1000 operations, not 1001"),
        ([ChangeSet([POST] * 600), ChangeSet([POST] * 401)], "not 1001"),
        ([ChangeSet([GET])], "cannot read"),
        ([Operation("POST", "$batch")], "batch in a batch|stand in a batch"),
        ([Operation("GET", "a\r\nX: y")], "line break"),
    ],
)
def test_what_a_batch_cannot_hold_is_refused_before_sending(items: list[Any], said: str) -> None:
    client, wire, _ = _client()
    with pytest.raises(UsageError, match=said):
        send_batch(client, items)
    assert wire.requests == []


def test_a_thousand_operations_are_allowed() -> None:
    client, _, _ = _client(_answer(*[_part(204)] * 1000))
    assert len(send_batch(client, [ChangeSet([POST])] * 500 + [PATCH] * 500)) == 1000


@pytest.mark.parametrize(
    "answer",
    [
        a_reply(200, b"<html>", headers={"Content-Type": "text/html"}),
        _answer(_part(204)),
        _answer(_part(204), _part(204), _part(204)),
        _answer(_part(204), _set(_part(204))),
    ],
    ids=["not multipart", "too few", "too many", "too few in a set"],
)
def test_an_answer_that_cannot_be_matched_is_an_error(answer: Reply) -> None:
    client, _, _ = _client(answer)
    with pytest.raises(Rejected, match="not understood"):
        send_batch(client, [PATCH, ChangeSet([POST, POST])])


# ---------------------------------------------------------------- throttling


def test_a_throttled_part_alone_is_sent_again_through_the_gate() -> None:
    throttled = _part(429, _error("0x80072326"), Retry_After="6")
    client, wire, clock = _client(
        _answer(_part(204), throttled, _part(204)), _answer(_part(204, OData_EntityId="again"))
    )
    outcomes = send_batch(client, [PATCH, POST, DELETE])
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert outcomes[1].headers["OData-EntityId"] == "again"
    assert clock.slept == [6.0]
    assert _lines(wire.requests[1]) == [b"POST /api/data/v9.2/accounts"]
    assert client.traffic.throttled_s == 6.0


def test_throttled_parts_without_retry_after_wait_longer_each_time() -> None:
    throttled = _answer(_part(429, _error("0x80072322")))
    client, _, clock = _client(throttled, throttled, _answer(_part(204)))
    assert send_batch(client, [POST])[0].error is None
    assert clock.slept == [1.0, 2.0]


def test_of_several_throttled_parts_the_longest_pause_counts() -> None:
    parts = [_part(429, _error("0x80072326"), Retry_After=seconds) for seconds in ("2", "9", "4")]
    client, _, clock = _client(_answer(*parts, _part(429, _error("0x80072326"))), _answer(*[_part(204)] * 4))
    send_batch(client, [PATCH] * 4)
    assert clock.slept == [9.0]


def test_a_part_that_stays_throttled_keeps_its_error() -> None:
    client, wire, _ = _client(
        *[_answer(_part(204), _part(429, _error("0x80072326"), Retry_After="25"))],
        *[_answer(_part(429, _error("0x80072326"), Retry_After="25")) for _ in range(9)],
    )
    outcomes = send_batch(client, [PATCH, POST])
    assert outcomes[0].error is None
    assert isinstance(outcomes[1].error, ServiceProtection)
    assert len(wire.requests) == 3  # 25 s twice fit into 60 s


def test_a_throttled_part_that_stopped_the_batch_is_sent_again_with_all_after_it() -> None:
    client, wire, _ = _client(
        _answer(_part(204), _part(429, _error("0x80072326"), Retry_After="1"), status=429),
        _answer(_part(204), _part(204)),
    )
    outcomes = send_batch(client, [PATCH, POST, DELETE], continue_on_error=False)
    assert [outcome.status for outcome in outcomes] == [204, 204, 204]
    assert _lines(wire.requests[1]) == [b"POST /api/data/v9.2/accounts", b"DELETE /api/data/v9.2/accounts(2)"]


def test_what_was_done_is_not_lost_if_sending_again_fails() -> None:
    client, _, _ = _client(_answer(_part(204), _part(429, _error("0x80072326"), Retry_After="1")), a_reply(401))
    outcomes = send_batch(client, [PATCH, POST])
    assert outcomes[0].status == 204
    assert isinstance(outcomes[1].error, Unauthorized)


def test_a_throttled_batch_as_a_whole_is_sent_again() -> None:
    client, wire, clock = _client(a_reply(429, code="0x80072321", headers={"Retry-After": "3"}), _answer(_part(204)))
    assert send_batch(client, [POST])[0].error is None
    assert clock.slept == [3.0]
    assert wire.is_used_up


# ---------------------------------------------------------------- lost replies


@pytest.mark.parametrize("items", [[POST], [ChangeSet([PATCH])], [PATCH, POST]], ids=["post", "change set", "mixed"])
def test_after_a_lost_reply_a_batch_with_posts_or_sets_is_not_repeated(items: list[Any]) -> None:
    client, wire, _ = _client(_lost())
    with pytest.raises(ConnectionFailed) as caught:
        send_batch(client, items)
    assert caught.value.after_lost_reply
    assert len(wire.requests) == 1


def test_after_a_lost_reply_a_batch_of_repeatable_operations_is_repeated_and_its_deletes_are_done() -> None:
    client, _, _ = _client(_lost(), _answer(_part(204), _part(404, _error("0x80040217"))))
    outcomes = send_batch(client, [PATCH, DELETE])
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [(204, None), (204, None)]


def test_after_a_lost_reply_a_batch_is_repeated_if_told_and_a_clash_says_that_it_came_after_one() -> None:
    client, _, _ = _client(_lost(), _answer(_part(412, _error("0x80040237"))))
    (outcome,) = send_batch(client, [POST], repeatable=True)
    assert isinstance(outcome.error, DuplicateKey)
    assert outcome.error.after_lost_reply


def test_a_batch_told_not_to_be_repeatable_is_not_repeated() -> None:
    client, _, _ = _client(_lost())
    with pytest.raises(ConnectionFailed):
        send_batch(client, [PATCH], repeatable=False)
