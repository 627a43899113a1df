"""Charts as rows of savedqueryvisualization.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/sample-charts (datadescription: fetch, category,
measures by alias; presentationdescription: one Series for each measure).
"""

from __future__ import annotations

from lxml import etree

from d365ext.definitions.charts import Chart
from d365ext.deploy.component import CHART, Component
from d365ext.deploy.publication import Publication

_TYPES = {"bar": "Bar", "column": "Column", "funnel": "Funnel", "pie": "Pie"}
_COLOURS = ("55, 118, 193", "240, 138, 36", "106, 168, 79", "153, 102, 204", "150, 150, 150")


def chart_component(chart: Chart) -> Component:
    """Make the row of a chart."""
    return Component(
        kind=CHART,
        id=chart.id,
        key=chart.key,
        table=chart.table,
        texts={"name": chart.label, "description": chart.description},
        columns={"datadescription": _data(chart), "presentationdescription": _presentation(chart)},
        xml=frozenset({"datadescription", "presentationdescription"}),
        create_only={"primaryentitytypecode": chart.table, "isdefault": False},
        publication=Publication(tables=frozenset({chart.table})),
    )


def _data(chart: Chart) -> str:
    root = etree.Element("datadefinition")
    collection = etree.SubElement(root, "fetchcollection")
    fetch = etree.SubElement(collection, "fetch", mapping="logical", aggregate="true")
    if chart.top:
        fetch.set("count", str(chart.top))
    entity = etree.SubElement(fetch, "entity", name=chart.table)
    etree.SubElement(entity, "attribute", name=chart.category, groupby="true", alias="category")
    categories = etree.SubElement(etree.SubElement(root, "categorycollection"), "category", alias="category")
    for number, measure in enumerate(chart.measures):
        alias = f"measure{number}"
        etree.SubElement(entity, "attribute", name=measure.column, aggregate=measure.by, alias=alias)
        measures = etree.SubElement(categories, "measurecollection")
        etree.SubElement(measures, "measure", alias=alias)
    etree.SubElement(entity, "order", alias="measure0", descending="true")
    return etree.tostring(root, encoding="unicode")


def _presentation(chart: Chart) -> str:
    root = etree.Element("Chart")
    series = etree.SubElement(root, "Series")
    for number, _ in enumerate(chart.measures):
        one = etree.SubElement(series, "Series", ChartType=_TYPES[chart.type], IsValueShownAsLabel="True")
        one.set("Color", _COLOURS[number])
    area = etree.SubElement(etree.SubElement(root, "ChartAreas"), "ChartArea")
    etree.SubElement(area, "AxisY")
    etree.SubElement(area, "AxisX")
    etree.SubElement(etree.SubElement(root, "Titles"), "Title")
    return etree.tostring(root, encoding="unicode")
