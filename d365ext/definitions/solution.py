"""The whole of what we want in an environment: everything that `solution/` declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, Field

from d365ext.definitions.app import App
from d365ext.definitions.charts import Chart
from d365ext.definitions.columns import Choice, Column
from d365ext.definitions.dashboards import Dashboard
from d365ext.definitions.forms import FormAddition
from d365ext.definitions.parts import Part, refuse
from d365ext.definitions.roles import Role
from d365ext.definitions.rollups import Rollups
from d365ext.definitions.scripts import Script
from d365ext.definitions.standard import standard_tables
from d365ext.definitions.tables import ColumnMapping, OwnTable, Relationship, Table
from d365ext.definitions.views import View

KPI_TABLE = "pch_pipeline"
"""The table whose KPI columns rollups.toml declares (design.md, "pch_pipeline")."""


def _is_free(prefix: str) -> str:
    if prefix.startswith(("mscrm", "crm")):
        raise refuse(f"The prefix {prefix} is Microsoft's.")
    return prefix


class Publisher(Part):
    """Who makes the solution; its prefix marks what is ours.

    Source: learn.microsoft.com/power-apps/developer/data-platform/reference/entities/publisher (2 to 8 letters or
    digits, starting with a letter, not "mscrm"; option prefix 10,000 to 99,999).
    """

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    label: str
    description: str = ""
    prefix: Annotated[str, AfterValidator(_is_free)] = Field(pattern=r"^[a-z][a-z0-9]{1,7}$")
    option_prefix: int = Field(ge=10_000, le=99_999)


class SolutionHead(Part):
    """The solution row: the name under which the environment lists what is ours.

    Source: learn.microsoft.com/power-platform/alm/solution-api (unique name: letters, digits, underscore; version of
    four numbers).
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    label: str
    description: str = ""
    version: str = Field(pattern=r"^\d+\.\d+\.\d+\.\d+$")


@dataclass(frozen=True, slots=True)
class Solution:
    """Everything declared. Texts are by language as the files name them; `languages` gives each its code."""

    publisher: Publisher
    solution: SolutionHead
    languages: Mapping[str, int]
    rollups: Rollups
    choices: Mapping[str, Choice] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    mappings: tuple[ColumnMapping, ...] = ()
    views: Mapping[str, View] = field(default_factory=dict)
    scripts: Mapping[str, Script] = field(default_factory=dict)
    forms: Mapping[str, FormAddition] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)
    dashboards: Mapping[str, Dashboard] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    app: App | None = None

    def column(self, table: str, name: str) -> Column | None:
        """Give a column that we declare on `table`."""
        found = self.tables.get(table)
        return found.columns.get(name) if found else None

    def lookup(self, table: str, name: str) -> Relationship | None:
        """Give the relationship of a lookup that we declare on `table`."""
        return next((each for each in self.relationships.values() if (each.table, each.lookup) == (table, name)), None)

    def primary_id(self, table: str) -> str:
        """Name the column that identifies a row of `table`."""
        known = standard_tables().get(table)
        return known.primary_id if known else f"{table}id"

    def primary_name(self, table: str) -> str:
        """Name the column that a row of `table` is called by."""
        own = self.tables.get(table)
        known = standard_tables().get(table)
        return own.primary_name if isinstance(own, OwnTable) else known.primary_name if known else "name"
