"""Checking rows: every mistake of every file, before anything is written."""

from __future__ import annotations

import pytest

from d365ext.errors import CsvMistake
from d365ext.loader.check import Row, check_header, check_rows, find_in_files, unknown_lookups
from d365ext.loader.currencies import Currencies
from d365ext.loader.folder import Sheet, TextRow
from d365ext.loader.shapes import Kind, Table
from support.tables import ACCOUNT, CONTACT, OPPORTUNITY, a_column

A, B, C = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")
YEN = "99999999-0000-4000-8000-000000000000"
CURRENCIES = Currencies(precision={A: 2, YEN: 0}, ids={"EUR": A, "JPY": YEN}, base=A, pricing=2)
TABLES = {"account": ACCOUNT, "contact": CONTACT, "opportunity": OPPORTUNITY}


def a_sheet(table: str, header: str, *rows: str) -> Sheet:
    cells = [TextRow(number, tuple(row.split(","))) for number, row in enumerate(rows, 2)]
    return Sheet(table, f"{table}.csv", tuple(header.split(",")), tuple(cells))


def checked(sheet: Sheet, table: Table) -> tuple[list[Row], list[str]]:
    mistakes: list[CsvMistake] = []
    rows = check_rows(sheet, table, CURRENCIES, mistakes)
    return rows, [str(mistake) for mistake in mistakes]


@pytest.mark.parametrize(
    ("table", "header", "expected"),
    [
        ("acount", "accountid", "acount.csv: the environment has no table 'acount'. Did you mean 'account'?"),
        (
            "account",
            "accountid,nmae",
            "account.csv, line 1, nmae: the table account has no such column. Did you mean 'name'?",
        ),
        (
            "account",
            "name,accountid",
            "account.csv, line 1: the first column is 'name'; it must be 'accountid', the table's primary id.",
        ),
        (
            "account",
            "accountid,createdon",
            "account.csv, line 1, createdon: the platform sets this column itself. Use overriddencreatedon.",
        ),
        (
            "account",
            "accountid,entityimage",
            "account.csv, line 1, entityimage: no CSV file can hold what this column holds.",
        ),
    ],
)
def test_a_header_that_does_not_fit_the_table_is_refused(table: str, header: str, expected: str) -> None:
    assert [str(each) for each in check_header(a_sheet(table, header), TABLES)] == [expected]


def test_empty_cells_say_nothing() -> None:
    rows, mistakes = checked(a_sheet("account", "accountid,name,revenue,parentaccountid", f"{A},,,"), ACCOUNT)
    assert (rows[0].values, rows[0].lookups, mistakes) == ({}, {}, [])


def test_all_mistakes_of_all_rows_are_collected_with_line_and_column() -> None:
    sheet = a_sheet("account", "accountid,revenue", f"{A},x", ",5", f"{A},5", f"{B},-5")
    assert checked(sheet, ACCOUNT)[1] == [
        "account.csv, line 2, revenue: 'x' is no number (write digits with a point, such as 1250.50).",
        "account.csv, line 3, accountid: '' is no id (a GUID such as 2e451703-c0fe-4d0b-9c4e-0123456789ab).",
        f"account.csv, line 4, accountid: the id {A} is on line 2 already.",
        "account.csv, line 5, revenue: -5 is less than 0, the least that the column holds.",
    ]


def test_money_keeps_the_decimals_of_the_rows_currency() -> None:
    currency = a_column("transactioncurrencyid", Kind.LOOKUP, targets={"transactioncurrency": "transactioncurrencyid"})
    table = Table("account", "accounts", "accountid", {**ACCOUNT.columns, "transactioncurrencyid": currency})
    sheet = a_sheet("account", "accountid,revenue,transactioncurrencyid", f"{A},10.50,", f"{B},10.50,{YEN}")
    assert checked(sheet, table)[1] == [
        "account.csv, line 3, revenue: 10.50 has more than the 0 decimals that the column keeps."
    ]


def test_a_status_reason_alone_says_the_state_and_must_belong_to_the_state_beside_it() -> None:
    rows, mistakes = checked(a_sheet("opportunity", "opportunityid,statuscode", f"{A},Out-Sold"), OPPORTUNITY)
    assert (rows[0].values["statecode"], mistakes) == (2, [])
    sheet = a_sheet("opportunity", "opportunityid,statecode,statuscode", f"{A},Won,Out-Sold")
    assert checked(sheet, OPPORTUNITY)[1] == ["opportunity.csv, line 2, statuscode: 5 is no status of the state 1."]


def test_a_lookup_is_found_in_the_file_of_a_table_that_it_may_point_at() -> None:
    accounts, _ = checked(a_sheet("account", "accountid", A), ACCOUNT)
    contacts, _ = checked(a_sheet("contact", "contactid,parentcustomerid", f"{B},{A}", f"{C},{B}"), CONTACT)
    find_in_files([*accounts, *contacts])
    assert [row.lookups["parentcustomerid"].table for row in contacts] == ["account", "contact"]


def test_a_lookup_that_is_nowhere_is_named_with_the_tables_it_could_be_in() -> None:
    contacts, _ = checked(a_sheet("contact", "contactid,parentcustomerid", f"{B},{A}"), CONTACT)
    find_in_files(contacts)
    assert [str(each) for each in unknown_lookups(contacts)] == [
        f"contact.csv, line 2, parentcustomerid: there is no account or contact {A},"
        " neither in the files nor in the environment."
    ]
