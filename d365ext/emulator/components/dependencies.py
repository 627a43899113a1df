"""What depends on what: why a thing cannot be deleted.

Owns the refusal of deletes, and RetrieveDependenciesForDelete and RetrieveDependentComponents. Finding what uses what
is dependents.py's. Must not delete anything.
Source: CannotDeleteInUseComponent 0x8004F01F (powerapps-docs …/includes/data-service-error-codes.md);
learn.microsoft.com/…/webapi/reference/retrievedependenciesfordelete: rows of `dependency`. Only published versions
count [inferred: "published" dependencies, dependencytype 2].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import components
from d365ext.emulator.components.dependents import Dependent, dependents
from d365ext.emulator.documents.documents import fixed_id
from d365ext.emulator.odata.ast import Expression
from d365ext.emulator.odata.function_parameters import parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_PUBLISHED = 2
_NAMES = {
    components.TABLE: "Entity",
    components.COLUMN: "Attribute",
    components.RELATIONSHIP: "EntityRelationship",
    components.CHOICE: "OptionSet",
    components.KEY: "EntityKey",
    components.ROLE: "Role",
    components.VIEW: "SavedQuery",
    components.CHART: "SavedQueryVisualization",
    components.FORM: "SystemForm",
    components.WEB_RESOURCE: "WebResource",
    components.SITE_MAP: "SiteMap",
    components.APP: "AppModule",
    components.FIELD_SECURITY: "FieldSecurityProfile",
}


def check(session: Session, kind: int, object_id: str) -> None:
    """Refuse to delete a component that others need."""
    found = dependents(session, kind, object_id)
    if found:
        raise Problem(
            400,
            "0x8004F01F",
            f"The {_NAMES[kind]}({object_id}) component cannot be deleted because it is referenced by {len(found)} "
            "other components. For a list of referenced components, use the RetrieveDependenciesForDeleteRequest.",
        )


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """Refuse to delete a component row that others need."""
    check(session, components.ROW_TYPES[table.logical], row_id)


def retrieve(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """RetrieveDependenciesForDelete and RetrieveDependentComponents: what would be in the way."""
    object_id = str(parameter(params, "ObjectId", request)).lower()
    kind = parameter(params, "ComponentType", request)
    if not isinstance(kind, int) or kind not in _NAMES:
        raise Problem.not_implemented(f"dependencies of components of the type {kind}")
    _require(session, kind, object_id)
    found = [_row(kind, object_id, each) for each in dependents(session, kind, object_id)]
    return Response.json({"@odata.context": f"{request.root}$metadata#dependencies", "value": found})


def _require(session: Session, kind: int, object_id: str) -> None:
    names = {number: name for name, number in components.ROW_TYPES.items()}
    if kind in names:
        there = rows.exists(session, names[kind], object_id)
    else:
        there = session.raw.execute("SELECT 1 FROM _definition WHERE id = ?", (object_id,)).fetchone() is not None
    if not there:
        raise Problem(404, "0x80040217", f"The component {object_id} of type {kind} does not exist.")


def _row(kind: int, object_id: str, dependent: Dependent) -> dict[str, Any]:
    return {
        "dependencyid": fixed_id("dependency", object_id, dependent.object_id),
        "dependencytype": _PUBLISHED,
        "requiredcomponenttype": kind,
        "requiredcomponentobjectid": object_id,
        "dependentcomponenttype": dependent.kind,
        "dependentcomponentobjectid": dependent.object_id,
    }
