"""Page after page, by link and by cookie."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from defusedxml.ElementTree import fromstring

from d365ext.errors import Rejected, UsageError
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query
from support.clients import client_of
from support.fakes import RecordingTransport, a_reply

ACCOUNTS = EntitySetName("accounts")
MORE = "@Microsoft.Dynamics.CRM.morerecords"
COOKIE = "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
A_COOKIE = (
    '<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253cname%2520last%253d%2522A%2526'
    'amp%253bB%2522%2520%252f%253e%253c%252fcookie%253e" istracking="False" />'
)


def _client(*answers: dict[str, Any]) -> tuple[Client, RecordingTransport]:
    wire = RecordingTransport([a_reply(200, answer) for answer in answers])
    return client_of(wire), wire


def _link(token: str) -> str:
    return f"https://org.example/api/data/v9.2/accounts?$skiptoken={token}"


def test_links_are_followed_verbatim_with_the_page_size_each_time() -> None:
    client, wire = _client(
        {"value": [{"a": 1}], "@odata.nextLink": _link("%3cx%2520y")}, {"value": [{"a": 2}], "@odata.count": 2}
    )
    pages = list(client.pages(Query(ACCOUNTS, select=("name",), count=True), page_rows=1))
    assert [page.rows for page in pages] == [[{"a": 1}], [{"a": 2}]]
    assert [page.count for page in pages] == [None, 2]
    assert wire.requests[1].path == "/api/data/v9.2/accounts?$skiptoken=%3cx%2520y"
    assert {request.headers["Prefer"] for request in wire.requests} == {"odata.maxpagesize=1"}


def test_a_page_is_read_when_it_is_asked_for() -> None:
    client, wire = _client({"value": [{"a": 1}], "@odata.nextLink": _link("x")}, {"value": []})
    pages = client.pages("accounts")
    assert wire.requests == []
    next(pages)
    assert len(wire.requests) == 1


def test_rows_come_one_after_the_other_with_the_clients_page_size() -> None:
    client, wire = _client({"value": [{"a": 1}, {"a": 2}], "@odata.nextLink": _link("x")}, {"value": [{"a": 3}]})
    assert [row["a"] for row in client.rows("accounts", annotations=True)] == [1, 2, 3]
    assert wire.requests[0].headers["Prefer"] == 'odata.include-annotations="*",odata.maxpagesize=5000'


@pytest.mark.parametrize("query", [Query(ACCOUNTS, top=2), "accounts?$select=name&$top=2", "accounts?$top=0"])
def test_no_page_size_is_asked_for_beside_top_which_would_be_ignored(query: Query | str) -> None:
    client, wire = _client({"value": []})
    list(client.pages(query, page_rows=1))
    assert "Prefer" not in wire.requests[0].headers


def test_top_inside_an_expansion_is_not_the_querys_own() -> None:
    client, wire = _client({"value": []})
    list(client.pages("accounts?$expand=contact_customer_accounts($top=2)", page_rows=1))
    assert wire.requests[0].headers["Prefer"] == "odata.maxpagesize=1"


def test_a_count_that_was_not_made_is_none() -> None:
    client, _ = _client({"value": [], "@odata.count": -1}, {"value": [], "@odata.count": 0})
    assert next(client.pages("accounts")).count is None
    assert next(client.pages("accounts")).count == 0


def test_a_link_to_another_origin_ends_the_reading() -> None:
    client, wire = _client({"value": [], "@odata.nextLink": "https://evil.example/api/data/v9.2/accounts"})
    pages = client.pages("accounts")
    next(pages)
    with pytest.raises(Rejected, match="not followed"):
        next(pages)
    assert len(wire.requests) == 1


def test_a_link_to_its_own_page_would_never_end_and_is_refused() -> None:
    client, _ = _client({"value": [], "@odata.nextLink": _link("x")}, {"value": [], "@odata.nextLink": _link("x")})
    with pytest.raises(Rejected, match="its own page"):
        list(client.pages("accounts"))


def test_more_rows_without_a_link_are_not_passed_over() -> None:
    client, _ = _client({"value": [], MORE: True})
    with pytest.raises(Rejected, match="no link"):
        list(client.pages("accounts"))


# ---------------------------------------------------------------- FetchXML


def _fetch(path: str) -> Any:
    return fromstring(parse_qs(urlsplit(path).query)["fetchXml"][0])


def test_fetchxml_is_paged_by_its_cookie() -> None:
    client, wire = _client({"value": [{"a": 1}], MORE: True, COOKIE: A_COOKIE}, {"value": [{"a": 2}], MORE: False})
    fetch = '<fetch><entity name="account"><attribute name="name"/></entity></fetch>'
    assert [row["a"] for row in client.rows(Query(ACCOUNTS, fetch_xml=fetch), page_rows=1)] == [1, 2]
    first, second = (_fetch(request.path) for request in wire.requests)
    assert dict(first.attrib) == {"count": "1", "page": "1"}
    assert dict(second.attrib) == {
        "count": "1",
        "page": "2",
        "paging-cookie": '<cookie page="1"><name last="A&amp;B" /></cookie>',
    }
    assert "include-annotations" in wire.requests[0].headers["Prefer"]


def test_fetchxml_without_a_cookie_is_paged_by_number() -> None:
    client, wire = _client({"value": [], MORE: True}, {"value": []})
    list(client.pages(Query(ACCOUNTS, fetch_xml='<fetch count="7"><entity name="account"/></fetch>'), page_rows=2))
    assert dict(_fetch(wire.requests[1].path).attrib) == {"count": "7", "page": "2"}


def test_fetchxml_with_top_is_not_paged() -> None:
    client, wire = _client({"value": []})
    list(client.pages(Query(ACCOUNTS, fetch_xml='<fetch top="3"><entity name="account"/></fetch>')))
    assert dict(_fetch(wire.requests[0].path).attrib) == {"top": "3"}


def test_fetchxml_that_is_not_xml_is_refused() -> None:
    client, wire = _client()
    with pytest.raises(UsageError, match="FetchXML"):
        list(client.pages(Query(ACCOUNTS, fetch_xml="<fetch>")))
    assert wire.requests == []


# ---------------------------------------------------------------- views

VIEW = "2e451703-c0fe-4d0b-9c4e-0123456789ab"


def test_a_view_that_fits_on_a_page_is_one_request() -> None:
    client, wire = _client({"value": [{"a": 1}], MORE: False})
    assert [row["a"] for row in client.rows(Query(ACCOUNTS, saved_query=VIEW))] == [1]
    assert wire.requests[0].path == f"/api/data/v9.2/accounts?savedQuery={VIEW}"


def test_a_view_with_links_is_read_by_its_links() -> None:
    client, wire = _client({"value": [{"a": 1}], MORE: True, "@odata.nextLink": _link("x")}, {"value": [{"a": 2}]})
    assert [row["a"] for row in client.rows(Query(ACCOUNTS, saved_query=VIEW))] == [1, 2]
    assert len(wire.requests) == 2


def test_a_view_without_links_is_read_on_by_its_fetchxml() -> None:
    client, wire = _client(
        {"value": [{"a": 1}], MORE: True, COOKIE: A_COOKIE},
        {"fetchxml": '<fetch><entity name="account"/></fetch>'},
        {"value": [{"a": 2}], MORE: False},
    )
    assert [row["a"] for row in client.rows(Query(ACCOUNTS, saved_query=VIEW), page_rows=9)] == [1, 2]
    assert wire.requests[1].path == f"/api/data/v9.2/savedqueries({VIEW})?$select=fetchxml"
    assert _fetch(wire.requests[2].path).get("page") == "2"
    assert _fetch(wire.requests[2].path).get("count") == "1"  # as long as the first page was, whatever was asked for
    assert "<cookie" in _fetch(wire.requests[2].path).get("paging-cookie")
