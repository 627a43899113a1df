"""One unit of work: a transaction of the store, and who works in it, when, in which language.

A request is one session; a change set or a bulk message is one session for all its parts. Whatever is done in it
commits or rolls back as a whole. Must not know HTTP.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from d365ext.emulator.store.schema import Schema

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization
    from d365ext.emulator.settings import EmulatorSettings


@dataclass(eq=False)
class Session:
    """A transaction and its circumstances. Made by `Organization.reading()` and `.writing()`, never by hand."""

    org: Organization
    conn: sa.Connection
    raw: sqlite3.Connection  # under `conn`: the same transaction, for hand-written SQL
    user_id: str  # systemuserid on whose behalf things are done
    settings: EmulatorSettings
    schema: Schema  # as of this transaction; a definition change replaces it (definition_store.refresh)
    now: datetime  # aware UTC, fixed for the session
    language: int  # LCID of labels and messages
    writable: bool
    version: int  # the last version number given out, as of this transaction
    caller_id: str = ""  # the real caller where it impersonates `user_id`, else empty
    solution: str = ""  # unique name in MSCRM.SolutionUniqueName of the request, or of the part of a change set
    touched: dict[str, str] = field(default_factory=dict)  # what definition_store.refresh has to rebuild
    known: set[tuple[str, str]] = field(
        default_factory=set
    )  # (table, id) of rows seen to exist, or made, in this session
    deleting: set[tuple[str, str]] = field(
        default_factory=set
    )  # rows whose delete is under way: cascades may come round
    cache: dict[str, object] = field(default_factory=dict)  # what a module reads once per session, under its own key

    @cached_property
    def now_text(self) -> str:
        """Give `now` as it is stored: YYYY-MM-DDTHH:MM:SSZ."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def next_version(self, count: int = 1) -> int:
        """Reserve `count` version numbers and give the first; they grow over the whole store and never repeat."""
        first = self.version + 1
        self.version += count
        return first
