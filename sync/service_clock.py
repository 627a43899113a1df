"""What time it is at the service: leases and full loads are measured by its clock, not by ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from d365ext.webapi.retry import Clock
from d365ext.webapi.transport import Reply


class ServiceClock:
    """Our clock, set right by the Date that the service's answers carry (RFC 9110 §6.6.1)."""

    def __init__(self, ours: Clock) -> None:
        self._ours = ours
        self._ahead = timedelta(0)

    def observe(self, reply: Reply) -> None:
        """Set the clock by the Date of `reply`, if it has one."""
        try:
            said = parsedate_to_datetime(reply.headers.get("Date", ""))
        except ValueError:
            return
        theirs = said if said.tzinfo else said.replace(tzinfo=UTC)
        self._ahead = theirs - self._ours.now()

    def now(self) -> datetime:
        """Give this moment at the service, aware, UTC."""
        return self._ours.now() + self._ahead

    def monotonic(self) -> float:
        """Give seconds since some fixed moment."""
        return self._ours.monotonic()
