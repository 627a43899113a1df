"""Dashboards as rows of systemform of type 0.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/create-dashboard (a section's rows as high as its
tiles, AutoExpand Fixed, ChartGridMode Chart or Grid, ids in braces).
"""

from __future__ import annotations

from lxml import etree

from d365ext.definitions.dashboards import Dashboard, Tile
from d365ext.definitions.solution import Solution
from d365ext.deploy.component import DASHBOARD, Component
from d365ext.deploy.environment import Languages
from d365ext.deploy.forms.build import add_labels
from d365ext.deploy.forms.identity import part_id
from d365ext.deploy.publication import Publication

_DASHBOARD = 0
_TILE_ROWS = 12
_TILE = "{E7A81278-8635-4D9E-8D4D-59480B391C5B}"


def dashboard_component(solution: Solution, dashboard: Dashboard, languages: Languages) -> Component:
    """Make the row of a dashboard."""
    return Component(
        kind=DASHBOARD,
        id=dashboard.id,
        key=dashboard.key,
        texts={"name": dashboard.label, "description": dashboard.description},
        columns={"formxml": _form(solution, dashboard, languages)},
        xml=frozenset({"formxml"}),
        create_only={"type": _DASHBOARD, "isdefault": False},
        publication=Publication(dashboards=frozenset({dashboard.id})),
    )


def _form(solution: Solution, dashboard: Dashboard, languages: Languages) -> str:
    form = etree.Element("form")
    tab = etree.SubElement(etree.SubElement(form, "tabs"), "tab", name="dashboard", id=part_id(dashboard.id, "tab"))
    tab.attrib.update({"verticallayout": "true", "showlabel": "false", "expanded": "true"})
    add_labels(tab, dashboard.label, languages)
    column = etree.SubElement(etree.SubElement(tab, "columns"), "column", width="100%")
    sections = etree.SubElement(column, "sections")
    for number, line in enumerate(_lines(dashboard)):
        sections.append(_section(solution, dashboard, languages, number, line))
    return etree.tostring(form, encoding="unicode")


def _lines(dashboard: Dashboard) -> list[list[tuple[int, Tile]]]:
    """Put the tiles in lines: a wide one alone, others two by two."""
    lines: list[list[tuple[int, Tile]]] = []
    for number, tile in enumerate(dashboard.tiles):
        open_line = lines[-1] if lines and len(lines[-1]) == 1 and not lines[-1][0][1].wide else None
        if tile.wide or open_line is None:
            lines.append([(number, tile)])
        else:
            open_line.append((number, tile))
    return lines


def _section(
    solution: Solution, dashboard: Dashboard, languages: Languages, number: int, line: list[tuple[int, Tile]]
) -> etree._Element:
    section = etree.Element("section", name=f"line{number}", id=part_id(dashboard.id, "section", str(number)))
    section.attrib.update({"showlabel": "false", "showbar": "false", "columns": "1" * len(line)})
    add_labels(section, dashboard.label, languages)
    rows = etree.SubElement(section, "rows")
    first = etree.SubElement(rows, "row")
    for position, tile in line:
        first.append(_cell(solution, dashboard, languages, position, tile))
    for _ in range(_TILE_ROWS - 1):
        etree.SubElement(rows, "row")
    return section


def _cell(solution: Solution, dashboard: Dashboard, languages: Languages, number: int, tile: Tile) -> etree._Element:
    cell = etree.Element("cell", id=part_id(dashboard.id, "cell", str(number)), colspan="1", rowspan=str(_TILE_ROWS))
    cell.attrib.update({"showlabel": "true", "auto": "false"})
    add_labels(cell, tile.label, languages)
    view = solution.views[tile.view]
    control = etree.SubElement(cell, "control", id=f"tile{number}", classid=_TILE)
    control.set("uniqueid", part_id(dashboard.id, "control", str(number)))
    parameters = etree.SubElement(control, "parameters")
    values = {
        "ViewId": f"{{{view.id}}}",
        "IsUserView": "false",
        "RelationshipName": "",
        "TargetEntityType": view.table,
        "AutoExpand": "Fixed",
        "EnableQuickFind": "false",
        "EnableViewPicker": "true",
        "EnableJumpBar": "false",
        "ChartGridMode": "Chart" if tile.chart else "Grid",
        "VisualizationId": f"{{{solution.charts[tile.chart].id}}}" if tile.chart else "",
        "IsUserChart": "false",
        "EnableChartPicker": "true",
        "RecordsPerPage": "10",
    }
    for name, value in values.items():
        etree.SubElement(parameters, name).text = value or None
    return cell
