"""The plain organization that every new one is copied from: built once per process and kind, in a temporary file.

Owns the building: SQLite tables, standard definitions, first rows. Must not be touched once it is built.
"""

from __future__ import annotations

import atexit
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from d365ext.emulator.clock import Clock
from d365ext.emulator.seed import seed
from d365ext.emulator.seed.seed_ids import ADMINISTRATOR
from d365ext.emulator.session import Session
from d365ext.emulator.settings import EmulatorSettings
from d365ext.emulator.standard.standard import standard_documents
from d365ext.emulator.store import component_storage, definition_store, storage
from d365ext.emulator.store.schema import Schema
from d365ext.emulator.store.store import Store, driver


class Template(NamedTuple):
    """A plain organization, ready to copy, and its schema."""

    path: Path
    schema: Schema


_lock = threading.Lock()
_made: dict[tuple[str, tuple[int, ...]], Template] = {}


def template_for(settings: EmulatorSettings) -> Template:
    """Give the template for the settings that a new organization is made by."""
    kind = (settings.base_currency, settings.languages)
    with _lock:
        if kind not in _made:
            _made[kind] = _build(settings)
        return _made[kind]


def _build(settings: EmulatorSettings) -> Template:
    folder = tempfile.TemporaryDirectory(prefix="local-dataverse-template-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    store = Store(Path(folder.name) / "building.db", is_lasting=False)
    with store.write() as connection:
        raw = driver(connection)
        for statement in (storage.CREATE + definition_store.CREATE + component_storage.CREATE).split(";"):
            if statement.strip():
                raw.execute(statement)
        session = Session(
            org=None,  # type: ignore[arg-type]  # the first organization is being made
            conn=connection,
            raw=raw,
            settings=settings,
            user_id=ADMINISTRATOR,
            schema=Schema(0, {}, {}, {}),
            now=Clock().now(),
            language=settings.languages[0],
            writable=True,
            version=1000,
        )
        definition_store.save_many(session, standard_documents())
        schema = definition_store.refresh(session)
        seed.plant(session)
        raw.execute("insert into _counter values ('format', ?)", (storage.FORMAT,))
        raw.execute("update _counter set value = ? where name = 'version'", (session.version,))
        raw.execute("update _counter set value = ? where name = 'schema'", (schema.version,))
    made = Template(Path(folder.name) / "template.db", schema)
    store.copy_to(made.path)
    store.close()
    return made
