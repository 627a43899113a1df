"""JSON at the border: exact, and nothing vague."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365ext.webapi.codec import from_json, to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-12345678901234567890.1234"), "-12345678901234567890.1234"),
        (UUID("2E451703-C0FE-4D0B-9C4E-0123456789AB"), '"2e451703-c0fe-4d0b-9c4e-0123456789ab"'),
        (date(2026, 1, 5), '"2026-01-05"'),
        (datetime(2026, 1, 5, 12, 0, 0, 123, tzinfo=UTC), '"2026-01-05T12:00:00Z"'),
        (datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=2))), '"2026-01-05T12:00:00+02:00"'),
        ({"a": None, "b": [True, 1, 0.5, "ä"]}, '{"a":null,"b":[true,1,0.5,"ä"]}'),
    ],
)
def test_values_are_written_as_dataverse_reads_them(value: Any, text: str) -> None:
    assert to_json(value).decode() == text


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), datetime(2026, 1, 5)],  # noqa: DTZ001
)
@pytest.mark.parametrize("around", [lambda v: v, lambda v: {"a": v}, lambda v: [{"a": (1, v)}]])
def test_what_has_no_meaning_is_refused_wherever_it_stands(value: Any, around: Any) -> None:
    with pytest.raises(ValueError, match=r"no number|no offset"):
        to_json(around(value))


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json({"a": object()})


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15))
def test_decimals_come_back_as_they_went(value: Decimal) -> None:
    assert from_json(to_json({"v": value})) == {"v": value}
    assert from_json(to_json({"v": value}), parse_float=str)["v"] == format(value, "f")


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_other_values_are_ordinary_json(value: Any) -> None:
    assert json.loads(to_json(value)) == value
    assert from_json(to_json(value)) == value
