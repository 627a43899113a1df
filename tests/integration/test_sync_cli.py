"""`d365ext sync …` as people and programs use it: options, JSON, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from d365ext.emulator import Emulator, running
from d365ext.shipped import shipped
from support.cli import Ran, environment, in_process
from support.pipeline_world import PipelineWorld, a_busy_emulator, a_client

AS_OF = "2026-06-30"

pytestmark = pytest.mark.xdist_group("sync_cli")


@dataclass
class Stage:
    emulator: Emulator
    url: str
    ids: dict[str, str]

    def sync(self, *arguments: str) -> Ran:
        return in_process("--url", self.url, "sync", *arguments)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with a_busy_emulator(tmp_path_factory.mktemp("cli")) as (emulator, ids), running(emulator) as server:
        yield Stage(emulator, server.url, ids)


@pytest.fixture
def stage(served: Stage) -> Stage:
    served.emulator.organization.restore("busy")
    return served


def test_a_run_is_summed_up_as_the_contract_says(stage: Stage) -> None:
    found = stage.sync("run", "--as-of", AS_OF, "--json").json
    assert list(found) == ["as_of", "tables", "pipeline", "requests", "throttled_s", "duration_s"]
    assert found["as_of"] == AS_OF
    assert set(found["tables"]) == {"account", "contact", "opportunity", "quote", "salesorder", "pch_pipeline"}
    assert found["tables"]["opportunity"] == {"read": 4, "deleted": 0, "pages": 1}
    assert list(found["pipeline"]) == ["rows", "created", "updated", "deleted", "failed"]
    assert found["pipeline"]["created"] == found["pipeline"]["rows"] > 0
    again = stage.sync("run", "--as-of", AS_OF, "--json").json
    assert [again["pipeline"][each] for each in ("created", "updated", "deleted", "failed")] == [0, 0, 0, 0]
    assert again["pipeline"]["rows"] == found["pipeline"]["rows"]


def test_a_run_tells_people_what_it_did_and_shows_no_bars_where_no_terminal_is(stage: Stage) -> None:
    ran = stage.sync("run", "--as-of", AS_OF)
    assert ran.code == 0
    assert "created" in ran.out
    assert ran.err == ""


def test_full_reads_every_row_anew(stage: Stage) -> None:
    stage.sync("run", "--as-of", AS_OF)
    found = stage.sync("run", "--as-of", AS_OF, "--full", "--json").json
    assert found["tables"]["opportunity"]["read"] == 4


def test_verify_agrees_after_a_run_and_names_the_cell_that_somebody_changed(stage: Stage) -> None:
    stage.sync("run", "--as-of", AS_OF)
    agreed = stage.sync("verify", "--as-of", AS_OF, "--json").json
    assert (agreed["differing"], agreed["differences"]) == (0, [])
    with a_client(stage.emulator) as client:
        world = PipelineWorld(stage.emulator, client, Path())
        row = world.stored()[737860000, 737860000, stage.ids["p1"]]["pch_pipelineid"]
        world.change("pch_pipelines", row, pch_openvalue=Decimal("1.00"))
    ran = stage.sync("verify", "--as-of", AS_OF, "--json")
    assert ran.code == 3
    (difference,) = json.loads(ran.out)["differences"]
    assert (difference["row"], difference["column"], difference["wanted"], difference["found"]) == (
        row,
        "pch_openvalue",
        100.1,
        1,
    )
    assert ran.error["exit_code"] == 3
    shown = stage.sync("verify", "--as-of", AS_OF)
    assert "pch_openvalue" in shown.out
    assert "1 differ" in shown.out


def test_verify_needs_no_mirror_and_makes_none(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D365EXT_STATE_DIR", str(tmp_path / "nothing"))
    ran = stage.sync("verify", "--as-of", AS_OF, "--json")
    assert ran.code == 3
    assert {each["what"] for each in json.loads(ran.out)["differences"]} == {"missing"}
    assert not (tmp_path / "nothing").exists()


def test_status_shows_the_runs_newest_first(stage: Stage) -> None:
    assert stage.sync("status", "--json").json == {"running": None, "lease_until": None, "runs": []}
    stage.sync("run", "--as-of", AS_OF)
    stage.sync("run", "--as-of", AS_OF)
    found = stage.sync("status", "--json").json
    assert [run["run"] for run in found["runs"]] == [2, 1]
    assert found["runs"][0]["outcome"] == "done"
    assert found["runs"][0]["as_of"] == AS_OF
    assert "Nobody runs now" in stage.sync("status").err


@pytest.mark.parametrize(
    ("arguments", "number", "deals"),
    [
        (["Mäkelä"], 100.1, 1),
        (["Mäkelä", "--column", "pch_winrate"], 50, 2),
        (["mäkelä sales oy", "--column", "cycledays"], 0, 1),
        (["Customer One", "--level", "customer"], 1100.09, 2),
        (["Anna", "--level", "contact", "--column", "wonvalue"], 210.55, 1),
        (["Verkstad", "--role", "production", "--column", "opencount"], 1, 1),
        (["Mäkelä", "--column", "orderedvalue"], 12.34, 1),
        (["Mäkelä", "--column", "quotedcount"], 1, 1),
        (["Mäkelä", "--column", "customercount"], 2, 3),
    ],
)
def test_explain_lists_the_deals_behind_a_number(stage: Stage, arguments: list[str], number: float, deals: int) -> None:
    stage.sync("run", "--as-of", AS_OF)
    found = stage.sync("explain", *arguments, "--json").json
    assert (found["number"], len(found["deals"])) == (number, deals)
    if number and "winrate" not in str(arguments) and "customercount" not in str(arguments):
        assert round(sum(deal["adds"] for deal in found["deals"]), 2) == number


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Nobody"], "There is no pipeline row"),
        (["Mäkelä", "--column", "opnvalue"], "There is no column"),
        (["Customer", "--level", "customer"], "fits several rows"),
        (["Mäkelä", "--column", "directopenvalue"], "has no meaning"),
    ],
)
def test_explain_says_what_it_cannot_explain(stage: Stage, arguments: list[str], said: str) -> None:
    stage.sync("run", "--as-of", AS_OF)
    ran = stage.sync("explain", *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_explain_before_the_first_run_says_what_to_do(stage: Stage) -> None:
    ran = stage.sync("explain", "Mäkelä")
    assert ran.code == 2
    assert "d365ext sync run" in ran.err


@pytest.mark.parametrize("day", ["2020-01-31", "2999-01-31"])
def test_another_day_than_today_is_for_the_local_dataverse(
    day: str, monkeypatch: pytest.MonkeyPatch, nowhere: None
) -> None:
    for key, value in {"TENANT_ID": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "secret", "AUTH": "client-secret"}.items():
        monkeypatch.setenv(f"D365EXT_{key}", value)
    ran = in_process("--url", "https://contoso.crm4.dynamics.com", "sync", "run", "--as-of", day)
    assert ran.code == 2
    assert "--allow-backdated" in ran.err


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends anything is wrong."""

    def sends(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be sent")

    monkeypatch.setattr("d365ext.webapi.client.connect", sends)


@pytest.mark.parametrize("command", ["run", "verify", "watch"])
def test_a_bad_expression_is_told_with_its_line_and_nothing_is_sent(stage: Stage, tmp_path: Path, command: str) -> None:
    text = (shipped("solution") / "rollups.toml").read_text(encoding="utf-8")
    (tmp_path / "rollups.toml").write_text(
        text.replace("sum(estimated) filter (where is_open)", "avg(estimated)", 1), encoding="utf-8"
    )
    ran = stage.sync(command, "--solution", str(tmp_path))
    assert ran.code == 2
    assert f"{tmp_path / 'rollups.toml'}:" in ran.err
    assert "rollup.openvalue.value" in ran.err


@pytest.mark.parametrize("every", ["5", "0m", "-1m", "soon", "1d"])
def test_a_bad_interval_is_refused(stage: Stage, every: str) -> None:
    assert stage.sync("watch", f"--every={every}").code == 2


def test_failed_rows_end_with_exit_code_6_and_a_summary(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.sync("run", "--as-of", AS_OF)
    with a_client(stage.emulator) as client:
        world = PipelineWorld(stage.emulator, client, Path())
        row = world.stored()[737860000, 737860000, stage.ids["p1"]]["pch_pipelineid"]
        stage.sync("run", "--as-of", AS_OF)
        for _ in range(4):
            world.change("pch_pipelines", row, pch_wonvalue=Decimal("1.00"))
            ran = stage.sync("run", "--as-of", AS_OF, "--json")
    assert ran.code == 6
    assert json.loads(ran.out)["pipeline"]["failed"] == 1
    assert "Mäkelä Sales Oy" in ran.error["rows"][0]
    assert "pch_wonvalue" in ran.error["rows"][0]


def test_watch_runs_until_it_is_stopped_and_says_how_it_is(stage: Stage, tmp_path: Path) -> None:
    health = tmp_path / "health.json"
    arguments = ["sync", "watch", "--every", "1s", "--health-file", str(health), "--healthz", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "d365ext", *arguments],
        env=environment(stage.url, D365EXT_AUTH="none", PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stderr is not None
    port = int(process.stderr.readline().rstrip(".\n").rsplit(" ", 1)[1])
    first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert first["pipeline"]["created"] > 0
    assert second["pipeline"]["created"] == 0
    _until(health.exists)
    assert json.loads(health.read_text(encoding="utf-8"))["status"] == "ok"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert json.loads(answer.read())["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert stage.sync("status", "--json").json["running"] is None


def _until(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.05)
