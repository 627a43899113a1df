"""Charts: what is added up, by what.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/view-data-with-visualizations-charts (a chart is
drawn over the rows of a view), …/sample-charts.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from d365ext.definitions.ids import component_id
from d365ext.definitions.parts import Name, Part, Texts


class Measure(Part):
    """A column, added up or counted."""

    column: Name
    by: Literal["sum", "count", "avg"] = "sum"


class Chart(Part):
    """A chart over the rows of a view of `table`. Its `key` is the name of its file."""

    key: str
    table: Name
    label: Texts
    description: Texts = Field(default_factory=dict)
    type: Literal["bar", "column", "funnel", "pie"]
    category: Name
    measures: tuple[Measure, ...] = Field(min_length=1, max_length=5)
    top: int | None = Field(default=None, ge=1, le=100)
    """Only the categories with the most of the first measure."""

    @property
    def id(self) -> UUID:
        """Its fixed id."""
        return component_id("chart", self.key)
