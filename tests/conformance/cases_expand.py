"""$expand: single related rows, collections, nesting, references, limits.

All cases: verified: docs. Source: MicrosoftDocs/powerapps-docs developer/data-platform/webapi/query/join-tables.md
unless said otherwise.
"""

from __future__ import annotations

import pytest

from support.dataverse import Dataverse, error_of
from support.query_scene import Scene

NAV = "contact_customer_accounts"


@pytest.fixture
def scene(dv: Dataverse) -> Scene:
    """A few accounts and contacts."""
    return Scene(dv)


def test_a_lookup_becomes_an_object_or_null(scene: Scene) -> None:
    """ "Expand single-valued navigation properties": the sample's related rows have their key and no ETag."""
    row = scene.row("aiti", "$select=name&$expand=primarycontactid($select=fullname)")
    assert row["@odata.context"].endswith("#accounts(name,primarycontactid(fullname))/$entity")
    assert row["primarycontactid"] == {"fullname": f"Anna {scene.tag}", "contactid": scene.contacts["anna"]}
    assert scene.row("capek", "$select=name&$expand=primarycontactid($select=fullname)")["primarycontactid"] is None


def test_several_lookups_expand_together(scene: Scene) -> None:
    """ "Only N:1: multiple ✓"; users come with systemuserid and ownerid."""
    row = scene.row("aiti", "$select=name&$expand=primarycontactid($select=fullname),createdby($select=fullname)")
    assert set(row["createdby"]) == {"fullname", "systemuserid", "ownerid"}


def test_references_are_addresses_and_for_lookups_only(scene: Scene) -> None:
    """ "Return references"."""
    row = scene.row("aiti", "$select=name&$expand=primarycontactid/$ref")
    assert row["primarycontactid"] == {"@odata.id": f"{scene.dv.api}/contacts({scene.contacts['anna']})"}
    assert row["_primarycontactid_value"] == scene.contacts["anna"]
    status, code, message = error_of(scene.dv.get(f"accounts?$expand={NAV}/$ref"))
    assert (status, code) == (400, "0x80060888")
    assert message == "Expand with $ref is only supported on lookup type navigation property."


def test_a_collection_comes_whole_with_a_link_to_itself(scene: Scene) -> None:
    """ "Single $expand on collection-valued navigation properties": no paging, a link without paging information."""
    path = f"accounts({scene.accounts['aiti']})?$select=name&$expand={NAV}($select=fullname;$orderby=firstname desc)"
    row = scene.dv.get(path, Prefer="odata.maxpagesize=1").json()
    assert [child["contactid"] for child in row[NAV]] == [scene.contacts["bo"], scene.contacts["anna"]]
    assert set(row[NAV][0]) == {"@odata.etag", "fullname", "_parentcustomerid_value", "contactid"}
    link = row[f"{NAV}@odata.nextLink"]
    assert "skiptoken" not in link
    again = scene.dv.rows(link)
    assert [child["contactid"] for child in again] == [child["contactid"] for child in row[NAV]]


def test_collections_are_filtered_ordered_and_limited(scene: Scene) -> None:
    """The options table: $select, $filter, $orderby, $top."""
    row = scene.row("aiti", f"$expand={NAV}($select=fullname;$filter=contains(firstname,'B'))")
    assert [child["contactid"] for child in row[NAV]] == [scene.contacts["bo"]]
    row = scene.row("aiti", f"$expand={NAV}($select=fullname;$orderby=firstname;$top=1)")
    assert [child["contactid"] for child in row[NAV]] == [scene.contacts["anna"]]


def test_lookups_nest_three_deep(scene: Scene) -> None:
    """ "Nested expand of single-valued navigation properties"."""
    path = (
        f"contacts({scene.contacts['anna']})?$select=fullname&$expand=parentcustomerid_account($select=name;"
        "$expand=primarycontactid($select=fullname;$expand=createdby($select=fullname)))"
    )
    row = scene.dv.get(path).json()
    assert row["parentcustomerid_account"]["primarycontactid"]["contactid"] == scene.contacts["anna"]
    assert row["parentcustomerid_account"]["primarycontactid"]["createdby"]["systemuserid"]


