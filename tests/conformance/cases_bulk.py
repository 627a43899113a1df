"""CreateMultiple, UpdateMultiple, UpsertMultiple, DeleteMultiple, BulkDelete. verified: docs

Source of all cases unless they name another: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from support.dataverse import Dataverse, error_of

TYPE = "Microsoft.Dynamics.CRM.account"
MISSING = "00000000-0000-0000-0000-00000000beef"


def bulk(dv: Dataverse, message: str, *targets: dict[str, Any]) -> requests.Response:
    items = [{"@odata.type": TYPE, **target} for target in targets]
    return dv.post(f"accounts/Microsoft.Dynamics.CRM.{message}", {"Targets": items})


def made(dv: Dataverse, *names: str) -> list[str]:
    response = bulk(dv, "CreateMultiple", *({"name": name} for name in names))
    assert response.status_code == 200, response.text
    ids: list[str] = response.json()["Ids"]
    dv.created += [f"accounts({row_id})" for row_id in ids]
    return ids


def names(dv: Dataverse, ids: list[str]) -> list[str]:
    return [dv.get(f"accounts({row_id})?$select=name").json()["name"] for row_id in ids]


def test_create_multiple_answers_the_ids_in_order(dv: Dataverse) -> None:
    """200 with `"Ids"` and the context `$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse`."""
    response = bulk(dv, "CreateMultiple", {"name": "one"}, {"name": "two"}, {"name": "three"})
    assert response.status_code == 200
    ids = response.json()["Ids"]
    dv.created += [f"accounts({row_id})" for row_id in ids]
    context = response.json()["@odata.context"]
    assert context == f"{dv.api}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    assert names(dv, ids) == ["one", "two", "three"]


def test_create_multiple_binds_lookups_and_takes_ids(dv: Dataverse) -> None:
    """Items are rows as a POST would have them (the page's items are; binds and ids are inferred)."""
    [parent] = made(dv, "parent")
    chosen = "11111111-2222-4333-8444-555555555555"
    child = {"accountid": chosen, "name": "child", "parentaccountid@odata.bind": f"accounts({parent})"}
    assert bulk(dv, "CreateMultiple", child).json()["Ids"] == [chosen]
    dv.created.append(f"accounts({chosen})")
    assert dv.get(f"accounts({chosen})").json()["_parentaccountid_value"] == parent


def test_every_target_needs_its_type(dv: Dataverse) -> None:
    """Documented: "You must set the `@odata.type` property for each item in the `Targets` parameter"."""
    response = dv.post("accounts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": [{"name": "typeless"}]})
    assert error_of(response)[0] == 400
    wrong = {"@odata.type": "Microsoft.Dynamics.CRM.contact", "lastname": "not an account"}
    assert error_of(bulk(dv, "CreateMultiple", wrong))[0] == 400


@pytest.mark.parametrize("body", [{}, {"Targets": {}}, {"Targets": [1]}, {"Targets": [], "Other": 1}])
def test_targets_are_a_list_of_rows(dv: Dataverse, body: dict[str, Any]) -> None:
    """The action's one parameter is `Targets`."""
    assert error_of(dv.post("accounts/Microsoft.Dynamics.CRM.CreateMultiple", body))[0] == 400


def test_one_bad_row_rolls_all_back(dv: Dataverse) -> None:
    """Documented: "Any error that occurs in a bulk operation with a standard table causes the entire operation to roll
    back". One error, which names no row (inferred).
    """
    status, code, _ = error_of(bulk(dv, "CreateMultiple", {"name": "good before bad"}, {"name": "x" * 161}))
    assert (status, code) == (400, "0x80044331")
    assert dv.rows("accounts?$filter=name eq 'good before bad'") == []


