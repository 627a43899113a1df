"""Charts, dashboards, the app and roles name tables, columns, views and one another as they are."""

from __future__ import annotations

from d365ext.definitions.draft import Draft
from d365ext.definitions.known import Known
from d365ext.definitions.tables import OwnTable
from d365ext.definitions.validation import unknown


def check_charts(draft: Draft, known: Known) -> None:
    """Note every mistake in the charts."""
    for chart in draft.charts.values():
        table = chart.part.table
        if not known.has_table(table):
            draft.refuse(chart, unknown(table, known.tables, what="table"), "table")
            continue
        if not known.has_column(table, chart.part.category):
            message = unknown(chart.part.category, known.columns(table), what=f"column of {table}")
            draft.refuse(chart, message, "category")
        for number, measure in enumerate(chart.part.measures):
            if not known.has_column(table, measure.column):
                message = unknown(measure.column, known.columns(table), what=f"column of {table}")
                draft.refuse(chart, message, "measures", number, "column")


def check_dashboards(draft: Draft) -> None:
    """Note every mistake in the dashboards: a chart stands over a view of its own table."""
    for dashboard in draft.dashboards.values():
        for number, tile in enumerate(dashboard.part.tiles):
            place = ("tile", number)
            view = draft.views.get(tile.view)
            if view is None and f"views/{tile.view}" not in draft.unread:
                draft.refuse(dashboard, unknown(tile.view, sorted(draft.views), what="view"), *place, "view")
            if tile.chart is None:
                continue
            chart = draft.charts.get(tile.chart)
            if chart is None and f"charts/{tile.chart}" not in draft.unread:
                draft.refuse(dashboard, unknown(tile.chart, sorted(draft.charts), what="chart"), *place, "chart")
            if view and chart and view.part.table != chart.part.table:
                message = f"The chart is of {chart.part.table}, the view of {view.part.table}."
                draft.refuse(dashboard, message, *place, "chart")


def check_app(draft: Draft, known: Known) -> None:
    """Note every mistake in the app."""
    if draft.app is None:
        return
    for number, view in enumerate(draft.app.part.views):
        if view not in known.views:
            draft.refuse(draft.app, unknown(view, sorted(known.views), what="view"), "views", number)
    for number, role in enumerate(draft.app.part.roles):
        if role not in draft.roles and f"roles/{role}" not in draft.unread:
            draft.refuse(draft.app, unknown(role, sorted(draft.roles), what="role"), "roles", number)
    for outer, group in enumerate(draft.app.part.groups):
        for inner, item in enumerate(group.items):
            place = ("group", outer, "item", inner)
            if item.table and not known.has_table(item.table):
                draft.refuse(draft.app, unknown(item.table, known.tables, what="table"), *place, "table")
            if item.dashboard and item.dashboard not in draft.dashboards:
                if f"dashboards/{item.dashboard}" in draft.unread:
                    continue
                message = unknown(item.dashboard, sorted(draft.dashboards), what="dashboard")
                draft.refuse(draft.app, message, *place, "dashboard")


def check_roles(draft: Draft, known: Known) -> None:
    """Note every mistake in the roles: a table that the organization owns knows only its depth.

    Source: learn.microsoft.com/power-platform/admin/security-roles-privileges.
    """
    for role in draft.roles.values():
        for table, rights in role.part.tables.items():
            if not known.has_table(table):
                draft.refuse(role, unknown(table, known.tables, what="table"), "table", table)
            placed = draft.tables.get(table)
            is_organizations = placed and isinstance(placed.part, OwnTable) and placed.part.ownership == "organization"
            for right, depth in rights.model_dump(exclude_none=True).items():
                if is_organizations and depth != "organization":
                    message = f"{table} is owned by the organization: its only depth is 'organization'."
                    draft.refuse(role, message, "table", table, right)
                if is_organizations and right in ("assign", "share"):
                    draft.refuse(role, f"{table} has no owner: there is no '{right}'.", "table", table, right)
