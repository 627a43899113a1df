"""FetchXML, saved queries and user queries over the Web API.

All cases: verified: docs. Sources are pages of MicrosoftDocs/powerapps-docs under developer/data-platform/fetchxml/
unless said otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

import pytest
from defusedxml.ElementTree import fromstring

from support.dataverse import Dataverse, error_of
from support.query_scene import Scene

FORMATTED = "OData.Community.Display.V1.FormattedValue"
PAGING = 'odata.include-annotations="Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords"'


@pytest.fixture
def scene(dv: Dataverse) -> Scene:
    """A few accounts and contacts."""
    return Scene(dv)


def query(scene: Scene, inside: str, attributes: str = "", of: str = "account", column: str = "name") -> str:
    """FetchXML over the rows of the scene."""
    mine = f"<filter><condition attribute='{column}' operator='like' value='{scene.tag}%'/></filter>"
    return f"<fetch {attributes}><entity name='{of}'>{inside}{mine}</entity></fetch>"


def rows(scene: Scene, inside: str, attributes: str = "", **headers: str) -> list[dict[str, Any]]:
    """The accounts of the scene, as FetchXML returns them."""
    value: list[dict[str, Any]] = scene.fetch(query(scene, inside, attributes), **headers)["value"]
    return value


def found(scene: Scene, inside: str) -> list[str]:
    """The keys of the accounts that a query finds."""
    every = {row_id: key for key, row_id in scene.accounts.items()}
    return sorted(every[row["accountid"]] for row in rows(scene, "<attribute name='name'/>" + inside))


def test_null_columns_are_left_out(scene: Scene) -> None:
    """webapi/retrieve-and-execute-predefined-queries.md: "Properties with null values will not be included"."""
    by_name = {row["accountid"]: row for row in rows(scene, "<attribute name='name'/><attribute name='revenue'/>")}
    assert by_name[scene.accounts["aiti"]]["revenue"] == 20000
    assert "revenue" not in by_name[scene.accounts["capek"]]
    assert all("@odata.etag" in row for row in by_name.values())


def test_linked_columns_are_named_alias_dot_column(scene: Scene) -> None:
    """join-tables.md: "account1.name"; many-to-one and one-to-many."""
    link = "<link-entity name='contact' from='contactid' to='primarycontactid' alias='c'>{}</link-entity>"
    link = link.format("<attribute name='fullname'/>")
    (row,) = rows(scene, "<attribute name='name'/>" + link)
    assert row["c.fullname"] == f"Anna {scene.tag}"
    many = (
        "<link-entity name='contact' from='parentcustomerid' to='accountid'><attribute name='firstname'/></link-entity>"
    )
    assert sorted(row["contact1.firstname"] for row in rows(scene, many)) == ["Anna", "Bo", "Cy"]


def test_outer_joins_find_what_has_no_match(scene: Scene) -> None:
    """join-tables.md, "Find records not in a set"."""
    link = "<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='outer' alias='c'/>"
    condition = "<filter><condition entityname='c' attribute='parentcustomerid' operator='null'/></filter>"
    assert found(scene, link + condition) == ["capek"]


@pytest.mark.parametrize(
    ("join", "keys"),
    [("any", ["aiti"]), ("not any", ["brink", "capek"]), ("not all", ["aiti"]), ("all", ["brink"])],
)
def test_conditions_on_related_rows(scene: Scene, join: str, keys: list[str]) -> None:
    """filter-rows.md, "Filter on values in related records": all is "the opposite of what the names might imply"."""
    ceo = "<filter><condition attribute='jobtitle' operator='eq' value='ceo'/></filter>"
    link = f"<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='{join}'>{ceo}</link-entity>"
    assert found(scene, f"<filter>{link}</filter>") == keys


@pytest.mark.parametrize("join", ["exists", "in"])
def test_existence_joins_do_not_multiply(scene: Scene, join: str) -> None:
    """join-tables.md, "Use exists or in link types"."""
    link = f"<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='{join}'/>"
    assert found(scene, link) == ["aiti", "brink"]


def test_cross_apply_returns_one_row_under_schema_names(scene: Scene) -> None:
    """join-tables.md, "Related table property/attribute names are inconsistent": FirstName, not contact1.firstname."""
    link = (
        "<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='matchfirstrowusingcrossapply'>"
        "<attribute name='firstname'/></link-entity>"
    )
    answer = rows(scene, "<attribute name='name'/>" + link)
    assert len(answer) == 2
    assert all(row["FirstName"] in ("Anna", "Bo", "Cy") for row in answer)


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("<condition attribute='revenue' operator='gt' value='0.5'/>", ["aiti"]),
        ("<condition attribute='revenue' operator='null'/>", ["capek"]),
        ("<condition attribute='revenue' operator='ne' value='20000'/>", ["brink", "capek"]),
        ("<condition attribute='name' operator='like' value='%äiti%'/>", ["aiti"]),
        ("<condition attribute='name' operator='not-like' value='%äiti%'/>", ["brink", "capek"]),
        ("<condition attribute='name' operator='ends-with' value='OY'/>", ["aiti"]),
        (
            "<condition attribute='numberofemployees' operator='in'><value>10</value><value>3000</value></condition>",
            ["aiti", "capek"],
        ),
        (
            "<condition attribute='numberofemployees' operator='between'><value>6</value><value>200</value>"
            "</condition>",
            ["aiti", "brink"],
        ),
        ("<condition attribute='ownerid' operator='eq-userid'/>", ["aiti", "brink", "capek"]),
        ("<condition attribute='createdon' operator='last-x-hours' value='1'/>", ["aiti", "brink", "capek"]),
        ("<condition attribute='createdon' operator='olderthan-x-days' value='1'/>", []),
        ("<condition attribute='createdon' operator='this-year'/>", ["aiti", "brink", "capek"]),
        ("<condition attribute='creditonhold' operator='eq' value='1'/>", ["aiti"]),
    ],
)
def test_condition_operators(scene: Scene, condition: str, keys: list[str]) -> None:
    """reference/operators.md; filter-rows.md, "Operator parameters"."""
    assert found(scene, f"<filter>{condition}</filter>") == keys


def test_or_and_nested_filters(scene: Scene) -> None:
    """filter-rows.md: a filter's type, filters in filters."""
    aiti = "<condition attribute='name' operator='like' value='%äiti%'/>"
    small = "<filter><condition attribute='revenue' operator='lt' value='1'/></filter>"
    assert found(scene, f"<filter type='or'>{aiti}{small}</filter>") == ["aiti", "brink"]


