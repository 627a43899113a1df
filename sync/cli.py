"""`d365ext sync`: keep the pipeline table up to date, check it, and say where its numbers come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from d365ext.cli.help import with_examples
from d365ext.cli.invocation import invocation
from d365ext.cli.output import note, print_json, print_table, progress, say
from d365ext.definitions.rollups import Level, Role
from d365ext.errors import DriftFound, UsageError, WriteBackFailed
from sync.printing import SHOWN, cell, number, print_line, print_summary, print_verification

if TYPE_CHECKING:
    from d365ext.definitions.rollups import Rollups
    from d365ext.settings import Settings
    from d365ext.webapi.client import Client
    from sync.stopping import Stopping

app = typer.Typer(help="Keep the pipeline of partners, contacts and customers up to date.", no_args_is_help=True)

AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day to compute for; default: today in the set time zone."),
]
AllowBackdated = Annotated[
    bool, typer.Option("--allow-backdated", help="Allow a day other than today beyond the local Dataverse.")
]
AllowLargeChange = Annotated[
    bool, typer.Option("--allow-large-change", help="Allow to delete or empty more than 30 % of the rows.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SolutionFolder = Annotated[
    Path | None, typer.Option("--solution", help="Folder with rollups.toml; default: the shipped one.")
]


@app.command(
    epilog=with_examples(
        ("d365ext sync run", "reads what changed, writes what differs"),
        ("d365ext sync run --json", "the same, summed up for a program"),
        ("d365ext sync run --full", "reads everything anew"),
        ("d365ext sync run --as-of 2026-03-31", "as if today were that day; for the local Dataverse"),
    )
)
def run(
    context: typer.Context,
    as_of: AsOf = None,
    full: Annotated[bool, typer.Option("--full", help="Read every row anew, not only what changed.")] = False,
    allow_large_change: AllowLargeChange = False,
    allow_backdated: AllowBackdated = False,
    solution: SolutionFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring the pipeline up to date once. It may be stopped at any moment; a second run writes nothing."""
    from sync.worker import RunOptions, run_once

    settings = invocation(context).settings()
    options = RunOptions(_day(as_of, settings, allow_backdated), full, allow_large_change)
    rollups = _rollups(solution)
    with _session(settings) as (client, stopping), progress() as report:
        summary = run_once(client, settings, rollups, options, progress=report, check=stopping.check)
    print_summary(summary, as_json=as_json)
    if summary.failed:
        raise WriteBackFailed(
            f"{len(summary.failed)} pipeline rows could not be written; the others were.\n"
            + "\n".join(f"  {row}" for row in summary.failed[:SHOWN]),
            rows=summary.failed,
            hint="They are tried again by the next run.",
        )


