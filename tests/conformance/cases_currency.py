"""Money: currencies, exchange rates, base values, precision. All cases: verified: docs.

Sources: learn.microsoft.com/power-apps/developer/data-platform/transaction-currency-currency-entity; …/power-platform/
admin/manage-transactions-with-multiple-currencies; field reports where a case says so (data-plane.md §10).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from support.dataverse import Dataverse, error_of


def currency(dv: Dataverse, code: str, rate: float, precision: int = 2) -> str:
    """Make a currency; give its id."""
    row = {"currencyname": code, "isocurrencycode": code, "currencysymbol": code, "currencyprecision": precision}
    return dv.create("transactioncurrencies", {**row, "exchangerate": rate})


def deal(dv: Dataverse, value: float, currency_id: str | None = None, **more: Any) -> str:
    """Make an opportunity; give the path of its row."""
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency_id})"} if currency_id else {}
    return f"opportunities({dv.create('opportunities', {'name': 'D', 'estimatedvalue': value, **bind, **more})})"


def exact(dv: Dataverse, path: str) -> dict[str, Any]:
    """Read a row's numbers without a float in between."""
    columns = (
        "estimatedvalue,estimatedvalue_base,budgetamount,budgetamount_base,exchangerate,_transactioncurrencyid_value"
    )
    row: dict[str, Any] = json.loads(dv.get(f"{path}?$select={columns}").text, parse_float=Decimal)
    return row


def test_base_value_is_the_value_divided_by_the_rate(dv: Dataverse) -> None:
    """ "x_base = x / exchangerate"; one rate on the row for all its money."""
    row = exact(dv, deal(dv, 100, currency(dv, "USD", 1.25), budgetamount=10))
    assert (row["exchangerate"], row["estimatedvalue_base"], row["budgetamount_base"]) == (Decimal("1.25"), 80, 8)


def test_base_value_is_rounded_half_away_from_zero_at_four_decimals(dv: Dataverse) -> None:
    """`_base` columns have precision 4 (table reference); half away from zero is inferred (SQL Server's ROUND)."""
    third = exact(dv, deal(dv, 1, currency(dv, "AAA", 3)))
    assert third["estimatedvalue_base"] == Decimal("0.3333")
    half = currency(dv, "BBB", 8000)
    assert exact(dv, deal(dv, 1, half))["estimatedvalue_base"] == Decimal("0.0001")  # 0.000125
    assert exact(dv, deal(dv, -10, half))["estimatedvalue_base"] == Decimal("-0.0013")  # -0.00125


