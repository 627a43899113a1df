"""Functions about the organization and its caller. verified: docs

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/use-web-api-functions and …/webapi/reference:
whoami, retrieveversion, retrievecurrentorganization, retrievetotalrecordcount.
"""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from support.dataverse import Dataverse, error_of


@pytest.mark.parametrize("path", ["WhoAmI", "WhoAmI()", "Microsoft.Dynamics.CRM.WhoAmI()"])
def test_who_am_i(dv: Dataverse, path: str) -> None:
    """BusinessUnitId, UserId, OrganizationId; real clients call it with and without parentheses."""
    response = dv.get(path)
    assert response.status_code == 200, response.text
    found = response.json()
    assert found.pop("@odata.context") == f"{dv.api}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
    assert found.keys() == {"BusinessUnitId", "UserId", "OrganizationId"}
    assert all(UUID(value) for value in found.values())
    user = dv.get(f"systemusers({found['UserId']})?$select=_businessunitid_value").json()
    assert user["_businessunitid_value"] == found["BusinessUnitId"]


def test_retrieve_version(dv: Dataverse) -> None:
    """`{"Version": "9.…"}`."""
    found = dv.get("RetrieveVersion()").json()
    assert re.fullmatch(r"9\.\d+\.\d+\.\d+", found["Version"])


def test_retrieve_current_organization(dv: Dataverse) -> None:
    """`Detail` with names, version, state and endpoints as parallel lists of keys and values."""
    response = dv.get("RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')")
    assert response.status_code == 200, response.text
    detail = response.json()["Detail"]
    assert detail["OrganizationId"] == dv.get("WhoAmI").json()["OrganizationId"]
    assert {"FriendlyName", "OrganizationVersion", "UniqueName", "UrlName", "State"} <= detail.keys()
    endpoints = detail["Endpoints"]
    assert len(endpoints["Keys"]) == len(endpoints["Values"]) == endpoints["Count"]
    assert "WebApplication" in endpoints["Keys"]
    wrong = dv.get("RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Nowhere')")
    assert error_of(wrong)[0] == 400


@pytest.mark.local
def test_retrieve_total_record_count(dv: Dataverse) -> None:
    """Documented: within the last 24 hours; here it is exact. Keys and Values are parallel lists."""
    dv.create("accounts", {"name": "counted"})
    response = dv.get('RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["account","contact"]')
    assert response.status_code == 200, response.text
    counted = response.json()["EntityRecordCountCollection"]
    assert counted == {"Count": 2, "IsReadOnly": False, "Keys": ["account", "contact"], "Values": [1, 0]}
    assert dv.get('RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["nothing"]').status_code == 404
    assert error_of(dv.get("RetrieveTotalRecordCount"))[0] == 400


def test_what_is_known_but_not_played_says_so(dv: Dataverse) -> None:
    """The local Dataverse's own rule: 501 and the name, never silence."""
    response = dv.post("CalculateActualValueOpportunity", {})
    if response.status_code != 501:
        pytest.skip("a real environment has it")
    assert "CalculateActualValueOpportunity" in error_of(response)[2]
