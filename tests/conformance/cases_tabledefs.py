"""Table definitions: create, read, replace, delete. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/webapi/
create-update-entity-definitions-using-web-api.md (writes) and query-metadata-web-api.md (reads).
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, PREFIX, SOLUTION, Workshop, column, label, table, texts

THING = f"{PREFIX}_thing"


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in."""
    return Workshop(dv)


def test_a_table_is_created_with_204_and_its_address(shop: Workshop) -> None:
    """Documented: "HTTP/1.1 204 No Content … OData-EntityId: …/EntityDefinitions(<id>)"."""
    response = shop.post("EntityDefinitions", table("Thing"))
    assert response.status_code == 204
    address = response.headers["OData-EntityId"]
    assert address.startswith(f"{shop.dv.api}/EntityDefinitions(")
    assert shop.dv.get(address).json()["LogicalName"] == THING


def test_what_is_not_said_has_the_documented_defaults(shop: Workshop) -> None:
    """The PUT example "provides the default values for properties not set" in the create example."""
    shop.table()
    found = shop.definition(THING)
    expected = {
        "ActivityTypeMask": 0,
        "AutoRouteToOwnerQueue": False,
        "CanTriggerWorkflow": True,
        "ChangeTrackingEnabled": False,
        "EntityColor": None,
        "IsCustomEntity": True,
        "IsManaged": False,
        "IsOptimisticConcurrencyEnabled": True,
        "IsQuickCreateEnabled": False,
        "IsValidForAdvancedFind": True,
        "LogicalCollectionName": f"{THING}s",
        "EntitySetName": f"{THING}s",
        "CollectionSchemaName": f"{PREFIX}_Things",
        "PrimaryIdAttribute": f"{THING}id",
        "PrimaryNameAttribute": f"{PREFIX}_name",
        "ReportViewName": f"Filtered{PREFIX}_Thing",
        "SyncToExternalSearchIndex": False,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["IsAuditEnabled"] == {
        "Value": False,
        "CanBeChanged": True,
        "ManagedPropertyLogicalName": "canmodifyauditsettings",
    }
    assert found["ObjectTypeCode"] >= 10000


def test_a_user_owned_table_has_owner_columns_and_eight_privileges(shop: Workshop) -> None:
    """The example lists prvCreate… to prvAppendTo…; the columns are those of every user-owned table."""
    name = shop.table(OwnershipType="UserOwned")
    found = shop.attributes(name)
    assert {"ownerid", "owningbusinessunit", "owninguser", "owningteam", "statecode", "statuscode"} <= set(found)
    assert "organizationid" not in found
    privileges = shop.definition(name, "?$select=Privileges")["Privileges"]
    rights = ["Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"]
    assert [each["Name"] for each in privileges] == [f"prv{right}{PREFIX}_Thing" for right in rights]
    assert all(each["CanBeBasic"] for each in privileges)


def test_an_organization_owned_table_has_no_owner_and_only_organization_depth(shop: Workshop) -> None:
    """metadata-plane.md §10: "org-owned tables only Global depth"."""
    name = shop.table()
    found = shop.attributes(name)
    assert "organizationid" in found
    assert "ownerid" not in found
    privileges = shop.definition(name, "?$select=Privileges")["Privileges"]
    assert {(each["CanBeBasic"], each["CanBeGlobal"]) for each in privileges} == {(False, True)}
    rows = shop.dv.rows(f"privileges?$select=name&$filter=name eq 'prvRead{PREFIX}_Thing'")
    assert len(rows) == 1


def test_further_columns_come_with_the_table(shop: Workshop) -> None:
    """Documented: "You can create table columns … by including the JSON definition … in the Attributes array"."""
    body = table("Thing")
    body["Attributes"] += [column("Money", "Value"), column("Integer", "Count")]
    shop.made("EntityDefinitions", body)
    found = shop.attributes(THING)
    assert {f"{PREFIX}_value", f"{PREFIX}_value_base", f"{PREFIX}_count", "transactioncurrencyid"} <= set(found)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SchemaName": "nobody_Thing"}, "0x80044366"),
        ({"SchemaName": "Thing"}, "0x80044366"),
        ({"OwnershipType": "TeamOwned"}, "0x8004700d"),
        ({"DisplayName": {"LocalizedLabels": []}}, "0x8004700c"),
        ({"DisplayCollectionName": None}, "0x8004700c"),
        ({"Attributes": [column("Integer", "Name", IsPrimaryName=True)]}, "0x8004700e"),
        (
            {"Attributes": [column("String", "A", IsPrimaryName=True), column("String", "B", IsPrimaryName=True)]},
            "0x8004701E",
        ),
    ],
)
def test_a_bad_table_is_refused_with_the_platforms_code(shop: Workshop, change: dict[str, Any], code: str) -> None:
    """Codes: …/includes/data-service-error-codes.md, InvalidNamePrefix, InvalidOwnershipTypeMask, InvalidDisplayName,
    InvalidPrimaryFieldType, DuplicatePrimaryNameAttribute."""
    assert error_of(shop.post("EntityDefinitions", table("Thing") | change))[:2] == (400, code)


