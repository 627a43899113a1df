"""The command line program: its commands, its global options, and the one loop that ends every failure.

Other packages add their commands by an entry point of the group `d365ext.commands` whose value is a Typer app; that is
how `sync` gets in without anything here knowing it.
"""

from __future__ import annotations

import importlib.metadata
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from d365ext.cli import data_commands, demo, deploy_commands, doctor, emulator_commands, show_commands
from d365ext.cli.failures import report
from d365ext.cli.invocation import Invocation, LogFormat
from d365ext.cli.output import note, say
from d365ext.errors import Stopped
from d365ext.log import set_up_log

GLOBAL_OPTIONS_WITH_VALUE = ("--profile", "--url", "--log-format")
GLOBAL_FLAGS = ("--verbose", "-v")


def build_app() -> typer.Typer:
    """Put the program together: our own commands, then those of the plug-ins."""
    app = typer.Typer(
        name="d365ext",
        help="Partner pipelines inside Dynamics 365: deploy the solution, keep its rollups in sync, try it locally.",
        epilog="Global options may stand anywhere on the line. Exit codes and settings: docs/cli.md.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    app.callback()(_global_options)
    app.add_typer(emulator_commands.app, name="emulator")
    app.add_typer(deploy_commands.app, name="deploy")
    app.add_typer(data_commands.app, name="data")
    app.add_typer(show_commands.app, name="show")
    doctor.add_to(app)
    demo.add_to(app)
    for entry in sorted(importlib.metadata.entry_points(group="d365ext.commands")):
        _plug_in(app, entry)
    return app


def _plug_in(app: typer.Typer, entry: importlib.metadata.EntryPoint) -> None:
    """Add a plug-in's commands; one that cannot be imported is named, and must not take the others with it."""
    try:
        commands = entry.load()
    except ImportError as error:
        note(f"The commands '{entry.name}' are missing: {error}.")
    else:
        app.add_typer(commands, name=entry.name)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"d365ext {importlib.metadata.version('d365ext')}")
        raise typer.Exit


def _global_options(
    context: typer.Context,
    profile: Annotated[
        str | None, typer.Option(help="Settings to use: `config/<profile>.toml`; `local` by default.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The environment, such as https://org.crm4.dynamics.com.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log requests; show tracebacks.")] = False,
    log_format: Annotated[LogFormat | None, typer.Option(help="How log lines on standard error are written.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    set_up_log("info" if verbose else "warning", log_format or "text")
    context.obj = Invocation(profile=profile, url=url, verbose=verbose, log_format=log_format)


def global_options_first(arguments: Sequence[str]) -> list[str]:
    """Move the global options to the front, so that they may stand anywhere on the line.

    >>> global_options_first(["deploy", "plan", "--url", "http://localhost:8181", "--json", "-v"])
    ['--url', 'http://localhost:8181', '-v', 'deploy', 'plan', '--json']
    >>> global_options_first(["data", "load", "--", "--url"])
    ['data', 'load', '--', '--url']
    """
    first: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*first, *rest, argument, *waiting]
        if argument in GLOBAL_OPTIONS_WITH_VALUE:
            first += [argument, *waiting[:1]]
            del waiting[:1]
        elif argument in GLOBAL_FLAGS or argument.startswith(tuple(f"{name}=" for name in GLOBAL_OPTIONS_WITH_VALUE)):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave the process with its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; whatever goes wrong becomes one message on standard error."""
    before_marker = list(arguments).index("--") if "--" in arguments else len(arguments)
    as_json = "--json" in arguments[:before_marker]
    verbose = any(flag in arguments[:before_marker] for flag in GLOBAL_FLAGS)
    try:
        code = build_app()(args=global_options_first(arguments), prog_name="d365ext", standalone_mode=False)
    except Exception as error:  # the outer loop of the program: nothing above it could say more
        return report(error, as_json=as_json, verbose=verbose)
    return code if isinstance(code, int) else 0


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(f"Stopped by {signal.Signals(number).name}.", hint="Run the same command again to go on.")
