"""Reads a native view of the environment, as a user of Dynamics 365 would see it, through `savedQuery=`.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/retrieve-and-execute-predefined-queries (empty
columns are left out of the rows); …/webapi/query/select-columns (formatted values, names of lookups).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365ext.names import EntitySetName
from d365ext.webapi.query import Query, literal

if TYPE_CHECKING:
    from d365ext.definitions.views import View
    from d365ext.webapi.client import Client, Row

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
SHOWN_AS_TEXT = frozenset({"Lookup", "Customer", "Owner", "Picklist", "State", "Status"})
FIGURES = frozenset({"Integer", "BigInt", "Decimal", "Double", "Money", "DateTime"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a view: its key in a row, its heading.

    `is_figure`: numbers and dates, which stand at the right. `is_text_of`: only the text of the value says something.
    """

    name: str
    key: str
    heading: str
    is_figure: bool
    is_text_of: bool


@dataclass(frozen=True, slots=True)
class ViewRows:
    """What a view shows."""

    title: str
    columns: tuple[Shown, ...]
    rows: tuple[Row, ...]

    def values(self) -> list[dict[str, Any]]:
        """Give each row as column logical name → value: lookups and choices as their text, empty as None."""
        return [{column.name: _value(row, column) for column in self.columns} for row in self.rows]

    def texts(self) -> list[list[str | None]]:
        """Give each row as the texts that a user sees."""
        return [[_text(row, column) for column in self.columns] for row in self.rows]


def read_view(client: Client, view: View, language: str = "en") -> ViewRows:
    """Read all rows of a view.

    Errors:  RowNotFound if the environment has no such view or table.
    """
    definition = client.get(f"EntityDefinitions(LogicalName={literal(view.table)})?$select=EntitySetName")
    columns = _columns(client, view.table, [column.name for column in view.columns])
    query = Query(EntitySetName(definition["EntitySetName"]), saved_query=view.id)
    return ViewRows(str(view.label.get(language, "")), columns, tuple(client.rows(query, annotations=True)))


def _columns(client: Client, table: str, names: Sequence[str]) -> tuple[Shown, ...]:
    """Learn the columns' types and headings from the environment."""
    address = f"EntityDefinitions(LogicalName={literal(table)})/Attributes"
    known = {
        row["LogicalName"]: row
        for row in client.get(f"{address}?$select=LogicalName,AttributeType,DisplayName")["value"]
    }
    return tuple(_column(name, known.get(name)) for name in names)


def _column(name: str, definition: Row | None) -> Shown:
    kind = "" if definition is None else str(definition["AttributeType"])
    label = ((definition or {}).get("DisplayName") or {}).get("UserLocalizedLabel") or {}
    return Shown(
        name=name,
        key=f"_{name}_value" if kind in ("Lookup", "Customer", "Owner") else name,
        heading=label.get("Label") or name,
        is_figure=kind in FIGURES,
        is_text_of=kind in SHOWN_AS_TEXT,
    )


def _value(row: Row, column: Shown) -> Any:
    value = row.get(column.key)
    if value is None:
        return None
    return row.get(column.key + FORMATTED, value) if column.is_text_of else value


def _text(row: Row, column: Shown) -> str | None:
    """Give what a user sees: the formatted value; days as ISO dates, which are read alike everywhere."""
    value = row.get(column.key)
    if value is None:
        return None
    if isinstance(value, str) and column.is_figure:
        return value
    return str(row.get(column.key + FORMATTED, value))