def test_columns_compare(scene: Scene) -> None:
    """filter-rows.md, "Filter on column values in the same row", "Cross table column comparisons"."""
    link = "<link-entity name='account' from='accountid' to='parentcustomerid' alias='a'/>"
    inside = "<filter><condition attribute='ownerid' operator='eq' valueof='a.ownerid'/></filter>" + link
    answer = scene.fetch(query(scene, inside, of="contact", column="lastname"), of="contacts")
    assert len(answer["value"]) == 3
    same = "<filter><condition attribute='firstname' operator='eq' valueof='lastname'/></filter>"
    assert scene.fetch(query(scene, same, of="contact", column="lastname"), of="contacts")["value"] == []


def test_order_top_and_distinct(scene: Scene) -> None:
    """order-rows.md; fetch element: top, distinct."""
    order = "<attribute name='name'/><order attribute='numberofemployees' descending='true'/>"
    answer = rows(scene, order, "top='2'")
    assert [row["accountid"] for row in answer] == [scene.accounts["capek"], scene.accounts["brink"]]
    link = "<link-entity name='contact' from='parentcustomerid' to='accountid'/>"
    answer = rows(scene, "<attribute name='name'/><order attribute='name'/>" + link, "distinct='true'")
    assert len(answer) == 2


def walk(scene: Scene, order: str, size: int) -> list[list[str]]:
    """The contacts of the scene page by page; the cookie is URL-decoded twice, as page-results.md says."""
    pages: list[list[str]] = []
    cookie, page = "", 1
    while True:
        attributes = f"count='{size}' page='{page}' {cookie}"
        xml = query(scene, f"<attribute name='fullname'/>{order}", attributes, of="contact", column="lastname")
        answer = scene.fetch(xml, of="contacts", Prefer=PAGING)
        pages.append([row["contactid"] for row in answer["value"]])
        assert "@odata.nextLink" not in answer
        if not answer.get("@Microsoft.Dynamics.CRM.morerecords"):
            assert "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie" not in answer
            return pages
        outer = fromstring(answer["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"])
        assert outer.attrib["pagingcookie"].startswith("%253ccookie%2520page%253d%2522")
        cookie = f"paging-cookie={quoteattr(unquote(unquote(outer.attrib['pagingcookie'])))}"
        page += 1


