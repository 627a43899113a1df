"""Create, replace and delete relationships, and with them lookup columns and intersect tables.

Owns POST, PUT and DELETE of RelationshipDefinitions. Must not know how anything is stored.
Source: powerapps-docs …/webapi/create-update-entity-relationships-using-web-api.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import components, dependencies, mappings
from d365ext.emulator.definitions.change import Change, check_customizable, check_unchanged
from d365ext.emulator.definitions.columns_write import check_free, number, remove_column
from d365ext.emulator.documents.definition_nodes import Node
from d365ext.emulator.documents.definition_types import NAMESPACE
from d365ext.emulator.documents.documents import Document, intersect_documents
from d365ext.emulator.documents.new_columns import shadows
from d365ext.emulator.documents.new_relationships import (
    ends,
    lookup_from,
    many_to_many_from,
    many_to_many_settings,
    one_to_many_from,
    relationship_settings,
    table_named,
)
from d365ext.emulator.problems import Problem
from d365ext.emulator.store.definition_store import Kind, refresh, remove
from d365ext.emulator.store.schema import ColumnType, ManyToMany, Relationship, Table
from d365ext.emulator.web.http import Response

PEOPLE = frozenset({"account", "contact", "systemuser", "lead"})
"""Tables with a phonetic name, so that a lookup to them has a yomi name beside it [inferred from the references]."""


def create(change: Change) -> Response:
    """Create a 1:N relationship with its lookup column, or an N:N relationship with its intersect table.

    Source: "@odata.type" is mandatory, because the set holds both kinds.
    """
    given = change.body()
    kind = str(given.get("@odata.type") or "").removeprefix("#").removeprefix(NAMESPACE)
    match kind:
        case "OneToManyRelationshipMetadata" | "ComplexOneToManyRelationshipMetadata":
            return change.created(_one_to_many(change, given))
        case "ManyToManyRelationshipMetadata" | "ComplexManyToManyRelationshipMetadata":
            return change.created(_many_to_many(change, given))
    raise Problem.payload(
        "A relationship definition must carry its @odata.type: Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata or "
        "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata."
    )


def _one_to_many(change: Change, given: Mapping[str, Any]) -> str:
    lookup = given.get("Lookup")
    if not isinstance(lookup, Mapping):
        raise Problem.payload("A 1:N relationship is created with its Lookup.")
    referenced, referencing = ends(change.session, given)
    _, made = make_lookup(change, referencing, lookup, [given], ColumnType.LOOKUP)
    mappings.add_pair(change.session, referenced.logical, referencing.logical)
    return str(made[0]["MetadataId"])


def make_lookup(
    change: Change, table: Table, lookup: Mapping[str, Any], sent: list[Mapping[str, Any]], kind: ColumnType
) -> tuple[Document, list[Document]]:
    """Create a lookup column and one relationship for each table it points to."""
    session = change.session
    check_customizable(table.definition, table.logical)
    targets = [table_named(session, each.get("ReferencedEntity")).logical for each in sent]
    document = lookup_from(session, table.logical, lookup, kind, targets)
    check_free(table, document["SchemaName"])
    made = []
    for each in sent:
        nav = document["SchemaName"] + (f"_{str(each['ReferencedEntity']).lower()}" if len(sent) > 1 else "")
        made.append(one_to_many_from(session, each, document["LogicalName"], nav))
    beside = shadows(document, is_person=not PEOPLE.isdisjoint(targets))
    number((each.definition for each in table.columns.values()), [document, *beside])
    saved: list[tuple[Kind, Document]] = [("column", each) for each in (document, *beside)]
    change.save([*saved, *(("relationship", each) for each in made)])
    components.record(session, change.solution, components.COLUMN, document["MetadataId"], table.logical)
    for each in made:
        components.record(session, change.solution, components.RELATIONSHIP, each["MetadataId"], table.logical)
    return document, made


def _many_to_many(change: Change, given: Mapping[str, Any]) -> str:
    document = many_to_many_from(change.session, given)
    intersect = document["IntersectEntityName"]
    columns = (document["Entity1IntersectAttribute"], document["Entity2IntersectAttribute"])
    saved: list[tuple[Kind, Document]] = [("relationship", document)]
    for kind, each in intersect_documents(intersect, columns):
        saved.append(("table" if kind == "table" else "column", each | {"IsManaged": False}))
    change.save(saved)
    components.record(
        change.session,
        change.solution,
        components.RELATIONSHIP,
        document["MetadataId"],
        document["Entity1LogicalName"],
    )
    return str(document["MetadataId"])


_FIXED = (
    "SchemaName",
    "MetadataId",
    "ReferencedEntity",
    "ReferencedAttribute",
    "ReferencingEntity",
    "ReferencingAttribute",
    "Entity1LogicalName",
    "Entity2LogicalName",
    "IntersectEntityName",
    "ReferencingEntityNavigationPropertyName",
)


def replace(change: Change, node: Node) -> Response:
    """Replace a relationship: cascade rules, menu, searchability. The tables it joins cannot change."""
    given = change.body()
    before = node.kind.filled(node.document)
    check_customizable(before, before["SchemaName"])
    check_unchanged(before, given, _FIXED)
    schema = change.session.schema
    found = schema.relationships[before["SchemaName"]]
    if isinstance(found, ManyToMany):
        document = many_to_many_settings(change.session, before, given, merge=change.merge_labels)
        table = found.table1
    else:
        document = relationship_settings(
            change.session,
            before,
            given,
            referenced=schema.table(found.referenced_table),
            referencing=schema.table(found.referencing_table),
            merge=change.merge_labels,
        )
        table = found.referencing_table
    change.save([("relationship", document)])
    components.record(change.session, change.solution, components.RELATIONSHIP, document["MetadataId"], table)
    return Response.empty()


def delete(change: Change, node: Node) -> Response:
    """Delete a relationship, with its lookup column or its intersect table.

    A lookup with several targets loses this one and stays; its last relationship takes it along [inferred:
    LastPolymorphicRelationshipCannotBeDeleted exists for multi-table lookups].
    """
    session, document = change.session, node.document
    check_customizable(document, document["SchemaName"], deleting=True)
    if not document.get("IsCustomRelationship"):
        raise Problem(400, "0x8004700f", "The specified relationship type is not valid for this operation")
    dependencies.check(session, components.RELATIONSHIP, document["MetadataId"])
    found = session.schema.relationships[document["SchemaName"]]
    if isinstance(found, ManyToMany):
        remove(session, "relationship", document["MetadataId"])
        remove(session, "table", session.schema.table(found.intersect).definition["MetadataId"])
        refresh(session)
    else:
        _delete_one_to_many(change, found)
    components.remove_everywhere(session, document["MetadataId"])
    return Response.empty()


def _delete_one_to_many(change: Change, found: Relationship) -> None:
    table = change.session.schema.table(found.referencing_table)
    column = table.columns[found.referencing_column]
    others = [each for each in table.lookup_navs[column.logical] if each.schema != found.schema]
    if not others:
        dependencies.check(change.session, components.COLUMN, column.definition["MetadataId"])
        remove_column(change, table, column)
    else:
        targets = [each for each in column.targets if each != found.referenced_table]
        remove(change.session, "relationship", found.definition["MetadataId"])
        change.save([("column", {**column.definition, "Targets": targets})])
        mappings.drop_pair(change.session, found.referenced_table, found.referencing_table)
