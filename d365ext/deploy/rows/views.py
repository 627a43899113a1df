"""Views as rows of savedquery.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-views (name, returnedtypecode,
fetchxml, layoutxml and querytype 0 make a public view).
"""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.definitions.views import View
from d365ext.definitions.viewxml import to_fetch_xml, to_layout_xml
from d365ext.deploy.component import VIEW, Component
from d365ext.deploy.publication import Publication

_PUBLIC = 0


def view_component(solution: Solution, view: View) -> Component:
    """Make the row of a public view."""
    primary_id = solution.primary_id(view.table)
    primary_name = solution.primary_name(view.table)
    return Component(
        kind=VIEW,
        id=view.id,
        key=view.key,
        table=view.table,
        texts={"name": view.label, "description": view.description},
        columns={
            "fetchxml": to_fetch_xml(view, primary_id=primary_id),
            "layoutxml": to_layout_xml(view, primary_id=primary_id, primary_name=primary_name),
        },
        xml=frozenset({"fetchxml", "layoutxml"}),
        create_only={"returnedtypecode": view.table, "querytype": _PUBLIC},
        publication=Publication(tables=frozenset({view.table})),
    )
