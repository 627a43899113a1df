"""$apply: groups and aggregates as documented, and what goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import aggregates, query
from d365ext.emulator.queries.query import Parent
from support.query_world import World, a_world, guid, make_request

FORMATTED = "OData.Community.Display.V1.FormattedValue"


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        made.add("contact", guid(1), fullname="Anna")
        made.add("contact", guid(2), fullname="Bo")
        for number, (name, state, revenue, contact) in enumerate(
            [("x", 0, 100_000, 1), ("X", 0, 50_001, 1), ("y", 1, None, 2), ("z", 0, None, None)], start=1
        ):
            made.add(
                "account",
                guid(number),
                name=name,
                statecode=state,
                revenue=revenue,
                numberofemployees=number,
                createdon=f"2024-05-0{number}T00:00:00Z",
                primarycontactid=contact and guid(contact),
            )
        yield made


def applied(world: World, steps: str, options: str = "", **more: Any) -> list[dict[str, Any]]:
    return world.rows(f"accounts?$apply={quote(steps)}{options}", **more)


def test_groups_alone_are_distinct_values(world: World) -> None:
    """Source: webapi/query/aggregate-data.md, "List of unique statuses in the query"."""
    assert applied(world, "groupby((statecode))", annotations=FORMATTED) == [
        {f"statecode@{FORMATTED}": "Active", "statecode": 0},
        {f"statecode@{FORMATTED}": "Inactive", "statecode": 1},
    ]


def test_groups_count_and_sum(world: World) -> None:
    rows = applied(
        world,
        "groupby((statecode),aggregate($count as count,revenue with sum as total,revenue with average as mean))",
        annotations=FORMATTED,
    )
    assert rows[0] == {
        f"statecode@{FORMATTED}": "Active",
        "statecode": 0,
        f"count@{FORMATTED}": "3",
        "count": 3,
        f"total@{FORMATTED}": "€15.00",
        "total": 15.0001,
        f"mean@{FORMATTED}": "€7.50",
        "mean": 7.50005,
    }
    assert rows[1] == {f"statecode@{FORMATTED}": "Inactive", "statecode": 1, f"count@{FORMATTED}": "1", "count": 1} | {
        f"total@{FORMATTED}": "€0.00",
        "total": 0,
    }


def test_money_prints_nine_decimals(world: World) -> None:
    assert b'"total":15.000100000' in world.get("accounts?$apply=aggregate(revenue with sum as total)").body


def test_least_and_greatest_take_dates(world: World) -> None:
    """Source: webapi/query/aggregate-data.md, "Last created record date and time"."""
    (row,) = applied(world, "aggregate(createdon with max as last,numberofemployees with min as least)")
    assert row == {"last": "2024-05-04T00:00:00Z", "least": 1}


def test_groups_of_related_rows_are_named_table_underscore_column(world: World) -> None:
    """Source: webapi/query/aggregate-data.md, "Total account revenue by primary contact name"."""
    rows = applied(world, "groupby((primarycontactid/fullname),aggregate(revenue with sum as total))")
    assert rows == [
        {"total": 0},
        {"contact_fullname": "Anna", "total": 15.0001},
        {"contact_fullname": "Bo", "total": 0},
    ]


def test_text_groups_ignore_case_and_nulls_are_left_out(world: World) -> None:
    rows = applied(world, "groupby((name),aggregate($count as n))")
    assert [row["n"] for row in rows] == [2, 1, 1]
    rows = applied(world, "groupby((_primarycontactid_value))", annotations="*")
    assert rows[0] == {}
    assert rows[1][f"_primarycontactid_value@{FORMATTED}"] == "Anna"


def test_a_filter_comes_first_and_takes_aliases(world: World) -> None:
    rows = applied(world, "filter(statecode eq @p1)/aggregate($count as n)", "&@p1=0")
    assert rows == [{"n": 3}]
    assert applied(world, "filter(statecode eq 0)/filter(revenue ne null)/groupby((statecode))") == [{"statecode": 0}]


def test_groups_can_be_ordered_limited_counted_and_paged(world: World) -> None:
    names = [row["name"] for row in applied(world, "groupby((name))", "&$orderby=name desc")]
    assert names == ["z", "y", "X"]
    assert len(applied(world, "groupby((name))", "&$top=2")) == 2
    answer = orjson.loads(world.get("accounts?$apply=groupby((name))&$count=true", page_rows=2).body)
    assert answer["@odata.count"] == 3
    rest = orjson.loads(world.get(answer["@odata.nextLink"], page_rows=2).body)
    assert [row["name"] for row in rest["value"]] == ["z"]
    assert "@odata.nextLink" not in rest


def test_a_collection_of_a_row_aggregates(world: World) -> None:
    contact = world.schema.tables["contact"]
    parent = Parent(contact, guid(1), "account_primary_contact", contact.one_to_many["account_primary_contact"])
    request = make_request("contacts(x)/account_primary_contact?$apply=aggregate(revenue with sum as total)")
    answer = query.collection(world.session, world.schema.tables["account"], request, parent)
    assert orjson.loads(answer.body)["value"] == [{"total": 15.0001}]


def test_more_than_the_limit_of_rows_are_not_aggregated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: 0x8004E023; counted after the filter."""
    assert aggregates.ROWS_MAX == 50_000
    tag = world.schema.tables["tag"].sql
    world.connection.execute(
        tag.insert(), [{"tagid": guid(n), "label": "t", "versionnumber": n} for n in range(50_001)]
    )
    with pytest.raises(Problem) as caught:
        world.rows("tags?$apply=aggregate($count as n)")
    assert (caught.value.status, caught.value.code) == (400, "0x8004E023")
    assert world.rows(f"tags?$apply=filter(tagid ne {guid(1)})/aggregate($count as n)") == [{"n": 50_000}]


@pytest.mark.parametrize(
    ("steps", "options", "status", "words"),
    [
        ("groupby((createdon))", "", 400, "datetime"),
        ("groupby((name),aggregate($count as n))", "&$orderby=n", 400, "SingleValueOpenPropertyAccess"),
        ("groupby((nosuch))", "", 400, "nosuch"),
        ("aggregate(name with sum as n)", "", 400, "can't be applied"),
        ("aggregate(name with countdistinct as n)", "", 501, "countdistinct"),
        ("aggregate(revenue with sum as n,revenue with sum as n)", "", 400, "more than once"),
        ("aggregate(revenue as n)", "", 400, "position"),
        ("compute(1 as x)", "", 501, "compute"),
        ("topcount(2,revenue)", "", 501, "topcount"),
        ("filter(statecode eq 0)", "", 501, "filter"),
        ("groupby((statecode))/filter(statecode eq 0)", "", 501, "filter"),
        ("groupby((statecode))", "&$filter=statecode eq 0", 501, "$filter"),
        ("groupby((statecode))", "&$select=statecode", 501, "$select"),
        ("groupby((statecode))", "&$expand=primarycontactid", 501, "$expand"),
    ],
)
def test_what_cannot_be_is_refused(world: World, steps: str, options: str, status: int, words: str) -> None:
    with pytest.raises(Problem) as caught:
        applied(world, steps, options)
    assert caught.value.status == status
    assert words in caught.value.message
