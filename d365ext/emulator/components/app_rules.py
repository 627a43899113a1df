"""What an app and a site map must be, and what an app shows.

Owns the checks on writes of appmodule and sitemap rows, and AddAppComponents, RemoveAppComponents,
RetrieveAppComponents, ValidateApp.
Source: powerapps-docs developer/model-driven-apps/create-manage-model-driven-apps-using-code.md (metadata-plane.md §6):
the publisher's prefix is prepended to the unique name; an app without a site map does not validate; a table without
view or form gives a warning. Codes: …/includes/data-service-error-codes.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import components
from d365ext.emulator.components.xml_text import parse
from d365ext.emulator.documents.naming import prefixes
from d365ext.emulator.odata.ast import Expression
from d365ext.emulator.odata.function_parameters import parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.entity_references import read_reference
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

DEFAULT_ICON = "953b9fac-1e5e-e611-80d6-00155ded156f"
"""Source: same page, "webresourceid" of the default icon."""
_NAME = re.compile(r"\w+", re.ASCII)
_KINDS = {
    "savedquery": components.VIEW,
    "systemform": components.FORM,
    "sitemap": components.SITE_MAP,
    "savedqueryvisualization": components.CHART,
    "webresource": components.WEB_RESOURCE,
}


def before_app(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check an app: its unique name has letters and digits only, gets the prefix, and never changes.

    Source: DuplicateAppModuleUniqueName 0x8005011F, CannotUpdateAppModuleUniqueName 0x80050119.
    """
    if row_id is not None:
        if "uniquename" in changes:
            raise Problem(400, "0x80050119", "You can't change the unique name.")
        return
    name = str(changes.get("uniquename") or "")
    if not changes.get("name") or not _NAME.fullmatch(name):
        raise Problem(400, "0x80040200", "An app needs a name, and a unique name of letters and digits.")
    if name.partition("_")[0].lower() not in prefixes(session) or "_" not in name:
        changes["uniquename"] = name = f"{_prefix(session)}_{name}"
    if session.raw.execute("SELECT 1 FROM appmodule WHERE uniquename = ? COLLATE NOCASE", (name,)).fetchone():
        raise Problem(400, "0x8005011F", "The name you entered is already in use.")


def _prefix(session: Session) -> str:
    """Give the prefix of the publisher of the solution that the request names, else of the default publisher."""
    found = session.raw.execute(
        "SELECT p.customizationprefix FROM solution s JOIN publisher p ON p.publisherid = s.publisherid "
        "WHERE s.uniquename = ? COLLATE NOCASE",
        (session.solution or "Default",),
    ).fetchone()
    return str(found[0]) if found else "new"


