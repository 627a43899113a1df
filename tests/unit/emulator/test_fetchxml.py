"""FetchXML: what each part of the language returns, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

import orjson
import pytest
from defusedxml.ElementTree import fromstring

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import query
from d365ext.emulator.queries.query import Parent
from support.query_world import EUR, TEAM, USER, World, a_world, guid, make_request

FORMATTED = "OData.Community.Display.V1.FormattedValue"
PAGING = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords"


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        made.add("contact", guid(1), fullname="Anna", jobtitle="CEO", parentcustomerid=("account", guid(1)))
        made.add("contact", guid(2), fullname="Bo", jobtitle="Brink", parentcustomerid=("account", guid(1)))
        made.add("contact", guid(3), fullname="Cy", parentcustomerid=("account", guid(2)))
        made.add("account", guid(1), name="Äiti", primarycontactid=guid(1), ownerid=("team", TEAM), revenue=15_000)
        made.add(
            "account", guid(2), name="Brink", primarycontactid=guid(3), ownerid=("systemuser", USER), revenue=5_000
        )
        made.add("account", guid(3), name="Čapek", parentaccountid=guid(1))
        for number, (stage, amount, closes) in enumerate(
            [(1, 10_000, "2023-03-25"), (2, 20_000, "2023-08-27"), (3, 5_001, "2023-08-28"), (1, None, None)], start=1
        ):
            made.add(
                "deal",
                guid(number),
                title=f"D{number}",
                stage=stage,
                amount=amount,
                closeson=closes,
                probability=number,
                customerid=("account", guid(1 if number < 3 else 2)),
                transactioncurrencyid=EUR,
            )
        yield made


def fetch(world: World, xml: str, of: str = "accounts", options: str = "", **more: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(world.get(f"{of}?fetchXml={quote(xml)}{options}", **more).body)
    return parsed


def rows(world: World, inside: str, of: str = "account", attributes: str = "", **more: Any) -> list[dict[str, Any]]:
    xml = f"<fetch {attributes}><entity name='{of}'>{inside}</entity></fetch>"
    value: list[dict[str, Any]] = fetch(world, xml, of + "s", **more)["value"]
    return value


def account(inside: str, attributes: str = "") -> str:
    return f"<fetch {attributes}><entity name='account'>{inside}</entity></fetch>"


def joined(table: str, own: str, to: str, inside: str = "", more: str = "") -> str:
    return f"<link-entity name='{table}' from='{own}' to='{to}' {more}>{inside}</link-entity>"


def names(world: World, inside: str, attributes: str = "") -> list[str]:
    found = rows(world, f"<attribute name='name'/>{inside}", attributes=attributes)
    return [row["name"] for row in found]


def test_rows_leave_out_nulls_and_bring_their_key(world: World) -> None:
    """Source: webapi/retrieve-and-execute-predefined-queries.md."""
    found = rows(world, "<attribute name='name'/><attribute name='revenue'/><attribute name='ownerid'/>")
    assert set(found[0]) == {"@odata.etag", "name", "revenue", "_ownerid_value", "accountid"}
    assert set(found[2]) == {"@odata.etag", "name", "accountid"}


def test_without_attributes_every_column_comes_and_with_no_attrs_none(world: World) -> None:
    assert rows(world, "")[0]["name"] == "Äiti"
    assert set(rows(world, "<no-attrs/>")[0]) == {"@odata.etag", "accountid"}
    assert set(rows(world, "<all-attributes/>")[0]) == set(rows(world, "")[0])


def test_aliases_name_columns(world: World) -> None:
    found = rows(world, "<attribute name='name' alias='who'/>")
    assert found[0]["who"] == "Äiti"


def test_columns_of_joined_tables_are_named_alias_dot_column(world: World) -> None:
    """Source: fetchxml/join-tables.md, "Related table property/attribute names are inconsistent"."""
    link = joined("contact", "contactid", "primarycontactid", "<attribute name='fullname'/>", "{}")
    found = rows(world, "<attribute name='name'/>" + link.format("alias='c'"))
    assert [(row["name"], row["c.fullname"]) for row in found] == [("Äiti", "Anna"), ("Brink", "Cy")]
    assert rows(world, link.format(""))[0]["contact1.fullname"] == "Anna"
    outer = rows(world, "<attribute name='name'/>" + link.format("alias='c' link-type='outer'"))
    assert [row.get("c.fullname") for row in outer] == ["Anna", "Cy", None]


def test_joined_lookups_and_money_are_annotated_under_their_alias(world: World) -> None:
    link = (
        "<link-entity name='account' from='accountid' to='customerid' alias='a'>"
        "<attribute name='ownerid'/><attribute name='revenue'/></link-entity>"
    )
    row = rows(world, link, of="deal", annotations="*")[0]
    assert row["a.ownerid"] == TEAM
    assert row[f"a.ownerid@{FORMATTED}"] == "Tiimi"
    assert row["a.ownerid@Microsoft.Dynamics.CRM.lookuplogicalname"] == "team"
    assert row[f"a.revenue@{FORMATTED}"] == "€1.50"
    assert row[f"_customerid_value@{FORMATTED}"] == "Äiti"


def test_outer_joins_find_what_has_no_match(world: World) -> None:
    """Source: fetchxml/join-tables.md, "Find records not in a set"."""
    link = "<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='outer' alias='c'/>"
    condition = "<filter><condition entityname='c' attribute='parentcustomerid' operator='null'/></filter>"
    assert names(world, link + condition) == ["Čapek"]


def test_a_filter_inside_an_outer_join_filters_the_join_only(world: World) -> None:
    inside = "<attribute name='fullname'/>" + NAMED.format("ANNA")
    link = joined("contact", "contactid", "primarycontactid", inside, "link-type='outer' alias='c'")
    found = rows(world, "<attribute name='name'/>" + link)
    assert [row.get("c.fullname") for row in found] == ["Anna", None, None]


def test_joins_nest_and_multiply_rows(world: World) -> None:
    link = (
        "<link-entity name='contact' from='parentcustomerid' to='accountid' alias='c'><attribute name='fullname'/>"
        "<link-entity name='account' from='primarycontactid' to='contactid' alias='back' link-type='outer'>"
        "<attribute name='name'/></link-entity></link-entity>"
    )
    found = rows(world, "<attribute name='name'/>" + link)
    assert [(row["c.fullname"], row.get("back.name")) for row in found] == [
        ("Anna", "Äiti"),
        ("Bo", None),
        ("Cy", "Brink"),
    ]


def test_many_to_many_joins_go_through_the_intersect_table(world: World) -> None:
    world.add("tag", guid(1), label="Gold")
    world.add("account_tag", guid(1), accountid=guid(2), tagid=guid(1))
    tag = joined("tag", "tagid", "tagid", "<attribute name='label'/>", "alias='t'")
    link = joined("account_tag", "accountid", "accountid", tag, "intersect='true'")
    assert [row["t.label"] for row in rows(world, link)] == ["Gold"]


CONTACTS = "<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='{}'>{}</link-entity>"
NAMED = "<filter><condition attribute='fullname' operator='eq' value='{}'/></filter>"


@pytest.mark.parametrize(
    ("join", "who", "found"),
    [
        ("exists", "Bo", ["Äiti"]),
        ("in", "Cy", ["Brink"]),
        ("any", "Bo", ["Äiti"]),
        ("not any", "Bo", ["Brink", "Čapek"]),
        ("not all", "Bo", ["Äiti"]),
        ("all", "Bo", ["Brink"]),
    ],
)
def test_link_types_that_ask_for_existence(world: World, join: str, who: str, found: list[str]) -> None:
    """Source: fetchxml/join-tables.md, filter-rows.md ("Filter on values in related records")."""
    link = CONTACTS.format(join, NAMED.format(who))
    assert names(world, link if join in ("exists", "in") else f"<filter>{link}</filter>") == found


def test_any_takes_part_in_an_or(world: World) -> None:
    link = CONTACTS.format("any", NAMED.format("Cy"))
    both = f"<filter type='or'>{link}<condition attribute='name' operator='eq' value='čapek'/></filter>"
    assert names(world, both) == ["Brink", "Čapek"]


def test_cross_apply_takes_one_row_and_names_columns_by_schema_name(world: World) -> None:
    link = CONTACTS.format("matchfirstrowusingcrossapply", "<attribute name='fullname'/>")
    found = rows(world, "<attribute name='name'/>" + link)
    assert [row["fullname"] for row in found] == ["Anna", "Cy"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("<condition attribute='name' operator='eq' value='äiti'/>", ["Äiti"]),
        ("<condition attribute='name' operator='like' value='%i%'/>", ["Äiti", "Brink"]),
        ("<condition attribute='name' operator='not-like' value='Ä%'/>", ["Brink", "Čapek"]),
        ("<condition attribute='name' operator='begins-with' value='b'/>", ["Brink"]),
        ("<condition attribute='revenue' operator='ne' value='0.5'/>", ["Äiti", "Čapek"]),
        ("<condition attribute='revenue' operator='not-null'/>", ["Äiti", "Brink"]),
        ("<condition attribute='revenue' operator='between'><value>1</value><value>2</value></condition>", ["Äiti"]),
        ("<condition attribute='name' operator='in'><value>BRINK</value><value>x</value></condition>", ["Brink"]),
        ("<condition attribute='ownerid' operator='eq-userid'/>", ["Brink"]),
        ("<condition attribute='ownerid' operator='ne-userid'/>", ["Äiti", "Čapek"]),
        (
            f"<condition attribute='ownerid' operator='eq' value='{{{TEAM.upper()}}}' uiname='x' uitype='team'/>",
            ["Äiti"],
        ),
        ("<condition attribute='parentaccountid' operator='under' value='" + guid(1) + "'/>", []),
        ("<condition attribute='accountid' operator='under' value='" + guid(1) + "'/>", ["Čapek"]),
    ],
)
def test_conditions(world: World, condition: str, found: list[str]) -> None:
    assert names(world, f"<filter>{condition}</filter>") == found


def test_columns_compare_within_a_row_and_across_tables(world: World) -> None:
    """Source: fetchxml/filter-rows.md, "Cross table column comparisons"."""
    inside = (
        "<attribute name='fullname'/><filter><condition attribute='jobtitle' operator='eq' valueof='a.name'/></filter>"
        "<link-entity name='account' from='accountid' to='parentcustomerid' link-type='outer' alias='a'/>"
    )
    assert [row["fullname"] for row in rows(world, inside, of="contact")] == []
    world.add("contact", guid(4), fullname="Di", jobtitle="BRINK", parentcustomerid=("account", guid(2)))
    assert [row["fullname"] for row in rows(world, inside, of="contact")] == ["Di"]
    same = "<filter><condition attribute='fullname' operator='ne' valueof='jobtitle'/></filter>"
    assert len(rows(world, same, of="contact")) == 4


def test_the_name_of_a_lookup_can_be_asked_for(world: World) -> None:
    """A shadow column such as customeridname is the primary name of the row that the lookup points to."""
    assert names(world, "<filter><condition attribute='owneridname' operator='like' value='tii%'/></filter>") == [
        "Äiti"
    ]
    assert "_ownerid_value" in rows(world, "<attribute name='owneridname'/>")[0]


def test_order_is_the_entitys_before_the_links_and_choices_go_by_label(world: World) -> None:
    """Source: fetchxml/order-rows.md."""
    title = "<attribute name='title'/>"

    def titles(inside: str, attributes: str = "") -> list[str]:
        return [row["title"] for row in rows(world, title + inside, of="deal", attributes=attributes)]

    assert titles("<order attribute='stage'/>") == ["D2", "D3", "D1", "D4"]
    assert titles("<order attribute='stage' descending='true'/>") == ["D1", "D4", "D3", "D2"]
    assert titles("<order attribute='stage'/>", "useraworderby='true'") == ["D1", "D4", "D2", "D3"]
    assert titles("<order attribute='customerid' descending='true'/><order attribute='title'/>") == [
        "D1",
        "D2",
        "D3",
        "D4",
    ]
    link = joined("account", "accountid", "customerid", "<order attribute='name'/>", "alias='a'")
    assert titles(link + "<order attribute='probability' descending='true'/>") == ["D4", "D3", "D2", "D1"]
    first = "<order entityname='a' attribute='name' descending='true'/><order attribute='title'/>"
    plain = "<link-entity name='account' from='accountid' to='customerid' alias='a'/>"
    assert titles(plain + first) == ["D1", "D2", "D3", "D4"]


def test_top_limits(world: World) -> None:
    assert names(world, "<order attribute='name' descending='true'/>", "top='2'") == ["Čapek", "Äiti"]


def test_distinct_leaves_the_key_out(world: World) -> None:
    link = CONTACTS.format("inner", "")
    found = rows(world, "<attribute name='name'/><order attribute='name'/>" + link, attributes="distinct='true'")
    assert found == [{"name": "Brink"}, {"name": "Äiti"}]


def walk(world: World, inside: str, size: int, *, with_cookie: bool) -> list[list[str]]:
    """The titles on each page, as a client would get them: the cookie decoded twice."""
    pages: list[list[str]] = []
    cookie, page = "", 1
    while True:
        deals = f"<entity name='deal'><attribute name='title'/>{inside}</entity>"
        xml = f"<fetch count='{size}' page='{page}' {cookie}>{deals}</fetch>"
        answer = fetch(world, xml, "deals", annotations=PAGING)
        pages.append([row["title"] for row in answer["value"]])
        if not answer.get("@Microsoft.Dynamics.CRM.morerecords"):
            return pages
        outer = answer.get("@Microsoft.Dynamics.CRM.fetchxmlpagingcookie")
        assert (outer is not None) is with_cookie
        if outer:
            cookie = "paging-cookie=" + quoteattr(unquote(unquote(fromstring(outer).attrib["pagingcookie"])))
        page += 1


@pytest.mark.parametrize(
    ("order", "with_cookie"),
    [
        ("", True),
        ("<order attribute='stage'/>", True),
        ("<order attribute='amount' descending='true'/>", True),
        ("<order attribute='closeson'/>", True),
        ("<order attribute='customerid'/>", True),
        (
            joined("account", "accountid", "customerid", "<order attribute='name'/>", "alias='a'"),
            False,
        ),
        ("<link-entity name='contact' from='parentcustomerid' to='customerid' alias='c'/>", True),
    ],
)
def test_pages_hold_every_row_once(world: World, order: str, with_cookie: bool) -> None:
    """Source: fetchxml/page-results.md; sorted by a joined table there is no cookie, and pages are counted."""
    for number in range(5, 12):
        world.add("deal", guid(number), title=f'D"<%{number}', stage=number % 3 + 1, customerid=("account", guid(1)))
    pages = walk(world, order, 3, with_cookie=with_cookie)
    titles = [row["title"] for row in rows(world, "<attribute name='title'/>" + order, of="deal")]
    assert [title for page in pages for title in page] == titles
    assert all(len(page) == 3 for page in pages[:-1])


def test_the_cookie_is_a_cookie_in_a_cookie(world: World) -> None:
    """Source: fetchxml/page-results.md, "First Page"."""
    xml = "<fetch count='1'><entity name='account'><attribute name='name'/><order attribute='name'/></entity></fetch>"
    outer = fetch(world, xml, annotations="*")["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"]
    assert outer.startswith(
        '<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253cname%2520'
    )
    assert 'istracking="False" />' in outer


def test_simple_paging_ends_at_fifty_thousand_rows(world: World) -> None:
    with pytest.raises(Problem) as caught:
        rows(world, "", attributes="count='5000' page='11'")
    assert caught.value.code == "0x8004430A"


def test_totals_are_counted_on_request(world: World) -> None:
    xml = "<fetch count='1' returntotalrecordcount='true'><entity name='account'/></fetch>"
    assert fetch(world, xml)["@odata.count"] == 3
    xml = "<fetch count='1'><entity name='account'/></fetch>"
    answer = fetch(world, xml, options="&$count=true", annotations="*")
    assert answer["@odata.count"] == answer["@Microsoft.Dynamics.CRM.totalrecordcount"] == 3
    assert "@odata.nextLink" not in answer


def aggregate(world: World, inside: str, attributes: str = "", **more: Any) -> list[dict[str, Any]]:
    return rows(world, inside, of="deal", attributes=f"aggregate='true' {attributes}", **more)


def test_aggregates_of_everything(world: World) -> None:
    """Source: fetchxml/aggregate-data.md."""
    inside = "".join(
        f"<attribute name='{column}' alias='{alias}' aggregate='{method}' {more}/>"
        for column, alias, method, more in [
            ("amount", "total", "sum", ""),
            ("amount", "mean", "avg", ""),
            ("amount", "least", "min", ""),
            ("closeson", "last", "max", ""),
            ("amount", "rows", "count", ""),
            ("amount", "filled", "countcolumn", ""),
            ("stage", "stages", "countcolumn", "distinct='true'"),
            ("probability", "wholemean", "avg", ""),
        ]
    )
    (row,) = aggregate(world, inside, annotations=FORMATTED)
    shown = {key: value for key, value in row.items() if "@" not in key}
    assert shown == {
        "total": 3.5001,
        "mean": 1.1667,
        "least": 0.5001,
        "last": "2023-08-28",
        "rows": 4,
        "filled": 3,
        "stages": 3,
        "wholemean": 2,
    }
    assert row[f"total@{FORMATTED}"] == "€3.50"
    assert row[f"mean@{FORMATTED}"] == "€1.17"


def test_sums_are_exact_and_print_nine_decimals(world: World) -> None:
    xml = (
        "<fetch aggregate='true'><entity name='deal'><attribute name='amount' alias='total' aggregate='sum'/>"
        "<attribute name='amount' alias='mean' aggregate='avg'/></entity></fetch>"
    )
    body = world.get(f"deals?fetchXml={quote(xml)}").body
    assert b'"total":3.500100000' in body
    assert b'"mean":1.166700000' in body


def test_groups_have_their_label_and_sort_by_alias(world: World) -> None:
    inside = (
        "<attribute name='stage' alias='s' groupby='true'/><attribute name='dealid' alias='n' aggregate='count'/>"
        "<order alias='{}' descending='{}'/>"
    )
    found = aggregate(world, inside.format("s", "false"), annotations=FORMATTED)
    assert [row[f"s@{FORMATTED}"] for row in found] == ["Ape", "Middle", "Zebra"]
    found = aggregate(world, inside.format("n", "true"))
    assert found[0] == {"s": 1, "n": 2}


def test_groups_of_joined_tables_and_lookups(world: World) -> None:
    inside = (
        "<attribute name='amount' alias='total' aggregate='sum'/>"
        "<attribute name='customerid' alias='who' groupby='true'/>"
        "<link-entity name='account' from='accountid' to='customerid' alias='a'>"
        "<attribute name='name' alias='label' groupby='true'/></link-entity><order alias='who'/>"
    )
    found = aggregate(world, inside, annotations="*")
    assert [(row["label"], row["total"]) for row in found] == [("Brink", 0.5001), ("Äiti", 3.0)]
    assert found[0][f"who@{FORMATTED}"] == "Brink"
    assert found[0]["who@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"


def test_dates_group_by_their_parts(world: World) -> None:
    """Source: fetchxml/aggregate-data.md: 25 March 2023 is week 12, 27 August week 35, "Quarter 1 FY2023"."""
    parts = ("day", "week", "month", "quarter", "year", "fiscal-period", "fiscal-year")
    inside = "".join(
        f"<attribute name='closeson' alias='{part.replace('-', '')}' groupby='true' dategrouping='{part}'/>"
        for part in parts
    )
    found = aggregate(
        world,
        inside + "<attribute name='amount' alias='total' aggregate='sum'/><filter><condition attribute='closeson' "
        "operator='not-null'/></filter><order alias='month'/><order alias='day'/>",
    )
    assert [row["week"] for row in found] == [12, 35, 35]
    assert found[0] == {
        "day": 25,
        "week": 12,
        "month": 3,
        "quarter": 1,
        "year": 2023,
        "fiscalperiod": "Quarter 1 FY2023",
        "fiscalyear": "FY2023",
        "total": 1.0,
    }


def test_aggregates_stop_at_the_limit(world: World) -> None:
    """Source: fetchxml/aggregate-data.md, "Per query limit"."""
    inside = "<attribute name='amount' alias='n' aggregate='count'/>"
    assert aggregate(world, inside, "aggregatelimit='4'")[0]["n"] == 4
    with pytest.raises(Problem) as caught:
        aggregate(world, inside, "aggregatelimit='3'")
    assert (caught.value.status, caught.value.code) == (400, "0x8004E023")


def test_a_sum_beyond_64_bits_is_an_overflow(world: World) -> None:
    for number in (50, 51):
        world.add("deal", guid(number), amount=2**63 - 1)
    with pytest.raises(Problem, match="overflow"):
        aggregate(world, "<attribute name='amount' alias='n' aggregate='sum'/>")


@pytest.mark.parametrize(
    ("xml", "status", "words"),
    [
        ("<fetch", 400, "not well-formed"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><fetch><entity name='account'/></fetch>", 400, "not well-formed"),
        ("<get/>", 400, "fetch"),
        ("<fetch/>", 400, "exactly one"),
        ("<fetch><entity/></fetch>", 400, "'name'"),
        ("<fetch top='1' page='2'><entity name='account'/></fetch>", 400, "top"),
        ("<fetch top='x'><entity name='account'/></fetch>", 400, "top"),
        ("<fetch datasource='retained'><entity name='account'/></fetch>", 501, "datasource"),
        ("<fetch><entity name='nosuch'/></fetch>", 400, "nosuch"),
        ("<fetch><entity name='contact'/></fetch>", 400, "contact"),
        (account("<attribute name='nosuch'/>"), 400, "nosuch"),
        (
            account("<attribute name='name' aggregate='sum' alias='x'/>"),
            400,
            "aggregate",
        ),
        (
            account("<attribute name='accountid' rowaggregate='CountChildren'/>"),
            501,
            "rowa",
        ),
        (account("<order/>"), 400, "order"),
        (account("<order alias='x'/>"), 400, "alias"),
        (account("<link-entity name='contact' to='x'/>"), 400, "'from'"),
        (
            account("<link-entity name='contact' from='contactid' to='name' link-type='any'/>"),
            400,
            "link-type 'any'",
        ),
        (account("<filter type='xor'/>"), 400, "xor"),
        (
            account("<filter><condition attribute='name' operator='nosuch'/></filter>"),
            501,
            "nosuch",
        ),
        (
            account("<filter><condition attribute='name' operator='eq'/></filter>"),
            400,
            "one value",
        ),
        (
            account("<filter><condition entityname='z' attribute='name' operator='null'/></filter>"),
            400,
            "'z'",
        ),
        (
            account("<filter><condition attribute='name' operator='last-week'/></filter>"),
            400,
            "date",
        ),
        (
            account("<filter><condition attribute='revenue' operator='gt' value='x'/></filter>"),
            400,
            "not a number",
        ),
        (account("<attribute name='name'/>", "aggregate='true'"), 400, "alias"),
        ("<fetch aggregate='true'><entity name='account'/></fetch>", 400, "at least one"),
        (
            account("<attribute name='name' alias='x' aggregate='sum'/>", "aggregate='true'"),
            400,
            "can't be applied",
        ),
        (account("" + "<filter>" * 60 + "</filter>" * 60 + ""), 400, "nested"),
        (
            "<fetch><entity name='account'><filter>"
            + "<condition attribute='name' operator='null'/>" * 501
            + "</filter></entity></fetch>",
            400,
            "Number of conditions",
        ),
        (
            "<fetch><entity name='account'>"
            + "<link-entity name='contact' from='contactid' to='primarycontactid'/>" * 16
            + "</entity></fetch>",
            400,
            "Number of link entities",
        ),
    ],
)
def test_what_cannot_be_is_refused(world: World, xml: str, status: int, words: str) -> None:
    with pytest.raises(Problem) as caught:
        fetch(world, xml)
    assert caught.value.status == status
    assert words in caught.value.message


def test_other_options_do_not_go_with_fetchxml(world: World) -> None:
    xml = "<fetch><entity name='account'/></fetch>"
    for option in ("&$select=name", "&$filter=name eq 'x'", "&$top=1", "&savedQuery=" + guid(1), "&$skiptoken=x"):
        with pytest.raises(Problem) as caught:
            fetch(world, xml, options=option)
        assert caught.value.status == 400


def test_a_collection_of_a_row_can_be_fetched(world: World) -> None:
    account = world.schema.tables["account"]
    parent = Parent(account, guid(2), "deal_customer_accounts", account.one_to_many["deal_customer_accounts"])
    xml = quote("<fetch><entity name='deal'><attribute name='title'/></entity></fetch>")
    request = make_request(f"accounts({guid(2)})/deal_customer_accounts?fetchXml={xml}")
    answer = query.collection(world.session, world.schema.tables["deal"], request, parent)
    assert [row["title"] for row in orjson.loads(answer.body)["value"]] == ["D3", "D4"]
