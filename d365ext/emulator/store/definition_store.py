"""The definition documents in the store, and the schema and SQLite tables that follow from them.

Owns the table `_definition` and the only way to change what exists: save or remove documents, then `refresh`, which
rebuilds the changed part of `session.schema` and alters the SQLite tables in the same transaction. Must not know what
a valid definition is: that is for whoever writes one.

Kinds: "table" (name: logical name) · "column", "key" (parent: the table) · "relationship" (name: schema name) ·
"choice" (global ones). Documents are as `documents.py` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from d365ext.emulator.documents.documents import Document, Kind
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ManyToMany, Schema, Table
from d365ext.emulator.store.schema_build import (
    AnyRelationship,
    TableDocuments,
    build_relationship,
    build_table,
    with_relationships,
)
from d365ext.emulator.store.storage import alter_storage

__all__ = ["CREATE", "Kind", "by_id", "read_all", "read_one", "read_schema", "refresh", "remove", "save", "save_many"]

CREATE = """
    create table _definition (
        id text primary key, kind text not null, name text not null, parent text not null, other text not null,
        document text not null
    );
    create index _definition_by_name on _definition (kind, parent, name collate nocase);
    create index _definition_by_other on _definition (kind, other);
"""


def read_one(session: Session, kind: Kind, name: str, parent: str = "") -> Document | None:
    """Give the document with this name (a column's or key's logical name within its table `parent`)."""
    if kind == "relationship":  # found by name alone: its parent is one of its ends
        rows = session.raw.execute(
            "select document from _definition where kind = ? and name = ? collate nocase", (kind, name)
        )
    else:
        rows = session.raw.execute(
            "select document from _definition where kind = ? and parent = ? and name = ? collate nocase",
            (kind, parent, name),
        )
    return next(_parsed(rows), None)


def by_id(session: Session, kind: Kind, metadata_id: str) -> Document | None:
    """Give the document with this MetadataId."""
    rows = session.raw.execute(
        "select document from _definition where kind = ? and id = ?", (kind, metadata_id.lower())
    )
    return next(_parsed(rows), None)


def read_all(session: Session, kind: Kind, parent: str | None = None) -> list[Document]:
    """Give all documents of a kind in order of name; of one table if `parent` is given.

    For relationships, `parent` gives those that have the table at either end.
    """
    if parent is None:
        rows = session.raw.execute("select document from _definition where kind = ? order by name", (kind,))
    else:
        rows = session.raw.execute(
            "select document from _definition where kind = ?1 and parent = ?2"
            " union all select document from _definition where kind = ?1 and other = ?2 and parent <> ?2",
            (kind, parent),
        )
    return list(_parsed(rows))


def save(session: Session, kind: Kind, document: Mapping[str, Any]) -> None:
    """Insert the document, or replace the one with its MetadataId. The schema changes at the next `refresh`."""
    save_many(session, [(kind, document)])


def save_many(session: Session, documents: Iterable[tuple[Kind, Mapping[str, Any]]]) -> None:
    """Insert or replace several documents."""
    rows = []
    for kind, document in documents:
        name, parent, other = _place(kind, document)
        rows.append((document["MetadataId"].lower(), kind, name, parent, other, orjson.dumps(document).decode()))
        _touch(session, kind, document)
    session.raw.executemany("insert or replace into _definition values (?, ?, ?, ?, ?, ?)", rows)


def remove(session: Session, kind: Kind, metadata_id: str) -> None:
    """Remove a document; a table takes its columns, keys and relationships with it. Then `refresh`."""
    document = by_id(session, kind, metadata_id)
    if document is None:
        return
    _touch(session, kind, document)
    session.raw.execute("delete from _definition where id = ?", (metadata_id.lower(),))
    if kind == "table":
        table = document["LogicalName"]
        for relationship in read_all(session, "relationship", table):
            _touch(session, "relationship", relationship)
        session.raw.execute(
            "delete from _definition where kind in ('column', 'key') and parent = ?1"
            " or kind = 'relationship' and (parent = ?1 or other = ?1)",
            (table,),
        )


def refresh(session: Session) -> Schema:
    """Make `session.schema` and the SQLite tables what the documents now say. Call it once, after the last save."""
    before = session.schema
    touched, session.touched = session.touched, {}
    choices = dict(before.choices)
    if "" in touched:  # a global choice changed: so did the tables whose columns use it
        choices = {each["Name"]: each for each in read_all(session, "choice")}
        touched |= {table.logical: "columns" for table in before.tables.values() if _uses(table, touched[""])}
        del touched[""]
    tables = dict(before.tables)
    relationships = {
        name: each for name, each in before.relationships.items() if touched.keys().isdisjoint(_ends(each))
    }
    for logical, depth in touched.items():
        document = read_one(session, "table", logical)
        if document is None:
            tables.pop(logical, None)
            continue
        table = tables.get(logical)
        if depth == "columns" or table is None:
            columns, keys = read_all(session, "column", logical), read_all(session, "key", logical)
            table = build_table(TableDocuments(document, columns, keys), choices, table)
        for each in read_all(session, "relationship", logical):
            name = each["SchemaName"]
            known = relationships.get(name) or before.relationships.get(name)
            is_known = known is not None and known.definition == each
            relationships[name] = known if known is not None and is_known else build_relationship(each)
        tables[logical] = table
    for logical in touched.keys() & tables.keys():
        own = [each for each in relationships.values() if logical in _ends(each)]
        tables[logical] = with_relationships(tables[logical], own)
    after = Schema(before.version + 1, tables, relationships, choices)
    alter_storage(session, before, after)
    session.schema = after
    return after


def read_schema(session: Session, version: int) -> Schema:
    """Build the whole schema from the store."""
    choices = {each["Name"]: each for each in read_all(session, "choice")}
    columns = _by_parent(read_all(session, "column"))
    keys = _by_parent(read_all(session, "key"))
    tables = {}
    for each in read_all(session, "table"):
        name = each["LogicalName"]
        tables[name] = build_table(TableDocuments(each, columns.get(name, ()), keys.get(name, ())), choices)
    relationships = {}
    ends: dict[str, list[AnyRelationship]] = {}
    for document in read_all(session, "relationship"):
        made = build_relationship(document)
        relationships[made.schema] = made
        for table in {*_ends(made)}:
            ends.setdefault(table, []).append(made)
    tables = {name: with_relationships(table, ends.get(name, ())) for name, table in tables.items()}
    return Schema(version, tables, relationships, choices)


def _place(kind: Kind, document: Mapping[str, Any]) -> tuple[str, str, str]:
    """Give (name, parent, other) of a document."""
    match kind:
        case "table":
            return document["LogicalName"], "", ""
        case "column" | "key":
            return document["LogicalName"], document["EntityLogicalName"], ""
        case "choice":
            return document["Name"], "", ""
        case "relationship" if "IntersectEntityName" in document:
            return document["SchemaName"], document["Entity1LogicalName"], document["Entity2LogicalName"]
        case "relationship":
            return document["SchemaName"], document["ReferencingEntity"], document["ReferencedEntity"]


def _touch(session: Session, kind: Kind, document: Mapping[str, Any]) -> None:
    """Note what the next refresh has to rebuild: a table's columns, or only its relationships."""
    if kind == "choice":
        session.touched[""] = session.touched.get("", "") + "\n" + document["Name"]
        return
    name, parent, other = _place(kind, document)
    match kind:
        case "table":
            session.touched[name] = "columns"
        case "column" | "key":
            session.touched[parent] = "columns"
        case "relationship":
            session.touched.setdefault(parent, "relationships")
            session.touched.setdefault(other, "relationships")


def _uses(table: Table, choices: str) -> bool:
    names = set(choices.split("\n"))
    return any(((each.definition.get("GlobalOptionSet") or {}).get("Name")) in names for each in table.columns.values())


def _ends(relationship: AnyRelationship) -> tuple[str, str]:
    if isinstance(relationship, ManyToMany):
        return relationship.table1, relationship.table2
    return relationship.referencing_table, relationship.referenced_table


def _by_parent(documents: Iterable[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for each in documents:
        found.setdefault(each["EntityLogicalName"], []).append(each)
    return found


def _parsed(rows: Iterable[tuple[str]]) -> Iterator[Document]:
    return (orjson.loads(row[0]) for row in rows)
