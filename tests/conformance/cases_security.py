"""Users, roles and privileges behind tokens. verified: docs

Sources: learn.microsoft.com/power-apps/developer/data-platform/security-roles and …/security-access-coding (privileges,
depths, Append and AppendTo); …/webapi/reference, pages addprivilegesrole and its like; …/webapi/
impersonate-another-user-web-api; powerapps-docs issue 3883 (words of the refusal). The local Dataverse is told which
user a bearer token means by its own route `/_emulator/tokens`, so all these cases need it.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from support.batches import Op, answers, send
from support.dataverse import Dataverse, error_of

pytestmark = pytest.mark.local

ADMINISTRATOR_ROLE = "System Administrator"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def unit_id(dv: Dataverse) -> str:
    [root] = dv.rows("businessunits?$filter=_parentbusinessunitid_value eq null&$select=businessunitid")
    found: str = root["businessunitid"]
    return found


def user(dv: Dataverse, name: str, unit: str | None = None, **more: Any) -> str:
    """Make a user and a token of the same name."""
    row = {
        "firstname": name,
        "lastname": "Tester",
        "domainname": f"{name}@example.com",
        "internalemailaddress": f"{name}@example.com",
        "businessunitid@odata.bind": f"businessunits({unit or unit_id(dv)})",
    }
    row_id = dv.create("systemusers", {**row, **more})
    assert dv.send("POST", "/_emulator/tokens", json={"token": name, "user": row_id}).status_code == 200
    return row_id


def privilege_id(dv: Dataverse, name: str) -> str:
    found: str = dv.rows(f"privileges?$filter=name eq '{name}'&$select=privilegeid")[0]["privilegeid"]
    return found


def role(dv: Dataverse, *privileges: tuple[str, str]) -> str:
    """Make a role with privileges as (name, depth)."""
    row_id = dv.create("roles", {"name": "A role", "businessunitid@odata.bind": f"businessunits({unit_id(dv)})"})
    given = [{"Depth": depth, "PrivilegeId": privilege_id(dv, name)} for name, depth in privileges]
    response = dv.post(f"roles({row_id})/Microsoft.Dynamics.CRM.AddPrivilegesRole", {"Privileges": given})
    assert response.status_code == 204, response.text
    return row_id


def give(dv: Dataverse, user_id: str, role_id: str) -> None:
    body = {"@odata.id": f"{dv.api}/roles({role_id})"}
    assert dv.post(f"systemusers({user_id})/systemuserroles_association/$ref", body).status_code == 204


def seller(dv: Dataverse, *privileges: tuple[str, str]) -> str:
    """Make a user "seller" with one role."""
    user_id = user(dv, "seller")
    give(dv, user_id, role(dv, *privileges))
    return user_id


def denied(response: requests.Response, privilege: str, depth: str = "Basic") -> None:
    status, code, message = error_of(response)
    assert (status, code) == (403, "0x80040220"), message
    assert f"PrivilegeName: {privilege}, " in message
    assert f"Required Depth: {depth}, " in message


def test_any_token_is_the_administrator_unless_said_otherwise(dv: Dataverse) -> None:
    """The local Dataverse's own rule: nothing needs setting up to try it."""
    nobody = dv.get("WhoAmI").json()["UserId"]
    assert dv.get("WhoAmI", **bearer("whatever")).json()["UserId"] == nobody
    user_id = user(dv, "seller")
    assert dv.get("WhoAmI", **bearer("seller")).json()["UserId"] == user_id


@pytest.mark.parametrize("emulator_settings", [{"require_token": True}])
def test_a_token_may_be_required(dv: Dataverse) -> None:
    """Compose-http-requests: 401 for a request that is not authenticated."""
    response = dv.get("WhoAmI")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert dv.get("WhoAmI", **bearer("any")).status_code == 200