def before_site_map(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a site map: XML whose tables exist and whose areas have different ids.

    Source: EmptySiteMapXml 0x8004F402; SiteMapType.xsd (ids of areas are unique). That a table that does not exist is
    refused is inferred.
    """
    if row_id is None and not changes.get("sitemapname"):
        raise Problem(400, "0x80040200", "The required field 'sitemapname' of 'sitemap' is missing.")
    if row_id is not None and "sitemapxml" not in changes:
        return
    if not changes.get("sitemapxml"):
        raise Problem(400, "0x8004F402", "Sitemap xml is empty.")
    root = parse(changes["sitemapxml"], "the sitemapxml", "SiteMap")
    areas = [area.get("Id") for area in root.findall("Area")]
    if len(set(areas)) < len(areas) or None in areas:
        raise Problem(400, "0x80040201", "Invalid XML: every Area of a site map needs an Id of its own.")
    for sub_area in root.iter("SubArea"):
        name = sub_area.get("Entity")
        if name is not None and name not in session.schema.tables:
            raise Problem(400, "0x8005E00C", f"Entity {name} cannot be found.")


def add_components(session: Session, body: dict[str, Any], request: Request) -> Response:
    """AddAppComponents: let an app show views, forms, charts, tables; name its site map."""
    app_id = _app(session, str(body.get("AppId") or ""))
    for kind, object_id in _components(session, body):
        if kind == components.SITE_MAP and _site_maps(session, app_id) - {object_id}:
            # InvalidMultipleSiteMapReferenceSingleAppModule
            raise Problem(400, "0x80050111", f"App {app_id} can't have multiple site maps.")
        session.raw.execute("INSERT OR IGNORE INTO _app_component VALUES (?, ?, ?)", (app_id, kind, object_id))
    return Response.empty()


def remove_components(session: Session, body: dict[str, Any], request: Request) -> Response:
    """RemoveAppComponents: the opposite."""
    app_id = _app(session, str(body.get("AppId") or ""))
    for _, object_id in _components(session, body):
        session.raw.execute("DELETE FROM _app_component WHERE app_id = ? AND object_id = ?", (app_id, object_id))
    return Response.empty()


def _app(session: Session, app_id: str) -> str:
    if not rows.exists(session, "appmodule", app_id.lower()):
        raise Problem.no_row("appmodule", app_id)
    return app_id.lower()


def _components(session: Session, body: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Read the list of components.

    A table is {"@odata.type": "Microsoft.Dynamics.CRM.entity", "entityid": MetadataId} [unconfirmed: no such row type
    has a page; metadata-plane.md §6].
    """
    found = []
    for each in body.get("Components") or ():
        kind = str(each.get("@odata.type") or "").removeprefix("#").removeprefix("Microsoft.Dynamics.CRM.")
        if kind == "entity":
            found.append((components.TABLE, _table(session, str(each.get("entityid") or ""))))
            continue
        reference = read_reference(session, {"Component": each}, "Component")
        if reference.table not in _KINDS:
            raise Problem.not_implemented(f"an app component of the type {reference.table}")
        if not rows.exists(session, reference.table, reference.id):
            raise Problem.no_row(reference.table, reference.id)
        found.append((_KINDS[reference.table], reference.id))
    return found


def _table(session: Session, metadata_id: str) -> str:
    for table in session.schema.tables.values():
        if table.definition["MetadataId"] == metadata_id.lower():
            return metadata_id.lower()
    raise Problem(404, "0x80040217", f"The table {metadata_id} does not exist.")


def _listed(session: Session, app_id: str) -> list[tuple[int, str]]:
    return session.raw.execute(
        "SELECT component_type, object_id FROM _app_component WHERE app_id = ? ORDER BY 1, 2", (app_id,)
    ).fetchall()


def _site_maps(session: Session, app_id: str) -> set[str]:
    return {object_id for kind, object_id in _listed(session, app_id) if kind == components.SITE_MAP}


def retrieve_components(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """RetrieveAppComponents: what an app shows, as rows of appmodulecomponent."""
    app_id = _app(session, str(parameter(params, "AppModuleId", request)))
    found = [{"componenttype": kind, "objectid": object_id} for kind, object_id in _listed(session, app_id)]
    return Response.json({"@odata.context": f"{request.root}$metadata#appmodulecomponents", "value": found})


def validate(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """ValidateApp: errors and warnings of an app.

    The answer's members (ValidationSuccess, ValidationIssueList of ErrorType, Message, DisplayName, ComponentId,
    ComponentType, ComponentSubType, ParentEntityId, EntityName, RequiredComponents …) follow
    learn.microsoft.com/…/webapi/reference/appmodulevalidationresponse; the messages are inferred.
    """
    app_id = _app(session, str(parameter(params, "AppModuleId", request)))
    issues = []
    if not _site_maps(session, app_id):
        issues.append(_issue("Error", "The app has no site map.", components.SITE_MAP, app_id))
    for name in _tables_shown(session, app_id):
        for table, column, kind, what in (
            ("savedquery", "returnedtypecode", components.VIEW, "view"),
            ("systemform", "objecttypecode", components.FORM, "form"),
        ):
            if not _shows(session, app_id, table, column, name):
                text = f"The table {name} has no {what} in the app: users see all."
                issues.append(_issue("Warning", text, kind, session.schema.table(name).definition["MetadataId"]))
    found = {"ValidationSuccess": all(each["ErrorType"] != "Error" for each in issues), "ValidationIssueList": issues}
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.ValidateAppResponse"
    return Response.json({"@odata.context": context, "AppValidationResponse": found})


def _issue(severity: str, message: str, kind: int, component_id: str) -> dict[str, Any]:
    return {"ErrorType": severity, "Message": message, "ComponentType": kind, "ComponentId": component_id}


def _tables_shown(session: Session, app_id: str) -> list[str]:
    listed = {object_id for kind, object_id in _listed(session, app_id) if kind == components.TABLE}
    return sorted(name for name, each in session.schema.tables.items() if each.definition["MetadataId"] in listed)


def _shows(session: Session, app_id: str, table: str, column: str, name: str) -> bool:
    primary = session.schema.table(table).primary_id
    found = session.raw.execute(
        f"SELECT 1 FROM {table} t JOIN _app_component c ON c.object_id = t.{primary} "  # noqa: S608  names of ours
        f"WHERE c.app_id = ? AND t.{column} = ?",
        (app_id, name),
    ).fetchone()
    return found is not None


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """Forget what a deleted app showed."""
    session.raw.execute("DELETE FROM _app_component WHERE app_id = ?", (row_id,))
