"""What depends on what: why a thing cannot be deleted.

Owns the finding of dependencies, and RetrieveDependenciesForDelete. Must not delete anything.
"""

from __future__ import annotations

from .problems import Problem
from .session import Session


def in_use(kind: str, object_id: str, count: int) -> Problem:
    """Make the refusal. Source: CannotDeleteInUseComponent 0x8004F01F (data-service-error-codes.md)."""
    return Problem(
        400,
        "0x8004F01F",
        f"The {kind}({object_id}) component cannot be deleted because it is referenced by {count} other components. "
        "For a list of referenced components, use the RetrieveDependenciesForDeleteRequest.",
    )


def check(session: Session, kind: int, object_id: str) -> None:
    """Refuse to delete a component that others need."""
