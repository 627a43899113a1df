"""Collections and single rows: columns, order, pages, counts, annotations, expansions, links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import query
from d365ext.emulator.queries.query import Parent
from support.query_world import EUR, TEAM, USD, USER, World, a_world, guid, make_request


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        made.add("contact", guid(1), fullname="Anna", jobtitle="CEO", parentcustomerid=("account", guid(1)))
        made.add("contact", guid(2), fullname="Bo", parentcustomerid=("account", guid(1)))
        made.add("contact", guid(3), fullname="Cy", parentcustomerid=("contact", guid(1)))
        made.add(
            "account",
            guid(1),
            name="Äiti",
            revenue=200_000_000,
            revenue_base=190_000_000,
            rating=-5,
            creditonhold=1,
            statecode=0,
            colours="1,3",
            numberofemployees=1500,
            createdon="2023-04-07T14:59:01Z",
            opensince="2023-04-07",
            primarycontactid=guid(1),
            ownerid=("team", TEAM),
            transactioncurrencyid=USD,
        )
        made.add("account", guid(2), name="brink", ownerid=("systemuser", USER), transactioncurrencyid=EUR, revenue=-5)
        made.add("account", guid(3), name="Čapek", parentaccountid=guid(1))
        yield made


def body(world: World, target: str, **more: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(world.get(target, **more).body)
    return parsed


def walk(world: World, target: str, page_rows: int) -> list[list[str]]:
    """The names on each page, following nextLinks."""
    pages, link = [], target
    while link:
        answer = body(world, link, page_rows=page_rows)
        pages.append([row["name"] for row in answer["value"]])
        link = answer.get("@odata.nextLink", "")
    return pages


def test_select_brings_the_key_the_etag_and_the_currency(world: World) -> None:
    """Source: webapi/query/select-columns.md."""
    answer = body(world, "accounts?$select=name,revenue&$top=1")
    assert answer["@odata.context"] == "http://localhost/api/data/v9.2/$metadata#accounts(name,revenue)"
    (row,) = answer["value"]
    assert set(row) == {"@odata.etag", "name", "revenue", "_transactioncurrencyid_value", "accountid"}
    assert row["@odata.etag"].startswith('W/"')


def test_money_and_decimals_are_exact_numbers_with_their_decimals(world: World) -> None:
    text = world.get("accounts?$select=revenue,rating").body
    assert b'"revenue":20000.0000' in text
    assert b'"rating":-0.05' in text
    assert b'"revenue":-0.0005' in text


def test_without_select_every_property_comes_nulls_included(world: World) -> None:
    row = world.rows("accounts?$orderby=name")[2]
    assert row["revenue"] is None
    assert row["_ownerid_value"] is None
    assert "ownerid" not in row
    assert set(world.schema.tables["account"].properties) <= set(row)


def test_systemusers_also_have_their_id_as_ownerid(world: World) -> None:
    """Source: webapi/query/join-tables.md."""
    (row,) = world.rows("systemusers?$select=fullname")
    assert row["ownerid"] == row["systemuserid"] == USER


def test_unknown_columns_in_select_and_orderby_are_named(world: World) -> None:
    for target in ("accounts?$select=nosuch", "accounts?$orderby=nosuch", "accounts?$select=ownerid"):
        with pytest.raises(Problem, match="Could not find a property named"):
            world.rows(target)


def test_address_parts_bring_the_composite(world: World) -> None:
    assert "address1_composite" in world.rows("accounts?$select=address1_line1")[0]


def test_formatted_values_are_what_a_person_reads(world: World) -> None:
    """Source: webapi/query/select-columns.md, "Formatted values"."""
    row = world.rows("accounts?$top=1", annotations="OData.Community.Display.V1.FormattedValue")[0]
    shown = {key.partition("@")[0]: value for key, value in row.items() if "FormattedValue" in key}
    assert shown == {
        "revenue": "$20,000.00",
        "revenue_base": "€19,000.00",
        "rating": "-0.05",
        "creditonhold": "On hold",
        "statecode": "Active",
        "colours": "Red; Blue",
        "numberofemployees": "1,500",
        "createdon": "4/7/2023 2:59 PM",
        "opensince": "4/7/2023",
        "_primarycontactid_value": "Anna",
        "_ownerid_value": "Tiimi",
        "_transactioncurrencyid_value": "US Dollar",
        "versionnumber": shown["versionnumber"],
    }


def test_lookups_say_where_they_lead_when_asked(world: World) -> None:
    """Source: webapi/query/select-columns.md, "Lookup property data"."""
    rows = world.rows("contacts?$select=_parentcustomerid_value", annotations="Microsoft.Dynamics.CRM.*")
    key = "_parentcustomerid_value@Microsoft.Dynamics.CRM."
    assert [row[key + "lookuplogicalname"] for row in rows] == ["account", "account", "contact"]
    assert rows[2][key + "associatednavigationproperty"] == "parentcustomerid_contact"
    assert not any("FormattedValue" in name for name in rows[0])
    owners = world.rows("accounts?$select=_ownerid_value", annotations="*")
    assert owners[0]["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "team"
    assert "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname" not in owners[2]


def test_order_ignores_case_puts_nulls_first_and_sorts_lookups_by_name(world: World) -> None:
    """Source: webapi/query/order-rows.md."""
    assert [row["name"] for row in world.rows("accounts?$orderby=name")] == ["brink", "Äiti", "Čapek"]
    assert [row["name"] for row in world.rows("accounts?$orderby=revenue desc")] == ["Äiti", "brink", "Čapek"]
    assert [row["name"] for row in world.rows("accounts?$orderby=revenue")] == ["Čapek", "brink", "Äiti"]
    assert [row["name"] for row in world.rows("accounts?$orderby=_ownerid_value desc")] == ["Äiti", "brink", "Čapek"]
    assert [row["name"] for row in world.rows("accounts?$orderby=primarycontactid/fullname,name desc")] == [
        "Čapek",
        "brink",
        "Äiti",
    ]


def test_top_limits_and_gives_no_link_but_a_page_size_wins(world: World) -> None:
    """Source: webapi/query/page-results.md."""
    answer = body(world, "accounts?$top=2")
    assert len(answer["value"]) == 2
    assert "@odata.nextLink" not in answer
    answer = body(world, "accounts?$top=1", page_rows=2)
    assert len(answer["value"]) == 2
    assert "@odata.nextLink" in answer
    assert body(world, "accounts?$top=0")["value"] == []


@pytest.mark.parametrize(
    "order", ["", "name", "name desc", "revenue", "revenue desc", "creditonhold,rating desc", "_ownerid_value"]
)
def test_pages_hold_every_row_once_and_in_order(world: World, order: str) -> None:
    for number in range(10, 33):
        world.add("account", guid(number), name=f'N{number % 7}\t%"<ä', revenue=(number % 5) or None, rating=number % 3)
    target = "accounts?$select=name" + (f"&$orderby={order}" if order else "")
    whole = [row["name"] for row in world.rows(target)]
    pages = walk(world, target, 4)
    assert [len(page) for page in pages] == [4, 4, 4, 4, 4, 4, 2]
    assert [name for page in pages for name in page] == whole


def test_the_token_has_the_documented_shape(world: World) -> None:
    """Source: webapi/query/page-results.md: a cookie in a cookie, the inner one encoded once more."""
    link = body(world, "accounts?$select=name&$count=true", page_rows=1)["@odata.nextLink"]
    assert link.startswith("http://localhost/api/data/v9.2/accounts?$select=name&$count=true&$skiptoken=%3Ccookie%20")
    inner = unquote(unquote(link.partition("$skiptoken=")[2]))
    assert inner == (
        '<cookie pagenumber="2" pagingcookie="<cookie page="1"><accountid last="{00000000-0000-0000-0000-000000000001}"'
        ' first="{00000000-0000-0000-0000-000000000001}" /></cookie>" istracking="False" />'
    )


@pytest.mark.parametrize("token", ["x", "%3Ccookie/%3E", "%3Ccookie%20pagingcookie=%22%3Ccookie%2F%3E%22/%3E", "%3C"])
def test_a_token_of_someone_else_is_refused(world: World, token: str) -> None:
    with pytest.raises(Problem) as caught:
        world.rows(f"accounts?$skiptoken={token}")
    assert caught.value.status == 400


def test_count_says_how_many_and_minus_one_if_not_asked(world: World) -> None:
    """Source: webapi/query/count-rows.md."""
    answer = body(world, "accounts?$count=true&$filter=revenue%20ne%20null", page_rows=1, annotations="*")
    assert answer["@odata.count"] == 2
    assert answer["@Microsoft.Dynamics.CRM.totalrecordcount"] == 2
    assert answer["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is False
    answer = body(world, "accounts", annotations="Microsoft.Dynamics.CRM.totalrecordcount")
    assert answer["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1
    assert "@odata.count" not in answer


def test_counts_stop_at_five_thousand(world: World) -> None:
    tags = world.schema.tables["tag"]
    world.connection.execute(
        tags.sql.insert(), [{"tagid": guid(n), "label": "t", "versionnumber": n} for n in range(5001)]
    )
    answer = body(world, "tags?$count=true&$select=tagid", annotations="*")
    assert answer["@odata.count"] == 5000
    assert answer["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    assert len(answer["value"]) == 5000
    assert len(body(world, answer["@odata.nextLink"])["value"]) == 1
    counted = query.count(world.session, tags, make_request("tags/$count"))
    assert counted.body.decode() == "\ufeff5000"


def test_count_takes_a_filter_and_nothing_else(world: World) -> None:
    table = world.schema.tables["account"]
    request = make_request("accounts/$count?$filter=name%20eq%20'BRINK'")
    assert query.count(world.session, table, request).body.decode("utf-8-sig") == "1"
    with pytest.raises(Problem, match="orderby"):
        query.count(world.session, table, make_request("accounts/$count?$orderby=name"))


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ("$skip=1", 400),
        ("$search=x", 400),
        ("$format=json", 400),
        ("$top=-1", 400),
        ("$top=x", 400),
        ("$top=1&$top=2", 400),
        ("$count=maybe", 400),
        ("$Select=name", 501),
        ("$levels=2", 501),
        ("sql=select", 501),
        ("tag=x", 501),
        ("$filter=", 400),
        ("$select=", 400),
    ],
)
def test_options_that_are_not_known_are_never_ignored(world: World, options: str, status: int) -> None:
    with pytest.raises(Problem) as caught:
        world.rows(f"accounts?{options}")
    assert caught.value.status == status


def one(world: World, row_id: str, options: str = "", **more: Any) -> dict[str, Any]:
    request = make_request(f"accounts({row_id})?{options}", **more)
    parsed: dict[str, Any] = orjson.loads(
        query.single(world.session, world.schema.tables["account"], row_id, request).body
    )
    return parsed


def test_one_row_has_a_context_of_an_entity_and_an_etag_header(world: World) -> None:
    table = world.schema.tables["account"]
    response = query.single(world.session, table, guid(1), make_request(f"accounts({guid(1)})?$select=name"))
    row = orjson.loads(response.body)
    assert row["@odata.context"].endswith("$metadata#accounts(name)/$entity")
    assert response.headers["ETag"] == row["@odata.etag"]


def test_one_row_that_is_not_there_is_a_404(world: World) -> None:
    with pytest.raises(Problem) as caught:
        one(world, guid(99))
    assert (caught.value.status, caught.value.code) == (404, "0x80040217")


def test_one_row_refuses_what_only_collections_take(world: World) -> None:
    with pytest.raises(Problem, match="can be applied only on collections"):
        one(world, guid(1), "$filter=name%20eq%20'x'")


def test_an_unchanged_row_is_not_sent_again_unless_annotations_are_wanted(world: World) -> None:
    """Source: webapi/perform-conditional-operations-using-web-api.md."""
    table = world.schema.tables["account"]
    request = make_request(f"accounts({guid(1)})?$select=name")
    tag = query.single(world.session, table, guid(1), request).headers["ETag"]
    for known, wanted, status in ((tag, None, 304), ("null", None, 200), ('W/"1"', None, 200), (tag, "*", 200)):
        request = make_request(f"accounts({guid(1)})?$select=name", annotations=wanted)
        request.headers["if-none-match"] = known
        assert query.single(world.session, table, guid(1), request).status == status


def test_a_lookup_expands_to_its_row_or_null_without_etag(world: World) -> None:
    """Source: webapi/query/join-tables.md."""
    rows = world.rows("accounts?$select=name&$expand=primarycontactid($select=fullname)")
    assert rows[0]["primarycontactid"] == {"fullname": "Anna", "contactid": guid(1)}
    assert rows[1]["primarycontactid"] is None
    assert "_primarycontactid_value" not in rows[0]
    contacts = world.rows("contacts?$select=fullname&$expand=parentcustomerid_account($select=name)")
    assert [row["parentcustomerid_account"] and row["parentcustomerid_account"]["name"] for row in contacts] == [
        "Äiti",
        "Äiti",
        None,
    ]


def test_references_are_addresses(world: World) -> None:
    answer = body(world, "accounts?$select=name&$expand=primarycontactid/$ref")
    assert answer["@odata.context"].endswith("#accounts(name,primarycontactid,primarycontactid/$ref())")
    row = answer["value"][0]
    assert row["primarycontactid"] == {"@odata.id": f"http://localhost/api/data/v9.2/contacts({guid(1)})"}
    assert row["_primarycontactid_value"] == guid(1)
    with pytest.raises(Problem, match="only supported on lookup"):
        world.rows("accounts?$expand=contact_customer_accounts/$ref")


def test_a_collection_expands_whole_with_a_link_to_itself(world: World) -> None:
    """Source: webapi/query/join-tables.md, "Single $expand on collection-valued navigation properties"."""
    options = "$select=fullname;$filter=fullname ne 'x';$orderby=fullname desc"
    answer = body(world, f"accounts?$select=name&$expand=contact_customer_accounts({options})", page_rows=1)
    row = answer["value"][0]
    assert [child["fullname"] for child in row["contact_customer_accounts"]] == ["Bo", "Anna"]
    child = row["contact_customer_accounts"][0]
    assert set(child) == {"@odata.etag", "fullname", "_parentcustomerid_value", "contactid"}
    link = row["contact_customer_accounts@odata.nextLink"]
    assert "skiptoken" not in link
    parent = Parent(
        world.schema.tables["account"],
        guid(1),
        "contact_customer_accounts",
        world.schema.tables["account"].one_to_many["contact_customer_accounts"],
    )
    again = query.collection(world.session, world.schema.tables["contact"], make_request(link), parent)
    assert [child["fullname"] for child in orjson.loads(again.body)["value"]] == ["Bo", "Anna"]
    rows = world.rows("accounts?$expand=contact_customer_accounts($select=fullname;$top=1)")
    assert [len(row["contact_customer_accounts"]) for row in rows] == [1, 0, 0]


def test_nested_collections_are_paged_and_take_no_order(world: World) -> None:
    """Source: webapi/query/join-tables.md, "Nested $expand on collection-valued navigation properties"."""
    target = (
        "accounts?$select=name&$expand=contact_customer_accounts($select=fullname;$expand=owninguser($select=fullname))"
    )
    row = body(world, target, page_rows=1)["value"][0]
    assert row["contact_customer_accounts"] == [{"fullname": "Anna", "contactid": guid(1), "owninguser": None}]
    link = row["contact_customer_accounts@odata.nextLink"]
    parent = Parent(
        world.schema.tables["account"],
        guid(1),
        "contact_customer_accounts",
        world.schema.tables["account"].one_to_many["contact_customer_accounts"],
    )
    request = make_request(link, page_rows=1)
    following = query.collection(world.session, world.schema.tables["contact"], request, parent)
    assert [child["fullname"] for child in orjson.loads(following.body)["value"]] == ["Bo"]
    assert "contact_customer_accounts@odata.nextLink" not in body(world, target)["value"][0]
    for bad in ("$top=1", "$orderby=fullname"):
        with pytest.raises(Problem, match=r"Only \$select and \$filter"):
            world.rows(f"accounts?$expand=contact_customer_accounts({bad};$expand=owninguser)")
    with pytest.raises(Problem, match=r"Only \$select and \$filter"):
        world.rows("accounts?$expand=primarycontactid($top=1)")


def test_expansions_nest_three_deep(world: World) -> None:
    rows = world.rows(
        "contacts?$select=fullname&$expand=parentcustomerid_account($select=name;"
        "$expand=primarycontactid($select=fullname;$expand=contact_customer_contacts($select=fullname)))"
    )
    deepest = rows[1]["parentcustomerid_account"]["primarycontactid"]
    assert deepest["fullname"] == "Anna"
    assert [child["fullname"] for child in deepest["contact_customer_contacts"]] == ["Cy"]


def test_many_to_many_expands_alone(world: World) -> None:
    world.add("tag", guid(1), label="Gold")
    world.add("account_tag", guid(1), accountid=guid(1), tagid=guid(1))
    world.add("account_tag", guid(2), accountid=guid(2), tagid=guid(1))
    rows = world.rows("accounts?$select=name&$expand=account_tags($select=label)")
    assert [[tag["label"] for tag in row["account_tags"]] for row in rows] == [["Gold"], ["Gold"], []]
    rows = world.rows("tags?$expand=tag_accounts($select=name;$orderby=name)")
    assert [account["name"] for account in rows[0]["tag_accounts"]] == ["brink", "Äiti"]
    for bad in ("account_tags,primarycontactid", "account_tags($expand=tag_accounts)"):
        with pytest.raises(Problem, match="many-to-many"):
            world.rows(f"accounts?$expand={bad}")


def test_fifteen_expansions_are_the_most(world: World) -> None:
    nav = "parentaccountid"
    fine = f"{nav}($expand=" * 14 + nav + ")" * 14
    assert world.rows(f"accounts?$select=name&$expand={fine}")
    with pytest.raises(Problem, match="at most 15"):
        world.rows(f"accounts?$expand={nav}($expand={fine})")


@pytest.mark.parametrize("option", ["$count=true", "$levels=2", "$skip=1", "$search=x"])
def test_options_that_expand_does_not_take_are_named(world: World, option: str) -> None:
    with pytest.raises(Problem) as caught:
        world.rows(f"accounts?$expand=contact_customer_accounts({option})")
    assert caught.value.status == 501
    assert option.partition("=")[0] in caught.value.message


def test_aliases_are_refused_in_expand(world: World) -> None:
    """Source: webapi/query/overview.md: "but not inside the $expand option"."""
    with pytest.raises(Problem):
        world.rows("accounts?$expand=contact_customer_accounts($filter=fullname eq @p1)&@p1='Bo'")


def test_one_property_is_a_value_or_nothing(world: World) -> None:
    table = world.schema.tables["account"]

    def value(name: str, **more: Any) -> Any:
        return query.value_of(world.session, table, guid(1), name, make_request(f"accounts({guid(1)})/{name}"), **more)

    answer = orjson.loads(value("name").body)
    assert answer == {
        "@odata.context": f"http://localhost/api/data/v9.2/$metadata#accounts({guid(1)})/name",
        "value": "Äiti",
    }
    assert value("accountnumber").status == 204
    assert value("revenue", raw=True).body == b"20000.0000"
    assert value("creditonhold", raw=True).body == b"true"
    assert value("name", raw=True).body.decode() == "Äiti"


def test_references_of_a_collection_are_addresses(world: World) -> None:
    table = world.schema.tables["account"]
    answer = orjson.loads(query.references(world.session, table, make_request("accounts/$ref", page_rows=2)).body)
    assert answer["@odata.context"].endswith("#Collection($ref)")
    assert [each["@odata.id"][-37:-1] for each in answer["value"]] == [guid(1), guid(2)]
    assert "$skiptoken" in answer["@odata.nextLink"]
