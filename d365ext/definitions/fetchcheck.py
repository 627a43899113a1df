"""Finds the columns and tables that a FetchXML names and that nobody has.

Source: learn.microsoft.com/power-apps/developer/data-platform/fetchxml/reference (`attribute`, `order`, `condition`,
`link-entity`; a condition or order with `entityname` speaks of the table joined under that alias).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from d365ext.definitions.known import Known
from d365ext.definitions.validation import unknown
from d365ext.definitions.xmltext import line_of


@dataclass(frozen=True, slots=True)
class FetchMistake:
    """What is wrong, and on which line of the text that was parsed."""

    message: str
    line: int


def joined_tables(elements: Iterable[etree._Element]) -> dict[str, str]:
    """Give the table behind each alias of the link-entities in `elements`."""
    links = (link for element in elements for link in element.iter("link-entity"))
    return {alias: link.get("name", "") for link in links if (alias := link.get("alias"))}


def fetch_mistakes(
    elements: Iterable[etree._Element], table: str, known: Known, joined: Mapping[str, str]
) -> Iterator[FetchMistake]:
    """Check elements that stand inside an `entity` or `link-entity` of `table`; `joined` tells what aliases mean."""
    for element in elements:
        line = line_of(element)
        inner = table
        if element.tag == "link-entity":
            inner = element.get("name", "")
            if not known.has_table(inner):
                yield FetchMistake(unknown(inner, known.tables, what="table"), line)
            named = [(element.get("to"), table), (element.get("from"), inner)]
        elif element.tag == "attribute":
            named = [(element.get("name"), table)]
        elif element.tag in ("order", "condition"):
            alias = element.get("entityname")
            named = [(element.get("attribute"), joined.get(alias, "") if alias else table)]
        else:
            named = []
        for column, of in named:
            if column and not known.has_column(of, column):
                yield FetchMistake(unknown(column, known.columns(of), what=f"column of {of}"), line)
        yield from fetch_mistakes(element, inner, known, joined)
