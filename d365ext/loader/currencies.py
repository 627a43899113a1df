"""The currencies of the environment, and how exactly each counts.

Source: learn.microsoft.com/power-apps/developer/data-platform/transaction-currency-currency-entity (one base currency
per organization; `currencyprecision`); PrecisionSource 0 column, 1 `pricingdecimalprecision`, 2 currency: inferred
from the SDK's documentation of MoneyAttributeMetadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from d365ext.loader.shapes import Column, Kind
from d365ext.webapi.client import Client


@dataclass(frozen=True, slots=True)
class Currencies:
    """`precision` by id, `ids` by ISO code; `base` is an id, `pricing` the organization's decimals of prices."""

    precision: Mapping[str, int]
    ids: Mapping[str, str]
    base: str
    pricing: int

    def exactly(self, column: Column, currency: str | None) -> Column:
        """Give `column` with the decimals that it keeps in a row of `currency` (None: the base currency)."""
        if column.kind is not Kind.MONEY or column.decimals_by == 0:
            return column
        if column.decimals_by == 1:
            return replace(column, decimals=self.pricing)
        return replace(column, decimals=self.precision.get(currency or self.base, column.decimals))


def read_currencies(client: Client) -> Currencies:
    """Read them; two requests."""
    rows = client.get("transactioncurrencies?$select=isocurrencycode,currencyprecision")["value"]
    organization = client.get("organizations?$select=_basecurrencyid_value,pricingdecimalprecision")["value"][0]
    precision = {row["transactioncurrencyid"]: row["currencyprecision"] for row in rows}
    pricing = organization["pricingdecimalprecision"]
    return Currencies(
        precision=precision,
        ids={row["isocurrencycode"]: row["transactioncurrencyid"] for row in rows},
        base=organization["_basecurrencyid_value"],
        pricing=2 if pricing is None else pricing,
    )
