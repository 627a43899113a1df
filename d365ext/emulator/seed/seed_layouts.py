"""Forms and views of the sales tables in a new organization, written by us from a list of columns.

Owns `standard/layouts.json` (which columns stand where) and the XML made of it. They are plausible, not Microsoft's:
enough for a deployment to have something real to extend.
Source of the grammar: FormXml.xsd, Fetch.xsd as in metadata-plane.md §4 and §5; control class ids there, §5.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from xml.sax.saxutils import quoteattr

import orjson

from d365ext.emulator.rows import rows
from d365ext.emulator.seed.seed_ids import fixed
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, ColumnType, Table

PUBLIC, ASSOCIATED, QUICK_FIND, LOOKUP = 0, 2, 4, 64
MAIN, QUICK_CREATE = 2, 7
_LAYOUTS = Path(__file__).parents[1] / "standard" / "layouts.json"

_CLASS_IDS = {
    ColumnType.STRING: "4273EDBD-AC1D-40D3-9FB2-095C621B552D",
    ColumnType.MEMO: "E0DECE4B-6FC8-4A8F-A065-082708572369",
    ColumnType.LOOKUP: "270BD3DB-D9AF-4782-9025-509E298DEC0A",
    ColumnType.OWNER: "270BD3DB-D9AF-4782-9025-509E298DEC0A",
    ColumnType.CUSTOMER: "270BD3DB-D9AF-4782-9025-509E298DEC0A",
    ColumnType.DATETIME: "5B773807-9FB2-42DB-97C3-7A91EFF8ADFF",
    ColumnType.PICKLIST: "3EF39988-22BB-4F0B-BBBE-64B5A3748AEE",
    ColumnType.STATE: "3EF39988-22BB-4F0B-BBBE-64B5A3748AEE",
    ColumnType.STATUS: "5D68B988-0661-4DB2-BC3E-17598AD3BE6C",
    ColumnType.BOOLEAN: "67FAC785-CD58-4F9F-ABB3-4B7DDC6ED5ED",
    ColumnType.MONEY: "533B9E00-756B-4312-95A0-DC888637AC78",
    ColumnType.DECIMAL: "C3EFE0C3-0EC6-42BE-8349-CBD9079DFD8E",
    ColumnType.INTEGER: "C6D124CA-7EDA-4A60-AEA9-7FB8D318B68F",
    ColumnType.DOUBLE: "0D2C745A-E5A8-4C8F-BA63-C6D3BB604660",
}


def plant(session: Session) -> None:
    """Create the forms and views of layouts.json."""
    forms, views = session.schema.table("systemform"), session.schema.table("savedquery")
    for name, layout in orjson.loads(_LAYOUTS.read_bytes()).items():
        table = session.schema.table(name)
        rows.create_many(session, forms, [_form(table, each) for each in layout["forms"]], by_system=True)
        rows.create_many(session, views, [_view(table, each) for each in layout["views"]], by_system=True)


def _form(table: Table, said: Mapping[str, Any]) -> dict[str, Any]:
    form_id = fixed("systemform", table.logical, str(said["type"]))
    return {
        "formid": form_id,
        "name": said["name"],
        "type": said["type"],
        "objecttypecode": table.logical,
        "formxml": form_xml(table, form_id, said["tabs"]),
        "formactivationstate": 1,
        "isdefault": said["type"] == MAIN,
        "isdesktopenabled": True,
        "istabletenabled": True,
        "ismanaged": True,
    }


def form_xml(table: Table, form_id: str, tabs: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Write a form: tabs of sections of columns, one control in each row."""

    def braced(*path: str) -> str:
        return f"{{{uuid5(UUID(form_id), '/'.join(path))}}}"

    made = []
    for tab, sections in tabs.items():
        body = []
        for section, names in sections.items():
            cells = "".join(_cell(table.columns[name], braced(tab, section, name)) for name in names)
            body.append(
                f'<section name={quoteattr(_name(section))} id="{braced(tab, section)}" showlabel="true" '
                f'showbar="false" columns="1" labelwidth="115"><labels>'
                f'<label description={quoteattr(section)} languagecode="1033" />'
                f"</labels><rows>{cells}</rows></section>"
            )
        made.append(
            f'<tab name={quoteattr(_name(tab))} id="{braced(tab)}" expanded="true" showlabel="true" '
            f'verticallayout="true"><labels><label description={quoteattr(tab)} languagecode="1033" /></labels>'
            f"<columns>"
            f'<column width="100%">'
            f"<sections>{''.join(body)}</sections></column></columns></tab>"
        )
    return f"<form><tabs>{''.join(made)}</tabs></form>"


def _name(title: str) -> str:
    return title.lower().replace(" ", "_")


def _cell(column: Column, cell_id: str) -> str:
    label = column.definition["DisplayName"]["LocalizedLabels"][0]["Label"]
    return (
        f'<row><cell id="{cell_id}" showlabel="true"><labels>'
        f'<label description={quoteattr(label)} languagecode="1033" /></labels>'
        f'<control id="{column.logical}" classid="{{{_CLASS_IDS[column.type]}}}" '
        f'datafieldname="{column.logical}" disabled="false" /></cell></row>'
    )


def _view(table: Table, said: Mapping[str, Any]) -> dict[str, Any]:
    kind = said["type"]
    return {
        "savedqueryid": fixed("savedquery", table.logical, said["name"]),
        "name": said["name"],
        "returnedtypecode": table.logical,
        "querytype": kind,
        "isdefault": said.get("default", kind != PUBLIC),
        "isquickfindquery": kind == QUICK_FIND,
        "fetchxml": fetch_xml(table, said),
        "layoutxml": layout_xml(table, said["columns"]),
        "ismanaged": True,
        "iscustom": False,
        "isuserdefined": False,
    }


def fetch_xml(table: Table, said: Mapping[str, Any]) -> str:
    """Write a view's query: its columns, its order, its conditions {column: value}."""
    attributes = "".join(f'<attribute name="{name}" />' for name in [*said["columns"], table.primary_id])
    orders = "".join(f'<order attribute="{name}" descending="false" />' for name in said["order"])
    conditions = "".join(
        f'<condition attribute="{name}" operator="eq" value="{value}" />'
        for name, value in said.get("where", {}).items()
    )
    filters = f'<filter type="and">{conditions}</filter>' if conditions else ""
    if said["type"] == QUICK_FIND:
        found = "".join(f'<condition attribute="{name}" operator="like" value="{{0}}" />' for name in said["find"])
        filters += f'<filter type="or" isquickfindfields="1">{found}</filter>'
    return (
        f'<fetch version="1.0" output-format="xml-platform" mapping="logical"><entity name="{table.logical}">'
        f"{attributes}{orders}{filters}</entity></fetch>"
    )


def layout_xml(table: Table, columns: Sequence[str]) -> str:
    """Write a view's grid."""
    cells = "".join(f'<cell name="{name}" width="{300 if at == 0 else 150}" />' for at, name in enumerate(columns))
    return (
        f'<grid name="resultset" object="{table.object_type_code}" jump="{table.primary_name}" select="1" preview="1" '
        f'icon="1"><row name="result" id="{table.primary_id}">{cells}</row></grid>'
    )
