"""Chance that is the same every time, on every Python.

Built on `random.Random.random()` alone: of that method Python promises the same sequence for the same seed in every
version (docs.python.org/3/library/random.html, "Notes on Reproducibility").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A source of draws with a name: drawing for one thing never moves the draws of another.

    >>> Draw("a deal").between(1, 6) == Draw("a deal").between(1, 6)
    True
    """

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)  # noqa: S311 — a believable sample, no secret

    def chance(self, probability: float) -> bool:
        """Say yes in `probability` of all cases."""
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both possible."""
        return low + int(self._random.random() * (high - low + 1))

    def factor(self, low: float, high: float) -> float:
        """Draw a number between `low` and `high`, those in the middle more often."""
        return low + (high - low) * (self._random.random() + self._random.random()) / 2

    def pick(self, choices: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Draw one of `choices` (n ≥ 1), as often as `weights` say."""
        if weights is None:
            return choices[int(self._random.random() * len(choices))]
        point = self._random.random() * sum(weights)
        for choice, weight in zip(choices, weights, strict=True):
            point -= weight
            if point < 0:
                return choice
        return choices[-1]
