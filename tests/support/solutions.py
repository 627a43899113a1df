"""The shipped solution, to load as it is or to break in one place."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from d365ext.definitions.load import load_solution
from d365ext.definitions.solution import Solution
from d365ext.shipped import shipped


@cache
def the_solution() -> Solution:
    """Load the shipped solution."""
    return load_solution(shipped("solution"))


def a_copy(into: Path) -> Path:
    """Copy the shipped solution into a folder of the test's own."""
    return Path(shutil.copytree(shipped("solution"), into / "solution"))


def edit(file: Path, old: str, new: str) -> int:
    """Replace the first `old` in a file; give the line on which it stands."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} has no {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1
