"""Security roles: who may do what with which table.

Source: learn.microsoft.com/power-platform/admin/security-roles-privileges (privileges, depths; a table that the
organization owns knows only the depth organization).
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from d365ext.definitions.ids import component_id
from d365ext.definitions.parts import Name, Part

Depth = Literal["user", "business unit", "parent", "organization"]

RIGHTS = ("create", "read", "write", "delete", "append", "append_to", "assign", "share")


class Rights(Part):
    """What a role may do with one table, and how far."""

    create: Depth | None = None
    read: Depth | None = None
    write: Depth | None = None
    delete: Depth | None = None
    append: Depth | None = None
    append_to: Depth | None = None
    assign: Depth | None = None
    share: Depth | None = None


class Role(Part):
    """A security role. Its `key` is the name of its file; its name is the same in every language."""

    key: str
    name: str = Field(min_length=1, max_length=100)
    tables: dict[Name, Rights] = Field(default_factory=dict, alias="table")
    other: tuple[str, ...] = ()
    """Privileges that are not of one table, by their names, e.g. prvReadOrganization; depth organization."""

    @property
    def id(self) -> UUID:
        """Its fixed id in the root business unit."""
        return component_id("role", self.key)
