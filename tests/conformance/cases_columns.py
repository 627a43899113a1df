"""Column definitions: nine kinds, what comes along, limits, replacing, deleting. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/webapi/
create-update-column-definitions-using-web-api.md and query-metadata-web-api.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, PREFIX, Workshop, column, label, lookup, texts


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in."""
    return Workshop(dv)


@pytest.fixture
def thing(shop: Workshop) -> str:
    """A table to add columns to."""
    return shop.table()


LOCAL_CHOICE = {"Options": [{"Value": 727000000, "Label": label("Bravo")}], "IsGlobal": False}

KINDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("String", {"MaxLength": 40, "FormatName": {"Value": "Email"}}, {"MaxLength": 40, "AttributeType": "String"}),
    ("Memo", {"MaxLength": 500}, {"MaxLength": 500, "Format": "TextArea", "AttributeType": "Memo"}),
    ("Integer", {"MinValue": 0, "MaxValue": 100}, {"MinValue": 0, "MaxValue": 100, "Format": "None"}),
    ("BigInt", {}, {"AttributeType": "BigInt"}),
    ("Decimal", {"Precision": 3, "MinValue": 0, "MaxValue": 10}, {"Precision": 3, "MinValue": 0, "MaxValue": 10}),
    ("Money", {"PrecisionSource": 2}, {"PrecisionSource": 2, "IsBaseCurrency": False}),
    ("DateTime", {"Format": "DateOnly"}, {"Format": "DateOnly", "DateTimeBehavior": {"Value": "UserLocal"}}),
    ("Boolean", {"DefaultValue": True}, {"DefaultValue": True, "AttributeType": "Boolean"}),
    ("Picklist", {"OptionSet": LOCAL_CHOICE}, {"AttributeType": "Picklist"}),
    (
        "MultiSelectPicklist",
        {"OptionSet": LOCAL_CHOICE},
        {"AttributeType": "Virtual", "AttributeTypeName": {"Value": "MultiSelectPicklistType"}},
    ),
]


