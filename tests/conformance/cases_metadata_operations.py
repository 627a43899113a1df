"""Microsoft's MetadataOperations sample from its beginning to its end, in our own words. verified: docs

Source: microsoft/PowerApps-Samples dataverse/webapi/CSharp-NETx/MetadataOperations/Program.cs (its sections 0 to 10);
conformance.md §3 lists what it does. Its section 11 (export, delete, import of the solution) is left out: solution
files are refused by name.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, OPTION_PREFIX, PREFIX, SOLUTION, Workshop, column, label, lookup, table, texts

BANK = f"{PREFIX}_bankaccount"
ADDRESS = f"EntityDefinitions(LogicalName='{BANK}')"
STRONG = {"Consistency": "Strong"}
FIRST = OPTION_PREFIX * 10000


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """Section 0: a publisher and a solution."""
    return Workshop(dv)


def test_the_whole_sample(shop: Workshop) -> None:
    """Sections 1 to 10, one after the other, as a person following the sample would."""
    _make_the_table(shop)
    _make_the_columns(shop)
    _change_options(shop)
    _use_a_global_choice(shop)
    _relate(shop)
    _take_it_away(shop)


def _make_the_table(shop: Workshop) -> None:
    """Section 1: create, read, change and put back a table."""
    body = table("BankAccount", OwnershipType="UserOwned", Description=label("A table to keep bank accounts."))
    shop.made("EntityDefinitions", body)
    found = shop.definition(BANK)
    found |= {"HasActivities": True, "Description": label("Contains information about bank accounts")}
    response = shop.send("PUT", ADDRESS, found, MSCRM__MergeLabels="true", **STRONG)
    assert response.status_code == 204
    again = shop.definition(BANK)
    assert again["HasActivities"] is True
    assert texts(again["Description"]) == {1033: "Contains information about bank accounts"}


def _make_the_columns(shop: Workshop) -> None:
    """Section 2: columns of nine kinds; a yes/no column is read, renamed and put back."""
    options = [{"Value": FIRST + n, "Label": label(text)} for n, text in enumerate(("Bravo", "Delta", "Alpha"))]
    own = {
        "@odata.type": f"{ODATA}OptionSetMetadata",
        "Options": options,
        "IsGlobal": False,
        "OptionSetType": "Picklist",
    }
    yes_no = {
        "TrueOption": {"Value": 1, "Label": label("True")},
        "FalseOption": {"Value": 0, "Label": label("False")},
        "OptionSetType": "Boolean",
    }
    for kind, more in (
        ("Boolean", {"OptionSet": yes_no, "DefaultValue": False}),
        ("DateTime", {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}),
        ("Decimal", {"MaxValue": 100, "MinValue": 0, "Precision": 1}),
        ("Integer", {"MaxValue": 100, "MinValue": 0, "Format": "None"}),
        ("Memo", {"Format": "TextArea", "ImeMode": "Disabled", "MaxLength": 500}),
        ("Money", {"MaxValue": 1000.0, "MinValue": 0.0, "Precision": 1, "PrecisionSource": 1, "ImeMode": "Disabled"}),
        ("Picklist", {"OptionSet": own, "SourceTypeMask": 0}),
        ("MultiSelectPicklist", {"OptionSet": own, "SourceTypeMask": 0}),
        ("BigInt", {}),
    ):
        shop.column(BANK, kind, kind, **more)
    name = f"{PREFIX}_boolean"
    found = shop.attribute(BANK, name, "Boolean")
    found |= {"@odata.type": f"{ODATA}BooleanAttributeMetadata", "DisplayName": label("Sample Boolean Updated")}
    found["RequiredLevel"]["Value"] = "ApplicationRequired"
    assert shop.send("PUT", f"{ADDRESS}/Attributes(LogicalName='{name}')", found, MSCRM__MergeLabels="true").ok
    assert texts(shop.attribute(BANK, name)["DisplayName"]) == {1033: "Sample Boolean Updated"}
    place = {"EntityLogicalName": BANK, "AttributeLogicalName": name, "SolutionUniqueName": SOLUTION}
    for value, text in ((1, "Up"), (0, "Down")):
        body = place | {"Value": value, "Label": label(text), "MergeLabels": True}
        assert shop.dv.post("UpdateOptionValue", body).ok
    read = shop.attribute(BANK, name, "Boolean", "?$select=LogicalName&$expand=OptionSet")["OptionSet"]
    assert texts(read["TrueOption"]["Label"]) == {1033: "Up"}
    assert texts(read["FalseOption"]["Label"]) == {1033: "Down"}


def _own_options(shop: Workshop) -> list[str]:
    query = "?$select=LogicalName&$expand=OptionSet($select=Options)"
    found = shop.attribute(BANK, f"{PREFIX}_picklist", "Picklist", query)
    return [texts(each["Label"])[1033] for each in found["OptionSet"]["Options"]]


def _change_options(shop: Workshop) -> None:
    """Section 2, later: add, order and delete options; add a status reason."""
    place: dict[str, Any] = {"EntityLogicalName": BANK, "SolutionUniqueName": SOLUTION}
    picklist = place | {"AttributeLogicalName": f"{PREFIX}_picklist"}
    for n, text in ((3, "Echo"), (4, "Charlie")):
        made = shop.dv.post("InsertOptionValue", picklist | {"Value": FIRST + n, "Label": label(text)})
        assert made.json()["NewOptionValue"] == FIRST + n
    assert _own_options(shop) == ["Bravo", "Delta", "Alpha", "Echo", "Charlie"]
    order = [FIRST + n for n in (2, 0, 4, 1, 3)]
    assert shop.dv.post("OrderOption", picklist | {"Values": order}).status_code == 204
    assert _own_options(shop) == ["Alpha", "Bravo", "Charlie", "Delta", "Echo"]
    assert shop.dv.post("DeleteOptionValue", picklist | {"Value": FIRST + 3}).status_code == 204
    assert _own_options(shop) == ["Alpha", "Bravo", "Charlie", "Delta"]
    status = place | {"AttributeLogicalName": "statuscode", "Label": label("Frozen"), "StateCode": 1}
    assert shop.dv.post("InsertStatusValue", status).json()["NewOptionValue"] == FIRST


def _use_a_global_choice(shop: Workshop) -> None:
    """Section 3: a global choice, and a column that uses it."""
    name = shop.choice("Colors", Red=FIRST, Yellow=FIRST + 1, Green=FIRST + 2)
    found = shop.read(f"GlobalOptionSetDefinitions(Name='{name}')/{ODATA}OptionSetMetadata?$select=Options")
    bind = f"/GlobalOptionSetDefinitions({found['MetadataId']})"
    shop.column(BANK, "Picklist", "Colors", **{"GlobalOptionSet@odata.bind": bind})
    row = shop.dv.create(f"{BANK}s", {f"{PREFIX}_name": "first", f"{PREFIX}_colors": FIRST + 1})
    read = shop.dv.get(f"{BANK}s({row})", Prefer='odata.include-annotations="*"').json()
    assert read[f"{PREFIX}_colors@OData.Community.Display.V1.FormattedValue"] == "Yellow"
    assert read[f"{PREFIX}_boolean@OData.Community.Display.V1.FormattedValue"] == "Down"


def _relate(shop: Workshop) -> None:
    """Sections 4 to 8: a customer lookup, eligibility, 1:N, N:1 and N:N."""
    typed = column("Lookup", "CustomerId") | {"@odata.type": f"{ODATA}ComplexLookupAttributeMetadata"}
    sent = [
        {"SchemaName": f"{BANK}_customer_{target}", "ReferencedEntity": target, "ReferencingEntity": BANK}
        for target in ("account", "contact")
    ]
    made = shop.post("CreateCustomerRelationships", {"OneToManyRelationships": sent, "Lookup": typed})
    assert len(made.json()["RelationshipIds"]) == 2
    assert shop.attribute(BANK, f"{PREFIX}_customerid", "Lookup")["Targets"] == ["account", "contact"]
    assert shop.dv.post("CanBeReferenced", {"EntityName": BANK}).json()["CanBeReferenced"] is True
    assert shop.dv.post("CanBeReferencing", {"EntityName": "contact"}).json()["CanBeReferencing"] is True
    cascade = {"Delete": "RemoveLink", "Merge": "Cascade"}
    for relationship in (
        lookup("BankAccountId", BANK, "contact", CascadeConfiguration=cascade),
        lookup("RelatedAccountId", "account", BANK, CascadeConfiguration=cascade | {"Merge": "NoCascade"}),
    ):
        made_id = shop.made("RelationshipDefinitions", relationship)
        read = shop.read(f"RelationshipDefinitions({made_id})/{ODATA}OneToManyRelationshipMetadata")
        assert read["CascadeConfiguration"]["Delete"] == "RemoveLink"
    assert shop.dv.post("CanManyToMany", {"EntityName": "contact"}).json()["CanManyToMany"] is True
    many = {
        "@odata.type": f"{ODATA}ManyToManyRelationshipMetadata",
        "SchemaName": f"{PREFIX}_{BANK}s_contacts",
        "IntersectEntityName": f"{PREFIX}_{BANK}s_contacts",
        "Entity1LogicalName": BANK,
        "Entity1AssociatedMenuConfiguration": {"Behavior": "UseLabel", "Label": label("Bank Accounts"), "Order": 10000},
        "Entity2LogicalName": "contact",
        "Entity2AssociatedMenuConfiguration": {"Behavior": "UseLabel", "Label": label("Contacts"), "Order": 10000},
    }
    shop.made("RelationshipDefinitions", many)
    found = shop.dv.rows(f"{ADDRESS}/ManyToManyRelationships?$select=SchemaName")
    assert [each["SchemaName"] for each in found] == [many["SchemaName"]]


def _take_it_away(shop: Workshop) -> None:
    """Section 10: delete everything, in an order that works."""
    in_use = shop.dv.delete(f"GlobalOptionSetDefinitions(Name='{PREFIX}_Colors')")
    assert error_of(in_use)[0] == 400
    bank = f"RelationshipDefinitions(SchemaName='{PREFIX}_{BANK}_contact_BankAccountId')"
    for address in (bank, ADDRESS, f"GlobalOptionSetDefinitions(Name='{PREFIX}_Colors')"):
        response = shop.dv.delete(address)
        assert response.status_code == 204, response.text
    assert shop.dv.get(ADDRESS).status_code == 404
    assert not [name for name in shop.attributes("contact") if name.startswith(PREFIX)]
