"""Queries of definitions: filters, casts, properties, what cannot be asked. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/webapi/query-metadata-web-api.md.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, Workshop, label

ACCOUNT = "EntityDefinitions(LogicalName='account')"


def names(dv: Dataverse, filter_: str) -> set[str]:
    """Logical names of the tables that a filter finds."""
    return {each["LogicalName"] for each in dv.rows(f"EntityDefinitions?$select=LogicalName&$filter={filter_}")}


def test_filters_are_joined_and_turned_around(dv: Dataverse) -> None:
    """OData 4.0 logical operators on primitive properties."""
    assert names(dv, "LogicalName eq 'account' or LogicalName eq 'contact'") == {"account", "contact"}
    assert names(dv, "ObjectTypeCode ge 1 and ObjectTypeCode lt 3") == {"account", "contact"}
    assert names(dv, "ObjectTypeCode gt 0 and ObjectTypeCode le 1") == {"account"}
    assert names(dv, "'account' eq LogicalName") == {"account"}
    assert names(dv, "LogicalName eq @p1&@p1='account'") == {"account"}
    assert "account" not in names(dv, "not (LogicalName eq 'account')")
    assert "account" not in names(dv, "LogicalName ne 'account'")
    assert names(dv, "IsActivity and LogicalName eq 'quoteclose'") == {"quoteclose"}
    assert names(dv, "3 gt ObjectTypeCode and ObjectTypeCode ne 0") == {"account", "contact"}


def test_tables_are_found_by_their_id(dv: Dataverse) -> None:
    """MetadataId is a Guid."""
    found = dv.get(f"{ACCOUNT}?$select=LogicalName").json()["MetadataId"]
    assert names(dv, f"MetadataId eq {found}") == {"account"}


@pytest.mark.parametrize(
    "filter_",
    [
        "Nothing eq 'x'",
        "CanCreateAttributes eq true",
        "CanCreateAttributes/Nothing eq true",
        "DisplayName/LocalizedLabels eq 'x'",
        "LogicalName eq @p2",
        "OwnershipType eq 1",
        "OwnershipType eq true",
        "OwnershipType eq 'Nobody'",
    ],
)
def test_what_a_filter_cannot_compare_is_refused(dv: Dataverse, filter_: str) -> None:
    """Documented: the path to the primitive value; not on labels; enumerations by their literal."""
    assert error_of(dv.get(f"EntityDefinitions?$filter={filter_}&@p1='account'"))[0] == 400


def test_enumerations_are_compared_with_their_literal_or_its_text(dv: Dataverse) -> None:
    """Documented: the literal. Field reports, and Microsoft's Python SDK (query.sql_columns): the text alone."""
    for filter_ in ("AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Owner'", "AttributeType eq 'Owner'"):
        columns = dv.rows(f"{ACCOUNT}/Attributes?$select=LogicalName&$filter={filter_}")
        assert [each["LogicalName"] for each in columns] == ["ownerid"]


def test_two_properties_are_not_compared(dv: Dataverse) -> None:
    """Not in the documentation: refused by name, never ignored."""
    assert error_of(dv.get("EntityDefinitions?$filter=LogicalName eq SchemaName"))[0] == 501


@pytest.mark.parametrize(
    ("query", "status"),
    [("$orderby=LogicalName", 400), ("$skip=1", 400), ("api-version=9", 501), ("LabelLanguages=en", 400)],
)
def test_other_query_options_are_refused(dv: Dataverse, query: str, status: int) -> None:
    """Never ignored; that definitions have no $orderby is inferred from their having no paging."""
    assert error_of(dv.get(f"EntityDefinitions?{query}"))[0] == status


def test_a_count_comes_along(dv: Dataverse) -> None:
    """OData 4.0: $count=true gives @odata.count [that definitions know it is inferred]."""
    found = dv.get("EntityDefinitions?$select=LogicalName&$count=true").json()
    assert found["@odata.count"] == len(found["value"])


def test_labels_of_one_language(dv: Dataverse) -> None:
    """LabelLanguages: the query option of the Web API for RetrieveMetadata's LabelQuery [shape inferred]."""
    shop = Workshop(dv)
    name = shop.table(DisplayName=label("Thing", _1035="Asia"))
    found = dv.get(f"EntityDefinitions(LogicalName='{name}')?$select=DisplayName&LabelLanguages=1035").json()
    assert [each["Label"] for each in found["DisplayName"]["LocalizedLabels"]] == ["Asia"]


