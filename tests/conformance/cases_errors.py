"""Refusals: what is wrong with a request, in the platform's statuses and codes; never a 500.

All cases: verified: docs. The error body is `{"error":{"code","message"}}` (webapi/compose-http-requests-handle-errors,
"Parse errors from the response"); pages are under learn.microsoft.com/power-apps/developer/data-platform/ unless said
otherwise. CLIENT means …/troubleshoot/power-platform/dataverse/web-api-client-errors.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from support.dataverse import Dataverse, error_of


def refused(dv: Dataverse, entity_set: str, **row: Any) -> tuple[int, str, str]:
    """Give the refusal of a create."""
    return error_of(dv.post(entity_set, {"name": "A", **row}))


def test_an_unknown_segment_is_404(dv: Dataverse) -> None:
    """CLIENT "Resource not found for the segment 'Account'": 0x8006088a; names are case-sensitive."""
    assert error_of(dv.get("Account")) == (404, "0x8006088a", "Resource not found for the segment 'Account'.")
    path = f"accounts({dv.create('accounts', {'name': 'A'})})"
    assert error_of(dv.get(f"{path}/Name"))[:2] == (404, "0x8006088a")
    assert error_of(dv.get(f"{path}/name/more"))[:2] == (404, "0x8006088a")


def test_an_unknown_property_in_a_body_is_400_and_named(dv: Dataverse) -> None:
    """CLIENT "Invalid property {property name} was found in entity"; names are case-sensitive."""
    status, code, message = refused(dv, "accounts", Name="A")
    assert (status, code) == (400, "0x80048d19")
    assert "Invalid property 'Name' was found in entity 'Microsoft.Dynamics.CRM.account'" in message


def test_an_unknown_property_in_a_query_is_400_and_named(dv: Dataverse) -> None:
    """CLIENT "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."."""
    status, _, message = error_of(dv.get("accounts?$select=Name"))
    assert (status, message) == (
        400,
        "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'.",
    )


def test_an_action_is_not_called_by_get_nor_a_function_by_post(dv: Dataverse) -> None:
    """CLIENT "No HTTP resource was found that matches the request URI": 404 with an empty code."""
    expected = f"No HTTP resource was found that matches the request URI '{dv.api}/WhoAmI'."
    assert error_of(dv.post("WhoAmI")) == (404, "", expected)
    assert error_of(dv.get("WinOpportunity"))[:2] == (404, "")


@pytest.mark.local
@pytest.mark.parametrize(
    ("method", "path", "headers", "named"),
    [
        ("POST", "accounts?partitionId=p", {}, "partitionId"),
        ("PATCH", "accounts({id})?tag=x", {}, "tag"),
        ("DELETE", "accounts({id})?partitionId=p", {}, "partitionId"),
        ("PUT", "accounts({id})/name?partitionId=p", {}, "partitionId"),
        ("GET", "accounts?$select=entityimage", {}, "entityimage"),
        ("GET", "accounts?$filter=entityimage ne null", {}, "entityimage"),
        ("GET", "accounts({id})/entityimage/$value", {}, "entityimage"),
        ("PATCH", "accounts({id})/entityimage", {}, "entityimage"),
        ("POST", "PublishAllXml", {"Prefer": "respond-async"}, "respond-async"),
        ("POST", "/api/search/v1.0/query", {}, "search"),
        ("GET", "/api/backgroundoperation/1", {}, "background"),
        ("POST", "/XRMServices/2011/Organization.svc/web", {}, "SOAP"),
    ],
)
@pytest.mark.local
def test_no_option_column_preference_or_service_is_ignored(
    dv: Dataverse, method: str, path: str, headers: dict[str, str], named: str
) -> None:
    """design.md: "What it does not implement it refuses, with 501 and the name of the thing; it never ignores a query
    option". Documented and not played: partitions of elastic tables, shared variables for plug-ins (optional-
    parameters.md), images (image-column-data.md), background operations (background-operations.md), search, SOAP."""
    row = dv.create("accounts", {"name": "Kept"})
    status, _, message = error_of(dv.send(method, path.format(id=row), json={"value": "x"}, headers=headers))
    assert (status, named in message) == (501, True)
    assert dv.get(f"accounts({row})?$select=name").json()["name"] == "Kept"


def test_what_is_not_implemented_is_501_and_named(dv: Dataverse) -> None:
    """The local Dataverse's own promise: it refuses by name what it does not play."""
    status, _, message = error_of(dv.post("SendEmail", {}))
    assert (status, "SendEmail" in message) == (501, True)
    assert error_of(dv.get("NoSuchFunction()"))[:2] == (404, "0x8006088a")


