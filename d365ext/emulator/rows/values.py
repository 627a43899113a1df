"""From a JSON value to the stored form of its column, with every check that the platform makes on a value.

Owns type, length, range and option checks, and the exact arithmetic of money and decimals. One converter is made per
column and kept with the table's plan (row_plan.py), so that a row costs one call per value. Must not know rows.

Sources: learn.microsoft.com/…/webapi/execute-batch-operations-using-web-api prints the text for a length (0x80044331);
…/dynamics365/project-operations pages print the one for a choice, error code table PicklistValueOutOfRange
0x8004431A; wrong types: 0x80048d19 with Microsoft.OData's "Cannot convert the literal … to the expected type …"
(printed in …/troubleshoot/power-platform/dataverse/web-api-client-errors and in field reports).
Inferred: numbers with more decimals than the column are rounded half away from zero (as SQL Server's ROUND); an
empty text is stored as null; seconds are the finest unit of a moment; 0x80044330 for a number out of range.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from d365ext.emulator.problems import Problem
from d365ext.emulator.store.schema import CHOICE_TYPES, TEXT_TYPES, UNSTORED_TYPES, Column, ColumnType

Converter: TypeAlias = Callable[[Any], Any]

NOT_AN_OPTION = "0x8004431A"  # PicklistValueOutOfRange
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?(Z|[+-]\d\d:\d\d)?)?")
_EARLIEST = "1753-01-01"  # DateTimeAttributeMetadata.MinSupportedValue
_INT64 = 2**63
_INT32 = 2**31


class LookupValue(NamedTuple):
    """A row that a lookup points to."""

    table: str
    id: str


def converter(table: str, column: Column) -> Converter:
    """Give the function that turns a value that is not null into its stored form, or raises a Problem."""
    match column.type:
        case _ if column.is_lookup:
            return _lookup(table, column)
        case _ if column.type in TEXT_TYPES:
            return _text(table, column)
        case _ if column.type in CHOICE_TYPES:
            return _choice(table, column)
        case ColumnType.INTEGER | ColumnType.BIGINT:
            return _integer(table, column)
        case ColumnType.DECIMAL | ColumnType.MONEY:
            return _exact(table, column)
        case ColumnType.DOUBLE:
            return _double(table, column)
        case ColumnType.BOOLEAN:
            return _boolean(table)
        case ColumnType.MULTISELECT:
            return _choices(table, column)
        case ColumnType.DATETIME:
            return _date(table) if column.is_date_only else _moment(table)
        case ColumnType.UNIQUEIDENTIFIER:
            return lambda value: to_guid(table, value)
        case ColumnType.MANAGED_PROPERTY:
            return _managed(table)
        case _:
            assert column.type in UNSTORED_TYPES  # noqa: S101  the match is complete
            return _unstored(table, column)


def wrong_type(table: str, value: object, expected: str) -> Problem:
    """Make the 400 for a value of the wrong JSON type or form."""
    shown = {True: "True", False: "False"}.get(value, value) if isinstance(value, bool) else value
    return Problem.bad_payload(
        table,
        f"Microsoft.OData.ODataException: Cannot convert the literal '{shown}' to the expected type '{expected}'.",
    )


def to_guid(table: str, value: object) -> str:
    """Turn a GUID in text into its stored form: lower case."""
    if isinstance(value, str):
        text = value.lower()
        if _GUID.fullmatch(text):
            return text
    if isinstance(value, UUID):
        return str(value)
    raise wrong_type(table, value, "Edm.Guid")


def _text(table: str, column: Column) -> Converter:
    longest = column.max_length
    name = column.logical

    def convert(value: Any) -> str | None:
        if not isinstance(value, str):
            raise wrong_type(table, value, "Edm.String")
        if longest is not None and len(value) * 2 > longest and _utf16_length(value) > longest:
            raise Problem(
                400,
                "0x80044331",
                f"A validation error occurred. The length of the '{name}' attribute of the '{table}' entity exceeded "
                f"the maximum allowed length of '{longest}'.",
            )
        return value or None

    return convert


def _utf16_length(text: str) -> int:
    """Count as SQL Server and .NET do: a letter outside the basic plane is two units."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def _choice(table: str, column: Column) -> Converter:
    options = column.options

    def convert(value: Any) -> int:
        if type(value) is not int:
            raise wrong_type(table, value, "Edm.Int32")
        if options and value not in options:
            raise _not_an_option(table, column, value)
        return value

    return convert


def _choices(table: str, column: Column) -> Converter:
    def convert(value: Any) -> str | None:
        if not isinstance(value, str):
            raise wrong_type(table, value, "Edm.String")
        chosen = []
        for part in filter(None, (each.strip() for each in value.split(","))):
            if not part.removeprefix("-").isascii() or not part.removeprefix("-").isdigit():
                raise wrong_type(table, value, "Edm.Int32")
            if int(part) not in column.options:
                raise _not_an_option(table, column, part)
            chosen.append(str(int(part)))
        return ",".join(dict.fromkeys(chosen)) or None

    return convert


def _not_an_option(table: str, column: Column, value: object) -> Problem:
    accepted = ",".join(str(each) for each in column.options)
    return Problem(
        400,
        NOT_AN_OPTION,
        f"A validation error occurred. The value {value} of '{column.logical}' on record of type '{table}' is outside "
        f"the valid range. Accepted Values: {accepted}",
    )


