"""One organization: its store, clock, settings and present schema. Opens sessions and answers requests.

A fresh organization is a copy of a template that is built once per process and settings, so that a test that wants
its own costs milliseconds. Must not know rows or HTTP paths.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from d365ext.emulator.clock import Clock
from d365ext.emulator.session import Session
from d365ext.emulator.settings import EmulatorSettings
from d365ext.emulator.store.definition_store import read_schema
from d365ext.emulator.store.schema import Schema
from d365ext.emulator.store.storage import FORMAT
from d365ext.emulator.store.store import Store, driver, refuse_foreign
from d365ext.emulator.web import callers
from d365ext.emulator.web.faults import Faults
from d365ext.emulator.web.http import Request, Response
from d365ext.emulator.web.limits import Protection
from d365ext.emulator.web.trace import Trace

_NOTHING = Schema(0, {}, {}, {})
_SCHEMAS_KEPT = 8


class Organization:
    """The local Dataverse without a web server."""

    def __init__(self, store: Path | None, settings: EmulatorSettings) -> None:
        from d365ext.emulator.store.template import template_for  # noqa: PLC0415  the template is made by way of an organization

        self.settings = settings
        self.clock = Clock()
        self.faults = Faults(settings.fault_seed)
        for fault in settings.faults:
            self.faults.set(fault)
        self.protection = Protection(settings.limits)
        self.trace = Trace()
        self.tokens: dict[str, str] = dict(settings.tokens)  # bearer token → systemuserid
        template = template_for(settings)
        self._origin = template.path
        exists = store is not None and store.exists()
        if store is not None and exists:
            refuse_foreign(store, FORMAT)
        self.store = Store(store, copy_of=None if exists else template.path)
        # By version, because a reader's snapshot may be older than the last commit. Written before the commit, so
        # that whoever sees the version finds the schema.
        self._schemas: dict[int, Schema] = {} if exists else {template.schema.version: template.schema}
        self._snapshots: dict[str, Path] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="local-dataverse-snapshots-", ignore_cleanup_errors=True)

    @contextmanager
    def reading(self, request: Request | None = None) -> Iterator[Session]:
        """Open a snapshot on behalf of the request's caller."""
        with self.store.read() as connection:
            yield self._session(connection, request, writable=False)

    @contextmanager
    def writing(self, request: Request | None = None) -> Iterator[Session]:
        """Open a transaction on behalf of the request's caller; commits at the end, rolls back on an exception."""
        with self.store.write() as connection:
            session = self._session(connection, request, writable=True)
            schema, version = session.schema, session.version
            yield session
            if session.version != version:
                session.raw.execute("update _counter set value = ? where name = 'version'", (session.version,))
            if session.schema is not schema:
                session.raw.execute("update _counter set value = ? where name = 'schema'", (session.schema.version,))
                self._keep(session.schema)

    def handle(self, request: Request, session: Session | None = None) -> Response:
        """Answer one request; with `session` it is a part of that unit of work. See `app.handle`."""
        from d365ext.emulator import app  # noqa: PLC0415

        return app.handle(self, request, session)

    def snapshot(self, name: str) -> None:
        """Keep the organization as it is now, under a name."""
        path = Path(self._folder.name) / f"{len(self._snapshots)}.db"
        self.store.copy_to(self._snapshots.setdefault(name, path))

    def restore(self, name: str | None) -> bool:
        """Go back to a snapshot, or to the fresh organization if None; False if there is no such snapshot."""
        source = self._origin if name is None else self._snapshots.get(name)
        if source is None:
            return False
        self.store.replace_by(source, self._schemas.clear)
        return True

    def close(self) -> None:
        """Close the store; a temporary one is deleted."""
        self.store.close()
        self._folder.cleanup()

    def _session(self, connection: sa.Connection, request: Request | None, *, writable: bool) -> Session:
        raw = driver(connection)
        counters = dict(raw.execute("select name, value from _counter").fetchall())
        session = Session(
            org=self,
            conn=connection,
            raw=raw,
            settings=self.settings,
            user_id="",
            schema=self._schemas.get(counters["schema"], _NOTHING),
            now=self.clock.now(),
            language=self.settings.languages[0],
            writable=writable,
            version=counters["version"],
        )
        if session.schema is _NOTHING:
            session.schema = read_schema(session, counters["schema"])
            self._keep(session.schema)
        callers.identify(session, request)
        return session

    def _keep(self, schema: Schema) -> None:
        self._schemas[schema.version] = schema
        for version in sorted(self._schemas)[:-_SCHEMAS_KEPT]:
            self._schemas.pop(version, None)
