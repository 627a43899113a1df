"""Opens the file of the mirror: ours alone, one process at a time, put away if it is damaged."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from d365ext.errors import MirrorLocked, MirrorTooNew, SyncError
from sync.mirror import BOOKKEEPING, Mirror
from sync.tables import MirrorTable

log = logging.getLogger(__name__)

Setting = str | bool | int | float | list[str]

SCHEMA_VERSION = 1
"""Raise it when the tables of bookkeeping change: an older mirror is read anew, a newer one is refused."""


def open_mirror(
    path: Path | None, tables: Sequence[MirrorTable], *, zone: str, memory_limit: str, threads: int | None = None
) -> Mirror:
    """Open the mirror at `path`, made if it is not there; in memory if `path` is None.

    Shape:   `zone` is the time zone of dates; a mirror made for another zone is read anew.
    Effects: the file has mode 0600, its folder 0700; a file that is damaged is put away, with a warning.
    Errors:  MirrorLocked if another process has it; MirrorTooNew if a newer version of this program made it.
    """
    config: dict[str, Setting] = {
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": memory_limit,
        "preserve_insertion_order": False,
        **({} if threads is None else {"threads": threads}),
    }
    if path is None:
        mirror = Mirror(duckdb.connect(":memory:", config=config), tables, zone)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        config["temp_directory"] = str(path.with_suffix(".spill"))
        mirror = Mirror(_connect(path, config), tables, zone)
    try:
        mirror.connection.execute(BOOKKEEPING)
        _check_version(mirror, path)
        mirror.prepare()
    except BaseException:
        mirror.close()
        raise
    return mirror


def mirror_path(state_dir: Path, url: str) -> Path:
    """Say where the mirror of the environment at `url` lives: each environment has its own.

    >>> mirror_path(Path("state"), "https://contoso.crm4.dynamics.com").name
    'contoso.crm4.dynamics.com.duckdb'
    """
    place = urlsplit(url).netloc.replace(":", "-").lower()
    return state_dir.expanduser() / "mirror" / f"{place}.duckdb"


def _connect(path: Path, config: Mapping[str, Setting]) -> duckdb.DuckDBPyConnection:
    mask = os.umask(0o077)  # whatever DuckDB makes now is ours alone
    try:
        try:
            return _opened(path, config)
        except _DamagedError as damage:
            log.warning("The mirror %s is damaged and is made anew: %s", path, damage)
            path.unlink(missing_ok=True)
            path.with_suffix(path.suffix + ".wal").unlink(missing_ok=True)
            return _opened(path, config)
    finally:
        os.umask(mask)


class _DamagedError(Exception):
    """The file is no DuckDB file, or was cut."""


def _opened(path: Path, config: Mapping[str, Setting]) -> duckdb.DuckDBPyConnection:
    """Open the file, and say what it means if that fails. DuckDB has no codes for it: its messages are read."""
    try:
        connection = duckdb.connect(str(path), config={**config})
    except duckdb.Error as cause:
        said = str(cause)
        if "lock" in said or "different configuration" in said:
            raise MirrorLocked(
                f"Another process has the mirror {path} open.",
                hint="Wait for it, or give it its own D365EXT_STATE_DIR.",
            ) from cause
        if "version number" in said or "newer version" in said:
            raise _too_new(path) from cause
        if isinstance(cause, duckdb.IOException) and "not a valid" not in said:
            raise SyncError(
                f"The mirror {path} cannot be opened: {said}", hint="Check the disk and its rights."
            ) from cause
        raise _DamagedError(said) from cause
    path.chmod(0o600)
    return connection


def _check_version(mirror: Mirror, path: Path | None) -> None:
    """Refuse a mirror that a newer program made; empty one that an older program made."""
    version = int(mirror.fact("schema") or SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise _too_new(path)
    if version < SCHEMA_VERSION:
        mirror.connection.execute("drop table link")
        mirror.connection.execute(BOOKKEEPING)
    mirror.remember("schema", str(SCHEMA_VERSION))


def _too_new(path: Path | None) -> MirrorTooNew:
    return MirrorTooNew(
        f"The mirror {path} was made by a newer version of this program.",
        hint="Use that version, or delete the file: everything is then read once more.",
    )
