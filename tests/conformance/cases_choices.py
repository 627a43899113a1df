"""Global choices and the actions that change options. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/webapi/create-update-optionsets.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, OPTION_PREFIX, PREFIX, SOLUTION, Workshop, label, texts
from support.definitions import column as column_of


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in."""
    return Workshop(dv)


def options(shop: Workshop, name: str) -> dict[int, dict[int, str]]:
    """Labels of a global choice's options, in order."""
    found = shop.read(f"GlobalOptionSetDefinitions(Name='{name}')/{ODATA}OptionSetMetadata")
    return {each["Value"]: texts(each["Label"]) for each in found["Options"]}


def act(shop: Workshop, action: str, **body: Any) -> Any:
    """Call an action that must succeed."""
    response = shop.dv.post(action, {"SolutionUniqueName": SOLUTION, **body})
    assert response.ok, response.text
    return response.json() if response.content else None


def test_a_choice_is_read_by_name_and_by_id(shop: Workshop) -> None:
    """Documented: GlobalOptionSetDefinitions(<id>) and (Name='…')."""
    name = shop.choice(Red=727000000)
    by_name = shop.read(f"GlobalOptionSetDefinitions(Name='{name}')")
    by_id = shop.read(f"GlobalOptionSetDefinitions({by_name['MetadataId']})")
    assert by_name["Name"] == by_id["Name"] == name
    assert (by_name["IsGlobal"], by_name["OptionSetType"], by_name["IsCustomOptionSet"]) == (True, "Picklist", True)


def test_there_is_no_filter_on_global_choices(dv: Dataverse) -> None:
    """query-metadata-web-api.md: "this path does not support the use of the $filter system query option"."""
    assert error_of(dv.get("GlobalOptionSetDefinitions?$filter=Name eq 'x'"))[0] == 400


def test_options_without_a_value_take_the_publishers_next(shop: Workshop) -> None:
    """Documented: "When you define an option, it contains an option value prefix specific to … the publisher"."""
    name = shop.choice(Red=None, Blue=None)
    assert list(options(shop, name)) == [OPTION_PREFIX * 10000, OPTION_PREFIX * 10000 + 1]


def test_a_value_outside_the_publishers_range_is_allowed(shop: Workshop) -> None:
    """The page's own example uses values of another prefix than 10000 with the default publisher's action."""
    assert list(options(shop, shop.choice(One=1))) == [1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Name": "nobody_colours"}, "0x80044366"),
        ({"Name": f"{PREFIX}_COLOURS"}, "0x80044345"),
        ({"Options": [{"Value": 1, "Label": label("a")}, {"Value": 1, "Label": label("b")}]}, "0x80048403"),
    ],
)
def test_a_bad_choice_is_refused(shop: Workshop, change: dict[str, Any], code: str) -> None:
    """InvalidNamePrefix, InvalidOptionSetSchemaName; the code for a repeated value is inferred."""
    shop.choice("colours", Red=1)
    body = {
        "@odata.type": f"{ODATA}OptionSetMetadata",
        "Name": f"{PREFIX}_new",
        "DisplayName": label("New"),
        "Options": [],
    }
    assert error_of(shop.post("GlobalOptionSetDefinitions", body | change))[:2] == (400, code)


def test_an_option_is_inserted_and_its_value_given(shop: Workshop) -> None:
    """Documented: InsertOptionValue answers {"NewOptionValue": 727000005}."""
    name = shop.choice(Red=727000000)
    found = act(shop, "InsertOptionValue", OptionSetName=name, Value=727000005, Label=label("Echo", _1035="Kaiku"))
    assert found["NewOptionValue"] == 727000005
    assert options(shop, name)[727000005] == {1033: "Echo", 1035: "Kaiku"}
    again = shop.dv.post("InsertOptionValue", {"OptionSetName": name, "Value": 727000005, "Label": label("Two")})
    assert error_of(again)[0] == 400


