"""What a form or dashboard must be: XML that parses and names columns, libraries, views and charts that exist.

Owns the checks on writes of systemform rows, and what a form uses.
Source: powerapps-docs developer/model-driven-apps/customize-entity-forms.md, …/create-dashboard.md; metadata-plane.md
§5, §6. Which mistakes the platform finds on a write, rather than when the form is opened, is not documented: all of
these refusals are inferred but for the codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from d365ext.emulator.components import publishing
from d365ext.emulator.components.xml_text import parse
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

DASHBOARDS = frozenset({0, 10, 13, 103})
_INVALID = "0x8004E300"  # InvalidElementFound, the code of form XML that holds what it may not


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a form that is created or changed."""
    if row_id is None:
        changes.setdefault("type", 0)
        for name in ("name", "formxml"):
            if not changes.get(name):
                raise Problem(400, "0x80040200", f"The required field '{name}' of 'systemform' is missing.")
        check(session, changes)
        return
    if "formxml" in changes:
        row = rows.find(session, table, row_id) or {}
        check(session, {**row, **publishing.pending(session, table.logical, row_id), **changes})


def check(session: Session, form: Mapping[str, Any]) -> None:
    """Check the XML of a form.

    Source: EntityTypeSpecifiedForDashboard 0x8004E30B.
    """
    of = form.get("objecttypecode")
    if form.get("type") in DASHBOARDS:
        if form.get("type") == 0 and of not in {None, "", "none"}:
            raise Problem(400, "0x8004E30B", "An entity type cannot be specified for a dashboard.")
        table = None
    else:
        table = session.schema.table(str(of or ""))
    root = parse(form["formxml"], f"the formxml of {form.get('name')}", "form")
    _check_ids(root)
    for column in columns_of(root):
        if table is not None and column not in table.columns:
            raise Problem(400, _INVALID, f"The form {form.get('name')} shows {column}, which {table.logical} has not.")
    for library in libraries_of(root):
        if session.raw.execute("SELECT 1 FROM webresource WHERE name = ?", (library,)).fetchone() is None:
            raise Problem(400, _INVALID, f"The form {form.get('name')} loads {library}, which is no web resource.")
    loaded = set(libraries_of(root))
    for handler in root.iter("Handler"):
        if handler.get("libraryName") not in loaded:
            raise Problem(400, _INVALID, f"A handler is in {handler.get('libraryName')}, which the form does not load.")


def _check_ids(root: Element) -> None:
    """Check that ids are unique: "cell/section/tab ids must be unique in the form" (metadata-plane.md §5.2)."""
    seen: set[str] = set()
    for element in root.iter():
        if element.tag in {"tab", "section", "cell"} and element.get("id"):
            key = str(element.get("id")).lower()
            if key in seen:
                raise Problem(400, _INVALID, f"The id {element.get('id')} is used twice in the form.")
            seen.add(key)


def columns_of(root: Element) -> Iterator[str]:
    """Give the columns that a form shows or listens to."""
    for control in root.iter("control"):
        if control.get("datafieldname"):
            yield str(control.get("datafieldname")).lower()


def libraries_of(root: Element) -> Iterator[str]:
    """Give the web resources that a form loads."""
    for library in root.iter("Library"):
        if library.get("name"):
            yield str(library.get("name"))


def ids_of(root: Element) -> Iterator[str]:
    """Give the ids of views, charts and quick view forms that a form names, in lower case without braces."""
    for tag in ("ViewId", "VisualizationId", "DefaultViewId", "QuickFormId"):
        for element in root.iter(tag):
            if element.text:
                yield element.text.strip().strip("{}").lower()
    for element in root.iter("AvailableViewIds"):
        for part in (element.text or "").split(","):
            yield part.strip().strip("{}").lower()


def relationships_of(root: Element) -> Iterator[str]:
    """Give the relationships that a form's subgrids and lookups name."""
    for tag in ("RelationshipName", "FilterRelationshipName"):
        for element in root.iter(tag):
            if element.text and element.text.strip():
                yield element.text.strip()


def tables_of(root: Element) -> Iterator[str]:
    """Give the tables whose rows a form's subgrids show."""
    for element in root.iter("TargetEntityType"):
        if element.text:
            yield element.text.strip()