def test_a_property_alone(dv: Dataverse) -> None:
    """OData 4.0: /Property answers {"value"}, a complex one its members, an empty one 204."""
    assert dv.get(f"{ACCOUNT}/EntitySetName").json()["value"] == "accounts"
    assert dv.get(f"{ACCOUNT}/CanCreateAttributes").json()["Value"] is True
    assert dv.get(f"{ACCOUNT}/ExternalName").status_code == 204
    assert dv.get(f"{ACCOUNT}/Attributes(LogicalName='name')/RequiredLevel").json()["Value"] == "ApplicationRequired"


@pytest.mark.parametrize(
    "path",
    [
        f"{ACCOUNT}/Nothing",
        f"{ACCOUNT}/Attributes/LogicalName",
        f"{ACCOUNT}/Attributes(LogicalName='name')/{ODATA}MoneyAttributeMetadata",
        f"{ACCOUNT}/LogicalName/Length",
        f"{ACCOUNT}/Attributes(LogicalName='name')/OptionSet",
        "RelationshipDefinitions(SchemaName='nothing')",
    ],
)
def test_a_path_that_leads_nowhere_is_404(dv: Dataverse, path: str) -> None:
    """OData 4.0; a cast to a type that the definition has not is a resource that is not there."""
    assert error_of(dv.get(path))[0] == 404


@pytest.mark.parametrize("key", ["SchemaName='Account'", "LogicalName='account',SchemaName='Account'"])
def test_a_table_has_no_other_key(dv: Dataverse, key: str) -> None:
    """retrieve-metadata-name-metadataid.md: LogicalName or MetadataId."""
    assert error_of(dv.get(f"EntityDefinitions({key})"))[0] == 400


def test_a_cast_may_be_followed_by_a_key(dv: Dataverse) -> None:
    """OData 4.0: …/Attributes/<type>(<key>)."""
    path = f"{ACCOUNT}/Attributes/{ODATA}StringAttributeMetadata(LogicalName='name')?$select=MaxLength"
    assert dv.get(path).json()["MaxLength"] == 160
    wrong = f"{ACCOUNT}/Attributes/{ODATA}MoneyAttributeMetadata(LogicalName='name')"
    assert error_of(dv.get(wrong))[0] == 404


def test_an_empty_navigation_is_204(dv: Dataverse) -> None:
    """OData 4.0 §11.2.6: a single-valued navigation property without a value answers 204."""
    path = f"{ACCOUNT}/Attributes(LogicalName='industrycode')/{ODATA}PicklistAttributeMetadata"
    assert dv.get(f"{path}/GlobalOptionSet").status_code == 204
    assert dv.get(f"{path}/OptionSet").json()["Name"] == "account_industrycode"


def test_expands_take_their_own_select_and_filter_only(dv: Dataverse) -> None:
    """The page's example has $select and $filter inside $expand; anything else is refused, never ignored."""
    found = dv.get(f"{ACCOUNT}?$select=LogicalName&$expand=Attributes($select=LogicalName;$filter=IsPrimaryId eq true)")
    assert [each["LogicalName"] for each in found.json()["Attributes"]] == ["accountid"]
    assert error_of(dv.get(f"{ACCOUNT}?$expand=Attributes($top=1)"))[0] == 400
    assert error_of(dv.get(f"{ACCOUNT}?$expand=Nothing"))[0] == 400
    assert error_of(dv.get(f"{ACCOUNT}?$expand=Attributes($select=MaxLength)"))[0] == 400


def test_a_single_definition_is_not_filtered(dv: Dataverse) -> None:
    """OData 4.0 §11.2.5.1: $filter applies to collections."""
    assert error_of(dv.get(f"{ACCOUNT}?$filter=LogicalName eq 'account'"))[0] == 400


def test_writes_go_to_definitions_only(dv: Dataverse) -> None:
    """POST creates in a set, PUT and DELETE take one definition: 405."""
    assert error_of(dv.post(ACCOUNT, {}))[0] == 405
    assert error_of(dv.put("EntityDefinitions", {}))[0] == 405
    assert error_of(dv.delete(f"{ACCOUNT}/DisplayName"))[0] == 405


def test_what_is_not_there_is_named(dv: Dataverse) -> None:
    """501 with the name of the thing (design.md)."""
    status, _, message = error_of(dv.get("ManagedPropertyDefinitions"))
    assert (status, "ManagedPropertyDefinitions" in message) == (501, True)
    status, _, message = error_of(dv.post(f"{ACCOUNT}/OneToManyRelationships", {}))
    assert status == 501


