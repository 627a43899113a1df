"""values.py: from JSON values to stored ones."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.values import LookupValue, converter
from d365ext.emulator.store.schema import Column, ColumnType, Option


def column(column_type: ColumnType, **more: Any) -> Column:
    return Column("x", "x", column_type, {}, **more)


def stored(value: Any, column_type: ColumnType, **more: Any) -> Any:
    return converter("t", column(column_type, **more))(value)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=7))
def test_a_decimal_is_stored_as_an_integer_rounded_half_away_from_zero(number: Decimal) -> None:
    expected = number.quantize(Decimal("0.001"), ROUND_HALF_UP)
    assert Decimal(stored(number, ColumnType.DECIMAL, precision=3)).scaleb(-3) == expected


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=2))
def test_a_float_from_json_keeps_the_digits_that_were_written(number: Decimal) -> None:
    assert stored(float(number), ColumnType.MONEY, precision=2, precision_source=0) == int(number * 10_000)


def test_money_keeps_four_decimals_where_the_currency_decides() -> None:
    assert stored(1.23456, ColumnType.MONEY, precision=2, precision_source=2) == 12_346
    assert stored(1.23456, ColumnType.MONEY, precision=2, precision_source=0) == 12_300


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), Decimal("NaN"), Decimal("1e500"), 10**30, "1", None, []]
)
def test_what_is_no_number_of_the_column_is_a_problem(number: Any) -> None:
    with pytest.raises(Problem):
        stored(number, ColumnType.MONEY, precision=2, precision_source=2)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("2024-02-29T10:11:12Z", "2024-02-29T10:11:12Z"),
        ("2024-02-29T10:11:12.9999999Z", "2024-02-29T10:11:12Z"),
        ("2024-03-01T01:30:00+02:00", "2024-02-29T23:30:00Z"),
        ("2024-03-01T10:11", "2024-03-01T10:11:00Z"),
        ("2024-03-01", "2024-03-01T00:00:00Z"),
    ],
)
def test_a_moment_is_stored_in_utc_to_the_second(given_text: str, expected: str) -> None:
    assert stored(given_text, ColumnType.DATETIME, date_behavior="UserLocal") == expected


@pytest.mark.parametrize(
    "text", ["", "2024-1-1", "2024-02-30", "1752-12-31", "2024-01-01T25:00:00Z", "now", "2024-01-01T1"]
)
def test_what_is_no_moment_is_a_problem(text: str) -> None:
    with pytest.raises(Problem):
        stored(text, ColumnType.DATETIME, date_behavior="UserLocal")
    with pytest.raises(Problem):
        stored(text, ColumnType.DATETIME, date_behavior="DateOnly")


def test_choices_are_kept_once_each_without_spaces() -> None:
    options = {each: Option(each, {}) for each in (1, 2, 30)}
    assert stored(" 30, 1,30", ColumnType.MULTISELECT, options=options) == "30,1"
    assert stored("", ColumnType.MULTISELECT, options=options) is None
    for wrong in ("4", "x", "1;2", "²"):
        with pytest.raises(Problem):
            stored(wrong, ColumnType.MULTISELECT, options=options)


def test_an_empty_text_is_stored_as_nothing() -> None:
    assert stored("", ColumnType.STRING, max_length=5) is None


def test_a_guid_is_stored_in_lower_case() -> None:
    text = "0ABCDEF0-1234-1234-1234-1234567890AB"
    assert stored(text, ColumnType.UNIQUEIDENTIFIER) == text.lower()


def test_a_lookup_points_only_to_its_targets() -> None:
    value = LookupValue("account", "0abcdef0-1234-1234-1234-1234567890ab")
    assert stored(value, ColumnType.LOOKUP, targets=("account",)) == value
    assert stored(value.id, ColumnType.LOOKUP, targets=("account",)) == value
    for wrong in (LookupValue("lead", value.id), 5):
        with pytest.raises(Problem):
            stored(wrong, ColumnType.LOOKUP, targets=("account",))
    with pytest.raises(Problem):
        stored(value.id, ColumnType.LOOKUP, targets=("account", "contact"))


def test_a_file_column_is_refused_by_name() -> None:
    with pytest.raises(Problem) as refusal:
        stored("x", ColumnType.FILE)
    assert (refusal.value.status, "'x' of 't'" in refusal.value.message) == (501, True)