@pytest.mark.parametrize(("claim", "column"), [("oid", "azureactivedirectoryobjectid"), ("appid", "applicationid")])
def test_a_json_web_token_means_the_user_it_names(dv: Dataverse, claim: str, column: str) -> None:
    """Authenticate-oauth: the token's object id, or an application's id, leads to the systemuser."""
    [known] = dv.rows(f"systemusers?$filter=applicationid ne null&$select=systemuserid,{column}")
    claims = base64.urlsafe_b64encode(json.dumps({claim: known[column]}).encode()).decode().rstrip("=")
    assert dv.get("WhoAmI", **bearer(f"e30.{claims}.c2ln")).json()["UserId"] == known["systemuserid"]


def test_a_disabled_user_is_refused(dv: Dataverse) -> None:
    """A systemuser with isdisabled cannot sign in (table reference); the code is from field reports."""
    user_id = user(dv, "gone")
    dv.patch(f"systemusers({user_id})", {"isdisabled": True}, If_Match="*")
    assert error_of(dv.get("WhoAmI", **bearer("gone")))[:2] == (403, "0x80040225")


def test_without_a_role_every_message_names_the_missing_privilege(dv: Dataverse) -> None:
    """PrivilegeDenied 0x80040220, 403; "SecLib::CheckPrivilege failed. … PrivilegeName: prvReadAccount …"."""
    row_id = dv.create("accounts", {"name": "secret"})
    user(dv, "seller")
    as_seller = bearer("seller")
    denied(dv.get("accounts?$select=name", **as_seller), "prvReadAccount")
    denied(dv.get(f"accounts({row_id})", **as_seller), "prvReadAccount")
    denied(dv.get("accounts/$count", **as_seller), "prvReadAccount")
    denied(dv.post("accounts", {"name": "mine"}, **as_seller), "prvCreateAccount")
    denied(dv.patch(f"accounts({row_id})", {"name": "x"}, If_Match="*", **as_seller), "prvWriteAccount")
    denied(dv.delete(f"accounts({row_id})", **as_seller), "prvDeleteAccount")
    denied(dv.get("RetrieveTotalRecordCount(EntityNames=@p)?@p=['account']", **as_seller), "prvReadAccount")
    denied(dv.post("BulkDelete", {"QuerySet": []}, **as_seller), "prvBulkDelete")
    assert dv.get(f"accounts({row_id})").json()["name"] == "secret"


def test_basic_depth_reaches_own_rows_only(dv: Dataverse) -> None:
    """Depth Basic: rows that the user owns; others stay out of collections and are refused by id."""
    other = dv.create("accounts", {"name": "of another"})
    seller(dv, ("prvCreateAccount", "Basic"), ("prvReadAccount", "Basic"), ("prvWriteAccount", "Basic"))
    as_seller = bearer("seller")
    response = dv.post("accounts", {"name": "my own"}, **as_seller)
    assert response.status_code == 204, response.text
    mine = response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")
    assert [row["name"] for row in dv.get("accounts?$select=name", **as_seller).json()["value"]] == ["my own"]
    assert dv.get("accounts/$count", **as_seller).content.decode("utf-8-sig") == "1"
    assert dv.patch(f"accounts({mine})", {"name": "still mine"}, If_Match="*", **as_seller).status_code == 204
    for response in (
        dv.get(f"accounts({other})", **as_seller),
        dv.patch(f"accounts({other})", {"name": "x"}, If_Match="*", **as_seller),
    ):
        assert error_of(response)[:2] == (403, "0x80048306")