@pytest.mark.parametrize(("kind", "sent", "expected"), KINDS, ids=[kind for kind, _, _ in KINDS])
def test_a_column_reads_back_as_it_was_made(
    shop: Workshop, thing: str, kind: str, sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    """204 and OData-EntityId under the table; type-specific members are read by a cast."""
    response = shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", column(kind, "It", **sent))
    assert response.status_code == 204, response.text
    start = f"{shop.dv.api}/EntityDefinitions(LogicalName='{thing}')/Attributes("
    assert response.headers["OData-EntityId"].startswith(start)
    found = shop.attribute(thing, f"{PREFIX}_it", kind)
    assert {name: found[name] for name in expected} == expected
    assert found["IsCustomAttribute"] is True
    assert found["EntityLogicalName"] == thing


def test_columns_are_added_to_standard_tables_too(shop: Workshop) -> None:
    """metadata-plane.md §2.2: "Works the same on standard tables"."""
    name = shop.column("account", "String", "Extra", MaxLength=20)
    row = shop.dv.create("accounts", {"name": "conformance", name: "kept"})
    assert shop.dv.get(f"accounts({row})?$select={name}").json()[name] == "kept"


def test_a_money_column_brings_currency_rate_and_base(shop: Workshop, thing: str) -> None:
    """metadata-plane.md §2.2 [long-standing]: transactioncurrencyid, exchangerate and <column>_base."""
    before = set(shop.attributes(thing))
    name = shop.column(thing, "Money", "Value")
    found = shop.attributes(thing)
    assert {name, f"{name}_base", "transactioncurrencyid", "exchangerate"} <= set(found) - before
    assert found[f"{name}_base"]["IsValidForCreate"] is False
    base = shop.attribute(thing, f"{name}_base", "Money")
    assert (base["CalculationOf"], base["IsBaseCurrency"]) == (name, True)
    again = shop.column(thing, "Money", "Second")
    assert set(shop.attributes(thing)) - set(found) == {again, f"{again}_base"}


def test_a_choice_column_on_a_global_choice_shows_both_option_sets(shop: Workshop, thing: str) -> None:
    """create-update-optionsets.md: GlobalOptionSet@odata.bind; $expand=OptionSet,GlobalOptionSet by cast."""
    name = shop.choice("colours", Red=727000000, Blue=727000001)
    bind = f"/GlobalOptionSetDefinitions(Name='{name}')"
    made = shop.column(thing, "Picklist", "Colour", **{"GlobalOptionSet@odata.bind": bind})
    found = shop.attribute(thing, made, "Picklist", "?$select=LogicalName&$expand=OptionSet,GlobalOptionSet")
    assert found["GlobalOptionSet"]["Name"] == name
    assert [each["Value"] for each in found["OptionSet"]["Options"]] == [727000000, 727000001]
    local = shop.column(thing, "Picklist", "Own", OptionSet=LOCAL_CHOICE)
    found = shop.attribute(thing, local, "Picklist", "?$select=LogicalName&$expand=OptionSet,GlobalOptionSet")
    assert found["GlobalOptionSet"] is None
    assert found["OptionSet"]["IsGlobal"] is False


def test_only_the_options_of_a_column(shop: Workshop, thing: str) -> None:
    """Documented: …/PicklistAttributeMetadata/OptionSet?$select=Options answers Options and MetadataId."""
    name = shop.column(thing, "Picklist", "Own", OptionSet=LOCAL_CHOICE)
    path = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')/{ODATA}PicklistAttributeMetadata"
    found = shop.read(f"{path}/OptionSet?$select=Options")
    assert set(found) == {"@odata.context", "Options", "MetadataId"}
    assert texts(found["Options"][0]["Label"]) == {1033: "Bravo"}


def test_a_yes_no_column_needs_both_options(shop: Workshop, thing: str) -> None:
    """WrongNumberOfBooleanOptions 0x8004431B, "Boolean attributes must have exactly two option values"."""
    half = {"TrueOption": {"Value": 1, "Label": label("Up")}}
    body = column("Boolean", "Half", OptionSet=half)
    assert error_of(shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", body))[:2] == (400, "0x8004431B")


@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("String", {"MaxLength": 4001}, "0x80090479"),
        ("Memo", {"MaxLength": 1048577}, "0x80090479"),
        ("String", {"FormatName": {"Value": "Poem"}}, "0x80090485"),
        ("Decimal", {"Precision": 11}, "0x80044371"),
        ("Money", {"Precision": 5}, "0x80044371"),
        ("Integer", {"MinValue": 5, "MaxValue": 4}, "0x80044371"),
        ("DateTime", {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "DateOnly"}}, "0x80044371"),
        ("String", {"SchemaName": "nobody_It"}, "0x80044366"),
        ("String", {"DisplayName": label("")}, "0x8004700c"),
        ("Lookup", {}, "0x8004023b"),
    ],
)
def test_a_bad_column_is_refused(shop: Workshop, thing: str, kind: str, more: dict[str, Any], code: str) -> None:
    """AttributeMaxLengthOutOfRange, InvalidStringAttributeFormat, InvalidNamePrefix, InvalidDisplayName (code table).

    Lookups come by relationships (the page on columns has none). Codes of the other refusals are inferred.
    """
    body = column(kind, "It") | more
    assert error_of(shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", body))[:2] == (400, code)


def test_two_columns_cannot_share_a_name(shop: Workshop, thing: str) -> None:
    """DuplicateAttributeSchemaName 0x80047013, which Microsoft's image sample catches by that code."""
    shop.column(thing, "String", "It")
    response = shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", column("Integer", "it"))
    assert error_of(response)[:2] == (400, "0x80047013")


def test_a_column_needs_its_type(shop: Workshop, thing: str) -> None:
    """Every example carries @odata.type; without it the type cannot be known."""
    body = column("String", "It")
    del body["@odata.type"]
    assert error_of(shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", body))[0] == 400


def test_selecting_a_members_of_a_kind_needs_the_cast(dv: Dataverse) -> None:
    """Documented: "you must cast the Attributes collection-valued navigation property to the type you want"."""
    path = "EntityDefinitions(LogicalName='account')/Attributes"
    assert error_of(dv.get(f"{path}?$select=MaxLength"))[0] == 400
    found = dv.rows(f"{path}/{ODATA}StringAttributeMetadata?$select=LogicalName,MaxLength")
    assert {"LogicalName", "MaxLength", "MetadataId"} == set(found[0])


def test_columns_cannot_be_cast_to_the_common_type_of_choices(dv: Dataverse) -> None:
    """Documented: "you cannot cast the attributes to this type" (EnumAttributeMetadata)."""
    path = f"EntityDefinitions(LogicalName='account')/Attributes/{ODATA}EnumAttributeMetadata"
    assert error_of(dv.get(path))[0] == 404


def test_expanded_columns_have_the_common_members_only(dv: Dataverse) -> None:
    """Documented: "this will only include the common properties … which all attributes share"."""
    found = dv.get("EntityDefinitions(LogicalName='account')?$select=LogicalName&$expand=Attributes").json()
    name = next(each for each in found["Attributes"] if each["LogicalName"] == "name")
    assert "MaxLength" not in name
    assert name["@odata.type"] == f"#{ODATA}StringAttributeMetadata"


def test_a_single_column_says_its_type_even_with_select(dv: Dataverse) -> None:
    """conformance.md, what clients force the server to do, 9: Microsoft's Python SDK reads @odata.type so."""
    found = dv.get("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')?$select=LogicalName").json()
    assert found["@odata.type"] == f"#{ODATA}StringAttributeMetadata"


def test_required_columns_are_filtered_by_path_and_enumeration(dv: Dataverse) -> None:
    """Documented: $filter=RequiredLevel/Value eq …AttributeRequiredLevel'ApplicationRequired'."""
    query = f"$select=LogicalName&$filter=RequiredLevel/Value eq {ODATA}AttributeRequiredLevel'SystemRequired'"
    found = dv.rows(f"EntityDefinitions(LogicalName='account')/Attributes?{query}")
    names = {each["LogicalName"] for each in found}
    assert "accountid" in names
    assert "telephone1" not in names


def test_states_and_status_reasons_know_each_other(dv: Dataverse) -> None:
    """StateOptionMetadata has DefaultStatus, StatusOptionMetadata has State (type reference)."""
    path = "EntityDefinitions(LogicalName='opportunity')/Attributes(LogicalName='{}')/" + ODATA
    states = dv.get(path.format("statecode") + "StateAttributeMetadata?$expand=OptionSet").json()
    reasons = dv.get(path.format("statuscode") + "StatusAttributeMetadata?$expand=OptionSet").json()
    assert {each["Value"]: each["DefaultStatus"] for each in states["OptionSet"]["Options"]} == {0: 1, 1: 3, 2: 4}
    assert {each["Value"]: each["State"] for each in reasons["OptionSet"]["Options"]}[4] == 2


def test_put_replaces_a_column(shop: Workshop, thing: str) -> None:
    """Documented: GET by cast, change, PUT with @odata.type; 204 with OData-EntityId as addressed."""
    name = shop.column(thing, "String", "It", MaxLength=10, DisplayName=label("It", _1035="Se"))
    body = shop.attribute(thing, name, "String")
    body |= {"@odata.type": f"{ODATA}StringAttributeMetadata", "MaxLength": 20, "DisplayName": label("That")}
    body["RequiredLevel"]["Value"] = "ApplicationRequired"
    address = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')"
    response = shop.send("PUT", address, body, MSCRM__MergeLabels="true")
    assert response.status_code == 204, response.text
    assert response.headers["OData-EntityId"] == f"{shop.dv.api}/{address}"
    found = shop.attribute(thing, name, "String")
    assert (found["MaxLength"], found["RequiredLevel"]["Value"]) == (20, "ApplicationRequired")
    assert texts(found["DisplayName"]) == {1033: "That", 1035: "Se"}


def test_a_column_is_replaced_at_an_address_with_its_cast_too(shop: Workshop, thing: str) -> None:
    """OData 4.0 part 2 §4.11: a cast to the type it has may end an address. npm dynamics-web-api 2.5.0 sends it so."""
    name = shop.column(thing, "String", "It", MaxLength=10)
    address = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')/{ODATA}"
    body = shop.attribute(thing, name, "String") | {"MaxLength": 20}
    assert shop.send("PUT", f"{address}StringAttributeMetadata", body, MSCRM__MergeLabels="true").status_code == 204
    assert shop.attribute(thing, name, "String")["MaxLength"] == 20
    assert error_of(shop.send("PUT", f"{address}MemoAttributeMetadata", body))[0] == 404


def test_application_required_is_not_enforced_by_the_server(shop: Workshop, thing: str) -> None:
    """design.md: "It does not enforce what the platform does not (ApplicationRequired …)"."""
    required = {"Value": "ApplicationRequired"}
    shop.column(thing, "String", "Needed", RequiredLevel=required)
    assert shop.dv.post(f"{thing}s", {f"{PREFIX}_name": "without"}).status_code == 204


def test_the_type_of_a_column_cannot_change(shop: Workshop, thing: str) -> None:
    """metadata-plane.md §2.2: "Type cannot change after creation (delete + recreate)"."""
    name = shop.column(thing, "String", "It")
    body = shop.attribute(thing, name, "String") | {"@odata.type": f"{ODATA}MemoAttributeMetadata"}
    address = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')"
    assert error_of(shop.send("PUT", address, body))[0] == 400


def test_options_are_not_changed_by_put(shop: Workshop, thing: str) -> None:
    """Documented: "If you want to update the options, you must send a different request"."""
    name = shop.column(thing, "Picklist", "Own", OptionSet=LOCAL_CHOICE)
    body = shop.attribute(thing, name, "Picklist", "?$expand=OptionSet")
    body |= {"@odata.type": f"{ODATA}PicklistAttributeMetadata"}
    body["OptionSet"]["Options"] = []
    address = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')"
    assert shop.send("PUT", address, body).status_code == 204
    found = shop.attribute(thing, name, "Picklist", "?$expand=OptionSet")
    assert len(found["OptionSet"]["Options"]) == 1


def test_the_date_behaviour_changes_once(shop: Workshop, thing: str) -> None:
    """behavior-format-date-time-attribute.md: from UserLocal, while CanChangeDateTimeBehavior says so."""
    name = shop.column(thing, "DateTime", "On", Format="DateOnly")
    address = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')"
    kind = {"@odata.type": f"{ODATA}DateTimeAttributeMetadata"}
    body = shop.attribute(thing, name, "DateTime") | kind | {"DateTimeBehavior": {"Value": "DateOnly"}}
    assert shop.send("PUT", address, body, MSCRM__MergeLabels="true").status_code == 204
    body |= {"DateTimeBehavior": {"Value": "UserLocal"}}
    assert error_of(shop.send("PUT", address, body, MSCRM__MergeLabels="true"))[0] == 400


def test_deleting_a_column_takes_its_companions_along(shop: Workshop, thing: str) -> None:
    """DELETE …/Attributes(…): the Python SDK's remove_columns; companions going along is inferred."""
    name = shop.column(thing, "Money", "Value")
    assert shop.send("DELETE", f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')").ok
    found = shop.attributes(thing)
    assert name not in found
    assert f"{name}_base" not in found
    assert "transactioncurrencyid" in found


@pytest.mark.parametrize(
    ("name", "code"),
    [(f"{PREFIX}_name", "0x80047002"), (f"{PREFIX}_value_base", "0x80048cfe"), ("createdon", "0x80047009")],
)
def test_some_columns_cannot_be_deleted(shop: Workshop, thing: str, name: str, code: str) -> None:
    """CannotDeletePrimaryUIAttribute, CannotDeleteBaseMoneyCalculationAttribute, AttributeIsNotCustomAttribute."""
    shop.column(thing, "Money", "Value")
    response = shop.dv.delete(f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')")
    assert error_of(response)[:2] == (400, code)


def test_a_column_of_microsofts_cannot_be_deleted(dv: Dataverse) -> None:
    """CannotDeleteMetadata 0x8004F032."""
    response = dv.delete("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='revenue')")
    assert error_of(response)[:2] == (400, "0x8004F032")


def test_putting_back_what_was_read_changes_nothing(shop: Workshop, thing: str) -> None:
    """Documented: "you will retrieve the JSON definition … and modify the properties before you send it back"."""
    for kind, more, _ in KINDS:
        shop.column(thing, kind, kind, **more)
    names = {each["LogicalName"]: each["@odata.type"] for each in _typed(shop, thing)}
    for name, kind in names.items():
        before = shop.attribute(thing, name, kind.removeprefix(f"#{ODATA}").removesuffix("AttributeMetadata"))
        address = f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')"
        response = shop.send("PUT", address, before | {"@odata.type": kind}, MSCRM__MergeLabels="true")
        assert response.status_code == 204, (name, response.text)
        after = shop.attribute(thing, name, kind.removeprefix(f"#{ODATA}").removesuffix("AttributeMetadata"))
        assert _plain(after) == _plain(before)


def _typed(shop: Workshop, table_name: str) -> list[dict[str, Any]]:
    path = f"EntityDefinitions(LogicalName='{table_name}')/Attributes?$select=LogicalName,AttributeOf"
    return [each for each in shop.dv.rows(path) if each["AttributeOf"] is None]


def _plain(found: Any) -> Any:
    """A definition without what every write makes anew: the ids of labels and the time."""
    if isinstance(found, dict):
        gone = {"ModifiedOn", "@odata.context"} | ({"MetadataId"} if "LanguageCode" in found else set())
        return {key: _plain(value) for key, value in found.items() if key not in gone}
    return [_plain(each) for each in found] if isinstance(found, list) else found


def test_a_secured_column_is_opened_by_a_profile(shop: Workshop, thing: str) -> None:
    """column-level-security.md: IsSecured by PUT, fieldsecurityprofiles, fieldpermissions (4 allowed, 0 not);
    AttributeNotSecured 0x8004F508."""
    name = shop.column(thing, "String", "Secret")
    profile = shop.made("fieldsecurityprofiles", {"name": "Insiders"})
    permission = {
        "fieldsecurityprofileid@odata.bind": f"/fieldsecurityprofiles({profile})",
        "entityname": thing,
        "attributelogicalname": name,
        "canread": 4,
        "cancreate": 0,
        "canupdate": 0,
    }
    assert error_of(shop.post("fieldpermissions", permission))[:2] == (400, "0x8004F508")
    body = shop.attribute(thing, name, "String") | {"@odata.type": f"{ODATA}StringAttributeMetadata", "IsSecured": True}
    assert shop.send("PUT", f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{name}')", body).ok
    made = shop.made("fieldpermissions", permission)
    assert shop.dv.get(f"fieldpermissions({made})").json()["canread"] == 4


@pytest.mark.local
@pytest.mark.parametrize(("kind", "more"), [("Image", {}), ("File", {}), ("Decimal", {"SourceType": 2})])
def test_kinds_that_are_not_played_are_refused_by_name(
    shop: Workshop, thing: str, kind: str, more: dict[str, Any]
) -> None:
    """design.md: images, files, rollups and formulas answer 501."""
    body = column(kind, "It", **more)
    assert error_of(shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", body))[0] == 501


def test_a_column_cannot_be_called_like_a_navigation_property(shop: Workshop, thing: str) -> None:
    """AttributeNameConflictWithNavigationPropertyName 0x80048834."""
    taken = {"ReferencingEntityNavigationPropertyName": f"{PREFIX}_taken"}
    shop.made("RelationshipDefinitions", lookup("OtherId", "account", thing, **taken))
    response = shop.post(f"EntityDefinitions(LogicalName='{thing}')/Attributes", column("String", "taken"))
    assert error_of(response)[:2] == (400, "0x80048834")
