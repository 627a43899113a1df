"""A solution as if it had been installed managed: a layer that cannot be edited or taken apart.

Owns the turning of an unmanaged solution into a managed one, which stands in for importing a managed file: solution
files are refused by name. Reached by POST /_emulator/managed {"solution": "…"}; Dataverse has no such route.
Source: metadata-plane.md §9.3 and power-platform alm/solution-concepts-alm.md: components of a managed solution cannot
be deleted, nothing can be added to it; customizing what IsCustomizable allows makes an unmanaged layer above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from d365ext.emulator.components import components
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.definition_store import Kind, refresh, save_many
from d365ext.emulator.store.schema import Relationship, Table
from d365ext.emulator.web.http import Request, Response

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization

_VIEWS_AND_FORMS = (
    ("savedquery", "returnedtypecode"),
    ("systemform", "objecttypecode"),
    ("savedqueryvisualization", "primaryentitytypecode"),
)


def handle(org: Organization, request: Request) -> Response:
    """Answer POST /_emulator/managed."""
    if request.method != "POST":
        raise Problem.wrong_method(request.method, "a solution is made managed by POST")
    name = request.json_object().get("solution")
    if not isinstance(name, str):
        raise Problem.payload('The body must name a solution: {"solution": "…"}.')
    with org.writing(request) as session:
        make_managed(session, name)
    return Response.empty()


def make_managed(session: Session, name: str) -> None:
    """Mark a solution and all that is in it as managed."""
    solution = components.find_solution(session, name)
    rows.update(session, session.schema.table("solution"), solution.id, {"ismanaged": True}, by_system=True)
    listed = session.raw.execute(
        "SELECT componenttype, objectid, rootcomponentbehavior FROM solutioncomponent WHERE solutionid = ?",
        (solution.id,),
    ).fetchall()
    documents: dict[str, tuple[Kind, dict[str, Any]]] = {}
    for kind, object_id, behavior in listed:
        for found, document in _definitions(session, kind, object_id, behavior):
            documents[document["MetadataId"]] = (found, {**document, "IsManaged": True})
        for table, row_id in _rows(session, kind, object_id, behavior):
            rows.update(session, session.schema.table(table), row_id, {"ismanaged": True}, by_system=True)
    save_many(session, documents.values())
    refresh(session)


def _definitions(
    session: Session, kind: int, object_id: str, behavior: int
) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    """Give the definitions that a component stands for: a table with its subcomponents, or the one thing."""
    if kind == components.CHOICE:
        yield from (("choice", each) for each in session.schema.choices.values() if each["MetadataId"] == object_id)
    for table in session.schema.tables.values():
        if kind == components.TABLE and table.definition["MetadataId"] == object_id:
            if behavior == components.WITH_SUBCOMPONENTS:
                yield "table", table.definition
                yield from _parts(session, table)
            return
        for part, document in _parts(session, table) if kind in _PARTS else ():
            if document["MetadataId"] == object_id:
                yield part, document
                return


_PARTS = frozenset({components.COLUMN, components.KEY, components.RELATIONSHIP})


def _parts(session: Session, table: Table) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    yield from (("column", each.definition) for each in table.columns.values())
    yield from (("key", each.definition) for each in table.keys.values())
    for each in session.schema.relationships.values():
        owner = each.referencing_table if isinstance(each, Relationship) else each.table1
        if owner == table.logical:
            yield "relationship", each.definition


def _rows(session: Session, kind: int, object_id: str, behavior: int) -> Iterator[tuple[str, str]]:
    """Give the component rows that a component stands for."""
    names = {number: name for name, number in components.ROW_TYPES.items()}
    if kind in names:
        if "ismanaged" in session.schema.table(names[kind]).columns:
            yield names[kind], object_id
        return
    if kind != components.TABLE or behavior != components.WITH_SUBCOMPONENTS:
        return
    for table in session.schema.tables.values():
        if table.definition["MetadataId"] == object_id:
            for name, column in _VIEWS_AND_FORMS:
                primary = session.schema.table(name).primary_id
                found = session.raw.execute(
                    f"SELECT {primary} FROM {name} WHERE {column} = ?",  # noqa: S608  names of ours
                    (table.logical,),
                )
                yield from ((name, row_id) for (row_id,) in found.fetchall())
