"""From rows of SQLite to rows of JSON: which columns are read, under which names they leave, annotations beside them.

Owns the plan of a row's shape and carrying it out a column at a time, which keeps a page of 5,000 rows close to the
speed of SQLite itself. Exact numbers leave as text that orjson embeds (`Fragment`), never as floats.

Source: powerapps-docs …/webapi/query/select-columns.md: the primary key always comes along, money brings its currency.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from d365ext.emulator.queries import formatted
from d365ext.emulator.queries.formatted import FORMATTED, LOOKUP_TABLE, NAVIGATION, Annotations
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, Column, ColumnType, Table

ETAG = "@odata.etag"
VERSION_COLUMN = "versionnumber"
CURRENCY = "transactioncurrencyid"
Row = dict[str, Any]
Convert = Callable[[Any], Any]
PRINCIPALS = frozenset({"systemuser", "team"})
"""Source: powerapps-docs …/webapi/query/join-tables.md: both systemuserid and ownerid are returned, same value."""
ABSENT: Any = object()
_ADDRESS_PART = re.compile(r"(address\d)_(line[123]|city|stateorprovince|postalcode|country)")

_PLANS_KEPT = 64  # of one table, as many as there are ways to select from it


@dataclass(frozen=True, slots=True)
class Cell:
    """One property of a row: its name in JSON, its column, and where in the row that was read its values stand."""

    key: str
    column: Column
    table: Table  # whose column it is
    at: int
    type_at: int | None = None  # of a polymorphic lookup: the target's table
    currency_at: int | None = None  # of money: the currency's id
    convert: Convert | None = None  # instead of what the column's type says
    write: Convert | None = None  # the formatted value, instead of what the column's type says


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is read and how it leaves.

    A plan over one table knows the SQL columns to read, in order: `reads`. One over several (FetchXML) is made by
    whoever selects them. `width` values of each row belong to the plan; more may follow.
    """

    cells: tuple[Cell, ...]
    width: int
    version_at: int | None  # where the row's version stands, of which the ETag is made
    reads: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        """The table of a plan over one."""
        return self.cells[0].table

    def sql(self, source: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        """Give the columns to select from `source` (the table or an alias of it)."""
        return [source.c[name] for name in self.reads]


def plan_columns(session: Session, table: Table, select: Sequence[str] | None) -> Plan:
    """Plan the shape of rows of `table` with the properties of `select`, or with all if None; 400 if one is unknown."""
    del session  # the table is of its schema already
    wanted = None if select is None or "*" in select else tuple(select)
    plans: dict[tuple[str, ...] | None, Plan] = table.worked_out.setdefault(Plan, {})
    plan = plans.get(wanted)
    if plan is None:
        plan = _plan(table, wanted)
        if len(plans) >= _PLANS_KEPT:
            plans.clear()
        plans[wanted] = plan
    return plan


def _plan(table: Table, select: tuple[str, ...] | None) -> Plan:
    names = list(table.properties) if select is None else _with_companions(table, select)
    keyed = [(name, table.properties[name]) for name in names]
    primary = table.columns[table.primary_id]
    if table.primary_id not in names:
        keyed.append((table.primary_id, primary))
    if table.logical in PRINCIPALS and "ownerid" not in table.properties:
        keyed.append(("ownerid", primary))
    has_version = VERSION_COLUMN in table.columns
    reads = [VERSION_COLUMN] if has_version else []
    reads += [column.logical for _, column in keyed]
    types = [column.logical + TYPE_SUFFIX for _, column in keyed if column.is_polymorphic]
    places = {name: len(reads) + at for at, name in enumerate(types)}
    currency_at = reads.index(CURRENCY) if CURRENCY in reads else None
    cells = tuple(
        Cell(
            key,
            column,
            table,
            at,
            places.get(column.logical + TYPE_SUFFIX),
            currency_at if column.type is ColumnType.MONEY else None,
        )
        for at, (key, column) in enumerate(keyed, start=int(has_version))
    )
    return Plan(cells, len(reads) + len(types), 0 if has_version else None, (*reads, *types))


def _with_companions(table: Table, select: tuple[str, ...]) -> list[str]:
    names = dict.fromkeys(select)
    for name in select:
        column = table.properties.get(name)
        if column is None and name == "ownerid" and table.logical in PRINCIPALS:
            names.pop(name)
            continue
        if column is None:
            raise table.no_property(name)
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
    without_nulls: bool = False,
) -> list[Row]:
    """Turn rows, read in the order of the plan (more values may follow), into JSON objects.

    With `annotations` the names of lookups and of currencies are read through `session`.
    """
    if not rows:
        return []
    read = list(zip(*rows, strict=True))
    keys: list[str] = []
    values: list[Sequence[Any]] = []
    if plan.version_at is not None and not without_etag:
        keys.append(ETAG)
        values.append([f'W/"{version}"' for version in read[plan.version_at]])
    annotated = session is not None and annotations is not None and annotations.on_cells
    for cell in plan.cells:
        if session is not None and annotations is not None and annotated:
            for name, texts in annotate(cell, read, session=session, wanted=annotations):
                keys.append(f"{cell.key}@{name}")
                values.append(texts)
        keys.append(cell.key)
        values.append(_converted(cell, read[cell.at], null=ABSENT if without_nulls else None))
    if not annotated and not without_nulls:
        return [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
    return [
        {key: value for key, value in zip(keys, row, strict=True) if value is not ABSENT}
        for row in zip(*values, strict=True)
    ]


def _converted(cell: Cell, values: Sequence[Any], *, null: Any) -> Sequence[Any]:
    convert = cell.convert or to_json(cell.column)
    if convert is not None:
        return [null if value is None else convert(value) for value in values]
    return values if null is None else [null if value is None else value for value in values]


def annotate(
    cell: Cell, read: Sequence[Sequence[Any]], *, session: Session, wanted: Annotations
) -> list[tuple[str, list[Any]]]:
    """Give the annotations of one cell for all rows; ABSENT where a row has none."""
    column, own = cell.column, read[cell.at]
    if column.is_lookup:
        types = None if cell.type_at is None else read[cell.type_at]
        texts = formatted.lookup_texts(session, cell.table, column, own, types)
        found = ((FORMATTED, texts.names), (NAVIGATION, texts.navigations), (LOOKUP_TABLE, texts.tables))
        return [(name, _or_absent(each)) for name, each in found if wanted.has(name)]
    if not wanted.has(FORMATTED):
        return []
    if cell.write is None and column.type is ColumnType.MONEY:
        return [(FORMATTED, _money(cell, own, read, session))]
    write = cell.write or formatted.formatter(column, session)
    if write is None:
        return []
    return [(FORMATTED, [ABSENT if value is None else write(value) for value in own])]


def _or_absent(values: Sequence[Any]) -> list[Any]:
    return [ABSENT if value is None else value for value in values]


def _money(cell: Cell, amounts: Sequence[Any], read: Sequence[Sequence[Any]], session: Session) -> list[Any]:
    known = formatted.currencies(session)
    base = formatted.base_currency(session)
    plain = formatted.Currency("", 2, "")
    is_base = cell.column.base_of is not None or cell.currency_at is None
    ids: Sequence[Any] = [base] * len(amounts) if is_base else read[cell.currency_at or 0]
    return [
        ABSENT
        if amount is None
        else formatted.money_text(amount, cell.column, known.get(currency or base or "", plain))
        for amount, currency in zip(amounts, ids, strict=True)
    ]
