"""Turns the declared views, charts, dashboards, scripts … into rows, one module for each kind. Pure."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.deploy.component import Component
from d365ext.deploy.rows.views import view_component


def components_of(solution: Solution) -> tuple[Component, ...]:
    """Make every component that is a row, in the order in which they can be created."""
    return tuple(view_component(solution, view) for view in solution.views.values())
