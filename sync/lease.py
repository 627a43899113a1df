"""The lease: one row of pch_syncrun that one worker at a time holds, so that two never write the same rows.

Taken and renewed by If-Match, so that of two who try only one gets it. It frees itself: at `pch_leaseuntil`, by the
service's clock; or at once, if the one who asks has the very mirror that the holder had: only one process can have a
mirror open, so that holder is dead.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from d365ext.errors import DuplicateKey, LeaseHeld, RowChanged, RowNotFound
from d365ext.names import EntitySetName, RowId
from d365ext.webapi.batch import Operation
from d365ext.webapi.client import Client, Row
from d365ext.webapi.query import row_address, select_option
from sync.compile.subjects import NAMESPACE
from sync.crash import point
from sync.service_clock import ServiceClock

log = logging.getLogger(__name__)

RUNS = EntitySetName("pch_syncruns")
LEASE_ID = RowId(uuid5(NAMESPACE, "lease"))
LEASE_ADDRESS = row_address(RUNS, LEASE_ID)
KIND_RUN, KIND_LEASE = 737_860_000, 737_860_001
TTL = timedelta(minutes=10)
"""How long a worker that died blocks one with another mirror. Renewed when a third of it has passed."""

_SELECT = ("pch_worker", "pch_leaseuntil", "pch_startedon", "pch_runnumber", "createdon")


@dataclass(frozen=True, slots=True)
class Worker:
    """Who asks: a machine, a process, a mirror and a run."""

    host: str
    pid: int
    mirror: str
    run: str

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}, mirror {self.mirror}, run {self.run}"

    def has_mirror_of(self, holder: str) -> bool:
        """Say whether `holder`, as a lease shows it, had the mirror that we have now."""
        return f"mirror {self.mirror}," in holder


@dataclass(frozen=True, slots=True)
class LeaseSeen:
    """The lease as it was read: whose it is (empty: nobody's), until when, and since when.

    `run_number` counts the runs of this environment, `made_at` is when the row was made: together they tell whether the
    environment is still the one that a mirror knows, or was put back to an earlier day, or made anew.
    """

    holder: str
    until: datetime | None
    started_at: datetime | None
    run_number: int
    made_at: str

    def is_held(self, now: datetime) -> bool:
        """Say whether somebody holds it."""
        return bool(self.holder) and self.until is not None and self.until > now


class Lease:
    """Our hold on the lease; from `take` until `release`."""

    def __init__(self, client: Client, clock: ServiceClock, worker: Worker) -> None:
        self._client = client
        self._clock = clock
        self._worker = worker
        self._etag = ""
        self._renewed_s = 0.0
        self.dead: LeaseSeen | None = None
        """Who held it before us and never gave it back."""

    def take(self) -> LeaseSeen:
        """Take the lease, and give it as it was before; the number of our run is one more.

        Effects: one GET, one PATCH; a POST before, the very first time. Safe to repeat.
        Errors:  LeaseHeld if somebody has it; RowNotFound if the solution is not deployed.
        """
        seen, etag = self._read()
        now = self._clock.now()
        if seen.is_held(now) and not self._worker.has_mirror_of(seen.holder):
            raise _held(seen)
        if seen.holder:
            self.dead = seen
            log.warning("The worker that had the lease never gave it back: %s.", seen.holder)
        taken = {
            "pch_worker": str(self._worker),
            "pch_startedon": now,
            "pch_leaseuntil": now + TTL,
            "pch_runnumber": seen.run_number + 1,
        }
        self._write(etag, taken)
        point("lease.taken")
        return seen

    def keep(self) -> None:
        """Renew the lease if a third of it has passed. Call it often.

        Errors:  LeaseHeld if it has passed to somebody else: stop, write nothing more.
        """
        if self._clock.monotonic() - self._renewed_s > TTL.total_seconds() / 3:
            self._write(self._etag, {"pch_leaseuntil": self._clock.now() + TTL})

    def released(self) -> Operation:
        """Give the operation that gives the lease back; put it into a batch."""
        return Operation("PATCH", LEASE_ADDRESS, _FREE, {"If-Match": self._etag})

    def _read(self) -> tuple[LeaseSeen, str]:
        try:
            reply = self._client.send("GET", LEASE_ADDRESS + select_option(_SELECT))
        except RowNotFound:
            self._make()
            reply = self._client.send("GET", LEASE_ADDRESS + select_option(_SELECT))
        self._clock.observe(reply)
        row = reply.json()
        return seen_lease(row), row["@odata.etag"]

    def _make(self) -> None:
        """Make the row of the lease, the very first time."""
        row = {"pch_syncrunid": LEASE_ID, "pch_name": "Lease", "pch_kind": KIND_LEASE}
        try:
            self._client.create(RUNS, row)
        except DuplicateKey:
            log.debug("Another worker has made the row of the lease.")
        except RowNotFound as missing:
            missing.hint = "The solution is not there yet: run 'd365ext deploy apply'."
            raise

    def _write(self, etag: str, changes: Mapping[str, Any]) -> None:
        headers = {"If-Match": etag, "Prefer": "return=representation"}
        try:
            reply = self._client.send("PATCH", LEASE_ADDRESS + select_option(_SELECT), json=changes, headers=headers)
        except RowChanged as change:
            seen, found = self._read()
            if seen.holder != str(self._worker):
                raise _held(seen) from change
            self._etag = found  # it was us: the reply to an earlier try was lost
        else:
            self._etag = reply.json()["@odata.etag"]
        self._renewed_s = self._clock.monotonic()


_FREE = {"pch_worker": None, "pch_leaseuntil": None, "pch_startedon": None}


def read_lease(client: Client) -> LeaseSeen | None:
    """Say who holds the lease; None if no worker ever ran here."""
    try:
        return seen_lease(client.retrieve(LEASE_ADDRESS, select=_SELECT))
    except RowNotFound:
        return None


def seen_lease(row: Row) -> LeaseSeen:
    """Read the row of the lease."""
    return LeaseSeen(
        row.get("pch_worker") or "",
        moment(row.get("pch_leaseuntil")),
        moment(row.get("pch_startedon")),
        row.get("pch_runnumber") or 0,
        row.get("createdon") or "",
    )


def moment(text: str | None) -> datetime | None:
    """Read a moment as the Web API writes it."""
    return None if text is None else datetime.fromisoformat(text)


def _held(seen: LeaseSeen) -> LeaseHeld:
    until = f" until {seen.until:%Y-%m-%d %H:%M:%S} UTC" if seen.until else ""
    return LeaseHeld(
        f"Another worker holds the lease{until}: {seen.holder or 'unknown'}.",
        hint="Wait for it; if it is dead, the lease frees itself at that time.",
    )
