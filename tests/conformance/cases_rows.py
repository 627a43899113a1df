"""Rows: create, retrieve, update, upsert, delete, one property, links, conditions.

All cases: verified: docs. Sources are pages under learn.microsoft.com/power-apps/developer/data-platform/webapi/ unless
said otherwise.
"""

from __future__ import annotations

from uuid import uuid4

import pytest

from support.dataverse import Dataverse, error_of


@pytest.fixture
def account(dv: Dataverse) -> str:
    """An account, as the path of its row."""
    return f"accounts({dv.create('accounts', {'name': 'Fabrikam', 'telephone1': '555-0100'})})"


def _contact(dv: Dataverse, first: str = "Ann", last: str = "Berg") -> str:
    return dv.create("contacts", {"firstname": first, "lastname": last})


def test_create_answers_204_with_the_address_of_the_row(dv: Dataverse) -> None:
    """create-entity-web-api: "HTTP/1.1 204 No Content … OData-EntityId: […]/accounts(<id>)"."""
    response = dv.post("accounts", {"name": "Sample Account", "creditonhold": False, "revenue": 5000000})
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["OData-Version"] == "4.0"
    address = response.headers["OData-EntityId"]
    assert address.startswith(f"{dv.api}/accounts(")
    row = dv.get(address).json()
    assert (row["name"], row["creditonhold"], row["revenue"]) == ("Sample Account", False, 5000000)


def test_create_with_return_representation_answers_201_with_the_row(dv: Dataverse) -> None:
    """create-entity-web-api: 201 Created, `Preference-Applied: return=representation`, the selected columns."""
    response = dv.post("accounts?$select=name", {"name": "Sample"}, Prefer="return=representation")
    assert response.status_code == 201
    assert response.headers["Preference-Applied"] == "return=representation"
    row = response.json()
    assert row["@odata.context"] == f"{dv.api}/$metadata#accounts(name)/$entity"
    assert row["name"] == "Sample"
    assert row["@odata.etag"].startswith('W/"')
    assert "accountid" in row
    assert "telephone1" not in row
    dv.created.append(f"{dv.api}/accounts({row['accountid']})")


def test_the_client_may_choose_the_id_of_a_new_row(dv: Dataverse) -> None:
    """Inferred (data-plane.md §5): the primary key in the body of a POST is the new row's id."""
    chosen = str(uuid4())
    assert dv.create("accounts", {"accountid": chosen, "name": "Chosen"}) == chosen


def test_creating_the_same_id_twice_is_a_duplicate(dv: Dataverse) -> None:
    """Error code table: DuplicateRecord 0x80040237; compose-http-requests-handle-errors: 412 for DuplicateRecord."""
    chosen = dv.create("accounts", {"name": "First"})
    status, code, _ = error_of(dv.post("accounts", {"accountid": chosen, "name": "Second"}))
    assert (status, code) == (412, "0x80040237")
    assert dv.get(f"accounts({chosen})?$select=name").json()["name"] == "First"


def test_create_binds_a_lookup_by_relative_rooted_and_absolute_address(dv: Dataverse) -> None:
    """create-entity-web-api "Associate table rows on create": relative and absolute; samples show a leading slash."""
    contact = _contact(dv)
    for address in (f"contacts({contact})", f"/contacts({contact})", f"{dv.api}/contacts({contact})"):
        made = dv.create("accounts", {"name": "Bound", "primarycontactid@odata.bind": address})
        assert dv.get(f"accounts({made})").json()["_primarycontactid_value"] == contact


def test_a_navigation_name_is_case_sensitive_in_a_bind(dv: Dataverse) -> None:
    """troubleshoot/…/web-api-client-errors: "An undeclared property 'x' which only has property annotations"."""
    contact = _contact(dv)
    refused = dv.post("accounts", {"name": "A", "PrimaryContactId@odata.bind": f"/contacts({contact})"})
    status, code, message = error_of(refused)
    assert (status, code) == (400, "0x80048d19")
    assert "An undeclared property 'PrimaryContactId' which only has property annotations in the payload" in message


