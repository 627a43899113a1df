"""Components that are rows, by their fixed ids: as last edited, and whether that is what people see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from d365ext.deploy.codec.labels import from_label
from d365ext.deploy.component import Component
from d365ext.deploy.environment import FoundComponent, Languages
from d365ext.webapi.client import Client
from d365ext.webapi.components import find_row, read_component, read_texts


def read_components(
    client: Client, components: Iterable[Component], languages: Languages
) -> dict[UUID, FoundComponent]:
    """Read every such component that is there."""
    found = {}
    for component in components:
        made = _read(client, component, languages)
        if made is not None:
            found[component.id] = made
    return found


def _read(client: Client, component: Component, languages: Languages) -> FoundComponent | None:
    kind = component.kind
    row_id = component.id
    if component.found_by:
        found = find_row(client, kind.entity_set, kind.id_column, component.found_by)
        if found is None:
            return None
        row_id = found
    columns = list(component.columns)
    both = read_component(client, kind.entity_set, row_id, [*columns, "ismanaged"])
    if both is None:
        return None
    published, edited = both
    texts = {
        attribute: from_label(read_texts(client, kind.entity_set, row_id, attribute), languages)
        for attribute in component.texts
    }
    return FoundComponent(
        id=row_id,
        columns={name: edited.get(name) for name in columns},
        texts=texts,
        is_published=_picked(published, columns) == _picked(edited, columns),
        is_managed=bool(edited.get("ismanaged")),
    )


def _picked(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in columns}