def test_text_may_not_be_longer_than_its_column(dv: Dataverse) -> None:
    """webapi/execute-batch-operations…: 0x80044331 and the text below."""
    expected = (
        "A validation error occurred. The length of the 'name' attribute of the 'account' entity exceeded the maximum "
        "allowed length of '160'."
    )
    assert refused(dv, "accounts", name="x" * 161) == (400, "0x80044331", expected)
    assert dv.create("accounts", {"name": "ä" * 160})


def test_a_letter_outside_the_basic_plane_counts_twice(dv: Dataverse) -> None:
    """Inferred: lengths are those of SQL Server's nvarchar, in UTF-16 units."""
    assert dv.create("accounts", {"name": "😀" * 80})
    assert refused(dv, "accounts", name="😀" * 81)[:2] == (400, "0x80044331")


def test_a_choice_takes_only_its_options(dv: Dataverse) -> None:
    """Error code table PicklistValueOutOfRange 0x8004431A; text from project-operations pages and field reports."""
    status, code, message = refused(dv, "accounts", preferredcontactmethodcode=9)
    assert (status, code.lower()) == (400, "0x8004431a")
    assert message == (
        "A validation error occurred. The value 9 of 'preferredcontactmethodcode' on record of type 'account' is "
        "outside the valid range. Accepted Values: 1,2,3,4,5"
    )