def test_a_polymorphic_lookup_is_bound_by_the_property_of_its_target(dv: Dataverse) -> None:
    """multitable-lookup; web-api-client-errors: `parentcustomerid` is no navigation property, `…_account` is."""
    account = dv.create("accounts", {"name": "Parent"})
    refused = dv.post("contacts", {"lastname": "L", "parentcustomerid@odata.bind": f"/accounts({account})"})
    assert error_of(refused)[:2] == (400, "0x80048d19")
    made = dv.create("contacts", {"lastname": "L", "parentcustomerid_account@odata.bind": f"/accounts({account})"})
    row = dv.get(f"contacts({made})", Prefer='odata.include-annotations="*"').json()
    assert row["_parentcustomerid_value"] == account
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    assert (
        row["_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"] == "parentcustomerid_account"
    )


def test_binding_a_row_that_is_not_there_is_refused_and_nothing_is_made(dv: Dataverse) -> None:
    """Error code table: ObjectDoesNotExist 0x80040217 (404)."""
    body = {"name": "Orphan", "primarycontactid@odata.bind": f"/contacts({uuid4()})"}
    assert error_of(dv.post("accounts", body))[:2] == (404, "0x80040217")
    assert dv.rows("accounts?$select=name&$filter=name eq 'Orphan'") == []


def test_binding_a_row_of_another_table_is_refused(dv: Dataverse) -> None:
    """A navigation property leads to one type (CSDL of the service), also where the lookup has several targets."""
    account, contact = dv.create("accounts", {"name": "A"}), _contact(dv)
    refused = dv.post("accounts", {"name": "B", "primarycontactid@odata.bind": f"/accounts({account})"})
    assert error_of(refused)[:2] == (400, "0x80048d19")
    refused = dv.post("contacts", {"lastname": "B", "parentcustomerid_account@odata.bind": f"/contacts({contact})"})
    assert error_of(refused)[:2] == (400, "0x80048d19")


