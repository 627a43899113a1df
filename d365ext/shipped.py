"""Finds the folders that come with the program: `solution/`, `config/`."""

from __future__ import annotations

from pathlib import Path

from d365ext.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Give the folder `name` that came with the program.

    A wheel carries it beside the code (`d365ext/_shipped/<name>`); in a checkout it stands at the top.

    Errors:  UsageError if the installation lacks it.
    """
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise UsageError(f"This installation has no folder {name!r}.", hint="Install d365ext again.")