def test_local_and_deep_reach_business_units(dv: Dataverse) -> None:
    """Depth Local: the user's business unit; Deep: with those below it; Global: all."""
    root = unit_id(dv)
    north = dv.create("businessunits", {"name": "North", "parentbusinessunitid@odata.bind": f"businessunits({root})"})
    below = dv.create("businessunits", {"name": "Below", "parentbusinessunitid@odata.bind": f"businessunits({north})"})
    names = {}
    for place, unit in (("root", root), ("north", north), ("below", below)):
        owner = user(dv, f"of_{place}", unit)
        row = {"name": place, "ownerid@odata.bind": f"systemusers({owner})"}
        names[place] = dv.create("accounts", row)
    for depth, seen in (("Local", ["north"]), ("Deep", ["below", "north"]), ("Global", ["below", "north", "root"])):
        reader = user(dv, f"reader_{depth}", north)
        give(dv, reader, role(dv, ("prvReadAccount", depth)))
        read = dv.get("accounts?$select=name&$orderby=name", **bearer(f"reader_{depth}")).json()["value"]
        assert [row["name"] for row in read] == seen


def test_roles_add_up_and_come_by_teams_too(dv: Dataverse) -> None:
    """Roles of a user and of their teams are cumulative; the deepest depth counts."""
    dv.create("accounts", {"name": "seen by the team"})
    user_id = seller(dv, ("prvReadAccount", "Basic"))
    assert dv.get("accounts", **bearer("seller")).json()["value"] == []
    team = dv.create("teams", {"name": "Readers", "businessunitid@odata.bind": f"businessunits({unit_id(dv)})"})
    role_id = role(dv, ("prvReadAccount", "Global"))
    assert dv.post(f"teams({team})/teamroles_association/$ref", {"@odata.id": f"roles({role_id})"}).status_code == 204
    member = {"@odata.id": f"systemusers({user_id})"}
    assert dv.post(f"teams({team})/teammembership_association/$ref", member).status_code == 204
    assert len(dv.get("accounts", **bearer("seller")).json()["value"]) == 1


def test_linking_needs_append_and_append_to(dv: Dataverse) -> None:
    """Security-access-coding: Append on the row with the lookup, AppendTo on the row that it names."""
    parent = dv.create("accounts", {"name": "parent"})
    user_id = seller(dv, ("prvCreateContact", "Basic"))
    row = {"lastname": "Linked", "parentcustomerid_account@odata.bind": f"accounts({parent})"}
    denied(dv.post("contacts", row, **bearer("seller")), "prvAppendContact")
    give(dv, user_id, role(dv, ("prvAppendContact", "Basic")))
    denied(dv.post("contacts", row, **bearer("seller")), "prvAppendToAccount")
    give(dv, user_id, role(dv, ("prvAppendToAccount", "Global")))
    assert dv.post("contacts", row, **bearer("seller")).status_code == 204


def test_change_tracking_needs_read_for_the_organization(dv: Dataverse) -> None:
    """powerapps-docs issue 3883: "Required Depth: Global" for a user with less."""
    address = "EntityDefinitions(LogicalName='account')"
    definition = {**dv.get(address).json(), "ChangeTrackingEnabled": True}
    assert dv.put(address, definition).status_code == 204
    user_id = seller(dv, ("prvReadAccount", "Deep"))
    headers = {"Prefer": "odata.track-changes", **bearer("seller")}
    denied(dv.get("accounts?$select=name", **headers), "prvReadAccount", "Global")
    give(dv, user_id, role(dv, ("prvReadAccount", "Global")))
    assert dv.get("accounts?$select=name", **headers).status_code == 200


