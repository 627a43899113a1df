"""`d365ext data load` against a local Dataverse: what is written, what is refused, and that twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from support.cli import Ran, in_process

A1, A2, A3 = (f"aaaaaaa{n}-0000-4000-8000-000000000000" for n in range(3))
C1, C2 = (f"ccccccc{n}-0000-4000-8000-000000000000" for n in range(2))
O1, O2, O3 = (f"0000000{n}-0000-4000-8000-0000000000aa" for n in range(3))
Q1, Q2, Q3 = (f"1111111{n}-0000-4000-8000-0000000000aa" for n in range(3))
NOBODY = "99999999-9999-4999-8999-999999999999"

Load = Callable[..., Ran]


@pytest.fixture
def load(server: Any, tmp_path: Path) -> Load:
    """Write the given files and load them: load(account="accountid,name\\n…")."""
    folder = tmp_path / "rows"
    folder.mkdir()

    def run(*, as_json: bool = True, **files: str) -> Ran:
        for old in folder.iterdir():
            old.unlink()
        for table, text in files.items():
            (folder / f"{table}.csv").write_text(text, encoding="utf-8")
        return in_process("--url", server.url, "data", "load", str(folder), *(["--json"] if as_json else []))

    return run


@pytest.fixture
def rows(server: Any) -> Callable[[str], list[dict[str, Any]]]:
    """Read rows over the Web API: rows("accounts?$select=name")."""

    def read(path: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{server.url}/api/data/v9.2/{path}", timeout=10)
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    return read


def counts(ran: Ran, table: str) -> dict[str, int]:
    found: dict[str, int] = ran.json["tables"][table]
    return found


def test_files_may_name_one_another_in_any_order_even_in_a_circle(load: Load, rows: Any) -> None:
    files = {
        "account": f"accountid,name,parentaccountid,primarycontactid\n{A1},Alfa,{A2},{C1}\n{A2},Beeta,,\n",
        "contact": f"contactid,lastname,parentcustomerid\n{C1},Särkkä,{A1}\n",
    }
    first = load(**files)
    assert counts(first, "account") == {"rows": 2, "created": 2, "changed": 0, "states_set": 0, "unchanged": 0}
    found = {row["name"]: row for row in rows("accounts?$select=name,_parentaccountid_value,_primarycontactid_value")}
    assert found["Alfa"]["_parentaccountid_value"] == A2
    assert found["Alfa"]["_primarycontactid_value"] == C1
    assert rows("contacts?$select=_parentcustomerid_value")[0]["_parentcustomerid_value"] == A1
    second = load(**files)
    assert [counts(second, name)["unchanged"] for name in files] == [2, 1]


def test_only_what_differs_is_written(load: Load, rows: Any) -> None:
    load(account=f"accountid,name,revenue\n{A1},Alfa,10.50\n{A2},Beeta,1\n")
    before = {row["name"]: row["@odata.etag"] for row in rows("accounts?$select=name")}
    changed = load(account=f"accountid,name,revenue\n{A1},Alfa,11.50\n{A2},Beeta,1.00\n")
    assert counts(changed, "account") == {"rows": 2, "created": 0, "changed": 1, "states_set": 0, "unchanged": 1}
    after = {row["name"]: row["@odata.etag"] for row in rows("accounts?$select=name,revenue")}
    assert after["Beeta"] == before["Beeta"]
    assert rows("accounts?$select=revenue&$filter=name eq 'Alfa'")[0]["revenue"] == 11.5


def test_an_empty_cell_leaves_the_column_as_it_is(load: Load, rows: Any) -> None:
    load(account=f"accountid,name,telephone1\n{A1},Alfa,123\n")
    load(account=f"accountid,name,telephone1\n{A1},Alfa,\n")
    assert rows("accounts?$select=telephone1")[0]["telephone1"] == "123"


def test_a_choice_may_be_named_in_any_language_and_a_yes_or_no_by_word(load: Load, rows: Any) -> None:
    load(account=f"accountid,name,industrycode,creditonhold\n{A1},Alfa,Consulting,yes\n{A2},Beeta,7,0\n")
    found = rows("accounts?$select=industrycode,creditonhold&$orderby=name")
    assert [(row["industrycode"], row["creditonhold"]) for row in found] == [(7, True), (7, False)]


def test_opportunities_are_won_and_lost_with_their_figures_and_their_day_of_creation(load: Load, rows: Any) -> None:
    head = "opportunityid,name,estimatedvalue,overriddencreatedon,statecode,statuscode,actualvalue,actualclosedate\n"
    text = (
        f"{head}{O1},a,100,2026-01-02,Won,,90.50,2026-03-04\n"
        f"{O2},b,100,2026-01-02,Lost,Out-Sold,0,2026-03-05\n{O3},c,100,,Won,,,2026-03-06\n"
    )
    first = load(opportunity=text)
    assert counts(first, "opportunity") == {"rows": 3, "created": 3, "changed": 0, "states_set": 3, "unchanged": 0}
    select = "statecode,statuscode,actualvalue,actualclosedate,createdon"
    won, lost, defaulted = rows(f"opportunities?$select={select}&$orderby=name")
    assert (won["statecode"], won["statuscode"]) == (1, 3)
    assert (won["actualvalue"], won["actualclosedate"]) == (90.5, "2026-03-04")
    assert won["createdon"] == "2026-01-02T00:00:00Z"
    assert (lost["statecode"], lost["statuscode"], lost["actualvalue"]) == (2, 5, 0)
    assert defaulted["actualvalue"] == 100, "the platform takes the estimate"
    assert len(rows("opportunitycloses?$select=subject")) == 3
    assert counts(load(opportunity=text), "opportunity")["unchanged"] == 3


def test_a_closed_deal_can_be_loaded_as_open_or_as_lost_later(load: Load, rows: Any) -> None:
    head = "opportunityid,name,statecode\n"
    load(opportunity=f"{head}{O1},a,Won\n{O2},b,Won\n")
    assert counts(load(opportunity=f"{head}{O1},a,Open\n{O2},b,Lost\n"), "opportunity")["states_set"] == 2
    assert [row["statecode"] for row in rows("opportunities?$select=statecode&$orderby=name")] == [0, 2]


def test_quotes_orders_and_leads_reach_their_states_and_totals(load: Load, rows: Any) -> None:
    files = {
        "account": f"accountid,name\n{A1},Alfa\n",
        "quote": "quoteid,name,customerid,totalamount,statecode\n"
        f"{Q1},a,{A1},10,Draft\n{Q2},b,{A1},20,Active\n{Q3},c,{A1},30,Won\n{O1},d,{A1},40,Closed\n",
        "salesorder": f"salesorderid,name,customerid,totalamount,statecode\n{O2},e,{A1},50,Fulfilled\n",
        "lead": f"leadid,subject,lastname,statecode\n{O3},f,Mäki,Disqualified\n",
    }
    load(**files)
    quotes = rows("quotes?$select=totalamount,statecode&$orderby=name")
    assert [(row["totalamount"], row["statecode"]) for row in quotes] == [(10, 0), (20, 1), (30, 2), (40, 3)]
    assert rows("salesorders?$select=totalamount,statecode")[0]["totalamount"] == 50
    assert rows("salesorders?$select=statecode")[0]["statecode"] == 3
    assert rows("leads?$select=statecode")[0]["statecode"] == 2
    again = load(**files).json["tables"]
    assert all(count["unchanged"] == count["rows"] for count in again.values())


def test_a_currency_that_is_there_under_another_id_is_that_one(load: Load, rows: Any) -> None:
    files = {
        "transactioncurrency": "transactioncurrencyid,isocurrencycode,currencyname,currencysymbol,"
        f"currencyprecision,exchangerate\n{A1},EUR,Euro,€,2,1\n{A2},SEK,Krona,kr,2,11.20\n",
        "opportunity": "opportunityid,name,transactioncurrencyid,estimatedvalue\n"
        f"{O1},euro,{A1},10\n{O2},krona,{A2},11.20\n",
    }
    load(**files)
    found = rows("opportunities?$select=estimatedvalue_base,_transactioncurrencyid_value&$orderby=name")
    assert [row["estimatedvalue_base"] for row in found] == [10, 1]
    assert found[0]["_transactioncurrencyid_value"] != A1
    assert len(rows("transactioncurrencies?$select=isocurrencycode&$filter=isocurrencycode eq 'EUR'")) == 1


MISTAKES = {
    "a bad date": (
        f"opportunityid,name,estimatedclosedate\n{O1},a,2026-02-30\n",
        {"file": "opportunity.csv", "line": 2, "column": "estimatedclosedate"},
        "is no date",
    ),
    "an unknown lookup": (
        f"opportunityid,name,parentaccountid\n{O1},a,{NOBODY}\n",
        {"file": "opportunity.csv", "line": 2, "column": "parentaccountid"},
        f"there is no account {NOBODY}",
    ),
    "an unknown column": (
        f"opportunityid,name,estimatedvlue\n{O1},a,5\n",
        {"file": "opportunity.csv", "line": 1, "column": "estimatedvlue"},
        "no such column",
    ),
    "an unknown label": (
        f"opportunityid,name,statecode\n{O1},a,Wonn\n",
        {"file": "opportunity.csv", "line": 2, "column": "statecode"},
        "did you mean 'Won'?",
    ),
    "an id twice": (
        f"opportunityid,name\n{O1},a\n{O1},b\n",
        {"file": "opportunity.csv", "line": 3, "column": "opportunityid"},
        "is on line 2 already",
    ),
    "a row too short": (f"opportunityid,name\n{O1}\n", {"file": "opportunity.csv", "line": 2}, "1 cells, the header 2"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_nothing_is_written(load: Load, rows: Any, kind: str) -> None:
    text, place, message = MISTAKES[kind]
    ran = load(account=f"accountid,name\n{A1},Alfa\n", opportunity=text)
    assert (ran.code, ran.out) == (2, "")
    (mistake,) = ran.error["mistakes"]
    assert mistake.items() >= place.items()
    assert message in mistake["message"]
    assert rows("accounts?$select=name") == []
    assert rows("opportunities?$select=name") == []


def test_all_mistakes_of_all_files_are_told_at_once_as_one_message(load: Load) -> None:
    ran = load(
        as_json=False,
        account=f"accountid,revenue\n{A1},much\n{A2},-\n",
        contact=f"contactid,lastname,parentcustomerid\n{C1},x,{NOBODY}\n",
    )
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("error:") == 1
    assert [line.split(":")[0] for line in ran.err.splitlines() if line.startswith("  ")] == [
        "  account.csv, line 2, revenue",
        "  account.csv, line 3, revenue",
        "  contact.csv, line 2, parentcustomerid",
    ]


def test_a_refused_row_is_named_the_others_stay_and_a_second_load_goes_on(load: Load, rows: Any, server: Any) -> None:
    head = "opportunityid,name,statecode\n"
    load(opportunity=f"{head}{O1},a,Open\n{O2},b,Open\n")
    quote = {"name": "open", "opportunityid@odata.bind": f"/opportunities({O1})"}
    made = requests.post(f"{server.url}/api/data/v9.2/quotes", json=quote, timeout=10)
    ran = load(opportunity=f"{head}{O1},a,Won\n{O2},b,Won\n")
    assert ran.code == 4
    assert ran.error["failed"].count(O1) == 1
    assert "opportunity.csv, line 2" in ran.error["failed"]
    assert [row["statecode"] for row in rows("opportunities?$select=statecode&$orderby=name")] == [0, 1]
    requests.delete(made.headers["OData-EntityId"], timeout=10)
    assert counts(load(opportunity=f"{head}{O1},a,Won\n{O2},b,Won\n"), "opportunity")["states_set"] == 1


def test_what_can_only_be_set_at_creation_is_told_and_not_tried(load: Load) -> None:
    load(opportunity=f"opportunityid,name,overriddencreatedon\n{O1},a,2026-01-02\n")
    ran = load(opportunity=f"opportunityid,name,overriddencreatedon\n{O1},a,2026-01-03\n")
    assert ran.json["set_only_at_creation"] == [{"table": "opportunity", "column": "overriddencreatedon", "rows": 1}]
    assert counts(ran, "opportunity")["unchanged"] == 1


@pytest.mark.parametrize("arguments", [[], ["--sample", "folder"]])
def test_a_folder_or_the_sample_must_be_named_but_not_both(arguments: list[str]) -> None:
    ran = in_process("data", "load", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "one of the two" in ran.err


def test_a_person_gets_a_table_of_what_was_done(load: Load) -> None:
    ran = load(as_json=False, account=f"accountid,name\n{A1},Alfa\n")
    assert ran.code == 0
    assert "account" in ran.out
    assert "requests" in ran.err
    assert "{" not in ran.out, json.dumps(ran.out)
