"""One body of cases, three targets: `--target inprocess` (default), `http`, or `live`.

The local targets get a fresh organization for every case. `live` speaks to the environment that the D365EXT_…
variables name: it signs in once, and takes away what each case made, definitions too; what will not go fails the case.
Cases that need the local Dataverse's own settings or admin routes carry the mark `local`, and a live run leaves them
out.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from d365ext.emulator import Emulator, EmulatorSettings, running
from d365ext.settings import load_settings
from d365ext.webapi.auth import TokenSource, token_source
from support.dataverse import Dataverse
from support.wsgi_adapter import WsgiAdapter


@dataclass(frozen=True)
class Live:
    """The environment of a live run, signed in to."""

    url: str
    source: TokenSource | None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of a live run what does not ask the environment."""
    if config.getoption("--target") != "live":
        return
    ours = [item for item in items if "dv" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in ours])
    items[:] = ours


@pytest.fixture(scope="session")
def live(pytestconfig: pytest.Config) -> Live | None:
    """Sign in, once for all cases; made before any test hides the D365EXT_… variables. None on a local target."""
    if pytestconfig.getoption("--target") != "live":
        return None
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def prompt(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\n{text}\n")

    # Only the sign-in is ours: a token is a token whoever asked for it.
    settings = load_settings()
    source = token_source(settings, prompt=prompt)
    if source is not None:
        source.token()
    return Live(str(settings.url), source)


@pytest.fixture
def emulator_settings() -> dict[str, Any]:
    """Settings of the local Dataverse for this case; a module or case may override this fixture."""
    return {}


@pytest.fixture
def dv(request: pytest.FixtureRequest, live: Live | None, emulator_settings: dict[str, Any]) -> Iterator[Dataverse]:
    """The environment under test."""
    if live is not None:
        yield from _of(live, request)
        return
    emulator = Emulator(settings=EmulatorSettings(**emulator_settings))
    with contextlib.closing(emulator), requests.Session() as session:
        if request.config.getoption("--target") == "inprocess":
            session.mount("http://localhost", WsgiAdapter(emulator.wsgi))
            yield Dataverse("http://localhost", session)
        else:
            with running(emulator) as served:
                yield Dataverse(served.url, session)


def _of(live: Live, request: pytest.FixtureRequest) -> Iterator[Dataverse]:
    if request.node.get_closest_marker("local"):
        pytest.skip("this case needs the local Dataverse")
    with requests.Session() as session:
        dv = Dataverse(live.url, session, live.source.token if live.source else None)
        yield dv
        left = dv.clean_up()
        if left:
            pytest.fail("This stays behind in the environment:\n" + "\n".join(left))
