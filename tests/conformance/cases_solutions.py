"""Publishers, solutions, their components, and what cannot be changed or deleted. verified: docs

Source of all cases unless they name another: power-platform alm/solution-api.md; powerapps-docs developer/
data-platform/optional-parameters.md (MSCRM.SolutionUniqueName), reference/entities/solutioncomponent.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import PREFIX, SOLUTION, Workshop, column, lookup

TABLE, COLUMN, CHOICE, RELATIONSHIP, VIEW, WEB_RESOURCE = 1, 2, 9, 10, 26, 61


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in."""
    return Workshop(dv)


def members(shop: Workshop) -> dict[str, tuple[int, int]]:
    """The solution's components: id → (type, behaviour)."""
    query = "$select=componenttype,objectid,rootcomponentbehavior"
    found = shop.dv.rows(f"solutioncomponents?{query}&$filter=_solutionid_value eq {shop.solution}")
    return {each["objectid"]: (each["componenttype"], each["rootcomponentbehavior"]) for each in found}


def test_publishers_and_solutions_are_found_by_their_unique_name(shop: Workshop) -> None:
    """alm/solution-api.md: "retrieve by unique name first, create only if zero rows"."""
    found = shop.dv.rows(f"solutions?$select=uniquename,version,ismanaged&$filter=uniquename eq '{SOLUTION}'")
    assert [(each["version"], each["ismanaged"]) for each in found] == [("1.0.0.0", False)]
    expanded = shop.dv.get(f"solutions({shop.solution})?$expand=publisherid($select=customizationprefix)").json()
    assert expanded["publisherid"]["customizationprefix"] == PREFIX


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"uniquename": None}, "0x8004F01C"),
        ({"customizationprefix": "mscrmx"}, "0x80044366"),
        ({"customizationprefix": "1a"}, "0x80044366"),
        ({"customizationprefix": "toolongprefix"}, None),
        ({"customizationoptionvalueprefix": 9999}, "0x80044330"),
        ({"uniquename": "zztconformance"}, "0x80040237"),
    ],
)
def test_a_bad_publisher_is_refused(shop: Workshop, change: dict[str, Any], code: str | None) -> None:
    """InvalidPublisherUniqueName; option value prefixes 10,000–99,999; prefixes of 2–8 letters or digits [inferred]."""
    body = {"uniquename": "zztother", "friendlyname": "Other", "customizationprefix": "zzu"}
    status, found, _ = error_of(shop.dv.post("publishers", body | change))
    assert status in {400, 412}
    assert code in {None, found}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"uniquename": "with-hyphen"}, "0x8004F002"),
        ({"uniquename": "1st"}, "0x8004F002"),
        ({"version": "one"}, "0x8004F01E"),
        ({"uniquename": SOLUTION.lower()}, "0x80040237"),
        ({"friendlyname": None}, "0x80040200"),
    ],
)
def test_a_bad_solution_is_refused(shop: Workshop, change: dict[str, Any], code: str) -> None:
    """InvalidSolutionUniqueName, InvalidSolutionVersion (code table); the others inferred."""
    bind = {"publisherid@odata.bind": f"/publishers({shop.publisher})"}
    body = {"uniquename": "ZztOther", "friendlyname": "Other", "version": "1.0.0.0"} | bind
    assert error_of(shop.dv.post("solutions", body | change))[1] == code


def test_a_new_table_is_in_the_solution_with_all_that_is_in_it(shop: Workshop) -> None:
    """rootcomponentbehavior 0: include subcomponents; what is added later needs no row of its own [inferred]."""
    name = shop.table()
    shop.column(name, "String", "More")
    assert members(shop) == {shop.definition(name)["MetadataId"]: (TABLE, 0)}


def test_a_column_of_a_standard_table_brings_the_table_as_a_shell(shop: Workshop) -> None:
    """rootcomponentbehavior 2: include as shell only; observed in exports (metadata-plane.md §9.1)."""
    made = shop.made("EntityDefinitions(LogicalName='account')/Attributes", _text("More"))
    account = shop.definition("account", "?$select=LogicalName")["MetadataId"]
    assert members(shop) == {account: (TABLE, 2), made: (COLUMN, 0)}


