"""The live mode of the conformance cases, proved on a second server: its own process, TLS, sign-in, rows of others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from support.dataverse import Dataverse
from support.live_environment import CLIENT, SECRET

TOP = Path(__file__).parents[2]
CASES = ("rows", "query", "batch", "changes", "bulk", "tabledefs", "choices", "relationships")
NOTED_BY_THE_SERVER = {"asyncoperations", "bulkdeleteoperations"}


@dataclass(frozen=True)
class Environment:
    """What the server told about itself."""

    url: str
    authority: str
    tenant: str
    ca: str


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """A server in a process of its own, whose certificate is trusted."""
    place = tmp_path / "server"
    place.mkdir()
    command = [sys.executable, "-m", "support.live_environment", str(place)]
    with subprocess.Popen(
        command, cwd=TOP / "tests", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        told = Environment(**json.loads(server.stdout.readline()))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", told.ca)
        yield told
        server.stdin.close()


@pytest.fixture
def dv(environment: Environment) -> Iterator[Dataverse]:
    """A look at that server from outside the cases."""
    with requests.Session() as session:
        yield Dataverse(environment.url, session, lambda: "an onlooker")


def everything(dv: Dataverse) -> dict[str, set[str]]:
    """The ids of all rows by table, the names of all columns, relationships and global choices."""
    tables = dv.rows(
        "EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute&$expand=Attributes($select=LogicalName)"
    )
    found = {
        "choices": {each["Name"] for each in dv.rows("GlobalOptionSetDefinitions")},
        "relationships": {each["SchemaName"] for each in dv.rows("RelationshipDefinitions?$select=SchemaName")},
    }
    for table in tables:
        found[table["LogicalName"] + " columns"] = {each["LogicalName"] for each in table["Attributes"]}
        entity_set, key = table["EntitySetName"], table["PrimaryIdAttribute"]
        if entity_set and key and entity_set not in NOTED_BY_THE_SERVER:
            response = dv.get(f"{entity_set}?$select={key}")
            if response.status_code == 200:
                found[entity_set] = {str(row[key]) for row in response.json()["value"]}
    return found


def difference(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, Any]:
    """What there is more, or less, by kind."""
    kinds = before.keys() | after.keys()
    return {kind: left for kind in sorted(kinds) if (left := before.get(kind, set()) ^ after.get(kind, set()))}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_live_run_signs_in_once_passes_and_leaves_nothing_behind(
    environment: Environment, dv: Dataverse, tmp_path: Path
) -> None:
    assert requests.get(f"{dv.api}/WhoAmI", timeout=30).status_code == 401
    account = dv.create("accounts", {"name": "Somebody else's"})
    dv.create("contacts", {"lastname": "Other", "parentcustomerid_account@odata.bind": f"/accounts({account})"})
    before = everything(dv)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--target", "live", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *(f"tests/conformance/cases_{name}.py" for name in CASES),
        ],
        cwd=TOP,
        env=os.environ
        | {
            "D365EXT_URL": environment.url,
            "D365EXT_AUTH": "client-secret",
            "D365EXT_AUTHORITY": environment.authority,
            "D365EXT_TENANT_ID": environment.tenant,
            "D365EXT_CLIENT_ID": CLIENT,
            "D365EXT_CLIENT_SECRET": SECRET,
            "D365EXT_PROFILE": "production",
            "D365EXT_STATE_DIR": str(tmp_path / "state"),
        },
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    scopes = requests.get(f"{environment.authority}/count", timeout=30).json()
    assert len(scopes) == 1
    assert difference(before, everything(dv)) == {}
