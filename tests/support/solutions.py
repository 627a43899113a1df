"""The shipped solution, to load as it is or to break in one place."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

from d365ext.definitions.load import load_solution
from d365ext.definitions.solution import Solution
from d365ext.shipped import shipped

FOUR_VIEWS = ("partners", "contacts", "customers", "partner-customers")


@cache
def the_solution() -> Solution:
    """Load the shipped solution."""
    return load_solution(shipped("solution"))


def a_copy(into: Path) -> Path:
    """Copy the shipped solution into a folder of the test's own."""
    return Path(shutil.copytree(shipped("solution"), into / "solution"))


def the_core() -> Solution:
    """Give the shipped solution without what people see of it, save the four views: tables, columns, lookups."""
    whole = the_solution()
    views = {key: whole.views[key] for key in FOUR_VIEWS}
    return replace(whole, views=views, scripts={}, forms={}, charts={}, dashboards={}, roles={}, app=None)


def a_core_copy(into: Path) -> Path:
    """Copy the shipped solution without what people see of it, save the four views."""
    folder = a_copy(into)
    for name in ("scripts", "forms", "charts", "dashboards", "roles", "app"):
        shutil.rmtree(folder / name)
    for view in (folder / "views").iterdir():
        if view.stem not in FOUR_VIEWS:
            view.unlink()
    return folder


def edit(file: Path, old: str, new: str) -> int:
    """Replace the first `old` in a file; give the line on which it stands."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} has no {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1
