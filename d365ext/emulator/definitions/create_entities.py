"""CreateEntities: several tables in one action, as Microsoft's Python SDK makes them.

Owns the reading of Complex… definitions, which are the same members under other type names.
Source: conformance.md §2.1, seen on the wire: POST CreateEntities?SolutionUniqueName=s with
Entities:[ComplexEntityMetadata{Attributes:[Complex*AttributeMetadata]}]; learn.microsoft.com/…/createentities.
"""

from __future__ import annotations

from typing import Any

from d365ext.emulator.components import components
from d365ext.emulator.definitions.change import Change
from d365ext.emulator.definitions.tables_write import create_table
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response


def create(session: Session, body: dict[str, Any], request: Request) -> Response:
    """Create the tables; the answer lists what was made [its shape inferred: EntityIds]."""
    sent = body.get("Entities")
    if not isinstance(sent, list) or not sent:
        raise Problem.payload("The parameter 'Entities' is missing.")
    name = request.options.get("SolutionUniqueName") or body.get("SolutionUniqueName")
    solution = components.find_solution(session, str(name)) if name else components.solution_of(session, request)
    change = Change(session, request, solution, merge_labels=False)
    made = [create_table(change, each) for each in sent]
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.CreateEntitiesResponse"
    return Response.json({"@odata.context": context, "EntityIds": made})
