"""What "last week" and its relatives mean at a given moment.

Owns the arithmetic: an operator of FetchXML (last-x-days, this-fiscal-year …) and its number become a half-open range
[start, end). Knows no tables and no SQL.

Source of names: powerapps-docs …/developer/data-platform/fetchxml/reference/operators.md. The exact edges are not
documented there ("within last X days", "the last seven days including today") and are inferred: whole days in the
user's zone (UTC here), the current one included; hours and minutes run from this moment. A week starts on Sunday and
the fiscal year on 1 January in quarters: the defaults of a fresh organization.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Range: TypeAlias = "tuple[datetime | None, datetime | None]"
ONE_SECOND = timedelta(seconds=1)
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def midnight(moment: datetime) -> datetime:
    """Give the start of the day of a moment."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def add_days(moment: datetime, days: int) -> datetime:
    """Move a moment, at most to the ends of the calendar."""
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return FIRST if days < 0 else LAST


def add_months(moment: datetime, months: int) -> datetime:
    """Move a moment by calendar months; the 31st becomes the last day of a shorter month.

    >>> add_months(datetime(2024, 3, 31, tzinfo=UTC), -1).isoformat()
    '2024-02-29T00:00:00+00:00'
    """
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        return FIRST if months < 0 else LAST
    for day in range(moment.day, moment.day - 4, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def week_start(day: datetime) -> datetime:
    """Give the Sunday on or before a day."""
    return add_days(day, -((day.weekday() + 1) % 7))


def month_start(day: datetime) -> datetime:
    """Give the first of the month."""
    return day.replace(day=1)


def quarter_start(day: datetime) -> datetime:
    """Give the first day of the fiscal period (a quarter)."""
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def year_start(day: datetime) -> datetime:
    """Give the first of January."""
    return day.replace(month=1, day=1)


def _span(start: Callable[[datetime], datetime], months: int, before: int) -> Callable[[datetime], Range]:
    """Make a range of `months` months, whose start lies `before` spans from the present one."""

    def of(today: datetime) -> Range:
        first = add_months(start(today), months * before)
        return first, add_months(first, months)

    return of


def _week(before: int) -> Callable[[datetime], Range]:
    def of(today: datetime) -> Range:
        first = add_days(week_start(today), 7 * before)
        return first, add_days(first, 7)

    return of


def _day(before: int) -> Callable[[datetime], Range]:
    return lambda today: (add_days(today, before), add_days(today, before + 1))


FIXED: dict[str, Callable[[datetime], Range]] = {
    "yesterday": _day(-1),
    "today": _day(0),
    "tomorrow": _day(1),
    "last-seven-days": lambda today: (add_days(today, -7), add_days(today, 1)),
    "next-seven-days": lambda today: (today, add_days(today, 8)),
    "last-week": _week(-1),
    "this-week": _week(0),
    "next-week": _week(1),
    "last-month": _span(month_start, 1, -1),
    "this-month": _span(month_start, 1, 0),
    "next-month": _span(month_start, 1, 1),
    "last-year": _span(year_start, 12, -1),
    "this-year": _span(year_start, 12, 0),
    "next-year": _span(year_start, 12, 1),
    "last-fiscal-period": _span(quarter_start, 3, -1),
    "this-fiscal-period": _span(quarter_start, 3, 0),
    "next-fiscal-period": _span(quarter_start, 3, 1),
    "last-fiscal-year": _span(year_start, 12, -1),
    "this-fiscal-year": _span(year_start, 12, 0),
    "next-fiscal-year": _span(year_start, 12, 1),
}
"""Operators without a number, from the start of today."""

_DAYS = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "years": 12}
_FISCAL = {"fiscal-periods": (quarter_start, 3), "fiscal-years": (year_start, 12)}
_SHORT = {"hours": timedelta(hours=1), "minutes": timedelta(minutes=1)}
COUNTED = frozenset(
    [f"{side}-x-{unit}" for side in ("last", "next") for unit in ("hours", *_DAYS, *_MONTHS, *_FISCAL)]
    + [f"olderthan-x-{unit}" for unit in (*_SHORT, *_DAYS, *_MONTHS)]
)
"""Operators with one number."""


def counted_range(operator: str, number: int, now: datetime) -> Range:
    """Give the range of an operator with a number, such as last-x-days.

    >>> [str(end)[:10] for end in counted_range("last-x-days", 3, datetime(2024, 5, 10, 15, tzinfo=UTC)) if end]
    ['2024-05-07', '2024-05-11']
    """
    side, _, unit = operator.partition("-x-")
    today, sign = midnight(now), 1 if side == "next" else -1
    if unit in _FISCAL:
        start, months = _FISCAL[unit]
        first = start(today)
        return (
            (add_months(first, -months * number), first)
            if sign < 0
            else (add_months(first, months), add_months(first, months * (number + 1)))
        )
    if unit in _SHORT:
        edge = _shift(now, sign * number, _SHORT[unit])
    elif unit in _DAYS:
        edge = add_days(today, sign * number * _DAYS[unit])
    else:
        edge = add_months(today, sign * number * _MONTHS[unit])
    if side == "olderthan":
        return None, edge
    if unit in _SHORT:
        return (edge, now + ONE_SECOND) if sign < 0 else (now, edge + ONE_SECOND)
    return (edge, add_days(today, 1)) if sign < 0 else (now, add_days(edge, 1))


def _shift(now: datetime, number: int, unit: timedelta) -> datetime:
    try:
        return now + number * unit
    except OverflowError:
        return FIRST if number < 0 else LAST


def fiscal_range(operator: str, numbers: list[int], now: datetime) -> list[Range]:
    """Give the ranges of in-fiscal-… operators: a year, a period (of any year), or a period and a year.

    A period of any year is every such quarter from 1900 to 100 years ahead.
    """
    year = numbers[-1] if numbers else now.year
    if operator == "in-fiscal-year":
        first = _first_of(year, 1)
        return [(first, add_months(first, 12))]
    if operator == "in-fiscal-period":
        quarters = [_first_of(each, numbers[0]) for each in range(1900, now.year + 101)]
        return [(first, add_months(first, 3)) for first in quarters]
    first = _first_of(year, numbers[0])
    if operator == "in-or-before-fiscal-period-and-year":
        return [(None, add_months(first, 3))]
    return [(first, None if operator == "in-or-after-fiscal-period-and-year" else add_months(first, 3))]


FISCAL_VALUES = {
    "in-fiscal-year": 1,
    "in-fiscal-period": 1,
    "in-fiscal-period-and-year": 2,
    "in-or-before-fiscal-period-and-year": 2,
    "in-or-after-fiscal-period-and-year": 2,
}
"""How many numbers each takes: the period before the year."""


def _first_of(year: int, period: int) -> datetime:
    if not (1 <= period <= 4 and 1 <= year <= 9998):
        raise ValueError("a fiscal period is a quarter, 1 to 4, of a year of four digits")
    return datetime(year, (period - 1) * 3 + 1, 1, tzinfo=UTC)
