"""Column documents made of what a client sends: its type's members, checked and completed.

Owns which members a client may set, their limits, and the columns that come along: the name of a lookup or a choice,
the `_base` of money. Must not write.
Source: powerapps-docs …/webapi/create-update-column-definitions-using-web-api.md and …/create-update-optionsets.md;
limits: …/entity-attribute-metadata.md; codes: …/includes/data-service-error-codes.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from d365ext.emulator.documents.definition_types import NAMESPACE, DefinitionType, column_type, definition_type
from d365ext.emulator.documents.documents import Document, column_document
from d365ext.emulator.documents.labels import accepted, label, says_something, texts
from d365ext.emulator.documents.new_choices import boolean_of, choice_of_column
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType

_COMMON = (
    "RequiredLevel",
    "IsAuditEnabled",
    "IsGlobalFilterEnabled",
    "IsSortableEnabled",
    "IsCustomizable",
    "IsRenameable",
    "IsValidForAdvancedFind",
    "CanModifyAdditionalSettings",
    "IsSecured",
    "AutoNumberFormat",
    "ExternalName",
)
_OWN: Mapping[ColumnType, tuple[str, ...]] = {
    ColumnType.STRING: ("MaxLength", "FormatName", "Format", "ImeMode", "YomiOf"),
    ColumnType.MEMO: ("MaxLength", "FormatName", "Format", "ImeMode"),
    ColumnType.INTEGER: ("Format", "MinValue", "MaxValue"),
    ColumnType.BIGINT: (),
    ColumnType.DECIMAL: ("Precision", "MinValue", "MaxValue", "ImeMode"),
    ColumnType.DOUBLE: ("Precision", "MinValue", "MaxValue", "ImeMode"),
    ColumnType.MONEY: ("Precision", "PrecisionSource", "MinValue", "MaxValue", "ImeMode"),
    ColumnType.DATETIME: ("Format", "DateTimeBehavior", "CanChangeDateTimeBehavior", "ImeMode"),
    ColumnType.BOOLEAN: ("DefaultValue",),
    ColumnType.PICKLIST: ("DefaultFormValue",),
    ColumnType.MULTISELECT: ("DefaultFormValue",),
    ColumnType.STATE: (),
    ColumnType.STATUS: (),
    ColumnType.LOOKUP: (),
    ColumnType.OWNER: (),
    ColumnType.CUSTOMER: (),
}
_FORMATS = frozenset(
    "Email Text TextArea Url TickerSymbol PhoneticGuide VersionNumber Phone Json RichText".split()  # noqa: SIM905
)
_LIMITS: Mapping[tuple[ColumnType, str], tuple[int, int]] = {
    (ColumnType.STRING, "MaxLength"): (1, 4000),
    (ColumnType.MEMO, "MaxLength"): (1, 1_048_576),
    (ColumnType.INTEGER, "MinValue"): (-(2**31), 2**31 - 1),
    (ColumnType.INTEGER, "MaxValue"): (-(2**31), 2**31 - 1),
    (ColumnType.DECIMAL, "Precision"): (0, 10),
    (ColumnType.DECIMAL, "MinValue"): (-100_000_000_000, 100_000_000_000),
    (ColumnType.DECIMAL, "MaxValue"): (-100_000_000_000, 100_000_000_000),
    (ColumnType.DOUBLE, "Precision"): (0, 5),
    (ColumnType.DOUBLE, "MinValue"): (-100_000_000_000, 100_000_000_000),
    (ColumnType.DOUBLE, "MaxValue"): (-100_000_000_000, 100_000_000_000),
    (ColumnType.MONEY, "Precision"): (0, 4),
    (ColumnType.MONEY, "PrecisionSource"): (0, 2),
    (ColumnType.MONEY, "MinValue"): (-922_337_203_685_477, 922_337_203_685_477),
    (ColumnType.MONEY, "MaxValue"): (-922_337_203_685_477, 922_337_203_685_477),
}
_SUPPORTED = {
    definition_type(f"{each}AttributeMetadata"): each
    for each in (
        ColumnType.STRING,
        ColumnType.MEMO,
        ColumnType.INTEGER,
        ColumnType.BIGINT,
        ColumnType.DECIMAL,
        ColumnType.DOUBLE,
        ColumnType.MONEY,
        ColumnType.DATETIME,
        ColumnType.BOOLEAN,
        ColumnType.PICKLIST,
        ColumnType.MULTISELECT,
        ColumnType.LOOKUP,
    )
}


def new_id() -> str:
    """Make the id of a new definition."""
    return str(uuid.uuid4())


def sent_type(given: Mapping[str, Any]) -> DefinitionType:
    """Give the type that a sent column says it has; 400 where it says none.

    Source: …/webapi/create-update-column-definitions-using-web-api.md: every body carries its concrete @odata.type;
    the Complex… names are those of actions (CreateEntities, CreateCustomerRelationships).
    """
    name = str(given.get("@odata.type") or "").removeprefix("#").removeprefix(NAMESPACE).removeprefix("Complex")
    if not name.endswith("AttributeMetadata"):
        raise Problem.payload(
            "A column definition must carry its @odata.type, such as Microsoft.Dynamics.CRM.StringAttributeMetadata."
        )
    return definition_type(name)


def column_from(session: Session, table: str, schema: str, given: Mapping[str, Any], solution: str | None) -> Document:
    """Make the document of a new custom column."""
    kind = sent_type(given)
    column = _SUPPORTED.get(kind)
    if column is None:
        raise Problem.not_implemented(f"columns of the type {kind.name}")
    if given.get("SourceType") or given.get("FormulaDefinition"):
        raise Problem.not_implemented("calculated, rollup and formula columns")
    for name in given:
        known = name in kind.properties or name in kind.navigation or "@" in name
        if not known:
            raise Problem.undeclared_property(name, kind.name)
    if not says_something(given.get("DisplayName")):
        raise Problem(400, "0x8004700c", f"The specified display name is not valid: column {schema} has none.")
    document = kind.filled(
        column_document(
            table,
            schema,
            column,
            MetadataId=new_id(),
            IsCustomAttribute=True,
            IsManaged=False,
            CreatedOn=session.now_text,
            ModifiedOn=session.now_text,
            CanBeSecuredForCreate=True,
            CanBeSecuredForRead=True,
            CanBeSecuredForUpdate=True,
        )
    )
    if column is ColumnType.BOOLEAN:
        document["OptionSet"] = boolean_of(session, table, document["LogicalName"], given)
    if column in {ColumnType.PICKLIST, ColumnType.MULTISELECT}:
        document |= choice_of_column(session, table, document["LogicalName"], given, solution)
    return with_settings(session, document, column, given)


def with_settings(
    session: Session, document: Document, column: ColumnType, given: Mapping[str, Any], *, merge: bool = False
) -> Document:
    """Give the document with the members that a client may set, as sent; what it leaves out keeps its value here.

    `document` is therefore the defaults on create. Labels are merged or replaced.
    """
    changed = dict(document)
    for name in (*_COMMON, *_OWN.get(column, ())):
        if given.get(name) is not None:
            value = given[name]
            changed[name] = {**(document.get(name) or {}), **value} if isinstance(value, Mapping) else value
    for name in ("DisplayName", "Description"):
        changed[name] = accepted(session, given.get(name), document[name], merge=merge)
    _check(column, changed)
    return changed


def _check(column: ColumnType, document: Document) -> None:
    name = document["SchemaName"]
    for (kind, member), (least, most) in _LIMITS.items():
        value = document.get(member)
        if kind is column and (
            isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most
        ):
            code = "0x80090479" if member == "MaxLength" else "0x80044371"
            raise Problem(
                400,
                code,
                f"The provided {member} {value} of column {name} is out of range. Values must be between {least} and "
                f"{most}.",
            )
    ranged = {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.DOUBLE, ColumnType.MONEY}
    if column in ranged and document["MinValue"] > document["MaxValue"]:
        raise Problem(400, "0x80044371", f"The MinValue of column {name} is above its MaxValue.")
    if column is ColumnType.STRING:
        _check_format(document)
    if column is ColumnType.DATETIME:
        _check_behavior(document)


def _check_format(document: Document) -> None:
    """Check a text column's format, and derive what follows from it."""
    word = document["FormatName"].get("Value")
    if word not in _FORMATS:
        raise Problem(
            400,
            "0x80090485",
            f"Invalid string format {word} for column {document['SchemaName']}. Please use a correct format.",
        )
    document["Format"] = word if word not in {"Phone", "Json", "RichText"} else "Text"
    document["DatabaseLength"] = document["MaxLength"] * 2


