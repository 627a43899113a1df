"""Create and delete alternate keys, and build their indexes in the background.

Owns POST and DELETE of Keys, ReactivateEntityKey, and the life of an index: Pending, then Active or Failed.
Source: powerapps-docs developer/data-platform/define-alternate-keys-entity.md: types of columns, at most 10 keys a
table and 16 columns a key, no columns with field security; the unique index is made by a system job whose state
EntityKeyIndexStatus shows; ReactivateEntityKey runs a failed job again. Codes: …/includes/data-service-error-codes.md.
"""

from __future__ import annotations

from typing import Any

from d365ext.emulator.components import components
from d365ext.emulator.definitions.change import Change, check_customizable
from d365ext.emulator.documents.definition_nodes import Node
from d365ext.emulator.documents.definition_types import definition_type
from d365ext.emulator.documents.documents import key_document
from d365ext.emulator.documents.labels import accepted, says_something
from d365ext.emulator.documents.naming import checked_name
from d365ext.emulator.documents.new_columns import new_id
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.definition_store import refresh, remove, save
from d365ext.emulator.store.schema import ColumnType, Key, Table
from d365ext.emulator.store.sqlite_functions import FOLD
from d365ext.emulator.store.storage import quoted
from d365ext.emulator.web.http import Request, Response

KEYS_MAX, COLUMNS_MAX, BYTES_MAX = 10, 16, 900
_TYPES = frozenset(
    {
        ColumnType.DECIMAL,
        ColumnType.INTEGER,
        ColumnType.STRING,
        ColumnType.DATETIME,
        ColumnType.LOOKUP,
        ColumnType.PICKLIST,
    }
)
_SOLUTION_AWARE = frozenset(components.ROW_TYPES)


def create(change: Change, table_node: Node) -> Response:
    """Create a key; its index is Pending until the next look at it."""
    assert table_node.table is not None  # noqa: S101  definitions_write has addressed a table
    table, given = table_node.table, change.body()
    check_customizable(table.definition, table.logical)
    kind = definition_type("EntityKeyMetadata")
    for name in given:
        if name not in kind.properties and name not in kind.navigation and "@" not in name:
            raise Problem.undeclared_property(name, kind.name)
    schema = checked_name(change.session, given.get("SchemaName"), "EntityKey")
    columns = given.get("KeyAttributes") or []
    _check_new(table, schema, columns)
    if not says_something(given.get("DisplayName")):
        raise Problem(400, "0x8004700c", f"The specified display name is not valid: key {schema} has none.")
    document = kind.filled(
        key_document(
            table.logical,
            schema,
            columns,
            MetadataId=new_id(),
            IsManaged=False,
            DisplayName=accepted(change.session, given.get("DisplayName")),
        )
    )
    change.save([("key", document)])
    components.record(change.session, change.solution, components.KEY, document["MetadataId"], table.logical)
    return change.created(document["MetadataId"])


def _check_new(table: Table, schema: str, columns: list[str]) -> None:
    if table.logical in _SOLUTION_AWARE:
        raise Problem(
            400,
            "0x8006089F",
            f"Entity keys are not supported for entity {table.logical} because the entity is a solution aware "
            "component",
        )
    if schema.lower() in table.keys:
        raise Problem(
            400, "0x80060893", f"An entity key with the name {schema} already exists on entity {table.logical}."
        )
    if any(set(each.columns) == set(columns) for each in table.keys.values()):
        raise Problem(400, "0x80060894", "An entity key with the selected attributes already exists on entity.")
    if len(table.keys) >= KEYS_MAX:
        raise _invalid(f"the table {table.logical} has {KEYS_MAX} keys, which is the most there can be")
    if not columns or len(columns) > COLUMNS_MAX or len(set(columns)) < len(columns):
        raise _invalid(f"a key has 1 to {COLUMNS_MAX} different columns")
    for name in columns:
        _check_column(table, name)
    size = sum(2 * (table.columns[name].max_length or 4) for name in columns)
    if size > BYTES_MAX:
        raise _invalid(f"the columns of {schema} take {size} bytes, more than the {BYTES_MAX} of an index")


