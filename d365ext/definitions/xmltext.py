"""XML as text: read safely, compared by meaning.

Source: FetchXML, form XML and chart XML are plain XML without DTDs (learn.microsoft.com/power-apps/developer/
model-driven-apps/form-xml-schema); a document that declares entities is refused.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)


class XmlMistake(ValueError):  # noqa: N818 - a mistake of the person, caught where its file and line are known
    """A text is not the XML it should be; says why, and on which of its lines."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse_xml(text: str) -> etree._Element:
    """Parse one element.

    Errors:  XmlMistake, with the line inside `text`.
    """
    try:
        root = etree.fromstring(text.encode(), _PARSER)
    except etree.XMLSyntaxError as cause:
        message = re.sub(r",? line \d+, column \d+$", "", cause.msg.rstrip("."))
        raise XmlMistake(message, cause.lineno or 1) from cause
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlMistake("a DOCTYPE is not allowed here", 1)
    return root


def parse_fragment(text: str) -> list[etree._Element]:
    """Parse elements that stand one after the other, none around them.

    Errors:  XmlMistake, with the line inside `text`.
    """
    return list(parse_xml(f"<_>{text}</_>"))


def line_of(element: etree._Element) -> int:
    """Give the line on which `element` begins in the text that was parsed."""
    line: Any = element.sourceline
    return int(line or 1)


def lines_below(text: str, line: int) -> int:
    """Say how many lines below its key in a TOML file line `line` of a text stands.

    A text of several lines is written to begin on the line below its key.
    """
    return line if "\n" in text else line - 1


def canonical(text: str) -> str:
    """Write XML so that two texts that mean the same are the same: no blanks between elements, attributes sorted.

    Errors:  XmlMistake.
    """
    written: str = etree.canonicalize(etree.tostring(parse_xml(text), encoding="unicode"), strip_text=True)
    return written


def is_same_xml(one: str, other: str) -> bool:
    """Say whether two texts mean the same; a text that is not XML is the same only as itself."""
    try:
        return canonical(one) == canonical(other)
    except XmlMistake:
        return one == other


def outline(text: str) -> list[str]:
    """Write XML as one line an element, without closing tags, indented by depth; to compare line by line.

    Errors:  XmlMistake.
    """

    def told(element: etree._Element, depth: int) -> list[str]:
        pairs: Any = sorted(element.attrib.items())
        attributes = "".join(f' {name}="{value}"' for name, value in pairs)
        content = f" {element.text.strip()}" if element.text and element.text.strip() else ""
        own = f"{'  ' * depth}<{element.tag}{attributes}>{content}"
        return [own, *(line for child in element for line in told(child, depth + 1))]

    return told(parse_xml(canonical(text)), 0)