def test_update_multiple_changes_what_is_sent(dv: Dataverse) -> None:
    """204, with the primary key in each item; other columns stay."""
    ids = made(dv, "a", "b")
    changed = bulk(
        dv, "UpdateMultiple", {"accountid": ids[0], "telephone1": "1"}, {"accountid": ids[1], "name": "b changed"}
    )
    assert (changed.status_code, changed.content) == (204, b"")
    assert names(dv, ids) == ["a", "b changed"]


def test_update_multiple_applies_only_the_first_of_two_with_one_id(dv: Dataverse) -> None:
    """Documented: with duplicates in Targets only the first one is applied (current page, "UpdateMultiple")."""
    ids = made(dv, "twice")
    again = [{"accountid": ids[0], "name": "first"}, {"accountid": ids[0], "name": "second"}]
    assert bulk(dv, "UpdateMultiple", *again).status_code == 204
    assert names(dv, ids) == ["first"]


def test_update_multiple_takes_no_alternate_key_and_no_missing_row(dv: Dataverse) -> None:
    """Documented: alternate keys aren't supported by UpdateMultiple over the Web API; a missing row fails them all."""
    ids = made(dv, "kept")
    by_key = {"@odata.id": "accounts(accountnumber='A1')", "name": "x"}
    assert error_of(bulk(dv, "UpdateMultiple", by_key))[0] == 400
    gone = [{"accountid": ids[0], "name": "changed"}, {"accountid": MISSING, "name": "x"}]
    assert error_of(bulk(dv, "UpdateMultiple", *gone))[0] == 404
    assert names(dv, ids) == ["kept"]


def test_upsert_multiple_creates_and_updates_by_id(dv: Dataverse) -> None:
    """204 with no word of which rows were created."""
    [known] = made(dv, "known")
    new = "22222222-2222-4333-8444-555555555555"
    response = bulk(
        dv,
        "UpsertMultiple",
        {"@odata.id": f"accounts({known})", "name": "known, updated"},
        {"@odata.id": f"accounts({new})", "name": "new"},
    )
    assert (response.status_code, response.content) == (204, b"")
    dv.created.append(f"accounts({new})")
    assert names(dv, [known, new]) == ["known, updated", "new"]


def test_upsert_multiple_refuses_a_row_twice(dv: Dataverse) -> None:
    """Documented: duplicate keys in Targets are an error (current page, "UpsertMultiple")."""
    [known] = made(dv, "once")
    twice = [{"@odata.id": f"accounts({known})", "name": "x"}, {"@odata.id": f"accounts({known})", "name": "y"}]
    assert bulk(dv, "UpsertMultiple", *twice).status_code >= 400
    assert names(dv, [known]) == ["once"]


def keyed_table(dv: Dataverse) -> None:
    """Give accounts an alternate key on accountnumber, and wait until its index is there."""
    label = {"LocalizedLabels": [{"Label": "Number", "LanguageCode": 1033}]}
    key = {"SchemaName": "new_number", "DisplayName": label, "KeyAttributes": ["accountnumber"]}
    response = dv.post("EntityDefinitions(LogicalName='account')/Keys", key)
    assert response.status_code == 204, response.text
    for _ in range(100):
        keys = dv.get("EntityDefinitions(LogicalName='account')/Keys?$select=EntityKeyIndexStatus").json()["value"]
        if all(each["EntityKeyIndexStatus"] == "Active" for each in keys):
            return
    pytest.fail("the key's index did not become active")


@pytest.mark.local
def test_upsert_multiple_finds_rows_by_alternate_key(dv: Dataverse) -> None:
    """Documented: items addressed by `@odata.id` with a key; the key is written to rows that are created."""
    keyed_table(dv)
    known = dv.create("accounts", {"name": "known", "accountnumber": "A1"})
    response = bulk(
        dv,
        "UpsertMultiple",
        {"@odata.id": "accounts(accountnumber='A1')", "name": "updated by key"},
        {"@odata.id": "accounts(accountnumber='A2')", "name": "created by key"},
    )
    assert response.status_code == 204, response.text
    assert names(dv, [known]) == ["updated by key"]
    assert [row["name"] for row in dv.rows("accounts?$filter=accountnumber eq 'A2'")] == ["created by key"]


