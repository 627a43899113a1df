"""The local Dataverse: the Web API of Dataverse over SQLite, for tests, demos and trying a deployment.

    from d365ext.emulator import Emulator, running

    with contextlib.closing(Emulator()) as emulator, running(emulator) as served:
        requests.get(f"{served.url}/api/data/v9.2/accounts")

It agrees with the documentation and with real clients; no more is claimed. It is sealed: it imports nothing of the rest
of this project, so that client and server cannot share a misreading.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from d365ext.emulator.organization import Organization
from d365ext.emulator.settings import EmulatorSettings
from d365ext.emulator.store.store import StoreNotUsable
from d365ext.emulator.web.server import Served, running
from d365ext.emulator.web.wsgi import make_app

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Emulator", "EmulatorSettings", "Served", "StoreNotUsable", "running"]


class Emulator:
    """A local Dataverse. Without a store it lives in a temporary file and forgets everything at `close`."""

    def __init__(self, store: Path | None = None, settings: EmulatorSettings | None = None) -> None:
        self.organization = Organization(store, settings or EmulatorSettings())
        self.wsgi: Flask = make_app(self.organization)

    @property
    def settings(self) -> EmulatorSettings:
        """Give the settings that are in force."""
        return self.organization.settings

    def close(self) -> None:
        """Close the store; a temporary one is deleted."""
        self.organization.close()
