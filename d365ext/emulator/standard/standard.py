"""Read the standard tables' data files into definition documents.

Owns the files' compact form; the facts in them have their sources in each file's "sources", and each line says in
"from" which of them speaks (docs2019, live2024, export2026, docs2026) and in "inferred" what none of them says.

Form of a file, absent members being the common case:
    columns     name (schema name; the logical name is its lower case), type, label, required (None),
                valid (letters c u r: create, update, read; "cur"), attributeOf, baseOf, maxLength, min, max, precision,
                precisionSource, format, behavior, default, targets, logical (part of a composite such as an address),
                options {value: label}, of a state {value: [label, default status]}, of a status {value: [label, state]}
    manyToOne   name, column, to, nav (on this table), collection (on the other), cascade (what is not NoCascade)
    manyToMany  name, intersect, table1, column1, nav1, table2, column2, nav2, columns {name: type} (its own more)
A plain organization: columns and relationships of Microsoft's add-on apps (msdyn_, adx_, msa_ …) were left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from d365ext.emulator.documents import documents
from d365ext.emulator.documents.documents import Document, Kind
from d365ext.emulator.standard.privileges import standard_privileges
from d365ext.emulator.store.schema import ColumnType

_FOLDER = Path(__file__).parent / "tables"


def standard_documents() -> Iterator[tuple[Kind, Document]]:
    """Give every definition of a plain organization as (kind, document): tables, columns, relationships."""
    files = [orjson.loads(path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))]
    primary_ids = {each["logicalName"]: each["primaryId"] for each in files}
    for each in files:
        yield "table", _table(each)
        for position, column in enumerate(each["columns"], start=1):
            yield "column", _column(each, column, position)
        for relationship in each["manyToOne"]:
            if relationship["to"] in primary_ids:
                yield "relationship", _many_to_one(each["logicalName"], relationship, primary_ids)
        for relationship in each["manyToMany"]:
            yield from _many_to_many(relationship)


def _table(file: Mapping[str, Any]) -> Document:
    return documents.table_document(
        file["logicalName"],
        file["schemaName"],
        EntitySetName=file["entitySetName"],
        CollectionSchemaName=file["collectionSchemaName"],
        LogicalCollectionName=file["entitySetName"],
        DisplayName=documents.label(file["displayName"]),
        DisplayCollectionName=documents.label(file["displayCollectionName"]),
        ObjectTypeCode=file["objectTypeCode"],
        OwnershipType=file["ownership"],
        PrimaryIdAttribute=file["primaryId"],
        PrimaryNameAttribute=file["primaryName"],
        IsActivity=file["isActivity"],
        ChangeTrackingEnabled=file.get("changeTracking", False),
        Privileges=standard_privileges(file["logicalName"], file["schemaName"], file["ownership"]),
        IsCustomizable=documents.managed(value=True, name="iscustomizable"),
        CanChangeTrackingBeEnabled=documents.managed(value=True, name="canchangetrackingbeenabled"),
    )


def _column(file: Mapping[str, Any], column: Mapping[str, Any], position: int) -> Document:
    column_type = ColumnType(column["type"])
    logical = column["name"].lower()
    valid = column.get("valid", "cur")
    required = column.get("required", "None")
    return documents.column_document(
        file["logicalName"],
        column["name"],
        column_type,
        ColumnNumber=position,
        DisplayName=documents.label(column.get("label")),
        RequiredLevel=documents.managed(required, "canmodifyrequirementlevelsettings"),
        AttributeOf=column.get("attributeOf"),
        IsLogical=column.get("logical", False),
        IsValidForCreate="c" in valid,
        IsValidForUpdate="u" in valid,
        IsValidForRead="r" in valid,
        IsPrimaryId=logical == file["primaryId"],
        IsPrimaryName=logical == file["primaryName"],
        **_typed(file["logicalName"], logical, column_type, column),
    )


def _typed(table: str, logical: str, column_type: ColumnType, column: Mapping[str, Any]) -> Document:
    """Give the members that depend on the column's type."""
    made: Document = {}
    for key, member in _LIMITS.items():
        if key in column:
            made[member] = column[key]
    match column_type:
        case ColumnType.STRING | ColumnType.MEMO:
            shape = column.get("format", "Text" if column_type is ColumnType.STRING else "TextArea")
            made |= {"Format": shape, "FormatName": {"Value": shape}}
        case ColumnType.DATETIME:
            made |= {"Format": column.get("format", "DateAndTime")}
            made |= {"DateTimeBehavior": {"Value": column.get("behavior", "UserLocal")}}
        case ColumnType.INTEGER:
            made |= {"Format": column.get("format", "None")}
        case ColumnType.MONEY:
            made |= {"CalculationOf": column.get("baseOf"), "IsBaseCurrency": "baseOf" in column}
        case ColumnType.LOOKUP | ColumnType.OWNER | ColumnType.CUSTOMER | ColumnType.PARTY_LIST:
            made |= {"Targets": column.get("targets", [])}
        case ColumnType.BOOLEAN:
            texts = {int(value): text for value, text in column.get("options", {}).items()}
            made |= {"DefaultValue": bool(column.get("default", False))}
            made |= {"OptionSet": documents.boolean_choice(f"{table}_{logical}", texts)}
        case ColumnType.PICKLIST | ColumnType.STATE | ColumnType.STATUS | ColumnType.MULTISELECT:
            made |= {"DefaultFormValue": column.get("default", -1), "OptionSet": _choice(table, logical, column)}
    return made


_LIMITS = {
    "maxLength": "MaxLength",
    "min": "MinValue",
    "max": "MaxValue",
    "precision": "Precision",
    "precisionSource": "PrecisionSource",
}


def _choice(table: str, logical: str, column: Mapping[str, Any]) -> Document:
    kind = column["type"] if column["type"] in ("State", "Status") else "Picklist"
    options = []
    for value, said in column.get("options", {}).items():
        if kind == "State":
            options.append(documents.option(int(value), said[0], DefaultStatus=said[1], InvariantName=said[0]))
        elif kind == "Status":
            options.append(documents.option(int(value), said[0], State=said[1]))
        else:
            options.append(documents.option(int(value), said))
    return documents.choice_document(f"{table}_{logical}", kind, options, is_global=False)


def _many_to_one(table: str, relationship: Mapping[str, Any], primary_ids: Mapping[str, str]) -> Document:
    return documents.one_to_many_document(
        relationship["name"],
        referenced=(relationship["to"], primary_ids[relationship["to"]]),
        referencing=(table, relationship["column"]),
        navs=(relationship["nav"], relationship.get("collection", "")),
        IsHierarchical=relationship.get("hierarchical", False),
        CascadeConfiguration=documents.cascade(relationship.get("cascade", {})),
    )


def _many_to_many(relationship: Mapping[str, Any]) -> Iterator[tuple[Kind, Document]]:
    """Give the relationship and its intersect table: own id, the two ids, a row version."""
    intersect = relationship["intersect"]
    one, two = (relationship["table1"], relationship["column1"]), (relationship["table2"], relationship["column2"])
    yield (
        "relationship",
        documents.many_to_many_document(
            relationship["name"], intersect, (*one, relationship["nav1"]), (*two, relationship["nav2"])
        ),
    )
    yield from documents.intersect_documents(intersect, (one[1], two[1]))
    for position, (name, kind) in enumerate(relationship.get("columns", {}).items(), start=5):
        yield "column", documents.column_document(intersect, name, ColumnType(kind), ColumnNumber=position)
