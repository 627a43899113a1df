"""`d365ext emulator`: the local Dataverse."""

from __future__ import annotations

import ipaddress
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from d365ext.cli.help import with_examples
from d365ext.cli.output import say
from d365ext.errors import Stopped, UsageError

DEFAULT_PORT = 8181
SQLITE_BEGINS = b"SQLite format 3\x00"
"""Source: sqlite.org/fileformat.html, "The Database Header"."""

app = typer.Typer(help="The local Dataverse: a server for demos, tests and trying things out.", no_args_is_help=True)


@app.command(
    epilog=with_examples(
        ("d365ext emulator serve", "an empty environment, gone when it stops"),
        ("d365ext emulator serve --port 9000 --store crm.db", "keeps its rows in crm.db"),
        ("d365ext emulator serve --store crm.db --reset", "begins anew in crm.db"),
    )
)
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free port.")] = DEFAULT_PORT,
    store: Annotated[Path | None, typer.Option(help="File that keeps the rows. Without it they are gone.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Empty the store first.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    open_to_network: Annotated[
        bool, typer.Option("--open-to-network", help="Allow a --host that others can reach: no one has to sign in.")
    ] = False,
) -> None:
    """Serve a local Dataverse until it is stopped with Ctrl+C or SIGTERM.

    It speaks the Web API as Microsoft documents it, on this machine only. It prints one line when it is ready.
    """
    from d365ext.emulator import Emulator, StoreNotUsable, running

    if not _is_loopback(host) and not open_to_network:
        raise UsageError(
            f"Others could reach {host}, and the local Dataverse lets everybody in.",
            hint="Add --open-to-network if that is meant.",
        )
    if reset:
        _empty(store)
    try:
        emulator = Emulator(store)
    except StoreNotUsable as error:
        raise UsageError(str(error), hint="Name another file with --store; nothing was changed.") from error
    with ExitStack() as stack:
        stack.callback(emulator.close)
        try:
            server = stack.enter_context(running(emulator, host=host, port=port))
        except OSError as error:
            message = f"Cannot listen on {host}:{port}: {error.strerror}."
            raise UsageError(message, hint="Choose another --port.") from error
        say(f"The local Dataverse is ready at {server.url} (Ctrl+C stops it).")
        with suppress(Stopped):
            threading.Event().wait()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _empty(store: Path | None) -> None:
    if store is None:
        raise UsageError("--reset empties a store, and there is none.", hint="Name it with --store.")
    if store.exists():
        with store.open("rb") as file:
            begins = file.read(len(SQLITE_BEGINS))
        if begins and begins != SQLITE_BEGINS:
            raise UsageError(f"{store} is no store of the local Dataverse.", hint="Nothing was removed.")
    for part in (store, *(store.with_name(store.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
        part.unlink(missing_ok=True)
