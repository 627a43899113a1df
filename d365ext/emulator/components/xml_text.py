"""XML inside columns of component rows, read safely.

Owns the parsing and its refusals. Must not know what the XML means.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from d365ext.emulator.problems import Problem

TEXT_MAX = 8 * 1024 * 1024
"""More than any form or view has; above it a parser only wastes memory."""


def parse(text: object, what: str, root: str, code: str = "0x80040201") -> Element:
    """Parse XML whose root element must be `root`; 400 if it is something else.

    Source: InvalidXml 0x80040201 "Invalid XML." is the neighbour of EmptyXml 0x80040202 in the code table.
    """
    if not isinstance(text, str) or not text.strip():
        raise Problem(400, "0x80040202", f"Empty XML: {what} has no text.")
    if len(text) > TEXT_MAX:
        raise Problem(400, code, f"{what} has more than {TEXT_MAX:,} characters.")
    try:
        element: Element = fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise Problem(400, code, f"Invalid XML: {what} cannot be read: {error}.") from error
    if element.tag != root:
        raise Problem(400, code, f"Invalid XML: {what} must be a {root} element, not {element.tag}.")
    return element
