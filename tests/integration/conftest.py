"""A local Dataverse that has the solution already: made once, and put back as it was before every test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import requests

from d365ext.emulator import Emulator, running
from support.cli import in_process


@dataclass(frozen=True)
class Deployed:
    """Where it is."""

    url: str


@pytest.fixture(scope="session")
def solution_applied() -> Iterator[Deployed]:
    """A local Dataverse with the solution and nothing else, kept as a snapshot."""
    with closing(Emulator()) as emulator, running(emulator) as server:
        assert in_process("--url", server.url, "deploy", "apply", "--yes").code == 0
        requests.post(f"{server.url}/_emulator/snapshot", json={"name": "deployed"}, timeout=30)
        yield Deployed(server.url)


@pytest.fixture
def deployed(solution_applied: Deployed) -> Deployed:
    """The same, as it was when it was made."""
    requests.post(f"{solution_applied.url}/_emulator/restore", json={"name": "deployed"}, timeout=30)
    return solution_applied