def _text(name: str) -> dict[str, Any]:
    return column("String", name)


def test_choices_relationships_views_and_scripts_go_into_the_solution_too(shop: Workshop) -> None:
    """optional-parameters.md: the header applies to Create, Update, Delete of every component."""
    shop.choice(Red=1)
    relationship = shop.made("RelationshipDefinitions", lookup("OtherId", "account", "contact"))
    script = {"name": f"{PREFIX}_/a.js", "displayname": "a", "webresourcetype": 3, "content": "Ly8="}
    resource = shop.made("webresourceset", script)
    found = members(shop)
    assert sorted(kind for kind, _ in found.values()) == [TABLE, COLUMN, CHOICE, RELATIONSHIP, WEB_RESOURCE]
    assert found[relationship] == (RELATIONSHIP, 0)
    assert found[resource] == (WEB_RESOURCE, 0)


def test_without_the_header_nothing_goes_into_the_solution(shop: Workshop) -> None:
    """alm/solution-api.md: "Without it a new component lands only in the Default Solution"."""
    assert shop.dv.post("EntityDefinitions(LogicalName='account')/Attributes", _text("More")).status_code == 204
    assert members(shop) == {}


def test_an_unknown_solution_is_refused_and_nothing_is_made(shop: Workshop) -> None:
    """A solution that is not there [status and code inferred]."""
    headers = {"MSCRM.SolutionUniqueName": "Nowhere"}
    path = "EntityDefinitions(LogicalName='account')/Attributes"
    assert error_of(shop.dv.send("POST", path, json=_text("More"), headers=headers))[0] == 404
    assert f"{PREFIX}_more" not in shop.attributes("account")


def test_existing_components_are_added_and_removed(shop: Workshop) -> None:
    """AddSolutionComponent gives the row's id, may be repeated; RemoveSolutionComponent leaves the thing itself."""
    account = shop.definition("account", "?$select=LogicalName")["MetadataId"]
    body = {
        "ComponentId": account,
        "ComponentType": TABLE,
        "SolutionUniqueName": SOLUTION,
        "AddRequiredComponents": False,
    }
    first = shop.dv.post("AddSolutionComponent", body | {"DoNotIncludeSubcomponents": True})
    assert first.status_code == 200, first.text
    assert members(shop) == {account: (TABLE, 1)}
    again = shop.dv.post("AddSolutionComponent", body)
    assert again.json()["id"] == first.json()["id"]
    remove = {
        "SolutionComponent": {
            "@odata.type": "Microsoft.Dynamics.CRM.solutioncomponent",
            "solutioncomponentid": account,
        },
        "ComponentType": TABLE,
        "SolutionUniqueName": SOLUTION,
    }
    assert shop.dv.post("RemoveSolutionComponent", remove).ok
    assert members(shop) == {}
    assert shop.dv.get("EntityDefinitions(LogicalName='account')").status_code == 200


def test_a_component_that_is_not_there_cannot_be_added(shop: Workshop) -> None:
    """ObjectDoesNotExist 0x80040217."""
    body = {"ComponentId": shop.solution, "ComponentType": TABLE, "SolutionUniqueName": SOLUTION}
    assert error_of(shop.dv.post("AddSolutionComponent", body))[:2] == (404, "0x80040217")


def test_solution_components_are_written_by_the_actions_only(shop: Workshop) -> None:
    """metadata-plane.md §1.2: "table is read-only except via the actions"."""
    assert error_of(shop.dv.post("solutioncomponents", {"componenttype": 1}))[0] == 405


def test_a_deleted_component_leaves_the_solution(shop: Workshop) -> None:
    """What is gone is in no solution."""
    name = shop.table()
    assert shop.dv.delete(f"EntityDefinitions(LogicalName='{name}')").status_code == 204
    assert members(shop) == {}


