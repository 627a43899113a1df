"""currency.py: exact conversion."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from d365ext.emulator.rows.currency import RATE_SCALE, divided, rounded, to_base


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**21))
def test_base_value_agrees_with_decimal_division(value: int, rate: int) -> None:
    with localcontext(prec=80):
        exact = Decimal(value) * RATE_SCALE / Decimal(rate)
        assert to_base(value, rate) == int(exact.to_integral_value(ROUND_HALF_UP))


@given(st.integers(-(10**18), 10**18), st.integers(0, 4))
def test_rounding_agrees_with_decimal(value: int, digits: int) -> None:
    with localcontext(prec=80):
        assert (
            rounded(value, digits) == int(Decimal(value).scaleb(-digits).to_integral_value(ROUND_HALF_UP)) * 10**digits
        )


def test_halves_go_away_from_zero() -> None:
    assert [divided(number, 2) for number in (-3, -1, 1, 3)] == [-2, -1, 1, 2]