@pytest.mark.parametrize(
    "order", ["", "<order attribute='fullname' descending='true'/>", "<order attribute='jobtitle'/>"]
)
def test_pages_follow_the_cookie(scene: Scene, order: str) -> None:
    """page-results.md, "Paging cookies"; on the last page neither annotation is there."""
    for number in range(4):
        scene.dv.create("contacts", {"firstname": f'"<%{number}&', "lastname": scene.tag})
    pages = walk(scene, order, 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert len({each for page in pages for each in page}) == 7


def test_simple_paging_needs_no_cookie(scene: Scene) -> None:
    """page-results.md, "Simple paging"."""
    order = "<attribute name='name'/><order attribute='numberofemployees'/>"
    answer = rows(scene, order, "count='1' page='2'")
    assert [row["accountid"] for row in answer] == [scene.accounts["brink"]]


def test_top_does_not_go_with_pages(dv: Dataverse) -> None:
    """page-results.md: "These different methods of limiting the results of a query are not compatible"."""
    xml = "<fetch top='1' page='2' count='1'><entity name='account'/></fetch>"
    assert dv.get(f"accounts?fetchXml={quote(xml)}").status_code == 400


def test_the_total_is_counted_on_request(scene: Scene) -> None:
    """count-rows.md: returntotalrecordcount, or $count=true."""
    inside = "<attribute name='name'/>"
    assert scene.fetch(query(scene, inside, "count='1' returntotalrecordcount='true'"))["@odata.count"] == 3
    assert scene.fetch(query(scene, inside, "count='1'"), options="&$count=true")["@odata.count"] == 3


def test_aggregates(scene: Scene) -> None:
    """aggregate-data.md: avg, count, countcolumn, max, min, sum; distinct."""
    inside = "".join(
        f"<attribute name='numberofemployees' alias='{method}' aggregate='{method}'/>"
        for method in ("avg", "count", "countcolumn", "max", "min", "sum")
    )
    inside += "<attribute name='statecode' alias='states' aggregate='countcolumn' distinct='true'/>"
    (row,) = rows(scene, inside, "aggregate='true'")
    assert row == {"avg": 1070, "count": 3, "countcolumn": 3, "max": 3000, "min": 10, "sum": 3210, "states": 1}


def test_groups_with_labels(scene: Scene) -> None:
    """aggregate-data.md, "Grouping"."""
    inside = (
        "<attribute name='statecode' alias='state' groupby='true'/>"
        "<attribute name='revenue' alias='total' aggregate='sum'/><order alias='state'/>"
    )
    (row,) = rows(scene, inside, "aggregate='true'", Prefer=f'odata.include-annotations="{FORMATTED}"')
    assert (row["state"], row[f"state@{FORMATTED}"], row["total"]) == (0, "Active", 20000.5)


def test_dates_group_by_their_parts(scene: Scene) -> None:
    """aggregate-data.md, "Grouping by parts of a date": its sample rows are 25 March and 27 August 2023."""
    for day in ("2023-03-25", "2023-03-25", "2023-08-27"):
        row = {"name": f"{scene.tag} deal", "estimatedclosedate": day}
        scene.dv.create("opportunities", row)
    parts = ("day", "week", "month", "quarter", "year")
    inside = "<attribute name='opportunityid' alias='n' aggregate='count'/>" + "".join(
        f"<attribute name='estimatedclosedate' alias='{part}' groupby='true' dategrouping='{part}'/>" for part in parts
    )
    xml = query(scene, inside + "<order alias='month'/>", "aggregate='true'", of="opportunity")
    assert scene.fetch(xml, of="opportunities")["value"] == [
        {"n": 2, "day": 25, "week": 12, "month": 3, "quarter": 1, "year": 2023},
        {"n": 1, "day": 27, "week": 35, "month": 8, "quarter": 3, "year": 2023},
    ]


def test_the_aggregate_limit_can_be_lowered(scene: Scene) -> None:
    """aggregate-data.md, "Per query limit": 0x8004E023."""
    inside = "<attribute name='name' alias='n' aggregate='count'/>"
    xml = query(scene, inside, "aggregate='true' aggregatelimit='2'")
    status, code, message = error_of(scene.dv.get(f"accounts?fetchXml={quote(xml)}"))
    assert (status, code.lower()) == (400, "0x8004e023")
    assert "AggregateQueryRecordLimit exceeded" in message


def test_limits_of_joins_and_conditions(dv: Dataverse) -> None:
    """join-tables.md, "Limitations" (0x8004430D); filter-rows.md, "Condition limits" (0x8004430C)."""
    links = "<link-entity name='contact' from='contactid' to='primarycontactid'/>" * 16
    conditions = "<filter>" + "<condition attribute='name' operator='null'/>" * 501 + "</filter>"
    for inside, expected in ((links, "0x8004430d"), (conditions, "0x8004430c")):
        xml = quote(f"<fetch><entity name='account'>{inside}</entity></fetch>", safe="<>/=' ")
        status, code, _ = error_of(dv.get(f"accounts?fetchXml={xml}"))
        assert (status, code.lower()) == (400, expected)


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<fetch><entity name='account'><attribute name='nosuch'/></entity></fetch>", "0x80041103"),
        ("<fetch><entity name='nosuch'/></fetch>", "0x80041102"),
        ("<fetch><entity name='contact'/></fetch>", None),
        ("<fetch><entity", None),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><fetch><entity name='account'/></fetch>", None),
    ],
)
def test_mistakes_are_named(dv: Dataverse, xml: str, code: str | None) -> None:
    """reference/web-service-error-codes: QueryBuilderNoAttribute, QueryBuilderNoEntity; the others are inferred."""
    status, found_code, message = error_of(dv.get(f"accounts?fetchXml={quote(xml)}"))
    assert status == 400
    assert message
    assert code is None or found_code == code


