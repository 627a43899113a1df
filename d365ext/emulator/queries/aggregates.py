"""Aggregates and groups, the same for $apply and FetchXML: exact sums and means, parts of dates, the row limit.

Owns how an aggregate is computed and printed. Sums are integers in SQLite; a mean leaves it as "sum/count" and is
divided once, in decimals.

Source: powerapps-docs …/fetchxml/aggregate-data.md and …/webapi/query/aggregate-data.md, whose samples print sums and
means of money with nine decimals, 0 for the sum of a group without values, and the mean of whole numbers as one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from d365ext.emulator.odata.navigation_sql import run
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import formatted
from d365ext.emulator.queries.shape import Cell, exact_number
from d365ext.emulator.queries.stored_values import Operand
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, ColumnType

ROWS_MAX = 50_000
DIGITS = 9
_SUMMED = frozenset({ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DECIMAL, ColumnType.DOUBLE, ColumnType.MONEY})
Part = tuple[sa.ColumnElement[Any], Cell]


def aggregate(session: Session, method: str, operand: Operand | None, cell: Cell, *, distinct: bool = False) -> Part:
    """Make the SQL and the cell of one aggregate: count, countcolumn, sum, avg, min, max. `cell` says key and place."""
    if operand is None or method == "count":
        return sa.func.count(), _number_cell(cell)
    column = operand.column
    if method == "countcolumn":
        return sa.func.count(sa.distinct(operand.key) if distinct else operand.sql), _number_cell(cell)
    if method in ("min", "max"):
        if column.type not in _SUMMED and column.type is not ColumnType.DATETIME:
            raise _not_aggregated(method, column)
        return getattr(sa.func, method)(operand.sql), _cell(cell, column, write=_writer(session, column, None))
    if column.type not in _SUMMED:
        raise _not_aggregated(method, column)
    if method == "sum":
        convert = None if column.scale == 0 else _with_digits(column.scale)
        return sa.func.coalesce(sa.func.sum(operand.sql), 0), _cell(
            cell, column, convert=convert, write=_writer(session, column, None)
        )
    if column.type is ColumnType.DOUBLE:
        return sa.func.avg(operand.sql), _cell(cell, column)
    both = sa.func.sum(operand.sql).concat("/").concat(sa.func.count(operand.sql))
    mean = _mean(column)
    return both, _cell(
        cell, column, convert=lambda text: _printed(mean(text), column), write=_writer(session, column, mean)
    )


def _number_cell(cell: Cell) -> Cell:
    return _cell(cell, Column(cell.key, cell.key, ColumnType.INTEGER, {}))


def _cell(
    cell: Cell,
    column: Column,
    *,
    convert: Callable[[Any], Any] | None = None,
    write: Callable[[Any], Any] | None = None,
) -> Cell:
    return Cell(cell.key, column, cell.table, cell.at, convert=convert, write=write)


def _not_aggregated(method: str, column: Column) -> Problem:
    return Problem(
        400, "0x80040203", f"The aggregate '{method}' can't be applied to '{column.logical}' of type {column.type}."
    )


def _with_digits(scale: int) -> Callable[[int], orjson.Fragment]:
    digits = max(scale, DIGITS)
    write, factor = exact_number(digits), 10 ** (digits - scale)
    return lambda value: write(value * factor)


def _mean(column: Column) -> Callable[[str], Decimal]:
    def of(text: str) -> Decimal:
        total, _, count = text.partition("/")
        with localcontext(prec=60):
            exact = Decimal(total).scaleb(-column.scale) / Decimal(count)
            return exact.quantize(Decimal(1).scaleb(-max(column.scale, DIGITS)), ROUND_HALF_UP)

    return of


def _printed(mean: Decimal, column: Column) -> Any:
    if column.type in (ColumnType.INTEGER, ColumnType.BIGINT):
        return int(mean)  # SQL Server's AVG of whole numbers is a whole number, cut
    return orjson.Fragment(format(mean, "f"))


def _writer(session: Session, column: Column, mean: Callable[[str], Decimal] | None) -> Callable[[Any], str] | None:
    """The formatted value of an aggregate; money in the base currency, as nothing says which else (inferred)."""
    if column.type is ColumnType.MONEY:
        known = formatted.currencies(session)
        currency = known.get(formatted.base_currency(session) or "", formatted.Currency("", 2, ""))
        if mean is None:
            return lambda value: formatted.money_text(value, column, currency)
        return lambda value: formatted.money_text(int(mean(value).scaleb(4)), column, currency)
    if mean is None:
        return None
    digits = column.scale
    return lambda value: f"{int(mean(value)):,d}" if digits == 0 else f"{mean(value):,.{digits}f}"


def date_part(operand: Operand, part: str) -> sa.ColumnElement[Any]:
    """Give the SQL of a date's part; weeks start on Sunday, the week of 1 January is the first.

    Source: …/fetchxml/aggregate-data.md: 25 March 2023 is in week 12, 27 August in week 35, "Quarter 1 FY2023". That
    the raw value of a fiscal period is that text is inferred. Users' time zone is UTC here.
    """
    if operand.column.type is not ColumnType.DATETIME:
        raise Problem(400, "0x80040203", f"'{operand.column.logical}' is not a date: it has no '{part}'.")
    year, month = _clock("%Y", operand.sql), _clock("%m", operand.sql)
    match part:
        case "day":
            return _clock("%d", operand.sql)
        case "month":
            return month
        case "year":
            return year
        case "quarter":
            return _quarter(month)
        case "week":
            first = sa.func.date(operand.sql, "start of year")
            return (_clock("%j", operand.sql) - 1 + _clock("%w", first)) // 7 + 1
        case "fiscal-year":
            return sa.literal("FY").concat(sa.cast(year, sa.Text()))
    number = sa.cast(_quarter(month), sa.Text())
    return sa.literal("Quarter ").concat(number).concat(" FY").concat(sa.cast(year, sa.Text()))


def _quarter(month: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return (month + 2) // 3


def _clock(pattern: str, moment: Any) -> sa.ColumnElement[Any]:
    return sa.cast(sa.func.strftime(pattern, moment), sa.Integer())


def part_cell(cell: Cell, part: str) -> Cell:
    """Make the cell of a date's part."""
    kind = ColumnType.STRING if part.startswith("fiscal") else ColumnType.INTEGER
    return _cell(cell, Column(cell.key, cell.key, kind, {}))


def check_rows(session: Session, tables: sa.FromClause, where: list[Any], limit: int = ROWS_MAX) -> None:
    """Refuse to aggregate more than 50,000 rows, counted after the filter and before grouping.

    Source: …/fetchxml/aggregate-data.md, "Limitations": 0x8004E023.
    """
    rows = sa.select(sa.literal(1)).select_from(tables).where(*where).limit(limit + 1).subquery()
    if session.conn.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one() > limit:
        raise Problem(400, "0x8004E023", "AggregateQueryRecordLimit exceeded. Cannot perform this operation.")


def fetch_all(session: Session, statement: sa.Select[Any]) -> list[Any]:
    """Run an aggregating statement; a sum beyond 64 bits is a 400, as it is an overflow there."""
    try:
        return run(session, statement)
    except OperationalError as error:
        if "integer overflow" not in str(error):
            raise
        raise Problem(400, "0x80040216", "Arithmetic overflow error while computing an aggregate.") from error
