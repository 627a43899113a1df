"""Alternate keys: what they may be made of, their index in the background, and uniqueness. verified: docs

Source of all cases unless they name another: powerapps-docs developer/data-platform/define-alternate-keys-entity.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import PREFIX, Workshop, label

THING = f"{PREFIX}_thing"
CODE = f"{PREFIX}_code"
KEYS = f"EntityDefinitions(LogicalName='{THING}')/Keys"


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in, and a table with a code."""
    made = Workshop(dv)
    made.table()
    made.column(THING, "String", "Code", MaxLength=20)
    return made


def key(*columns: str, name: str = "Key") -> dict[str, Any]:
    """An alternate key."""
    return {"SchemaName": f"{PREFIX}_{name}", "DisplayName": label(name), "KeyAttributes": list(columns)}


def status(shop: Workshop) -> str:
    """The state of the only key's index."""
    [found] = shop.dv.rows(f"{KEYS}?$select=LogicalName,EntityKeyIndexStatus")
    state: str = found["EntityKeyIndexStatus"]
    return state


def until_built(shop: Workshop) -> str:
    """Poll until the index is no longer being built."""
    for _ in range(60):
        found = status(shop)
        if found not in {"Pending", "InProgress"}:
            return found
    return found


def test_a_key_is_pending_before_it_is_active(shop: Workshop) -> None:
    """Documented: "EntityKeyIndexStatus" is Pending, then InProgress, then Active or Failed."""
    shop.made(KEYS, key(CODE))
    assert status(shop) in {"Pending", "InProgress"}
    assert until_built(shop) == "Active"


def test_rows_are_addressed_by_an_active_key(shop: Workshop) -> None:
    """use-alternate-key-reference-record.md: PATCH <set>(<column>='…') creates or updates."""
    shop.made(KEYS, key(CODE))
    assert until_built(shop) == "Active"
    address = f"{THING}s({CODE}='A1')"
    assert shop.dv.patch(address, {f"{PREFIX}_name": "first"}).status_code == 204
    assert shop.dv.patch(address, {f"{PREFIX}_name": "second"}).status_code == 204
    [row] = shop.dv.rows(f"{THING}s?$select={PREFIX}_name")
    assert row[f"{PREFIX}_name"] == "second"
    assert shop.dv.get(address).status_code == 200


def test_an_active_key_refuses_a_second_row(shop: Workshop) -> None:
    """DuplicateRecordEntityKey 0x80060892, 412 (data-plane.md §2.3)."""
    shop.made(KEYS, key(CODE))
    assert until_built(shop) == "Active"
    shop.dv.create(f"{THING}s", {CODE: "A1"})
    assert error_of(shop.dv.post(f"{THING}s", {CODE: "A1"}))[:2] == (412, "0x80060892")


def test_rows_without_a_value_are_exempt(shop: Workshop) -> None:
    """Field reports: a null in a key column exempts the row (data-plane.md §9)."""
    shop.made(KEYS, key(CODE))
    assert until_built(shop) == "Active"
    shop.dv.create(f"{THING}s", {f"{PREFIX}_name": "one"})
    shop.dv.create(f"{THING}s", {f"{PREFIX}_name": "two"})


def test_duplicates_make_a_key_fail_until_it_is_reactivated(shop: Workshop) -> None:
    """Documented: "If there are duplicates the creation fails"; ReactivateEntityKey runs the failed job again."""
    first = shop.dv.create(f"{THING}s", {CODE: "A1"})
    shop.dv.create(f"{THING}s", {CODE: "a1"})
    shop.made(KEYS, key(CODE))
    assert until_built(shop) == "Failed"
    names = {"EntityLogicalName": THING, "EntityKeyLogicalName": f"{PREFIX}_key"}
    assert shop.dv.delete(f"{THING}s({first})").status_code == 204
    assert shop.dv.post("ReactivateEntityKey", names).status_code == 204
    assert until_built(shop) == "Active"
    assert error_of(shop.dv.post("ReactivateEntityKey", names))[:2] == (400, "0x80060897")


