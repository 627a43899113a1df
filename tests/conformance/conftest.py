"""One body of cases, three targets: `--target inprocess` (default), `http`, or `live`.

The local targets get a fresh organization for every case. `live` speaks to the environment that the D365EXT_…
variables name, and removes the rows a case made. Cases that need the local Dataverse's own settings or admin routes
carry the mark `local`, and a live run leaves them out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from d365ext.emulator import Emulator, EmulatorSettings, running
from d365ext.settings import load_settings
from d365ext.webapi.auth import token_source
from support.dataverse import Dataverse
from support.wsgi_adapter import WsgiAdapter

LIVE = {key: value for key, value in os.environ.items() if key.startswith("D365EXT_")}
"""Read before any test hides the variables."""


@pytest.fixture
def emulator_settings() -> dict[str, Any]:
    """Settings of the local Dataverse for this case; a module or case may override this fixture."""
    return {}


@pytest.fixture
def dv(request: pytest.FixtureRequest, emulator_settings: dict[str, Any]) -> Iterator[Dataverse]:
    """The environment under test."""
    target = request.config.getoption("--target")
    if target == "live":
        yield from _live(request)
        return
    emulator = Emulator(settings=EmulatorSettings(**emulator_settings))
    with contextlib.closing(emulator), requests.Session() as session:
        if target == "inprocess":
            session.mount("http://localhost", WsgiAdapter(emulator.wsgi))
            yield Dataverse("http://localhost", session)
        else:
            with running(emulator) as served:
                yield Dataverse(served.url, session)


def _live(request: pytest.FixtureRequest) -> Iterator[Dataverse]:
    if request.node.get_closest_marker("local"):
        pytest.skip("this case needs the local Dataverse")
    # Only the sign-in is ours: a token is a token whoever asked for it.
    with pytest.MonkeyPatch.context() as environment:
        for key, value in LIVE.items():
            environment.setenv(key, value)
        settings = load_settings()
    with requests.Session() as session:
        dv = Dataverse(str(settings.url), session, token_source(settings).token)
        yield dv
        for address in reversed(dv.created):
            dv.delete(address)
