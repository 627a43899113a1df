"""Views: which rows of a table, in which order, with which columns."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from d365ext.definitions.ids import component_id
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


KINDS = {"public": 0, "advanced find": 1, "associated": 2, "quick find": 4, "lookup": 64}
"""Kinds of views and their `querytype`. Of all but the public ones a table has exactly one, which is only changed.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-views (types of views).
"""


class View(Part):
    """A view. Its `key` is the name of its file.

    A public view has a fixed id, so that forms, dashboards and programs can name it; of the other kinds a table has one
    each, whose id differs between environments.
    """

    key: str
    table: Name
    kind: Literal["public", "advanced find", "associated", "quick find", "lookup"] = "public"
    given_id: UUID | None = Field(default=None, alias="id")
    label: Texts
    description: Texts = Field(default_factory=dict)
    columns: tuple[ViewColumn, ...] = Field(min_length=1)
    order: tuple[Annotated[str, AfterValidator(_is_an_order)], ...] = ()
    filter: Xml = ""
    links: Xml = ""

    @property
    def id(self) -> UUID:
        """Its fixed id: the given one, or one made of its key."""
        return self.given_id or component_id("view", self.key)