def test_a_number_stays_within_its_limits(dv: Dataverse) -> None:
    """IntegerAttributeMetadata.MinValue and MaxValue: opportunity.closeprobability is 0 to 100; code inferred."""
    assert refused(dv, "opportunities", closeprobability=101)[0] == 400
    assert refused(dv, "opportunities", closeprobability=-1)[0] == 400
    assert dv.create("opportunities", {"name": "A", "closeprobability": 100})


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("name", 5, "Edm.String"),
        ("numberofemployees", "7", "Edm.Int32"),
        ("numberofemployees", 7.5, "Edm.Int32"),
        ("numberofemployees", True, "Edm.Int32"),
        ("numberofemployees", 2**31, "Edm.Int32"),
        ("revenue", "7", "Edm.Decimal"),
        ("revenue", True, "Edm.Decimal"),
        ("creditonhold", "true", "Edm.Boolean"),
        ("creditonhold", 1, "Edm.Boolean"),
        ("industrycode", "Consulting", "Edm.Int32"),
        ("lastonholdtime", "yesterday", "Edm.DateTimeOffset"),
        ("lastonholdtime", 5, "Edm.DateTimeOffset"),
        ("lastonholdtime", "2024-02-30T00:00:00Z", "Edm.DateTimeOffset"),
        ("lastonholdtime", "0001-01-01T00:00:00Z", "Edm.DateTimeOffset"),
        ("lastonholdtime", "9999-12-31T23:59:59-01:00", "Edm.DateTimeOffset"),
        ("address1_latitude", "north", "Edm.Double"),
        ("accountid", "not-a-guid", "Edm.Guid"),
        ("accountid", 5, "Edm.Guid"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(dv: Dataverse, column: str, value: Any, expected: str) -> None:
    """Field reports: 0x80048d19, "Cannot convert the literal 'Charity' to the expected type 'Edm.Int32'."."""
    status, code, message = refused(dv, "accounts", **{column: value})
    assert (status, code) == (400, "0x80048d19")
    assert f"to the expected type '{expected}'." in message


def test_a_plain_date_takes_no_time(dv: Dataverse) -> None:
    """Field reports: "Cannot convert the literal '2026-09-17T18:30:00.000Z' to the expected type 'Edm.Date'"."""
    status, _, message = refused(dv, "opportunities", actualclosedate="2026-09-17T18:30:00.000Z")
    assert (status, "'Edm.Date'" in message) == (400, True)
    assert dv.create("opportunities", {"name": "A", "actualclosedate": "2026-09-17"})


def test_a_lookup_takes_no_bare_value(dv: Dataverse) -> None:
    """web-api-navigation-properties: a lookup is written by bind; a text, a number or an array is no row."""
    for wrong in ("x", 5, [], True):
        assert refused(dv, "accounts", primarycontactid=wrong)[0] == 400
    for wrong_bind in (5, [], {}, "", "contacts", "contacts(1", "nosuch(1)", f"contacts({uuid4()})/fullname"):
        assert refused(dv, "accounts", **{"primarycontactid@odata.bind": wrong_bind})[0] in (400, 404)


def test_a_collection_takes_rows_only(dv: Dataverse) -> None:
    """create-entity-web-api: a collection-valued navigation property is an array of objects."""
    for wrong in ("x", {}, [5], [[]], None):
        assert refused(dv, "accounts", contact_customer_accounts=wrong)[0] == 400
    for wrong_bind in ("x", [5], [f"accounts({uuid4()})"]):
        assert refused(dv, "accounts", **{"contact_customer_accounts@odata.bind": wrong_bind})[0] == 400


def test_an_update_makes_no_related_rows(dv: Dataverse) -> None:
    """create-entity-web-api: deep insert is for create; an update with nested rows is refused (code inferred)."""
    path = f"accounts({dv.create('accounts', {'name': 'A'})})"
    assert error_of(dv.patch(path, {"primarycontactid": {"lastname": "X"}}, If_Match="*"))[0] == 400
    assert error_of(dv.patch(path, {"contact_customer_accounts": [{"lastname": "X"}]}, If_Match="*"))[0] == 400


def test_a_system_required_column_cannot_be_emptied_nor_left_out(dv: Dataverse) -> None:
    """data-plane.md §5: SystemRequired columns cannot be null; error code table RequiredFieldMissing 0x80040200."""
    publisher = {"uniquename": "casepublisher", "friendlyname": "Case", "customizationprefix": "cas"}
    for missing in ("uniquename", "friendlyname", "customizationprefix"):
        body = {name: value for name, value in publisher.items() if name != missing}
        assert error_of(dv.post("publishers", {**body, "customizationoptionvalueprefix": 44444}))[0] == 400
    path = f"accounts({dv.create('accounts', {'name': 'A'})})"
    assert error_of(dv.patch(path, {"ownerid@odata.bind": None}, If_Match="*"))[:2] == (400, "0x80040200")


def test_an_application_required_column_may_be_left_out(dv: Dataverse) -> None:
    """data-plane.md §5 and design: ApplicationRequired is a matter of forms; the service takes rows without."""
    assert dv.create("accounts", {})
    assert dv.create("opportunities", {})


def test_a_status_of_another_state_is_refused_on_create(dv: Dataverse) -> None:
    """Error code table InvalidStateCodeStatusCode 0x80048408; field reports: CreateRecord only in the default state."""
    status, code, message = refused(dv, "opportunities", statuscode=3)
    assert (status, code) == (400, "0x80048408")
    assert "3 is not a valid status code for state code OpportunityState.Open" in message
    assert refused(dv, "opportunities", statuscode=99)[:2] == (400, "0x8004431A")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '"x"',
        "{]",
        '{"name":}',
        "{'name':'A'}",
        '{"name":"\\ud800"}',
        '{"name":"\\ud800","revenue":1234567890123456.5}',
        '{"revenue":1234567890123456.5,"name":NaN}',
        '{"name":NaN}',
        "\x00",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(dv: Dataverse, body: str) -> None:
    """compose-http-requests…: 400 for a bad request; only an empty body is an empty row."""
    response = dv.send("POST", "accounts", body=body, headers={"Content-Type": "application/json"})
    if body == "":
        assert response.status_code == 204
    else:
        assert error_of(response)[0] == 400


def test_a_body_that_is_nested_too_deep_is_refused(dv: Dataverse) -> None:
    """Robustness: neither the parser nor deep insert may run out of stack."""
    deep = '{"name":' + "[" * 5000 + "]" * 5000 + "}"
    assert error_of(dv.send("POST", "accounts", body=deep, headers={"Content-Type": "application/json"}))[0] == 400
    row: dict[str, Any] = {"name": "A"}
    for _ in range(100):
        row = {"name": "A", "parentaccountid": row}
    assert error_of(dv.post("accounts", row))[0] == 400
    assert dv.rows("accounts?$select=name") == []


def test_a_body_of_another_type_is_415(dv: Dataverse) -> None:
    """compose-http-requests…: "Content-Type: application/json" with every body."""
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        response = dv.send("POST", "accounts", body='{"name":"A"}', headers={"Content-Type": kind})
        assert error_of(response)[0] == 415
    typed = {"Content-Type": "application/json; charset=utf-8"}
    assert dv.send("POST", "accounts", body='{"name":"A"}', headers=typed).status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "accounts({id})"),
        ("PUT", "accounts({id})"),
        ("PATCH", "accounts"),
        ("DELETE", "accounts"),
        ("PUT", "accounts"),
        ("POST", "accounts/$count"),
        ("PATCH", "accounts({id})/name"),
        ("POST", "accounts({id})/name"),
        ("POST", ""),
        ("PATCH", "accounts({id})/primarycontactid/$ref"),
        ("PUT", "accounts({id})/contact_customer_accounts/$ref"),
    ],
)
def test_a_method_that_does_not_fit_is_405(dv: Dataverse, method: str, path: str) -> None:
    """compose-http-requests…: 405 Method Not Allowed "for requests to a resource that does not support the method"."""
    row_id = dv.create("accounts", {"name": "A"})
    contact = dv.create("contacts", {"lastname": "B"})
    body = {"@odata.id": f"contacts({contact})"} if path.endswith("$ref") else {"name": "B"}
    assert error_of(dv.send(method, path.format(id=row_id), json=body))[0] == 405


