"""The app and its site map as rows of appmodule and sitemap.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/create-manage-model-driven-apps-using-code (name,
uniquename of letters and digits to which the publisher's prefix is added, the default icon), …/sitemap-schema (titles
by LCID; a dashboard is a SubArea with its address and id).
"""

from __future__ import annotations

from lxml import etree

from d365ext.definitions.app import App, Item
from d365ext.definitions.solution import Solution
from d365ext.deploy.component import APP, SITE_MAP, Component
from d365ext.deploy.environment import Languages, Texts
from d365ext.deploy.publication import Publication

_DEFAULT_ICON = "953b9fac-1e5e-e611-80d6-00155ded156f"
_DASHBOARDS = "/workplace/home_dashboards.aspx"


def app_component(solution: Solution, app: App) -> Component:
    """Make the row of the app."""
    return Component(
        kind=APP,
        id=app.id,
        key=app.name,
        texts={"name": app.label, "description": app.description},
        columns={},
        create_only={
            "uniquename": app.name.removeprefix(f"{solution.publisher.prefix}_"),
            "webresourceid": _DEFAULT_ICON,
        },
        publication=Publication(apps=frozenset({app.id})),
    )


def site_map_component(solution: Solution, app: App, languages: Languages) -> Component:
    """Make the row of the app's site map; its id is not ours to choose, its unique name is."""
    return Component(
        kind=SITE_MAP,
        id=app.site_map_id,
        key=app.name,
        texts={},
        columns={"sitemapname": next(iter(app.label.values())), "sitemapxml": _xml(solution, app, languages)},
        xml=frozenset({"sitemapxml"}),
        create_only={"sitemapnameunique": app.name, "isappaware": True},
        publication=Publication(site_maps=frozenset({app.site_map_id}), apps=frozenset({app.id})),
        found_by=f"sitemapnameunique eq '{app.name}'",
    )


def _xml(solution: Solution, app: App, languages: Languages) -> str:
    root = etree.Element("SiteMap", IntroducedVersion="7.0.0.0")
    area = etree.SubElement(root, "Area", Id=f"{app.name}_area", ShowGroups="true")
    _titles(area, app.label, languages)
    for group in app.groups:
        element = etree.SubElement(area, "Group", Id=group.name)
        _titles(element, group.label, languages)
        for item in group.items:
            element.append(_item(solution, item, languages))
    return etree.tostring(root, encoding="unicode")


def _item(solution: Solution, item: Item, languages: Languages) -> etree._Element:
    element = etree.Element("SubArea", Id=item.name)
    if item.table:
        element.set("Entity", item.table)
    elif item.dashboard:
        element.attrib.update({"Url": _DASHBOARDS, "DefaultDashboard": str(solution.dashboards[item.dashboard].id)})
    if item.label:
        _titles(element, item.label, languages)
    return element


def _titles(element: etree._Element, texts: Texts, languages: Languages) -> None:
    titles = etree.SubElement(element, "Titles")
    by_code = {languages.codes[language]: text for language, text in languages.kept(texts).items()}
    by_code.setdefault(languages.base, languages.in_base(texts))
    for code, text in sorted(by_code.items()):
        etree.SubElement(titles, "Title", LCID=str(code), Title=text)