@pytest.mark.local
def test_upsert_multiple_with_the_key_in_the_body_works_only_on_rows_that_are_there(dv: Dataverse) -> None:
    """microsoft/PowerPlatform-DataverseClient-Python pull request 127: 400 0x80040216 on the create path."""
    keyed_table(dv)
    dv.create("accounts", {"name": "known", "accountnumber": "A1"})
    there = {"@odata.id": "accounts(accountnumber='A1')", "accountnumber": "A1", "name": "fine"}
    assert bulk(dv, "UpsertMultiple", there).status_code == 204
    absent = {"@odata.id": "accounts(accountnumber='A2')", "accountnumber": "A2", "name": "not fine"}
    status, code, _ = error_of(bulk(dv, "UpsertMultiple", absent))
    assert (status, code) == (400, "0x80040216")


def test_delete_multiple_is_for_elastic_tables_only(dv: Dataverse) -> None:
    """Documented: "`DeleteMultiple` is available only for elastic tables"."""
    ids = made(dv, "stays")
    assert bulk(dv, "DeleteMultiple", {"accountid": ids[0]}).status_code >= 400
    assert names(dv, ids) == ["stays"]


def test_bulk_messages_are_one_transaction_of_versions(dv: Dataverse) -> None:
    """Every row gets a version of its own, as a single create would give it (inferred)."""
    ids = made(dv, "v1", "v2", "v3")
    etags = {dv.get(f"accounts({row_id})?$select=name").json()["@odata.etag"] for row_id in ids}
    assert len(etags) == 3


def query_for(ids: list[str]) -> dict[str, Any]:
    """As the official Python SDK writes it (dataverse/conformance.md §2.1, records.delete)."""
    condition = {
        "@odata.type": "Microsoft.Dynamics.CRM.ConditionExpression",
        "AttributeName": "accountid",
        "Operator": "In",
        "Values": [{"Value": row_id, "Type": "System.Guid"} for row_id in ids],
    }
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.QueryExpression",
        "EntityName": "account",
        "ColumnSet": {"@odata.type": "Microsoft.Dynamics.CRM.ColumnSet", "AllColumns": False, "Columns": []},
        "Criteria": {
            "@odata.type": "Microsoft.Dynamics.CRM.FilterExpression",
            "FilterOperator": "And",
            "Conditions": [condition],
        },
    }


@pytest.mark.local
def test_bulk_delete_is_a_job_that_is_done_at_once_here(dv: Dataverse) -> None:
    """webapi/reference/bulkdelete: answers `JobId`, the asyncoperation (operationtype 13); delete-data-bulk."""
    ids = made(dv, "gone one", "gone two", "not gone")
    body = {
        "JobName": "tidy up",
        "SendEmailNotification": False,
        "ToRecipients": [],
        "CCRecipients": [],
        "RecurrencePattern": "",
        "StartDateTime": "2026-01-01T00:00:00Z",
        "QuerySet": [query_for(ids[:2])],
    }
    response = dv.post("BulkDelete", body)
    assert response.status_code == 200, response.text
    job = dv.get(f"asyncoperations({response.json()['JobId']})").json()
    assert (job["name"], job["operationtype"], job["statecode"], job["statuscode"]) == ("tidy up", 13, 3, 30)
    assert [dv.get(f"accounts({row_id})").status_code for row_id in ids] == [404, 404, 200]


def test_bulk_delete_that_recurs_is_refused_by_name(dv: Dataverse) -> None:
    """What is not played says so."""
    body = {"JobName": "x", "RecurrencePattern": "FREQ=DAILY;", "QuerySet": []}
    response = dv.post("BulkDelete", body)
    if response.status_code == 200:  # a real environment
        pytest.skip("recurring jobs exist here")
    assert response.status_code == 501
    assert "RecurrencePattern" in error_of(response)[2]
