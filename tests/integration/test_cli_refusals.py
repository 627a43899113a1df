"""Bad input, a wrong address, nobody to sign in as, missing rights: one clear message, the right exit code."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from d365ext.shipped import shipped
from support.cli import Ran, as_subprocess, environment, in_process
from support.identity import identity_endpoint

COMMANDS: list[list[str]] = [
    ["deploy", "plan"],
    ["deploy", "apply", "--yes"],
    ["deploy", "drift"],
    ["data", "load", "--sample"],
    ["sync", "run"],
    ["sync", "verify"],
    ["show", "partners"],
]


def one_message(ran: Ran, code: int) -> str:
    """See that a command failed as it should: code, nothing on standard output, one error, no traceback."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert "Traceback" not in ran.err
    assert len(re.findall("^error: ", ran.err, re.MULTILINE)) == 1, ran.err
    return ran.err


@pytest.fixture
def nobody_there() -> str:
    """An address on this machine where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_address_is_told(command: list[str], nobody_there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D365EXT_RETRY_TOTAL_S", "0")
    message = one_message(in_process("--url", nobody_there, *command), 5)
    assert nobody_there in message
    assert "D365EXT_URL" in message


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://crm.example", "https"),
        ("https://crm.example", "D365EXT_AUTH"),
        ("crm.example", "url"),
    ],
)
def test_an_address_that_cannot_be_meant_is_wrong_input(url: str, said: str) -> None:
    assert said in one_message(in_process("--url", url, "deploy", "plan"), 2)


def test_a_profile_that_is_not_there_is_told() -> None:
    ran = in_process("--profile", "nowhere", "deploy", "plan")
    assert "nowhere" in one_message(ran, 2)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_token_where_one_is_needed_nothing_is_done(command: list[str], server: Any) -> None:
    requests.patch(f"{server.url}/_emulator/settings", json={"require_token": True}, timeout=10)
    message = one_message(in_process("--url", server.url, *command), 5)
    assert "401" in message


def test_a_sign_in_that_fails_is_told_without_a_secret(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with identity_endpoint(None) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        message = one_message(in_process("--url", server.url, "deploy", "plan"), 5)
    assert "sign-in was refused" in message


@pytest.mark.parametrize("command", [["data", "load", "--sample"], ["sync", "run"], ["deploy", "apply", "--yes"]])
def test_a_missing_privilege_is_named(command: list[str], deployed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seller = a_user_without_roles(deployed.url)
    requests.post(f"{deployed.url}/_emulator/tokens", json={"token": "a.seller.token", "user": seller}, timeout=10)
    with identity_endpoint("a.seller.token") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        message = one_message(in_process("--url", deployed.url, *command), 5)
    assert re.search(r"prv[A-Z]\w+", message), message
    assert "a.seller.token" not in message


def a_user_without_roles(url: str) -> str:
    """Make a user whom no role gives anything."""
    unit = requests.get(f"{url}/api/data/v9.2/businessunits", timeout=10).json()["value"][0]["businessunitid"]
    user = {
        "domainname": "seller@crm.example",
        "internalemailaddress": "seller@crm.example",
        "businessunitid@odata.bind": f"/businessunits({unit})",
    }
    made = requests.post(f"{url}/api/data/v9.2/systemusers", json=user, timeout=10)
    assert made.status_code == 204, made.text
    return made.headers["OData-EntityId"][-37:-1]


@pytest.fixture
def solution(tmp_path: Path) -> Path:
    """A solution of one's own to spoil."""
    return Path(shutil.copytree(shipped("solution"), tmp_path / "solution"))


def spoil(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.parametrize("command", [["deploy", "plan"], ["deploy", "apply", "--yes"], ["sync", "run"]], ids=" ".join)
def test_a_bad_sql_expression_is_named_with_file_and_line(command: list[str], solution: Path, server: Any) -> None:
    spoil(solution / "rollups.toml", "sum(estimated)", "sum(estimated) / 2")
    ran = in_process("--url", server.url, *command, "--solution", str(solution))
    assert re.search(r"rollups\.toml:\d+", one_message(ran, 2))


def test_an_unknown_column_in_a_file_of_the_solution_is_named_with_file_and_line(solution: Path, server: Any) -> None:
    spoil(solution / "views" / "partners.toml", 'name = "pch_openvalue"', 'name = "pch_opnvalue"')
    ran = in_process("--url", server.url, "deploy", "apply", "--yes", "--solution", str(solution))
    message = one_message(ran, 2)
    assert re.search(r"partners\.toml:\d+.*pch_opnvalue", message)
    address = f"{server.url}/api/data/v9.2/solutions?$filter=uniquename eq 'PartnerChannel'"
    assert requests.get(address, timeout=10).json()["value"] == []


def test_an_apply_that_nobody_confirms_writes_nothing(server: Any) -> None:
    ran = as_subprocess("deploy", "apply", env=environment(server.url))
    assert ran.code == 3
    assert "there is nobody to ask" in ran.err
    assert "+ table pch_pipeline" in ran.out, "the plan is shown before anything"
    assert as_subprocess("deploy", "drift", env=environment(server.url)).code == 3


def test_a_view_before_the_solution_says_what_to_do(server: Any) -> None:
    assert "deploy apply" in one_message(in_process("--url", server.url, "show", "partners"), 5)


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy", "pln"],
        ["data", "load", "--today", "yesterday"],
        ["show", "partners", "--top", "none"],
        ["emulator", "serve", "--port", "99999"],
        ["emulator", "serve", "--reset"],
        ["emulator", "serve", "--host", "192.0.2.1"],
        ["sync", "run", "--as-of", "31.12.2026"],
        ["--log-format", "xml", "doctor"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_cannot_be_meant_is_wrong_input(arguments: list[str]) -> None:
    one_message(in_process(*arguments), 2)
