"""Named steps at which a test may kill the worker, as a power cut would.

Nothing happens unless D365EXT_CRASH_AT names a step: `pull.swapped`, or `push.chunk_sent:3` for the third time.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "D365EXT_CRASH_AT"

POINTS = (
    "lease.taken",
    "pull.page_read",
    "pull.page_staged",
    "pull.link_staged",
    "pull.page_committed",
    "pull.load_begun",
    "pull.swap_staged",
    "pull.swapped",
    "pull.done",
    "compute.done",
    "push.chunk_sending",
    "push.chunk_sent",
    "push.done",
    "run.closing",
    "run.closed",
)
"""Every step there is, in the order of a run."""

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """Pass the step `name`; die here if a test wants it."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _passed[name] += 1
    step, _, nth = wanted.partition(":")
    if step == name and _passed[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
