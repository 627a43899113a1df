"""Removals. It is well if what is to be removed is not there."""

from __future__ import annotations

from d365ext.deploy.removal import (
    DeleteChoice,
    DeleteColumn,
    DeleteComponent,
    DeleteKey,
    DeleteMapping,
    DeletePublisher,
    DeleteRelationship,
    DeleteSolution,
    DeleteTable,
)
from d365ext.deploy.write.writer import Writer
from d365ext.errors import RowNotFound
from d365ext.webapi.query import row_address
from d365ext.webapi.tabledefs import (
    choice_address,
    column_address,
    delete_definition,
    key_address,
    relationship_address,
    table_address,
)

Removal = (
    DeleteChoice
    | DeleteColumn
    | DeleteComponent
    | DeleteKey
    | DeleteMapping
    | DeletePublisher
    | DeleteRelationship
    | DeleteSolution
    | DeleteTable
)


def remove(writer: Writer, change: Removal) -> None:
    """Take away what `change` names."""
    match change:
        case DeleteComponent(kind=kind, id=row_id):
            _delete_row(writer, row_address(kind.entity_set, row_id))
        case DeleteMapping(id=row_id):
            _delete_row(writer, row_address("attributemaps", row_id))
        case DeleteSolution(id=row_id):
            _delete_row(writer, row_address("solutions", row_id))
        case DeletePublisher(id=row_id):
            _delete_row(writer, row_address("publishers", row_id))
        case DeleteKey(table=table, name=name):
            delete_definition(writer.client, key_address(table, name))
        case DeleteRelationship(name=name):
            delete_definition(writer.client, relationship_address(name))
        case DeleteColumn(table=table, name=name):
            delete_definition(writer.client, column_address(table, name))
        case DeleteTable(name=name):
            delete_definition(writer.client, table_address(name))
        case DeleteChoice(name=name):
            delete_definition(writer.client, choice_address(name))


def _delete_row(writer: Writer, address: str) -> None:
    try:
        writer.client.delete(address)
    except RowNotFound:
        return
