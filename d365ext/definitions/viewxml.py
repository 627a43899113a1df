"""FetchXML and layout XML of a view.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-views (layoutxml: grid, row, cell;
every cell is an attribute of the fetch; a column of a joined table is `alias.column`).
"""

from __future__ import annotations

from lxml import etree

from d365ext.definitions.views import View
from d365ext.definitions.xmltext import parse_fragment


def to_fetch_xml(view: View, *, primary_id: str) -> str:
    """Write the query of `view`: its columns, order, filter and joined tables."""
    fetch = etree.Element("fetch", version="1.0", mapping="logical")
    entity = etree.SubElement(fetch, "entity", name=view.table)
    own = [column.column for column in view.columns if not column.alias]
    for name in dict.fromkeys([primary_id, *own]):
        etree.SubElement(entity, "attribute", name=name)
    for order in view.order:
        column, _, direction = order.partition(" ")
        etree.SubElement(entity, "order", attribute=column, descending="true" if direction == "desc" else "false")
    entity.extend(parse_fragment(view.filter))
    for link in parse_fragment(view.links):
        entity.append(link)
        _add_columns(link, view)
    return _text(fetch)


def _add_columns(link: etree._Element, view: View) -> None:
    """Let a joined table give the columns that the view shows of it, so that a column is one line in the file."""
    for inner in [link, *link.iter("link-entity")]:
        alias = inner.get("alias")
        given = {attribute.get("name") for attribute in inner.findall("attribute")}
        wanted = [column.column for column in view.columns if alias and column.alias == alias]
        missing = [name for name in dict.fromkeys(wanted) if name not in given]
        for position, name in enumerate(missing, start=len(given)):
            attribute = etree.Element("attribute", name=name)
            inner.insert(position, attribute)


def to_layout_xml(view: View, *, primary_id: str, primary_name: str) -> str:
    """Write how the columns of `view` stand beside each other.

    The grid names no object type code: it differs between environments, and exports of today leave it out.
    """
    grid = etree.Element("grid", name="resultset", jump=primary_name, select="1", icon="1", preview="1")
    row = etree.SubElement(grid, "row", name="result", id=primary_id)
    for column in view.columns:
        cell = etree.SubElement(row, "cell", name=column.name, width=str(column.width))
        if column.alias:
            cell.set("disableSorting", "1")
    return _text(grid)


def _text(element: etree._Element) -> str:
    for each in element.iter():  # the blanks of the TOML file are for people
        each.text = each.text if each.text and each.text.strip() else None
        each.tail = None
    return etree.tostring(element, encoding="unicode")
