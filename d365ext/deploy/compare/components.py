"""Components that are rows: views, charts, dashboards, scripts …"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from d365ext.definitions.xmltext import XmlMistake, is_same_xml, outline
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.component import Component
from d365ext.deploy.describe import from_to, text_changes
from d365ext.deploy.environment import Environment, FoundComponent, Languages
from d365ext.deploy.table_change import CreateComponent, ModifyComponent


def compare_components(wanted: Iterable[Component], environment: Environment) -> Findings:
    """Compare every such component that we declare, by its fixed id."""
    for component in wanted:
        found = environment.components.get(component.id)
        if found is None and component.comes_with_its_table:
            details = ("as it comes with its table → as declared",)
            yield ModifyComponent(component, tuple(component.columns), tuple(component.texts), details)
        elif found is None:
            yield CreateComponent(component)
        elif found.is_managed:
            yield Refusal(f"The {component.kind.word} {component.key} belongs to a managed solution.")
        else:
            yield from _compare(component, found, environment.languages)


def _compare(component: Component, found: FoundComponent, languages: Languages) -> Findings:
    columns = [name for name, value in component.columns.items() if not _is_same(component, name, value, found)]
    details = [line for name in columns for line in _told(component, name, found)]
    texts = []
    for attribute, wanted in component.texts.items():
        if lines := text_changes(attribute, found.texts.get(attribute, {}), languages.kept(wanted)):
            texts.append(attribute)
            details += lines
    if not details and not found.is_published:
        details = ["edited but not published"]
    if details:
        yield ModifyComponent(component, tuple(columns), tuple(texts), tuple(details))


def _is_same(component: Component, name: str, value: Any, found: FoundComponent) -> bool:
    there = found.columns.get(name)
    if name in component.xml:
        return is_same_xml(str(there or ""), str(value))
    return bool(there == value)


def _told(component: Component, name: str, found: FoundComponent) -> Iterator[str]:
    """Say how a column differs: of XML the elements, of a short value the value, of a long one only that it differs."""
    before, after = found.columns.get(name), component.columns[name]
    if name in component.xml:
        try:
            yield from (f"{name} {line}" for line in _xml_lines(str(before), str(after)))
        except XmlMistake:
            yield f"{name} is not XML any more"
    elif max(len(str(before)), len(str(after))) <= 60:
        yield from_to(name, before, after)
    else:
        yield f"{name} differs"


def _xml_lines(before: str, after: str) -> Iterator[str]:
    """Say which elements go and come, in document order."""
    for line in difflib.ndiff(outline(before), outline(after)):
        if line[0] in "+-":
            yield f"{line[0]} {line[2:].strip()}"
