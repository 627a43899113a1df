"""Localized labels of rows, and which languages there are.

Owns SetLocLabels, RetrieveLocLabels, RetrieveProvisionedLanguages, and the table `_loc_label`.
Source: learn.microsoft.com/…/webapi/reference/setloclabels, retrieveloclabels, retrieveprovisionedlanguages;
metadata-plane.md §4 (a limited set of row attributes: names of views, charts, forms, dashboards …).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import publishing
from d365ext.emulator.documents.labels import accepted, label, shown, texts
from d365ext.emulator.odata.ast import Expression
from d365ext.emulator.odata.function_parameters import json_parameter, parameter, text_parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.entity_references import read_reference
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response

LOCALIZABLE: Mapping[str, frozenset[str]] = {
    "savedquery": frozenset({"name", "description"}),
    "systemform": frozenset({"name", "description"}),
    "savedqueryvisualization": frozenset({"name", "description"}),
    "webresource": frozenset({"displayname", "description"}),
    "appmodule": frozenset({"name", "description"}),
    "sitemap": frozenset({"sitemapname"}),
}
"""Which columns take labels. The full list is not documented [inferred]."""


def provisioned_languages(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """RetrieveProvisionedLanguages."""
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.RetrieveProvisionedLanguagesResponse"
    found = list(session.settings.languages)
    return Response.json({"@odata.context": context, "RetrieveProvisionedLanguages": found})


def set_labels(session: Session, body: dict[str, Any], request: Request) -> Response:
    """SetLocLabels: replace the labels of one column of one row, in the languages that are named.

    Source: AttributeDoesNotSupportLocalizedLabels 0x80044198. A label in the base language is the column's value
    itself; languages that are not named keep theirs [inferred].
    """
    moniker = read_reference(session, body, "EntityMoniker")
    name = str(body.get("AttributeName") or "")
    _check(moniker, name)
    if rows.find(session, session.schema.table(moniker.table), moniker.id) is None:
        raise Problem.no_row(moniker.table, moniker.id)
    given = accepted(session, {"LocalizedLabels": body.get("Labels") or []})
    base = session.settings.languages[0]
    for language, text in texts(given).items():
        if language == base:
            rows.update(session, session.schema.table(moniker.table), moniker.id, {name: text}, by_system=True)
            publishing.no_longer_waits(session, moniker.table, moniker.id, name)
            continue
        session.raw.execute("INSERT OR REPLACE INTO _loc_label VALUES (?, ?, ?, ?)", (moniker.id, name, language, text))
    return Response.empty()


def _check(moniker: LookupValue, name: str) -> None:
    if name not in LOCALIZABLE.get(moniker.table, frozenset()):
        raise Problem(
            400,
            "0x80044198",
            f"The specified attribute does not support localized labels: {name} of {moniker.table}.",
        )


def retrieve_labels(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """RetrieveLocLabels: every label of one column of one row; `IncludeUnpublished` shows what waits as well.

    Source: …/webapi/reference/retrieveloclabels ("Indicates whether to include unpublished labels").
    """
    reference = json_parameter(params, "EntityMoniker", request)
    moniker = read_reference(session, {"EntityMoniker": reference}, "EntityMoniker")
    name = text_parameter(params, "AttributeName", request)
    _check(moniker, name)
    row = rows.find(session, session.schema.table(moniker.table), moniker.id)
    if row is None:
        raise Problem.no_row(moniker.table, moniker.id)
    if parameter(params, "IncludeUnpublished", request) is True:
        row = {**row, **publishing.pending(session, moniker.table, moniker.id)}
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.RetrieveLocLabelsResponse"
    return Response.json(
        {"@odata.context": context, "Label": shown(labels_of(session, moniker.id, name, row), session)}
    )


def labels_of(session: Session, row_id: str, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the label of a row's column: its value in the base language, and what SetLocLabels has added."""
    found = dict(
        session.raw.execute(
            "SELECT language, label FROM _loc_label WHERE row_id = ? AND name = ? ORDER BY language", (row_id, name)
        ).fetchall()
    )
    base = {session.settings.languages[0]: row[name]} if row.get(name) else {}
    return label({**base, **found})


def forget(session: Session, row_id: str) -> None:
    """Remove the labels of a row that is no more."""
    session.raw.execute("DELETE FROM _loc_label WHERE row_id = ?", (row_id,))
