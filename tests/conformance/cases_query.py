"""Queries: $select, $filter, $orderby, $top, $count, paging, annotations, query functions, aliases.

All cases: verified: docs. Sources are pages of MicrosoftDocs/powerapps-docs under developer/data-platform/webapi/query/
unless said otherwise.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import pytest

from support.dataverse import Dataverse, error_of
from support.query_scene import Scene

FORMATTED = "OData.Community.Display.V1.FormattedValue"
CRM = "Microsoft.Dynamics.CRM."


@pytest.fixture
def scene(dv: Dataverse) -> Scene:
    """A few accounts and contacts."""
    return Scene(dv)


# ---- $select


def test_the_primary_key_and_the_currency_come_along(scene: Scene) -> None:
    """select-columns.md: "The primary key property is always returned", a currency property brings its currency."""
    row = scene.row("aiti", "$select=name,revenue")
    assert row.pop("@odata.context").endswith("$metadata#accounts(name,revenue)/$entity")
    assert set(row) == {"@odata.etag", "name", "revenue", "_transactioncurrencyid_value", "accountid"}


def test_without_select_every_column_comes_with_nulls(scene: Scene) -> None:
    """select-columns.md; retrieve-and-execute-predefined-queries.md: OData rows include nulls."""
    row = scene.row("capek", "")
    assert row["revenue"] is None
    assert {"statecode", "_ownerid_value", "createdon"} <= set(row)
    assert "ownerid" not in row


def test_an_unknown_column_is_named(scene: Scene) -> None:
    """dynamics-365-customer-engagement issue 678: the words of the refusal."""
    for option in ("$select=nosuch", "$orderby=nosuch", "$filter=nosuch%20eq%201"):
        status, _, message = error_of(scene.dv.get(f"accounts?{option}"))
        assert status == 400
        assert message == "Could not find a property named 'nosuch' on type 'Microsoft.Dynamics.CRM.account'."


def test_systemusers_have_their_id_twice(scene: Scene) -> None:
    """join-tables.md: systemuserid and ownerid are both returned and have the same value."""
    row = scene.dv.rows("systemusers?$select=fullname&$top=1")[0]
    assert row["systemuserid"] == row["ownerid"]


# ---- annotations


def test_formatted_values_come_when_asked_for(scene: Scene) -> None:
    """select-columns.md, "Formatted values"."""
    options = "$select=name,revenue,numberofemployees,creditonhold,statecode,_primarycontactid_value,createdon"
    plain = scene.row("aiti", options)
    assert not any("@OData" in key for key in plain)
    row = scene.row("aiti", options, Prefer=f'odata.include-annotations="{FORMATTED}"')
    assert row[f"statecode@{FORMATTED}"] == "Active"
    assert row[f"numberofemployees@{FORMATTED}"] == "10"
    assert row[f"_primarycontactid_value@{FORMATTED}"] == f"Anna {scene.tag}"
    assert row[f"revenue@{FORMATTED}"].endswith("20,000.00")
    assert f"name@{FORMATTED}" not in row
    assert "_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname" not in row


def test_preferences_that_were_followed_are_echoed(scene: Scene) -> None:
    """page-results.md, select-columns.md: Preference-Applied in every sample."""
    prefer = f'odata.maxpagesize=2,odata.include-annotations="{FORMATTED}"'
    applied = scene.dv.get("accounts?$select=name", Prefer=prefer).headers["Preference-Applied"]
    assert "odata.maxpagesize=2" in applied
    assert f'odata.include-annotations="{FORMATTED}"' in applied


def test_polymorphic_lookups_say_which_table_they_lead_to(scene: Scene) -> None:
    """select-columns.md, "Lookup property data"."""
    wanted = f"{CRM}associatednavigationproperty,{CRM}lookuplogicalname"
    path = f"contacts({scene.contacts['anna']})?$select=_parentcustomerid_value,_ownerid_value"
    row = scene.dv.get(path, Prefer=f'odata.include-annotations="{wanted}"').json()
    assert row[f"_parentcustomerid_value@{CRM}lookuplogicalname"] == "account"
    assert row[f"_parentcustomerid_value@{CRM}associatednavigationproperty"] == "parentcustomerid_account"
    assert row[f"_ownerid_value@{CRM}lookuplogicalname"] == "systemuser"
    assert row[f"_ownerid_value@{CRM}associatednavigationproperty"] == "ownerid"


# ---- $filter


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("revenue eq 20000", ["aiti"]),
        ("revenue ne 20000", ["brink", "capek"]),
        ("revenue gt 0.5", ["aiti"]),
        ("revenue ge 0.5", ["brink", "aiti"]),
        ("revenue lt 20000", ["brink"]),
        ("revenue le 20000 and numberofemployees gt 10", ["brink"]),
        ("revenue eq null", ["capek"]),
        ("numberofemployees eq 10 or numberofemployees eq 200", ["brink", "aiti"]),
        ("(contains(name,'äiti') or contains(name,'brink')) and revenue gt 1", ["aiti"]),
        ("not contains(name,'brink')", ["aiti", "capek"]),
        ("endswith(name,'OY')", ["aiti"]),
        ("contains(name,'50[%]')", ["brink"]),
        ("contains(name,'Č_pek')", ["capek"]),
        ("creditonhold eq true", ["aiti"]),
        ("statecode eq 0", ["brink", "aiti", "capek"]),
    ],
)
def test_filters(scene: Scene, where: str, found: list[str]) -> None:
    """filter-rows.md: comparison and logical operators, grouping, wildcards; strings are compared without case.

    That ne finds rows without a value: MarkMpn/Sql4Cds issue 167.
    """
    assert sorted(scene.found(where)) == sorted(found)


def test_columns_of_a_row_compare(scene: Scene) -> None:
    """filter-rows.md, "Column comparison"."""
    same = f"lastname eq '{scene.tag}' and firstname eq lastname"
    assert scene.dv.rows(f"contacts?$select=fullname&$filter={quote(same)}") == []
    twin = scene.dv.create("contacts", {"firstname": scene.tag.upper(), "lastname": scene.tag})
    rows = scene.dv.rows(f"contacts?$select=fullname&$filter={quote(same)}")
    assert [row["contactid"] for row in rows] == [twin]


def test_lookups_compare_with_their_id_quoted_or_not(scene: Scene) -> None:
    """filter-rows.md: `_owninguser_value eq '<systemuserid value>'`; create-entity and others print it unquoted."""
    anna = scene.contacts["anna"]
    assert scene.found(f"_primarycontactid_value eq {anna}") == ["aiti"]
    assert scene.found(f"_primarycontactid_value eq '{anna}'") == ["aiti"]


def test_columns_behind_lookups_filter(scene: Scene) -> None:
    """filter-rows.md, "Filter using lookup column property values", two levels."""
    assert scene.found(f"primarycontactid/fullname eq 'anna {scene.tag}'") == ["aiti"]
    assert scene.found("primarycontactid/createdby/fullname ne null") == ["aiti"]


def test_lambdas_look_into_collections(scene: Scene) -> None:
    """filter-rows.md, "Filter using values of related collections"."""
    nav = "contact_customer_accounts"
    assert sorted(scene.found(f"{nav}/any()")) == ["aiti", "brink"]
    assert scene.found(f"{nav}/any(c:c/jobtitle eq 'CEO' and c/firstname eq 'Bo')") == ["aiti"]
    assert scene.found(f"not {nav}/any()") == ["capek"]
    assert sorted(scene.found(f"{nav}/all(c:c/jobtitle eq 'ceo')")) == ["aiti", "capek"]
    deep = f"{nav}/any(c:c/account_primary_contact/any(a:a/numberofemployees eq 10))"
    assert scene.found(deep) == ["aiti"]


def test_collections_behind_lookups_do_not_filter(scene: Scene) -> None:
    """filter-rows.md: "You can't include conditions on collection-valued … nested in a lookup"."""
    path = "accounts?$filter=primarycontactid/account_primary_contact/any(a:a/name%20eq%20'x')"
    assert scene.dv.get(path).status_code == 400


def test_quotes_are_doubled_in_strings_and_plus_is_encoded(scene: Scene) -> None:
    """filter-rows.md, "Manage single quotes", "URL encode special characters"."""
    odd = scene.dv.create("accounts", {"name": f"{scene.tag} O'Brian +1&2/3;4=5?6@7,8$9:0"})
    where = quote(f"name eq '{scene.tag} O''Brian +1&2/3;4=5?6@7,8$9:0'", safe="")
    assert [row["accountid"] for row in scene.dv.rows(f"accounts?$filter={where}")] == [odd]
    assert scene.dv.get(f"accounts?$filter=name eq '{scene.tag} O'Brian'").status_code == 400


def test_moments_compare_with_an_offset_and_with_fractions(scene: Scene) -> None:
    """webapi/web-api-properties.md: Edm.DateTimeOffset in ISO 8601."""
    assert len(scene.found("createdon gt 2020-01-01T00:00:00Z")) == 3
    assert len(scene.found("createdon gt 2020-01-01T02:00:00.1234567+02:00")) == 3
    assert scene.found("createdon gt 2999-01-01") == []


def query_functions() -> list[tuple[str, list[str]]]:
    """The functions of filter-rows.md with what they find."""
    every = ["aiti", "brink", "capek"]
    today = datetime.now(UTC).date().isoformat()
    return [
        ('Between(PropertyName=\'numberofemployees\',PropertyValues=["5","200"])', ["aiti", "brink"]),
        ("NotBetween(PropertyName='numberofemployees',PropertyValues=['5','200'])", ["capek"]),
        ("In(PropertyName='numberofemployees',PropertyValues=['10','3000'])", ["aiti", "capek"]),
        ("NotIn(PropertyName='numberofemployees',PropertyValues=['10','3000'])", ["brink"]),
        ("LastXHours(PropertyName='createdon',PropertyValue=1)", every),
        ("LastXDays(PropertyName='createdon',PropertyValue=3)", every),
        ("NextXDays(PropertyName='createdon',PropertyValue=3)", []),
        ("OlderThanXMinutes(PropertyName='createdon',PropertyValue=30)", []),
        ("Today(PropertyName='createdon')", every),
        ("Yesterday(PropertyName='createdon')", []),
        ("Last7Days(PropertyName='createdon')", every),
        ("ThisFiscalYear(PropertyName='createdon')", every),
        ("LastYear(PropertyName='createdon')", []),
        (f"OnOrAfter(PropertyName='createdon',PropertyValue='{today}')", every),
        ("OnOrBefore(PropertyName='createdon',PropertyValue='2001-01-01')", []),
        ("EqualUserId(PropertyName='ownerid')", every),
        ("NotEqualUserId(PropertyName='ownerid')", []),
        ("EqualBusinessId(PropertyName='owningbusinessunit')", every),
    ]


@pytest.mark.parametrize(("call", "found"), query_functions(), ids=lambda value: str(value).partition("(")[0])
def test_query_functions(scene: Scene, call: str, found: list[str]) -> None:
    """filter-rows.md, "Dataverse query functions"; values may be given as text."""
    assert sorted(scene.found(CRM + call)) == found
    if found:
        others = sorted(set(scene.accounts) - set(found))
        assert sorted(scene.found(f"not {CRM}{call}")) == others


def test_values_with_apostrophes_stand_in_double_quotes(scene: Scene) -> None:
    """filter-rows.md, "Manage single quotes": PropertyValues=["OBrian","O'Brian"] behind an alias."""
    odd = scene.dv.create("contacts", {"lastname": f"{scene.tag}O'Brian"})
    values = quote(f'["OBrian","{scene.tag}O\'Brian"]')
    where = f"{CRM}In(PropertyName=@p1,PropertyValues=@p2)&@p1='lastname'&@p2={values}"
    assert [row["contactid"] for row in scene.dv.rows(f"contacts?$select=fullname&$filter={where}")] == [odd]


def test_hierarchies_are_queried(scene: Scene) -> None:
    """developer/data-platform/query-hierarchical-data.md: Under, UnderOrEqual, Above."""
    bind = {"parentaccountid@odata.bind": f"/accounts({scene.accounts['aiti']})"}
    scene.dv.patch(f"accounts({scene.accounts['brink']})", bind)
    top, below = scene.accounts["aiti"], scene.accounts["brink"]
    assert scene.found(f"{CRM}Under(PropertyName='accountid',PropertyValue='{top}')") == ["brink"]
    assert sorted(scene.found(f"{CRM}UnderOrEqual(PropertyName='accountid',PropertyValue='{top}')")) == [
        "aiti",
        "brink",
    ]
    assert scene.found(f"{CRM}Above(PropertyName='accountid',PropertyValue='{below}')") == ["aiti"]


@pytest.mark.parametrize(
    "where",
    [
        "name eq 'a' b",
        "foo(name)",
        "contains(name)",
        "name EQ 'a'",
        "name eq 'a",
        "statecode eq 'Active'",
        "(name eq 'a'",
    ],
)
def test_what_makes_no_sense_is_a_400(dv: Dataverse, where: str) -> None:
    """compose-http-requests-handle-errors.md: 400 for a bad argument."""
    status, _, message = error_of(dv.get(f"accounts?$filter={quote(where, safe='')}"))
    assert status == 400
    assert message


def test_ten_thousand_nested_parentheses_are_a_400(dv: Dataverse) -> None:
    """Inferred: a refusal, never a fault of the server."""
    assert dv.get("accounts?$filter=" + "(" * 10_000 + "name eq 'x'" + ")" * 10_000).status_code in (400, 414)


# ---- aliases and refused options


def test_aliases_stand_for_values_and_columns(scene: Scene) -> None:
    """overview.md, "Use parameter aliases with query options"; an unassigned alias is null."""
    where = quote(f"{scene.mine} and @p1 ne @p3", safe="@")
    rows = scene.dv.rows(f"accounts?$select=name&$orderby=@p1 desc&$filter={where}&@p1=revenue&@p2=name")
    assert [row["accountid"] for row in rows] == [scene.accounts["aiti"], scene.accounts["brink"]]


@pytest.mark.parametrize("option", ["$skip=1", "$search=x", "$format=json", "$top=x", "$count=perhaps", "nosuch=1"])
def test_unsupported_options_are_refused(dv: Dataverse, option: str) -> None:
    """overview.md, "Unsupported OData query options"; names are case-sensitive. The status is inferred."""
    status, _, message = error_of(dv.get(f"accounts?{option}"))
    assert status in (400, 501)
    assert option.partition("=")[0] in message


def test_an_option_given_twice_is_refused(dv: Dataverse) -> None:
    """OData 4.0 part 2, 5: a query option is specified at most once."""
    assert dv.get("accounts?$top=1&$top=2").status_code == 400


def test_a_url_has_a_limit_and_in_a_batch_twice_that(dv: Dataverse) -> None:
    """overview.md, "URL length limitations": 32,768 characters, 65,536 inside a batch; the status is inferred."""
    fits = "accounts?$select=name&$filter=name eq '" + "x" * 32_600 + "'"
    long = "accounts?$select=name&$filter=name eq '" + "x" * 40_000 + "'"
    too_long = "accounts?$select=name&$filter=name eq '" + "x" * 70_000 + "'"
    assert dv.get(fits).status_code == 200
    assert 400 <= dv.get(long).status_code < 500

    def in_batch(path: str) -> str:
        kind = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary"
        part = f"--b\r\n{kind}\r\n\r\nGET {dv.api}/{path} HTTP/1.1\r\n\r\n\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/mixed;boundary=b"}
        return dv.send("POST", "$batch", body=part, headers=headers).text

    assert "HTTP/1.1 200" in in_batch(long)
    assert "HTTP/1.1 4" in in_batch(too_long)


# ---- $orderby, $top


def test_rows_are_ordered(scene: Scene) -> None:
    """order-rows.md: several columns; choices by their number; a lookup by the name it shows."""

    def ordered(by: str) -> list[str]:
        where = quote(scene.mine)
        every = {row_id: key for key, row_id in scene.accounts.items()}
        return [
            every[row["accountid"]] for row in scene.dv.rows(f"accounts?$select=name&$filter={where}&$orderby={by}")
        ]

    assert ordered("numberofemployees") == ["aiti", "brink", "capek"]
    assert ordered("numberofemployees desc") == ["capek", "brink", "aiti"]
    assert ordered("statecode,revenue desc") == ["aiti", "brink", "capek"]
    assert ordered("revenue") == ["capek", "brink", "aiti"]
    scene.dv.patch(
        f"accounts({scene.accounts['capek']})",
        {"primarycontactid@odata.bind": f"/contacts({scene.contacts['bo']})"},
    )
    assert ordered("_primarycontactid_value desc") == ["capek", "aiti", "brink"]


def test_top_limits_without_a_link(scene: Scene) -> None:
    """page-results.md, "Don't use the $top query option while paging": with a page size $top is ignored."""
    where = f"$filter={quote(scene.mine)}"
    limited = scene.dv.get(f"accounts?$select=name&{where}&$top=2").json()
    assert len(limited["value"]) == 2
    assert "@odata.nextLink" not in limited
    paged = scene.dv.get(f"accounts?$select=name&{where}&$top=1", Prefer="odata.maxpagesize=2").json()
    assert len(paged["value"]) == 2
    assert "@odata.nextLink" in paged


# ---- paging


def walk(dv: Dataverse, path: str, size: int) -> list[list[dict[str, Any]]]:
    """The pages of a collection, each asked for as its nextLink says."""
    pages, link = [], path
    while link:
        body = dv.get(link, Prefer=f"odata.maxpagesize={size}").json()
        pages.append(body["value"])
        link = body.get("@odata.nextLink", "")
    return pages


@pytest.mark.parametrize(
    "order", ["", "&$orderby=name", "&$orderby=revenue desc", "&$orderby=statecode,createdon desc"]
)
def test_pages_hold_every_row_once(scene: Scene, order: str) -> None:
    """page-results.md: follow @odata.nextLink until there is none."""
    for number in range(8):
        scene.dv.create("accounts", {"name": f'{scene.tag} <"%&{number % 3}>', "revenue": number % 2 or None})
    path = f"accounts?$select=name&$filter={quote(scene.mine)}{order}"
    pages = walk(scene.dv, path, 4)
    assert [len(page) for page in pages] == [4, 4, 3]
    ids = [row["accountid"] for page in pages for row in page]
    assert len(set(ids)) == 11
    assert ids == [row["accountid"] for row in scene.dv.rows(path)]


def test_the_skip_token_is_a_cookie(scene: Scene) -> None:
    """page-results.md: %3Ccookie pagenumber="2" pagingcookie="<encoded once more>" istracking="False" />."""
    link = scene.dv.get("accounts?$select=name", Prefer="odata.maxpagesize=1").json()["@odata.nextLink"]
    token = unquote(link.partition("$skiptoken=")[2])
    assert token.startswith('<cookie pagenumber="2" pagingcookie="%3ccookie%20page%3d%221%22%3e%3caccountid%20last%3d')
    assert token.endswith('istracking="False" />')


@pytest.mark.parametrize("size", ["0", "-1", "x"])
def test_a_page_size_that_is_no_number_above_zero_is_refused(dv: Dataverse, size: str) -> None:
    """Inferred: page-results.md says what a size may be, not what happens else."""
    assert dv.get("accounts?$select=name", Prefer=f"odata.maxpagesize={size}").status_code == 400


# ---- counting


def test_counts_are_of_all_pages(scene: Scene) -> None:
    """count-rows.md: @odata.count irrespective of the page size; the annotations; -1 if not asked."""
    where = f"$filter={quote(scene.mine)}"
    prefer = f'odata.maxpagesize=1,odata.include-annotations="{CRM}*"'
    body = scene.dv.get(f"accounts?$select=name&{where}&$count=true", Prefer=prefer).json()
    assert body["@odata.count"] == 3
    assert body[f"@{CRM}totalrecordcount"] == 3
    assert body[f"@{CRM}totalrecordcountlimitexceeded"] is False
    body = scene.dv.get(f"accounts?$select=name&{where}", Prefer=prefer).json()
    assert body[f"@{CRM}totalrecordcount"] == -1


def test_the_count_segment_is_plain_text(scene: Scene) -> None:
    """count-rows.md, `accounts/$count`; retrieve-entity-using-web-api.md prints a byte order mark before the number."""
    response = scene.dv.get(f"accounts/$count?$filter={quote(scene.mine)}")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert int(response.content.decode("utf-8-sig")) == 3


# ---- collections of a row


def test_a_collection_of_a_row_is_queried_like_any_other(scene: Scene) -> None:
    """overview.md, "Filtered collections"."""
    path = f"accounts({scene.accounts['aiti']})/contact_customer_accounts"
    rows = scene.dv.rows(f"{path}?$select=fullname&$filter=jobtitle eq 'ceo'&$orderby=firstname desc")
    assert [row["fullname"].partition(" ")[0] for row in rows] == ["Bo", "Anna"]
    assert int(scene.dv.get(f"{path}/$count").content.decode("utf-8-sig")) == 2
    pages = walk(scene.dv, f"{path}?$select=fullname", 1)
    assert [len(page) for page in pages] == [1, 1]


def test_managed_properties_filter_by_their_value(dv: Dataverse) -> None:
    """webapi/reference/booleanmanagedproperty: a complex type with Value; OData 4.0 reaches into one by a path."""
    rows = dv.rows("savedqueries?$select=name,iscustomizable&$filter=iscustomizable/Value eq true&$top=3")
    assert rows
    assert all(row["iscustomizable"]["Value"] is True for row in rows)
