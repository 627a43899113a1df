"""Tables, columns and choices.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-entity-definitions-using-web-api,
…/create-update-column-definitions-using-web-api, …/create-update-optionsets.
"""

from __future__ import annotations

from typing import Any

from d365ext.definitions.columns import ChoiceColumn, Column, YesNo
from d365ext.deploy.change import AddOption, CreateChoice, ModifyChoice, OptionPlace, RelabelOption
from d365ext.deploy.codec.columns import cast_of, changed_column, to_column, to_option
from d365ext.deploy.codec.labels import to_label
from d365ext.deploy.codec.tables import changed_choice, changed_table, to_choice, to_table
from d365ext.deploy.table_change import (
    CreateColumn,
    CreateTable,
    ModifyColumn,
    ModifyTable,
    ReplaceColumn,
    TrackChanges,
)
from d365ext.deploy.write.writer import Writer
from d365ext.webapi.tabledefs import (
    add_option,
    change_definition,
    choice_address,
    column_address,
    create_definition,
    delete_definition,
    relabel_option,
    table_address,
)


def create_choice(writer: Writer, change: CreateChoice) -> None:
    definition = to_choice(change.choice, writer.languages)
    address = choice_address(change.choice.name)
    create_definition(writer.client, "GlobalOptionSetDefinitions", definition, address=address, solution=writer.into)


def modify_choice(writer: Writer, change: ModifyChoice) -> None:
    def put_in(whole: dict[str, Any]) -> dict[str, Any]:
        return changed_choice(whole, change.choice, writer.languages)

    address = choice_address(change.choice.name)
    change_definition(writer.client, address, put_in, cast="OptionSetMetadata", solution=writer.into)


def add_an_option(writer: Writer, change: AddOption) -> None:
    option = to_option(change.option, writer.languages)
    add_option(writer.client, _where(change.of), option, solution=writer.into)


def relabel_an_option(writer: Writer, change: RelabelOption) -> None:
    option = to_option(change.option, writer.languages)
    relabel_option(writer.client, _where(change.of), option, solution=writer.into)


def _where(place: OptionPlace) -> dict[str, str]:
    if place.choice:
        return {"OptionSetName": place.choice}
    return {"EntityLogicalName": place.table, "AttributeLogicalName": place.column}


def create_table(writer: Writer, change: CreateTable) -> None:
    definition = to_table(change.table, writer.languages)
    address = table_address(change.table.name)
    create_definition(writer.client, "EntityDefinitions", definition, address=address, solution=writer.into)


def modify_table(writer: Writer, change: ModifyTable) -> None:
    def put_in(whole: dict[str, Any]) -> dict[str, Any]:
        return changed_table(whole, change.table, writer.languages)

    change_definition(writer.client, table_address(change.table.name), put_in, solution=writer.into)


def track_changes(writer: Writer, change: TrackChanges) -> None:
    """Turn change tracking on. A standard table stays out of the solution for it: nothing else of it is ours."""

    def put_in(whole: dict[str, Any]) -> dict[str, Any]:
        return {**whole, "ChangeTrackingEnabled": True}

    change_definition(writer.client, table_address(change.table), put_in, solution=None)


def create_column(writer: Writer, change: CreateColumn) -> None:
    _create_column(writer, change.table, change.name, change.column)


def _create_column(writer: Writer, table: str, name: str, column: Column) -> None:
    choice_id = ""
    if isinstance(column, ChoiceColumn) and column.choice:
        choice_id = writer.client.get(f"{choice_address(column.choice)}?$select=MetadataId")["MetadataId"]
    definition = to_column(name, column, writer.languages, choice_id=choice_id)
    into = f"{table_address(table)}/Attributes"
    address = column_address(table, name)
    create_definition(writer.client, into, definition, address=address, solution=writer.into)


def modify_column(writer: Writer, change: ModifyColumn) -> None:
    def put_in(whole: dict[str, Any]) -> dict[str, Any]:
        return changed_column(whole, change.column, writer.languages)

    address = column_address(change.table, change.name)
    change_definition(writer.client, address, put_in, cast=cast_of(change.column), solution=writer.into)
    if isinstance(change.column, YesNo):
        where = {"EntityLogicalName": change.table, "AttributeLogicalName": change.name}
        for value, texts in ((1, change.column.yes), (0, change.column.no)):
            option = {"Value": value, "Label": to_label(texts, writer.languages)}
            relabel_option(writer.client, where, option, solution=writer.into)


def replace_column(writer: Writer, change: ReplaceColumn) -> None:
    delete_definition(writer.client, column_address(change.table, change.name))
    _create_column(writer, change.table, change.name, change.column)