def test_nested_collections_are_paged(scene: Scene) -> None:
    """ "Nested $expand on collection-valued navigation properties": the page size counts for children too."""
    options = f"$select=name&$expand={NAV}($select=fullname;$expand=owninguser($select=fullname))"
    row = scene.row("aiti", options, Prefer="odata.maxpagesize=1")
    assert len(row[NAV]) == 1
    assert row[NAV][0]["owninguser"]["systemuserid"]
    link = row[f"{NAV}@odata.nextLink"]
    assert "$skiptoken=" in link
    following = scene.dv.get(link, Prefer="odata.maxpagesize=1").json()["value"]
    assert {row[NAV][0]["contactid"], following[0]["contactid"]} == {scene.contacts["anna"], scene.contacts["bo"]}


@pytest.mark.parametrize("option", ["$top=1", "$orderby=fullname"])
def test_nested_collections_take_no_order_and_no_top(dv: Dataverse, option: str) -> None:
    """The error is printed there, with its code."""
    status, code, message = error_of(dv.get(f"accounts?$expand={NAV}({option};$expand=owninguser)"))
    assert (status, code) == (400, "0x80060888")
    assert message == (
        "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested "
        "one-to-many relationship."
    )


def test_many_to_many_expands_alone(dv: Dataverse) -> None:
    """ "Only N:N: multiple ✓, nested ✘; combinations with N:N ✘"; that the refusal is a 400 is inferred."""
    rows = dv.rows("systemusers?$select=fullname&$top=1&$expand=systemuserroles_association($select=name)")
    assert isinstance(rows[0]["systemuserroles_association"], list)
    both = "systemuserroles_association($select=name),businessunitid($select=name)"
    assert dv.get(f"systemusers?$select=fullname&$expand={both}").status_code == 400


def test_more_than_fifteen_expansions_are_refused(dv: Dataverse) -> None:
    """ "You can include up to 15 $expand options in a query"."""
    nav = "parentaccountid"
    assert dv.get(f"accounts?$top=1&$select=name&$expand={nav}($expand=" * 1 + nav + ")").status_code == 200
    fifteen = f"{nav}($expand=" * 14 + nav + ")" * 14
    assert dv.get(f"accounts?$top=1&$select=name&$expand={fifteen}").status_code == 200
    assert dv.get(f"accounts?$top=1&$select=name&$expand={nav}($expand={fifteen})").status_code == 400


@pytest.mark.parametrize("option", ["$count=true", "$levels=2", "$skip=1", "$search=x"])
def test_options_that_expand_does_not_take_are_refused(dv: Dataverse, option: str) -> None:
    """ "The options $skip, $count, $search, and $levels aren't supported"; the status is inferred."""
    status, _, message = error_of(dv.get(f"accounts?$expand={NAV}({option})"))
    assert status in (400, 501)
    assert option.partition("=")[0] in message


def test_unknown_navigation_properties_are_named_and_case_counts(dv: Dataverse) -> None:
    """webapi/web-api-navigation-properties.md: names are case-sensitive."""
    for nav in ("nosuch", "PrimaryContactId"):
        status, _, message = error_of(dv.get(f"accounts?$expand={nav}"))
        assert status == 400
        assert nav in message


def test_expanded_rows_are_annotated_too(scene: Scene) -> None:
    """webapi/query/filter-rows.md: the sample annotates columns of an expanded row."""
    formatted = "OData.Community.Display.V1.FormattedValue"
    options = "$select=name&$expand=primarycontactid($select=fullname,_createdby_value)"
    row = scene.row("aiti", options, Prefer=f'odata.include-annotations="{formatted}"')
    assert row["primarycontactid"][f"_createdby_value@{formatted}"]
