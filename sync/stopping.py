"""Stopping between steps: a signal is noted, and the work ends at the next step, its lease given back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from d365ext.errors import Stopped
from d365ext.webapi.retry import SystemClock


class Stopping:
    """Whether somebody asked us to stop. It is also the clock of the client, so that no wait outlasts that wish."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._by = ""
        self._clock = SystemClock()

    def ask(self, by: str) -> None:
        """Ask for it; a second time stops at once.

        Errors:  Stopped, the second time.
        """
        again = self._asked.is_set()
        self._by = by
        self._asked.set()
        if again:
            self.check()

    def check(self) -> None:
        """Stop here if that was asked for. Call it between steps.

        Errors:  Stopped
        """
        if self._asked.is_set():
            raise Stopped(f"Stopped by {self._by}.", hint="Run the same command again to go on.")

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until somebody asks us to stop.

        Errors:  Stopped
        """
        self._asked.wait(seconds)
        self.check()

    # ------------------------------------------------------------ as a clock

    def now(self) -> datetime:
        """Give this moment, aware, UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Give seconds since some fixed moment."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass. Errors: Stopped."""
        self.wait(seconds)


@contextmanager
def signals_ask(stopping: Stopping) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask `stopping`, while the block runs. Only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(number: int, _frame: FrameType | None) -> None:
        stopping.ask(signal.Signals(number).name)

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
