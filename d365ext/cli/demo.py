"""`d365ext demo`: the whole system once, on a local Dataverse that is gone afterwards.

Every step is one of our own commands, with the arguments a person would type; every number told was read back.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from d365ext.cli.help import with_examples
from d365ext.cli.output import out, say
from d365ext.errors import D365Error, Stopped

if TYPE_CHECKING:
    from d365ext.webapi.client import Client, Row

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
VIEWS = (
    ("partners", 11, "What is every partner doing?"),
    ("contacts", 5, "Who at the partners is doing it?"),
    ("customers", 5, "Which customers buy, directly and through partners?"),
    ("partner-customers", 5, "Which partner sells what to whom?"),
)


class DemoError(D365Error):
    """A step of the demo went wrong: `exit_code` is that of the command."""

    def __init__(self, command: str, exit_code: int, message: str) -> None:
        super().__init__(f"'{command}' ended with exit code {exit_code}: {message}")
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: the address of its local Dataverse."""

    url: str

    def run(self, *arguments: str) -> str:
        """Run one of our own commands against the stage and give what it printed.

        Errors:  DemoError; Stopped.
        """
        from d365ext.cli.app import run

        printed, said = io.StringIO(), io.StringIO()
        with redirect_stdout(printed), redirect_stderr(said):
            code = run(arguments)
        if code == Stopped.exit_code:
            raise Stopped("The demo was stopped. Nothing is left of it.")
        if code:
            raise DemoError(" ".join(("d365ext", *arguments)), code, said.getvalue().strip())
        return printed.getvalue()

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json` and give what it answered."""
        return json.loads(self.run(*arguments, "--json"), parse_float=Decimal)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=with_examples(("d365ext demo", "takes less than a minute and leaves nothing behind")))(demo)


def demo(
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that the sample's dates lead up to.")
    ] = None,
) -> None:
    """Show everything once: a local Dataverse, the solution, sample data, a sync, the views, a deal that moves.

    Needs no network, no account and no settings. It plays in a temporary folder and leaves nothing behind.
    """
    begun = time.monotonic()
    day = ["--today", today.date().isoformat()] if today else []
    as_of = ["--as-of", today.date().isoformat()] if today else []
    with _stage() as stage:
        _tell("A local Dataverse is running", f"{stage.url}, for this demo only.")
        _deploy(stage)
        _load(stage, day)
        _sync(stage, as_of)
        for view, rows, question in VIEWS:
            _tell(question, f"The view '{view}' of Dynamics 365, its first {rows} rows:")
            say(stage.run("show", view, "--top", str(rows)).rstrip())
        _sync_again(stage, as_of)
        _move_a_deal(stage, as_of)
    _tell("That was all", f"{time.monotonic() - begun:.0f} seconds. Nothing is left of it on this machine.")
    say("Now with your own: 'd365ext emulator serve' for a local Dataverse, or D365EXT_URL for a real one; README.md.")


@contextmanager
def _stage() -> Iterator[Stage]:
    from d365ext.emulator import Emulator, running

    with (
        tempfile.TemporaryDirectory(prefix="d365ext-demo-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        emulator = Emulator(Path(folder) / "dataverse.db")
        stack.callback(emulator.close)
        server = stack.enter_context(running(emulator))
        stack.enter_context(_settings(URL=server.url, AUTH="none", PROFILE="local", STATE_DIR=folder))
        yield Stage(server.url)


@contextmanager
def _settings(**ours: str) -> Iterator[None]:
    """Let no setting of the person into the demo, nor ours out of it."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("D365EXT_")]:
        del os.environ[name]
    os.environ.update({f"D365EXT_{name}": value for name, value in ours.items()}, COLUMNS=str(out().width))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tell(headline: str, text: str) -> None:
    console = out()
    console.print()
    console.print(f"[bold]{headline}.[/]" if headline[-1] != "?" else f"[bold]{headline}[/]", end=" ")
    console.print(text, markup=False, soft_wrap=True)


def _deploy(stage: Stage) -> None:
    done = len(stage.json("deploy", "apply", "--yes")["done"])
    left = len(stage.json("deploy", "plan")["changes"])
    _tell(
        "The partner channel is installed",
        f"{done} changes made, {left} left to make.",
    )


def _load(stage: Stage, day: Sequence[str]) -> None:
    counts = {name: count["rows"] for name, count in stage.json("data", "load", "--sample", *day)["tables"].items()}
    words = {
        "account": "companies",
        "contact": "people",
        "lead": "leads",
        "opportunity": "opportunities",
        "quote": "quotes",
        "salesorder": "orders",
    }
    _tell(
        "An invented company's sales are loaded",
        ", ".join(f"{counts[name]} {word}" for name, word in words.items()) + ".",
    )


def _sync(stage: Stage, as_of: Sequence[str]) -> None:
    run = stage.json("sync", "run", *as_of)
    read = sum(table["read"] for table in run["tables"].values())
    written = run["pipeline"]["created"]
    _tell("The pipeline of every partner, person and customer is worked out", f"{read} rows read, {written} written.")


def _sync_again(stage: Stage, as_of: Sequence[str]) -> None:
    run = stage.json("sync", "run", *as_of)
    _tell("The sync runs a second time", f"{_written(run)} rows written: nothing changed, so nothing is touched.")


def _written(run: Mapping[str, Any]) -> int:
    return sum(run["pipeline"][what] for what in ("created", "updated", "deleted"))


def _move_a_deal(stage: Stage, as_of: Sequence[str]) -> None:
    """Give an open deal to another partner in Dynamics 365, sync, and compare what the partners' view says."""
    before = _open_values(stage)
    with _client(stage) as client:
        deal = _biggest_open_deal(client)
        giver = str(deal["_pch_salespartnerid_value" + FORMATTED])
        taker_id, taker = next(
            (row_id, name) for row_id, name in _sales_partners(client) if row_id != deal["_pch_salespartnerid_value"]
        )
        client.update(
            f"opportunities({deal['opportunityid']})", {"pch_salespartnerid@odata.bind": f"/accounts({taker_id})"}
        )
    value = f"{deal['estimatedvalue_base']:,.2f}"
    _tell("A deal changes hands", f"'{deal['name']}', worth {value}, moves from {giver} to {taker}.")
    run = stage.json("sync", "run", *as_of)
    after = _open_values(stage)
    _tell("The next sync follows it", f"{_written(run)} rows written, no more than that deal touches.")
    for partner in (giver, taker):
        say(f"  {partner}: open value {before[partner]:,.2f} → {after[partner]:,.2f}")


def _open_values(stage: Stage) -> dict[str, Decimal]:
    rows = stage.json("show", "partners")
    return {row["pch_partnerid"]: Decimal(row["pch_openvalue"]) for row in rows if row["pch_role"] == "Sales"}


def _client(stage: Stage) -> Client:
    from d365ext.settings import load_settings
    from d365ext.webapi.client import connect

    return connect(load_settings(url=stage.url))


def _biggest_open_deal(client: Client) -> Row:
    from d365ext.names import EntitySetName
    from d365ext.webapi.query import Query

    query = Query(
        EntitySetName("opportunities"),
        select=("name", "estimatedvalue_base", "_pch_salespartnerid_value"),
        filter="statecode eq 0 and _pch_salespartnerid_value ne null and estimatedvalue_base gt 0",
        orderby=("estimatedvalue_base desc", "opportunityid"),
        top=1,
    )
    return next(client.rows(query, annotations=True))


def _sales_partners(client: Client) -> list[tuple[str, str]]:
    rows = client.rows("accounts?$select=name&$filter=pch_customertype%20eq%20737860001&$orderby=name")
    return [(str(row["accountid"]), str(row["name"])) for row in rows]
