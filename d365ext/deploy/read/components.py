"""Components that are rows: as last edited, and whether that is what people see. All of them in two requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from d365ext.deploy.codec.labels import from_label
from d365ext.deploy.component import Component
from d365ext.deploy.environment import FoundComponent, Languages
from d365ext.webapi.client import Client, Json
from d365ext.webapi.components import component_paths, read_many, texts_path


def read_components(client: Client, wanted: Iterable[Component], languages: Languages) -> dict[UUID, FoundComponent]:
    """Read every such component that is there, by the id that we declare."""
    components = list(wanted)
    rows = _row_ids(client, components)
    paths = [path for each in components if each.id in rows for path in _paths(each, rows[each.id])]
    answers = iter(read_many(client, paths))
    found = {}
    for component in components:
        if component.id in rows:
            made = _found(component, rows[component.id], answers, languages)
            if made is not None:
                found[component.id] = made
    return found


def _row_ids(client: Client, components: list[Component]) -> dict[UUID, UUID]:
    """Give the id of each component's row: the declared one, or that of the row that is found instead."""
    rows = {each.id: each.id for each in components if not each.found_by}
    searched = [each for each in components if each.found_by]
    paths = [
        f"{each.kind.entity_set}?$select={each.kind.id_column}&$filter={quote(each.found_by)}" for each in searched
    ]
    for component, answer in zip(searched, read_many(client, paths), strict=True):
        for row in (answer or {}).get("value", ())[:1]:
            rows[component.id] = UUID(row[component.kind.id_column])
    return rows


def _paths(component: Component, row_id: UUID) -> list[str]:
    """List what is to be read of one component: edited, published, then the texts of each attribute."""
    entity_set = component.kind.entity_set
    texts = [texts_path(entity_set, row_id, attribute) for attribute in component.texts]
    return [*component_paths(entity_set, row_id, [*component.columns, "ismanaged"]), *texts]


def _found(
    component: Component, row_id: UUID, answers: Iterator[Json | None], languages: Languages
) -> FoundComponent | None:
    edited, published = next(answers), next(answers)
    labels = {attribute: next(answers) for attribute in component.texts}
    if edited is None:
        return None
    columns = list(component.columns)
    return FoundComponent(
        id=row_id,
        columns=_picked(edited, columns),
        texts={attribute: from_label((label or {}).get("Label"), languages) for attribute, label in labels.items()},
        is_published=_picked(published or {}, columns) == _picked(edited, columns),
        is_managed=bool(edited.get("ismanaged")),
    )


def _picked(row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in columns}
