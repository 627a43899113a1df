"""The SQLite file: connections, snapshots for readers, one writer at a time, and copies of the whole.

Owns files, pragmas and locks. Must not know what is in the tables.
Source of the guarantees: sqlite.org/wal.html ("readers do not block writers and a writer does not block readers", a
reader sees the database as it was when its transaction began) and sqlite.org/pragma.html#pragma_synchronous (NORMAL
in WAL mode: consistent after a crash of the program; only a power loss can roll back what was committed last).
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from d365ext.emulator.store.sqlite_functions import register

_BUSY_MS = 60_000


class StoreNotUsable(Exception):  # noqa: N818  what it says is the name
    """The file is not a store of this version of the local Dataverse."""


class Store:
    """One SQLite file in WAL mode. A store without a path lives in a temporary folder and dies with `close`."""

    def __init__(self, path: Path | None = None, *, copy_of: Path | None = None, is_lasting: bool = True) -> None:
        self._folder = (
            None if path else tempfile.TemporaryDirectory(prefix="local-dataverse-", ignore_cleanup_errors=True)
        )
        self.path = path or Path(self._folder.name if self._folder else "") / "organization.db"
        self._is_lasting = is_lasting and path is not None
        self._write_lock = threading.Lock()
        self._gate = threading.Condition()
        self._open = 0  # transactions under way
        self._closed_to_new = False
        if copy_of is not None:
            _copy(copy_of, self.path)
        self._engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=64,
            pool_reset_on_return=None,
        )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=512)
        connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
        connection.execute("pragma journal_mode = wal")
        connection.execute(f"pragma synchronous = {'normal' if self._is_lasting else 'off'}")
        connection.execute("pragma temp_store = memory")
        connection.execute("pragma cache_size = -65536")  # 64 MB
        connection.execute("pragma mmap_size = 268435456")
        register(connection)
        return connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that sees one moment of the store, and never waits for a writer."""
        with self._under_way(), self._engine.connect() as connection:
            raw = driver(connection)
            raw.execute("begin")
            try:
                yield connection
            finally:
                raw.execute("rollback")

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that may write; commits at the end, rolls back on an exception."""
        with self._under_way(), self._write_lock, self._engine.connect() as connection:
            raw = driver(connection)
            raw.execute("begin immediate")
            try:
                yield connection
                raw.execute("commit")
            finally:
                if raw.in_transaction:
                    raw.execute("rollback")

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        with self._gate:
            self._gate.wait_for(lambda: not self._closed_to_new)
            self._open += 1
        try:
            yield
        finally:
            with self._gate:
                self._open -= 1
                self._gate.notify_all()

    def copy_to(self, target: Path) -> None:
        """Write the store as it is now into one file."""
        target.unlink(missing_ok=True)
        with self.read() as connection, closing(sqlite3.connect(target)) as copy:
            driver(connection).backup(copy)
            copy.execute("pragma journal_mode = delete")

    def replace_by(self, source: Path, then: Callable[[], None]) -> None:
        """Make the store what `source` is; waits until no transaction is under way. `then` runs before the next one."""
        with self._gate:
            self._gate.wait_for(lambda: self._open == 0 and not self._closed_to_new)
            self._closed_to_new = True
        try:
            self._engine.dispose()
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            _copy(source, self.path)
            then()
        finally:
            with self._gate:
                self._closed_to_new = False
                self._gate.notify_all()

    def close(self) -> None:
        """Close every connection; a temporary store is deleted."""
        self._engine.dispose()
        if self._folder is not None:
            self._folder.cleanup()


def _copy(source: Path, target: Path) -> None:
    """Copy a store so that it is there as a whole or not at all, readable by its owner only."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".new")
    shutil.copyfile(source, unfinished)
    unfinished.chmod(0o600)
    unfinished.replace(target)


def refuse_foreign(path: Path, expected: int) -> None:
    """Refuse a file that is no store, or one of another format, before anything is written to it."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("select value from _counter where name = 'format'").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreNotUsable(f"'{path}' is not a store of the local Dataverse: {error}.") from error
    if found is None or found[0] != expected:
        raise StoreNotUsable(f"'{path}' was written by another version of the local Dataverse; start with a new one.")


def driver(connection: sa.Connection) -> sqlite3.Connection:
    """Give the sqlite3 connection under an SQLAlchemy one."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101  the store opens nothing else
    return raw
