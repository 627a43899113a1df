"""What we know of Microsoft's own tables without asking an environment: their columns, primary id and primary name.

It serves to find a slip of the pen before anything is sent. What is not listed here is not thereby wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# Columns of every row of a table that a maker adds, by ownership.
# Source: learn.microsoft.com/power-apps/maker/data-platform/entity-overview ("System columns" of a new table).
_OF_EVERY_TABLE = (
    "createdby createdon createdonbehalfby importsequencenumber modifiedby modifiedon modifiedonbehalfby "
    "overriddencreatedon statecode statuscode timezoneruleversionnumber utcconversiontimezonecode versionnumber"
)
_OF_OWNERSHIP = {
    "organization": "organizationid",
    "user": "ownerid owningbusinessunit owningteam owninguser",
}
_OF_MONEY = "transactioncurrencyid exchangerate"


@dataclass(frozen=True, slots=True)
class StandardTable:
    """One of Microsoft's tables, in a plain environment with Sales."""

    primary_id: str
    primary_name: str
    columns: frozenset[str]


@cache
def standard_tables() -> Mapping[str, StandardTable]:
    """Read the list that comes with the program (its source stands in it)."""
    text = files("d365ext.definitions").joinpath("standard.json").read_text(encoding="utf-8")
    return {
        name: StandardTable(table["primary_id"], table["primary_name"], frozenset(table["columns"]))
        for name, table in json.loads(text)["tables"].items()
    }


def columns_of_every_own_table(ownership: str, *, has_currency: bool) -> frozenset[str]:
    """List the columns that the platform adds to a table of ours by itself."""
    money = _OF_MONEY if has_currency else ""
    return frozenset(f"{_OF_EVERY_TABLE} {_OF_OWNERSHIP[ownership]} {money}".split())