@app.command(
    epilog=with_examples(
        ("d365ext sync watch", "runs every five minutes until it is stopped"),
        (
            "d365ext sync watch --every 30s --health-file /run/d365ext/health.json",
            "more often, watched by a supervisor",
        ),
        ("d365ext sync watch --healthz 8080 --json", "in a container: a probe, and one line of JSON per run"),
    )
)
def watch(
    context: typer.Context,
    every: Annotated[str, typer.Option("--every", help="Pause between runs: 30s, 5m, 1h.")] = "5m",
    allow_large_change: AllowLargeChange = False,
    health_file: Annotated[
        Path | None, typer.Option("--health-file", help="Write how it is doing to this file after every run.")
    ] = None,
    healthz: Annotated[
        int | None, typer.Option("--healthz", min=0, max=65535, help="Answer /healthz on this port of loopback.")
    ] = None,
    solution: SolutionFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run again and again. Stops cleanly on SIGTERM and Ctrl-C, between two steps; a run that fails is tried again."""
    from sync.healthz import serving_health
    from sync.watch import Health, read_interval
    from sync.watch import watch as keep_running
    from sync.worker import RunOptions, run_once

    pause = read_interval(every)
    rollups = _rollups(solution)
    options = RunOptions(allow_large_change=allow_large_change)
    health = Health()
    settings = invocation(context).settings()
    with _session(settings) as (client, stopping), ExitStack() as stack:
        if healthz is not None:
            note(f"/healthz is on port {stack.enter_context(serving_health(health, healthz))}.")
        keep_running(
            lambda: run_once(client, settings, rollups, options, check=stopping.check),
            pause,
            stopping,
            health=health,
            health_file=health_file,
            done=lambda summary: print_line(summary, as_json=as_json),
        )


@app.command(
    epilog=with_examples(
        ("d365ext sync verify", "exit code 0: every cell is as it ought to be"),
        ("d365ext sync verify --json", "names what differs for a program"),
    )
)
def verify(
    context: typer.Context, as_of: AsOf = None, solution: SolutionFolder = None, as_json: AsJson = False
) -> None:
    """Compute everything from a fresh full read and compare every cell with the environment. Nothing is written."""
    from sync.verify import verify as compare_cells

    settings = invocation(context).settings()
    rollups = _rollups(solution)
    with _session(settings) as (client, stopping), progress() as report:

        def step(name: str, done: int, total: int | None) -> None:
            stopping.check()
            report(name, done, total)

        found = compare_cells(client, settings, rollups, as_of=as_of.date() if as_of else None, progress=step)
    print_verification(found, as_json=as_json)
    if found.differing:
        raise DriftFound(
            f"{found.differing} cells or rows differ from what they ought to be as of {found.as_of}.",
            plan=found,
            hint="Run 'd365ext sync run'; if they differ still, something else writes to pch_pipeline.",
        )


@app.command(
    epilog=with_examples(
        ("d365ext sync status", "the last runs, and who runs now"),
        ("d365ext sync status --top 1 --json", "the last run for a program"),
    )
)
def status(
    context: typer.Context,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many runs to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show when the numbers were computed, and how the last runs went, as the environment's run log has it."""
    from sync.lease import read_lease
    from sync.runlog import read_runs

    with _session(invocation(context).settings()) as (client, _stopping):
        lease = read_lease(client)
        runs = [] if lease is None else read_runs(client, top=top)
    holder = lease.holder if lease is not None else ""
    if as_json:
        until = lease.until if lease is not None and holder else None
        print_json({"running": holder or None, "lease_until": until, "runs": [each.as_json() for each in runs]})
        return
    headings = ["Started (UTC)", "As of", "Outcome", "Rows", "Created", "Updated", "Deleted", "Failed", "Seconds"]
    rows = [
        [
            f"{each.started_at:%Y-%m-%d %H:%M:%S}",
            each.as_of,
            each.outcome.words,
            *(number(count) for count in (each.rows, each.created, each.updated, each.deleted, each.failed)),
            number(each.seconds),
        ]
        for each in runs
    ]
    print_table("", headings, rows, numbers=[False] * 3 + [True] * 6)
    note(f"Running now: {holder}." if holder else "Nobody runs now." if runs else "No worker ever ran here.")
    for each in runs[:1]:
        if each.message:
            note(each.message)


@app.command(
    epilog=with_examples(
        ("d365ext sync explain 'Brinkmann Partners'", "the deals behind the open value of that partner"),
        ("d365ext sync explain Brinkmann --column winrate", "those behind another number"),
        ("d365ext sync explain 'Acme Oy' --level customer", "those of a customer"),
    )
)
def explain(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="PARTNER", help="A name, part of it, or an id.")],
    column: Annotated[str, typer.Option("--column", help="The number, such as openvalue or winrate.")] = "openvalue",
    level: Annotated[Level | None, typer.Option("--level", help="Which kind of row, if several fit.")] = None,
    role: Annotated[Role | None, typer.Option("--role", help="In which role, if several fit.")] = None,
    solution: SolutionFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the deals behind a number, from the mirror as the last run left it. Asks the environment nothing."""
    from sync.explain import explain_from_mirror

    found = explain_from_mirror(invocation(context).settings(), _rollups(solution), who, column, level=level, role=role)
    if as_json:
        print_json(found.as_json())
        return
    of = f", {found.role.value}" if found.role else ""
    headings = ["Deal", "Customer", "Adds", "Of"]
    rows = [[share.name or share.id, share.customer, cell(share.value), cell(share.over)] for share in found.shares]
    has_over = any(share.over is not None for share in found.shares)
    shown = 4 if has_over else 3
    print_table(
        f"{found.name} ({found.level.value}{of}): {found.column}",
        headings[:shown],
        [row[:shown] for row in rows],
        numbers=[False, False, True, True][:shown],
    )
    say(f"{len(found.shares)} deals give {cell(found.number) or 'nothing'}.")


# ---------------------------------------------------------------- what the commands share


@contextmanager
def _session(settings: Settings) -> Iterator[tuple[Client, Stopping]]:
    """Open the client of a command that a signal may stop between two steps."""
    from d365ext.webapi.client import connect
    from sync.stopping import Stopping, signals_ask

    stopping = Stopping()
    with signals_ask(stopping), connect(settings, prompt=note, clock=stopping) as client:
        yield client, stopping


def _rollups(folder: Path | None) -> Rollups:
    from d365ext.definitions.rollups import load_rollups
    from d365ext.shipped import shipped

    return load_rollups((folder or shipped("solution")) / "rollups.toml")


def _day(as_of: datetime | None, settings: Settings, allow_backdated: bool) -> date | None:
    """Give the day to compute for, if it may be.

    Errors:  UsageError for another day than today beyond this machine: everybody there would see it.
    """
    from d365ext.settings import is_loopback

    if as_of is None:
        return None
    day = as_of.date()
    today = datetime.now(settings.zone).date()
    if day != today and not allow_backdated and not is_loopback(settings.url):
        raise UsageError(
            f"{settings.url} would show its users the pipeline as of {day}, not of today ({today}).",
            hint="If that is meant, add --allow-backdated; the next run without --as-of puts it right.",
        )
    return day