def test_the_model_is_xml_with_keys_and_relationships(dv: Dataverse) -> None:
    """web-api-types-operations.md: entity types over mscrm.crmbaseentity, keys, referential constraints."""
    response = dv.get("$metadata")
    assert response.headers["Content-Type"].startswith("application/xml")
    text = response.text
    assert (
        '<EntityType Name="account" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="accountid" /></Key>' in text
    )
    constraint = '<ReferentialConstraint Property="_primarycontactid_value" ReferencedProperty="contactid" />'
    assert constraint in text
    assert '<EntitySet Name="accounts" EntityType="mscrm.account">' in text
    assert "Org.OData.Capabilities.V1.ChangeTracking" not in text
    assert error_of(dv.post("$metadata"))[0] == 405
    assert error_of(dv.get("$metadata?lovely=true"))[0] == 501


def changes(dv: Dataverse, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Call RetrieveMetadataChanges and give the tables."""
    response = dv.get(f"RetrieveMetadataChanges(Query=@p1)?@p1={quote(json.dumps(query))}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["EntityMetadata"]
    return found


def equals(name: str, value: str, kind: str = "System.String") -> dict[str, Any]:
    """A condition as Microsoft's SDKs write it."""
    typed = {"Type": kind, "Value": value}
    return {"PropertyName": name, "ConditionOperator": "Equals", "Value": typed}


def test_columns_by_an_object_query(dv: Dataverse) -> None:
    """query-schema-definitions.md: criteria and properties for the table, and for its attributes."""
    [found] = changes(
        dv,
        {
            "Criteria": {"FilterOperator": "And", "Conditions": [equals("LogicalName", "account")]},
            "Properties": {"AllProperties": False, "PropertyNames": ["LogicalName", "Attributes"]},
            "AttributeQuery": {
                "Criteria": {
                    "FilterOperator": "Or",
                    "Conditions": [
                        equals("LogicalName", "name"),
                        {"PropertyName": "LogicalName", "ConditionOperator": "In", "Value": {"Value": ["revenue"]}},
                    ],
                },
                "Properties": {"AllProperties": False, "PropertyNames": ["LogicalName", "MaxLength"]},
            },
        },
    )
    assert found["LogicalName"] == "account"
    assert {(each["LogicalName"], each.get("MaxLength")) for each in found["Attributes"]} == {
        ("name", 160),
        ("revenue", None),
    }
    assert found["Attributes"][0]["@odata.type"] == f"#{ODATA}ComplexStringAttributeMetadata"


def test_conditions_compare_booleans_enumerations_and_numbers(dv: Dataverse) -> None:
    """MetadataConditionOperator: Equals, NotEquals, In, NotIn, GreaterThan, LessThan; filters nest."""
    criteria = {
        "FilterOperator": "And",
        "Conditions": [
            equals("IsActivity", "false", "System.Boolean"),
            equals("OwnershipType", "UserOwned"),
            {"PropertyName": "ObjectTypeCode", "ConditionOperator": "LessThan", "Value": {"Value": "5"}},
        ],
        "Filters": [
            {
                "FilterOperator": "Or",
                "Conditions": [
                    {"PropertyName": "LogicalName", "ConditionOperator": "NotEquals", "Value": {"Value": "lead"}}
                ],
            }
        ],
    }
    found = changes(dv, {"Criteria": criteria, "Properties": {"PropertyNames": ["LogicalName"]}})
    assert {each["LogicalName"] for each in found} == {"account", "contact", "opportunity"}


def test_all_properties_bring_choices_along(dv: Dataverse) -> None:
    """AllProperties on attributes shows their options, which no GET without $expand does."""
    query = {
        "Criteria": {"Conditions": [equals("LogicalName", "opportunity")]},
        "Properties": {"PropertyNames": ["Attributes", "Keys"]},
        "AttributeQuery": {
            "Criteria": {"Conditions": [equals("LogicalName", "statecode")]},
            "Properties": {"AllProperties": True},
        },
        "LabelQuery": {"FilterLanguages": [1033]},
    }
    [found] = changes(dv, query)
    assert [each["Value"] for each in found["Attributes"][0]["OptionSet"]["Options"]] == [0, 1, 2]
    assert found["Keys"] == []


def test_changes_since_a_stamp_are_refused_by_name(dv: Dataverse) -> None:
    """design.md: what is not implemented answers 501 with the name of the thing."""
    query = quote(json.dumps({"Properties": {"PropertyNames": ["LogicalName"]}}))
    response = dv.get(f"RetrieveMetadataChanges(Query=@p1,ClientVersionStamp=@p2)?@p1={query}&@p2='1'")
    status, _, message = error_of(response)
    assert (status, "ClientVersionStamp" in message) == (501, True)
    bad = quote(json.dumps({"Criteria": {"Conditions": [equals("Nothing", "x")]}}))
    assert error_of(dv.get(f"RetrieveMetadataChanges(Query=@p1)?@p1={bad}"))[0] == 400
