"""What we add to forms: tabs, sections, scripts. Forms themselves are Microsoft's and the customer's.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/form-xml-schema (tab, column, section, cell, control,
Library, Handler; at most 3 columns in a tab, 4 in a section).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from d365ext.definitions.parts import Name, OurName, Part, Texts, refuse


class LookupFilter(Part):
    """Show in a lookup only rows that are related to the row in another lookup of the form.

    Source: learn.microsoft.com/power-apps/maker/model-driven-apps/special-field-properties-legacy (related records
    filtering; one filter for a lookup).
    """

    by: Name
    """The other lookup of the form."""
    through: str
    """The relationship between that row and the rows to show."""


class Subgrid(Part):
    """Rows of another table that are related to the row of the form, as a view shows them."""

    view: str
    relationship: str
    rows: int = Field(default=6, ge=2, le=50)


class Cell(Part):
    """One place in a section: a column of ours or a subgrid."""

    column: OurName | None = None
    subgrid: Subgrid | None = None
    label: Texts | None = None
    """Needed by a subgrid; a column is called by its own name without it."""
    read_only: bool = False
    view: str = ""
    """The view of a lookup: the only one offered."""
    filter: LookupFilter | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.column is None) == (self.subgrid is None):
            raise refuse("A cell holds either 'column' or 'subgrid'.")
        if self.subgrid and self.label is None:
            raise refuse("A subgrid needs a 'label'.")
        return self


class Section(Part):
    """A section of a form."""

    name: OurName
    label: Texts
    show_label: bool = True
    width: int = Field(default=1, ge=1, le=4)
    """How many cells stand beside each other."""
    column: int = Field(default=1, ge=1, le=3)
    """In which column of its tab it stands."""
    cells: tuple[Cell, ...] = Field(min_length=1, alias="cell")


def _sum_to_100(widths: tuple[int, ...]) -> tuple[int, ...]:
    if sum(widths) != 100:
        raise refuse(f"The widths of a tab's columns make 100 together, not {sum(widths)}.")
    return widths


class Tab(Part):
    """A tab of a form, after all others."""

    name: OurName
    label: Texts
    widths: Annotated[tuple[int, ...], AfterValidator(_sum_to_100)] = Field(default=(100,), min_length=1, max_length=3)
    sections: tuple[Section, ...] = Field(min_length=1, alias="section")


class Handler(Part):
    """A function of a script, called when something happens on the form."""

    event: Literal["onload", "onsave", "onchange"]
    column: Name | None = None
    script: str
    """In which script the function is; one of `scripts` of the form."""
    function: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")

    @model_validator(mode="after")
    def _a_change_is_of_a_column(self) -> Self:
        if (self.event == "onchange") != (self.column is not None):
            raise refuse("A handler of 'onchange' names its 'column'; the others have none.")
        return self


class FormAddition(Part):
    """What is added to every form of the named kind, tables and names. Its `key` is the name of its file."""

    key: str
    tables: tuple[Name, ...] = Field(min_length=1)
    type: Literal["main", "quick create"]
    forms: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Which forms, by their names in the environment; `*` stands for any letters."""
    tabs: tuple[Tab, ...] = Field(default=(), alias="tab")
    sections: tuple[Section, ...] = Field(default=(), alias="section")
    """Sections at the end of the first tab that people see."""
    scripts: tuple[str, ...] = ()
    """Scripts that the form loads, in this order: files in scripts/."""
    handlers: tuple[Handler, ...] = Field(default=(), alias="handler")
