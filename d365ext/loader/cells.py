"""One cell of text → the value that its column wants. Pure; knows no file and no environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from d365ext.loader.shapes import Column, Kind, Option

YES_NO: Mapping[str, bool] = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class CellError(Exception):
    """The text is no value of the column; the message completes "account.csv, line 5, revenue: …"."""


def to_value(text: str, column: Column) -> Any:
    """Read one cell that is not empty.

    Shape:   whole numbers and choices → int; decimals and money → Decimal; yes/no → bool; dates, moments, ids and
             lookups → their text as the Web API writes it; several choices (`a;b`) → `"1,2"`.
    Errors:  CellError.

    >>> to_value("12.50", Column("revenue", Kind.MONEY, can_create=True, can_update=True, decimals=2))
    Decimal('12.50')
    >>> to_value("2026-02-30", Column("birthdate", Kind.DAY, can_create=True, can_update=True))
    Traceback (most recent call last):
    d365ext.loader.cells.CellError: '2026-02-30' is no date: day is out of range for month (write YYYY-MM-DD).
    """
    if column.kind is Kind.TEXT:
        return _text(text, column)
    return _READERS[column.kind](text.strip(), column)


def _text(text: str, column: Column) -> str:
    if column.length_max is not None and len(text) > column.length_max:
        raise CellError(f"the text has {len(text)} characters, the column holds {column.length_max}.")
    return text


def _whole(text: str, column: Column) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise CellError(f"{text!r} is no whole number.")
    _check_range(Decimal(text), column)
    return int(text)


def _decimal(text: str, column: Column) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise CellError(f"{text!r} is no number (write digits with a point, such as 1250.50).")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CellError(f"{text!r} is no number.") from None
    exponent = number.normalize().as_tuple().exponent
    if column.decimals is not None and isinstance(exponent, int) and -exponent > column.decimals:
        raise CellError(f"{text} has more than the {column.decimals} decimals that the column keeps.")
    _check_range(number, column)
    return number


def _check_range(number: Decimal, column: Column) -> None:
    if column.low is not None and number < column.low:
        raise CellError(f"{number} is less than {column.low}, the least that the column holds.")
    if column.high is not None and number > column.high:
        raise CellError(f"{number} is more than {column.high}, the most that the column holds.")


def _yes_no(text: str, _column: Column) -> bool:
    try:
        return YES_NO[text.lower()]
    except KeyError:
        raise CellError(f"{text!r} is neither yes nor no.") from None


def _day(text: str, _column: Column) -> str:
    if not _DAY.fullmatch(text):
        raise CellError(f"{text!r} is no date (write YYYY-MM-DD).")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise CellError(f"{text!r} is no date: {error} (write YYYY-MM-DD).") from None


def _moment(text: str, column: Column) -> str:
    """Read a date as its midnight and a moment without an offset as UTC; give it in UTC."""
    if _DAY.fullmatch(text):
        return f"{_day(text, column)}T00:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CellError(f"{text!r} is no date or time (write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ).") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _choice(text: str, column: Column) -> int:
    named = [option for option in column.options if text.casefold() in {name.casefold() for name in option.names}]
    if len(named) == 1:
        return named[0].value
    if len(named) > 1:
        values = ", ".join(str(option.value) for option in named)
        raise CellError(f"{text!r} names several options; write one of the values {values}.")
    if re.fullmatch(r"-?\d+", text) and int(text) in {option.value for option in column.options}:
        return int(text)
    raise CellError(f"{text!r} is no option; {_options_like(text, column.options)}")


def _options_like(text: str, options: tuple[Option, ...]) -> str:
    names = [name for option in options for name in option.names]
    near = get_close_matches(text, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    first = [option.names[0] if option.names else str(option.value) for option in options[:8]]
    return f"there are {', '.join(first)}{' …' if len(options) > len(first) else '.'}"


def _choices(text: str, column: Column) -> str:
    values = sorted(_choice(part.strip(), column) for part in text.split(";") if part.strip())
    return ",".join(str(value) for value in values)


def _id(text: str, _column: Column) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise CellError(f"{text!r} is no id (a GUID such as 2e451703-c0fe-4d0b-9c4e-0123456789ab).") from None


def _nothing(_text: str, _column: Column) -> Any:
    raise CellError("no CSV file can hold what this column holds.")


_READERS: Mapping[Kind, Callable[[str, Column], Any]] = {
    Kind.WHOLE: _whole,
    Kind.DECIMAL: _decimal,
    Kind.MONEY: _decimal,
    Kind.YES_NO: _yes_no,
    Kind.DAY: _day,
    Kind.MOMENT: _moment,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.LOOKUP: _id,
    Kind.ID: _id,
    Kind.OTHER: _nothing,
}
