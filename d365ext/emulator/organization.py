"""One organization: its store, clock, settings and present schema; opens sessions.

org.reading(request=None) -> ContextManager[Session]    a snapshot
org.writing(request=None) -> ContextManager[Session]    one transaction; commits at the end, rolls back on an exception
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .clock import Clock
from .http import Request, Response
from .schema import Schema
from .session import Session
from .settings import EmulatorSettings


class Organization:
    """The local Dataverse without a web server."""

    def __init__(self, store: Path | None, settings: EmulatorSettings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.schema: Schema  # as committed

    @contextmanager
    def reading(self, request: Request | None = None) -> Iterator[Session]:
        """Open a snapshot."""
        raise NotImplementedError
        yield

    @contextmanager
    def writing(self, request: Request | None = None) -> Iterator[Session]:
        """Open a transaction; writers wait for one another."""
        raise NotImplementedError
        yield

    def handle(self, request: Request, session: Session | None = None) -> Response:
        """Answer one request (app.handle)."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the store; a temporary one is deleted."""
