"""No body that a client can send to a message brings the local Dataverse down: 4xx or 501, never 500."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365ext.emulator.organization import Organization
from d365ext.emulator.settings import EmulatorSettings
from d365ext.emulator.web.http import Headers, Request, Response

API = "/api/data/v9.2/"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
ROW = "11111111-2222-4333-8444-555555555555"
MESSAGES = {
    "WinOpportunity": ["OpportunityClose", "Status"],
    "LoseOpportunity": ["OpportunityClose", "Status"],
    "WinQuote": ["QuoteClose", "Status"],
    "CloseQuote": ["QuoteClose", "Status"],
    "ReviseQuote": ["QuoteId", "ColumnSet"],
    "ConvertQuoteToSalesOrder": ["QuoteId", "ColumnSet", "QuoteCloseDate", "QuoteCloseStatus", "QuoteCloseSubject"],
    "GenerateQuoteFromOpportunity": ["OpportunityId", "ColumnSet"],
    "GenerateSalesOrderFromOpportunity": ["OpportunityId", "ColumnSet"],
    "FulfillSalesOrder": ["OrderClose", "Status"],
    "CancelSalesOrder": ["OrderClose", "Status"],
    "Merge": ["Target", "Subordinate", "UpdateContent", "PerformParentingChecks"],
    "BulkDelete": ["QuerySet", "JobName", "RecurrencePattern"],
    f"leads({ROW})/Microsoft.Dynamics.CRM.QualifyLead": [
        "CreateAccount", "CreateContact", "CreateOpportunity", "Status", "OpportunityCustomerId",
        "OpportunityCurrencyId",
    ],
    f"roles({ROW})/Microsoft.Dynamics.CRM.AddPrivilegesRole": ["Privileges"],
    f"roles({ROW})/Microsoft.Dynamics.CRM.RemovePrivilegeRole": ["PrivilegeId"],
    "accounts/Microsoft.Dynamics.CRM.CreateMultiple": ["Targets"],
    "accounts/Microsoft.Dynamics.CRM.UpdateMultiple": ["Targets"],
    "accounts/Microsoft.Dynamics.CRM.UpsertMultiple": ["Targets"],
    "accounts/Microsoft.Dynamics.CRM.DeleteMultiple": ["Targets"],
}  # fmt: skip
ADMIN = {
    ("POST", "clock"): ["set", "advance_s"],
    ("POST", "faults"): ["kind", "path", "times", "seconds", "probability", "status"],
    ("PATCH", "settings"): ["limits", "closed_rows", "trace", "tokens"],
    ("POST", "restore"): ["name"],
    ("POST", "tokens"): ["token", "user"],
}
NAMES = [
    "@odata.type", "@odata.id", "name", "accountid", "opportunityid@odata.bind", "quoteid@odata.bind", "actualend",
    "actualrevenue", "subject", "AllColumns", "Columns", "EntityName", "Criteria", "Conditions", "Filters", "Values",
    "AttributeName", "Operator", "FilterOperator", "Value", "Depth", "PrivilegeId", "contact_customer_accounts",
    "primarycontactid@odata.bind", "parentaccountid", "statecode", "revenue",
]  # fmt: skip
TEXTS = [
    "", "x", ROW, f"accounts({ROW})", "accounts(name='x')", "Microsoft.Dynamics.CRM.account", "$1", "account", "In",
    "Equal", "LastXDays", "Global", "2024-01-01T00:00:00Z", "accounts(", "contacts/$ref", "\u0000", "1e400",
]  # fmt: skip

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**63).filter(lambda n: -(2**63) <= n < 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(TEXTS),
)
typed_rows = st.builds(
    lambda table, more: {"@odata.type": f"Microsoft.Dynamics.CRM.{table}", **more},
    st.sampled_from(["account", "contact", "lead"]),
    st.dictionaries(st.sampled_from(NAMES), scalars, max_size=4),
)
closings = st.fixed_dictionaries(
    {},
    optional={
        "opportunityid@odata.bind": st.just(f"opportunities({ROW})"),
        "quoteid@odata.bind": st.just(f"quotes({ROW})"),
        "salesorderid@odata.bind": st.just(f"salesorders({ROW})"),
        "actualend": scalars,
        "actualrevenue": scalars,
        "subject": scalars,
    },
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=12,
)
values = st.one_of(anything, typed_rows, st.lists(typed_rows, max_size=3), closings)


@pytest.fixture(scope="module")
def org() -> Iterator[Organization]:
    with contextlib.closing(Organization(None, EmulatorSettings())) as made:
        ask(made, "POST", f"{API}accounts", orjson.dumps({"accountid": ROW, "name": "x"}))
        for entity_set, row in (
            ("opportunities", {"opportunityid": ROW, "name": "x"}),
            ("quotes", {"quoteid": ROW, "name": "x", "customerid_account@odata.bind": f"accounts({ROW})"}),
            ("leads", {"leadid": ROW, "subject": "x", "lastname": "x"}),
        ):
            assert ask(made, "POST", API + entity_set, orjson.dumps(row)).status == 204
        yield made


def ask(org: Organization, method: str, path: str, body: bytes, kind: str = "application/json") -> Response:
    address, _, query = path.partition("?")
    return org.handle(Request(method, address, query, Headers({"content-type": kind}), body))


@st.composite
def bodies(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    body = {name: draw(values) for name in chosen}
    if draw(st.integers(0, 20)) == 0:
        body["Other"] = draw(values)
    return body


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_action_body_is_an_error_of_ours(org: Organization, data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(sorted(MESSAGES)))
    body = data.draw(bodies(MESSAGES[message]))
    response = ask(org, "POST", API + message, orjson.dumps(body))
    assert response.status != 500, (message, body)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_admin_body_is_an_error_of_ours(org: Organization, data: st.DataObject) -> None:
    method, route = data.draw(st.sampled_from(sorted(ADMIN)))
    body = data.draw(bodies(ADMIN[method, route]))
    try:
        response = ask(org, method, f"/_emulator/{route}", orjson.dumps(body))
        assert response.status != 500, (route, body)
        assert ask(org, "GET", f"{API}WhoAmI", b"").status == 200
    finally:
        org.clock.reset()
        org.faults.clear()
        org.tokens.clear()


QUERIES = [
    "accounts?$deltatoken={}",
    "accounts?$skiptoken={}",
    "accounts/$count?$deltatoken={}",
    "accounts?$select={}&$deltatoken=1%2101%2f01%2f2026%2000%3a00%3a00",
    "RetrieveTotalRecordCount(EntityNames={})",
    "RetrieveTotalRecordCount(EntityNames=@p)?@p={}",
    "InitializeFrom(EntityMoniker=@p,TargetEntityName='account',TargetFieldType={})?@p={}",
    "RetrieveCurrentOrganization(AccessType={})",
]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.sampled_from(QUERIES),
    text=st.one_of(
        st.text(st.characters(codec="ascii", exclude_characters="#?&"), max_size=40), st.sampled_from(TEXTS)
    ),
)
def test_no_query_is_an_error_of_ours(org: Organization, query: str, text: str) -> None:
    response = ask(org, "GET", API + query.replace("{}", text.replace("%", "%25")), b"")
    assert response.status != 500, query


LINES = [
    "--b", "--b--", "--c", "--c--", "", "Content-Type: multipart/mixed; boundary=c", "Content-Type: application/http",
    "Content-Transfer-Encoding: binary", "Content-ID: 1", "Content-Type: application/json",
    "GET accounts?$top=1 HTTP/1.1", "POST accounts HTTP/1.1", "PATCH $1 HTTP/1.1", "DELETE $2/name HTTP/1.1",
    '{"name":"x"}', '{"primarycontactid@odata.bind":"$1"}', "GET http://[::1/x HTTP/1.1", "GET // HTTP/1.1",
]  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from(LINES), max_size=30))
def test_no_batch_is_an_error_of_ours(org: Organization, lines: list[str]) -> None:
    body = "\r\n".join(lines).encode()
    response = ask(org, "POST", f"{API}$batch", body, "multipart/mixed; boundary=b")
    assert response.status != 500, body
    assert b"HTTP/1.1 500" not in response.body, body
