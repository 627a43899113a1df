"""Views as rows of savedquery.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-views (name, returnedtypecode,
fetchxml, layoutxml and querytype 0 make a public view).
"""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.definitions.views import KINDS, View
from d365ext.definitions.viewxml import to_fetch_xml, to_layout_xml
from d365ext.deploy.component import VIEW, Component
from d365ext.deploy.publication import Publication


def view_component(solution: Solution, view: View) -> Component:
    """Make the row of a view. One that is not public comes with its table and is only changed."""
    is_public = view.kind == "public"
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
        create_only={"returnedtypecode": view.table, "querytype": KINDS[view.kind]},
        publication=Publication(tables=frozenset({view.table})),
        found_by="" if is_public else f"returnedtypecode eq '{view.table}' and querytype eq {KINDS[view.kind]}",
        comes_with_its_table=not is_public,
    )
