"""Addresses and queries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365ext.errors import UsageError
from d365ext.names import EntitySetName
from d365ext.webapi.query import Query, bind, key_address, literal, row_address, select_option

ID = "2e451703-c0fe-4d0b-9c4e-0123456789ab"
ACCOUNTS = EntitySetName("accounts")


def test_every_option_is_written_under_its_name() -> None:
    query = Query(
        ACCOUNTS,
        select=("name", "revenue"),
        filter="contains(name,'a&b') and primarycontactid/fullname eq 'x+y#1'",
        orderby=("name asc", "accountid"),
        expand=("primarycontactid($select=fullname;$top=1)",),
        top=5,
        count=True,
    )
    assert query.path() == (
        "accounts?$select=name,revenue"
        "&$expand=primarycontactid($select=fullname;$top=1)"
        "&$filter=contains(name,'a%26b')%20and%20primarycontactid/fullname%20eq%20'x%2By%231'"
        "&$orderby=name%20asc,accountid&$top=5&$count=true"
    )


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (Query(ACCOUNTS), "accounts"),
        (Query(ACCOUNTS, top=0), "accounts?$top=0"),
        (Query(ACCOUNTS, saved_query=UUID(ID)), f"accounts?savedQuery={ID}"),
        (Query(ACCOUNTS, fetch_xml="<fetch a='1'/>"), "accounts?fetchXml=%3Cfetch%20a%3D%271%27%2F%3E"),
        (Query(ACCOUNTS, apply="aggregate($count as n)"), "accounts?$apply=aggregate($count%20as%20n)"),
    ],
)
def test_only_what_is_asked_for_is_written(query: Query, path: str) -> None:
    assert query.path() == path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("O'Brien", "'O''Brien'"),
        ("", "''"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (Decimal("1E+2"), "100"),
        (UUID(ID), ID),
        (date(2026, 1, 5), "2026-01-05"),
        (datetime(2026, 1, 5, 14, 30, tzinfo=timezone(timedelta(hours=2))), "2026-01-05T12:30:00Z"),
        (datetime(2026, 1, 5, tzinfo=UTC), "2026-01-05T00:00:00Z"),
    ],
)
def test_a_value_is_written_as_odata_writes_it(value: Any, text: str) -> None:
    assert literal(value) == text


def test_a_moment_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        literal(datetime(2026, 1, 5))  # noqa: DTZ001


@settings(deadline=None)
@given(st.text())
def test_a_text_in_a_filter_comes_out_as_it_went_in(text: str) -> None:
    path = Query(ACCOUNTS, filter=f"name eq {literal(text)}").path()
    assert "&" not in path.partition("$filter=")[2]
    assert "#" not in path
    assert unquote(path) == "accounts?$filter=name eq '" + text.replace("'", "''") + "'"


def test_a_row_is_addressed_and_bound_by_its_id() -> None:
    assert row_address(ACCOUNTS, UUID(ID)) == f"accounts({ID})"
    assert bind(ACCOUNTS, ID.upper()) == f"/accounts({ID})"


def test_what_is_no_id_is_refused() -> None:
    with pytest.raises(ValueError, match="badly formed"):
        row_address(ACCOUNTS, "1) or (1 eq 1")


@pytest.mark.parametrize("character", list("/<>*%&:\\?+"))
def test_a_key_that_the_service_cannot_address_is_refused(character: str) -> None:
    with pytest.raises(UsageError, match="filter"):
        key_address(ACCOUNTS, {"accountnumber": f"A{character}1"})


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ({"accountnumber": "A-1"}, "accounts(accountnumber='A-1')"),
        ({"a": "Å 'x'", "b": 7}, "accounts(a='%C3%85%20''x''',b=7)"),
        ({"_primarycontactid_value": UUID(ID)}, f"accounts(_primarycontactid_value={ID})"),
        ({"on": datetime(2026, 1, 5, tzinfo=UTC)}, "accounts(on=2026-01-05T00:00:00Z)"),
        ({"a": "x#(),=;@"}, "accounts(a='x%23%28%29%2C%3D%3B%40')"),
    ],
)
def test_a_key_is_addressed_by_all_its_columns(key: dict[str, Any], address: str) -> None:
    assert key_address(ACCOUNTS, key) == address


def test_options_of_a_single_row_are_written_if_there_are_any() -> None:
    assert select_option([]) == ""
    assert select_option(("a", "b")) == "?$select=a,b"
    assert select_option([], "x($select=y z)") == "?$expand=x($select=y%20z)"
