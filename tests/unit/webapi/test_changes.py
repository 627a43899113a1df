"""Change tracking: pages, deletions, links, and the link that is too old."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from d365ext.errors import DeltaExpired, Rejected
from d365ext.names import EntitySetName
from d365ext.webapi.changes import read_changes
from d365ext.webapi.client import Client
from support.clients import client_of
from support.fakes import RecordingTransport, a_reply

ACCOUNTS = EntitySetName("accounts")
BASE = "https://org.example/api/data/v9.2/"
ID = "2e451703-c0fe-4d0b-9c4e-0123456789ab"


def _client(*answers: Any) -> tuple[Client, RecordingTransport]:
    wire = RecordingTransport([a_reply(200, one) if isinstance(one, dict | bytes) else one for one in answers])
    return client_of(wire), wire


def test_the_first_reading_asks_for_tracking_and_ends_with_the_delta_link() -> None:
    client, wire = _client(
        {"value": [{"accountid": ID, "@odata.etag": "x"}], "@odata.nextLink": BASE + "accounts?$skiptoken=%3cx"},
        {"value": [], "@odata.deltaLink": BASE + "accounts?$deltatoken=1%21"},
    )
    first, last = read_changes(client, ACCOUNTS, ["name", "revenue"], page_rows=1)
    assert wire.requests[0].path == "/api/data/v9.2/accounts?$select=name,revenue"
    assert wire.requests[1].path == "/api/data/v9.2/accounts?$skiptoken=%3cx"
    assert {request.headers["Prefer"] for request in wire.requests} == {"odata.track-changes,odata.maxpagesize=1"}
    assert (first.next_link, first.delta_link) == (BASE + "accounts?$skiptoken=%3cx", None)
    assert (last.next_link, last.delta_link) == (None, BASE + "accounts?$deltatoken=1%21")


@pytest.mark.parametrize("token", ["$deltatoken=919042%2108%2f22%2f2017", "$skiptoken=%3ccookie"])
def test_reading_goes_on_from_either_link_verbatim(token: str) -> None:
    client, wire = _client({"value": [], "@odata.deltaLink": BASE + "accounts?$deltatoken=2"})
    list(read_changes(client, ACCOUNTS, ["name"], link=f"{BASE}accounts?$select=name&{token}"))
    assert wire.requests[0].path == f"/api/data/v9.2/accounts?$select=name&{token}"


def test_deletions_are_told_from_rows() -> None:
    client, _ = _client(
        {
            "@odata.context": BASE + "$metadata#accounts(name)/$delta",
            "value": [
                {"@odata.etag": "x", "accountid": ID, "name": "a"},
                {"@odata.context": BASE + "$metadata#accounts/$deletedEntity", "id": ID, "reason": "deleted"},
                {"@odata.context": BASE + "$metadata#accounts/$deletedEntity", "id": ID.upper()},
                {"id": ID, "reason": "deleted"},
                {"@odata.etag": "x", "id": "an own column", "reason": "deleted"},
                {"@odata.etag": "x", "id": ID, "reason": "changed"},
            ],
            "@odata.deltaLink": BASE + "accounts?$deltatoken=1",
        }
    )
    (page,) = read_changes(client, ACCOUNTS, ["name"])
    assert [row.get("id", row.get("accountid")) for row in page.rows] == [ID, "an own column", ID]
    assert page.deleted == [UUID(ID)] * 3


def test_fractions_are_text_and_whole_numbers_are_numbers() -> None:
    client, _ = _client(b'{"value":[{"revenue":1234567890123.4500,"n":7,"e":1e3}],"@odata.deltaLink":"x"}')
    (page,) = read_changes(client, ACCOUNTS, [])
    assert page.rows == [{"revenue": "1234567890123.4500", "n": 7, "e": "1e3"}]


def test_a_link_that_is_too_old_says_to_read_everything() -> None:
    client, _ = _client(a_reply(400, code="0x80044352", message="Please perform a full sync."))
    with pytest.raises(DeltaExpired, match="too old"):
        list(read_changes(client, ACCOUNTS, ["name"], link=BASE + "accounts?$deltatoken=1"))


def test_a_table_that_is_not_tracked_has_no_delta_link_and_that_is_said() -> None:
    client, _ = _client({"value": []})
    with pytest.raises(Rejected, match="Is change tracking on"):
        list(read_changes(client, ACCOUNTS, ["name"]))


def test_a_page_is_read_when_it_is_asked_for() -> None:
    client, wire = _client({"value": [], "@odata.nextLink": BASE + "accounts?$skiptoken=x"})
    pages = read_changes(client, ACCOUNTS, ["name"])
    assert wire.requests == []
    next(pages)
    assert len(wire.requests) == 1
