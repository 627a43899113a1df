"""Keeps the tokens of a person who signed in, in a file that only that person can read."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import msal

log = logging.getLogger(__name__)


class TokenFile:
    """MSAL's cache, read from `path` once and written back, whole, with mode 0600, when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cache = msal.SerializableTokenCache()
        try:
            self.cache.deserialize(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass  # nobody signed in yet
        except ValueError:
            log.warning("%s cannot be read; you will have to sign in again.", path)

    def save(self) -> None:
        """Write what changed: a new file takes the old one's place, never half-written and never open to others."""
        if not self.cache.has_state_changed:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes the file with mode 0600.
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.cache.serialize())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
