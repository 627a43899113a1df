"""Column mappings: table maps come with relationships, column maps have rules. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/
customize-entity-attribute-mappings.md, maker/data-platform/map-entity-fields.md, and the 9.0 reference of both tables
(metadata-plane.md §8). Codes are inferred.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import PREFIX, Workshop, lookup

THING = f"{PREFIX}_thing"


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in."""
    return Workshop(dv)


def table_map(shop: Workshop, source: str, target: str) -> str:
    """The id of the map from one table to another, "always look it up by the name pair"."""
    query = f"$select=entitymapid&$filter=sourceentityname eq '{source}' and targetentityname eq '{target}'"
    [found] = shop.dv.rows(f"entitymaps?{query}")
    map_id: str = found["entitymapid"]
    return map_id


def column_map(map_id: str, source: str, target: str) -> dict[str, Any]:
    """A column map as real tools send it: three members."""
    bind = {"entitymapid@odata.bind": f"/entitymaps({map_id})"}
    return {"sourceattributename": source, "targetattributename": target} | bind


@pytest.mark.parametrize(
    "pair", [("lead", "opportunity"), ("opportunity", "quote"), ("opportunity", "salesorder"), ("quote", "salesorder")]
)
def test_the_tables_of_a_sale_are_mapped(shop: Workshop, pair: tuple[str, str]) -> None:
    """Documented: "header maps exist through the normal relationships"."""
    assert table_map(shop, *pair)


def test_a_relationship_makes_a_table_map(shop: Workshop) -> None:
    """Documented: "valid table maps are created when a relationship is created"; none without."""
    shop.table()
    query = f"entitymaps?$filter=sourceentityname eq 'account' and targetentityname eq '{THING}'"
    assert shop.dv.rows(query) == []
    made = shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    assert len(shop.dv.rows(query)) == 1
    assert shop.dv.delete(f"RelationshipDefinitions({made})").status_code == 204
    assert shop.dv.rows(query) == []


def test_a_column_map_is_made_and_deleted_but_not_changed(shop: Workshop) -> None:
    """attributemap: Create, Delete, Retrieve; "no Update (columns are create-only)"."""
    for name in ("lead", "opportunity"):
        shop.column(name, "String", "Colour", MaxLength=20)
    body = column_map(table_map(shop, "lead", "opportunity"), f"{PREFIX}_colour", f"{PREFIX}_colour")
    made = shop.made("attributemaps", body)
    assert error_of(shop.post("attributemaps", body))[0] == 400
    assert error_of(shop.dv.patch(f"attributemaps({made})", {"targetattributename": "name"}))[0] == 405
    assert shop.dv.delete(f"attributemaps({made})").status_code == 204


def test_a_map_starts_a_new_row(shop: Workshop) -> None:
    """InitializeFrom gives the mapped values of the row that the new one is made from."""
    for name in ("lead", "opportunity"):
        shop.made("RelationshipDefinitions", lookup("PartnerId", "account", name))
    column = f"{PREFIX}_partnerid"
    shop.made("attributemaps", column_map(table_map(shop, "lead", "opportunity"), column, column))
    account = shop.dv.create("accounts", {"name": "partner"})
    lead = shop.dv.create("leads", {"subject": "x", f"{PREFIX}_PartnerId@odata.bind": f"/accounts({account})"})
    aliases = f"@p1={{'@odata.id':'leads({lead})'}}&@p2='opportunity'&@p3=Microsoft.Dynamics.CRM.TargetFieldType'All'"
    path = "InitializeFrom(EntityMoniker=@p1,TargetEntityName=@p2,TargetFieldType=@p3)"
    found = shop.dv.get(f"{path}?{aliases}").json()
    assert account in found[f"{PREFIX}_PartnerId@odata.bind"]


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("Colour", "Short", "shorter"),
        ("Colour", "Number", "same type"),
        ("Colour", "nothing", "no column"),
        ("Own", "Other", "options"),
    ],
)
def test_a_map_that_could_not_work_is_refused(shop: Workshop, source: str, target: str, why: str) -> None:
    """Documented: "same type and format; target length ≥ source"; choices should have the same values."""
    shop.column("lead", "String", "Colour", MaxLength=20)
    shop.column("opportunity", "String", "Short", MaxLength=19)
    shop.column("opportunity", "Integer", "Number")
    shop.column("lead", "Picklist", "Own", OptionSet={"Options": [{"Value": 1, "Label": _label()}]})
    shop.column("opportunity", "Picklist", "Other", OptionSet={"Options": [{"Value": 2, "Label": _label()}]})
    body = column_map(
        table_map(shop, "lead", "opportunity"), f"{PREFIX}_{source}".lower(), f"{PREFIX}_{target}".lower()
    )
    status, _, message = error_of(shop.post("attributemaps", body))
    assert (status, why in message) == (400, True), message


def _label() -> dict[str, Any]:
    return {"LocalizedLabels": [{"Label": "x", "LanguageCode": 1033}]}


def test_a_target_takes_one_source(shop: Workshop) -> None:
    """Documented: "target not already a target in that map (a source may feed several targets)"."""
    for name in ("One", "Two"):
        shop.column("lead", "String", name, MaxLength=20)
        shop.column("opportunity", "String", name, MaxLength=20)
    map_id = table_map(shop, "lead", "opportunity")
    shop.made("attributemaps", column_map(map_id, f"{PREFIX}_one", f"{PREFIX}_one"))
    shop.made("attributemaps", column_map(map_id, f"{PREFIX}_one", f"{PREFIX}_two"))
    again = column_map(map_id, f"{PREFIX}_two", f"{PREFIX}_two")
    assert error_of(shop.post("attributemaps", again))[0] == 400


def test_maps_of_the_system_stay(shop: Workshop) -> None:
    """Documented: "Cannot create or delete system attribute map"; table maps are read-only."""
    found = shop.dv.rows("attributemaps?$select=attributemapid&$filter=issystem eq true&$top=1")
    assert error_of(shop.dv.delete(f"attributemaps({found[0]['attributemapid']})"))[0] == 400
    map_id = table_map(shop, "lead", "opportunity")
    assert error_of(shop.dv.delete(f"entitymaps({map_id})"))[0] == 405
    made = {"sourceentityname": "lead", "targetentityname": "quote"}
    assert error_of(shop.dv.post("entitymaps", made))[0] == 405


def test_a_mapped_column_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteInUseComponent 0x8004F01F."""
    for name in ("lead", "opportunity"):
        shop.column(name, "String", "Colour", MaxLength=20)
    body = column_map(table_map(shop, "lead", "opportunity"), f"{PREFIX}_colour", f"{PREFIX}_colour")
    shop.made("attributemaps", body)
    address = f"EntityDefinitions(LogicalName='opportunity')/Attributes(LogicalName='{PREFIX}_colour')"
    assert error_of(shop.dv.delete(address))[:2] == (400, "0x8004F01F")
