"""The parameters of rollups.toml as dates. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from d365ext.definitions.rollups import Parameter


def parameter_dates(parameters: Iterable[Parameter], as_of: date) -> dict[str, date]:
    """Fix the parameters for one run.

    >>> parameter_dates([Parameter("year_before", -12)], date(2024, 2, 29))
    {'year_before': datetime.date(2023, 2, 28)}
    """
    return {parameter.name: months_later(as_of, parameter.months) for parameter in parameters}


def months_later(day: date, months: int) -> date:
    """Give the same day `months` later (or earlier); the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 28, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, min(day.day, 28))
