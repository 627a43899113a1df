"""What is ours in a form, against what it should be: silent where it holds, merged where it does not.

Whatever others did to our nodes and we do not speak of stays: attributes, labels in other languages, rows and sections
that they put in. Nodes with ids of our kind that we no longer declare go.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from d365ext.deploy.environment import Languages
from d365ext.deploy.forms.identity import is_made_of_names

_CONTAINERS = frozenset({"columns", "sections", "rows", "row"})
"""Elements in which others may have put something of theirs."""


def holds(there: etree._Element, wanted: etree._Element, languages: Languages) -> bool:
    """Say whether a node is as we want it, as far as we speak of it."""
    if there.tag != wanted.tag or (there.text or "").strip() != (wanted.text or "").strip():
        return False
    if any(not _is_same(there.get(str(name)), str(value)) for name, value in wanted.attrib.items()):
        return False
    if wanted.tag == "labels":
        spoken = {each.get("languagecode") for each in wanted} | {str(code) for code in languages.codes.values()}
        given = [each for each in there if each.get("languagecode") in spoken]
    else:
        given = [each for each in there if not _is_theirs(each, wanted)]
    return len(given) == len(wanted) and all(
        holds(one, other, languages) for one, other in zip(_sorted(given), _sorted(list(wanted)), strict=True)
    )


def merged(there: etree._Element, wanted: etree._Element, languages: Languages) -> etree._Element:
    """Make the node as we want it, with what others put into it."""
    made = deepcopy(wanted)
    _merge_into(made, there, languages)
    return made


def _merge_into(made: etree._Element, there: etree._Element, languages: Languages) -> None:
    for name, value in there.attrib.items():
        if name not in made.attrib:
            made.set(name, value)
    if made.tag == "labels":
        ours = {str(code) for code in languages.codes.values()} | {each.get("languagecode") for each in made}
        made.extend(deepcopy(each) for each in there if each.get("languagecode") not in ours)
        return
    theirs = [each for each in there if _is_theirs(each, made)]
    for child in made:
        counterpart = _counterpart(child, there)
        if counterpart is not None:
            _merge_into(child, counterpart, languages)
    made.extend(deepcopy(each) for each in theirs)


def _is_theirs(child: etree._Element, container: etree._Element) -> bool:
    """Say whether somebody else put `child` into one of our containers: it holds an id that is none of our kind."""
    if container.tag not in _CONTAINERS:
        return False
    ids = [each.get("id") for each in child.iter("section", "cell") if each.get("id")]
    return bool(ids) and not any(is_made_of_names(str(each)) for each in ids)


def _counterpart(child: etree._Element, there: etree._Element) -> etree._Element | None:
    """Find what `child` is in the other tree: by id, else by its place among those of its tag."""
    same_tag = [each for each in there if each.tag == child.tag]
    if child.get("id"):
        return next((each for each in same_tag if _is_same(each.get("id"), child.get("id"))), None)
    parent = child.getparent()
    assert parent is not None, "a child has a parent"  # noqa: S101 - our own mistake, if ever
    position = [each for each in parent if each.tag == child.tag].index(child)
    return same_tag[position] if position < len(same_tag) else None


def _is_same(one: str | None, other: str | None) -> bool:
    """Compare values; GUIDs and class ids are the same in any case."""
    if one is None or other is None:
        return one is other
    return one == other or (one.startswith("{") and one.lower() == other.lower())


def _sorted(elements: list[etree._Element]) -> list[etree._Element]:
    """Put labels in the order of their languages: theirs does not matter. Everything else keeps its order."""
    return sorted(elements, key=lambda each: int(each.get("languagecode") or 0)) if elements else elements
