"""From rows of SQLite to rows of JSON: which columns are read, under which names they leave, annotations beside them.

Owns the plan of a row's shape and carrying it out a column at a time, which keeps a page of 5,000 rows close to the
speed of SQLite itself. Exact numbers leave as text that orjson embeds (`Fragment`), never as floats.

Source: powerapps-docs …/webapi/query/select-columns.md: the primary key always comes along, money brings its currency.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from d365ext.emulator import formatted
from d365ext.emulator.formatted import FORMATTED, LOOKUP_TABLE, NAVIGATION, Annotations
from d365ext.emulator.problems import Problem
from d365ext.emulator.schema import TYPE_SUFFIX, Column, ColumnType, Table
from d365ext.emulator.session import Session

ETAG = "@odata.etag"
VERSION_COLUMN = "versionnumber"
PRINCIPALS = frozenset({"systemuser", "team"})
"""Source: powerapps-docs …/webapi/query/join-tables.md: both systemuserid and ownerid are returned, same value."""
ABSENT: Any = object()
_ADDRESS_PART = re.compile(r"(address\d)_(line[123]|city|stateorprovince|postalcode|country)")

Row = dict[str, Any]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One property of a row: its name in JSON and its column."""

    key: str
    column: Column


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is read of a table and how it leaves.

    `reads` are SQL column names in the order in which `shape_rows` wants each row: the version (if `has_etag`), the
    cells, then for every polymorphic lookup among them the column that names its target table.
    """

    table: Table
    cells: tuple[Cell, ...]
    reads: tuple[str, ...]
    has_etag: bool

    def sql(self, source: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        """Give the columns to select from `source` (the table or an alias of it)."""
        return [source.c[name] for name in self.reads]

    @property
    def width(self) -> int:
        """How many values of a row are shape_rows' own; whatever follows is the caller's."""
        return len(self.reads)


def plan_columns(session: Session, table: Table, select: Sequence[str] | None) -> Plan:
    """Plan the shape of rows of `table` with the properties of `select`, or with all if None; 400 if one is unknown."""
    del session  # the table is of its schema already
    return _plan(table, None if select is None or "*" in select else tuple(select))


@lru_cache(maxsize=512)
def _plan(table: Table, select: tuple[str, ...] | None) -> Plan:
    names = list(table.properties) if select is None else _with_companions(table, select)
    cells = [Cell(name, table.properties[name]) for name in names]
    primary = table.columns[table.primary_id]
    if table.primary_id not in names:
        cells.append(Cell(table.primary_id, primary))
    if table.logical in PRINCIPALS and "ownerid" not in table.properties:
        cells.append(Cell("ownerid", primary))
    has_etag = VERSION_COLUMN in table.columns
    reads = [VERSION_COLUMN] if has_etag else []
    reads += [cell.column.logical for cell in cells]
    reads += [cell.column.logical + TYPE_SUFFIX for cell in cells if cell.column.is_polymorphic]
    return Plan(table, tuple(cells), tuple(reads), has_etag)


def _with_companions(table: Table, select: tuple[str, ...]) -> list[str]:
    names = dict.fromkeys(select)
    for name in select:
        column = table.properties.get(name)
        if column is None and name == "ownerid" and table.logical in PRINCIPALS:
            names.pop(name)
            continue
        if column is None:
            raise Problem.no_column(name, table.logical)
        if column.type is ColumnType.MONEY and "_transactioncurrencyid_value" in table.properties:
            names.setdefault("_transactioncurrencyid_value")
        part = _ADDRESS_PART.fullmatch(name)
        if part and f"{part[1]}_composite" in table.properties:
            names.setdefault(f"{part[1]}_composite")
    return list(names)


def exact_number(scale: int) -> Convert:
    """Give what writes a stored integer × 10^scale as an exact JSON number with `scale` decimals: 20000.0000."""
    if scale == 0:
        return lambda value: value

    def write(value: int) -> orjson.Fragment:
        digits = str(abs(value)).rjust(scale + 1, "0")
        return orjson.Fragment(f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}")

    return write


def to_json(column: Column) -> Convert | None:
    """Give what turns a stored value that is not null into its JSON form, or None if it is the same."""
    match column.type:
        case ColumnType.MONEY | ColumnType.DECIMAL if column.scale:
            return exact_number(column.scale)
        case ColumnType.BOOLEAN:
            return bool
        case ColumnType.MANAGED_PROPERTY:
            return lambda value: {
                "Value": bool(value),
                "CanBeChanged": True,
                "ManagedPropertyLogicalName": column.logical,
            }
    return None


def etag(version: int) -> str:
    """Give the ETag of a row version: W/"123"."""
    return f'W/"{version}"'


def shape_rows(
    plan: Plan,
    rows: Sequence[Sequence[Any]],
    *,
    session: Session | None = None,
    annotations: Annotations | None = None,
    without_etag: bool = False,
) -> list[Row]:
    """Turn rows, read in the order of `plan.reads` (more values may follow), into JSON objects.

    With `annotations` the names of lookups and of currencies are read through `session`.
    """
    if not rows:
        return []
    read = list(zip(*rows, strict=True))
    keys: list[str] = []
    values: list[Sequence[Any]] = []
    first = 1 if plan.has_etag else 0
    if plan.has_etag and not without_etag:
        keys.append(ETAG)
        values.append([f'W/"{version}"' for version in read[0]])
    annotated = session is not None and annotations is not None and annotations.on_cells
    for at, cell in enumerate(plan.cells, start=first):
        if annotated:
            assert session is not None and annotations is not None  # noqa: S101, PT018  said by `annotated`
            for name, texts in annotate(plan, cell, read, session=session, wanted=annotations):
                keys.append(f"{cell.key}@{name}")
                values.append(texts)
        convert = to_json(cell.column)
        column = read[at]
        keys.append(cell.key)
        values.append(column if convert is None else [None if v is None else convert(v) for v in column])
    if not annotated:
        return [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
    return [
        {key: value for key, value in zip(keys, row, strict=True) if value is not ABSENT}
        for row in zip(*values, strict=True)
    ]


def annotate(
    plan: Plan, cell: Cell, read: Sequence[Sequence[Any]], *, session: Session, wanted: Annotations
) -> list[tuple[str, list[Any]]]:
    """Give the annotations of one cell for all rows; ABSENT where a row has none."""
    column = cell.column
    own = read[plan.reads.index(column.logical)]
    if column.is_lookup:
        type_at = plan.reads.index(column.logical + TYPE_SUFFIX) if column.is_polymorphic else None
        types = None if type_at is None else read[type_at]
        texts = formatted.lookup_texts(session, plan.table, column, own, types)
        found = ((FORMATTED, texts.names), (NAVIGATION, texts.navigations), (LOOKUP_TABLE, texts.tables))
        return [(name, _or_absent(each)) for name, each in found if wanted.has(name)]
    if not wanted.has(FORMATTED):
        return []
    if column.type is ColumnType.MONEY:
        return [(FORMATTED, _money(plan, column, own, read, session))]
    write = formatted.formatter(column, session)
    if write is None:
        return []
    return [(FORMATTED, [ABSENT if value is None else write(value) for value in own])]


def _or_absent(values: Sequence[Any]) -> list[Any]:
    return [ABSENT if value is None else value for value in values]


def _money(
    plan: Plan, column: Column, amounts: Sequence[Any], read: Sequence[Sequence[Any]], session: Session
) -> list[Any]:
    known = formatted.currencies(session)
    base = formatted.base_currency(session)
    plain = formatted.Currency("", 2, "")
    if column.base_of is not None or "transactioncurrencyid" not in plan.reads:
        ids: Sequence[Any] = [base] * len(amounts)
    else:
        ids = read[plan.reads.index("transactioncurrencyid")]
    return [
        ABSENT if amount is None else formatted.money_text(amount, column, known.get(currency or base or "", plain))
        for amount, currency in zip(amounts, ids, strict=True)
    ]