def test_a_table_without_a_primary_name_is_refused(shop: Workshop) -> None:
    """Documented: "The entity must include the definition for the primary name attribute"."""
    assert error_of(shop.post("EntityDefinitions", table("Thing", Attributes=[])))[0] == 400


def test_two_tables_cannot_share_a_name(shop: Workshop) -> None:
    """InvalidSchemaName 0x8004700b, "An entity with the specified name already exists"."""
    shop.table()
    assert error_of(shop.post("EntityDefinitions", table("thing")))[:2] == (400, "0x8004700b")


def test_an_unknown_member_is_refused(shop: Workshop) -> None:
    """OData 4.0: a property that the type does not have; code as for rows (data-plane.md §2.3)."""
    assert error_of(shop.post("EntityDefinitions", table("Thing", IsLovely=True)))[:2] == (400, "0x80048d19")


def test_rows_can_be_made_as_soon_as_the_table_is_there(shop: Workshop) -> None:
    """publish-customizations.md: new items publish themselves."""
    name = shop.table()
    row = shop.dv.create(f"{name}s", {f"{PREFIX}_name": "first"})
    assert shop.dv.get(f"{name}s({row})").json()[f"{PREFIX}_name"] == "first"


def test_definitions_are_addressed_by_id_or_by_logical_name(shop: Workshop) -> None:
    """…/webapi/retrieve-metadata-name-metadataid.md."""
    name = shop.table()
    by_name = shop.definition(name, "?$select=LogicalName")
    by_id = shop.read(f"EntityDefinitions({by_name['MetadataId']})?$select=LogicalName")
    assert by_id["LogicalName"] == name


def test_metadata_id_is_always_returned(shop: Workshop) -> None:
    """Documented: "The MetadataId property value is always returned"."""
    found = shop.definition("account", "?$select=EntitySetName")
    assert set(found) == {"@odata.context", "EntitySetName", "MetadataId"}


def test_a_missing_table_is_404(dv: Dataverse) -> None:
    """1.5 of metadata-plane.md: "404 = absent"."""
    assert error_of(dv.get("EntityDefinitions(LogicalName='zzt_nothing')"))[0] == 404


def test_enumerations_are_filtered_by_their_literal(dv: Dataverse) -> None:
    """Documented: "you must include the namespace of the enumeration before the string value"."""
    found = dv.rows(f"EntityDefinitions?$select=LogicalName&$filter=OwnershipType eq {ODATA}OwnershipTypes'UserOwned'")
    names = {each["LogicalName"] for each in found}
    assert "account" in names
    assert "organization" not in names


def test_complex_values_are_filtered_by_their_path(dv: Dataverse) -> None:
    """Documented: CanCreateAttributes/Value eq true; "this does not work on properties of Label ComplexType"."""
    found = dv.rows("EntityDefinitions?$select=LogicalName&$filter=CanCreateAttributes/Value eq true")
    assert "account" in {each["LogicalName"] for each in found}
    assert error_of(dv.get("EntityDefinitions?$filter=DisplayName eq 'Account'"))[0] == 400


def test_functions_are_not_supported_in_filters(dv: Dataverse) -> None:
    """Field reports: 501, "The "startswith" function isn't supported for Metadata Entities." (data-plane.md §2.3)."""
    assert error_of(dv.get("EntityDefinitions?$filter=startswith(LogicalName,'acc')"))[:2] == (501, "0x8006088a")


def test_there_is_no_paging(dv: Dataverse) -> None:
    """Documented: "There is no paging. All matching resources will be returned in the first response".

    That $top is refused is inferred.
    """
    response = dv.get("EntityDefinitions?$select=LogicalName", Prefer="odata.maxpagesize=2")
    assert "@odata.nextLink" not in response.json()
    assert len(response.json()["value"]) > 2
    assert error_of(dv.get("EntityDefinitions?$top=1"))[0] == 400


def test_columns_and_keys_are_expanded(dv: Dataverse) -> None:
    """Documented: "$expand=Attributes($select=LogicalName;$filter=AttributeType eq …AttributeTypeCode'Picklist')"."""
    query = f"$expand=Attributes($select=LogicalName;$filter=AttributeType eq {ODATA}AttributeTypeCode'Picklist'),Keys"
    found = dv.get(f"EntityDefinitions(LogicalName='account')?$select=LogicalName&{query}").json()
    names = {each["LogicalName"] for each in found["Attributes"]}
    assert "industrycode" in names
    assert "name" not in names
    assert found["Keys"] == []


