"""The mark of an apply that has not reached its end.

Some of what an apply writes shows no trace of not being published yet (column mappings, definitions). So the solution's
description carries this mark from the first change until everything is published: an apply that was killed in between
is found by the next one, which then publishes everything. Pure.
"""

from __future__ import annotations

_MARK = "(d365ext deploy apply has not finished)"


def marked(description: str) -> str:
    """Put the mark on.

    >>> marked("Partners.")
    'Partners. (d365ext deploy apply has not finished)'
    """
    return f"{unmarked(description)} {_MARK}".lstrip()


def unmarked(description: str) -> str:
    """Take the mark off."""
    return description.removesuffix(_MARK).rstrip() if is_marked(description) else description


def is_marked(description: str) -> bool:
    """Say whether it is on."""
    return description.endswith(_MARK)
