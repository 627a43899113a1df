"""Views: which rows of a table, in which order, with which columns."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from d365ext.definitions.parts import Name, Part, Texts, refuse
from d365ext.definitions.xmltext import XmlMistake, lines_below, parse_fragment


def _is_an_order(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*( asc| desc)?", text):
        raise refuse(f"'{text}' is no order: write 'column', 'column asc' or 'column desc'.")
    return text


def _is_xml(text: str) -> str:
    try:
        parse_fragment(text)
    except XmlMistake as mistake:
        raise refuse(f"This is not XML: {mistake}.", below=lines_below(text, mistake.line)) from mistake
    return text


Xml = Annotated[str, AfterValidator(_is_xml)]
"""XML elements, one after the other, with no declaration."""


class ViewColumn(Part):
    """One column as shown: of the table, or `alias.column` of a table that `links` joins."""

    name: str = Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*\.)?[a-z][a-z0-9_]*$")
    width: int = Field(default=100, ge=25, le=800)

    @property
    def alias(self) -> str:
        """Give the alias of the joined table, or nothing."""
        return self.name.rpartition(".")[0]

    @property
    def column(self) -> str:
        """Give the column without the alias."""
        return self.name.rpartition(".")[2]


class View(Part):
    """A public view. Its `key` is the name of its file."""

    key: str
    id: UUID
    table: Name
    label: Texts
    description: Texts = Field(default_factory=dict)
    columns: tuple[ViewColumn, ...] = Field(min_length=1)
    order: tuple[Annotated[str, AfterValidator(_is_an_order)], ...] = ()
    filter: Xml = ""
    links: Xml = ""
