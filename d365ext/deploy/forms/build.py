"""Form XML of our tabs and sections.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/form-xml-schema; class ids of the controls, subgrid
and related-records parameters as exports of real forms have them, Microsoft's own account form among them. A cell that
is several rows high needs that many `row` elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from lxml import etree

from d365ext.definitions.columns import (
    BigInt,
    ChoiceColumn,
    Column,
    Date,
    Decimal,
    Integer,
    Memo,
    Moment,
    Money,
    Text,
    YesNo,
)
from d365ext.definitions.forms import Cell, Section, Subgrid, Tab
from d365ext.definitions.solution import Solution
from d365ext.deploy.environment import Languages, Texts
from d365ext.deploy.forms.identity import part_id

_CONTROLS: dict[type[Column], str] = {
    Text: "{4273EDBD-AC1D-40D3-9FB2-095C621B552D}",
    Memo: "{E0DECE4B-6FC8-4A8F-A065-082708572369}",
    Integer: "{C6D124CA-7EDA-4A60-AEA9-7FB8D318B68F}",
    BigInt: "{C6D124CA-7EDA-4A60-AEA9-7FB8D318B68F}",
    Decimal: "{C3EFE0C3-0EC6-42BE-8349-CBD9079DFD8E}",
    Money: "{533B9E00-756B-4312-95A0-DC888637AC78}",
    Date: "{5B773807-9FB2-42DB-97C3-7A91EFF8ADFF}",
    Moment: "{5B773807-9FB2-42DB-97C3-7A91EFF8ADFF}",
    YesNo: "{67FAC785-CD58-4F9F-ABB3-4B7DDC6ED5ED}",
    ChoiceColumn: "{3EF39988-22BB-4F0B-BBBE-64B5A3748AEE}",
}
_LOOKUP = "{270BD3DB-D9AF-4782-9025-509E298DEC0A}"
_SUBGRID = "{E7A81278-8635-4D9E-8D4D-59480B391C5B}"


@dataclass(frozen=True, slots=True)
class FormPlace:
    """The form to build for: its id, its table, the control ids that others use in it."""

    solution: Solution
    languages: Languages
    form_id: UUID
    table: str
    taken: frozenset[str]


def build_tab(place: FormPlace, tab: Tab) -> etree._Element:
    """Build a tab with its sections."""
    element = etree.Element("tab", name=tab.name, id=part_id(place.form_id, tab.name), IsUserDefined="0")
    element.attrib.update({"locklevel": "0", "showlabel": "true", "expanded": "true", "verticallayout": "true"})
    add_labels(element, tab.label, place.languages)
    columns = etree.SubElement(element, "columns")
    for number, width in enumerate(tab.widths, start=1):
        column = etree.SubElement(columns, "column", width=f"{width}%")
        sections = etree.SubElement(column, "sections")
        sections.extend(build_section(place, each) for each in tab.sections if each.column == number)
    return element


def build_section(place: FormPlace, section: Section) -> etree._Element:
    """Build a section with its cells."""
    element = etree.Element("section", name=section.name, id=part_id(place.form_id, section.name), IsUserDefined="0")
    element.attrib.update(
        {
            "showlabel": _word(section.show_label),
            "showbar": "false",
            "columns": "1" * section.width,
            "labelwidth": "115",
            "celllabelalignment": "Left",
            "celllabelposition": "Left",
            "locklevel": "0",
        }
    )
    add_labels(element, section.label, place.languages)
    rows = etree.SubElement(element, "rows")
    row: etree._Element | None = None
    for number, cell in enumerate(section.cells):
        built = _cell(place, section, number, cell)
        if cell.subgrid is not None:
            etree.SubElement(rows, "row").append(built)
            for _ in range(cell.subgrid.rows - 1):
                etree.SubElement(rows, "row")
            row = None
        else:
            if row is None or len(row) == section.width:
                row = etree.SubElement(rows, "row")
            row.append(built)
    return element


def _cell(place: FormPlace, section: Section, number: int, cell: Cell) -> etree._Element:
    what = cell.column or f"subgrid{number}"
    element = etree.Element("cell", id=part_id(place.form_id, section.name, what), locklevel="0")
    if cell.subgrid is not None:
        element.attrib.update({"showlabel": "true", "rowspan": str(cell.subgrid.rows), "colspan": str(section.width)})
        add_labels(element, cell.label or {}, place.languages)
        element.append(_subgrid(place, f"{section.name}_{what}", cell.subgrid))
        return element
    element.set("showlabel", "true")
    add_labels(element, cell.label or _own_label(place, what), place.languages)
    element.append(_control(place, what, cell))
    return element


def _own_label(place: FormPlace, column: str) -> Texts:
    found = place.solution.column(place.table, column) or place.solution.lookup(place.table, column)
    return found.label if found else {}


def _control(place: FormPlace, column: str, cell: Cell) -> etree._Element:
    """Build the control of a column. A column that the form shows elsewhere gets a second control with another id."""
    kind = place.solution.column(place.table, column)
    class_id = _CONTROLS[type(kind)] if kind is not None else _LOOKUP
    control_id = f"{column}_pch" if column in place.taken else column
    element = etree.Element("control", id=control_id, classid=class_id, datafieldname=column)
    element.set("disabled", _word(cell.read_only))
    if cell.view or cell.filter:
        element.append(_lookup_parameters(place, cell))
    return element


def _lookup_parameters(place: FormPlace, cell: Cell) -> etree._Element:
    """Build the parameters of a lookup: one view, no list of recently used rows, the related-records filter."""
    parameters = etree.Element("parameters")
    values: dict[str, str] = {"AutoResolve": "true", "DisableMru": "true", "DisableQuickFind": "false"}
    if cell.view:
        view_id = f"{{{place.solution.views[cell.view].id}}}"
        values |= {"DefaultViewId": view_id, "AvailableViewIds": view_id, "DisableViewPicker": "true"}
    if cell.filter:
        other = place.solution.lookup(place.table, cell.filter.by)
        values |= {
            "FilterRelationshipName": cell.filter.through,
            "DependentAttributeName": f"{place.table}.{cell.filter.by}",
            "DependentAttributeType": other.to if other else "",
            "AllowFilterOff": "true",
        }
    for name, value in values.items():
        etree.SubElement(parameters, name).text = value
    return parameters


def _subgrid(place: FormPlace, control_id: str, subgrid: Subgrid) -> etree._Element:
    view = place.solution.views[subgrid.view]
    element = etree.Element("control", id=control_id, classid=_SUBGRID, indicationOfSubgrid="true")
    element.set("uniqueid", part_id(place.form_id, control_id, "control"))
    parameters = etree.SubElement(element, "parameters")
    values = {
        "ViewId": f"{{{view.id}}}",
        "IsUserView": "false",
        "RelationshipName": subgrid.relationship,
        "TargetEntityType": view.table,
        "AutoExpand": "Fixed",
        "EnableQuickFind": "false",
        "EnableViewPicker": "false",
        "EnableJumpBar": "false",
        "ChartGridMode": "Grid",
        "EnableChartPicker": "false",
        "RecordsPerPage": str(subgrid.rows),
    }
    for name, value in values.items():
        etree.SubElement(parameters, name).text = value
    return element


def add_labels(element: etree._Element, texts: Texts, languages: Languages) -> None:
    """Write texts as the labels of a node, in the languages that the environment has."""
    labels = etree.SubElement(element, "labels")
    by_code = {languages.codes[language]: text for language, text in languages.kept(texts).items()}
    if texts:
        by_code.setdefault(languages.base, languages.in_base(texts))
    for code, text in sorted(by_code.items()):
        etree.SubElement(labels, "label", description=text, languagecode=str(code))


def _word(value: bool) -> str:  # noqa: FBT001 - a value, not a switch
    return "true" if value else "false"
