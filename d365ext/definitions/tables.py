"""Tables, what we add to them, and how their rows relate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from d365ext.definitions.columns import Column
from d365ext.definitions.parts import Name, OurName, Part, Texts


class Key(Part):
    """An alternate key: no two rows agree in all its columns.

    Source: learn.microsoft.com/power-apps/developer/data-platform/define-alternate-keys-entity ("up to 16 columns").
    """

    label: Texts
    columns: tuple[Name, ...] = Field(min_length=1, max_length=16)


class Table(Part):
    """A table as far as it is ours: of a standard table only what we add to it."""

    name: Name
    change_tracking: bool = False
    columns: dict[OurName, Column] = Field(default_factory=dict, alias="column")
    keys: dict[OurName, Key] = Field(default_factory=dict, alias="key")


class OwnTable(Table):
    """A table that we make."""

    name: OurName
    label: Texts
    plural: Texts
    description: Texts = Field(default_factory=dict)
    ownership: Literal["organization", "user"]
    primary_name: OurName
    auditing: bool = False
    has_currency: bool = False


class Cascade(Part):
    """What happens to the rows that look when something happens to the row they look at.

    Source: learn.microsoft.com/power-apps/developer/data-platform/configure-entity-relationship-cascading-behavior.
    """

    delete: Literal["Cascade", "RemoveLink", "Restrict"]
    merge: Literal["NoCascade", "Cascade"] = "NoCascade"
    assign: Literal["NoCascade", "Cascade", "Active", "UserOwned"] = "NoCascade"
    reparent: Literal["NoCascade", "Cascade", "Active", "UserOwned"] = "NoCascade"
    share: Literal["NoCascade", "Cascade", "Active", "UserOwned"] = "NoCascade"
    unshare: Literal["NoCascade", "Cascade", "Active", "UserOwned"] = "NoCascade"

    @property
    def is_parental(self) -> bool:
        """Say whether the platform counts this as the one parent that a table may have.

        Source: learn.microsoft.com/power-apps/maker/data-platform/create-edit-entity-relationships ("Parental table
        relationships", "Limitations on behaviors you can set").
        """
        shared = (self.assign, self.reparent, self.share, self.unshare)
        return self.delete == "Cascade" or any(action != "NoCascade" for action in shared)


class Relationship(Part):
    """A lookup column `lookup` of `table` that names a row of `to`."""

    name: OurName
    lookup: OurName
    table: Name
    to: Name
    cascade: Cascade
    label: Texts
    description: Texts = Field(default_factory=dict)
    related: Texts | None = None
    """What the rows are called in the Related menu of the row they look at; not shown there without it."""


class ColumnMapping(Part):
    """The form of a new `target` row, made from a `source` row, starts with the source's value of `column`."""

    source: Name
    target: Name
    column: OurName
