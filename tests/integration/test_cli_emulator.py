"""`d365ext emulator serve`: one line when it is ready, a store that lasts, a clean stop."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from d365ext.emulator import Emulator, running
from support.cli import as_subprocess, environment, in_process


@contextmanager
def serving(*options: str, stop: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """Serve, give the address that the one line names, and see that it stops cleanly."""
    server = subprocess.Popen(
        [sys.executable, "-m", "d365ext", "emulator", "serve", "--port", "0", *options],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, line
        yield address[0]
        server.send_signal(stop)
        rest, said = server.communicate(timeout=30)
        assert (server.returncode, rest, said) == (0, "", "")
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_when_it_says_so_and_stops_cleanly(number: signal.Signals) -> None:
    with serving(stop=number) as url:
        assert requests.get(f"{url}/api/data/v9.2/WhoAmI()", timeout=10).status_code == 200


def test_a_store_keeps_rows_until_it_is_reset(tmp_path: Path) -> None:
    store = str(tmp_path / "crm.db")
    with closing(Emulator(Path(store))) as emulator, running(emulator) as server:
        requests.post(f"{server.url}/api/data/v9.2/accounts", json={"name": "Säilyvä"}, timeout=10)
    with serving("--store", store) as url:
        assert [row["name"] for row in accounts(url)] == ["Säilyvä"]
    with serving("--store", store, "--reset") as url:
        assert accounts(url) == []


def accounts(url: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = requests.get(f"{url}/api/data/v9.2/accounts?$select=name", timeout=10).json()["value"]
    return found


def test_reset_removes_nothing_that_is_no_store(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear all")
    ran = in_process("emulator", "serve", "--store", str(letter), "--reset")
    assert ran.code == 2
    assert "no store of the local Dataverse" in ran.err
    assert letter.read_text() == "dear all"


def test_a_file_that_is_no_store_is_told_and_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear all")
    ran = in_process("emulator", "serve", "--store", str(letter))
    assert ran.code == 2
    assert "Name another file with --store" in ran.err
    assert letter.read_text() == "dear all"


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = as_subprocess("emulator", "serve", "--port", port, env=environment())
    assert ran.code == 2
    assert "Choose another --port" in ran.err
