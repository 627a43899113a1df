"""The model-driven app and its site map.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/create-manage-model-driven-apps-using-code,
…/sitemap-schema (SiteMap, Area, Group, SubArea).
"""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from d365ext.definitions.ids import component_id
from d365ext.definitions.parts import Name, OurName, Part, Texts, refuse


class Item(Part):
    """One line of the navigation: a table or a dashboard."""

    name: OurName
    table: Name | None = None
    dashboard: str | None = None
    label: Texts | None = None
    """Needed by a dashboard; a table is called by its own name without it."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.table is None) == (self.dashboard is None):
            raise refuse("A line of the navigation leads to either a 'table' or a 'dashboard'.")
        if self.dashboard and self.label is None:
            raise refuse("A dashboard in the navigation needs a 'label'.")
        return self


class Group(Part):
    """A group of lines."""

    name: OurName
    label: Texts
    items: tuple[Item, ...] = Field(min_length=1, alias="item")


class App(Part):
    """The app. Its `name` is unique in the environment."""

    name: OurName
    label: Texts
    description: Texts = Field(default_factory=dict)
    groups: tuple[Group, ...] = Field(min_length=1, alias="group")
    views: tuple[str, ...] = ()
    """Views that the app shows beside those that its dashboards need; empty: all of ours."""

    roles: tuple[str, ...] = ()
    """The roles that may open it."""

    @property
    def id(self) -> UUID:
        """Its fixed id."""
        return component_id("app", self.name)

    @property
    def site_map_id(self) -> UUID:
        """The fixed id of its site map."""
        return component_id("site map", self.name)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it leads to."""
        return tuple(dict.fromkeys(item.table for group in self.groups for item in group.items if item.table))

    @property
    def dashboards(self) -> tuple[str, ...]:
        """The dashboards that it leads to."""
        named = (item.dashboard for group in self.groups for item in group.items if item.dashboard)
        return tuple(dict.fromkeys(named))
