"""From a constant in a query to the form in which its column is stored, and comparisons that stay exact.

Owns the typing rules of comparisons. Money and decimals are integers × 10^scale in SQLite; a constant with more digits
than the column has is never rounded: the comparison is shifted instead.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation, localcontext
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from d365ext.emulator.odata.ast import EnumMember, Value
from d365ext.emulator.problems import Problem
from d365ext.emulator.store.schema import CHOICE_TYPES, TEXT_TYPES, Column, ColumnType
from d365ext.emulator.store.sqlite_functions import FOLD

Condition = sa.ColumnElement[bool]
NUMBER_TYPES = frozenset(
    {ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.DOUBLE} | CHOICE_TYPES
)
_INT64_MAX = 2**63 - 1
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
OPPOSITE = {"eq": "ne", "ne": "eq", "gt": "le", "le": "gt", "lt": "ge", "ge": "lt"}
MIRRORED = {"eq": "eq", "ne": "ne", "gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}


@dataclass(frozen=True, slots=True)
class Operand:
    """A column of a table in a query, and the SQL that reads it."""

    column: Column
    sql: sa.ColumnElement[Any]
    has_index: bool = False  # an alternate key's index, on the folded text

    @property
    def is_text(self) -> bool:
        """Whether comparisons ignore case."""
        return self.column.type in TEXT_TYPES

    @property
    def key(self) -> sa.ColumnElement[Any]:
        """The SQL to compare and sort by."""
        return getattr(sa.func, FOLD)(self.sql) if self.is_text else self.sql

    @property
    def has_letters_beyond_ascii(self) -> Condition:
        """The SQL that says whether a text needs more than SQLite's own functions to compare without case."""
        found: Condition = sa.func.length(sa.cast(self.sql, sa.LargeBinary())) != sa.func.length(self.sql)
        return found


@dataclass(frozen=True, slots=True)
class Stored:
    """A constant in stored form; where it falls between two stored values, the lower one, and not `is_exact`."""

    value: Any
    is_exact: bool = True


def compare(operand: Operand, word: str, value: Value) -> Condition:
    """Compare a column with a constant by eq, ne, gt, ge, lt or le.

    `ne` also finds rows that hold nothing. Source: OData 4.0 part 2, 5.1.1.1.2 (null is not equal to any value); that
    Dataverse does so: github.com/MarkMpn/Sql4Cds/issues/167.
    """
    if value is None:
        return {"eq": operand.sql.is_(None), "ne": operand.sql.is_not(None)}.get(word, sa.false())
    found: Condition
    stored = to_stored(operand.column, value)
    if not stored.is_exact:
        if word in ("eq", "ne"):
            return sa.true() if word == "ne" else sa.false()
        word = {"gt": "gt", "ge": "gt", "lt": "le", "le": "le"}[word]
    folded = stored.value.casefold() if operand.is_text else stored.value
    if operand.is_text and word in ("eq", "ne") and folded.isascii() and not operand.has_index:
        found = _same_ascii(operand, folded)
        found = sa.not_(found) if word == "ne" else found
    else:
        found = _COMPARE[word](operand.key, sa.literal(folded))
    return sa.or_(found, operand.sql.is_(None)) if word == "ne" else found


def _same_ascii(operand: Operand, folded: str) -> Condition:
    """Equal but for case, for a constant in ASCII: SQLite's own comparison where it suffices, ten times as fast."""
    rest = sa.and_(operand.has_letters_beyond_ascii, operand.key == folded)
    return sa.or_(operand.sql.collate("NOCASE") == folded, rest)


def compare_columns(left: Operand, word: str, right: Operand) -> Condition:
    """Compare two columns of one row, which must be of one kind.

    Source: powerapps-docs …/webapi/query/filter-rows.md, "Column comparison"; two nulls are equal there (OData 4.0).
    """
    if _family(left.column) != _family(right.column):
        raise incompatible(left.column, right.column.type, word)
    one, two = left.key, right.key
    shift = left.column.scale - right.column.scale
    if shift:
        one, two = one * 10 ** max(-shift, 0), two * 10 ** max(shift, 0)
    if word == "eq":
        return one.is_not_distinct_from(two)
    if word == "ne":
        return one.is_distinct_from(two)
    found: Condition = _COMPARE[word](one, two)
    return found


def _family(column: Column) -> str:
    if column.type in TEXT_TYPES:
        return "text"
    if column.type in NUMBER_TYPES:
        return "number"
    if column.is_lookup or column.type is ColumnType.UNIQUEIDENTIFIER:
        return "id"
    return "date" if column.is_date_only else column.type.value


