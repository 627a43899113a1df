"""Columns ⇄ attribute definitions.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-column-definitions-using-web-api
(types and their properties), …/create-update-optionsets (choices). The bounds of numbers are the platform's own
(…/maker/data-platform/types-of-fields).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.definitions.columns import (
    BigInt,
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
from d365ext.deploy.codec.labels import from_label, to_label
from d365ext.deploy.environment import Languages, OtherColumn

_NAMESPACE = "Microsoft.Dynamics.CRM."
_REQUIRED = {"none": "None", "recommended": "Recommended", "required": "ApplicationRequired"}
_REQUIRED_BACK = {word: ours for ours, word in _REQUIRED.items()}

TYPES: Mapping[type[Any], str] = {
    Text: "String",
    Memo: "Memo",
    Integer: "Integer",
    BigInt: "BigInt",
    Decimal: "Decimal",
    Money: "Money",
    Date: "DateTime",
    Moment: "DateTime",
    YesNo: "Boolean",
    ChoiceColumn: "Picklist",
}
"""What the platform calls each kind of column; `<word>AttributeMetadata` is the type of its definition."""


def cast_of(column: Column) -> str:
    """Name the type that the definition of `column` must be read as."""
    return f"{TYPES[type(column)]}AttributeMetadata"


def to_column(name: str, column: Column, languages: Languages, *, choice_id: str = "") -> dict[str, Any]:
    """Write a new column. `choice_id` is the id of its global choice, if it has one."""
    word = TYPES[type(column)]
    definition = {
        "@odata.type": f"{_NAMESPACE}{word}AttributeMetadata",
        "AttributeType": word,
        "AttributeTypeName": {"Value": f"{word}Type"},
        "SchemaName": name,
        **to_common(column, languages),
        **_particular(column),
    }
    match column:
        case YesNo(yes=yes, no=no):
            definition["OptionSet"] = {
                "@odata.type": f"{_NAMESPACE}BooleanOptionSetMetadata",
                "OptionSetType": "Boolean",
                "TrueOption": {"Value": 1, "Label": to_label(yes, languages)},
                "FalseOption": {"Value": 0, "Label": to_label(no, languages)},
            }
        case ChoiceColumn(choice=str()):
            definition["GlobalOptionSet@odata.bind"] = f"/GlobalOptionSetDefinitions({choice_id})"
        case ChoiceColumn(options=options):
            definition["OptionSet"] = {
                "@odata.type": f"{_NAMESPACE}OptionSetMetadata",
                "IsGlobal": False,
                "OptionSetType": "Picklist",
                "Options": [to_option(option, languages) for option in options],
            }
    return definition


def changed_column(whole: Mapping[str, Any], column: Column, languages: Languages) -> dict[str, Any]:
    """Write the whole definition as it was read, with what we declare put in."""
    common = to_common(column, languages)
    common["RequiredLevel"] = {**whole.get("RequiredLevel", {}), **common["RequiredLevel"]}
    return {**whole, **common, **_particular(column)}


def to_common(column: Column, languages: Languages) -> dict[str, Any]:
    """Write what columns of all kinds have."""
    common: dict[str, Any] = {
        "DisplayName": to_label(column.label, languages),
        "RequiredLevel": {"Value": _REQUIRED[column.required]},
    }
    if column.description:
        common["Description"] = to_label(column.description, languages)
    return common


def _particular(column: Column) -> dict[str, Any]:
    """Write what columns of one kind have."""
    match column:
        case Text(max_length=length):
            return {"MaxLength": length, "FormatName": {"Value": "Text"}}
        case Memo(max_length=length):
            return {"MaxLength": length, "Format": "TextArea"}
        case Integer():
            return {"MinValue": -2_147_483_648, "MaxValue": 2_147_483_647, "Format": "None"}
        case Decimal(precision=precision):
            return {"MinValue": -100_000_000_000, "MaxValue": 100_000_000_000, "Precision": precision}
        case Money(precision=precision):
            bound = 922_337_203_685_477
            return {"MinValue": -bound, "MaxValue": bound, "Precision": precision, "PrecisionSource": 0}
        case Date():
            return {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}
        case Moment():
            return {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}}
        case YesNo(default=default):
            return {"DefaultValue": default}
        case _:
            return {}


def to_option(option: Option, languages: Languages) -> dict[str, Any]:
    """Write one option of a choice."""
    return {"Value": option.value, "Label": to_label(option.label, languages)}


def from_options(option_set: Mapping[str, Any] | None, languages: Languages) -> tuple[Option, ...]:
    """Read the options of a choice."""
    return tuple(
        Option.model_construct(value=each["Value"], label=from_label(each["Label"], languages))
        for each in (option_set or {}).get("Options") or ()
    )


def from_column(definition: Mapping[str, Any], languages: Languages) -> Column | OtherColumn:
    """Read a column from its definition, cast to its type; what we do not make comes as `OtherColumn`.

    What is there is taken as it is, even where a file of ours would be refused: hence `model_construct`.
    """
    required = _REQUIRED_BACK.get((definition.get("RequiredLevel") or {}).get("Value", "None"))
    common: dict[str, Any] = {
        "label": from_label(definition.get("DisplayName"), languages),
        "description": from_label(definition.get("Description"), languages),
        "required": required,
    }
    word = definition.get("AttributeType", "")
    if required is None:
        return OtherColumn(word)
    match word:
        case "String":
            return Text.model_construct(max_length=definition["MaxLength"], **common)
        case "Memo":
            return Memo.model_construct(max_length=definition["MaxLength"], **common)
        case "Integer":
            return Integer.model_construct(**common)
        case "BigInt":
            return BigInt.model_construct(**common)
        case "Decimal":
            return Decimal.model_construct(precision=definition["Precision"], **common)
        case "Money" if definition.get("PrecisionSource") == 0:
            return Money.model_construct(precision=definition["Precision"], **common)
        case "DateTime":
            return _from_datetime(definition, common)
        case "Boolean":
            return _from_boolean(definition, common, languages)
        case "Picklist":
            return _from_picklist(definition, common, languages)
    return OtherColumn(word)


def _from_datetime(definition: Mapping[str, Any], common: dict[str, Any]) -> Column | OtherColumn:
    behaviour = (definition.get("DateTimeBehavior") or {}).get("Value")
    match behaviour, definition.get("Format"):
        case "DateOnly", _:
            return Date.model_construct(**common)
        case "UserLocal", "DateAndTime":
            return Moment.model_construct(**common)
    return OtherColumn(f"DateTime ({behaviour})")


def _from_boolean(definition: Mapping[str, Any], common: dict[str, Any], languages: Languages) -> Column:
    options = definition.get("OptionSet") or {}
    return YesNo(
        yes=from_label((options.get("TrueOption") or {}).get("Label"), languages),
        no=from_label((options.get("FalseOption") or {}).get("Label"), languages),
        default=bool(definition.get("DefaultValue")),
        **common,
    )


def _from_picklist(definition: Mapping[str, Any], common: dict[str, Any], languages: Languages) -> Column | OtherColumn:
    shared = definition.get("GlobalOptionSet")
    if shared:
        return ChoiceColumn.model_construct(choice=shared["Name"], **common)
    options = from_options(definition.get("OptionSet"), languages)
    return (
        ChoiceColumn.model_construct(options=options, **common) if options else OtherColumn("Picklist without options")
    )