def test_a_deleted_key_lets_duplicates_in(shop: Workshop) -> None:
    """DELETE …/Keys(…): the Python SDK's delete_alternate_key."""
    shop.made(KEYS, key(CODE))
    assert until_built(shop) == "Active"
    assert shop.dv.delete(f"{KEYS}(LogicalName='{PREFIX}_key')").status_code == 204
    shop.dv.create(f"{THING}s", {CODE: "A1"})
    shop.dv.create(f"{THING}s", {CODE: "A1"})
    assert shop.dv.rows(KEYS) == []


def test_keys_are_listed_with_their_table(shop: Workshop) -> None:
    """Documented: EntityDefinitions?$select=SchemaName&$expand=Keys($select=KeyAttributes)."""
    shop.made(KEYS, key(CODE))
    found = shop.dv.rows("EntityDefinitions?$select=SchemaName&$expand=Keys($select=KeyAttributes)")
    by_name = {each["SchemaName"]: each["Keys"] for each in found}
    assert by_name[f"{PREFIX}_Thing"][0]["KeyAttributes"] == [CODE]
    assert by_name["Account"] == []


def test_a_key_on_a_number_and_a_lookup(shop: Workshop) -> None:
    """Types: "Decimal, Whole Number, Single line of text, DateTime, Lookup, Option Set"."""
    number = shop.column(THING, "Integer", "Number")
    shop.made(KEYS, key(number))
    assert until_built(shop) == "Active"
    shop.dv.create(f"{THING}s", {number: 7})
    assert error_of(shop.dv.post(f"{THING}s", {number: 7}))[:2] == (412, "0x80060892")
    assert shop.dv.get(f"{THING}s({number}=7)").status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (key(CODE, name="KEY"), "0x80060893"),
        (key(CODE, name="Other"), "0x80060894"),
        (key(f"{PREFIX}_nothing", name="Other"), "0x8006088F"),
        (key(f"{PREFIX}_flag", name="Other"), "0x8006088F"),
        (key(f"{PREFIX}_long", name="Other"), "0x8006088F"),
        (key("createdon", name="Other"), "0x80090110"),
        (key(name="Other"), "0x8006088F"),
        (key(f"{PREFIX}_name", name="Other") | {"SchemaName": "nobody_key"}, "0x80044366"),
    ],
)
def test_a_bad_key_is_refused(shop: Workshop, body: dict[str, Any], code: str) -> None:
    """EntityKeyNameExists, EntityKeyWithSelectedAttributesExists, InvalidEntityKeyOperation, EntityKeyAttributeNot…

    "up to 900 bytes per key"; text takes two bytes a character [inferred].
    """
    shop.column(THING, "Boolean", "Flag")
    shop.column(THING, "String", "Long", MaxLength=451)
    shop.made(KEYS, key(CODE))
    assert error_of(shop.post(KEYS, body))[:2] == (400, code)


def test_a_table_has_at_most_ten_keys(shop: Workshop) -> None:
    """Documented: "The maximum number of alternate key definitions for a table is 10"."""
    for number in range(10):
        made = shop.column(THING, "Integer", f"N{number}")
        shop.made(KEYS, key(made, name=f"K{number}"))
    assert error_of(shop.post(KEYS, key(CODE)))[:2] == (400, "0x8006088F")


def test_a_column_of_a_key_cannot_be_deleted_or_secured(shop: Workshop) -> None:
    """CannotDeleteInUseComponent 0x8004F01F; CannotSecureEntityKeyAttribute 0x80060896."""
    shop.made(KEYS, key(CODE))
    address = f"EntityDefinitions(LogicalName='{THING}')/Attributes(LogicalName='{CODE}')"
    assert error_of(shop.dv.delete(address))[:2] == (400, "0x8004F01F")
    body = shop.attribute(THING, CODE, "String")
    body |= {"@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "IsSecured": True}
    assert error_of(shop.send("PUT", address, body))[:2] == (400, "0x80060896")


def test_components_of_solutions_have_no_keys(shop: Workshop) -> None:
    """EntityKeyNotSupportedForSolutionAwareComponents 0x8006089F."""
    response = shop.post("EntityDefinitions(LogicalName='savedquery')/Keys", key("name"))
    assert error_of(response)[:2] == (400, "0x8006089F")
