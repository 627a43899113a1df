"""Components that are rows: written by their fixed ids, then named in each language.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-views, …/reference/setloclabels.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from d365ext.deploy.codec.labels import localized
from d365ext.deploy.component import Component
from d365ext.deploy.table_change import CreateComponent, ModifyComponent
from d365ext.deploy.write.writer import Writer
from d365ext.errors import RowNotFound
from d365ext.webapi.components import find_row, put_texts
from d365ext.webapi.query import row_address


def create_component(writer: Writer, change: CreateComponent) -> None:
    component = change.component
    row: dict[str, Any] = {
        **({} if component.found_by else {component.kind.id_column: str(component.id)}),
        **component.create_only,
        **component.columns,
        **{attribute: writer.languages.in_base(texts) for attribute, texts in component.texts.items()},
    }
    writer.client.create(component.kind.entity_set, row, solution=writer.into)
    row_id = _row_id(writer, component)
    for attribute in component.texts:
        _put_texts(writer, component, row_id, attribute)


def modify_component(writer: Writer, change: ModifyComponent) -> None:
    component = change.component
    row_id = _row_id(writer, component)
    columns = {name: component.columns[name] for name in change.columns}
    if columns:
        address = row_address(component.kind.entity_set, row_id)
        writer.client.update(address, columns, solution=writer.into)
    for attribute in change.texts:
        _put_texts(writer, component, row_id, attribute)


def _row_id(writer: Writer, component: Component) -> UUID:
    """Give the id of a component: the declared one, or that of the row that is found instead."""
    if not component.found_by:
        return component.id
    kind = component.kind
    found = find_row(writer.client, kind.entity_set, kind.id_column, component.found_by)
    if found is None:
        raise RowNotFound(f"The {kind.word} {component.key} is not there.")
    return found


def _put_texts(writer: Writer, component: Component, row_id: UUID, attribute: str) -> None:
    labels = localized(component.texts[attribute], writer.languages)
    if labels:
        put_texts(writer.client, component.kind.table, component.kind.id_column, row_id, attribute, labels)
