"""Create, replace and delete tables.

Owns POST, PUT and DELETE of EntityDefinitions. Must not know how a table is stored.
Source: powerapps-docs …/webapi/create-update-entity-definitions-using-web-api.md; change tracking:
developer/data-platform/use-change-tracking-synchronize-data-external-systems.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import components, dependencies
from d365ext.emulator.definitions import table_rows
from d365ext.emulator.definitions.change import Change, check_customizable, check_unchanged
from d365ext.emulator.definitions.columns_write import with_companions
from d365ext.emulator.documents.definition_nodes import Node
from d365ext.emulator.documents.definition_types import definition_type
from d365ext.emulator.documents.documents import Document
from d365ext.emulator.documents.naming import checked_name
from d365ext.emulator.documents.new_columns import column_from, sent_type
from d365ext.emulator.documents.new_tables import system_columns, table_from, table_settings
from d365ext.emulator.problems import Problem
from d365ext.emulator.store.definition_store import refresh, remove
from d365ext.emulator.store.schema import ManyToMany, Relationship
from d365ext.emulator.web.http import Response

_FIXED = ("LogicalName", "SchemaName", "OwnershipType", "IsActivity", "MetadataId", "PrimaryNameAttribute")


def create(change: Change) -> Response:
    """Create a custom table with its primary name column, and further columns if they are sent along."""
    return change.created(create_table(change, change.body()))


def create_table(change: Change, given: Mapping[str, Any]) -> str:
    """Create a custom table; give its MetadataId."""
    session = change.session
    kind = definition_type("EntityMetadata")
    for name in given:
        if name not in kind.properties and name not in kind.navigation and "@" not in name:
            raise Problem.undeclared_property(name, kind.name)
    schema = checked_name(session, given.get("SchemaName"), "Entity")
    logical = schema.lower()
    if logical in session.schema.tables:
        raise Problem(
            400,
            "0x8004700b",
            f"An entity with the specified name {logical} already exists. Please specify a unique name.",
        )
    sent_columns = given.get("Attributes") or []
    primary = _primary_name(sent_columns)
    table = table_from(session, schema, given, str(primary.get("SchemaName")).lower())
    columns, relationships = system_columns(session, table)
    for sent in sent_columns:
        name = checked_name(session, sent.get("SchemaName"), "Attribute")
        made = column_from(session, logical, name, sent, change.solution_name)
        if sent is primary:
            made |= {"IsPrimaryName": True, "IsRequiredForForm": True}
        more, beside = with_companions(session, [*columns, made], made, logical)
        columns += [made, *more]
        relationships += beside
    _check_distinct(columns)
    _number(columns)
    change.save(
        [
            ("table", table),
            *(("column", each) for each in columns),
            *(("relationship", each) for each in relationships),
        ]
    )
    components.record(session, change.solution, components.TABLE, table["MetadataId"])
    table_rows.add(session, session.schema.table(logical))
    return str(table["MetadataId"])


def _primary_name(columns: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Find the primary name column among those sent.

    Source: "an array that includes one StringAttributeMetadata … IsPrimaryName must be true", "must use Text format";
    InvalidPrimaryFieldType 0x8004700e, DuplicatePrimaryNameAttribute 0x8004701E.
    """
    found = [each for each in columns if each.get("IsPrimaryName")]
    if not found:
        raise Problem.payload("Attributes must include one String column with IsPrimaryName true.")
    if len(found) > 1:
        raise Problem(400, "0x8004701E", "An entity can only have one primary name attribute.")
    is_text = (found[0].get("FormatName") or {"Value": "Text"}).get("Value") == "Text"
    if sent_type(found[0]).name != "StringAttributeMetadata" or not is_text:
        raise Problem(400, "0x8004700e", "Primary UI Attribute has to be of type String")
    return found[0]


def _check_distinct(columns: list[Document]) -> None:
    seen: set[str] = set()
    for each in columns:
        if each["LogicalName"] in seen:
            raise Problem(
                400, "0x80047013", f"An attribute with the specified name {each['LogicalName']} already exists."
            )
        seen.add(each["LogicalName"])


def _number(columns: list[Document]) -> None:
    for number, each in enumerate(columns, start=1):
        each["ColumnNumber"] = number


def replace(change: Change, node: Node) -> Response:
    """Replace a table's definition; its columns, keys and relationships are not part of it.

    Change tracking, once on, cannot be switched off: "You can't disable change tracking once it is enabled"; that the
    refusal is a 400 with InvalidOperation is inferred. Whether a body may leave out members is not documented
    (metadata-plane.md §12.7): they keep their value here, labels excepted, which MSCRM.MergeLabels decides.
    """
    given = change.body()
    before = dict(node.document)
    check_customizable(before, before["LogicalName"])
    check_unchanged(before, given, _FIXED)
    if before.get("ChangeTrackingEnabled") and given.get("ChangeTrackingEnabled") is False:
        raise Problem(
            400, "0x8004023b", f"Change tracking of the table {before['LogicalName']} is on and cannot be disabled."
        )
    can_enable = (before.get("CanChangeTrackingBeEnabled") or {"Value": True})["Value"]
    if given.get("ChangeTrackingEnabled") and not before.get("ChangeTrackingEnabled") and not can_enable:
        raise Problem(400, "0x8004023b", f"Change tracking cannot be enabled for the table {before['LogicalName']}.")
    kind = definition_type("EntityMetadata")
    document = table_settings(change.session, kind.filled(before), given, merge=change.merge_labels)
    for name in ("HasActivities", "HasNotes"):
        if before.get(name) and not document[name]:
            raise Problem(
                400, "0x8004023b", f"{name} of the table {before['LogicalName']} is on and cannot be disabled."
            )
    document["ModifiedOn"] = change.session.now_text
    change.save([("table", document)])
    components.record(change.session, change.solution, components.TABLE, document["MetadataId"])
    return Response.empty()


def delete(change: Change, node: Node) -> Response:
    """Delete a custom table with its rows, columns, keys, relationships, views, forms and charts."""
    session, document = change.session, node.document
    check_customizable(document, document["LogicalName"], deleting=True)
    dependencies.check(session, components.TABLE, document["MetadataId"])
    table = session.schema.table(document["LogicalName"])
    table_rows.remove(session, table)
    gone = [
        document,
        *(each.definition for each in table.columns.values()),
        *(k.definition for k in table.keys.values()),
    ]
    for relationship in session.schema.relationships.values():
        if isinstance(relationship, ManyToMany) and table.logical in {relationship.table1, relationship.table2}:
            remove(session, "table", session.schema.table(relationship.intersect).definition["MetadataId"])
            gone.append(relationship.definition)
        elif isinstance(relationship, Relationship) and relationship.referencing_table == table.logical:
            gone.append(relationship.definition)
    remove(session, "table", document["MetadataId"])
    refresh(session)
    for each in gone:
        components.remove_everywhere(session, each["MetadataId"])
    return Response.empty()
