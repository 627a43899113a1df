"""The rows that come and go with a table: its privileges, and its default views and forms.

Owns which of them a new custom table gets. Must not change definitions.
Source: privileges prv<Right><SchemaName>: metadata-plane.md §10. Views and forms: "1 advanced find, 2 associated,
4 quick find, 64 lookup exist once per table" (§4); their names and the two public ones, and a main, a quick view and a
card form named Information, as real exports of custom tables have them (§9.2) [columns on them inferred].
"""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from d365ext.emulator.documents.documents import fixed_id, label_texts
from d365ext.emulator.rows import rows
from d365ext.emulator.security import roles
from d365ext.emulator.seed import message_rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

_TEXT_CONTROL = "{4273EDBD-AC1D-40D3-9FB2-095C621B552D}"
_LOOKUP_CONTROL = "{270BD3DB-D9AF-4782-9025-509E298DEC0A}"


def add(session: Session, table: Table) -> None:
    """Make the rows of a new table."""
    roles.add_privileges(session, table.definition["Privileges"])
    _add_views(session, table)
    _add_forms(session, table)
    message_rows.add_filters(session, [table])


def _add_views(session: Session, table: Table) -> None:
    one, many = _name(table, "DisplayName"), _name(table, "DisplayCollectionName")
    for name, kind, state, is_default in (
        (f"Active {many}", 0, 0, True),
        (f"Inactive {many}", 0, 1, False),
        (f"{one} Advanced Find View", 1, 0, True),
        (f"{one} Associated View", 2, 0, True),
        (f"Quick Find Active {many}", 4, 0, True),
        (f"{one} Lookup View", 64, 0, True),
    ):
        values = {
            "name": name,
            "returnedtypecode": table.logical,
            "querytype": kind,
            "isdefault": is_default,
            "isquickfindquery": kind == 4,
            "fetchxml": _fetch(table, state),
            "layoutxml": _layout(table),
            "isuserdefined": False,
            "iscustom": False,
        }
        rows.create(session, session.schema.table("savedquery"), values, by_system=True)


def _name(table: Table, member: str) -> str:
    texts = label_texts(table.definition[member])
    return texts.get(1033) or next(iter(texts.values()))


def _fetch(table: Table, state: int) -> str:
    return (
        f'<fetch version="1.0" mapping="logical"><entity name={quoteattr(table.logical)}>'
        f'<attribute name="{table.primary_id}"/><attribute name="{table.primary_name}"/><attribute name="createdon"/>'
        f'<order attribute="{table.primary_name}" descending="false"/>'
        f'<filter type="and"><condition attribute="statecode" operator="eq" value="{state}"/></filter></entity></fetch>'
    )


def _layout(table: Table) -> str:
    return (
        f'<grid name="resultset" jump="{table.primary_name}" select="1" icon="1" preview="1">'
        f'<row name="result" id="{table.primary_id}"><cell name="{table.primary_name}" width="300"/>'
        f'<cell name="createdon" width="125"/></row></grid>'
    )


def _add_forms(session: Session, table: Table) -> None:
    for kind in (2, 6, 11):
        values = {
            "name": "Information",
            "description": "A form for this table.",
            "objecttypecode": table.logical,
            "type": kind,
            "formactivationstate": 1,
            "formpresentation": 1,
            "isdefault": kind == 2,
            "formxml": _form(table, kind),
        }
        rows.create(session, session.schema.table("systemform"), values, by_system=True)


def _form(table: Table, kind: int) -> str:
    columns = [(str(table.primary_name), _TEXT_CONTROL)]
    if kind == 2 and table.ownership == "UserOwned":
        columns.append(("ownerid", _LOOKUP_CONTROL))
    made = "".join(_row(table, kind, column, control) for column, control in columns)
    tab, section = (f"{{{fixed_id('form', table.logical, str(kind), part)}}}" for part in ("tab", "section"))
    return (
        f'<form><tabs><tab id="{tab}" name="general" expanded="true" showlabel="true" verticallayout="true">'
        '<labels><label description="General" languagecode="1033"/></labels><columns><column width="100%"><sections>'
        f'<section id="{section}" name="general" showlabel="false" showbar="false" columns="1">'
        '<labels><label description="General" languagecode="1033"/></labels>'
        f"<rows>{made}</rows></section></sections></column></columns></tab></tabs></form>"
    )


def _row(table: Table, kind: int, column: str, control: str) -> str:
    text = quoteattr(label_texts(table.columns[column].definition.get("DisplayName")).get(1033, column))
    return (
        f'<row><cell id="{{{fixed_id("form", table.logical, str(kind), column)}}}" showlabel="true" locklevel="0">'
        f'<labels><label description={text} languagecode="1033"/></labels>'
        f'<control id="{column}" classid="{control}" datafieldname="{column}" disabled="false"/></cell></row>'
    )


def remove(session: Session, table: Table) -> None:
    """Remove the rows that go with a table: privileges, views, forms, charts, maps (its own go with its storage)."""
    for name, column in (
        ("savedquery", "returnedtypecode"),
        ("systemform", "objecttypecode"),
        ("savedqueryvisualization", "primaryentitytypecode"),
        ("userquery", "returnedtypecode"),
        ("sdkmessagefilter", "primaryobjecttypecode"),
    ):
        _remove_rows(session, name, f"{column} = ?", (table.logical,))
    maps = "sourceentityname = ?1 OR targetentityname = ?1"
    of_maps = f"entitymapid IN (SELECT entitymapid FROM entitymap WHERE {maps})"  # noqa: S608  constants
    _remove_rows(session, "attributemap", of_maps, (table.logical,))
    _remove_rows(session, "entitymap", maps, (table.logical,))
    for each in table.definition.get("Privileges") or ():
        session.raw.execute("DELETE FROM roleprivileges WHERE privilegeid = ?", (each["PrivilegeId"],))
        _remove_rows(session, "privilege", "privilegeid = ?", (each["PrivilegeId"],))


def _remove_rows(session: Session, name: str, where: str, values: tuple[str, ...]) -> None:
    table = session.schema.table(name)
    found = session.raw.execute(f"SELECT {table.primary_id} FROM {name} WHERE {where}", values)  # noqa: S608  ours
    for (row_id,) in found.fetchall():
        rows.delete(session, table, row_id, by_system=True)
