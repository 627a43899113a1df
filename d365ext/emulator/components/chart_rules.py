"""What a chart must be: a data description with a query that runs, and a presentation.

Owns the checks on writes of savedqueryvisualization rows.
Source: powerapps-docs developer/model-driven-apps/sample-charts.md, …/view-data-with-visualizations-charts.md; codes:
…/includes/data-service-error-codes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import publishing
from d365ext.emulator.components.xml_text import parse
from d365ext.emulator.fetchxml import columns as fetch_columns
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

_BAD_FETCH = "0x8004E019"  # InvalidFetchCollection
_BAD_PRESENTATION = "0x8004E002"  # InvalidPresentationDescription


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a chart that is created or changed."""
    if row_id is None:
        for name in ("name", "primaryentitytypecode"):
            if not changes.get(name):
                raise Problem(
                    400, "0x80040200", f"The required field '{name}' of 'savedqueryvisualization' is missing."
                )
        check(session, changes)
    elif {"datadescription", "presentationdescription"} & set(changes):
        row = rows.find(session, table, row_id) or {}
        check(session, {**row, **publishing.pending(session, table.logical, row_id), **changes})


def check(session: Session, chart: Mapping[str, Any]) -> None:
    """Check both descriptions; a chart in a web resource has none.

    Source: InvalidFetchCollection 0x8004E019, InvalidPresentationDescription 0x8004E002, VisualizationOtcNotFoundError
    0x8004E015.
    """
    if chart.get("webresourceid"):
        return
    found = columns(session, chart)
    if found.table.logical != chart["primaryentitytypecode"]:
        raise Problem(
            400, "0x8004E015", f"The chart is of {chart['primaryentitytypecode']}, its query of {found.table.logical}."
        )
    root = parse(chart["datadescription"], "the datadescription", "datadefinition", _BAD_FETCH)
    for measure in root.iter("measure"):
        if measure.get("alias") not in found.returned:
            raise Problem(400, _BAD_FETCH, f"The measure {measure.get('alias')} is not a column of the chart's query.")
    parse(chart.get("presentationdescription"), "the presentationdescription", "Chart", _BAD_PRESENTATION)


def columns(session: Session, chart: Mapping[str, Any]) -> fetch_columns.FetchColumns:
    """Give what the chart's query names."""
    root = parse(chart.get("datadescription"), "the datadescription", "datadefinition", _BAD_FETCH)
    entity = root.find("fetchcollection/fetch/entity")
    if entity is None:
        raise Problem(400, _BAD_FETCH, "The fetch collection for the visualization is invalid.")
    return fetch_columns.read_entity(session, entity)
