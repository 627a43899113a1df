"""Relationships: lookups, cascade rules, N:N, several targets, what may be related. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/webapi/
create-update-entity-relationships-using-web-api.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, PREFIX, Workshop, column, label, lookup, texts

THING = f"{PREFIX}_thing"


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in, and a table."""
    made = Workshop(dv)
    made.table()
    return made


def relationship(shop: Workshop, name: str) -> dict[str, Any]:
    """A relationship's definition."""
    return shop.read(f"RelationshipDefinitions(SchemaName='{name}')")


def test_a_relationship_makes_a_lookup_that_rows_can_use(shop: Workshop) -> None:
    """Documented: the Lookup is created with it; its navigation property is the lookup's schema name, case kept."""
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    account = shop.dv.create("accounts", {"name": "one"})
    row = shop.dv.create(f"{THING}s", {f"{PREFIX}_PartnerId@odata.bind": f"/accounts({account})"})
    assert shop.dv.get(f"{THING}s({row})").json()[f"_{PREFIX}_partnerid_value"] == account
    found = relationship(shop, f"{PREFIX}_account_{THING}_PartnerId")
    assert found["@odata.type"] == f"#{ODATA}OneToManyRelationshipMetadata"
    assert found["ReferencingEntityNavigationPropertyName"] == f"{PREFIX}_PartnerId"
    assert (found["ReferencedAttribute"], found["ReferencingAttribute"]) == ("accountid", f"{PREFIX}_partnerid")
    assert shop.attribute(THING, f"{PREFIX}_partnerid", "Lookup")["Targets"] == ["account"]
    many = shop.dv.rows(f"accounts({account})/{found['ReferencedEntityNavigationPropertyName']}")
    assert [each[f"{THING}id"] for each in many] == [row]


def test_navigation_properties_can_be_named(shop: Workshop) -> None:
    """ReferencingEntityNavigationPropertyName and ReferencedEntityNavigationPropertyName are optional members."""
    names = {
        "ReferencingEntityNavigationPropertyName": f"{PREFIX}_ToPartner",
        "ReferencedEntityNavigationPropertyName": f"{PREFIX}_Things",
    }
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING, **names))
    account = shop.dv.create("accounts", {"name": "one"})
    shop.dv.create(f"{THING}s", {f"{PREFIX}_ToPartner@odata.bind": f"/accounts({account})"})
    assert len(shop.dv.rows(f"accounts({account})/{PREFIX}_Things")) == 1


def test_the_lookup_is_listed_from_both_ends(shop: Workshop) -> None:
    """query-metadata-web-api.md: OneToManyRelationships, ManyToOneRelationships; cast and $filter on the whole set."""
    name = f"{PREFIX}_account_{THING}_PartnerId"
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    ones = shop.dv.rows("EntityDefinitions(LogicalName='account')/OneToManyRelationships?$select=SchemaName")
    manies = shop.dv.rows(f"EntityDefinitions(LogicalName='{THING}')/ManyToOneRelationships?$select=SchemaName")
    assert name in {each["SchemaName"] for each in ones} & {each["SchemaName"] for each in manies}
    cast = f"RelationshipDefinitions/{ODATA}OneToManyRelationshipMetadata"
    found = shop.dv.rows(f"{cast}?$select=SchemaName&$filter=ReferencingEntity eq '{THING}'")
    assert name in {each["SchemaName"] for each in found}
    base = shop.dv.get("RelationshipDefinitions?$select=ReferencingEntity")
    assert error_of(base)[0] == 400


def test_what_is_not_said_has_the_platforms_defaults(shop: Workshop) -> None:
    """The example's defaults: referential, RemoveLink on delete, shown in the menu by the collection's name."""
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    found = relationship(shop, f"{PREFIX}_account_{THING}_PartnerId")
    assert found["CascadeConfiguration"]["Delete"] == "RemoveLink"
    assert found["CascadeConfiguration"]["Assign"] == "NoCascade"
    assert found["AssociatedMenuConfiguration"]["Behavior"] == "UseCollectionName"
    assert found["IsCustomRelationship"] is True


