"""Merge. verified: docs

Sources: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/merge; …/merge-data and
…/configure-entity-relationship-cascading-behavior; error code table.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from support.dataverse import Dataverse, error_of


def reference(table: str, row_id: str) -> dict[str, str]:
    return {"@odata.type": f"Microsoft.Dynamics.CRM.{table}", f"{table}id": row_id}


def merge(dv: Dataverse, target: str, subordinate: str, table: str = "account", **more: Any) -> requests.Response:
    body = {
        "Target": reference(table, target),
        "Subordinate": reference(table, subordinate),
        "PerformParentingChecks": False,
        **more,
    }
    return dv.post("Merge", body)


def two(dv: Dataverse) -> tuple[str, str]:
    return dv.create("accounts", {"name": "kept"}), dv.create("accounts", {"name": "merged away"})


def test_the_subordinate_is_deactivated_and_names_its_master(dv: Dataverse) -> None:
    """204; the subordinate becomes inactive, `merged` is set and `masterid` is the target (table reference)."""
    kept, gone = two(dv)
    response = merge(dv, kept, gone)
    assert (response.status_code, response.content) == (204, b""), response.text
    row = dv.get(f"accounts({gone})?$select=statecode,statuscode,merged,_masterid_value").json()
    assert (row["statecode"], row["statuscode"], row["merged"], row["_masterid_value"]) == (1, 2, True, kept)
    assert dv.get(f"accounts({kept})?$select=statecode,merged").json()["statecode"] == 0


def test_what_names_the_subordinate_names_the_target_afterwards(dv: Dataverse) -> None:
    """Cascading behaviour: rows of a relationship with Merge Cascade move (contacts, subsidiaries, deals)."""
    kept, gone = two(dv)
    contact = dv.create("contacts", {"lastname": "c", "parentcustomerid_account@odata.bind": f"accounts({gone})"})
    child = dv.create("accounts", {"name": "child", "parentaccountid@odata.bind": f"accounts({gone})"})
    deal = dv.create("opportunities", {"name": "d", "parentaccountid@odata.bind": f"accounts({gone})"})
    assert merge(dv, kept, gone).status_code == 204
    assert dv.get(f"contacts({contact})").json()["_parentcustomerid_value"] == kept
    assert dv.get(f"accounts({child})").json()["_parentaccountid_value"] == kept
    assert dv.get(f"opportunities({deal})").json()["_parentaccountid_value"] == kept


def test_update_content_is_written_to_the_target(dv: Dataverse) -> None:
    """UpdateContent: "Additional entity attributes to be set during the merge operation"."""
    kept, gone = two(dv)
    content = {"@odata.type": "Microsoft.Dynamics.CRM.account", "telephone1": "555", "accountnumber": "A1"}
    assert merge(dv, kept, gone, UpdateContent=content).status_code == 204
    row = dv.get(f"accounts({kept})").json()
    assert (row["name"], row["telephone1"], row["accountnumber"]) == ("kept", "555", "A1")


@pytest.mark.parametrize(
    ("table", "entity_set", "row"),
    [("contact", "contacts", {"lastname": "x"}), ("lead", "leads", {"subject": "s", "lastname": "x"})],
)
def test_contacts_and_leads_merge_too(dv: Dataverse, table: str, entity_set: str, row: dict[str, str]) -> None:
    """The tables that Merge works with; a merged lead is disqualified (inferred: its inactive state)."""
    kept, gone = dv.create(entity_set, row), dv.create(entity_set, row)
    assert merge(dv, kept, gone, table).status_code == 204
    merged = dv.get(f"{entity_set}({gone})").json()
    assert (merged["merged"], merged["_masterid_value"]) == (True, kept)
    assert merged["statecode"] == (2 if table == "lead" else 1)


def test_other_tables_and_pairs_are_refused(dv: Dataverse) -> None:
    """ "Use the Merge action with these entity types": account and contact (and lead, with Sales)."""
    deal = dv.create("opportunities", {"name": "d"})
    assert merge(dv, deal, deal, "opportunity").status_code == 400
    account = dv.create("accounts", {"name": "a"})
    contact = reference("contact", dv.create("contacts", {"lastname": "c"}))
    assert merge(dv, account, account, Subordinate=contact).status_code == 400


def test_a_row_is_not_merged_with_itself(dv: Dataverse) -> None:
    """MergeEntitiesIdenticalError 0x80045305."""
    kept, _ = two(dv)
    assert error_of(merge(dv, kept, kept))[:2] == (400, "0x80045305")


def test_an_inactive_row_is_not_merged(dv: Dataverse) -> None:
    """MergeEntityNotActiveError 0x80045304."""
    kept, gone = two(dv)
    dv.patch(f"accounts({gone})", {"statecode": 1, "statuscode": 2}, If_Match="*")
    assert error_of(merge(dv, kept, gone))[:2] == (400, "0x80045304")


def test_parents_may_be_checked(dv: Dataverse) -> None:
    """PerformParentingChecks: "whether to check if the parent information is different"; 0x80045316."""
    kept, gone = two(dv)
    parent = dv.create("accounts", {"name": "parent"})
    dv.patch(f"accounts({gone})", {"parentaccountid@odata.bind": f"accounts({parent})"}, If_Match="*")
    assert error_of(merge(dv, kept, gone, PerformParentingChecks=True))[:2] == (400, "0x80045316")
    assert merge(dv, kept, gone).status_code == 204


def test_a_hierarchy_never_closes_on_itself(dv: Dataverse) -> None:
    """MergeCyclicalParentingError 0x80045300; a target directly under its subordinate loses that parent (inferred)."""
    kept, gone = two(dv)
    dv.patch(f"accounts({kept})", {"parentaccountid@odata.bind": f"accounts({gone})"}, If_Match="*")
    assert merge(dv, kept, gone).status_code == 204
    assert dv.get(f"accounts({kept})").json()["_parentaccountid_value"] is None
    top, low = two(dv)
    middle = dv.create("accounts", {"name": "middle", "parentaccountid@odata.bind": f"accounts({top})"})
    dv.patch(f"accounts({low})", {"parentaccountid@odata.bind": f"accounts({middle})"}, If_Match="*")
    assert error_of(merge(dv, low, top))[:2] == (400, "0x80045300")


def test_a_failed_merge_changes_nothing(dv: Dataverse) -> None:
    """One message is one transaction."""
    kept, gone = two(dv)
    contact = dv.create("contacts", {"lastname": "c", "parentcustomerid_account@odata.bind": f"accounts({gone})"})
    assert merge(dv, kept, gone, UpdateContent={"name": "x" * 500}).status_code == 400
    assert dv.get(f"contacts({contact})").json()["_parentcustomerid_value"] == gone
    assert dv.get(f"accounts({gone})").json()["merged"] is False