@pytest.mark.parametrize(
    "key",
    [
        "()", "(1)", "('x')", "(name='x')", "(nosuch='x')", "(accountid=1)", "(accountid='x')", "(accountnumber=)",
        "(00000000-0000-0000-0000-00000000000)", "(@p1)", "(accountid=@p1)", "(", ")", "(name='x'", "(name='x)",
        "(accountid=null)", "(null)", "(00000000-0000-0000-0000-000000000000,name='x')",
    ],
)  # fmt: skip
def test_a_key_that_is_no_key_is_refused(dv: Dataverse, key: str) -> None:
    """use-alternate-key-reference-record: "The key in the request URI is not valid for resource …", 400."""
    for response in (dv.get(f"accounts{key}"), dv.patch(f"accounts{key}", {"name": "A"}), dv.delete(f"accounts{key}")):
        status, code, _ = error_of(response)
        assert status in (400, 404)
        assert code != "0x80040216"


def test_a_user_is_not_named_by_systemuserid(dv: Dataverse) -> None:
    """use-alternate-key-reference-record: named-key addressing by systemuserid is not allowed; by position it is."""
    me = dv.get("WhoAmI").json()["UserId"]
    assert dv.get(f"systemusers({me})?$select=fullname").status_code == 200
    assert error_of(dv.get(f"systemusers(systemuserid={me})"))[0] == 400


def test_a_path_outside_the_api_or_of_another_version_is_404(dv: Dataverse) -> None:
    """compose-http-requests…: the versions are v9.0 to v9.2 (v8.x is not played)."""
    for path in ("/", "/api", "/api/data/v1.0/accounts", "/api/data/accounts", "/nothing"):
        assert error_of(dv.get(path))[0] == 404
    for version in ("v9.0", "v9.1", "v9.2"):
        assert dv.get(f"/api/data/{version}/accounts?$select=name").status_code == 200


def test_a_segment_longer_than_260_characters_is_an_invalid_url(dv: Dataverse) -> None:
    """use-web-api-functions: "400 Bad Request - Invalid URL" for a path segment of more than 260 characters."""
    assert error_of(dv.get(f"accounts(accountnumber='{'x' * 260}')")) == (400, "", "Bad Request - Invalid URL")


