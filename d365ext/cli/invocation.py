"""What the program was called with, and the settings and the client that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import typer

from d365ext.cli.output import note
from d365ext.log import set_up_log

if TYPE_CHECKING:
    from d365ext.settings import Settings
    from d365ext.webapi.client import Client


LogFormat = Literal["text", "json"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options. Every command finds it in its context: see `invocation`."""

    profile: str | None = None
    url: str | None = None
    verbose: bool = False
    log_format: LogFormat | None = None

    def settings(self) -> Settings:
        """Load the settings that hold for this call.

        Errors:  SettingsError.
        """
        from d365ext.settings import load_settings  # so that --help and --version start at once

        level = "info" if self.verbose else None
        settings = load_settings(self.profile, url=self.url, log_format=self.log_format, log_level=level)
        set_up_log(settings.log_level, settings.log_format)
        return settings

    def client(self, settings: Settings | None = None) -> Client:
        """Give a client for the environment; a context manager.

        Errors:  SettingsError; Unauthorized when it signs in.
        """
        from d365ext.webapi.client import connect

        return connect(settings or self.settings(), prompt=note)


def invocation(context: typer.Context) -> Invocation:
    """Give what the program was called with, inside a command."""
    found = context.find_object(Invocation)
    return found if found is not None else Invocation()
