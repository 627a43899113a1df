"""Published and unpublished versions of forms, views, charts, web resources, site maps and apps.

Owns what waits to be published (`_unpublished`: the changes of one row, as JSON), PublishXml and PublishAllXml.
RetrieveUnpublished(Multiple) is unpublished.py's.
Source: powerapps-docs developer/model-driven-apps/publish-customizations.md: new and deleted items publish themselves,
updates wait; the grammar of ParameterXml: …/publish-request-schema.md, appmodules from …/create-manage-model-driven-
apps-using-code.md. That an ordinary read shows the published version is that page's meaning of RetrieveUnpublished.
Changed tables, columns and choices take effect at once here: the Web API has no unpublished read of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

PUBLISHED_AT_ONCE = frozenset({"statecode", "statuscode", "isdefault"})
"""Columns whose change does not wait [inferred: activating a view has no publish step in the pages read]."""
_TABLE_OF = {
    "savedquery": "returnedtypecode",
    "systemform": "objecttypecode",
    "savedqueryvisualization": "primaryentitytypecode",
}
PUBLISHABLE = frozenset({*_TABLE_OF, "webresource", "sitemap", "appmodule"})


def hold_back(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Before an update: keep the changes for the next publish, so that the published row stays as it is."""
    if row_id is None:
        return
    held = {name: value for name, value in changes.items() if name not in PUBLISHED_AT_ONCE}
    for name in held:
        del changes[name]
    if held:
        rows.check(session, table, held)
        waiting = {**pending(session, table.logical, row_id), **held}
        session.raw.execute(
            "INSERT OR REPLACE INTO _unpublished VALUES (?, ?, ?)",
            (table.logical, row_id, orjson.dumps(waiting, default=list).decode()),  # a LookupValue becomes a list
        )


def pending(session: Session, table: str, row_id: str) -> dict[str, Any]:
    """Give the changes of a row that wait to be published."""
    found = session.raw.execute(
        "SELECT changes FROM _unpublished WHERE table_name = ? AND row_id = ?", (table, row_id)
    ).fetchone()
    changes: dict[str, Any] = orjson.loads(found[0]) if found else {}
    return changes


def no_longer_waits(session: Session, table: str, row_id: str, name: str) -> None:
    """Drop the change of one column that waits: it was written at once."""
    changes = pending(session, table, row_id)
    if changes.pop(name, None) is not None:
        session.raw.execute(
            "UPDATE _unpublished SET changes = ? WHERE table_name = ? AND row_id = ?",
            (orjson.dumps(changes).decode(), table, row_id),
        )


def forget(session: Session, table: Table, row_id: str) -> None:
    """Before a delete: drop what waits."""
    session.raw.execute("DELETE FROM _unpublished WHERE table_name = ? AND row_id = ?", (table.logical, row_id))


def publish_all(session: Session, body: dict[str, Any], request: Request) -> Response:
    """PublishAllXml: publish everything that waits."""
    _publish(session, _waiting(session))
    return Response.empty()


def publish_xml(session: Session, body: dict[str, Any], request: Request) -> Response:
    """PublishXml: publish the named tables (their forms, views and charts), web resources, dashboards, apps, site maps.

    Source: a <sitemaps> or <ribbons> element is taken as a whole, its content is ignored (metadata-plane.md §1.3).
    """
    text = body.get("ParameterXml")
    if not isinstance(text, str):
        raise Problem.payload("The parameter 'ParameterXml' is missing.")
    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise Problem(400, "0x80040201", f"Invalid XML: ParameterXml cannot be read: {error}.") from error
    if root.tag != "importexportxml":
        raise Problem(400, "0x80040201", "Invalid XML: ParameterXml must be an importexportxml element.")
    _check(session, root)
    _publish(session, [row for row in _waiting(session) if _is_named(session, root, *row)])
    return Response.empty()


_GROUPS = {
    "entities": "entity",
    "optionsets": "optionset",
    "webresources": "webresource",
    "dashboards": "dashboard",
    "appmodules": "appmodule",
    "sitemaps": "sitemap",
    "ribbons": "ribbon",
}


def _check(session: Session, root: Element) -> None:
    """Refuse what ParameterXml cannot hold, and tables and choices that do not exist."""
    for group in root:
        if group.tag not in _GROUPS:
            raise Problem(400, "0x80040201", f"Invalid XML: {group.tag} has no place in ParameterXml.")
    for name in _texts(root, "entities"):
        session.schema.table(name)
    for name in _texts(root, "optionsets"):
        if name not in session.schema.choices:
            raise Problem(404, "0x80040217", f"Could not find an option set with the name '{name}'.")


def _texts(root: Element, group: str) -> set[str]:
    found = root.findall(f"{group}/{_GROUPS[group]}")
    return {(each.text or "").strip().strip("{}").lower() for each in found}


def _is_named(session: Session, root: Element, table: str, row_id: str) -> bool:
    match table:
        case "webresource":
            return row_id in _texts(root, "webresources")
        case "appmodule":
            return row_id in _texts(root, "appmodules")
        case "sitemap":
            return root.find("sitemaps") is not None or root.find("appmodules") is not None
    row = rows.find(session, session.schema.table(table), row_id) or {}
    if row_id in _texts(root, "dashboards"):
        return table == "systemform"
    return row.get(_TABLE_OF[table]) in _texts(root, "entities")


def _waiting(session: Session) -> list[tuple[str, str]]:
    return session.raw.execute("SELECT table_name, row_id FROM _unpublished ORDER BY table_name, row_id").fetchall()


def _publish(session: Session, found: Iterable[tuple[str, str]]) -> None:
    for name, row_id in found:
        table = session.schema.table(name)
        rows.update(session, table, row_id, as_values(pending(session, name, row_id)), by_system=True)
        forget(session, table, row_id)


def as_values(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give changes as rows.py takes them: a lookup comes back from JSON as a list of table and id."""
    return {name: LookupValue(*value) if isinstance(value, list) else value for name, value in changes.items()}