@pytest.mark.parametrize(("rule", "status"), [("RemoveLink", 204), ("Restrict", 405), ("Cascade", 204)])
def test_the_delete_rule_is_obeyed(shop: Workshop, rule: str, status: int) -> None:
    """configure-entity-relationship-cascading-behavior.md: Cascade, RemoveLink, Restrict on Delete."""
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING, CascadeConfiguration={"Delete": rule}))
    account = shop.dv.create("accounts", {"name": "one"})
    row = shop.dv.create(f"{THING}s", {f"{PREFIX}_PartnerId@odata.bind": f"/accounts({account})"})
    response = shop.dv.delete(f"accounts({account})")
    assert response.ok == (status == 204)
    left = shop.dv.get(f"{THING}s({row})")
    if rule == "Cascade":
        assert left.status_code == 404
    else:
        expected = account if rule == "Restrict" else None
        assert left.json()[f"_{PREFIX}_partnerid_value"] == expected


def test_a_table_is_the_child_of_one_parental_relationship(shop: Workshop) -> None:
    """EntityCannotBeChildInCustomRelationship 0x8004432D: "… or is already a child in a parental relationship"."""
    rule = {"CascadeConfiguration": {"Delete": "Cascade"}}
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING, **rule))
    second = shop.post("RelationshipDefinitions", lookup("ContactId", "contact", THING, **rule))
    assert error_of(second)[:2] == (400, "0x8004432D")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"SchemaName": ""}, "0x8004432A"),
        ({"SchemaName": "nobody_x"}, "0x80044366"),
        ({"SchemaName": f"{PREFIX}_FIRST"}, "0x8004432B"),
        ({"ReferencedEntity": "nothing"}, "0x8005E00C"),
        ({"CascadeConfiguration": {"Assign": "Restrict"}}, "0x80047003"),
        ({"CascadeConfiguration": {"Assign": "UserOwned"}}, "0x80044156"),
        ({"IsHierarchical": True}, "0x8004701F"),
        ({"AssociatedMenuConfiguration": {"Behavior": "UseLabel"}}, "0x80044328"),
        ({"Lookup": column("Lookup", "FirstId")}, "0x80047013"),
    ],
)
def test_a_bad_relationship_is_refused(shop: Workshop, more: dict[str, Any], code: str) -> None:
    """EntityRelationshipSchemaNameRequired, InvalidNamePrefix, EntityRelationshipSchemaNameNotUnique, InvalidEntity,
    InvalidOrgOwnedCascadeLinkType, InvalidHierarchicalRelationship, …CustomLabelsMissing, DuplicateAttribute…
    (code table; the code for a word that does not fit an action is inferred)."""
    shop.made("RelationshipDefinitions", lookup("FirstId", "account", THING, SchemaName=f"{PREFIX}_first"))
    body = lookup("SecondId", "account", THING) | more
    assert error_of(shop.post("RelationshipDefinitions", body))[:2] == (400, code)


@pytest.mark.local
@pytest.mark.parametrize(
    ("emulator_settings", "status"),
    [({}, 400), ({"relationship_names": "prefix_inside"}, 204)],
    ids=["documented", "as Microsoft's SDK names them"],
)
def test_the_prefix_of_a_relationship_name(shop: Workshop, status: int) -> None:
    """InvalidNamePrefix: names "must start with a valid customization prefix" (code table). Microsoft's Python SDK
    1.1.0 (tables.create_lookup_field) puts the referenced table's name first; its tests against services do so."""
    body = lookup("ThirdId", "account", THING, SchemaName=f"account_{PREFIX}_thing_{PREFIX}_ThirdId")
    assert shop.post("RelationshipDefinitions", body).status_code == status
    bare = lookup("FourthId", "account", THING, SchemaName="account_nobody_FourthId")
    assert error_of(shop.post("RelationshipDefinitions", bare))[:2] == (400, "0x80044366")


def test_a_relationship_needs_its_type(shop: Workshop) -> None:
    """metadata-plane.md §2.4: "@odata.type mandatory (set is shared by both kinds)"."""
    body = lookup("PartnerId", "account", THING)
    del body["@odata.type"]
    assert error_of(shop.post("RelationshipDefinitions", body))[0] == 400


