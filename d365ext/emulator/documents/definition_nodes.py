"""Where definitions are and how they hang together: tables, their columns, keys and relationships, global choices.

Owns finding a definition by id or by name, and following its navigation properties. Must not know query options.
Source: powerapps-docs …/webapi/retrieve-metadata-name-metadataid.md (LogicalName for tables, columns and keys,
SchemaName for relationships, Name for choices) and …/webapi/use-web-api-metadata.md (the sets).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from d365ext.emulator.documents.definition_types import (
    NAMESPACE,
    DefinitionType,
    choice_type,
    column_type,
    definition_type,
    relationship_type,
)
from d365ext.emulator.odata.ast import Literal, Segment
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ManyToMany, Relationship, Table


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One definition: its document, the type it has, and the table it belongs to."""

    document: Mapping[str, Any]
    kind: DefinitionType
    table: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NodeSet:
    """Definitions of one declared type; `name` is the key that addresses them beside MetadataId."""

    nodes: tuple[Node, ...]
    declared: DefinitionType
    name: str

    def find(self, segment: Segment) -> Node:
        """Give the definition that a key names; 404 if there is none."""
        wanted_key, wanted = self._key(segment)
        for node in self.nodes:
            if str(node.document.get(wanted_key) or "").lower() == wanted.lower():
                return node
        what = self.declared.name.removesuffix("Metadata").removesuffix("Base").removesuffix("Metadata")
        raise Problem(404, "0x80040217", f"Could not find {what} with {wanted_key} = {wanted}")

    def _key(self, segment: Segment) -> tuple[str, str]:
        match segment.key:
            case Literal(UUID() | str() as metadata_id):
                return "MetadataId", str(metadata_id)
        for key, given in segment.named.items():
            if key in {self.name, "MetadataId"} and isinstance(given, Literal) and len(segment.named) == 1:
                return key, str(given.value)
        raise Problem.query(
            f"The key in the request URI is not valid for resource '{segment.name}': use the MetadataId or {self.name}."
        )


def table_node(table: Table) -> Node:
    """Give the node of a table."""
    return Node(table.definition, definition_type("EntityMetadata"), table)


def root(session: Session, name: str) -> NodeSet:
    """Give one of the definition sets."""
    schema = session.schema
    match name:
        case "EntityDefinitions":
            tables = tuple(table_node(table) for table in schema.tables.values())
            return NodeSet(tables, definition_type("EntityMetadata"), "LogicalName")
        case "RelationshipDefinitions":
            return _relationships(schema.relationships.values(), "RelationshipMetadataBase")
        case "GlobalOptionSetDefinitions":
            choices = tuple(choice_node(each) for each in schema.choices.values())
            return NodeSet(choices, definition_type("OptionSetMetadataBase"), "Name")
    raise Problem.not_implemented(name)


def navigate(session: Session, node: Node, name: str) -> NodeSet | Node | None:
    """Follow a navigation property of a definition; None where it is empty."""
    table = node.table
    match name:
        case "Attributes" if table is not None:
            nodes = tuple(Node(c.definition, column_type(c.definition), table) for c in table.columns.values())
            return NodeSet(nodes, definition_type("AttributeMetadata"), "LogicalName")
        case "Keys" if table is not None:
            keys = tuple(Node(k.definition, definition_type("EntityKeyMetadata"), table) for k in table.keys.values())
            return NodeSet(keys, definition_type("EntityKeyMetadata"), "LogicalName")
        case "OneToManyRelationships" | "ManyToOneRelationships" | "ManyToManyRelationships" if table is not None:
            return _relationships_of(session, table, name)
        case "OptionSet":
            return choice_of(session, node.document)
        case "GlobalOptionSet":
            found = choice_of(session, node.document)
            return found if found is not None and found.document.get("IsGlobal") else None
    return None


def choice_of(session: Session, column: Mapping[str, Any]) -> Node | None:
    """Give the choice of a column: its own, or the global one that it names (documents.py has both forms)."""
    named = column.get("GlobalOptionSet")
    own = session.schema.choices[named["Name"]] if named else column.get("OptionSet")
    return choice_node(own) if own else None


_OPTION: Mapping[str, Any] = {
    "Color": None,
    "IsManaged": False,
    "ExternalValue": "",
    "ParentValues": [],
    "Tag": None,
    "IsHidden": False,
    "MetadataId": None,
    "HasChanged": None,
}
_OPTION_TYPES = {"State": "StateOptionMetadata", "Status": "StatusOptionMetadata"}


def choice_node(document: Mapping[str, Any]) -> Node:
    """Give the node of a choice, its options with all their members."""
    kind = choice_type(document)
    written = dict(document)
    option_type = _OPTION_TYPES.get(document["OptionSetType"])
    typed = {"@odata.type": f"#{NAMESPACE}{option_type}"} if option_type else {}
    if "Options" in document:
        written["Options"] = [{**typed, **_OPTION, **each} for each in document["Options"]]
    for name in ("TrueOption", "FalseOption"):
        if document.get(name):
            written[name] = {**_OPTION, **document[name]}
    return Node(written, kind)


def _relationships(found: Iterable[Relationship | ManyToMany], declared: str) -> NodeSet:
    nodes = tuple(Node(each.definition, relationship_type(each.definition)) for each in found)
    return NodeSet(nodes, definition_type(declared), "SchemaName")


def _relationships_of(session: Session, table: Table, name: str) -> NodeSet:
    every = session.schema.relationships.values()
    logical = table.logical
    match name:
        case "OneToManyRelationships":
            found: list[Relationship | ManyToMany] = [
                each for each in every if isinstance(each, Relationship) and each.referenced_table == logical
            ]
        case "ManyToOneRelationships":
            found = [each for each in every if isinstance(each, Relationship) and each.referencing_table == logical]
        case _:
            found = [each for each in every if isinstance(each, ManyToMany) and logical in {each.table1, each.table2}]
    kind = "ManyToManyRelationshipMetadata" if name.startswith("ManyToMany") else "OneToManyRelationshipMetadata"
    return _relationships(found, kind)