def test_an_option_of_a_columns_own_choice(shop: Workshop) -> None:
    """Documented: a local choice is addressed by EntityLogicalName and AttributeLogicalName."""
    thing = shop.table()
    own = {"Options": [{"Value": 727000000, "Label": label("Bravo")}], "IsGlobal": False}
    column = shop.column(thing, "Picklist", "Own", OptionSet=own)
    place = {"EntityLogicalName": thing, "AttributeLogicalName": column}
    act(shop, "InsertOptionValue", **place, Value=727000001, Label=label("Delta"))
    row = shop.dv.create(f"{thing}s", {column: 727000001})
    assert shop.dv.get(f"{thing}s({row})?$select={column}").json()[column] == 727000001
    act(shop, "OrderOption", **place, Values=[727000001, 727000000])
    act(shop, "DeleteOptionValue", **place, Value=727000000)
    found = shop.attribute(thing, column, "Picklist", "?$select=LogicalName&$expand=OptionSet($select=Options)")
    assert [each["Value"] for each in found["OptionSet"]["Options"]] == [727000001]


@pytest.mark.parametrize(
    ("merge", "expected"), [(True, {1033: "Crimson", 1035: "Punainen"}), (False, {1033: "Crimson"})]
)
def test_an_options_labels_are_merged_or_replaced(shop: Workshop, merge: bool, expected: dict[int, str]) -> None:
    """Documented: UpdateOptionValue has MergeLabels."""
    name = shop.choice(Red=727000000)
    both = label("Red", _1035="Punainen")
    act(shop, "UpdateOptionValue", OptionSetName=name, Value=727000000, Label=both, MergeLabels=True)
    act(shop, "UpdateOptionValue", OptionSetName=name, Value=727000000, Label=label("Crimson"), MergeLabels=merge)
    assert options(shop, name) == {727000000: expected}


def test_a_yes_no_option_is_renamed(shop: Workshop) -> None:
    """Documented: "updates the TrueOption … so that it's Up rather than True"."""
    thing = shop.table()
    column = shop.column(thing, "Boolean", "Flag")
    act(shop, "UpdateOptionValue", EntityLogicalName=thing, AttributeLogicalName=column, Value=1, Label=label("Up"),
        MergeLabels=True)  # fmt: skip
    found = shop.attribute(thing, column, "Boolean", "?$select=LogicalName&$expand=OptionSet")
    assert texts(found["OptionSet"]["TrueOption"]["Label"]) == {1033: "Up"}


def test_ordering_needs_every_option(shop: Workshop) -> None:
    """ValueMissingInOptionOrderArray 0x80044325."""
    name = shop.choice(Red=1, Blue=2)
    response = shop.dv.post("OrderOption", {"OptionSetName": name, "Values": [2]})
    assert error_of(response)[:2] == (400, "0x80044325")


def test_a_status_reason_is_added_to_a_state(shop: Workshop) -> None:
    """Documented: InsertStatusValue with StateCode; the value takes the publisher's prefix."""
    thing = shop.table()
    found = act(shop, "InsertStatusValue", EntityLogicalName=thing, AttributeLogicalName="statuscode",
                Label=label("Frozen"), StateCode=1)  # fmt: skip
    value = found["NewOptionValue"]
    assert value == OPTION_PREFIX * 10000
    row = shop.dv.create(f"{thing}s", {f"{PREFIX}_name": "cold"})
    assert shop.dv.patch(f"{thing}s({row})", {"statecode": 1, "statuscode": value}).status_code == 204


