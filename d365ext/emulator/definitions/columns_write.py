"""Create, replace and delete columns.

Owns POST, PUT and DELETE of Attributes, and the columns that come and go with another. Lookups are made by their
relationships (relationships_write.py). Must not know how a column is stored.
Source: powerapps-docs …/webapi/create-update-column-definitions-using-web-api.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from d365ext.emulator.components import components, dependencies, mappings
from d365ext.emulator.definitions.change import Change, check_customizable, check_unchanged
from d365ext.emulator.documents.definition_nodes import Node
from d365ext.emulator.documents.definition_types import column_type, definition_type
from d365ext.emulator.documents.documents import Document, column_document, one_to_many_document
from d365ext.emulator.documents.naming import checked_name
from d365ext.emulator.documents.new_columns import column_from, new_id, same_type, sent_type, shadows, with_settings
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.definition_store import Kind, refresh, remove
from d365ext.emulator.store.schema import Column, ColumnType, Table
from d365ext.emulator.web.http import Response

_FIXED = ("LogicalName", "SchemaName", "EntityLogicalName", "MetadataId", "IsPrimaryName", "IsPrimaryId")


def create(change: Change, table_node: Node) -> Response:
    """Create a column of any type but lookup."""
    assert table_node.table is not None  # noqa: S101  definitions_write has addressed a table
    given = change.body()
    if sent_type(given).name == "LookupAttributeMetadata":
        raise Problem(
            400,
            "0x8004023b",
            "A lookup column is created with its relationship: POST RelationshipDefinitions, "
            "CreateCustomerRelationships or CreatePolymorphicLookupAttribute.",
        )
    return change.created(create_column(change, table_node.table, given))


def create_column(change: Change, table: Table, given: Mapping[str, Any]) -> str:
    """Create a column with those that come along; give its MetadataId."""
    check_customizable(table.definition, table.logical)
    if not (table.definition.get("CanCreateAttributes") or {"Value": True})["Value"]:
        raise Problem(400, "0x80090419", f"Can't add an attribute to entity '{table.logical}', it's not supported.")
    name = checked_name(change.session, given.get("SchemaName"), "Attribute")
    check_free(table, name)
    document = column_from(change.session, table.logical, name, given, change.solution_name)
    existing = [each.definition for each in table.columns.values()]
    more, relationships = with_companions(change.session, [*existing, document], document, table.logical)
    number(existing, [document, *more])
    saved: list[tuple[Kind, Document]] = [("column", document), *(("column", each) for each in more)]
    change.save([*saved, *(("relationship", each) for each in relationships)])
    components.record(change.session, change.solution, components.COLUMN, document["MetadataId"], table.logical)
    return str(document["MetadataId"])


def check_free(table: Table, schema: str) -> None:
    """Refuse a name that a column or a navigation property of the table has.

    Source: DuplicateAttributeSchemaName 0x80047013 (used so by PowerApps-Samples, which catch it);
    AttributeNameConflictWithNavigationPropertyName 0x80048834.
    """
    logical = schema.lower()
    if logical in table.columns:
        raise Problem(
            400,
            "0x80047013",
            f"An attribute with the specified name {logical} already exists for the entity {table.logical}.",
        )
    if logical in {*table.many_to_one, *table.one_to_many, *table.many_to_many}:
        raise Problem(
            400,
            "0x80048834",
            f"Attribute name {logical} conflict with NavigationProperty name on entity. Please use unique name for "
            "attribute.",
        )


def number(existing: Iterable[Mapping[str, Any]], made: Iterable[Document]) -> None:
    """Give new columns their ColumnNumber, after those there are."""
    last = max((int(each.get("ColumnNumber") or 0) for each in existing), default=0)
    for position, each in enumerate(made, start=last + 1):
        each["ColumnNumber"] = position


def with_companions(
    session: Session, columns: Iterable[Mapping[str, Any]], document: Document, table: str
) -> tuple[list[Document], list[Document]]:
    """Make the columns and relationships that come along with a new column of a table that has `columns`.

    The first money column brings the currency and its rate: "Microsoft Dataverse adds them to any table with a money
    column" [long-standing behaviour, inferred; metadata-plane.md §2.2].
    """
    made = shadows(document)
    names = {each["LogicalName"] for each in columns}
    relationships: list[Document] = []
    if column_type(document).name == "MoneyAttributeMetadata":
        if "transactioncurrencyid" not in names:
            currency, relationship = _currency(session, table)
            made += [currency, *shadows(currency)]
            relationships.append(relationship)
        if "exchangerate" not in names:
            made.append(_exchange_rate(session, table))
    return [each for each in made if each["LogicalName"] not in names], relationships


def _currency(session: Session, table: str) -> tuple[Document, Document]:
    column = definition_type("LookupAttributeMetadata").filled(
        column_document(
            table,
            "TransactionCurrencyId",
            ColumnType.LOOKUP,
            MetadataId=new_id(),
            IsManaged=False,
            DisplayName={"LocalizedLabels": [{"Label": "Currency", "LanguageCode": 1033}]},
            Targets=["transactioncurrency"],
            CreatedOn=session.now_text,
            ModifiedOn=session.now_text,
        )
    )
    name = f"transactioncurrency_{table}"
    relationship = one_to_many_document(
        name,
        referenced=("transactioncurrency", "transactioncurrencyid"),
        referencing=(table, "transactioncurrencyid"),
        navs=("transactioncurrencyid", name),
        MetadataId=new_id(),
        IsManaged=False,
    )
    return column, relationship | {
        "CascadeConfiguration": {**relationship["CascadeConfiguration"], "Delete": "Restrict"}
    }


def _exchange_rate(session: Session, table: str) -> Document:
    return definition_type("DecimalAttributeMetadata").filled(
        column_document(
            table,
            "ExchangeRate",
            ColumnType.DECIMAL,
            MetadataId=new_id(),
            IsManaged=False,
            IsValidForCreate=False,
            IsValidForUpdate=False,
            Precision=10,
            MinValue=0.0000000001,
            MaxValue=100000000000,
            DisplayName={"LocalizedLabels": [{"Label": "Exchange Rate", "LanguageCode": 1033}]},
            CreatedOn=session.now_text,
            ModifiedOn=session.now_text,
        )
    )


def replace(change: Change, node: Node) -> Response:
    """Replace a column's definition; its options are changed by actions.

    Source: the answer to PUT carries OData-EntityId (the page's example). What a body leaves out keeps its value
    (tables_write.replace says why); the date behaviour changes once, from UserLocal
    (…/behavior-format-date-time-attribute.md).
    """
    assert node.table is not None  # noqa: S101  columns are addressed within their table
    given = change.body()
    before = column_type(node.document).filled(node.document)
    name = before["LogicalName"]
    check_customizable(before, name)
    same_type(before, given)
    check_unchanged(before, given, _FIXED)
    _check_behavior_change(before, given)
    if given.get("IsSecured") and any(name in key.columns for key in node.table.keys.values()):
        raise Problem(
            400,
            "0x80060896",
            f"The field {name} is not securable as it is part of entity keys. Please remove the field from all entity "
            "keys to make it securable.",
        )
    column = node.table.columns[name]
    document = with_settings(change.session, before, column.type, given, merge=change.merge_labels)
    document["ModifiedOn"] = change.session.now_text
    change.save([("column", document)])
    components.record(
        change.session, change.solution, components.COLUMN, document["MetadataId"], document["EntityLogicalName"]
    )
    return Response.empty(headers={"OData-EntityId": f"{change.request.origin}{change.request.path}"})


def _check_behavior_change(before: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    sent = (given.get("DateTimeBehavior") or {}).get("Value")
    is_now = (before.get("DateTimeBehavior") or {}).get("Value")
    if sent is not None and sent != is_now:
        allowed = (before.get("CanChangeDateTimeBehavior") or {}).get("Value")
        if is_now != "UserLocal" or not allowed:
            raise Problem(
                400, "0x8004023b", f"The DateTimeBehavior of {before['LogicalName']} cannot be changed from {is_now}."
            )


def delete(change: Change, node: Node) -> Response:
    """Delete a custom column with those that came along, and a lookup's relationships."""
    assert node.table is not None  # noqa: S101  columns are addressed within their table
    document = node.document
    check_customizable(document, document["LogicalName"], deleting=True)
    _check_deletable(node.table, document)
    dependencies.check(change.session, components.COLUMN, document["MetadataId"])
    remove_column(change, node.table, node.table.columns[document["LogicalName"]])
    return Response.empty()


def _check_deletable(table: Table, document: Mapping[str, Any]) -> None:
    """Refuse to delete what a table cannot be without.

    Source: AttributeIsNotCustomAttribute 0x80047009, CannotDeletePrimaryUIAttribute 0x80047002,
    CannotDeleteChildAttribute 0x80047016, CannotDeleteBaseMoneyCalculationAttribute 0x80048cfe.
    """
    name = document["LogicalName"]
    if name == table.primary_name:
        raise Problem(400, "0x80047002", "The Primary UI Attribute is not valid for deletion")
    if document.get("IsBaseCurrency"):
        raise Problem(400, "0x80048cfe", "The base money calculation Attribute is not valid for deletion")
    if document.get("AttributeOf"):
        raise Problem(400, "0x80047016", "The Child Attribute is not valid for deletion")
    if not document.get("IsCustomAttribute"):
        raise Problem(400, "0x80047009", f"The specified attribute is not a custom attribute: {name}")


def remove_column(change: Change, table: Table, column: Column) -> None:
    """Take a column away, with its shadows and `_base`, and the relationships of a lookup."""
    session = change.session
    gone: list[tuple[Kind, Mapping[str, Any]]] = [("column", column.definition)]
    gone += [
        ("column", each.definition)
        for each in table.columns.values()
        if column.logical in (each.attribute_of, each.base_of)
    ]
    gone += [
        ("relationship", each.definition)
        for each in table.many_to_one.values()
        if each.referencing_column == column.logical
    ]
    for kind, document in gone:
        remove(session, kind, document["MetadataId"])
    refresh(session)
    for kind, document in gone:
        components.remove_everywhere(session, document["MetadataId"])
        if kind == "relationship":
            mappings.drop_pair(session, document["ReferencedEntity"], document["ReferencingEntity"])