def test_a_row_may_say_its_type_but_no_other(dv: Dataverse) -> None:
    """webapi/use-web-api-actions shows @odata.type on rows; OData 4.0 JSON §4.5.3: it must fit the expected type."""
    assert dv.create("accounts", {"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "A"})
    assert dv.create(
        "accounts", {"@odata.type": "#Microsoft.Dynamics.CRM.account", "name": "A", "name@odata.type": "x"}
    )
    assert error_of(dv.post("accounts", {"@odata.type": "Microsoft.Dynamics.CRM.contact", "name": "A"}))[0] == 400


def test_writing_a_lookup_by_its_reading_name_is_refused(dv: Dataverse) -> None:
    """Field reports: "CRM do not support direct update of Entity Reference properties, Use Navigation properties"."""
    contact = _contact(dv)
    status, _, message = error_of(dv.post("accounts", {"name": "A", "_primarycontactid_value": contact}))
    assert status == 400
    assert "Use Navigation properties instead" in message


def test_deep_insert_makes_related_rows_on_both_sides_in_one_request(dv: Dataverse) -> None:
    """create-entity-web-api "Create related table rows in one operation": single- and collection-valued, nested."""
    account = dv.create(
        "accounts",
        {
            "name": "Sample Account",
            "primarycontactid": {"firstname": "John", "lastname": "Smith"},
            "opportunity_customer_accounts": [
                {"name": "Opportunity one", "Opportunity_Tasks": [{"subject": "Task 1"}, {"subject": "Task 2"}]},
                {"name": "Opportunity two"},
            ],
        },
    )
    row = dv.get(f"accounts({account})?$select=name&$expand=primarycontactid($select=fullname)").json()
    assert row["primarycontactid"]["fullname"] == "John Smith"
    dv.created.append(f"contacts({row['primarycontactid']['contactid']})")  # the others go with the account
    deals = dv.rows(f"accounts({account})/opportunity_customer_accounts?$select=name&$orderby=name")
    assert [deal["name"] for deal in deals] == ["Opportunity one", "Opportunity two"]
    tasks = dv.rows(f"opportunities({deals[0]['opportunityid']})/Opportunity_Tasks?$select=subject")
    assert {task["subject"] for task in tasks} == {"Task 1", "Task 2"}


def test_a_failed_deep_insert_makes_nothing(dv: Dataverse) -> None:
    """Inferred: one request is one transaction (data-plane.md §5)."""
    body = {"name": "Half", "primarycontactid": {"lastname": "Whole"}, "industrycode": 4711}
    assert dv.post("accounts", body).status_code == 400
    assert dv.rows("contacts?$select=lastname&$filter=lastname eq 'Whole'") == []


def test_retrieve_gives_every_column_with_nulls(dv: Dataverse, account: str) -> None:
    """retrieve-entity-using-web-api: without $select every property comes, empty ones as null."""
    row = dv.get(account).json()
    assert row["@odata.context"] == f"{dv.api}/$metadata#accounts/$entity"
    assert row["websiteurl"] is None
    assert row["statecode"] == 0
    assert row["statuscode"] == 1
    assert row["_ownerid_value"] == row["_createdby_value"] == row["_owninguser_value"]
    assert row["_owningbusinessunit_value"]
    assert row["createdon"].endswith("Z")
    assert "customeridname" not in row


def test_retrieving_a_missing_row_is_404(dv: Dataverse) -> None:
    """Field reports: "Entity 'account' With Id = … Does Not Exist", 0x80040217."""
    missing = uuid4()
    status, code, message = error_of(dv.get(f"accounts({missing})"))
    assert (status, code) == (404, "0x80040217")
    assert str(missing) in message


def test_patch_changes_only_what_it_sends(dv: Dataverse, account: str) -> None:
    """update-delete-entities-using-web-api "Basic update": 204, "include only the properties you're changing"."""
    response = dv.patch(account, {"name": "Contoso", "numberofemployees": 7}, If_Match="*")
    assert response.status_code == 204
    assert response.headers["OData-EntityId"] == f"{dv.api}/{account}"
    row = dv.get(f"{account}?$select=name,telephone1,numberofemployees").json()
    assert (row["name"], row["telephone1"], row["numberofemployees"]) == ("Contoso", "555-0100", 7)


def test_patch_with_return_representation_answers_200_with_the_row(dv: Dataverse, account: str) -> None:
    """update-delete-entities-using-web-api "Update with data returned": 200, Preference-Applied."""
    response = dv.patch(f"{account}?$select=name", {"name": "Contoso"}, Prefer="return=representation", If_Match="*")
    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "return=representation"
    assert response.json()["name"] == "Contoso"


def test_patch_of_a_missing_row_creates_it_unless_if_match_forbids(dv: Dataverse) -> None:
    """use-upsert-insert-update-record; perform-conditional-operations "Prevent create in upsert": 404."""
    new, other = uuid4(), uuid4()
    refused = dv.patch(f"accounts({new})", {"name": "New"}, If_Match="*")
    assert error_of(refused)[0] == 404
    assert dv.get(f"accounts({new})").status_code == 404
    created = dv.patch(f"accounts({new})", {"name": "New"})
    assert created.status_code == 204
    assert created.headers["OData-EntityId"] == f"{dv.api}/accounts({new})"
    assert dv.get(f"accounts({new})?$select=name").json()["name"] == "New"
    shown = dv.patch(f"accounts({other})?$select=accountid", {"name": "Other"}, Prefer="return=representation")
    assert (shown.status_code, shown.json()["accountid"]) == (201, str(other))
    dv.created += [f"{dv.api}/accounts({new})", f"{dv.api}/accounts({other})"]


def test_if_none_match_star_prevents_an_update(dv: Dataverse, account: str) -> None:
    """perform-conditional-operations "Prevent update in upsert": 412 and the text below."""
    status, _, message = error_of(dv.patch(account, {"name": "Changed"}, If_None_Match="*"))
    assert (status, message) == (412, "A record with matching key values already exists.")
    assert dv.get(f"{account}?$select=name").json()["name"] == "Fabrikam"


def test_a_row_is_updated_and_deleted_only_in_the_version_that_was_read(dv: Dataverse, account: str) -> None:
    """perform-conditional-operations "Apply optimistic concurrency": 412 and the text below."""
    read = dv.get(f"{account}?$select=name").json()["@odata.etag"]
    assert dv.patch(account, {"name": "Mine"}, If_Match=read).status_code == 204
    for refused in (dv.patch(account, {"name": "Late"}, If_Match=read), dv.delete(account, If_Match=read)):
        status, code, message = error_of(refused)
        assert (status, code) == (412, "0x80060882")
        assert message == "The version of the existing record doesn't match the RowVersion property provided."
    assert dv.get(f"{account}?$select=name").json()["name"] == "Mine"
    fresh = dv.get(f"{account}?$select=name").json()["@odata.etag"]
    assert dv.delete(account, If_Match=fresh).status_code == 204


def test_conditional_retrieval_answers_304_for_a_known_version(dv: Dataverse, account: str) -> None:
    """perform-conditional-operations "Conditional retrievals": 304 without a body; the literal null means nothing."""
    known = dv.get(f"{account}?$select=name").json()["@odata.etag"]
    unchanged = dv.get(f"{account}?$select=name", If_None_Match=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert dv.get(f"{account}?$select=name", If_None_Match="null").status_code == 200
    dv.patch(account, {"name": "Changed"}, If_Match="*")
    assert dv.get(f"{account}?$select=name", If_None_Match=known).status_code == 200


def test_every_write_gives_a_new_version(dv: Dataverse, account: str) -> None:
    """perform-conditional-operations: the etag changes whenever the row is updated."""
    seen = set()
    for name in ("a", "a", "b"):
        dv.patch(account, {"name": name}, If_Match="*")
        seen.add(dv.get(f"{account}?$select=name").json()["@odata.etag"])
    assert len(seen) == 3


def test_delete_removes_the_row_once(dv: Dataverse, account: str) -> None:
    """update-delete-entities-using-web-api "Basic delete": 204, then 404."""
    assert dv.delete(account).status_code == 204
    assert error_of(dv.delete(account))[0] == 404
    assert dv.get(account).status_code == 404


def test_one_property_is_read_written_and_emptied(dv: Dataverse, account: str) -> None:
    """update-delete-entities-using-web-api "Update a single property value"; retrieve-entity-using-web-api."""
    assert dv.put(f"{account}/name", {"value": "Renamed"}).status_code == 204
    read = dv.get(f"{account}/name").json()
    assert (read["value"], read["@odata.context"].endswith("/name")) == ("Renamed", True)
    assert dv.get(f"{account}/name/$value").text == "Renamed"
    assert dv.delete(f"{account}/telephone1").status_code == 204
    assert dv.get(f"{account}/telephone1").status_code == 204
    assert error_of(dv.put(f"{account}/nosuch", {"value": 1}))[0] == 404


def test_a_lookup_is_cleared_by_null_by_bind_null_and_by_deleting_its_reference(dv: Dataverse) -> None:
    """associate-disassociate-entities-using-web-api "Disassociate with a single-valued navigation property"."""
    contact = _contact(dv)
    bound = {"name": "A", "primarycontactid@odata.bind": f"/contacts({contact})"}
    for clear in (
        lambda path: dv.patch(path, {"primarycontactid@odata.bind": None}, If_Match="*"),
        lambda path: dv.patch(path, {"primarycontactid": None}, If_Match="*"),
        lambda path: dv.delete(f"{path}/primarycontactid/$ref"),
    ):
        path = f"accounts({dv.create('accounts', bound)})"
        assert clear(path).status_code == 204
        assert dv.get(path).json()["_primarycontactid_value"] is None


def test_rows_are_associated_and_disassociated_through_a_collection(dv: Dataverse, account: str) -> None:
    """associate-disassociate-entities-using-web-api: POST …/$ref adds; DELETE …(id)/$ref and ?$id= take out."""
    one, two = _contact(dv, last="One"), _contact(dv, last="Two")
    path = f"{account}/contact_customer_accounts"
    for contact in (one, two):
        assert dv.post(f"{path}/$ref", {"@odata.id": f"{dv.api}/contacts({contact})"}).status_code == 204
    references = dv.get(f"{path}/$ref").json()["value"]
    assert {each["@odata.id"] for each in references} == {f"{dv.api}/contacts({each})" for each in (one, two)}
    assert dv.delete(f"{path}({one})/$ref").status_code == 204
    assert dv.delete(f"{path}/$ref?$id={dv.api}/contacts({two})").status_code == 204
    assert dv.rows(f"{path}?$select=fullname") == []


def test_a_single_valued_property_is_set_and_read_through_its_reference(dv: Dataverse, account: str) -> None:
    """associate-disassociate-entities-using-web-api: PUT …/nav/$ref; query/join-tables: $ref gives @odata.id."""
    contact = _contact(dv)
    body = {"@odata.id": f"{dv.api}/contacts({contact})"}
    assert dv.put(f"{account}/primarycontactid/$ref", body).status_code == 204
    assert dv.get(f"{account}/primarycontactid/$ref").json()["@odata.id"] == f"{dv.api}/contacts({contact})"
    assert dv.get(f"{account}/primarycontactid?$select=fullname").json()["fullname"] == "Ann Berg"
    assert dv.get(f"{account}/primarycontactid/fullname").json()["value"] == "Ann Berg"
    assert error_of(dv.post(f"{account}/primarycontactid/$ref", body))[0] == 405


def test_an_empty_single_valued_property_has_no_content(dv: Dataverse, account: str) -> None:
    """OData 4.0 part 1 §11.2.6: a single-valued navigation property that is null answers 204."""
    assert dv.get(f"{account}/primarycontactid").status_code == 204


def test_many_to_many_rows_are_linked_once(dv: Dataverse) -> None:
    """associate-disassociate…: N:N by $ref; error code table: DuplicateRecord for a link that is there already."""
    lead = dv.create("leads", {"subject": "L", "lastname": "X"})
    contact = _contact(dv)
    path = f"leads({lead})/contactleads_association"
    assert dv.post(f"{path}/$ref", {"@odata.id": f"contacts({contact})"}).status_code == 204
    assert [row["fullname"] for row in dv.rows(f"{path}?$select=fullname")] == ["Ann Berg"]
    twice = dv.post(f"contacts({contact})/contactleads_association/$ref", {"@odata.id": f"leads({lead})"})
    assert error_of(twice)[:2] == (412, "0x80040237")
    assert dv.delete(f"{path}({contact})/$ref").status_code == 204
    assert dv.rows(f"{path}?$select=fullname") == []


def test_system_columns_say_who_and_when(dv: Dataverse, account: str) -> None:
    """Table reference: createdon, createdby, modifiedon, modifiedby are the platform's; a write moves modifiedby."""
    me = dv.get("WhoAmI").json()["UserId"]
    row = dv.get(f"{account}?$select=createdon,modifiedon,_createdby_value,_modifiedby_value").json()
    assert row["_createdby_value"] == row["_modifiedby_value"] == me
    assert row["modifiedon"] >= row["createdon"]


def test_a_read_only_column_is_ignored(dv: Dataverse) -> None:
    """fake-xrm-easy issue 36 (statecode on create), powerupwithazure 2026-05 (createdon, createdby): ignored."""
    made = dv.create("opportunities", {"name": "Deal", "statecode": 1, "createdon": "2001-01-01T00:00:00Z"})
    row = dv.get(f"opportunities({made})?$select=statecode,statuscode,createdon").json()
    assert (row["statecode"], row["statuscode"]) == (0, 1)
    assert not row["createdon"].startswith("2001")


def test_overriddencreatedon_chooses_createdon_on_create(dv: Dataverse) -> None:
    """Table reference: "Date and time that the record was migrated"; field reports: sets createdon."""
    made = dv.create("accounts", {"name": "Migrated", "overriddencreatedon": "2011-05-06T07:08:09Z"})
    row = dv.get(f"accounts({made})?$select=createdon,overriddencreatedon").json()
    assert row["createdon"] == "2011-05-06T07:08:09Z"
    assert row["overriddencreatedon"] is not None


def test_a_contacts_full_name_follows_its_parts(dv: Dataverse) -> None:
    """Table reference: contact.fullname "Combines and shows the contact's first and last names"."""
    path = f"contacts({_contact(dv, 'Åsa', 'Öberg')})"
    assert dv.get(f"{path}?$select=fullname").json()["fullname"] == "Åsa Öberg"
    dv.patch(path, {"firstname": None}, If_Match="*")
    assert dv.get(f"{path}?$select=fullname").json()["fullname"] == "Öberg"


def test_a_state_takes_its_default_status_and_a_foreign_status_is_refused(dv: Dataverse, account: str) -> None:
    """Table reference: statuscode belongs to a state; error code table: InvalidStateCodeStatusCode 0x80048408."""
    assert error_of(dv.patch(account, {"statuscode": 2}, If_Match="*"))[:2] == (400, "0x80048408")
    assert dv.patch(account, {"statecode": 1}, If_Match="*").status_code == 204
    row = dv.get(f"{account}?$select=statecode,statuscode").json()
    assert (row["statecode"], row["statuscode"]) == (1, 2)
    assert dv.patch(account, {"statecode": 0, "statuscode": 1}, If_Match="*").status_code == 204


def test_an_opportunitys_customer_is_its_account_else_its_contact(dv: Dataverse) -> None:
    """Field reports: steveplatz.com 2019-02-02, riics.com 2014-07-13 (how Potential Customer is filled)."""
    account, contact = dv.create("accounts", {"name": "A"}), _contact(dv)
    to_account = {"parentaccountid@odata.bind": f"/accounts({account})"}
    to_contact = {"parentcontactid@odata.bind": f"/contacts({contact})"}
    select = "?$select=_customerid_value,_parentaccountid_value,_parentcontactid_value"
    both = dv.get(
        f"opportunities({dv.create('opportunities', {'name': 'D', **to_account, **to_contact})}){select}"
    ).json()
    assert (both["_customerid_value"], both["_parentaccountid_value"]) == (account, account)
    one = dv.get(f"opportunities({dv.create('opportunities', {'name': 'D', **to_contact})}){select}").json()
    assert (one["_customerid_value"], one["_parentaccountid_value"]) == (contact, None)
    given = {"name": "D", "customerid_account@odata.bind": f"/accounts({account})"}
    alone = dv.get(f"opportunities({dv.create('opportunities', given)}){select}").json()
    assert (alone["_customerid_value"], alone["_parentaccountid_value"]) == (account, None)


def test_the_owner_may_be_a_user_or_a_team(dv: Dataverse) -> None:
    """data-plane.md §4.6: ownerid is bound to systemusers(…) or teams(…); owninguser and owningteam follow."""
    team = dv.rows("teams?$select=name&$top=1")[0]["teamid"]
    path = f"accounts({dv.create('accounts', {'name': 'A', 'ownerid@odata.bind': f'/teams({team})'})})"
    row = dv.get(f"{path}?$select=_ownerid_value,_owningteam_value,_owninguser_value").json()
    assert (row["_ownerid_value"], row["_owningteam_value"], row["_owninguser_value"]) == (team, team, None)
    me = dv.get("WhoAmI").json()["UserId"]
    dv.patch(path, {"ownerid@odata.bind": f"/systemusers({me})"}, If_Match="*")
    row = dv.get(f"{path}?$select=_ownerid_value,_owningteam_value,_owninguser_value").json()
    assert (row["_ownerid_value"], row["_owningteam_value"], row["_owninguser_value"]) == (me, None, me)
    assert error_of(dv.patch(path, {"ownerid@odata.bind": None}, If_Match="*"))[0] == 400


def test_deleting_a_row_cascades_removes_links_or_is_refused_as_the_relationship_says(dv: Dataverse) -> None:
    """configure-entity-relationship-cascading-behavior; error code table: 0x80040227, status 405."""
    account, contact = dv.create("accounts", {"name": "A"}), _contact(dv)
    deal = dv.create(
        "opportunities",
        {
            "name": "D",
            "customerid_account@odata.bind": f"/accounts({account})",
            "parentcontactid@odata.bind": f"/contacts({contact})",
        },
    )
    assert dv.delete(f"contacts({contact})").status_code == 204  # parentcontactid: RemoveLink
    assert dv.get(f"opportunities({deal})").json()["_parentcontactid_value"] is None
    order = {"name": "O", "opportunityid@odata.bind": f"/opportunities({deal})"}
    made = dv.create("salesorders", {**order, "customerid_account@odata.bind": f"/accounts({account})"})
    assert error_of(dv.delete(f"opportunities({deal})"))[:2] == (
        405,
        "0x80040227",
    )  # opportunity_sales_orders: Restrict
    dv.delete(f"salesorders({made})")
    assert dv.delete(f"accounts({account})").status_code == 204  # opportunity_customer_accounts: Cascade
    assert dv.get(f"opportunities({deal})").status_code == 404


def test_quotes_and_orders_are_numbered(dv: Dataverse) -> None:
    """Table reference: quotenumber and ordernumber are SystemRequired; the platform fills them."""
    for entity_set, column in (("quotes", "quotenumber"), ("salesorders", "ordernumber")):
        first, second = (dv.create(entity_set, {"name": "N"}) for _ in range(2))
        numbers = {dv.get(f"{entity_set}({each})?$select={column}").json()[column] for each in (first, second)}
        assert len(numbers) == 2
        assert all(numbers)


@pytest.mark.local
def test_a_column_with_an_autonumber_format_counts_from_1000(dv: Dataverse) -> None:
    """create-auto-number-attributes: {SEQNUM:5} starts at 1000 with the minimum length given; a given value stays."""
    column = {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "AttributeType": "String",
        "AttributeTypeName": {"Value": "StringType"},
        "SchemaName": "new_Ticket",
        "AutoNumberFormat": "T-{SEQNUM:5}",
        "MaxLength": 100,
        "DisplayName": {"LocalizedLabels": [{"Label": "Ticket", "LanguageCode": 1033}]},
    }
    assert dv.post("EntityDefinitions(LogicalName='account')/Attributes", column).status_code == 204
    made = [dv.create("accounts", {"name": "A", **more}) for more in ({}, {"new_ticket": "mine"}, {})]
    tickets = [dv.get(f"accounts({each})?$select=new_ticket").json()["new_ticket"] for each in made]
    assert tickets == ["T-01000", "mine", "T-01001"]


@pytest.fixture
def keyed(dv: Dataverse) -> Dataverse:
    """An environment in which accountnumber is an alternate key of account, ready for use."""
    key = {
        "SchemaName": "new_AccountNumberKey",
        "KeyAttributes": ["accountnumber"],
        "DisplayName": {"LocalizedLabels": [{"Label": "Account number", "LanguageCode": 1033}]},
    }
    assert dv.post("EntityDefinitions(LogicalName='account')/Keys", key).status_code == 204
    for _ in range(100):
        keys = dv.rows("EntityDefinitions(LogicalName='account')/Keys?$select=LogicalName,EntityKeyIndexStatus")
        if all(each["EntityKeyIndexStatus"] == "Active" for each in keys):
            return dv
    raise AssertionError(keys)


@pytest.mark.local
def test_a_row_is_addressed_by_its_alternate_key(keyed: Dataverse) -> None:
    """use-alternate-key-reference-record: accounts(accountnumber='ABC123') for GET, PATCH, DELETE and in binds."""
    row_id = keyed.create("accounts", {"name": "A", "accountnumber": "O'1 å"})
    path = "accounts(accountnumber='O''1%20%C3%A5')"
    assert keyed.get(f"{path}?$select=name").json()["accountid"] == row_id
    assert keyed.patch(path, {"name": "B"}, If_Match="*").status_code == 204
    assert keyed.get(f"accounts({row_id})?$select=name").json()["name"] == "B"
    child = keyed.create("accounts", {"name": "C", "parentaccountid@odata.bind": "/accounts(accountnumber='O''1 å')"})
    assert keyed.get(f"accounts({child})").json()["_parentaccountid_value"] == row_id
    assert keyed.delete(path).status_code == 204
    assert error_of(keyed.get(path))[:2] == (404, "0x80060891")
    missing = {"name": "D", "parentaccountid@odata.bind": "accounts(accountnumber='none')"}
    assert error_of(keyed.post("accounts", missing))[:2] == (404, "0x80060891")


@pytest.mark.local
def test_upsert_by_key_creates_with_the_key_and_updates_without_it(keyed: Dataverse) -> None:
    """use-upsert-insert-update-record: missing key columns come from the address, values in the body win on create, key
    columns in the body are left out of an update; the answer echoes the alternate key."""
    path = "accounts(accountnumber='K1')"
    created = keyed.patch(path, {"name": "New"})
    assert (created.status_code, created.headers["OData-EntityId"]) == (204, f"{keyed.api}/{path}")
    row = keyed.get(f"{path}?$select=name,accountnumber").json()
    assert (row["name"], row["accountnumber"]) == ("New", "K1")
    assert keyed.patch(path, {"name": "Newer", "accountnumber": "K9"}).status_code == 204
    assert keyed.get(f"{path}?$select=name").json()["name"] == "Newer"
    assert keyed.patch("accounts(accountnumber='K2')", {"name": "X", "accountnumber": "K3"}).status_code == 204
    assert keyed.get("accounts(accountnumber='K3')?$select=name").json()["name"] == "X"
    assert error_of(keyed.patch("accounts(accountnumber='K4')", {"name": "X"}, If_Match="*"))[0] == 404
    assert error_of(keyed.patch(path, {"name": "X"}, If_None_Match="*"))[0] == 412


@pytest.mark.local
def test_a_key_is_unique_whatever_its_case_and_nulls_are_exempt(keyed: Dataverse) -> None:
    """Error code table DuplicateRecordEntityKey 0x80060892 (412); case and nulls inferred (data-plane.md §9)."""
    first = keyed.create("accounts", {"accountnumber": "Ä1"})
    assert error_of(keyed.post("accounts", {"accountnumber": "ä1"}))[:2] == (412, "0x80060892")
    other = keyed.create("accounts", {"accountnumber": "B1"})
    assert error_of(keyed.patch(f"accounts({other})", {"accountnumber": "Ä1"}, If_Match="*"))[:2] == (412, "0x80060892")
    assert keyed.get("accounts(accountnumber='ä1')?$select=accountid").json()["accountid"] == first
    assert keyed.create("accounts", {"name": "no number"})
    assert keyed.create("accounts", {"name": "no number either"})


@pytest.mark.local
def test_special_characters_do_not_work_in_a_key(keyed: Dataverse) -> None:
    """use-alternate-key-reference-record: values with / < > * % & : \\ ? + fail; uniqueness still holds."""
    for number in ("a/b", "a<b", "a>b", "a*b", "a%b", "a&b", "a:b", "a\\b", "a?b", "a+b"):
        keyed.create("accounts", {"accountnumber": number})
        encoded = "".join(f"%{ord(letter):02X}" for letter in number)
        assert error_of(keyed.get(f"accounts(accountnumber='{encoded}')"))[0] == 400, number
        assert error_of(keyed.post("accounts", {"accountnumber": number}))[:2] == (412, "0x80060892")


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"special_characters_in_keys": "accept"}])
def test_the_other_reading_takes_special_characters_in_a_key(keyed: Dataverse) -> None:
    """The raw path is parsed before it is decoded, so that %2F in a key is no separator."""
    for number in ("a/b", "a%2Fb", "a+b", "a?b", "a&b=c", "(a)", "a,b='c'"):
        row_id = keyed.create("accounts", {"accountnumber": number})
        encoded = "".join(f"%{ord(letter):02X}" for letter in number.replace("'", "''"))
        found = keyed.get(f"accounts(accountnumber='{encoded}')?$select=accountnumber")
        assert (found.status_code, found.json().get("accountid")) == (200, row_id), number