def test_a_default_status_reason_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteDefaultStatusOption 0x80044341."""
    body = {"EntityLogicalName": shop.table(), "AttributeLogicalName": "statuscode", "Value": 1}
    assert error_of(shop.dv.post("DeleteOptionValue", body))[:2] == (400, "0x80044341")


def test_a_state_can_be_renamed(shop: Workshop) -> None:
    """UpdateStateValue (message table of the page)."""
    thing = shop.table()
    act(shop, "UpdateStateValue", EntityLogicalName=thing, AttributeLogicalName="statecode", Value=0,
        Label=label("Open"), MergeLabels=True)  # fmt: skip
    found = shop.attribute(thing, "statecode", "State", "?$select=LogicalName&$expand=OptionSet")
    assert texts(found["OptionSet"]["Options"][0]["Label"]) == {1033: "Open"}


def test_put_changes_names_but_never_options(shop: Workshop) -> None:
    """Documented: "Only those properties defined by the OptionSetMetadataBase can be updated"."""
    name = shop.choice(Red=727000000)
    body = shop.read(f"GlobalOptionSetDefinitions(Name='{name}')")
    body |= {"DisplayName": label("Colors"), "Options": []}
    assert shop.send("PUT", f"GlobalOptionSetDefinitions({body['MetadataId']})", body).status_code == 204
    assert texts(shop.read(f"GlobalOptionSetDefinitions(Name='{name}')")["DisplayName"]) == {1033: "Colors"}
    assert list(options(shop, name)) == [727000000]


def test_a_choice_in_use_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteInUseComponent 0x8004F01F; free again, it can."""
    name, thing = shop.choice(Red=727000000), shop.table()
    bind = f"/GlobalOptionSetDefinitions(Name='{name}')"
    column = shop.column(thing, "Picklist", "Colour", **{"GlobalOptionSet@odata.bind": bind})
    assert error_of(shop.dv.delete(f"GlobalOptionSetDefinitions(Name='{name}')"))[:2] == (400, "0x8004F01F")
    assert shop.dv.delete(f"EntityDefinitions(LogicalName='{thing}')/Attributes(LogicalName='{column}')").ok
    assert shop.dv.delete(f"GlobalOptionSetDefinitions(Name='{name}')").status_code == 204
    assert shop.dv.get(f"GlobalOptionSetDefinitions(Name='{name}')").status_code == 404


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("UpdateOptionValue", {"OptionSetName": f"{PREFIX}_colours", "Value": 9}, 400),
        ("DeleteOptionValue", {"OptionSetName": f"{PREFIX}_nothing", "Value": 1}, 404),
        ("InsertOptionValue", {"EntityLogicalName": "account", "AttributeLogicalName": "nothing"}, 404),
        ("InsertOptionValue", {"EntityLogicalName": "account", "AttributeLogicalName": "name"}, 400),
        ("InsertOptionValue", {"EntityLogicalName": "account", "AttributeLogicalName": "statuscode"}, 400),
        ("InsertOptionValue", {"OptionSetName": f"{PREFIX}_colours", "Value": "one"}, 400),
        ("InsertStatusValue", {"EntityLogicalName": "account", "StateCode": 7}, 400),
        ("InsertStatusValue", {"EntityLogicalName": "account", "StateCode": 0, "Value": 1}, 400),
    ],
)
def test_an_option_that_cannot_be_changed(shop: Workshop, action: str, body: dict[str, Any], status: int) -> None:
    """PicklistValueOutOfRange, ObjectDoesNotExist, CannotDeleteEnumOptions…, InvalidStateCodeStatusCode."""
    shop.choice(Red=1)
    assert error_of(shop.dv.post(action, {"Label": label("x"), **body}))[0] == status


def test_an_option_of_a_global_choice_by_its_column(shop: Workshop) -> None:
    """A column on a global choice leads to that choice [inferred]."""
    name, thing = shop.choice(Red=1), shop.table()
    bind = f"/GlobalOptionSetDefinitions(Name='{name}')"
    column = shop.column(thing, "Picklist", "Colour", **{"GlobalOptionSet@odata.bind": bind})
    act(shop, "InsertOptionValue", EntityLogicalName=thing, AttributeLogicalName=column, Value=2, Label=label("Blue"))
    assert list(options(shop, name)) == [1, 2]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"OptionSet": None}, 400),
        ({"OptionSet": {"IsGlobal": True, "Name": f"{PREFIX}_colours"}}, 400),
        ({"GlobalOptionSet@odata.bind": "/GlobalOptionSetDefinitions(Name='nothing')"}, 404),
        ({"GlobalOptionSet@odata.bind": "/accounts(1)"}, 400),
    ],
)
def test_a_choice_column_needs_a_choice(shop: Workshop, more: dict[str, Any], status: int) -> None:
    """OptionSet for its own options, GlobalOptionSet@odata.bind for a global choice that exists."""
    body = column_of("Picklist", "Colour", **more)
    assert error_of(shop.post("EntityDefinitions(LogicalName='account')/Attributes", body))[0] == status