def _out_of_range(table: str, column: Column) -> Problem:
    return Problem(
        400,
        "0x80044330",
        f"A validation error occurred. The value of '{column.logical}' on record of type '{table}' is outside the "
        "valid range.",
    )


def _integer(table: str, column: Column) -> Converter:
    is_big = column.type is ColumnType.BIGINT
    bound = _INT64 if is_big else _INT32
    lowest = int(column.min) if column.min is not None else -bound
    highest = int(column.max) if column.max is not None else bound - 1

    def convert(value: Any) -> int:
        if type(value) is not int or not -bound <= value < bound:
            raise wrong_type(table, value, "Edm.Int64" if is_big else "Edm.Int32")
        if not lowest <= value <= highest:
            raise _out_of_range(table, column)
        return value

    return convert


def _exact(table: str, column: Column) -> Converter:
    """Money and decimals: rounded to the column's own precision, stored as an integer × 10^scale.

    Money whose precision comes from its currency or the organization is rounded there (currency.py), not here.
    """
    scale = column.scale
    digits = scale if column.type is ColumnType.MONEY and column.precision_source else min(column.precision or 0, scale)
    step: int = 10 ** (scale - digits)
    factor: int = 10**scale
    lowest, highest = _scaled_limits(column, scale)

    def convert(value: Any) -> int:
        if type(value) is int:
            stored = value * factor
        else:
            number = _decimal(table, value)
            with localcontext(prec=60):
                stored = int(number.scaleb(digits).to_integral_value(ROUND_HALF_UP)) * step
        if not lowest <= stored <= highest:
            raise _out_of_range(table, column)
        return stored

    return convert


def _scaled_limits(column: Column, scale: int) -> tuple[int, int]:
    lowest, highest = -_INT64, _INT64 - 1
    if column.min is not None:
        lowest = max(lowest, int(column.min.scaleb(scale)))
    if column.max is not None:
        highest = min(highest, int(column.max.scaleb(scale)))
    return lowest, highest


def _decimal(table: str, value: object) -> Decimal:
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, float):
        number = Decimal(repr(value))
    else:
        raise wrong_type(table, value, "Edm.Decimal")
    if not number.is_finite() or number.adjusted() > 40:
        raise wrong_type(table, value, "Edm.Decimal")
    return number


def _double(table: str, column: Column) -> Converter:
    lowest = float(column.min) if column.min is not None else float("-inf")
    highest = float(column.max) if column.max is not None else float("inf")

    def convert(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise wrong_type(table, value, "Edm.Double")
        try:
            number = float(value)
        except (OverflowError, InvalidOperation):
            raise wrong_type(table, value, "Edm.Double") from None
        if not lowest <= number <= highest:
            raise _out_of_range(table, column)
        return number

    return convert


def _boolean(table: str) -> Converter:
    def convert(value: Any) -> int:
        if not isinstance(value, bool):
            raise wrong_type(table, value, "Edm.Boolean")
        return int(value)

    return convert


def _managed(table: str) -> Converter:
    def convert(value: Any) -> int:
        inner = value.get("Value") if isinstance(value, dict) else value
        if not isinstance(inner, bool):
            raise wrong_type(table, value, "Microsoft.Dynamics.CRM.BooleanManagedProperty")
        return int(inner)

    return convert


def _date(table: str) -> Converter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or len(value) != 10 or not _is_date(value) or value < _EARLIEST:
            raise wrong_type(table, value, "Edm.Date")
        return value

    return convert


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _moment(table: str) -> Converter:
    def convert(value: Any) -> str:
        found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise wrong_type(table, value, "Edm.DateTimeOffset")
        day, minute, second, offset = found.groups()
        text = f"{day}T{minute or '00:00'}{second or ':00'}"
        try:
            moment = datetime.fromisoformat(text + (offset or "Z"))
            utc = moment if offset in (None, "Z") else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise wrong_type(table, value, "Edm.DateTimeOffset") from None
        if day < _EARLIEST:
            raise wrong_type(table, value, "Edm.DateTimeOffset")
        return text + "Z" if utc is moment else utc.strftime("%Y-%m-%dT%H:%M:%SZ")

    return convert


def _lookup(table: str, column: Column) -> Converter:
    targets = column.targets

    def convert(value: Any) -> LookupValue:
        if isinstance(value, LookupValue):
            if value.table in targets or (column.type is ColumnType.OWNER and value.table in ("systemuser", "team")):
                return value
            raise Problem.bad_payload(
                table, f"Microsoft.Crm.CrmException: '{column.logical}' cannot point to a row of '{value.table}'."
            )
        if len(targets) == 1:  # our own code may give the bare id where only one table is possible
            return LookupValue(targets[0], to_guid(table, value))
        raise wrong_type(table, value, "Microsoft.Dynamics.CRM.crmbaseentity")

    return convert


def _unstored(table: str, column: Column) -> Converter:
    def convert(value: Any) -> Any:
        del value
        raise Problem.not_implemented(f"writing '{column.logical}' of '{table}', a column of type {column.type}")

    return convert
