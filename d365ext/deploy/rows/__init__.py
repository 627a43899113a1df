"""Turns the declared views, charts, dashboards, scripts … into rows, one module for each kind. Pure."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.deploy.component import Component
from d365ext.deploy.environment import Languages
from d365ext.deploy.rows.app import app_component, site_map_component
from d365ext.deploy.rows.charts import chart_component
from d365ext.deploy.rows.dashboards import dashboard_component
from d365ext.deploy.rows.scripts import script_components
from d365ext.deploy.rows.views import view_component


def components_of(solution: Solution, languages: Languages) -> tuple[Component, ...]:
    """Make every component that is a row, in the order in which they can be created."""
    return (
        *script_components(solution, languages),
        *(view_component(solution, view) for view in solution.views.values()),
        *(chart_component(chart) for chart in solution.charts.values()),
        *(dashboard_component(solution, dashboard, languages) for dashboard in solution.dashboards.values()),
        *(
            (site_map_component(solution, solution.app, languages), app_component(solution, solution.app))
            if solution.app
            else ()
        ),
    )