def test_bulk_messages_batches_and_actions_ask_too(dv: Dataverse) -> None:
    """Every message of a caller needs its privileges (the actions' reference pages, "Privileges")."""
    deal = dv.create("opportunities", {"name": "of the administrator"})
    seller(dv, ("prvReadAccount", "Global"))
    target = {"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "x"}
    body = {"Targets": [target]}
    as_seller = bearer("seller")
    denied(dv.post("accounts/Microsoft.Dynamics.CRM.CreateMultiple", body, **as_seller), "prvCreateAccount")
    response = send(dv, [Op("POST", "accounts", {"name": "x"})], **as_seller)
    [part] = answers(response)
    assert not isinstance(part, list)
    assert (response.status_code, part.status) == (403, 403)
    close = {"Status": 3, "OpportunityClose": {"opportunityid@odata.bind": f"opportunities({deal})"}}
    denied(dv.post("WinOpportunity", close, **as_seller), "prvWriteOpportunity")


def test_the_system_administrator_role_has_every_privilege(dv: Dataverse) -> None:
    """Security-roles: System Administrator; it cannot be changed (CannotModifySysAdmin 0x80041d31)."""
    [admin] = dv.rows(f"roles?$filter=name eq '{ADMINISTRATOR_ROLE}'&$select=roleid")
    user_id = user(dv, "chief")
    give(dv, user_id, admin["roleid"])
    assert dv.post("accounts", {"name": "by the chief"}, **bearer("chief")).status_code == 204
    given = {"Privileges": [{"Depth": "Basic", "PrivilegeId": privilege_id(dv, "prvReadAccount")}]}
    response = dv.post(f"roles({admin['roleid']})/Microsoft.Dynamics.CRM.AddPrivilegesRole", given)
    assert error_of(response)[:2] == (400, "0x80041d31")


def test_privileges_of_roles_can_be_listed_replaced_and_removed(dv: Dataverse) -> None:
    """RetrieveRolePrivilegesRole, ReplacePrivilegesRole, RemovePrivilegeRole, RetrieveUserPrivileges."""
    user_id = user(dv, "seller")
    role_id = role(dv, ("prvReadAccount", "Local"), ("prvReadContact", "Global"))
    give(dv, user_id, role_id)

    def listed(address: str, function: str) -> list[tuple[str, str]]:
        response = dv.get(f"{address}/Microsoft.Dynamics.CRM.{function}()")
        assert response.status_code == 200, response.text
        return [(each["PrivilegeName"], each["Depth"]) for each in response.json()["RolePrivileges"]]

    both = [("prvReadAccount", "Local"), ("prvReadContact", "Global")]
    assert listed(f"roles({role_id})", "RetrieveRolePrivilegesRole") == both
    assert listed(f"systemusers({user_id})", "RetrieveUserPrivileges") == both
    replaced = {"Privileges": [{"Depth": "Basic", "PrivilegeId": privilege_id(dv, "prvReadLead")}]}
    message = f"roles({role_id})/Microsoft.Dynamics.CRM."
    assert dv.post(f"{message}ReplacePrivilegesRole", replaced).status_code == 204
    assert listed(f"roles({role_id})", "RetrieveRolePrivilegesRole") == [("prvReadLead", "Basic")]
    removed = {"PrivilegeId": privilege_id(dv, "prvReadLead")}
    assert dv.post(f"{message}RemovePrivilegeRole", removed).status_code == 204
    assert listed(f"roles({role_id})", "RetrieveRolePrivilegesRole") == []


def test_an_administrator_may_act_on_behalf_of_another(dv: Dataverse) -> None:
    """Impersonation: rights and createdby are the other user's, createdonbehalfby is the caller."""
    caller = dv.get("WhoAmI").json()["UserId"]
    user_id = seller(dv, ("prvCreateAccount", "Basic"))
    denied(dv.post("contacts", {"lastname": "x"}, MSCRMCallerID=user_id), "prvCreateContact")
    response = dv.post("accounts", {"name": "for another"}, MSCRMCallerID=user_id)
    assert response.status_code == 204, response.text
    row_id = response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")
    row = dv.get(f"accounts({row_id})").json()
    assert (row["_createdby_value"], row["_createdonbehalfby_value"]) == (user_id, caller)


def test_others_may_not_without_the_privilege(dv: Dataverse) -> None:
    """Impersonation: needs prvActOnBehalfOfAnotherUser."""
    other = user(dv, "other")
    seller(dv, ("prvReadAccount", "Global"))
    denied(dv.get("accounts", MSCRMCallerID=other, **bearer("seller")), "prvActOnBehalfOfAnotherUser")


def test_expansions_hold_only_what_the_caller_may_read(dv: Dataverse) -> None:
    """Inferred: related rows are read with the caller's privileges like any others."""
    user_id = seller(dv, ("prvReadAccount", "Global"), ("prvReadContact", "Basic"))
    account = dv.create("accounts", {"name": "with people"})
    owned = {"ownerid@odata.bind": f"systemusers({user_id})"}
    for name, more in (("Seen", owned), ("Unseen", {})):
        dv.create("contacts", {"lastname": name, "parentcustomerid_account@odata.bind": f"accounts({account})", **more})
    address = f"accounts({account})?$select=name&$expand=contact_customer_accounts($select=lastname)"
    row = dv.get(address, **bearer("seller")).json()
    assert [each["lastname"] for each in row["contact_customer_accounts"]] == ["Seen"]


def test_changing_definitions_needs_customizing_privileges(dv: Dataverse) -> None:
    """Security-roles, "Customization": prvCreateEntity and its like; adding an option asks for prvWriteOptionSet."""
    user_id = seller(dv, ("prvReadAccount", "Global"))
    as_seller = bearer("seller")
    table = "EntityDefinitions(LogicalName='account')"
    definition = dv.get(table, **as_seller)
    assert definition.status_code == 200
    denied(dv.put(table, definition.json(), **as_seller), "prvWriteEntity")
    denied(dv.post("EntityDefinitions", {}, **as_seller), "prvCreateEntity")
    denied(dv.post(f"{table}/Attributes", {}, **as_seller), "prvCreateAttribute")
    denied(dv.post(f"{table}/Keys", {}, **as_seller), "prvCreateEntityKey")
    denied(dv.post("RelationshipDefinitions", {}, **as_seller), "prvCreateRelationship")
    denied(dv.post("GlobalOptionSetDefinitions", {}, **as_seller), "prvCreateOptionSet")
    denied(dv.post("InsertOptionValue", {}, **as_seller), "prvWriteOptionSet")
    denied(dv.post("PublishAllXml", {}, **as_seller), "prvPublishCustomization")
    give(dv, user_id, role(dv, ("prvWriteEntity", "Global")))
    assert dv.put(table, definition.json(), **as_seller).status_code == 204


def test_aggregates_and_fetchxml_hold_only_what_the_caller_may_read(dv: Dataverse) -> None:
    """Every read is filtered by the caller's privileges (security-access-coding)."""
    user_id = seller(dv, ("prvReadAccount", "Basic"))
    for name, more in (("mine", {"ownerid@odata.bind": f"systemusers({user_id})"}), ("not mine", {})):
        dv.create("accounts", {"name": name, **more})
    as_seller = bearer("seller")
    [counted] = dv.get("accounts?$apply=aggregate($count as n)", **as_seller).json()["value"]
    fetch = "<fetch><entity name='account'><attribute name='name'/></entity></fetch>"
    fetched = dv.get(f"accounts?fetchXml={fetch}", **as_seller).json()["value"]
    assert (counted["n"], [row["name"] for row in fetched]) == (1, ["mine"])


@pytest.mark.parametrize(
    "address",
    [
        "accounts({id})/Microsoft.Dynamics.CRM.CreateMultiple",
        "accounts({id})/Microsoft.Dynamics.CRM.QualifyLead",
        "accounts({id})/Microsoft.Dynamics.CRM.AddPrivilegesRole",
        "leads/Microsoft.Dynamics.CRM.QualifyLead",
    ],
)
def test_a_bound_message_is_called_on_what_it_is_bound_to(dv: Dataverse, address: str) -> None:
    """Use-web-api-actions, "Bound actions": an action of a row or of a collection of one table."""
    row_id = dv.create("accounts", {"name": "x"})
    assert dv.post(address.format(id=row_id), {}).status_code == 404