def test_put_changes_rules_and_menu(shop: Workshop) -> None:
    """Documented: PUT RelationshipDefinitions(<id>) with the whole definition."""
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    name = f"{PREFIX}_account_{THING}_PartnerId"
    body = relationship(shop, name)
    body["CascadeConfiguration"]["Delete"] = "Restrict"
    body["AssociatedMenuConfiguration"] |= {"Behavior": "UseLabel", "Label": label("Things", _1035="Asiat")}
    address = f"RelationshipDefinitions({body['MetadataId']})"
    assert shop.send("PUT", address, body, MSCRM__MergeLabels="true").status_code == 204
    found = relationship(shop, name)
    assert found["CascadeConfiguration"]["Delete"] == "Restrict"
    assert texts(found["AssociatedMenuConfiguration"]["Label"]) == {1033: "Things", 1035: "Asiat"}
    body["ReferencedEntity"] = "contact"
    assert error_of(shop.send("PUT", address, body))[0] == 400


def test_deleting_a_relationship_takes_the_lookup_along(shop: Workshop) -> None:
    """DELETE RelationshipDefinitions(…): the Python SDK's delete_relationship."""
    made = shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    assert shop.dv.delete(f"RelationshipDefinitions({made})").status_code == 204
    assert not [name for name in shop.attributes(THING) if "partner" in name]
    assert shop.dv.get(f"RelationshipDefinitions({made})").status_code == 404


def test_deleting_a_lookup_takes_the_relationship_along(shop: Workshop) -> None:
    """The other way round [inferred]."""
    made = shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    address = f"EntityDefinitions(LogicalName='{THING}')/Attributes(LogicalName='{PREFIX}_partnerid')"
    assert shop.dv.delete(address).status_code == 204
    assert shop.dv.get(f"RelationshipDefinitions({made})").status_code == 404


def test_a_relationship_of_microsofts_cannot_be_deleted(dv: Dataverse) -> None:
    """CannotDeleteMetadata 0x8004F032."""
    response = dv.delete("RelationshipDefinitions(SchemaName='contact_customer_accounts')")
    assert error_of(response)[:2] == (400, "0x8004F032")


def test_many_to_many_rows_are_linked_and_unlinked(shop: Workshop) -> None:
    """Documented: N:N with an intersect table; rows by POST …/$ref and DELETE …/$ref."""
    body = {
        "@odata.type": f"{ODATA}ManyToManyRelationshipMetadata",
        "SchemaName": f"{PREFIX}_account_things",
        "IntersectEntityName": f"{PREFIX}_account_thing",
        "Entity1LogicalName": "account",
        "Entity2LogicalName": THING,
    }
    made = shop.made("RelationshipDefinitions", body)
    found = relationship(shop, f"{PREFIX}_account_things")
    assert (found["Entity1IntersectAttribute"], found["Entity2IntersectAttribute"]) == ("accountid", f"{THING}id")
    account = shop.dv.create("accounts", {"name": "one"})
    row = shop.dv.create(f"{THING}s", {f"{PREFIX}_name": "two"})
    nav = f"accounts({account})/{found['Entity1NavigationPropertyName']}"
    assert shop.dv.post(f"{nav}/$ref", {"@odata.id": f"{shop.dv.api}/{THING}s({row})"}).status_code == 204
    assert [each[f"{THING}id"] for each in shop.dv.rows(nav)] == [row]
    assert shop.dv.delete(f"{nav}({row})/$ref").status_code == 204
    assert shop.dv.rows(nav) == []
    assert shop.dv.delete(f"RelationshipDefinitions({made})").status_code == 204
    assert shop.dv.get(nav).status_code == 404


