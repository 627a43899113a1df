"""Paths: segments, keys, parameters, casts, and what is refused."""

from __future__ import annotations

from uuid import UUID

import pytest

from d365ext.emulator.odata.ast import Alias, Argument, JsonObject, Literal, Segment
from d365ext.emulator.odata.parser import parse_path, parse_reference
from d365ext.emulator.problems import Problem

ID = UUID("01234567-89ab-cdef-0123-456789abcdef")


def names(raw: str) -> list[str]:
    return [segment.name for segment in parse_path(raw)]


def test_a_collection_has_one_segment_without_arguments() -> None:
    assert parse_path("accounts") == [Segment("accounts")]


def test_the_service_root_has_no_segment() -> None:
    assert parse_path("") == []
    assert parse_path("/") == []


def test_a_key_by_id_is_a_guid_quoted_or_not() -> None:
    assert parse_path(f"accounts({ID})")[0].key == Literal(ID)
    assert parse_path(f"accounts('{ID}')")[0].key == Literal(str(ID))


def test_an_alternate_key_gives_its_columns_by_name() -> None:
    (segment,) = parse_path("contacts(firstname='Joe',_parentcustomerid_value=" + str(ID) + ",age=7)")
    assert segment.key is None
    assert segment.named == {"firstname": Literal("Joe"), "_parentcustomerid_value": Literal(ID), "age": Literal(7)}


def test_a_quoted_slash_does_not_end_a_segment() -> None:
    """Keys are parsed before percent-decoding: accounts(name='a%2Fb''c')."""
    assert parse_path("accounts(name='a%2Fb''c')")[0].named == {"name": Literal("a/b'c")}
    assert parse_path("accounts(name='a/b')/primarycontactid")[0].named == {"name": Literal("a/b")}
    assert names("accounts(name=%27a/b%27)/$ref") == ["accounts", "$ref"]


def test_a_plus_in_a_path_is_a_plus() -> None:
    assert parse_path("accounts(name='a+b')")[0].named == {"name": Literal("a+b")}


def test_casts_and_bound_functions_are_qualified_segments() -> None:
    path = parse_path(
        "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    )
    assert [segment.is_qualified for segment in path] == [False, False, True]
    assert path[2].short_name == "PicklistAttributeMetadata"


def test_function_parameters_may_be_aliases_and_json() -> None:
    (one,) = parse_path("RetrieveTotalRecordCount(EntityNames=@p1)")
    assert one.arguments == (Argument("EntityNames", Alias("p1")),)
    (two,) = parse_path("F(Names=[%22a%22,%22b%22],Target=%7B%22@odata.id%22:%22accounts(1)%22%7D)")
    assert two.named == {
        "Names": Literal(("a", "b")),
        "Target": Literal(JsonObject('{"@odata.id":"accounts(1)"}')),
    }


def test_empty_parentheses_differ_from_none() -> None:
    assert parse_path("WhoAmI()") == [Segment("WhoAmI", ())]
    assert parse_path("WhoAmI") == [Segment("WhoAmI")]


@pytest.mark.parametrize("name", ["$batch", "$metadata", "$count", "$ref", "$value", "$1"])
def test_dollar_segments_are_segments(name: str) -> None:
    assert names(f"accounts/{name}") == ["accounts", name]


@pytest.mark.parametrize(
    "raw",
    ["accounts(", "accounts()x", "accounts(a=1,2)", "accounts(a=1,a=2)", "acc ounts", "accounts('a)", "(a)", "a(b=)"],
)
def test_nonsense_is_a_400_that_names_the_position(raw: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_path(raw)
    assert caught.value.status == 400
    assert "position" in caught.value.message


def test_a_segment_of_more_than_260_characters_is_an_invalid_url() -> None:
    """Source: powerapps-docs, webapi/use-web-api-functions.md, "Pass parameters to a function"."""
    fits, too_long = "a" * 260, "a" * 261
    assert names(fits) == [fits]
    with pytest.raises(Problem, match="Invalid URL"):
        parse_path(too_long)


def test_references_in_bodies_may_be_absolute_relative_or_rooted() -> None:
    expected = [Segment("accounts", (Argument(None, Literal(ID)),))]
    assert parse_reference(f"accounts({ID})") == expected
    assert parse_reference(f"/accounts({ID})") == expected
    assert parse_reference(f"http://localhost/api/data/v9.2/accounts({ID})") == expected
    assert parse_reference("$1") == [Segment("$1")]