def test_a_query_option_may_be_given_once_and_must_be_known(dv: Dataverse) -> None:
    """OData 4.0 part 1 §11.2; query/overview: unsupported options are refused, never ignored."""
    assert error_of(dv.get("accounts?$select=name&$select=name"))[0] == 400
    for unknown in ("$skip=1", "$search=x", "$format=json", "$nosuch=1"):
        assert error_of(dv.get(f"accounts?{unknown}"))[0] in (400, 501)


def test_rows_of_system_tables_are_not_made_by_hand(dv: Dataverse) -> None:
    """Table reference "Messages": organization and owner have no Create; field reports for 0x80040800."""
    assert error_of(dv.post("organizations", {"name": "A"}))[:2] == (400, "0x80040800")
    assert error_of(dv.post("owners", {}))[0] == 400


def test_a_plus_is_a_space_in_a_query_but_not_in_a_path(dv: Dataverse) -> None:
    """conformance.md §2: the official SDK writes spaces in queries as `+`; paths keep theirs (RFC 3986)."""
    dv.create("accounts", {"name": "A B"})
    dv.create("accounts", {"name": "A+B"})
    assert [row["name"] for row in dv.rows("accounts?$select=name&$filter=name+eq+'A+B'")] == ["A B"]
    assert [row["name"] for row in dv.rows("accounts?$select=name&$filter=name+eq+'A%2BB'")] == ["A+B"]


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"error_codes": "empty"}])
def test_failed_conditions_may_have_an_empty_code(dv: Dataverse) -> None:
    """perform-conditional-operations prints `"code":""` for them; clients must not rely on the code."""
    path = f"accounts({dv.create('accounts', {'name': 'A'})})"
    assert error_of(dv.patch(path, {"name": "B"}, If_Match='W/"1"'))[:2] == (412, "")
    assert error_of(dv.patch(path, {"name": "B"}, If_None_Match="*"))[:2] == (412, "")
    assert error_of(dv.patch(f"accounts({uuid4()})", {"name": "B"}, If_Match="*"))[:2] == (404, "")


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"read_only_columns": "refuse"}])
def test_the_other_reading_refuses_read_only_columns(dv: Dataverse) -> None:
    """The documentation says only that the column is not valid for create; the setting plays the strict reading."""
    assert refused(dv, "opportunities", statecode=1)[0] == 400
    path = f"accounts({dv.create('accounts', {'name': 'A'})})"
    assert error_of(dv.patch(path, {"createdon": "2001-01-01T00:00:00Z"}, If_Match="*"))[0] == 400


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"require_token": True}])
def test_a_request_without_a_token_is_401(dv: Dataverse) -> None:
    """compose-http-requests…: 401 for RequestIsNotAuthenticated and its like."""
    assert error_of(dv.get("WhoAmI"))[0] == 401
    assert dv.get("WhoAmI", Authorization="Bearer any").status_code == 200


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"body_bytes_max": 1000}])
def test_a_body_that_is_too_large_is_413(dv: Dataverse) -> None:
    """compose-http-requests…: 413 "when the request length is too large"; error code table 0x8004418a."""
    assert dv.post("accounts", {"description": "x" * 2000}).status_code == 413
    assert dv.post("accounts", {"name": "A"}).status_code == 204


def test_an_impersonated_user_is_the_creator_and_the_caller_is_noted(dv: Dataverse) -> None:
    """impersonate-another-user-web-api: MSCRMCallerID; createdby is that user, createdonbehalfby the real one."""
    me = dv.get("WhoAmI").json()["UserId"]
    other = dv.rows(
        f"systemusers?$select=fullname&$filter=systemuserid ne {me} and fullname eq '%23 Local Application'"
    )
    if not other:
        pytest.skip("the environment has no such user")
    user = other[0]["systemuserid"]
    made = dv.post("accounts", {"name": "A"}, MSCRMCallerID=user)
    assert made.status_code == 204, made.text
    row = dv.get(made.headers["OData-EntityId"]).json()
    assert (row["_createdby_value"], row["_createdonbehalfby_value"]) == (user, me)
    assert error_of(dv.get("WhoAmI", MSCRMCallerID=str(uuid4())))[0] == 403
