"""What remains of our tab or section when we leave: what others put into it, and as much around it as that needs."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from d365ext.deploy.forms.identity import is_made_of_names


def leftovers(element: etree._Element) -> etree._Element | None:
    """Give the element without our cells and empty sections; None if nothing of others is in it."""
    if not _holds_theirs(element):
        return None
    rest = deepcopy(element)
    for cell in [each for each in rest.iter("cell") if is_made_of_names(each.get("id") or "")]:
        _remove(cell)
    for row in [each for each in rest.iter("row") if len(each) == 0]:
        _remove(row)
    for section in [each for each in rest.iter("section") if each is not rest and not _holds_theirs(each)]:
        _remove(section)
    return rest


def _holds_theirs(element: etree._Element) -> bool:
    cells = any(not is_made_of_names(each.get("id") or "") for each in element.iter("cell"))
    inner = [each for each in element.iter("section") if each is not element]
    return cells or any(not is_made_of_names(each.get("id") or "") for each in inner)


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
