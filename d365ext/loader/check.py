"""Rows of text → rows to load. Finds every mistake of content in every file before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from d365ext.errors import CsvMistake
from d365ext.loader.cells import CellError, to_value
from d365ext.loader.currencies import Currencies
from d365ext.loader.folder import Sheet, TextRow
from d365ext.loader.shapes import Column, Kind, Table

CURRENCY_TABLE, CURRENCY_COLUMN = "transactioncurrency", "transactioncurrencyid"


@dataclass(slots=True)
class Reference:
    """A lookup's value. `table` is where the id was found, in the files or the environment; None: nowhere yet."""

    id: str
    table: str | None = None


@dataclass(slots=True)
class Row:
    """A row to load: `values` without lookups, `lookups` apart; what was empty in the file is in neither."""

    table: Table
    id: str
    file: str
    line: int
    values: dict[str, Any] = field(default_factory=dict)
    lookups: dict[str, Reference] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Say where the row stands, for a message."""
        return f"{self.file}, line {self.line}"


def check_header(sheet: Sheet, tables: Mapping[str, Table]) -> list[CsvMistake]:
    """Find what is wrong with the name and the header of a file; `tables` has the columns of `sheet`'s table."""
    table = tables.get(sheet.table)
    if table is None:
        hint = _did_you_mean(sheet.table, tables, "A file is named after the logical name of its table.")
        return [CsvMistake(f"the environment has no table {sheet.table!r}.", file=sheet.file, hint=hint)]
    mistakes = [_check_column(sheet.file, name, table) for name in sheet.header]
    if sheet.header[0] != table.primary_id:
        message = f"the first column is {sheet.header[0]!r}; it must be {table.primary_id!r}, the table's primary id."
        mistakes.append(CsvMistake(message, file=sheet.file, line=1))
    return [mistake for mistake in mistakes if mistake is not None]


def _check_column(file: str, name: str, table: Table) -> CsvMistake | None:
    column = table.columns.get(name)
    if column is None:
        hint = _did_you_mean(name, table.columns, "Is the solution deployed?")
        return CsvMistake(f"the table {table.name} has no such column.", file=file, line=1, column=name, hint=hint)
    if column.kind is Kind.OTHER:
        return CsvMistake("no CSV file can hold what this column holds.", file=file, line=1, column=name)
    if not (column.can_create or column.can_update):
        hint = "Use overriddencreatedon." if name == "createdon" else "Take the column out of the file."
        return CsvMistake("the platform sets this column itself.", file=file, line=1, column=name, hint=hint)
    return None


def _did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else otherwise


def check_rows(sheet: Sheet, table: Table, currencies: Currencies, mistakes: list[CsvMistake]) -> list[Row]:
    """Read the cells of every row; what is wrong goes to `mistakes`, and the row is still given with the rest."""
    columns = [table.columns[name] for name in sheet.header]
    seen: dict[str, int] = {}
    rows = []
    for text in sheet.rows:
        row = _check_row(sheet, text, table, columns, currencies, mistakes)
        if row is None:
            continue
        if row.id in seen:
            message = f"the id {row.id} is on line {seen[row.id]} already."
            mistakes.append(CsvMistake(message, file=sheet.file, line=text.line, column=table.primary_id))
            continue
        seen[row.id] = text.line
        rows.append(row)
    return rows


def _check_row(
    sheet: Sheet,
    text: TextRow,
    table: Table,
    columns: list[Column],
    currencies: Currencies,
    mistakes: list[CsvMistake],
) -> Row | None:
    cells = dict(zip(sheet.header, text.cells, strict=True))
    currency = cells.get(CURRENCY_COLUMN) if table.name != CURRENCY_TABLE else None
    row = Row(table, "", sheet.file, text.line)
    for column in columns:
        cell = cells[column.name]
        if not cell.strip() and column.name != table.primary_id:
            continue
        try:
            value = to_value(cell, currencies.exactly(column, currency))
        except CellError as bad:
            mistakes.append(CsvMistake(str(bad), file=sheet.file, line=text.line, column=column.name))
            continue
        if column.name == table.primary_id:
            row.id = value
        elif column.kind is Kind.LOOKUP:
            row.lookups[column.name] = Reference(value)
        else:
            row.values[column.name] = value
    _settle_status(row, mistakes)
    return row if row.id else None


def _settle_status(row: Row, mistakes: list[CsvMistake]) -> None:
    """See that a status reason belongs to the state beside it; alone it says the state as well."""
    status = row.values.get("statuscode")
    if status is None:
        return
    state = next(option.state for option in row.table.columns["statuscode"].options if option.value == status)
    if row.values.setdefault("statecode", state) != state:
        message = f"{status} is no status of the state {row.values['statecode']}."
        mistakes.append(CsvMistake(message, file=row.file, line=row.line, column="statuscode"))


def find_in_files(rows: Iterable[Row]) -> None:
    """Say of each lookup in which file its row is, if in one."""
    held = list(rows)
    tables: dict[str, set[str]] = {}
    for row in held:
        tables.setdefault(row.id, set()).add(row.table.name)
    for row in held:
        for name, reference in row.lookups.items():
            fits = tables.get(reference.id, set()) & set(row.table.columns[name].targets)
            reference.table = min(fits, default=None)


def unknown_lookups(rows: Iterable[Row]) -> list[CsvMistake]:
    """Name every lookup whose row was found nowhere."""
    return [
        CsvMistake(
            f"there is no {' or '.join(sorted(row.table.columns[name].targets))} {reference.id},"
            " neither in the files nor in the environment.",
            file=row.file,
            line=row.line,
            column=name,
        )
        for row in rows
        for name, reference in row.lookups.items()
        if reference.table is None
    ]