def test_a_customer_lookup_points_to_accounts_and_contacts(shop: Workshop) -> None:
    """Documented: CreateCustomerRelationships answers RelationshipIds and AttributeId."""
    sent = [
        {"SchemaName": f"{PREFIX}_thing_{target}", "ReferencedEntity": target, "ReferencingEntity": THING}
        for target in ("account", "contact")
    ]
    typed = column("Lookup", "CustomerId") | {"@odata.type": f"{ODATA}ComplexLookupAttributeMetadata"}
    response = shop.post("CreateCustomerRelationships", {"OneToManyRelationships": sent, "Lookup": typed})
    assert response.status_code == 200, response.text
    assert len(response.json()["RelationshipIds"]) == 2
    assert shop.attribute(THING, f"{PREFIX}_customerid")["MetadataId"] == response.json()["AttributeId"]
    contact = shop.dv.create("contacts", {"lastname": "Virtanen"})
    bind = {f"{PREFIX}_CustomerId_contact@odata.bind": f"/contacts({contact})"}
    row = shop.dv.create(f"{THING}s", bind)
    read = shop.dv.get(f"{THING}s({row})", Prefer='odata.include-annotations="*"').json()
    assert read[f"_{PREFIX}_customerid_value"] == contact
    assert read[f"_{PREFIX}_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"


def test_a_lookup_may_have_several_tables(shop: Workshop) -> None:
    """multitable-lookup.md: CreatePolymorphicLookupAttribute; EntityCanOnlyBeReferencedOnce… 0x80090424."""

    def sent(*targets: str) -> dict[str, Any]:
        typed = column("Lookup", "AboutId") | {"@odata.type": f"{ODATA}ComplexLookupAttributeMetadata"}
        each = [
            {"SchemaName": f"{PREFIX}_about_{n}", "ReferencedEntity": target, "ReferencingEntity": THING}
            for n, target in enumerate(targets)
        ]
        return {"OneToManyRelationships": each, "Lookup": typed}

    twice = shop.post("CreatePolymorphicLookupAttribute", sent("lead", "lead"))
    assert error_of(twice)[:2] == (400, "0x80090424")
    assert shop.post("CreatePolymorphicLookupAttribute", sent("lead", "quote", "account")).status_code == 200
    assert shop.attribute(THING, f"{PREFIX}_aboutid", "Lookup")["Targets"] == ["lead", "quote", "account"]
    account = shop.dv.create("accounts", {"name": "one"})
    shop.dv.create(f"{THING}s", {f"{PREFIX}_AboutId_account@odata.bind": f"/accounts({account})"})


def test_what_may_be_related(shop: Workshop) -> None:
    """The MetadataOperations sample asks CanBeReferenced, CanBeReferencing, CanManyToMany and lists the valid ones."""
    for action in ("CanBeReferenced", "CanBeReferencing", "CanManyToMany"):
        assert shop.dv.post(action, {"EntityName": THING}).json()[action] is True
    found = shop.dv.get(f"GetValidReferencedEntities(ReferencingEntityName='{THING}')").json()
    assert "account" in found["EntityNames"]
    assert THING in shop.dv.get("GetValidManyToMany()").json()["EntityNames"]


def test_a_hierarchy_is_a_relationship_with_itself(shop: Workshop) -> None:
    """Documented: IsHierarchical on a self-referential relationship."""
    shop.made("RelationshipDefinitions", lookup("ParentId", THING, THING, IsHierarchical=True))
    assert relationship(shop, f"{PREFIX}_{THING}_{THING}_ParentId")["IsHierarchical"] is True


def test_put_changes_the_menu_of_many_to_many(shop: Workshop) -> None:
    """Documented: PUT takes both kinds; an N:N relationship has a menu at each end."""
    body = {
        "@odata.type": f"{ODATA}ManyToManyRelationshipMetadata",
        "SchemaName": f"{PREFIX}_account_things",
        "Entity1LogicalName": "account",
        "Entity2LogicalName": THING,
    }
    made = shop.made("RelationshipDefinitions", body)
    found = relationship(shop, f"{PREFIX}_account_things")
    found["Entity1AssociatedMenuConfiguration"] |= {"Behavior": "UseLabel", "Label": label("Linked")}
    assert shop.send("PUT", f"RelationshipDefinitions({made})", found | {"IsValidForAdvancedFind": False}).ok
    after = relationship(shop, f"{PREFIX}_account_things")
    assert texts(after["Entity1AssociatedMenuConfiguration"]["Label"]) == {1033: "Linked"}
    assert after["IsValidForAdvancedFind"] is False


def test_a_table_is_linked_with_itself(shop: Workshop) -> None:
    """The intersect's two columns have different names [inferred: <id>one, <id>two]."""
    body = {
        "@odata.type": f"{ODATA}ManyToManyRelationshipMetadata",
        "SchemaName": f"{PREFIX}_thing_things",
        "IntersectEntityName": f"{PREFIX}_thing_thing",
        "Entity1LogicalName": THING,
        "Entity2LogicalName": THING,
    }
    shop.made("RelationshipDefinitions", body)
    found = relationship(shop, f"{PREFIX}_thing_things")
    assert found["Entity1IntersectAttribute"] != found["Entity2IntersectAttribute"]
    again = body | {"SchemaName": f"{PREFIX}_other"}
    assert error_of(shop.post("RelationshipDefinitions", again))[:2] == (400, "0x8004700b")


def test_one_target_of_several_can_go(shop: Workshop) -> None:
    """Deleting one relationship of a lookup with several leaves the lookup [inferred]."""
    typed = column("Lookup", "AboutId") | {"@odata.type": f"{ODATA}ComplexLookupAttributeMetadata"}
    sent = [
        {"SchemaName": f"{PREFIX}_about_{target}", "ReferencedEntity": target, "ReferencingEntity": THING}
        for target in ("lead", "account")
    ]
    body = {"OneToManyRelationships": sent, "Lookup": typed}
    made = shop.post("CreatePolymorphicLookupAttribute", body).json()["RelationshipIds"]
    assert shop.dv.delete(f"RelationshipDefinitions({made[0]})").status_code == 204
    assert shop.attribute(THING, f"{PREFIX}_aboutid", "Lookup")["Targets"] == ["account"]


@pytest.mark.parametrize(
    ("action", "targets"),
    [("CreateCustomerRelationships", ["account"]), ("CreatePolymorphicLookupAttribute", [])],
)
def test_a_bad_lookup_with_several_tables_is_refused(shop: Workshop, action: str, targets: list[str]) -> None:
    """A customer lookup has account and contact; no lookup has no target."""
    sent = [
        {"SchemaName": f"{PREFIX}_about_{target}", "ReferencedEntity": target, "ReferencingEntity": THING}
        for target in targets
    ]
    body = {"OneToManyRelationships": sent, "Lookup": column("Lookup", "AboutId")}
    assert error_of(shop.post(action, body))[0] == 400


def test_a_lookup_of_several_tables_cannot_point_to_its_own(shop: Workshop) -> None:
    """CannotCreateSelfReferentialPolymorphicLookup 0x80090423."""
    sent = [
        {"SchemaName": f"{PREFIX}_about_{target}", "ReferencedEntity": target, "ReferencingEntity": THING}
        for target in ("account", THING)
    ]
    body = {"OneToManyRelationships": sent, "Lookup": column("Lookup", "AboutId")}
    assert error_of(shop.post("CreatePolymorphicLookupAttribute", body))[:2] == (400, "0x80090423")


def test_a_relationship_needs_its_lookup_and_free_names(shop: Workshop) -> None:
    """The Lookup is deep-inserted; navigation properties are unique in a table."""
    body = lookup("PartnerId", "account", THING)
    assert error_of(shop.post("RelationshipDefinitions", body | {"Lookup": None}))[0] == 400
    shop.made("RelationshipDefinitions", body)
    taken = {"ReferencingEntityNavigationPropertyName": f"{PREFIX}_PartnerId"}
    second = lookup("OtherId", "account", THING, **taken)
    assert error_of(shop.post("RelationshipDefinitions", second))[:2] == (400, "0x80047003")
    text = column("String", "partnerid") | {"SchemaName": f"{PREFIX}_PartnerId"}
    response = shop.post(f"EntityDefinitions(LogicalName='{THING}')/Attributes", text)
    assert error_of(response)[:2] == (400, "0x80047013")


def test_a_relationship_of_the_system_cannot_be_deleted(shop: Workshop) -> None:
    """InvalidRelationshipType 0x8004700f: a custom table's createdby is not custom [which code is inferred]."""
    response = shop.dv.delete(f"RelationshipDefinitions(SchemaName='lk_{THING}_createdby')")
    assert error_of(response)[:2] == (400, "0x8004700f")
