"""A customer's forms, customized by many hands, live through deploy, drift, mend and uninstall."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest

from d365ext import deploy
from d365ext.emulator import Emulator
from d365ext.webapi.client import Client
from d365ext.webapi.query import row_address
from support.deployments import Killed, Somebody, apply, in_process, kill_before
from support.forms import customized, plain
from support.solutions import the_solution

THE = the_solution()
MADE = (
    ("Sales", plain(), 2, 1),
    ("Key accounts", customized("<events/>\n<formLibraries />"), 2, 1),
    ("Old", plain(), 2, 0),
    ("Quick", plain(), 7, 1),
)


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an environment where somebody has made account forms of their own."""
    with closing(Emulator()) as emulator, in_process(emulator) as made:
        Somebody(made).builds()
        for name, xml, kind, is_active in MADE:
            row = {"name": name, "objecttypecode": "account", "type": kind, "formxml": xml}
            form = made.create("systemforms", {**row, "formactivationstate": is_active})
            assert form
        made.invoke("PublishAllXml")
        yield made


def forms(client: Client, table: str = "account") -> dict[str, tuple[UUID, str]]:
    """Read the published forms of a table: name → id and XML."""
    rows = client.rows(f"systemforms?$filter=objecttypecode%20eq%20'{table}'&$select=name,formxml,formid,type")
    return {f"{row['name']} {row['type']}": (UUID(row["formid"]), row["formxml"]) for row in rows}


def edit(client: Client, form_id: UUID, old: str, new: str) -> None:
    """Change a form by hand, and publish it."""
    address = row_address("systemforms", form_id)
    xml = client.retrieve(address, select=["formxml"])["formxml"]
    assert old in xml
    client.update(address, {"formxml": xml.replace(old, new, 1)})
    client.invoke("PublishAllXml")


def test_forms_go_back_byte_for_byte(client: Client) -> None:
    tables = ("account", "contact", "lead", "opportunity", "quote", "salesorder")
    before = {table: forms(client, table) for table in tables}
    apply(client, deploy.plan_for(client, THE))
    assert {table: forms(client, table) for table in tables} != before
    apply(client, deploy.plan_uninstall(client, THE, allow_delete=True))
    assert {table: forms(client, table) for table in tables} == before


def test_forms_out_of_use_are_left_alone(client: Client) -> None:
    before = forms(client)["Old 2"]
    apply(client, deploy.plan_for(client, THE))
    assert forms(client)["Old 2"] == before
    assert "pch_partnerchannel" in forms(client)["Sales 2"][1]
    assert "pch_customertype" in forms(client)["Quick 7"][1]


def test_what_others_change_stays_and_what_is_ours_is_mended(client: Client) -> None:
    apply(client, deploy.plan_for(client, THE))
    form_id, _ = forms(client)["Key accounts 2"]
    edit(client, form_id, 'description="Öljy &amp; vesi"', 'description="Vesi"')
    deploy.drift(client, THE)
    edit(client, form_id, "Kumppanikanava", "Kanava")
    plan = deploy.plan_for(client, THE)
    assert [str(change) for change in plan.changes] == ["~ form account Key accounts"]
    assert [line.partition(" - ")[0].partition(" + ")[0] for line in plan.changes[0].details] == [
        "~ tab pch_partnerchannel",
        "~ tab pch_partnerchannel",
    ]
    apply(client, plan)
    deploy.drift(client, THE)
    apply(client, deploy.plan_uninstall(client, THE, allow_delete=True))
    wanted = MADE[1][1].replace('description="Öljy &amp; vesi"', 'description="Vesi"')
    assert forms(client)["Key accounts 2"][1] == wanted


def test_an_unpublished_edit_of_somebody_is_not_undone(client: Client) -> None:
    form_id, _ = forms(client)["Sales 2"]
    client.update(row_address("systemforms", form_id), {"formxml": plain().replace("Summary", "Overview")})
    apply(client, deploy.plan_for(client, THE))
    assert "Overview" in forms(client)["Sales 2"][1]


def test_an_uninstall_killed_before_publishing_is_finished_by_the_next(client: Client) -> None:
    before = forms(client)
    apply(client, deploy.plan_for(client, THE))
    plan = deploy.plan_uninstall(client, THE, allow_delete=True)
    first_removal = next(n for n, change in enumerate(plan.changes) if str(change).startswith("- chart"))
    with pytest.raises(Killed):
        deploy.apply(client, plan, sleep=lambda _: None, on_progress=kill_before(first_removal))
    apply(client, deploy.plan_uninstall(client, THE, allow_delete=True))
    assert forms(client) == before
    assert deploy.plan_uninstall(client, THE).is_empty
