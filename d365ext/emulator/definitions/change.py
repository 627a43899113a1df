"""What every write of a definition shares: the solution it goes to, how labels merge, saving, the answer.

Owns the circumstances of one change of definitions. Must not know what a table or a column is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from d365ext.emulator.components.components import Solution, solution_of
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.definition_store import Kind, refresh, save_many
from d365ext.emulator.web.http import Request, Response

Documents = Iterable[tuple[Kind, Mapping[str, Any]]]


@dataclass(frozen=True)
class Change:
    """One request that changes definitions."""

    session: Session
    request: Request
    solution: Solution | None
    merge_labels: bool
    cast: str = ""  # the type that the address ends in

    @classmethod
    def of(cls, session: Session, request: Request, cast: str = "") -> Change:
        """Read the headers of the request.

        Source: powerapps-docs …/webapi/create-update-entity-definitions-using-web-api.md: without MSCRM.MergeLabels it
        is "as if the value were false and any localized labels not included in your update will be lost".
        """
        merge = request.headers.get("mscrm.mergelabels", "false").strip().lower() == "true"
        return cls(session, request, solution_of(session, request), merge, cast)

    @property
    def solution_name(self) -> str | None:
        """Give the unique name of the solution that the change goes to."""
        return self.solution.name if self.solution else None

    def body(self) -> dict[str, Any]:
        """Give the definition that was sent; a cast in the address stands for an @odata.type that was not."""
        given = self.request.json_object()
        return {"@odata.type": self.cast, **given} if self.cast else given

    def save(self, documents: Documents) -> None:
        """Store documents, and make the schema what they say."""
        save_many(self.session, documents)
        refresh(self.session)

    def created(self, metadata_id: str) -> Response:
        """Answer that something was created below the address that was posted to.

        Source: same page: 204 and OData-EntityId, the address with the new id appended.
        """
        address = f"{self.request.origin}{self.request.path.rstrip('/')}({metadata_id})"
        return Response.empty(headers={"OData-EntityId": address})


def check_customizable(document: Mapping[str, Any], name: str, *, deleting: bool = False) -> None:
    """Refuse to change what a managed solution locks, and to delete what came with one.

    Source: metadata-plane.md §9.3: "Managed=1: editing it is not supported; components locked by managed properties";
    EntityIsNotCustomizable 0x80047008; CannotDeleteMetadata 0x8004F032 (data-service-error-codes.md).
    """
    locked = (document.get("IsCustomizable") or {"Value": True}).get("Value") is False
    if document.get("IsManaged") and deleting:
        raise Problem(
            400,
            "0x8004F032",
            f"The 'Delete' operation on the current component(name='{name}', id='{document['MetadataId']}') failed "
            "during managed property evaluation of condition: 'Managed Property Name: iscustomizable; "
            "Component is managed'",
        )
    if document.get("IsManaged") and locked:
        raise Problem(400, "0x80047008", f"The specified entity is not customizable: {name}")


def check_unchanged(document: Mapping[str, Any], given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse a PUT that would change what cannot change. The code is inferred (InvalidOperation)."""
    for name in names:
        sent = given.get(name)
        if sent is not None and str(sent).lower() != str(document.get(name)).lower():
            raise Problem(
                400, "0x8004023b", f"{name} cannot be changed: it is {document.get(name)}, the update says {sent}."
            )