def test_put_without_merge_labels_loses_the_other_languages(shop: Workshop) -> None:
    """Without the header "any localized labels not included in your update will be lost"."""
    name = shop.table(DisplayName=label("Thing", _1035="Asia"))
    body = shop.definition(name) | {"DisplayName": label("Object")}
    assert shop.send("PUT", f"EntityDefinitions(LogicalName='{name}')", body).status_code == 204
    assert texts(shop.definition(name)["DisplayName"]) == {1033: "Object"}


def test_put_with_merge_labels_keeps_the_other_languages(shop: Workshop) -> None:
    """Documented: "any new labels defined will only overwrite existing labels when the language code matches"."""
    name = shop.table(DisplayName=label("Thing", _1035="Asia"))
    body = shop.definition(name) | {"DisplayName": label("Object")}
    address = f"EntityDefinitions({body['MetadataId']})"
    assert shop.send("PUT", address, body, MSCRM__MergeLabels="true").status_code == 204
    assert texts(shop.definition(name)["DisplayName"]) == {1033: "Object", 1035: "Asia"}


def test_patch_is_not_allowed(shop: Workshop) -> None:
    """Documented: "You can't use the PATCH method to update data model entities"."""
    name = shop.table()
    response = shop.send("PATCH", f"EntityDefinitions(LogicalName='{name}')", {"IsQuickCreateEnabled": True})
    assert error_of(response)[0] == 405


def test_change_tracking_is_switched_on_and_never_off(shop: Workshop) -> None:
    """developer/data-platform/use-change-tracking-synchronize-data-external-systems.md: it cannot be disabled again."""
    name = shop.table()
    body = shop.definition(name) | {"ChangeTrackingEnabled": True}
    address = f"EntityDefinitions(LogicalName='{name}')"
    assert shop.send("PUT", address, body, MSCRM__MergeLabels="true").status_code == 204
    assert shop.definition(name)["ChangeTrackingEnabled"] is True
    assert "@odata.deltaLink" in shop.dv.get(f"{name}s", Prefer="odata.track-changes").json()
    back = shop.definition(name) | {"ChangeTrackingEnabled": False}
    assert error_of(shop.send("PUT", address, back, MSCRM__MergeLabels="true"))[0] == 400


def test_tables_with_change_tracking_are_found_and_annotated(shop: Workshop) -> None:
    """Same page: $filter=ChangeTrackingEnabled eq true, and Org.OData.Capabilities.V1.ChangeTracking in $metadata."""
    name = shop.table(ChangeTrackingEnabled=True)
    found = shop.dv.rows("EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true")
    assert name in {each["LogicalName"] for each in found}
    text = shop.dv.get("$metadata?annotations=true").text
    entity_set = text.partition(f'<EntitySet Name="{name}s"')[2].partition("</EntitySet>")[0]
    assert "Org.OData.Capabilities.V1.ChangeTracking" in entity_set


@pytest.mark.parametrize(("member", "value"), [("SchemaName", "zzt_Other"), ("OwnershipType", "UserOwned")])
def test_names_and_ownership_cannot_change(shop: Workshop, member: str, value: str) -> None:
    """metadata-plane.md §2.1: ownership cannot change later [unconfirmed there]; names are keys."""
    name = shop.table()
    body = shop.definition(name) | {member: value}
    assert error_of(shop.send("PUT", f"EntityDefinitions(LogicalName='{name}')", body))[0] == 400


def test_deleting_a_table_takes_its_rows_views_forms_and_privileges(shop: Workshop) -> None:
    """DELETE EntityDefinitions(…): the MetadataOperations sample; what goes along is inferred."""
    name = shop.table()
    shop.dv.create(f"{name}s", {f"{PREFIX}_name": "gone"})
    views = f"savedqueries?$select=name&$filter=returnedtypecode eq '{name}'"
    assert shop.dv.rows(views) != []
    assert shop.send("DELETE", f"EntityDefinitions(LogicalName='{name}')").status_code == 204
    assert shop.dv.get(f"{name}s").status_code == 404
    assert shop.dv.get(f"EntityDefinitions(LogicalName='{name}')").status_code == 404
    assert shop.dv.rows(views) == []
    assert shop.dv.rows(f"privileges?$select=name&$filter=name eq 'prvRead{PREFIX}_Thing'") == []


def test_a_standard_table_cannot_be_deleted(dv: Dataverse) -> None:
    """CannotDeleteMetadata 0x8004F032: a managed component."""
    assert error_of(dv.delete("EntityDefinitions(LogicalName='account')"))[:2] == (400, "0x8004F032")


