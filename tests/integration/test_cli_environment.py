"""`deploy`, `show` and `doctor` on an environment that has the solution, and on one that somebody changed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from support.cli import Ran, in_process

PARTNER, CUSTOMER = "aaaaaaa0-0000-4000-8000-000000000000", "aaaaaaa1-0000-4000-8000-000000000000"
PERSON = "ccccccc0-0000-4000-8000-000000000000"
DAY = "2026-11-22"


def run(deployed: Any, *arguments: str) -> Ran:
    return in_process("--url", deployed.url, *arguments)


@pytest.fixture
def small_world(deployed: Any, tmp_path: Path) -> Any:
    """One partner, one customer, one open and one won deal, synced."""
    head = "opportunityid,name,parentaccountid,pch_salespartnerid,pch_salespartnercontactid,estimatedvalue,"
    deals = (
        f"{head}closeprobability,estimatedclosedate,statecode,actualvalue,actualclosedate\n"
        f"{PARTNER},a,{CUSTOMER},{PARTNER},{PERSON},1234.56,50,2026-12-24,Open,,\n"
        f"{CUSTOMER},b,{CUSTOMER},{PARTNER},,10,,,Won,10,2026-01-02\n"
    )
    companies = f"{PARTNER},Lumisäde,Sales partner\n{CUSTOMER},Öylätti,End customer\n"
    files = {
        "account": f"accountid,name,pch_customertype\n{companies}",
        "contact": f"contactid,firstname,lastname,parentcustomerid\n{PERSON},Päivi,Särkkä,{PARTNER}\n",
        "opportunity": deals,
    }
    folder = tmp_path / "rows"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    assert run(deployed, "data", "load", str(folder)).code == 0
    assert run(deployed, "sync", "run", "--as-of", DAY).code == 0
    return deployed


def test_a_second_apply_has_nothing_to_do_and_there_is_no_drift(deployed: Any) -> None:
    plan = run(deployed, "deploy", "plan", "--json").json
    assert (plan["empty"], plan["changes"]) == (True, [])
    assert run(deployed, "deploy", "apply", "--yes", "--json").json == {"done": []}
    assert run(deployed, "deploy", "drift").code == 0
    assert run(deployed, "deploy", "drift", "--json").json == {"empty": True, "changes": []}


def test_what_somebody_changed_by_hand_is_drift_and_is_mended(deployed: Any) -> None:
    view = "savedqueries(40005ea0-5452-5a4d-984c-f0dfeb11700c)"
    answer = requests.patch(
        f"{deployed.url}/api/data/v9.2/{view}", json={"name": "Mine now"}, headers={"If-Match": "*"}, timeout=30
    )
    assert answer.status_code == 204
    drifted = run(deployed, "deploy", "drift", "--json")
    assert drifted.code == 3
    assert [change["sign"] for change in json.loads(drifted.out)["changes"]] == ["~"]
    assert drifted.error["kind"] == "DriftFound"
    assert run(deployed, "deploy", "apply", "--yes").code == 0
    assert run(deployed, "deploy", "drift").code == 0


def test_uninstall_says_what_would_be_lost_and_takes_it_back_only_if_allowed(small_world: Any) -> None:
    refused = run(small_world, "deploy", "uninstall", "--yes")
    assert refused.code == 3
    assert "--allow-delete" in refused.err
    assert "- table pch_pipeline" in refused.out
    assert run(small_world, "deploy", "drift").code == 0, "nothing was removed"
    assert run(small_world, "deploy", "uninstall", "--yes", "--allow-delete").code == 0
    assert run(small_world, "show", "partners").code == 5
    assert run(small_world, "deploy", "uninstall", "--yes", "--allow-delete", "--json").json == {"done": []}


def test_a_view_as_json_has_texts_for_lookups_and_choices_numbers_dates_and_nulls(small_world: Any) -> None:
    (row,) = run(small_world, "show", "partners", "--json").json
    assert (row["pch_partnerid"], row["pch_role"]) == ("Lumisäde", "Sales")
    assert (row["pch_opencount"], row["pch_openvalue"], row["pch_weightedvalue"]) == (1, 1234.56, 617.28)
    assert (row["pch_winrate"], row["pch_lastwonon"], row["pch_nextcloseon"]) == (100, "2026-01-02", "2026-12-24")
    (person,) = run(small_world, "show", "contacts", "--json").json
    assert (person["pch_contactid"], person["pch_partnerid"]) == ("Päivi Särkkä", "Lumisäde")
    assert (person["pch_winrate"], person["pch_lastwonon"]) == (None, None), "empty is null, and there"
    (pair,) = run(small_world, "show", "partner-customers", "--json").json
    assert (pair["pch_customerid"], pair["pch_islinked"]) == ("Öylätti", False)
    (customer,) = run(small_world, "show", "customers", "--json").json
    assert customer["pch_partneropenvalue"] == 1234.56


def test_a_view_as_a_table_shows_what_a_user_sees_in_100_columns(small_world: Any) -> None:
    ran = run(small_world, "show", "partners")
    assert ran.code == 0
    assert re.search(r"Lumisäde +Sales +1 +1 +€1,234.56", ran.out)
    assert max(map(len, ran.out.splitlines())) <= 100
    assert "more columns are not shown" in ran.err


def test_top_cuts_the_rows(small_world: Any) -> None:
    assert len(run(small_world, "show", "customers", "--top", "1", "--json").json) == 1


def test_an_empty_view_says_how_to_fill_it(deployed: Any) -> None:
    ran = run(deployed, "show", "partners")
    assert ran.code == 0
    assert "sync run" in ran.err
    assert run(deployed, "show", "partners", "--json").json == []


def test_the_doctor_finds_all_in_place(deployed: Any) -> None:
    checks = run(deployed, "doctor", "--json").json
    assert all(check["ok"] for check in checks), checks
    assert [check["check"] for check in checks] == [
        "settings",
        "sign-in",
        "versions",
        "languages",
        "definitions",
        "change tracking",
        "privileges",
    ]


def test_the_doctor_says_what_to_do_on_a_new_environment(server: Any) -> None:
    ran = in_process("--url", server.url, "doctor")
    assert ran.code == 3
    assert re.search(r"todo +definitions +\d+ changes", ran.out)
    assert "→ Read 'd365ext deploy plan', then 'd365ext deploy apply'." in ran.out
    assert re.search(r"ok +sign-in", ran.out)


def test_the_doctor_stops_at_the_sign_in_if_there_is_none(server: Any) -> None:
    requests.patch(f"{server.url}/_emulator/settings", json={"require_token": True}, timeout=10)
    ran = in_process("--url", server.url, "doctor", "--json")
    assert ran.code == 5
    assert [(check["check"], check["ok"]) for check in json.loads(ran.out)] == [("settings", True), ("sign-in", False)]
