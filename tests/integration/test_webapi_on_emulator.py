"""Our client against the local Dataverse: rows, paging, batches, bulk messages, changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from d365ext.emulator import Emulator, running
from d365ext.errors import DeltaExpired, DuplicateKey, Rejected, RowChanged, RowNotFound
from d365ext.names import EntitySetName, RowId
from d365ext.webapi.batch import ChangeSet, Operation, send_batch
from d365ext.webapi.bulk import create_multiple, update_multiple, upsert_multiple
from d365ext.webapi.changes import ChangePage, read_changes
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query, bind, key_address, literal, row_address
from support.clients import client_over

ACCOUNTS, CONTACTS, LEADS = EntitySetName("accounts"), EntitySetName("contacts"), EntitySetName("leads")


# ---------------------------------------------------------------- rows


def test_a_row_is_created_read_changed_and_deleted(client: Client) -> None:
    made = client.create(ACCOUNTS, {"name": "Äänekosken Öljy Oy", "revenue": Decimal("1234567.89")})
    address = row_address(ACCOUNTS, made)
    row = client.retrieve(address, select=["name", "revenue"])
    assert (row["name"], row["revenue"], row["accountid"]) == ("Äänekosken Öljy Oy", Decimal("1234567.89"), str(made))
    client.update(address, {"name": "Oy Å & Ö"})
    assert client.retrieve(address, select=["name"])["name"] == "Oy Å & Ö"
    client.delete(address)
    with pytest.raises(RowNotFound) as caught:
        client.retrieve(address)
    assert caught.value.code == "0x80040217"
    with pytest.raises(RowNotFound):
        client.delete(address)


def test_a_lookup_is_bound_and_expanded(client: Client) -> None:
    contact = client.create(CONTACTS, {"lastname": "Virtanen"})
    account = client.create(ACCOUNTS, {"name": "A", "primarycontactid@odata.bind": bind(CONTACTS, contact)})
    row = client.retrieve(
        row_address(ACCOUNTS, account), select=["name"], expand="primarycontactid($select=lastname)", annotations=True
    )
    assert row["primarycontactid"]["lastname"] == "Virtanen"


def test_an_update_of_a_missing_row_creates_nothing(client: Client) -> None:
    address = row_address(ACCOUNTS, uuid4())
    with pytest.raises(RowNotFound):
        client.update(address, {"name": "x"})
    with pytest.raises(RowNotFound):
        client.retrieve(address)


def test_an_upsert_creates_and_then_changes(client: Client) -> None:
    address = row_address(ACCOUNTS, uuid4())
    client.upsert(address, {"name": "first"})
    client.upsert(address, {"name": "second"})
    assert client.retrieve(address, select=["name"])["name"] == "second"


def test_a_row_that_was_changed_meanwhile_is_not_overwritten(client: Client) -> None:
    address = row_address(ACCOUNTS, client.create(ACCOUNTS, {"name": "first"}))
    etag = client.retrieve(address, select=["name"])["@odata.etag"]
    client.update(address, {"name": "theirs"}, etag=etag)
    with pytest.raises(RowChanged):
        client.update(address, {"name": "ours"}, etag=etag)
    with pytest.raises(RowChanged):
        client.delete(address, etag=etag)
    assert client.retrieve(address, select=["name"])["name"] == "theirs"


@pytest.mark.parametrize("error_codes", ["filled", "empty"])
def test_an_id_of_our_own_is_kept_and_cannot_be_used_twice(
    client: Client, http: requests.Session, error_codes: str
) -> None:
    _set(http, error_codes=error_codes)
    own = uuid4()
    assert client.create(ACCOUNTS, {"accountid": own, "name": "x"}) == own
    with pytest.raises(DuplicateKey):
        client.create(ACCOUNTS, {"accountid": own, "name": "y"})


def test_a_column_that_is_none_is_refused_with_its_name(client: Client) -> None:
    with pytest.raises(Rejected, match="pch_nosuch"):
        client.create(ACCOUNTS, {"name": "x", "pch_nosuch": 1})


def test_a_table_that_is_none_is_not_found(client: Client) -> None:
    with pytest.raises(RowNotFound):
        list(client.rows("nosuchthings"))


def test_an_action_and_a_function_are_carried_out(client: Client) -> None:
    account = client.create(ACCOUNTS, {"name": "A"})
    deal = client.create("opportunities", {"name": "D", "parentaccountid@odata.bind": bind(ACCOUNTS, account)})
    close = {"opportunityid@odata.bind": bind("opportunities", deal), "subject": "won"}
    assert client.invoke("WinOpportunity", {"Status": 3, "OpportunityClose": close}) == {}
    assert client.retrieve(row_address("opportunities", deal), select=["statecode"])["statecode"] == 1
    assert UUID(client.call("WhoAmI()")["UserId"])


# ---------------------------------------------------------------- queries and paging


def _many(client: Client, count: int) -> list[RowId]:
    return create_multiple(client, ACCOUNTS, "account", [{"name": f"N{i:03}", "revenue": i} for i in range(count)])


@pytest.mark.parametrize("page_rows", [1, 4, 10, 11, 5000])
def test_pages_of_any_size_give_every_row_once(client: Client, page_rows: int) -> None:
    ids = _many(client, 10)
    query = Query(ACCOUNTS, select=("name",), orderby=("name desc", "accountid"))
    pages = list(client.pages(query, page_rows=page_rows))
    assert all(len(page.rows) <= page_rows for page in pages)
    assert [row["name"] for page in pages for row in page.rows] == [f"N{i:03}" for i in reversed(range(10))]
    assert {row["accountid"] for page in pages for row in page.rows} == {str(one) for one in ids}


def test_a_filter_with_quotes_and_signs_finds_what_it_means(client: Client) -> None:
    names = ["O'Brien & Söner", "100 % + more", "a#b?c=d;e", "x/y:z"]
    for name in names:
        client.create(ACCOUNTS, {"name": name})
    for name in names:
        found = list(client.rows(Query(ACCOUNTS, select=("name",), filter=f"name eq {literal(name)}")))
        assert [row["name"] for row in found] == [name]


def test_a_count_is_given_if_it_is_asked_for(client: Client) -> None:
    _many(client, 3)
    assert next(client.pages(Query(ACCOUNTS, select=("name",), count=True))).count == 3
    assert next(client.pages(Query(ACCOUNTS, select=("name",)))).count is None


def test_top_gives_no_more(client: Client) -> None:
    _many(client, 5)
    assert len(list(client.rows(Query(ACCOUNTS, select=("name",), top=2)))) == 2


@pytest.mark.parametrize("page_rows", [1, 2, 3, 5000])
def test_fetchxml_is_read_page_by_page(client: Client, page_rows: int) -> None:
    _many(client, 5)
    fetch = '<fetch><entity name="account"><attribute name="name"/><order attribute="name"/></entity></fetch>'
    rows = client.rows(Query(ACCOUNTS, fetch_xml=fetch), page_rows=page_rows)
    assert [row["name"] for row in rows] == [f"N{i:03}" for i in range(5)]


# ---------------------------------------------------------------- batches


def test_a_batch_tells_each_item_and_goes_on_after_an_error(client: Client) -> None:
    own = uuid4()
    outcomes = send_batch(
        client,
        [
            Operation("POST", ACCOUNTS, {"accountid": own, "name": "Åbo"}),
            Operation("PATCH", row_address(ACCOUNTS, uuid4()), {"name": "x"}, {"If-Match": "*"}),
            Operation("GET", f"{row_address(ACCOUNTS, own)}?$select=name"),
            Operation("DELETE", row_address(ACCOUNTS, own)),
        ],
    )
    assert [outcome.status for outcome in outcomes] == [204, 404, 200, 204]
    assert isinstance(outcomes[1].error, RowNotFound)
    assert "Åbo".encode() in outcomes[2].body
    assert str(own) in outcomes[0].headers["OData-EntityId"]


def test_a_batch_without_continue_on_error_stops(client: Client) -> None:
    outcomes = send_batch(
        client,
        [
            Operation("POST", ACCOUNTS, {"name": "before"}),
            Operation("POST", ACCOUNTS, {"nosuch": 1}),
            Operation("POST", ACCOUNTS, {"name": "after"}),
        ],
        continue_on_error=False,
    )
    assert [outcome.status for outcome in outcomes] == [204, 400, 0]
    assert {row["name"] for row in client.rows(Query(ACCOUNTS, select=("name",)))} == {"before"}


def test_a_change_set_is_done_as_a_whole_and_may_name_what_it_made(client: Client) -> None:
    change_set = ChangeSet(
        [
            Operation("POST", CONTACTS, {"lastname": "Virtanen"}),
            Operation("POST", ACCOUNTS, {"name": "A", "primarycontactid@odata.bind": "$1"}),
        ]
    )
    outcome, read = send_batch(client, [change_set, Operation("GET", "accounts?$select=_primarycontactid_value")])
    assert [part.status for part in outcome.parts] == [204, 204]
    contact = outcome.parts[0].headers["OData-EntityId"].partition("(")[2].rstrip(")")
    assert contact.encode() in read.body


def _set(http: requests.Session, **settings: Any) -> None:
    assert http.patch("http://localhost/_emulator/settings", json=settings).status_code < 300


@pytest.mark.parametrize("failed_change_set", ["single", "multipart"])
def test_a_change_set_that_fails_leaves_nothing_and_names_its_reason(
    client: Client, http: requests.Session, failed_change_set: str
) -> None:
    _set(http, failed_change_set=failed_change_set)
    change_set = ChangeSet([Operation("POST", ACCOUNTS, {"name": "A"}), Operation("POST", ACCOUNTS, {"nosuch": 1})])
    outcome, after = send_batch(client, [change_set, Operation("POST", ACCOUNTS, {"name": "B"})])
    assert isinstance(outcome.error, Rejected)
    assert "nosuch" in outcome.error.message
    assert outcome.parts == ()
    assert after.error is None
    assert {row["name"] for row in client.rows(Query(ACCOUNTS, select=("name",)))} == {"B"}


def test_a_thousand_operations_go_in_one_batch(client: Client) -> None:
    before = client.traffic.requests
    outcomes = send_batch(client, [Operation("POST", ACCOUNTS, {"name": f"{i}"}) for i in range(1000)])
    assert all(outcome.error is None for outcome in outcomes)
    assert client.traffic.requests == before + 1


# ---------------------------------------------------------------- bulk messages


def test_many_rows_are_created_changed_and_upserted(client: Client) -> None:
    one, two = create_multiple(client, ACCOUNTS, "account", [{"name": "one"}, {"name": "two"}])
    update_multiple(client, ACCOUNTS, "account", [{"accountid": one, "name": "uno"}])
    three = uuid4()
    upsert_multiple(
        client, ACCOUNTS, "account", [{"accountid": two, "name": "due"}, {"accountid": three, "name": "tre"}]
    )
    names = {row["accountid"]: row["name"] for row in client.rows(Query(ACCOUNTS, select=("name",)))}
    assert names == {str(one): "uno", str(two): "due", str(three): "tre"}


def test_one_bad_row_refuses_all(client: Client) -> None:
    with pytest.raises(Rejected):
        create_multiple(client, ACCOUNTS, "account", [{"name": "good"}, {"nosuch": 1}])
    assert list(client.rows(ACCOUNTS)) == []


# ---------------------------------------------------------------- changes


def _last(pages: Iterator[ChangePage]) -> tuple[list[ChangePage], str]:
    read = list(pages)
    link = read[-1].delta_link
    assert link is not None
    return read, link


def test_changes_are_read_from_the_first_row_to_the_last_deletion(client: Client) -> None:
    ids = create_multiple(client, LEADS, "lead", [{"lastname": f"L{i}", "revenue": Decimal("0.10")} for i in range(5)])
    pages, link = _last(read_changes(client, LEADS, ["lastname", "revenue"], page_rows=2))
    assert [len(page.rows) for page in pages] == [2, 2, 1]
    assert {Decimal(row["revenue"]) for page in pages for row in page.rows} == {Decimal("0.10")}
    assert {type(row["revenue"]) for page in pages for row in page.rows} == {str}

    (empty,), link = _last(read_changes(client, LEADS, ["lastname"], link=link))
    assert (empty.rows, empty.deleted) == ([], [])

    client.update(row_address(LEADS, ids[0]), {"lastname": "changed"})
    client.delete(row_address(LEADS, ids[1]))
    new = client.create(LEADS, {"lastname": "new"})
    (page,), link = _last(read_changes(client, LEADS, ["lastname"], link=link))
    assert {row["leadid"]: row["lastname"] for row in page.rows} == {str(ids[0]): "changed", str(new): "new"}
    assert page.deleted == [ids[1]]

    (empty,), _ = _last(read_changes(client, LEADS, ["lastname"], link=link))
    assert (empty.rows, empty.deleted) == ([], [])


def test_reading_changes_goes_on_from_a_page_in_the_middle(client: Client) -> None:
    create_multiple(client, LEADS, "lead", [{"lastname": f"L{i}"} for i in range(5)])
    first = next(read_changes(client, LEADS, ["lastname"], page_rows=2))
    assert first.next_link is not None
    rest, _ = _last(read_changes(client, LEADS, ["lastname"], link=first.next_link, page_rows=2))
    names = [row["lastname"] for page in [first, *rest] for row in page.rows]
    assert sorted(names) == ["L0", "L1", "L2", "L3", "L4"]


def test_a_table_that_is_not_tracked_is_refused(client: Client) -> None:
    with pytest.raises(Rejected, match=r"(?i)change tracking"):
        list(read_changes(client, ACCOUNTS, ["name"]))


def test_a_link_that_is_too_old_is_told_from_other_refusals(client: Client, http: requests.Session) -> None:
    _, link = _last(read_changes(client, LEADS, ["lastname"]))
    http.post("http://localhost/_emulator/clock", json={"advance_s": 8 * 24 * 3600})
    with pytest.raises(DeltaExpired):
        list(read_changes(client, LEADS, ["lastname"], link=link))


# ---------------------------------------------------------------- alternate keys


def test_a_row_is_addressed_by_its_alternate_key(client: Client) -> None:
    publisher = {"uniquename": "d365ext", "friendlyname": "d365ext", "customizationprefix": "pch"}
    client.create("publishers", {**publisher, "customizationoptionvalueprefix": 73786})
    key = {
        "@odata.type": "Microsoft.Dynamics.CRM.EntityKeyMetadata",
        "SchemaName": "pch_number",
        "KeyAttributes": ["accountnumber"],
        "DisplayName": {"LocalizedLabels": [{"Label": "Number", "LanguageCode": 1033}]},
    }
    client.create("EntityDefinitions(LogicalName='account')/Keys", key)
    made = "EntityDefinitions(LogicalName='account')/Keys(LogicalName='pch_number')?$select=EntityKeyIndexStatus"
    while client.get(made)["EntityKeyIndexStatus"] != "Active":  # a key can be used when its index is built
        pass
    address = key_address(ACCOUNTS, {"accountnumber": "Ä 'x' 1"})
    client.upsert(address, {"name": "first"})
    client.upsert(address, {"name": "second"})
    (row,) = client.rows(Query(ACCOUNTS, select=("name", "accountnumber")))
    assert (row["name"], row["accountnumber"]) == ("second", "Ä 'x' 1")
    with pytest.raises(DuplicateKey):
        client.create(ACCOUNTS, {"name": "third", "accountnumber": "Ä 'x' 1"})


# ---------------------------------------------------------------- in process and over sockets


def test_the_in_process_client_and_the_served_one_say_the_same(client: Client, emulator: Emulator) -> None:
    client.create(ACCOUNTS, {"name": "A"})
    with running(emulator) as server, requests.Session() as session:
        over = client_over(session, server.url)
        for one, two in itertools.zip_longest(over.rows(ACCOUNTS), client.rows(ACCOUNTS)):
            assert {key: value for key, value in one.items() if "@" not in key} == {
                key: value for key, value in two.items() if "@" not in key
            }
