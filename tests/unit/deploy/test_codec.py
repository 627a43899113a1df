"""Definitions become the Web API's JSON and come back as what they were."""

from __future__ import annotations

from typing import Any

import pytest

from d365ext.definitions.columns import (
    BigInt,
    Choice,
    ChoiceColumn,
    Column,
    Date,
    Decimal,
    Integer,
    Memo,
    Moment,
    Money,
    Option,
    Text,
    YesNo,
)
from d365ext.definitions.tables import Cascade, Key, OwnTable, Relationship, Table
from d365ext.deploy.codec.columns import changed_column, from_column, to_column
from d365ext.deploy.codec.labels import from_label, localized, to_label
from d365ext.deploy.codec.relationships import changed_relationship, from_relationship, to_relationship
from d365ext.deploy.codec.tables import (
    changed_choice,
    changed_table,
    from_choice,
    from_key,
    from_table,
    to_choice,
    to_key,
    to_table,
)
from d365ext.deploy.environment import Languages, OtherColumn

CODES = {"en": 1033, "fi": 1035, "sv": 1053}
ALL = Languages(CODES, frozenset(CODES), base=1033)
TEXTS = {"en": "Share", "fi": "Osuus", "sv": "Andel"}
MORE = {"en": "More", "fi": "Enemmän", "sv": "Mer"}
OPTIONS = (Option(value=737860000, label=TEXTS), Option(value=737860001, label=MORE))

COLUMNS: list[Column] = [
    Text(max_length=100, label=TEXTS, description=MORE, required="required"),
    Memo(max_length=2000, label=TEXTS),
    Integer(label=TEXTS, required="recommended"),
    BigInt(label=TEXTS),
    Decimal(precision=2, label=TEXTS),
    Money(precision=2, label=TEXTS, description=MORE),
    Date(label=TEXTS),
    Moment(label=TEXTS),
    YesNo(yes=TEXTS, no=MORE, default=True, label=TEXTS),
    ChoiceColumn(options=OPTIONS, label=TEXTS),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.type)
def test_a_column_comes_back_as_it_went(column: Column) -> None:
    assert from_column(to_column("pch_x", column, ALL), ALL) == column


def test_a_column_of_a_global_choice_names_it_by_id() -> None:
    column = ChoiceColumn(choice="pch_kind", label=TEXTS)
    made = to_column("pch_x", column, ALL, choice_id="0f0f")
    assert made["GlobalOptionSet@odata.bind"] == "/GlobalOptionSetDefinitions(0f0f)"
    assert "OptionSet" not in made
    assert from_column({**made, "GlobalOptionSet": {"Name": "pch_kind"}}, ALL) == column


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({"AttributeType": "Virtual"}, "Virtual"),
        ({"AttributeType": "Money", "PrecisionSource": 2, "Precision": 2}, "Money"),
        ({"AttributeType": "Picklist"}, "Picklist without options"),
        ({"AttributeType": "Integer", "RequiredLevel": {"Value": "SystemRequired"}}, "Integer"),
        (
            {"AttributeType": "DateTime", "Format": "DateOnly", "DateTimeBehavior": {"Value": "UserLocal"}},
            "DateTime (UserLocal)",
        ),
    ],
)
def test_what_we_would_not_make_is_told_by_its_type(definition: dict[str, Any], told: str) -> None:
    assert from_column(definition, ALL) == OtherColumn(told)


def test_a_change_keeps_what_we_do_not_speak_of() -> None:
    whole = {
        "MetadataId": "1",
        "MaxLength": 50,
        "RequiredLevel": {"Value": "None", "CanBeChanged": True},
        "IsSecured": True,
    }
    made = changed_column(whole, Text(max_length=100, label=TEXTS, required="required"), ALL)
    assert (made["MetadataId"], made["MaxLength"], made["IsSecured"]) == ("1", 100, True)
    assert made["RequiredLevel"] == {"Value": "ApplicationRequired", "CanBeChanged": True}


def a_table(**more: Any) -> OwnTable:
    columns = {"pch_x": Integer(label=TEXTS), "pch_name": Text(max_length=100, label=TEXTS)}
    fields = {"name": "pch_t", "label": TEXTS, "plural": MORE, "ownership": "organization", "primary_name": "pch_name"}
    return OwnTable(**{**fields, "columns": columns, **more})