def test_deleting_an_unmanaged_solution_leaves_its_components(shop: Workshop) -> None:
    """alm: an unmanaged solution is only a list; its publisher can go when it has no solution left."""
    name = shop.table()
    publisher = shop.dv.delete(f"publishers({shop.publisher})")
    assert error_of(publisher)[1] == "0x80040227"
    assert shop.dv.delete(f"solutions({shop.solution})").status_code == 204
    assert shop.definition(name)["LogicalName"] == name
    assert shop.dv.delete(f"publishers({shop.publisher})").status_code == 204


def test_the_default_solution_and_publisher_stay(dv: Dataverse) -> None:
    """CannotDeleteRestrictedSolution 0x8004F005, CannotDeleteRestrictedPublisher 0x8004F006."""
    [solution] = dv.rows("solutions?$select=solutionid&$filter=uniquename eq 'Default'")
    assert error_of(dv.delete(f"solutions({solution['solutionid']})"))[1] == "0x8004F005"
    [publisher] = dv.rows("publishers?$select=publisherid&$filter=uniquename eq 'MicrosoftCorporation'")
    assert error_of(dv.delete(f"publishers({publisher['publisherid']})"))[1] == "0x8004F006"


def test_a_managed_solution_is_a_layer_that_cannot_be_edited(dv: Dataverse) -> None:
    """CannotUpdateManagedSolution 0x8004F024: by its row, and by putting components into it."""
    [managed] = dv.rows("solutions?$select=solutionid,uniquename&$filter=ismanaged eq true&$top=1")
    patch = dv.patch(f"solutions({managed['solutionid']})", {"friendlyname": "mine"})
    assert error_of(patch)[1] == "0x8004F024"
    headers = {"MSCRM.SolutionUniqueName": managed["uniquename"]}
    shop = Workshop(dv)
    path = "EntityDefinitions(LogicalName='account')/Attributes"
    assert error_of(dv.send("POST", path, json=_text("More"), headers=headers))[1] == "0x8004F024"
    assert f"{PREFIX}_more" not in shop.attributes("account")


def test_dependencies_are_told_before_a_delete(shop: Workshop) -> None:
    """RetrieveDependenciesForDelete(ObjectId=…,ComponentType=…) lists what the refusal counts."""
    name = shop.table()
    made = shop.made("RelationshipDefinitions", lookup("ThingId", name, "account"))
    table_id = shop.definition(name)["MetadataId"]
    found = shop.dv.rows(f"RetrieveDependenciesForDelete(ObjectId={table_id},ComponentType={TABLE})")
    assert [(each["dependentcomponenttype"], each["dependentcomponentobjectid"]) for each in found] == [
        (RELATIONSHIP, made)
    ]
    assert " by 1 other components" in error_of(shop.dv.delete(f"EntityDefinitions({table_id})"))[2]


@pytest.mark.local
def test_what_a_managed_solution_brought_cannot_be_taken_apart(shop: Workshop) -> None:
    """CannotDeleteMetadata 0x8004F032, CannotUpdateManagedSolution 0x8004F024; changing what is customizable is a
    layer of its own above it (alm/solution-concepts-alm.md)."""
    thing = shop.table()
    column_name = shop.column(thing, "String", "More")
    extra = shop.column("account", "String", "Extra")
    script = {"name": f"{PREFIX}_/a.js", "displayname": "a", "webresourcetype": 3, "content": "Ly8="}
    resource = shop.made("webresourceset", script)
    assert shop.dv.post("/_emulator/managed", {"solution": SOLUTION}).status_code == 204
    assert shop.definition(thing)["IsManaged"] is True
    for address in (
        f"EntityDefinitions(LogicalName='{thing}')",
        f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{column_name}')",
        f"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='{extra}')",
        f"webresourceset({resource})",
    ):
        assert error_of(shop.dv.delete(address))[:2] == (400, "0x8004F032")
    path = f"EntityDefinitions(LogicalName='{thing}')/Attributes"
    assert error_of(shop.post(path, _text("Late")))[:2] == (400, "0x8004F024")
    body = shop.definition(thing) | {"IsQuickCreateEnabled": True}
    assert shop.dv.put(f"EntityDefinitions(LogicalName='{thing}')", body).status_code == 204