def incompatible(column: Column, other: str, word: str) -> Problem:
    """Make the 400 for comparing what cannot be compared. Source of the words: Microsoft.OData.Core's resources."""
    kinds = {"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "ge": "GreaterThanOrEqual", "lt": "LessThan"}
    kind = kinds.get(word, "LessThanOrEqual")
    return Problem.query(
        f"A binary operator with incompatible types was detected. Found operand types '{edm_type(column)}' and "
        f"'{other}' for operator kind '{kind}'."
    )


def edm_type(column: Column) -> str:
    """Give the type of a column as $metadata prints it.

    Source: powerapps-docs …/webapi/web-api-properties.md, "Property types".
    """
    if column.is_lookup:
        return "Edm.Guid"
    match column.type:
        case ColumnType.INTEGER | ColumnType.PICKLIST | ColumnType.STATE | ColumnType.STATUS:
            return "Edm.Int32"
        case ColumnType.BIGINT:
            return "Edm.Int64"
        case ColumnType.DECIMAL | ColumnType.MONEY:
            return "Edm.Decimal"
        case ColumnType.DOUBLE:
            return "Edm.Double"
        case ColumnType.BOOLEAN:
            return "Edm.Boolean"
        case ColumnType.UNIQUEIDENTIFIER:
            return "Edm.Guid"
        case ColumnType.DATETIME:
            return "Edm.Date" if column.is_date_only else "Edm.DateTimeOffset"
        case ColumnType.MANAGED_PROPERTY:
            return "Microsoft.Dynamics.CRM.BooleanManagedProperty"
    return "Edm.String"


def to_stored(column: Column, value: Value, word: str = "eq", *, from_text: bool = False) -> Stored:
    """Turn a constant into the stored form of `column`; 400 if it is not of its type.

    With `from_text` numbers and booleans may be written as text, as FetchXML and PropertyValues arrays do. Ids and
    moments may always be quoted (the official Python SDK quotes moments; dataverse/conformance.md §2.1).
    """
    if from_text and isinstance(value, str):
        value = _from_text(column, value)
    try:
        return _to_stored(column, value)
    except (TypeError, ValueError, OverflowError, InvalidOperation) as cause:
        raise incompatible(column, _edm_of(value), word) from cause


def _to_stored(column: Column, value: Value) -> Stored:
    if isinstance(value, EnumMember | tuple):
        raise TypeError
    if column.type is ColumnType.BOOLEAN or column.type is ColumnType.MANAGED_PROPERTY:
        if not isinstance(value, bool):
            raise TypeError
        return Stored(int(value))
    if isinstance(value, bool):
        raise TypeError
    if column.is_lookup or column.type is ColumnType.UNIQUEIDENTIFIER:
        return Stored(str(UUID(str(value).strip("{}"))))
    if column.type is ColumnType.DATETIME:
        return _moment(column, value)
    if column.type in NUMBER_TYPES:
        return _number(column, value)
    if not isinstance(value, str):
        raise TypeError
    return Stored(value)


def _number(column: Column, value: Value) -> Stored:
    if not isinstance(value, int | Decimal):
        raise TypeError
    if column.type is ColumnType.DOUBLE:
        return Stored(float(value))
    with localcontext(prec=100, Emax=10_000, Emin=-10_000):
        shifted = Decimal(value).scaleb(column.scale)
        floor = shifted.to_integral_value(ROUND_FLOOR)
        # What no stored value reaches is compared with the greatest or least one, as a value between two.
        whole = int(max(min(floor, Decimal(_INT64_MAX)), Decimal(-_INT64_MAX - 1)))
        return Stored(whole, is_exact=shifted == whole)


def _moment(column: Column, value: Value) -> Stored:
    if isinstance(value, str):
        value = read_moment(value)
    if not isinstance(value, date):
        raise TypeError
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    moment = moment.astimezone(UTC)
    if column.is_date_only:
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return Stored(moment.strftime("%Y-%m-%d").rjust(10, "0"), is_exact=moment == midnight)
    return Stored(moment_text(moment), is_exact=moment.microsecond == 0)


def moment_text(moment: datetime) -> str:
    """Print an aware moment as it is stored: YYYY-MM-DDTHH:MM:SSZ."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def read_moment(text: str) -> datetime:
    """Read a date or a moment given as text; without an offset it is UTC (the user's zone here)."""
    found = datetime.fromisoformat(text.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _from_text(column: Column, text: str) -> Value:
    if column.type is ColumnType.BOOLEAN or column.type is ColumnType.MANAGED_PROPERTY:
        known = {"1": True, "0": False, "true": True, "false": False}
        return known.get(text.strip().casefold(), text)
    if column.type in NUMBER_TYPES:
        try:
            return Decimal(text.strip().replace("_", "x"))
        except InvalidOperation:
            return text
    return text


def _edm_of(value: Value) -> str:
    match value:
        case bool():
            return "Edm.Boolean"
        case int():
            return "Edm.Int32"
        case Decimal():
            return "Edm.Decimal"
        case UUID():
            return "Edm.Guid"
        case datetime():
            return "Edm.DateTimeOffset"
        case date():
            return "Edm.Date"
        case EnumMember(type_name, _):
            return type_name
        case tuple():
            return "Collection"
    return "Edm.String"
