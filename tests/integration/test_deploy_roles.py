"""The roles let their holders do what they are for, and nothing else, by the local Dataverse's privilege checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from d365ext import deploy
from d365ext.emulator import Emulator
from d365ext.errors import Forbidden
from d365ext.settings import load_settings
from d365ext.webapi.auth import AuthorisedTransport
from d365ext.webapi.client import Client
from d365ext.webapi.components import find_by_name
from d365ext.webapi.query import bind, row_address
from d365ext.webapi.transport import RequestsTransport
from support.clients import client_of
from support.deployments import a_deployed_emulator, apply, in_process
from support.solutions import the_solution
from support.wsgi_adapter import WsgiAdapter
from sync.worker import RunOptions, run_once

THE = the_solution()
URL = "http://localhost"


@dataclass(frozen=True)
class Token:
    """A token that is always the same."""

    name: str

    def token(self) -> str:
        """Give it."""
        return self.name

    def refresh(self, stale: str) -> None:
        """There is no other."""


@dataclass(frozen=True)
class Office:
    """An environment with a partner, a customer and a deal, and the administrator's client."""

    emulator: Emulator
    admin: Client
    partner: str
    customer: str

    def user(self, name: str, *roles: str) -> str:
        """Make a user with roles of ours, and a token of the same name."""
        (unit,) = self.admin.rows("businessunits?$filter=_parentbusinessunitid_value%20eq%20null")
        row = {
            "firstname": name,
            "lastname": "Tester",
            "domainname": f"{name}@example.com",
            "internalemailaddress": f"{name}@example.com",
            "businessunitid@odata.bind": bind("businessunits", unit["businessunitid"]),
        }
        user_id = str(self.admin.create("systemusers", row))
        self.admin.send("POST", f"{URL}/_emulator/tokens", json={"token": name, "user": user_id})
        for role in roles:
            self.give(user_id, str(THE.roles[role].id))
        return user_id

    def give(self, user_id: str, role_id: str) -> None:
        """Give a role to a user."""
        role = {"@odata.id": f"{URL}/api/data/v9.2/{row_address('roles', role_id)}"}
        self.admin.send("POST", f"{row_address('systemusers', user_id)}/systemuserroles_association/$ref", json=role)

    def base_role(self, user_id: str, *privileges: str, depth: str = "Basic") -> None:
        """Give a user a role of the customer's own: what every salesperson has, for their own rows."""
        (unit,) = self.admin.rows("businessunits?$filter=_parentbusinessunitid_value%20eq%20null")
        root = {"businessunitid@odata.bind": bind("businessunits", unit["businessunitid"])}
        role = self.admin.create("roles", {"name": "Salesperson", **root})
        names = " or ".join(f"name eq '{name}'" for name in privileges)
        rows = self.admin.rows(f"privileges?$filter={names.replace(' ', '%20')}&$select=privilegeid")
        given = [{"PrivilegeId": row["privilegeid"], "Depth": depth} for row in rows]
        action = f"{row_address('roles', role)}/Microsoft.Dynamics.CRM.AddPrivilegesRole"
        self.admin.invoke(action, {"Privileges": given})
        self.give(user_id, str(role))

    @contextmanager
    def client_of(self, name: str) -> Iterator[Client]:
        """Give the client of a user."""
        with requests.Session() as session:
            session.mount(URL, WsgiAdapter(self.emulator.wsgi))
            yield client_of(AuthorisedTransport(RequestsTransport(session, URL), Token(name)), URL)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with closing(a_deployed_emulator(tmp_path)) as emulator, in_process(emulator) as admin:
        partner = str(admin.create("accounts", {"name": "Partner", "pch_customertype": 737860001}))
        link = {"pch_salespartner1id@odata.bind": bind("accounts", partner)}
        customer = str(admin.create("accounts", {"name": "Customer", "pch_customertype": 737860000, **link}))
        deal = {
            "name": "Deal",
            "estimatedvalue": 100,
            "customerid_account@odata.bind": bind("accounts", customer),
            "pch_salespartnerid@odata.bind": bind("accounts", partner),
        }
        admin.create("opportunities", deal)
        yield Office(emulator, admin, partner, customer)


def sync(client: Client, state_dir: Path) -> Any:
    settings = load_settings(None, url=URL, state_dir=state_dir)
    return run_once(client, settings, THE.rollups, RunOptions())