def _check_column(table: Table, name: str) -> None:
    column = table.columns.get(name)
    if column is None:
        raise _invalid(f"the table {table.logical} has no column {name}")
    if column.type not in _TYPES:
        raise _invalid(f"a column of the type {column.type} such as {name} cannot be in a key")
    if column.definition.get("IsSecured"):
        raise _invalid(f"the column {name} has field security and cannot be in a key")
    if not column.valid_for_create:
        raise Problem(
            400, "0x80090110", f"Attribute of an entity key must be valid for create. Attribute Name = '{name}'"
        )
    if not column.valid_for_update:
        raise Problem(
            400, "0x80090111", f"Attribute of an entity key must be valid for update. Attribute Name = '{name}'"
        )


def _invalid(why: str) -> Problem:
    """Make the refusal InvalidEntityKeyOperation 0x8006088F."""
    return Problem(400, "0x8006088F", f"Invalid EntityKey Operation performed : {why}.")


def delete(change: Change, node: Node) -> Response:
    """Delete a key; a pending job is cancelled."""
    document = node.document
    check_customizable(document, document["LogicalName"], deleting=True)
    remove(change.session, "key", document["MetadataId"])
    refresh(change.session)
    components.remove_everywhere(change.session, document["MetadataId"])
    return Response.empty()


def has_pending(session: Session) -> bool:
    """Say whether an index waits to be built."""
    return any(key.status == "Pending" for table in session.schema.tables.values() for key in table.keys.values())


def build_pending(session: Session) -> None:
    """Build the indexes that wait, in a write session: duplicates make a key Failed, else it is Active.

    Rows with an empty key column may be many: they are left out of the index [field reports; data-plane.md §9]. Text is
    compared without regard to case [inferred, §9].
    """
    for table in session.schema.tables.values():
        for key in table.keys.values():
            if key.status == "Pending":
                status = "Active" if _build(session, table, key) else "Failed"
                save(session, "key", {**key.definition, "EntityKeyIndexStatus": status})
    refresh(session)


def _build(session: Session, table: Table, key: Key) -> bool:
    """Say whether the index can be built; storage.py makes it when the key is Active."""
    columns = [quoted(name) for name in key.columns]
    terms = [
        f"{FOLD}({quoted(name)})" if table.columns[name].type is ColumnType.STRING else quoted(name)
        for name in key.columns
    ]
    filled = " AND ".join(f"{each} IS NOT NULL" for each in columns)
    found = session.raw.execute(
        f"SELECT 1 FROM {quoted(table.logical)} WHERE {filled} "  # noqa: S608  quoted names
        f"GROUP BY {', '.join(terms)} HAVING COUNT(*) > 1 LIMIT 1"
    ).fetchone()
    return found is None


def reactivate(session: Session, body: dict[str, Any], request: Request) -> Response:
    """ReactivateEntityKey: run a failed index job again.

    Source: powerapps-docs …/define-alternate-keys-entity.md; the parameters' names are those of the SDK message
    (EntityLogicalName, EntityKeyLogicalName); 0x80060897 for a key whose job has not failed.
    """
    table = session.schema.table(str(body.get("EntityLogicalName") or ""))
    key = table.keys.get(str(body.get("EntityKeyLogicalName") or "").lower())
    if key is None:
        raise Problem(404, "0x80040217", f"The table {table.logical} has no key {body.get('EntityKeyLogicalName')}.")
    if key.status != "Failed":
        raise Problem(
            400, "0x80060897", f"The key {key.logical} is {key.status}: only a failed key can be reactivated."
        )
    save(session, "key", {**key.definition, "EntityKeyIndexStatus": "Pending"})
    refresh(session)
    return Response.empty()
