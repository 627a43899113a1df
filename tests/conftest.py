"""What every test may ask for: a local Dataverse, and ways to speak to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from d365ext.emulator import Emulator, running
from d365ext.webapi.client import Client
from support.clients import client_over
from support.wsgi_adapter import WsgiAdapter


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--target`: which Dataverse the conformance cases ask (tests/conformance/conftest.py)."""
    parser.addoption("--target", choices=["inprocess", "http", "live"], default="inprocess")


IN_PROCESS_URL = "http://localhost"
"""The host never resolves: the adapter answers before a socket is opened."""


@pytest.fixture(autouse=True)
def no_network_but_loopback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine, but for the cases of a live run."""
    if request.config.getoption("--target") == "live" and "dv" in request.fixturenames:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Hide the developer's own D365EXT_… variables, and keep the mirror in the test's folder."""
    for key in [key for key in os.environ if key.startswith("D365EXT_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("D365EXT_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A fresh local Dataverse in this process."""
    fresh = Emulator()
    yield fresh
    fresh.close()


@pytest.fixture
def http(emulator: Emulator) -> Iterator[requests.Session]:
    """A requests session whose requests to IN_PROCESS_URL are answered by `emulator`."""
    with requests.Session() as session:
        session.mount(IN_PROCESS_URL, WsgiAdapter(emulator.wsgi))
        yield session


@pytest.fixture
def client(http: requests.Session) -> Iterator[Client]:
    """Our client, speaking to `emulator` in this process."""
    with client_over(http, IN_PROCESS_URL) as made:
        yield made


@pytest.fixture
def server(emulator: Emulator) -> Iterator[Any]:
    """`emulator`, served on a free port of loopback; has `.url`."""
    with running(emulator) as served:
        yield served
