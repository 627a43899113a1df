"""Who uses a component: the views, forms, charts, keys, columns, apps and site maps that name it.

Owns the search, made afresh each time over what is there: nothing is recorded that could go stale.
Source: powerapps-docs developer/data-platform/dependency-tracking-solution-components.md: a form depends on the
columns, libraries and views it shows, a lookup on its table, a column on its choice. The exact list is inferred.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from xml.etree.ElementTree import Element

from d365ext.emulator.components import chart_rules, components, form_rules
from d365ext.emulator.components.xml_text import parse
from d365ext.emulator.fetchxml import columns as fetch_columns
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Relationship


class Dependent(NamedTuple):
    """A component that needs another."""

    kind: int
    object_id: str


def dependents(session: Session, kind: int, object_id: str) -> list[Dependent]:
    """Give what needs a component, each once."""
    match kind:
        case components.COLUMN:
            found = _of_column(session, object_id)
        case components.TABLE:
            found = _of_table(session, object_id)
        case components.CHOICE:
            found = _of_choice(session, object_id)
        case components.RELATIONSHIP:
            found = _of_relationship(session, object_id)
        case components.WEB_RESOURCE:
            found = _of_web_resource(session, object_id)
        case components.VIEW | components.CHART | components.FORM:
            found = _of_layout(session, object_id)
        case components.SITE_MAP:
            found = _of_app_component(session, object_id)
        case _:
            return []
    return sorted({each for each in found if each.object_id != object_id})


def _of_column(session: Session, object_id: str) -> Iterator[Dependent]:
    for table in session.schema.tables.values():
        for column in table.columns.values():
            if column.definition["MetadataId"] == object_id:
                yield from _users_of_column(session, table.logical, column.logical)
                return


def _users_of_column(session: Session, table: str, column: str) -> Iterator[Dependent]:
    for view_id, fetch in session.raw.execute("SELECT savedqueryid, fetchxml FROM savedquery WHERE fetchxml <> ''"):
        if (table, column) in _used(session, fetch):
            yield Dependent(components.VIEW, view_id)
    for chart_id, of, text in _charts(session):
        if column in text and (table, column) in _used_by_chart(session, of, text):
            yield Dependent(components.CHART, chart_id)
    for form_id, root in _forms(session, table):
        if column in set(form_rules.columns_of(root)):
            yield Dependent(components.FORM, form_id)
    for key in session.schema.table(table).keys.values():
        if column in key.columns:
            yield Dependent(components.KEY, key.definition["MetadataId"])
    maps = (
        "SELECT a.attributemapid FROM attributemap a JOIN entitymap e ON e.entitymapid = a.entitymapid "
        "WHERE (e.sourceentityname = ?1 AND a.sourceattributename = ?2) "
        "OR (e.targetentityname = ?1 AND a.targetattributename = ?2)"
    )
    for (map_id,) in session.raw.execute(maps, (table, column)):
        yield Dependent(components.ATTRIBUTE_MAP, map_id)


def _used(session: Session, fetch: str) -> set[tuple[str, str]]:
    try:
        return fetch_columns.read(session, fetch).used
    except Problem:  # a view older than a table that is gone: it can be in nobody's way
        return set()


def _charts(session: Session) -> list[tuple[str, str, str]]:
    return session.raw.execute(
        "SELECT savedqueryvisualizationid, primaryentitytypecode, datadescription FROM savedqueryvisualization "
        "WHERE datadescription <> ''"
    ).fetchall()


def _used_by_chart(session: Session, of: str, text: str) -> set[tuple[str, str]]:
    try:
        return chart_rules.columns(session, {"primaryentitytypecode": of, "datadescription": text}).used
    except Problem:  # as above
        return set()


@cache
def _parsed_form(text: str) -> Element:
    return parse(text, "a form", "form")


def _forms(session: Session, table: str | None = None) -> Iterator[tuple[str, Element]]:
    found = session.raw.execute(
        "SELECT formid, formxml FROM systemform WHERE formxml <> '' AND (?1 IS NULL OR objecttypecode = ?1)", (table,)
    ).fetchall()
    for form_id, text in found:
        try:
            yield form_id, _parsed_form(text)
        except Problem:  # a form of the plain organization that is not XML would be ours to mend, not the caller's
            continue


def _of_table(session: Session, object_id: str) -> Iterator[Dependent]:
    table = next(each for each in session.schema.tables.values() if each.definition["MetadataId"] == object_id)
    for each in session.schema.relationships.values():
        if isinstance(each, Relationship) and each.referenced_table == table.logical != each.referencing_table:
            yield Dependent(components.RELATIONSHIP, each.definition["MetadataId"])
    found = session.raw.execute("SELECT savedqueryid, returnedtypecode, fetchxml FROM savedquery WHERE fetchxml <> ''")
    for view_id, of, fetch in found.fetchall():
        if of != table.logical and any(name == table.logical for name, _ in _used(session, fetch)):
            yield Dependent(components.VIEW, view_id)
    own = {form_id for form_id, _ in _forms(session, table.logical)}
    for form_id, root in _forms(session):
        if form_id not in own and table.logical in set(form_rules.tables_of(root)):
            yield Dependent(components.FORM, form_id)
    for site_map_id, text in session.raw.execute("SELECT sitemapid, sitemapxml FROM sitemap WHERE sitemapxml <> ''"):
        if any(each.get("Entity") == table.logical for each in parse(text, "a site map", "SiteMap").iter("SubArea")):
            yield Dependent(components.SITE_MAP, site_map_id)
    yield from _of_app_component(session, object_id)


def _of_choice(session: Session, object_id: str) -> Iterator[Dependent]:
    name = next((key for key, each in session.schema.choices.items() if each["MetadataId"] == object_id), None)
    for table in session.schema.tables.values():
        for column in table.columns.values():
            if name is not None and (column.definition.get("GlobalOptionSet") or {}).get("Name") == name:
                yield Dependent(components.COLUMN, column.definition["MetadataId"])


def _of_relationship(session: Session, object_id: str) -> Iterator[Dependent]:
    name = next(
        (each.schema for each in session.schema.relationships.values() if each.definition["MetadataId"] == object_id),
        None,
    )
    for form_id, root in _forms(session):
        if name in set(form_rules.relationships_of(root)):
            yield Dependent(components.FORM, form_id)


def _of_web_resource(session: Session, object_id: str) -> Iterator[Dependent]:
    (name,) = session.raw.execute("SELECT name FROM webresource WHERE webresourceid = ?", (object_id,)).fetchone()
    for form_id, root in _forms(session):
        if name in set(form_rules.libraries_of(root)):
            yield Dependent(components.FORM, form_id)
    for (chart_id,) in session.raw.execute(
        "SELECT savedqueryvisualizationid FROM savedqueryvisualization WHERE webresourceid = ?", (object_id,)
    ):
        yield Dependent(components.CHART, chart_id)
    for (app_id,) in session.raw.execute("SELECT appmoduleid FROM appmodule WHERE webresourceid = ?", (object_id,)):
        yield Dependent(components.APP, app_id)


def _of_layout(session: Session, object_id: str) -> Iterator[Dependent]:
    for form_id, root in _forms(session):
        if object_id in set(form_rules.ids_of(root)):
            yield Dependent(components.FORM, form_id)
    yield from _of_app_component(session, object_id)


def _of_app_component(session: Session, object_id: str) -> Iterator[Dependent]:
    for (app_id,) in session.raw.execute("SELECT app_id FROM _app_component WHERE object_id = ?", (object_id,)):
        yield Dependent(components.APP, app_id)