def test_money_leaves_as_an_exact_number(dv: Dataverse) -> None:
    """The largest money of the table reference, 922,337,203,685,477 with decimals, does not fit a double."""
    big = "900719925474.0991"
    made = dv.send(
        "POST",
        "transactioncurrencies",
        body='{"currencyname":"Four","isocurrencycode":"FFF","currencysymbol":"F","currencyprecision":4,"exchangerate":1}',
        headers={"Content-Type": "application/json"},
    )
    four = made.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")
    body = f'{{"name":"D","estimatedvalue":{big},"transactioncurrencyid@odata.bind":"/transactioncurrencies({four})"}}'
    response = dv.send("POST", "opportunities", body=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 204, response.text
    path = response.headers["OData-EntityId"].removeprefix(f"{dv.api}/")
    assert f'"estimatedvalue":{big}' in dv.get(f"{path}?$select=estimatedvalue").text
    assert exact(dv, path)["estimatedvalue_base"] == Decimal(big)


def test_a_row_without_a_currency_gets_the_base_currency_and_rate_one(dv: Dataverse) -> None:
    """Field reports: the currency of the user, else of the organization."""
    base = dv.rows("organizations?$select=_basecurrencyid_value")[0]["_basecurrencyid_value"]
    row = exact(dv, deal(dv, 12.5))
    assert (row["_transactioncurrencyid_value"], row["exchangerate"], row["estimatedvalue_base"]) == (
        base,
        1,
        Decimal("12.5"),
    )


def test_money_is_rounded_to_the_decimals_of_its_currency(dv: Dataverse) -> None:
    """PrecisionSource 2: the currency's precision. Inferred: on save, half away from zero."""
    assert exact(dv, deal(dv, 10.005, currency(dv, "CCC", 1, 2)))["estimatedvalue"] == Decimal("10.01")
    assert exact(dv, deal(dv, 10.5, currency(dv, "JPY", 1, 0)))["estimatedvalue"] == 11


def test_a_new_rate_of_a_currency_leaves_rows_alone_until_their_money_is_saved(dv: Dataverse) -> None:
    """Field reports: a row takes the new rate when it is saved with a changed money value, or its state changes."""
    dollars = currency(dv, "USD", 2)
    path, closing = deal(dv, 100, dollars), deal(dv, 100, dollars)
    dv.patch(f"transactioncurrencies({dollars})", {"exchangerate": 4}, If_Match="*")
    assert exact(dv, path)["estimatedvalue_base"] == 50
    dv.patch(path, {"name": "Renamed"}, If_Match="*")
    assert exact(dv, path)["estimatedvalue_base"] == 50
    dv.patch(path, {"budgetamount": 8}, If_Match="*")
    row = exact(dv, path)
    assert (row["exchangerate"], row["estimatedvalue_base"], row["budgetamount_base"]) == (4, 25, 2)
    dv.post("LoseOpportunity", {"Status": 4, "OpportunityClose": {"opportunityid@odata.bind": f"/{closing}"}})
    assert exact(dv, closing)["estimatedvalue_base"] == 25


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"refresh_rate_on": "save"}])
def test_the_other_reading_takes_the_rate_on_every_save(dv: Dataverse) -> None:
    """The documentation does not say which saves take the rate; the setting plays the wider reading."""
    dollars = currency(dv, "USD", 2)
    path = deal(dv, 100, dollars)
    dv.patch(f"transactioncurrencies({dollars})", {"exchangerate": 4}, If_Match="*")
    dv.patch(path, {"name": "Renamed"}, If_Match="*")
    assert exact(dv, path)["estimatedvalue_base"] == 25


def test_another_currency_converts_anew_and_an_emptied_value_empties_its_base(dv: Dataverse) -> None:
    """One lookup and one rate apply to all money of the row; the numbers themselves stay."""
    path = deal(dv, 100, currency(dv, "USD", 2), budgetamount=4)
    dv.patch(
        path, {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency(dv, 'SEK', 10)})"}, If_Match="*"
    )
    row = exact(dv, path)
    assert (row["estimatedvalue"], row["estimatedvalue_base"], row["exchangerate"]) == (100, 10, 10)
    dv.patch(path, {"estimatedvalue": None}, If_Match="*")
    row = exact(dv, path)
    assert (row["estimatedvalue"], row["estimatedvalue_base"]) == (None, None)
    assert row["budgetamount_base"] == Decimal("0.4")


def test_base_values_and_the_rate_of_a_row_cannot_be_written(dv: Dataverse) -> None:
    """Table reference: `_base` columns and exchangerate are not valid for create or update."""
    path = deal(dv, 100, None, estimatedvalue_base=5, exchangerate=9)
    row = exact(dv, path)
    assert (row["estimatedvalue_base"], row["exchangerate"]) == (100, 1)


def test_the_base_currencys_rate_cannot_be_changed(dv: Dataverse) -> None:
    """Error code table: 0x80048cf5."""
    base = dv.rows("organizations?$select=_basecurrencyid_value")[0]["_basecurrencyid_value"]
    refused = dv.patch(f"transactioncurrencies({base})", {"exchangerate": 2}, If_Match="*")
    assert error_of(refused)[:2] == (400, "0x80048cf5")


def test_money_outside_its_limits_is_refused(dv: Dataverse) -> None:
    """Table reference: opportunity.estimatedvalue is within ±1,000,000,000,000."""
    assert deal(dv, 1_000_000_000_000)
    assert error_of(dv.post("opportunities", {"name": "D", "estimatedvalue": 1_000_000_000_000.01}))[0] == 400


def test_a_currency_in_use_cannot_be_deleted(dv: Dataverse) -> None:
    """transactioncurrency_opportunity: Delete is Restrict; 0x80040227, 405 (CannotDeleteDueToAssociation)."""
    dollars = currency(dv, "USD", 2)
    deal(dv, 1, dollars)
    assert error_of(dv.delete(f"transactioncurrencies({dollars})"))[:2] == (405, "0x80040227")
