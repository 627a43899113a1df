"""The single entry: one request in, one response out, for HTTP and for the parts of a batch.

Owns dispatch by path and the turning of problems into answers. Must not know how rows are stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .http import Request, Response
from .session import Session

if TYPE_CHECKING:
    from .organization import Organization


def handle(org: Organization, request: Request, session: Session | None = None) -> Response:
    """Answer one request; never raises.

    Without `session` the request is its own unit of work: a GET reads a snapshot, anything else is one transaction
    that commits if the answer is below 400. With `session` (a part of a change set) nothing is committed or rolled
    back here; the caller does it, by the status.
    """
    raise NotImplementedError
