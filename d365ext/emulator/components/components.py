"""Solution components: which solution a thing belongs to, and what belongs to it.

Owns the component type numbers and the rows of `solutioncomponent`. Must not know how the things themselves are made.
Source: powerapps-docs developer/data-platform/reference/entities/solutioncomponent.md (types, rootcomponentbehavior);
developer/data-platform/optional-parameters.md (MSCRM.SolutionUniqueName on create, update, delete); type 80 for apps is
what exports show. Inferred: a table that is in a solution with its subcomponents (behaviour 0) needs no rows for them,
and a column put into a solution brings its table along as a shell (behaviour 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request

TABLE, COLUMN, CHOICE, RELATIONSHIP, KEY = 1, 2, 9, 10, 14
ROLE, VIEW, ENTITY_MAP, ATTRIBUTE_MAP, CHART, FORM = 20, 26, 46, 47, 59, 60
WEB_RESOURCE, SITE_MAP, FIELD_SECURITY, FIELD_PERMISSION, APP = 61, 62, 70, 71, 80

ROW_TYPES: Mapping[str, int] = {
    "role": ROLE,
    "savedquery": VIEW,
    "entitymap": ENTITY_MAP,
    "attributemap": ATTRIBUTE_MAP,
    "savedqueryvisualization": CHART,
    "systemform": FORM,
    "webresource": WEB_RESOURCE,
    "sitemap": SITE_MAP,
    "fieldsecurityprofile": FIELD_SECURITY,
    "fieldpermission": FIELD_PERMISSION,
    "appmodule": APP,
}
"""Component types of rows, by table."""
WITH_SUBCOMPONENTS, WITHOUT_SUBCOMPONENTS, AS_SHELL = 0, 1, 2
SOLUTION_HEADER = "mscrm.solutionuniquename"


class Solution(NamedTuple):
    """A solution that components can be put into."""

    id: str
    name: str


def solution_of(session: Session, request: Request) -> Solution | None:
    """Give the solution that a request names in its header; None without one."""
    name = request.headers.get(SOLUTION_HEADER)
    return find_solution(session, name) if name else None


def find_solution(session: Session, name: str) -> Solution:
    """Give an unmanaged solution by its unique name.

    Source: CannotUpdateManagedSolution 0x8004F024 (data-service-error-codes.md). That a name nobody has is a 404 with
    ObjectDoesNotExist is inferred.
    """
    found = session.raw.execute(
        "SELECT solutionid, uniquename, ismanaged FROM solution WHERE uniquename = ? COLLATE NOCASE", (name,)
    ).fetchone()
    if found is None:
        raise Problem(404, "0x80040217", f"The solution with the unique name '{name}' does not exist.")
    if found[2]:
        raise Problem(400, "0x8004F024", f"Cannot update solution '{found[1]}' because it is a managed solution.")
    return Solution(found[0], found[1])


def record(session: Session, solution: Solution | None, kind: int, object_id: str, table: str | None = None) -> None:
    """Put a component into a solution, if one is named; `table` is the table that it is a subcomponent of."""
    if solution is None:
        return
    if table is None:
        add(session, solution, kind, object_id, WITH_SUBCOMPONENTS)
        return
    document = session.schema.table(table).definition
    root = component(session, solution, TABLE, document["MetadataId"])
    if root is None:
        add(session, solution, TABLE, document["MetadataId"], AS_SHELL)
    elif root.behavior == WITH_SUBCOMPONENTS:
        return
    add(session, solution, kind, object_id, WITH_SUBCOMPONENTS)


class Component(NamedTuple):
    """A row of solutioncomponent."""

    id: str
    behavior: int


def component(session: Session, solution: Solution, kind: int, object_id: str) -> Component | None:
    """Give the row of a component in a solution."""
    found = session.raw.execute(
        "SELECT solutioncomponentid, rootcomponentbehavior FROM solutioncomponent "
        "WHERE solutionid = ? AND componenttype = ? AND objectid = ?",
        (solution.id, kind, object_id),
    ).fetchone()
    return Component(*found) if found else None


def add(session: Session, solution: Solution, kind: int, object_id: str, behavior: int) -> str:
    """Add a component to a solution, or change its behaviour if it is there; give the row's id."""
    table = session.schema.table("solutioncomponent")
    there = component(session, solution, kind, object_id)
    if there is not None:
        if there.behavior != behavior:
            rows.update(session, table, there.id, {"rootcomponentbehavior": behavior}, by_system=True)
        return there.id
    values = {
        "solutionid": LookupValue("solution", solution.id),
        "componenttype": kind,
        "objectid": object_id,
        "rootcomponentbehavior": behavior,
        "ismetadata": kind in {TABLE, COLUMN, CHOICE, RELATIONSHIP, KEY},
    }
    return rows.create(session, table, values, by_system=True)


def remove_everywhere(session: Session, object_id: str) -> None:
    """Forget a component that is no more."""
    table = session.schema.table("solutioncomponent")
    found = session.raw.execute("SELECT solutioncomponentid FROM solutioncomponent WHERE objectid = ?", (object_id,))
    for (row_id,) in found.fetchall():
        rows.delete(session, table, row_id, by_system=True)
