"""From definition documents to `Schema`: what a table, a column or a relationship means for rows.

Owns the reading of documents into schema objects, whole or for the tables that changed. Must not read the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from d365ext.emulator.documents.documents import label_texts
from d365ext.emulator.store.schema import CHOICE_TYPES, Column, ColumnType, Key, ManyToMany, Option, Relationship, Table

Document = Mapping[str, Any]
AnyRelationship = Relationship | ManyToMany


@dataclass(frozen=True)
class TableDocuments:
    """All documents that one table is made of."""

    table: Document
    columns: Iterable[Document]
    keys: Iterable[Document]


def build_table(found: TableDocuments, choices: Mapping[str, Document], old: Table | None = None) -> Table:
    """Make a table without its relationships; columns of `old` whose documents are the same are taken over."""
    document = found.table
    known = {} if old is None else old.columns
    columns = [_column(each, known.get(each["LogicalName"]), choices) for each in found.columns]
    keys = [build_key(each) for each in found.keys]
    return Table(
        logical=document["LogicalName"],
        schema=document["SchemaName"],
        entity_set=document.get("EntitySetName") or "",
        object_type_code=document.get("ObjectTypeCode") or 0,
        primary_id=document["PrimaryIdAttribute"],
        primary_name=document.get("PrimaryNameAttribute"),
        ownership=document.get("OwnershipType") or "None",
        change_tracking=bool(document.get("ChangeTrackingEnabled", False)),
        optimistic_concurrency=bool(document.get("IsOptimisticConcurrencyEnabled", True)),
        columns={each.logical: each for each in sorted(columns, key=lambda each: each.logical)},
        keys={each.logical: each for each in keys},
        definition=document,
        is_intersect=bool(document.get("IsIntersect", False)),
        is_activity=bool(document.get("IsActivity", False)),
    )


def _column(document: Document, known: Column | None, choices: Mapping[str, Document]) -> Column:
    # A global choice may have changed without the column's document having done so.
    if known is not None and known.definition == document and not document.get("GlobalOptionSet"):
        return known
    return build_column(document, choices)


def build_column(document: Document, choices: Mapping[str, Document]) -> Column:
    """Make a column; `choices` are the global ones by name."""
    column_type = _column_type(document)
    behavior = document.get("DateTimeBehavior") or {}
    return Column(
        logical=document["LogicalName"],
        schema=document["SchemaName"],
        type=column_type,
        definition=document,
        targets=tuple(document.get("Targets") or ()),
        options=_options(document, column_type, choices),
        max_length=document.get("MaxLength"),
        min=_limit(document.get("MinValue")),
        max=_limit(document.get("MaxValue")),
        precision=document.get("Precision"),
        precision_source=document.get("PrecisionSource"),
        date_behavior=behavior.get("Value", "UserLocal") if column_type is ColumnType.DATETIME else None,
        date_format=document.get("Format") if column_type is ColumnType.DATETIME else None,
        attribute_of=document.get("AttributeOf"),
        valid_for_create=bool(document.get("IsValidForCreate", True)),
        valid_for_update=bool(document.get("IsValidForUpdate", True)),
        valid_for_read=bool(document.get("IsValidForRead", True)),
        base_of=document.get("CalculationOf") if document.get("IsBaseCurrency") else None,
        default=_default(document, column_type),
        required=(document.get("RequiredLevel") or {}).get("Value", "None"),
    )


def _column_type(document: Document) -> ColumnType:
    name = (document.get("AttributeTypeName") or {}).get("Value") or document["AttributeType"]
    return ColumnType(name.removesuffix("Type"))


def _limit(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _default(document: Document, column_type: ColumnType) -> int | bool | None:
    if column_type is ColumnType.BOOLEAN:
        return bool(document.get("DefaultValue", False))
    value = document.get("DefaultFormValue")
    if column_type in CHOICE_TYPES and value is not None and value != -1:
        return int(value)
    return None


def _options(document: Document, column_type: ColumnType, choices: Mapping[str, Document]) -> dict[int, Option]:
    choice = document.get("OptionSet")
    bound = document.get("GlobalOptionSet")
    if not choice and bound:
        choice = choices.get(bound.get("Name", ""))
    if not choice:
        return {}
    if column_type is ColumnType.BOOLEAN:
        given = [choice.get("FalseOption") or {"Value": 0}, choice.get("TrueOption") or {"Value": 1}]
    else:
        given = choice.get("Options") or []
    return {each["Value"]: _option(each) for each in given}


def _option(document: Document) -> Option:
    texts = label_texts(document.get("Label"))
    return Option(document["Value"], texts, document.get("State"), document.get("DefaultStatus"))


def build_key(document: Document) -> Key:
    """Make an alternate key."""
    status = document.get("EntityKeyIndexStatus", "Active")
    return Key(document["LogicalName"], tuple(document["KeyAttributes"]), status, document)


def build_relationship(document: Document) -> AnyRelationship:
    """Make a relationship of either kind."""
    if "IntersectEntityName" in document:
        return ManyToMany(
            schema=document["SchemaName"],
            intersect=document["IntersectEntityName"],
            table1=document["Entity1LogicalName"],
            column1=document["Entity1IntersectAttribute"],
            nav1=document.get("Entity1NavigationPropertyName") or "",
            table2=document["Entity2LogicalName"],
            column2=document["Entity2IntersectAttribute"],
            nav2=document.get("Entity2NavigationPropertyName") or "",
            definition=document,
        )
    return Relationship(
        schema=document["SchemaName"],
        referenced_table=document["ReferencedEntity"],
        referenced_column=document["ReferencedAttribute"],
        referencing_table=document["ReferencingEntity"],
        referencing_column=document["ReferencingAttribute"],
        lookup_nav=document.get("ReferencingEntityNavigationPropertyName") or "",
        collection_nav=document.get("ReferencedEntityNavigationPropertyName") or "",
        cascade=document.get("CascadeConfiguration") or {},
        definition=document,
        is_hierarchical=bool(document.get("IsHierarchical", False)),
    )


def with_relationships(table: Table, relationships: Iterable[AnyRelationship]) -> Table:
    """Give `table` with the navigation properties that these relationships make on it."""
    many_to_one: dict[str, Relationship] = {}
    one_to_many: dict[str, Relationship] = {}
    many_to_many: dict[str, ManyToMany] = {}
    for each in relationships:
        if isinstance(each, ManyToMany):
            if each.table1 == table.logical and each.nav1:
                many_to_many[each.nav1] = each
            if each.table2 == table.logical and each.nav2:
                many_to_many[each.nav2] = each
            continue
        if each.referencing_table == table.logical and each.lookup_nav:
            many_to_one[each.lookup_nav] = each
        if each.referenced_table == table.logical and each.collection_nav:
            one_to_many[each.collection_nav] = each
    return replace(table, many_to_one=many_to_one, one_to_many=one_to_many, many_to_many=many_to_many)
