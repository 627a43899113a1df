"""The organization's clock: real time, or moved by a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells aware UTC time. `set` freezes it, `advance` moves it, `reset` gives real time back."""

    def __init__(self) -> None:
        self._frozen: datetime | None = None
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Tell the organization's time."""
        return (self._frozen if self._frozen is not None else datetime.now(UTC)) + self._offset

    def set(self, moment: datetime) -> None:
        """Freeze the clock at `moment` (aware)."""
        self._frozen, self._offset = moment.astimezone(UTC), timedelta(0)

    def advance(self, by: timedelta) -> None:
        """Move the clock, frozen or not."""
        self._offset += by

    def reset(self) -> None:
        """Go back to real time."""
        self._frozen, self._offset = None, timedelta(0)
