"""What the date operators mean at a given moment: Wednesday, 15 May 2024, half past twelve."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from d365ext.emulator.queries.date_ranges import COUNTED, FIXED, add_months, counted_range, fiscal_range, midnight

NOW = datetime(2024, 5, 15, 12, 30, tzinfo=UTC)


def days(span: tuple[datetime | None, datetime | None]) -> tuple[str | None, str | None]:
    return tuple(None if edge is None else edge.isoformat()[:16].removesuffix("T00:00") for edge in span)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("operator", "span"),
    [
        ("yesterday", ("2024-05-14", "2024-05-15")),
        ("today", ("2024-05-15", "2024-05-16")),
        ("tomorrow", ("2024-05-16", "2024-05-17")),
        ("last-seven-days", ("2024-05-08", "2024-05-16")),
        ("this-week", ("2024-05-12", "2024-05-19")),
        ("last-week", ("2024-05-05", "2024-05-12")),
        ("next-week", ("2024-05-19", "2024-05-26")),
        ("this-month", ("2024-05-01", "2024-06-01")),
        ("last-month", ("2024-04-01", "2024-05-01")),
        ("next-month", ("2024-06-01", "2024-07-01")),
        ("this-year", ("2024-01-01", "2025-01-01")),
        ("last-year", ("2023-01-01", "2024-01-01")),
        ("this-fiscal-period", ("2024-04-01", "2024-07-01")),
        ("last-fiscal-period", ("2024-01-01", "2024-04-01")),
        ("next-fiscal-year", ("2025-01-01", "2026-01-01")),
    ],
)
def test_operators_without_a_number(operator: str, span: tuple[str, str]) -> None:
    assert days(FIXED[operator](midnight(NOW))) == span


@pytest.mark.parametrize(
    ("operator", "number", "span"),
    [
        ("last-x-hours", 2, ("2024-05-15T10:30", "2024-05-15T12:30")),
        ("next-x-hours", 2, ("2024-05-15T12:30", "2024-05-15T14:30")),
        ("last-x-days", 3, ("2024-05-12", "2024-05-16")),
        ("next-x-days", 3, ("2024-05-15T12:30", "2024-05-19")),
        ("last-x-weeks", 1, ("2024-05-08", "2024-05-16")),
        ("last-x-months", 2, ("2024-03-15", "2024-05-16")),
        ("last-x-years", 1, ("2023-05-15", "2024-05-16")),
        ("olderthan-x-minutes", 30, (None, "2024-05-15T12:00")),
        ("olderthan-x-hours", 1, (None, "2024-05-15T11:30")),
        ("olderthan-x-days", 1, (None, "2024-05-14")),
        ("olderthan-x-months", 3, (None, "2024-02-15")),
        ("last-x-fiscal-periods", 2, ("2023-10-01", "2024-04-01")),
        ("next-x-fiscal-years", 2, ("2025-01-01", "2027-01-01")),
    ],
)
def test_operators_with_a_number(operator: str, number: int, span: tuple[str | None, str]) -> None:
    assert days(counted_range(operator, number, NOW)) == span


def test_fiscal_operators_name_periods_and_years() -> None:
    assert [days(span) for span in fiscal_range("in-fiscal-year", [2024], NOW)] == [("2024-01-01", "2025-01-01")]
    both = "in-fiscal-period-and-year"
    assert [days(span) for span in fiscal_range(both, [2, 2024], NOW)] == [("2024-04-01", "2024-07-01")]
    before, after = "in-or-before-fiscal-period-and-year", "in-or-after-fiscal-period-and-year"
    assert days(fiscal_range(before, [2, 2024], NOW)[0]) == (None, "2024-07-01")
    assert days(fiscal_range(after, [2, 2024], NOW)[0]) == ("2024-04-01", None)
    every = [days(span) for span in fiscal_range("in-fiscal-period", [4], NOW)]
    assert ("2023-10-01", "2024-01-01") in every
    with pytest.raises(ValueError, match="quarter"):
        fiscal_range("in-fiscal-period", [5], NOW)


def test_the_calendar_ends_without_an_error() -> None:
    for operator in COUNTED:
        counted_range(operator, 999_999, NOW)


def test_months_end_where_they_end() -> None:
    assert add_months(datetime(2023, 12, 31, tzinfo=UTC), 2).date().isoformat() == "2024-02-29"