# ---- saved and user queries


def view(scene: Scene, table: str) -> str:
    """Save a query over the accounts of the scene; give its id."""
    xml = query(scene, "<attribute name='name'/><attribute name='revenue'/><order attribute='numberofemployees'/>")
    cells = "<row name='result' id='accountid'><cell name='name' width='100'/></row>"
    layout = f"<grid name='resultset' object='1' jump='name' select='1'>{cells}</grid>"
    row = {
        "name": f"{scene.tag} view",
        "returnedtypecode": "account",
        "querytype": 0,
        "fetchxml": xml,
        "layoutxml": layout,
    }
    return scene.dv.create(table, row)


@pytest.mark.parametrize(("table", "option"), [("savedqueries", "savedQuery"), ("userqueries", "userQuery")])
def test_stored_queries_run(scene: Scene, table: str, option: str) -> None:
    """webapi/retrieve-and-execute-predefined-queries.md, "Predefined queries"."""
    answer = scene.dv.get(f"accounts?{option}={view(scene, table)}").json()["value"]
    assert [row["accountid"] for row in answer] == [scene.accounts[key] for key in ("aiti", "brink", "capek")]
    assert "revenue" not in answer[2]


def test_a_stored_query_applies_to_a_collection_of_a_row(scene: Scene) -> None:
    """webapi/retrieve-and-execute-predefined-queries.md, "Apply a query to any collection of the appropriate type"."""
    bind = {"parentaccountid@odata.bind": f"/accounts({scene.accounts['aiti']})"}
    scene.dv.patch(f"accounts({scene.accounts['brink']})", bind)
    path = f"accounts({scene.accounts['aiti']})/account_parent_account?savedQuery={view(scene, 'savedqueries')}"
    assert [row["accountid"] for row in scene.dv.rows(path)] == [scene.accounts["brink"]]


def test_a_stored_query_pages_with_links(scene: Scene) -> None:
    """Inferred: a client that asked for pages of a view gets a nextLink as of any collection."""
    link, seen = f"accounts?savedQuery={view(scene, 'savedqueries')}", []
    while link:
        body = scene.dv.get(link, Prefer="odata.maxpagesize=2").json()
        seen.append([row["accountid"] for row in body["value"]])
        link = body.get("@odata.nextLink", "")
    assert [len(page) for page in seen] == [2, 1]


def test_a_stored_query_that_is_not_there_is_a_404(dv: Dataverse) -> None:
    """compose-http-requests-handle-errors.md: 404 for a resource that does not exist."""
    assert dv.get("accounts?savedQuery=00000000-0000-0000-0000-000000000001").status_code == 404


def test_a_view_of_another_table_is_refused(scene: Scene) -> None:
    """webapi/retrieve-and-execute-predefined-queries.md: "the entity set that matches"; the status is inferred."""
    assert scene.dv.get(f"contacts?savedQuery={view(scene, 'savedqueries')}").status_code == 400
