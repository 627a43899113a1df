"""What happens to a deployment: somebody kills it, renames things, builds beside it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from d365ext import deploy
from d365ext.definitions.load import load_solution
from d365ext.deploy import Progress
from d365ext.emulator import Emulator
from d365ext.shipped import shipped
from d365ext.webapi.client import Client
from d365ext.webapi.components import find_by_name, put_texts, texts_path
from d365ext.webapi.query import bind, row_address
from support.clients import client_over
from support.wsgi_adapter import WsgiAdapter

_TYPE = "Microsoft.Dynamics.CRM."
_OPTION = 100_000_042


class Killed(BaseException):
    """As Ctrl-C or kill: nobody catches it."""


def kill_before(step: int) -> Callable[[Progress], None]:
    """Make a progress callback that kills the apply before it carries out `step`."""

    def on_progress(progress: Progress) -> None:
        if progress.number == step:
            raise Killed

    return on_progress


def rename_view(client: Client, view_id: UUID, name: str) -> None:
    """Rename a view in English, as a person does in the maker portal, and publish it."""
    label = [{"@odata.type": f"{_TYPE}LocalizedLabel", "Label": name, "LanguageCode": 1033}]
    put_texts(client, "savedquery", "savedqueryid", view_id, "name", label)
    client.invoke("PublishAllXml")


def label(**texts: str) -> dict[str, Any]:
    """Make a label; a language is written `l1033`."""
    return {
        "@odata.type": f"{_TYPE}Label",
        "LocalizedLabels": [
            {"@odata.type": f"{_TYPE}LocalizedLabel", "Label": text, "LanguageCode": int(code[1:])}
            for code, text in texts.items()
        ],
    }


def the_labels(client: Client, table: str, column: str) -> dict[int, str]:
    """Read the display name of a column in all languages."""
    found = client.get(f"EntityDefinitions(LogicalName='{table}')/Attributes(LogicalName='{column}')")
    return {each["LanguageCode"]: each["Label"] for each in found["DisplayName"]["LocalizedLabels"]}


def make_managed(emulator: Any, solution: str) -> None:
    """Make a solution look as if it had been installed as managed (no Web API does that)."""
    with emulator.organization.store.write() as connection:
        connection.exec_driver_sql("update solution set ismanaged = 1 where uniquename = ?", (solution,))


@cache
def deployed_store(solution_folder: Path) -> Path:
    """Deploy a solution once in this process; give the store, to be copied (`a_deployed_emulator`)."""
    folder = Path(tempfile.mkdtemp(prefix="d365ext-deployed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    emulator = Emulator()
    with closing(emulator), in_process(emulator) as client:
        apply(client, deploy.plan_for(client, load_solution(solution_folder)))
        emulator.organization.store.copy_to(folder / "deployed.db")
    return folder / "deployed.db"


def a_deployed_emulator(folder: Path, solution_folder: Path | None = None) -> Emulator:
    """Make a local Dataverse that has a solution (the shipped one), in milliseconds: a copy in `folder`."""
    store = deployed_store(solution_folder or shipped("solution"))
    return Emulator(Path(shutil.copy(store, folder / "dataverse.db")))


def apply(client: Client, plan: deploy.Plan) -> deploy.ApplyReport:
    """Carry out a plan without waiting."""
    return deploy.apply(client, plan, sleep=lambda _: None)


@contextmanager
def in_process(emulator: Emulator) -> Iterator[Client]:
    """Give our client over `emulator`, in this process."""
    with requests.Session() as session:
        session.mount("http://localhost", WsgiAdapter(emulator.wsgi))
        with client_over(session, "http://localhost") as client:
            yield client


@dataclass(slots=True)
class Somebody:
    """Another publisher at work in the same environment, with our components in reach."""

    client: Client
    view_id: UUID = field(default_factory=lambda: UUID("00000000-0000-4000-8000-00000000abcd"))

    def builds(self) -> None:
        """Make a publisher, a column on account and a view of their own."""
        publisher = self.client.create(
            "publishers",
            {
                "uniquename": "somebody",
                "friendlyname": "Somebody",
                "customizationprefix": "smb",
                "customizationoptionvalueprefix": 10042,
            },
        )
        self.client.create(
            "solutions",
            {
                "uniquename": "Somebodys",
                "friendlyname": "Somebody's",
                "version": "1.0.0.0",
                "publisherid@odata.bind": bind("publishers", publisher),
            },
        )
        column = {
            "@odata.type": f"{_TYPE}StringAttributeMetadata",
            "AttributeType": "String",
            "AttributeTypeName": {"Value": "StringType"},
            "SchemaName": "smb_Region",
            "MaxLength": 50,
            "FormatName": {"Value": "Text"},
            "DisplayName": label(l1033="Region", l1035="Alue"),
        }
        headers = {"MSCRM.SolutionUniqueName": "Somebodys"}
        self.client.send("POST", "EntityDefinitions(LogicalName='account')/Attributes", json=column, headers=headers)

    def joins_in(self) -> None:
        """Touch what is ours in ways that are theirs: an option, a view on our table, a filter on nothing of ours."""
        body = {"OptionSetName": "pch_customertype", "Value": _OPTION, "Label": label(l1033="Competitor")}
        self.client.invoke("InsertOptionValue", body)
        self.client.create(
            "savedqueries",
            {
                "savedqueryid": str(self.view_id),
                "name": "Somebody's partners",
                "returnedtypecode": "account",
                "querytype": 0,
                "fetchxml": '<fetch><entity name="account"><attribute name="smb_region"/></entity></fetch>',
                "layoutxml": '<grid name="resultset" select="1"><row name="result" id="accountid">'
                '<cell name="smb_region" width="100"/></row></grid>',
            },
            solution="Somebodys",
        )

    def is_untouched(self) -> None:
        """See that all of it is still there, as it was."""
        choice = self.client.get(f"GlobalOptionSetDefinitions(Name='pch_customertype')/{_TYPE}OptionSetMetadata")
        assert _OPTION in {each["Value"] for each in choice["Options"]}
        self.is_untouched_after_uninstall()

    def is_untouched_after_uninstall(self) -> None:
        """See that what does not hang on us is still there."""
        assert the_labels(self.client, "account", "smb_region") == {1033: "Region", 1035: "Alue"}
        row = self.client.retrieve(row_address("savedqueries", self.view_id), select=["name"])
        assert row["name"] == "Somebody's partners"
        assert find_by_name(self.client, "publishers", "somebody")
        assert find_by_name(self.client, "solutions", "Somebodys")


def texts_of(client: Client, view_id: UUID, attribute: str) -> dict[int, str]:
    """Read the texts of a view."""
    found = client.call(texts_path("savedqueries", view_id, attribute))["Label"]
    return {each["LanguageCode"]: each["Label"] for each in found["LocalizedLabels"]}