@pytest.mark.parametrize("ownership", ["organization", "user"])
def test_a_table_comes_back_as_it_went_without_its_columns(ownership: str) -> None:
    table = a_table(ownership=ownership, description=TEXTS, auditing=True, change_tracking=True)
    made = to_table(table, ALL)
    given = {**made, "LogicalName": "pch_t", "PrimaryNameAttribute": "pch_name"}
    assert from_table(given, ALL, is_ours=True) == table.model_copy(update={"columns": {}})


def test_the_primary_name_is_the_first_column_of_a_new_table() -> None:
    made = to_table(a_table(), ALL)
    assert [(each["SchemaName"], each["IsPrimaryName"]) for each in made["Attributes"]] == [
        ("pch_name", True),
        ("pch_x", False),
    ]


def test_a_standard_table_is_only_asked_for_its_change_tracking() -> None:
    found = from_table({"LogicalName": "account", "ChangeTrackingEnabled": True}, ALL, is_ours=False)
    assert found == Table(name="account", change_tracking=True)


def test_a_table_keeps_tracking_changes_whoever_turned_it_on() -> None:
    made = changed_table({"ChangeTrackingEnabled": True, "IsAuditEnabled": {"CanBeChanged": True}}, a_table(), ALL)
    assert made["ChangeTrackingEnabled"] is True
    assert made["IsAuditEnabled"] == {"CanBeChanged": True, "Value": False}


def test_a_key_comes_back_as_it_went() -> None:
    key = Key(label=TEXTS, columns=("pch_a", "pch_b"))
    assert from_key(to_key("pch_k", key, ALL), ALL) == key


def test_a_choice_comes_back_as_it_went() -> None:
    choice = Choice(name="pch_kind", label=TEXTS, description=MORE, options=OPTIONS)
    assert from_choice(to_choice(choice, ALL), ALL) == choice
    assert changed_choice({"Name": "pch_kind", "Options": []}, choice, ALL)["Options"] == []


def a_lookup(**more: Any) -> Relationship:
    fields: dict[str, Any] = {"name": "pch_r", "lookup": "pch_aid", "table": "pch_t", "to": "account", "label": TEXTS}
    cascade = Cascade(delete="Restrict", merge="Cascade", assign="UserOwned")
    return Relationship(**{**fields, "cascade": cascade, **more})


@pytest.mark.parametrize("related", [MORE, None])
def test_a_relationship_comes_back_as_it_went(related: dict[str, str] | None) -> None:
    relationship = a_lookup(related=related, description=MORE)
    made = to_relationship(relationship, ALL, primary_id="accountid")
    given = {**made, "ReferencingAttribute": "pch_aid"}
    assert from_relationship(given, made["Lookup"], ALL) == relationship


def test_a_changed_relationship_keeps_its_rollup_view() -> None:
    whole = {"CascadeConfiguration": {"RollupView": "Cascade", "Delete": "Cascade"}, "MetadataId": "1"}
    made = changed_relationship(whole, a_lookup(), ALL)
    assert made["CascadeConfiguration"]["RollupView"] == "Cascade"
    assert made["CascadeConfiguration"]["Delete"] == "Restrict"
    assert made["MetadataId"] == "1"


# ---------------------------------------------------------------- labels


def codes(labels: list[dict[str, Any]]) -> dict[int, str]:
    return {each["LanguageCode"]: each["Label"] for each in labels}


def test_only_languages_that_are_there_are_sent() -> None:
    finnish = Languages(CODES, frozenset({"fi"}), base=1035)
    assert codes(localized(TEXTS, finnish)) == {1035: "Osuus"}


def test_a_base_language_that_is_none_of_ours_gets_our_first() -> None:
    german = Languages(CODES, frozenset({"sv"}), base=1031)
    assert codes(localized(TEXTS, german)) == {1031: "Share", 1053: "Andel"}


def test_without_texts_there_are_no_labels() -> None:
    assert localized({}, ALL) == []
    assert from_label(None, ALL) == {}


def test_languages_of_others_are_not_read() -> None:
    label = to_label(TEXTS, ALL)
    label["LocalizedLabels"].append({"Label": "Anteil", "LanguageCode": 1031})
    assert from_label(label, ALL) == TEXTS
