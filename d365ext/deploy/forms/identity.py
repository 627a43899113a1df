"""Ids of what we put into a form: always the same for the same place of the same form, and known as ours by their kind.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/form-xml-schema (ids of tabs, sections and cells are
braced GUIDs, unique in the form). Designers make random ones (version 4); ours are made of names (version 5).
"""

from __future__ import annotations

from uuid import UUID, uuid5


def part_id(form_id: UUID, *path: str) -> str:
    """Give the id of the part of a form that `path` names, with braces."""
    return f"{{{uuid5(form_id, '/'.join(path))}}}"


def is_made_of_names(braced: str) -> bool:
    """Say whether an id is of the kind that we make.

    >>> is_made_of_names("{7f439e74-51b9-59ed-917b-62e674d291d6}"), is_made_of_names("{0-0}")
    (True, False)
    """
    try:
        return UUID(braced.strip("{}")).version == 5
    except ValueError:
        return False
