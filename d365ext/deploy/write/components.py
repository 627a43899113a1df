"""Components that are rows: written by their fixed ids, then named in each language.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-views, …/reference/setloclabels.
"""

from __future__ import annotations

from typing import Any

from d365ext.deploy.change import CreateComponent, ModifyComponent
from d365ext.deploy.codec.labels import localized
from d365ext.deploy.component import Component
from d365ext.deploy.write.writer import Writer
from d365ext.webapi.components import put_texts
from d365ext.webapi.query import row_address


def create_component(writer: Writer, change: CreateComponent) -> None:
    component = change.component
    row: dict[str, Any] = {
        component.kind.id_column: str(component.id),
        **component.create_only,
        **component.columns,
        **{attribute: writer.languages.in_base(texts) for attribute, texts in component.texts.items()},
    }
    writer.client.create(component.kind.entity_set, row, solution=writer.into)
    for attribute in component.texts:
        _put_texts(writer, component, attribute)


def modify_component(writer: Writer, change: ModifyComponent) -> None:
    component = change.component
    columns = {name: component.columns[name] for name in change.columns}
    if columns:
        address = row_address(component.kind.entity_set, component.id)
        writer.client.update(address, columns, solution=writer.into)
    for attribute in change.texts:
        _put_texts(writer, component, attribute)


def _put_texts(writer: Writer, component: Component, attribute: str) -> None:
    labels = localized(component.texts[attribute], writer.languages)
    if labels:
        put_texts(writer.client, component.kind.table, component.kind.id_column, component.id, attribute, labels)
