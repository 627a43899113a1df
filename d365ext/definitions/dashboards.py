"""Dashboards: charts and lists side by side.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/create-dashboard.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from d365ext.definitions.ids import component_id
from d365ext.definitions.parts import Part, Texts


class Tile(Part):
    """A list, or a chart over it."""

    view: str
    chart: str | None = None
    label: Texts
    wide: bool = False
    """As wide as the dashboard, else half of it."""


class Dashboard(Part):
    """A dashboard of the whole organization. Its `key` is the name of its file."""

    key: str
    label: Texts
    description: Texts = Field(default_factory=dict)
    tiles: tuple[Tile, ...] = Field(min_length=1, max_length=8, alias="tile")

    @property
    def id(self) -> UUID:
        """Its fixed id."""
        return component_id("dashboard", self.key)