def test_a_table_that_a_lookup_points_to_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteInUseComponent 0x8004F01F."""
    name = shop.table()
    body = {
        "@odata.type": f"{ODATA}OneToManyRelationshipMetadata",
        "SchemaName": f"{PREFIX}_thing_account",
        "ReferencedEntity": name,
        "ReferencingEntity": "account",
        "Lookup": column("Lookup", "ThingId"),
    }
    shop.made("RelationshipDefinitions", body)
    assert error_of(shop.dv.delete(f"EntityDefinitions(LogicalName='{name}')"))[:2] == (400, "0x8004F01F")


def test_create_entities_makes_tables_as_the_python_sdk_asks(shop: Workshop) -> None:
    """conformance.md §2.1, seen on the wire: POST CreateEntities?SolutionUniqueName=… with Complex… types."""
    body = table("Thing") | {"@odata.type": f"{ODATA}ComplexEntityMetadata"}
    body["Attributes"][0]["@odata.type"] = f"{ODATA}ComplexStringAttributeMetadata"
    response = shop.dv.post(f"CreateEntities?SolutionUniqueName={SOLUTION}", {"Entities": [body]})
    assert response.status_code == 200, response.text
    shop.dv.created.append(f"EntityDefinitions(LogicalName='{THING}')")
    assert shop.definition(THING)["SchemaName"] == f"{PREFIX}_Thing"


def test_a_label_shows_the_users_language(shop: Workshop) -> None:
    """Documented: "UserLocalizedLabel … is based on the user's language preference and is read-only"."""
    name = shop.table(DisplayName=label("Thing", _1035="Asia"))
    assert shop.definition(name)["DisplayName"]["UserLocalizedLabel"]["Label"] == "Thing"


@pytest.mark.local
@pytest.mark.parametrize("policy", ["reject", "drop"])
def test_a_label_in_a_language_that_is_not_provisioned(
    shop: Workshop, emulator_settings: dict[str, Any], policy: str
) -> None:
    """metadata-plane.md §2.0: "rejected or dropped [unconfirmed which]": the local Dataverse plays either."""
    assert emulator_settings["unprovisioned_labels"] == policy
    response = shop.post("EntityDefinitions", table("Thing", DisplayName=label("Thing", _1036="Chose")))
    if policy == "reject":
        assert error_of(response)[:2] == (400, "0x80044195")
    else:
        assert texts(shop.definition(THING)["DisplayName"]) == {1033: "Thing"}


@pytest.fixture
def emulator_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The label policy under test, where a case has one."""
    callspec = getattr(request.node, "callspec", None)
    policy = callspec.params.get("policy") if callspec else None
    return {"unprovisioned_labels": policy} if policy else {}


@pytest.mark.parametrize("name", ["account", "opportunity", "salesorder"])
def test_putting_back_what_was_read_changes_nothing(dv: Dataverse, name: str) -> None:
    """Documented: GET the whole definition, change it, PUT it back; read-only members are tolerated."""
    address = f"EntityDefinitions(LogicalName='{name}')"
    before = dv.get(address).json()
    assert dv.send("PUT", address, json=before, headers={"MSCRM.MergeLabels": "true"}).status_code == 204
    after = dv.get(address).json()
    same = {key for key, value in before.items() if key not in {"ModifiedOn", "DisplayName", "DisplayCollectionName"}}
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert texts(after["DisplayName"]) == texts(before["DisplayName"])


def test_the_primary_name_column_says_so(shop: Workshop) -> None:
    """AttributeMetadata.IsPrimaryName, IsPrimaryId."""
    name = shop.table()
    assert shop.attribute(name, f"{PREFIX}_name")["IsPrimaryName"] is True
    assert shop.attribute(name, f"{name}id")["IsPrimaryId"] is True
    assert shop.attribute(name, "createdon")["IsPrimaryName"] is False


@pytest.mark.local
@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"IsActivity": True}, "activity"),
        ({"TableType": "Elastic"}, "Elastic"),
        ({"TableType": "Virtual"}, "Virtual"),
        ({"DataProviderId": "7015a531-cc0d-4537-b5f2-c882a1eb65ad"}, "virtual"),
    ],
)
def test_other_kinds_of_tables_are_refused_by_name(shop: Workshop, more: dict[str, Any], named: str) -> None:
    """design.md: what is not implemented answers 501 with the name of the thing. Kinds: create-elastic-tables.md
    ("TableType": "Elastic"), virtual-entities/get-started-ve.md."""
    status, _, message = error_of(shop.post("EntityDefinitions", table("Thing", **more)))
    assert (status, named in message) == (501, True)


def test_a_table_may_say_that_it_is_a_standard_one(shop: Workshop) -> None:
    """EntityMetadata.TableType."""
    assert shop.post("EntityDefinitions", table("Thing", TableType="Standard")).status_code == 204
