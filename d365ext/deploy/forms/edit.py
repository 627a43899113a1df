"""Puts our tabs, sections and scripts into a form, and takes them out again.

Everything else in the form stays byte for byte as it is. Taking out what was put in gives the form back byte for byte,
unless others have since changed it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from d365ext.definitions.forms import FormAddition
from d365ext.definitions.splice import Node, Splice, after, inside, locate, spliced, without
from d365ext.definitions.xmltext import outline, parse_xml
from d365ext.deploy.forms.build import FormPlace, build_section, build_tab
from d365ext.deploy.forms.identity import part_id
from d365ext.deploy.forms.leftovers import leftovers
from d365ext.deploy.forms.merge import holds, merged
from d365ext.deploy.forms.scripts import script_removals, script_splices


@dataclass(slots=True)
class Edit:
    """What to do to a form, and how it is told."""

    splices: list[Splice] = field(default_factory=list)
    details: list[str] = field(default_factory=list)


def put_in(text: str, place: FormPlace, additions: Iterable[FormAddition]) -> tuple[str, tuple[str, ...]]:
    """Put everything that `additions` say into a form.

    Shape:   the form and what changed, line by line; the same text and no line if all is there as it should be.
    Errors:  XmlMistake if the form is not XML.
    """
    root = locate(text)
    edit = Edit()
    additions = list(additions)
    for addition in additions:
        for tab in addition.tabs:
            _put(edit, text, root, build_tab(place, tab), _last_tab(root), place)
        for section in addition.sections:
            _put(edit, text, root, build_section(place, section), _last_section(root, place), place)
    _drop_undeclared(edit, text, root, place, additions)
    script_splices(edit.splices, edit.details, root, place, additions)
    return spliced(text, edit.splices), tuple(edit.details)


def take_out(text: str, place: FormPlace) -> tuple[str, tuple[str, ...]]:
    """Take everything of ours out of a form, and tell what.

    Errors:  XmlMistake if the form is not XML.
    """
    root = locate(text)
    edit = Edit()
    _drop_undeclared(edit, text, root, place, [])
    script_removals(edit.splices, edit.details, root, place)
    return spliced(text, edit.splices), tuple(edit.details)


def _put(edit: Edit, text: str, root: Node, wanted: etree._Element, beside: Splice | None, place: FormPlace) -> None:
    """Put a node in, or make the one that is there as it should be."""
    name = wanted.get("name") or ""
    there = next((node for node in root.all(str(wanted.tag)) if node.get("name") == name), None)
    if there is None:
        if beside is not None:
            edit.splices.append(Splice(beside.start, beside.end, beside.text.replace(_HERE, _written(wanted))))
            edit.details.append(f"+ {wanted.tag} {name}")
        return
    element = parse_xml(text.encode()[there.start : there.end].decode())
    if holds(element, wanted, place.languages):
        return
    made = merged(element, wanted, place.languages)
    edit.splices.append(Splice(there.start, there.end, _written(made)))
    edit.details += [f"~ {wanted.tag} {name} {line}" for line in _lines(element, made)]


_HERE = "\0"
"""Stands in a splice for the node that will be put there."""


def _last_tab(root: Node) -> Splice | None:
    tabs = root.child("tabs")
    return after(tabs.children[-1], _HERE) if tabs and tabs.children else None


def _last_section(root: Node, place: FormPlace) -> Splice | None:
    """Find the end of the first column of the first tab that people see and that is not ours."""
    tabs = root.child("tabs")
    for tab in tabs.children if tabs else ():
        sections = next(tab.all("sections"), None)
        if tab.get("visible") != "false" and sections and sections.children and not _is_ours(tab, place):
            return inside(sections, _HERE)
    return None


def _is_ours(node: Node, place: FormPlace) -> bool:
    return bool(node.get("name")) and node.get("id").lower() == part_id(place.form_id, node.get("name"))


def _drop_undeclared(edit: Edit, text: str, root: Node, place: FormPlace, additions: list[FormAddition]) -> None:
    """Take out our tabs and sections that no addition names; what others put into them stays."""
    declared = {tab.name for addition in additions for tab in addition.tabs}
    declared |= {section.name for addition in additions for section in addition.sections}
    for node in _outermost(root, place):
        if node.get("name") in declared:
            continue
        rest = leftovers(parse_xml(text.encode()[node.start : node.end].decode()))
        edit.splices.append(without(node) if rest is None else Splice(node.start, node.end, _written(rest)))
        edit.details.append(
            f"- {node.tag} {node.get('name')}{'' if rest is None else ', but for what others put there'}"
        )


def _outermost(node: Node, place: FormPlace) -> Iterator[Node]:
    """Give our tabs and sections that do not stand in another of ours."""
    for child in node.children:
        if child.tag in ("tab", "section") and _is_ours(child, place):
            yield child
        else:
            yield from _outermost(child, place)


def _written(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _lines(before: etree._Element, after_: etree._Element) -> Iterator[str]:
    for line in difflib.ndiff(outline(_written(before)), outline(_written(after_))):
        if line[0] in "+-":
            yield f"{line[0]} {line[2:].strip()}"
