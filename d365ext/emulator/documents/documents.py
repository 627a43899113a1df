"""Definition documents in the Web API's form: tables, columns, relationships, choices, keys.

Owns which members a definition needs to mean anything; members that are not here have the defaults of
`definition_types.json`, filled in when a document is read. Two members are kept in a shorter form than the wire's: a
label has only `LocalizedLabels` (`UserLocalizedLabel` depends on the reader), and a column on a global choice has
`"GlobalOptionSet": {"Name": …}` and no `OptionSet`. Must not read the store.

Source of members: learn.microsoft.com/…/webapi/reference/entitymetadata, attributemetadata and its derived types,
onetomanyrelationshipmetadata, manytomanyrelationshipmetadata, optionsetmetadata, entitykeymetadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from d365ext.emulator.store.schema import ColumnType

Document: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["table", "column", "key", "relationship", "choice"]
LabelText: TypeAlias = "str | Mapping[int, str] | None"

BASE_LANGUAGE = 1033
CASCADES = ("Assign", "Delete", "Merge", "Reparent", "Share", "Unshare", "RollupView")
_ODATA = "#Microsoft.Dynamics.CRM."
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:d365ext:local-dataverse")


def fixed_id(*parts: str) -> str:
    """Give the id that the same parts always have: standard definitions are the same in every organization."""
    return str(uuid5(_NAMESPACE, "/".join(parts)))


def label(text: LabelText) -> Document:
    """Make a label from text in the base language, or from texts by language."""
    if text is None:
        return {"LocalizedLabels": []}
    texts = {BASE_LANGUAGE: text} if isinstance(text, str) else text
    return {"LocalizedLabels": [{"Label": each, "LanguageCode": code} for code, each in texts.items()]}


def label_texts(document: Mapping[str, Any] | None) -> dict[int, str]:
    """Give the texts of a label by language."""
    items = (document or {}).get("LocalizedLabels") or ()
    return {item["LanguageCode"]: item["Label"] for item in items}


def managed(value: object, name: str, *, can_be_changed: bool = True) -> Document:
    """Make a managed property."""
    return {"Value": value, "CanBeChanged": can_be_changed, "ManagedPropertyLogicalName": name}


def option(value: int, text: LabelText, **more: object) -> Document:
    """Make one option of a choice; State, DefaultStatus or InvariantName may be added."""
    return {"Value": value, "Label": label(text), "Description": label(None), **more}


def choice_document(name: str, kind: str, options: Iterable[Document], *, is_global: bool) -> Document:
    """Make an OptionSetMetadata; `kind` is Picklist, State or Status."""
    return {
        "@odata.type": f"{_ODATA}OptionSetMetadata",
        "MetadataId": fixed_id("choice", name),
        "Name": name,
        "IsCustomOptionSet": False,
        "IsGlobal": is_global,
        "IsManaged": True,
        "OptionSetType": kind,
        "Options": list(options),
    }


def boolean_choice(name: str, texts: Mapping[int, LabelText]) -> Document:
    """Make the BooleanOptionSetMetadata of a yes/no column; `texts` by 0 and 1."""
    made = choice_document(name, "Boolean", (), is_global=False)
    del made["Options"]
    return made | {
        "@odata.type": f"{_ODATA}BooleanOptionSetMetadata",
        "TrueOption": option(1, texts.get(1, "Yes")),
        "FalseOption": option(0, texts.get(0, "No")),
    }


def table_document(logical: str, schema: str, **more: object) -> Document:
    """Make an EntityMetadata without columns, keys and relationships; `more` adds members or replaces guesses."""
    return {
        "@odata.type": f"{_ODATA}EntityMetadata",
        "MetadataId": fixed_id("table", logical),
        "LogicalName": logical,
        "SchemaName": schema,
        "LogicalCollectionName": logical + "s",
        "CollectionSchemaName": schema + "s",
        "EntitySetName": logical + "s",
        "ReportViewName": f"Filtered{schema}",
        "PrimaryIdAttribute": logical + "id",
        "IsCustomEntity": False,
        "IsManaged": True,
        **more,
    }


_ATTRIBUTE_TYPE = {  # where the older AttributeType word differs from the AttributeTypeName
    ColumnType.MULTISELECT: "Virtual",
    ColumnType.IMAGE: "Virtual",
    ColumnType.FILE: "Virtual",
}

_METADATA_TYPE = {  # where the derived metadata type is not <Type>AttributeMetadata
    ColumnType.OWNER: "LookupAttributeMetadata",
    ColumnType.CUSTOMER: "LookupAttributeMetadata",
    ColumnType.PARTY_LIST: "LookupAttributeMetadata",
    ColumnType.UNIQUEIDENTIFIER: "UniqueIdentifierAttributeMetadata",
    ColumnType.VIRTUAL: "AttributeMetadata",
}


def column_document(table: str, schema: str, column_type: ColumnType, **more: object) -> Document:
    """Make an AttributeMetadata of the derived type that fits `column_type`; `more` adds members."""
    logical = schema.lower()
    return {
        "@odata.type": _ODATA + _METADATA_TYPE.get(column_type, f"{column_type}AttributeMetadata"),
        "MetadataId": fixed_id("column", table, logical),
        "AttributeType": _ATTRIBUTE_TYPE.get(column_type, str(column_type)),
        "AttributeTypeName": {"Value": f"{column_type}Type"},
        "EntityLogicalName": table,
        "LogicalName": logical,
        "SchemaName": schema,
        "IsCustomAttribute": False,
        "IsManaged": True,
        **more,
    }


def one_to_many_document(
    schema: str, *, referenced: tuple[str, str], referencing: tuple[str, str], navs: tuple[str, str], **more: object
) -> Document:
    """Make a OneToManyRelationshipMetadata.

    Shape: referenced and referencing are (table, column); navs are (on the referencing side, on the referenced side).
    """
    return {
        "@odata.type": f"{_ODATA}OneToManyRelationshipMetadata",
        "MetadataId": fixed_id("relationship", schema),
        "SchemaName": schema,
        "RelationshipType": "OneToManyRelationship",
        "IsCustomRelationship": False,
        "IsManaged": True,
        "ReferencedEntity": referenced[0],
        "ReferencedAttribute": referenced[1],
        "ReferencingEntity": referencing[0],
        "ReferencingAttribute": referencing[1],
        "IsHierarchical": False,
        "ReferencingEntityNavigationPropertyName": navs[0],
        "ReferencedEntityNavigationPropertyName": navs[1],
        "CascadeConfiguration": cascade({}),
        **more,
    }


def many_to_many_document(
    schema: str, intersect: str, one: tuple[str, str, str], two: tuple[str, str, str], **more: object
) -> Document:
    """Make a ManyToManyRelationshipMetadata; one and two are (table, column in the intersect, navigation property)."""
    return {
        "@odata.type": f"{_ODATA}ManyToManyRelationshipMetadata",
        "MetadataId": fixed_id("relationship", schema),
        "SchemaName": schema,
        "RelationshipType": "ManyToManyRelationship",
        "IsCustomRelationship": False,
        "IsManaged": True,
        "IntersectEntityName": intersect,
        "Entity1LogicalName": one[0],
        "Entity1IntersectAttribute": one[1],
        "Entity1NavigationPropertyName": one[2],
        "Entity2LogicalName": two[0],
        "Entity2IntersectAttribute": two[1],
        "Entity2NavigationPropertyName": two[2],
        **more,
    }


def cascade(rules: Mapping[str, str]) -> Document:
    """Make a CascadeConfiguration; what is not said is NoCascade."""
    return {name: rules.get(name, "NoCascade") for name in CASCADES}


def key_document(table: str, schema: str, columns: Sequence[str], **more: object) -> Document:
    """Make an EntityKeyMetadata."""
    return {
        "@odata.type": f"{_ODATA}EntityKeyMetadata",
        "MetadataId": fixed_id("key", table, schema.lower()),
        "EntityLogicalName": table,
        "LogicalName": schema.lower(),
        "SchemaName": schema,
        "KeyAttributes": list(columns),
        "EntityKeyIndexStatus": "Pending",
        **more,
    }


def intersect_documents(intersect: str, columns: tuple[str, str]) -> Iterator[tuple[Kind, Document]]:
    """Give the table of an N:N relationship and its columns as (kind, document).

    Inferred: the set is `<name>collection` where the name ends in s, else `<name>s`; the id drops that s.
    """
    own_id = intersect.removesuffix("s") + "id"
    entity_set = intersect + ("collection" if intersect.endswith("s") else "s")
    yield (
        "table",
        table_document(
            intersect,
            intersect,
            EntitySetName=entity_set,
            LogicalCollectionName=entity_set,
            PrimaryIdAttribute=own_id,
            OwnershipType="None",
            IsIntersect=True,
            IsOptimisticConcurrencyEnabled=False,
            IsValidForAdvancedFind=False,
        ),
    )
    for position, name in enumerate((own_id, *columns), start=1):
        valid = {"IsValidForCreate": False, "IsValidForUpdate": False, "IsPrimaryId": name == own_id}
        yield "column", column_document(intersect, name, ColumnType.UNIQUEIDENTIFIER, ColumnNumber=position, **valid)
    yield (
        "column",
        column_document(
            intersect,
            "VersionNumber",
            ColumnType.BIGINT,
            ColumnNumber=4,
            IsValidForCreate=False,
            IsValidForUpdate=False,
        ),
    )