def is_refused(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> bool:
    try:
        client.send(method, path, json=body, headers={"If-Match": "*"} if method == "PATCH" else {})
    except Forbidden:
        return True
    return False


def test_the_sync_role_is_all_that_the_worker_needs(office: Office, tmp_path: Path) -> None:
    office.user("worker", "sync")
    with office.client_of("worker") as client:
        summary = sync(client, tmp_path / "state")
        assert summary.written.created == 3
        assert not summary.failed
        assert sync(client, tmp_path / "state").written.created == 0


def test_the_sync_role_changes_nothing_of_anybody(office: Office) -> None:
    office.user("worker", "sync")
    with office.client_of("worker") as client:
        for path in (row_address("accounts", office.customer), "accounts"):
            method = "POST" if path == "accounts" else "PATCH"
            assert is_refused(client, method, path, {"name": "mine now"})
        assert is_refused(client, "DELETE", row_address("accounts", office.customer))
        assert is_refused(client, "POST", "contacts", {"lastname": "x"})
        assert is_refused(client, "POST", "EntityDefinitions", {"SchemaName": "pch_x"})


def test_a_reader_sees_the_pipeline_and_adds_nothing(office: Office, tmp_path: Path) -> None:
    sync(office.admin, tmp_path / "state")
    office.user("reader", "reader")
    with office.client_of("reader") as client:
        rows = list(client.rows("pch_pipelines?$select=pch_openvalue"))
        assert len(rows) == 3
        assert is_refused(client, "PATCH", row_address("pch_pipelines", rows[0]["pch_pipelineid"]), {"pch_name": "x"})
        assert is_refused(client, "GET", "accounts?$select=name"), "the reader role is given beside another one"


def test_a_seller_names_partners_on_deals_of_their_own(office: Office) -> None:
    user = office.user("seller", "seller")
    own = ("prvCreateOpportunity", "prvReadOpportunity", "prvWriteOpportunity")
    office.base_role(user, *own)
    with office.client_of("seller") as client:
        deal = client.create("opportunities", {"name": "Mine"})
        link = {"pch_salespartnerid@odata.bind": bind("accounts", office.partner)}
        client.update(row_address("opportunities", deal), link)
        assert is_refused(client, "PATCH", row_address("accounts", office.customer), {"name": "x"})
        others = {row["opportunityid"] for row in client.rows("opportunities?$select=name")}
        assert others == {str(deal)}, "the seller sees no more deals than before"


def test_without_the_seller_role_a_salesperson_cannot_name_a_partner(office: Office) -> None:
    user = office.user("salesperson")
    office.base_role(user, "prvCreateOpportunity", "prvReadOpportunity", "prvWriteOpportunity")
    with office.client_of("salesperson") as client:
        deal = client.create("opportunities", {"name": "Mine"})
        link = {"pch_salespartnerid@odata.bind": bind("accounts", office.partner)}
        assert is_refused(client, "PATCH", row_address("opportunities", deal), link)


def test_a_manager_sees_every_deal_and_links_partners(office: Office) -> None:
    office.user("manager", "manager")
    with office.client_of("manager") as client:
        assert len(list(client.rows("opportunities?$select=name"))) == 1
        link = {"pch_salespartner2id@odata.bind": bind("accounts", office.partner)}
        client.update(row_address("accounts", office.customer), link)
        assert is_refused(client, "DELETE", row_address("accounts", office.customer))


def test_an_apply_without_the_privileges_writes_nothing(office: Office) -> None:
    """Whoever may make a publisher but no tables is told so before the first request that writes."""
    user = office.user("intern")
    every = [row["name"] for row in office.admin.rows("privileges?$select=name&$filter=startswith(name,'prvRead')")]
    for start in range(0, len(every), 20):
        office.base_role(user, *every[start : start + 20], "prvCreatePublisher", depth="Global")
    apply(office.admin, deploy.plan_uninstall(office.admin, THE, allow_delete=True))
    with office.client_of("intern") as client:
        plan = deploy.plan_for(client, THE)
        with pytest.raises(Forbidden, match=r"lacks .*prvCreateEntity.*nothing was written"):
            deploy.apply(client, plan)
    assert find_by_name(office.admin, "publishers", THE.publisher.name) is None