def _check_behavior(document: Document) -> None:
    """Check that behaviour and format of a date go together.

    Source: powerapps-docs …/behavior-format-date-time-attribute.md: the behaviour DateOnly has only the format
    DateOnly. The code is inferred.
    """
    behavior = document["DateTimeBehavior"].get("Value")
    if behavior not in {"UserLocal", "DateOnly", "TimeZoneIndependent"} or document["Format"] not in {
        "DateOnly",
        "DateAndTime",
    }:
        raise Problem(400, "0x80044371", f"Column {document['SchemaName']} has an unknown DateTimeBehavior or Format.")
    if behavior == "DateOnly" and document["Format"] != "DateOnly":
        raise Problem(
            400,
            "0x80044371",
            f"Column {document['SchemaName']}: the DateOnly behavior needs the DateOnly format.",
        )


def shadows(document: Document, *, is_person: bool = False) -> list[Document]:
    """Make the read-only columns that stand beside a column: its name, and the `_base` of money.

    Source: MicrosoftDocs table reference (customerid → customeridname, customeridyominame; statuscode →
    statuscodename); money x → x_base: data-plane.md §10. That they appear with a new column is long-standing
    behaviour, not stated in the pages read [inferred].
    """
    table, schema, logical = document["EntityLogicalName"], document["SchemaName"], document["LogicalName"]
    beside: dict[str, Any] = {
        "MetadataId": new_id(),
        "IsManaged": False,
        "IsCustomAttribute": True,
        "AttributeOf": logical,
        "IsValidForCreate": False,
        "IsValidForUpdate": False,
        "IsLogical": True,
        "CreatedOn": document["CreatedOn"],
        "ModifiedOn": document["CreatedOn"],
    }
    match document["AttributeTypeName"]["Value"]:
        case "LookupType" | "CustomerType" | "OwnerType":
            names = [f"{schema}Name", *([f"{schema}YomiName"] if is_person else [])]
            return [
                column_document(table, name, ColumnType.STRING, **{**beside, "MetadataId": new_id()}) for name in names
            ]
        case "PicklistType" | "BooleanType" | "MultiSelectPicklistType" | "StateType" | "StatusType":
            return [column_document(table, f"{schema}Name", ColumnType.VIRTUAL, **beside)]
        case "MoneyType":
            return [base_column(document)]
    return []


def base_column(document: Document) -> Document:
    """Make the `_base` column of a money column."""
    named = {code: f"{text} (Base)" for code, text in texts(document["DisplayName"]).items()}
    return definition_type("MoneyAttributeMetadata").filled(
        column_document(
            document["EntityLogicalName"],
            f"{document['SchemaName']}_Base",
            ColumnType.MONEY,
            MetadataId=new_id(),
            IsCustomAttribute=True,
            IsManaged=False,
            IsValidForCreate=False,
            IsValidForUpdate=False,
            IsBaseCurrency=True,
            CalculationOf=document["LogicalName"],
            Precision=4,
            PrecisionSource=2,
            DisplayName=label(named),
            CreatedOn=document["CreatedOn"],
            ModifiedOn=document["CreatedOn"],
        )
    )


def same_type(document: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a change of a column's type.

    Source: metadata-plane.md §2.2: "Type cannot change after creation"; the code is inferred (InvalidOperation).
    """
    if sent_type(given) is not column_type(document):
        raise Problem(
            400,
            "0x8004023b",
            f"The type of column {document['LogicalName']} cannot be changed from {column_type(document).name} to "
            f"{sent_type(given).name}.",
        )
