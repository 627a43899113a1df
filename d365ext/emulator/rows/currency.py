"""Money in its currency and in the organization's base currency.

Owns the exchange rate of a row and its `_base` columns. All arithmetic is on integers: money × 10^4, rates × 10^10.

Sources: learn.microsoft.com/…/transaction-currency-currency-entity (one currency and one exchange rate per row, for
all its money; `_base` = value / rate); the rate is taken "whenever a record is … saved with a changed money value or
its state changes", inactive rows keep theirs: field reports in data-plane.md §10. Precision of a money column: its own
(PrecisionSource 0), the organization's pricing precision (1), the currency's (2). `_base` is kept at 4 decimals.
Inferred: half away from zero; a row without a currency gets its user's, else the organization's base currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.plan import Plan
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

RATE_SCALE = 10**10
"""transactioncurrency.exchangerate and exchangerate of every row have precision 10 (table reference)."""


def before_write(session: Session, table: Table, row_id: str | None, changes: Mapping[str, Any]) -> None:
    """Refuse a new rate for the base currency.

    Source: error code table, 0x80048cf5: the base currency's exchange rate is not updatable.
    """
    del table
    if row_id is not None and "exchangerate" in changes and row_id == currencies(session).base:
        raise Problem(400, "0x80048cf5", "The exchange rate of the base currency cannot be modified.")


def after_write(session: Session, table: Table, row_id: str, operation: str, changes: Mapping[str, Any]) -> None:
    """Let the session read its currencies anew. Rows keep the rate they have until they are saved."""
    del table, row_id, operation, changes
    session.cache.pop("currencies", None)


class Currencies:
    """The currencies of the organization as of one session, read when first needed."""

    def __init__(self, session: Session) -> None:
        read = session.raw.execute(
            "select transactioncurrencyid, exchangerate, currencyprecision from transactioncurrency"
        )
        self._known: dict[str, tuple[int, int]] = {row[0]: (row[1], row[2]) for row in read}
        found = session.raw.execute("select basecurrencyid, pricingdecimalprecision from organization").fetchone()
        self.base: str = found[0]
        self.pricing_digits = int(found[1] if found[1] is not None else 2)
        chosen = session.raw.execute(
            "select transactioncurrencyid from systemuser where systemuserid = ?", (session.user_id,)
        ).fetchone()
        self.of_user: str = (chosen and chosen[0]) or self.base

    def rate(self, currency: str) -> int:
        """Give units of `currency` per unit of the base currency, × 10^10."""
        return RATE_SCALE if currency == self.base else self._known[currency][0]

    def digits(self, currency: str) -> int:
        """Give the decimals of `currency`."""
        return self._known[currency][1]


def currencies(session: Session) -> Currencies:
    """Give the session's currencies; read anew after one of them was written."""
    found = session.cache.get("currencies")
    if found is None:
        found = session.cache["currencies"] = Currencies(session)
    assert isinstance(found, Currencies)  # noqa: S101  only this function writes that entry
    return found


def on_create(session: Session, plan: Plan, row: dict[str, Any]) -> None:
    """Give a new row its currency, its rate and its `_base` values."""
    if "transactioncurrencyid" not in plan.has or not plan.money:
        return
    known = currencies(session)
    if row.get("transactioncurrencyid") is None:
        row["transactioncurrencyid"] = known.of_user
    _compute(known, plan, row, row, row["transactioncurrencyid"])


def on_update(session: Session, plan: Plan, before: Mapping[str, Any], changes: dict[str, Any]) -> None:
    """Bring rate and `_base` up to date where a save takes the rate of today."""
    if "transactioncurrencyid" not in plan.has or not plan.money:
        return
    refreshed = session.settings.refresh_rate_on == "save" or any(
        name in changes for name in ("transactioncurrencyid", "statecode")
    )
    if not refreshed and not any(column.logical in changes for column in plan.money):
        return
    after = {**before, **changes}
    currency = after["transactioncurrencyid"]
    if currency is None:
        currency = changes["transactioncurrencyid"] = currencies(session).of_user
    _compute(currencies(session), plan, after, changes, currency)


def _compute(known: Currencies, plan: Plan, row: Mapping[str, Any], into: dict[str, Any], currency: str) -> None:
    rate = known.rate(currency)
    if "exchangerate" in plan.has:
        into["exchangerate"] = rate
    for column in plan.money:
        value = row.get(column.logical)
        if value is not None:
            digits = known.pricing_digits if column.precision_source == 1 else known.digits(currency)
            if column.precision_source:
                value = into[column.logical] = rounded(value, 4 - min(digits, 4))
        elif column.logical not in into:
            continue
        base = plan.bases.get(column.logical)
        if base is not None:
            into[base] = None if value is None else to_base(value, rate)


def to_base(value: int, rate: int) -> int:
    """Divide money × 10^4 by a rate × 10^10 and round once, half away from zero.

    >>> to_base(1_000_000, 11_000_000_000)   # 100.0000 at 1.1
    909091
    """
    return divided(value * RATE_SCALE, rate)


def divided(number: int, by: int) -> int:
    """Divide integers, rounding half away from zero.

    >>> divided(5, 2), divided(-5, 2), divided(4, 3)
    (3, -3, 1)
    """
    quotient = (2 * abs(number) + by) // (2 * by)
    return quotient if number >= 0 else -quotient


def rounded(value: int, digits: int) -> int:
    """Round away the last `digits` digits.

    >>> rounded(12_345, 2), rounded(12_350, 2), rounded(-12_350, 2)
    (12300, 12400, -12400)
    """
    step = 10**digits
    return value if digits == 0 else divided(value, step) * step
