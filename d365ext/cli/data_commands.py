"""`d365ext data`: rows from CSV files into an environment."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from d365ext.cli.help import with_examples
from d365ext.cli.invocation import invocation
from d365ext.cli.output import note, print_json, print_table, progress
from d365ext.errors import UsageError

if TYPE_CHECKING:
    from d365ext.loader.load import LoadReport
    from d365ext.webapi.client import Client

app = typer.Typer(help="Load rows from CSV files.", no_args_is_help=True)


@app.command(
    epilog=with_examples(
        ("d365ext data load crm/", "loads crm/account.csv, crm/opportunity.csv and so on"),
        ("d365ext data load --sample", "loads the invented companies and deals of the demo"),
        ("d365ext data load crm/ --json", "says what was written as JSON"),
    )
)
def load(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Folder with one `<table logical name>.csv` per table.")] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Load the sample data that comes with d365ext.")] = False,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that the sample's dates lead up to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Load CSV files: one per table, the header names columns, the primary id first.

    Choices by label or value, lookups by id, dates as YYYY-MM-DD. Every file is checked before anything is written,
    and only what differs is written: loading twice changes nothing. An empty cell leaves the column as it is.
    """
    if sample == (folder is not None):
        raise UsageError("Name a folder, or --sample: one of the two.", hint="See 'd365ext data load --help'.")
    called = invocation(context)
    settings = called.settings()
    begun = time.monotonic()
    with called.client(settings) as client:
        if folder is None:
            report = load_sample(client, today, batch_rows=settings.batch_rows)
        else:
            report = load_files(client, folder, batch_rows=settings.batch_rows)
        _print(report, client, time.monotonic() - begun, as_json=as_json)


def load_files(client: Client, folder: Path, *, batch_rows: int) -> LoadReport:
    """Load a folder, with a bar on a terminal."""
    from d365ext.loader.load import load_folder

    with progress() as report:
        return load_folder(client, folder, batch_rows=batch_rows, progress=report)


def load_sample(client: Client, today: datetime | None, *, batch_rows: int) -> LoadReport:
    """Load the sample data, its dates leading up to `today`, by the way that every folder takes."""
    from d365ext.loader.sample import write_sample

    with tempfile.TemporaryDirectory(prefix="d365ext-") as folder:
        write_sample(Path(folder), (today or datetime.now(UTC)).date())
        return load_files(client, Path(folder), batch_rows=batch_rows)


def _print(report: LoadReport, client: Client, duration_s: float, *, as_json: bool) -> None:
    counts: dict[str, dict[str, Any]] = {
        name: {
            "rows": count.rows,
            "created": count.created,
            "changed": count.changed,
            "states_set": count.states_set,
            "unchanged": count.unchanged,
        }
        for name, count in report.tables.items()
    }
    if as_json:
        traffic = {"requests": client.traffic.requests, "duration_s": round(duration_s, 2)}
        late = [{"table": t, "column": c, "rows": rows} for (t, c), rows in report.too_late.items()]
        print_json({"tables": counts, "set_only_at_creation": late, **traffic})
        return
    headings = ["Table", "Rows", "Created", "Changed", "States set", "Unchanged"]
    rows = [[name, *(f"{number:,}" for number in count.values())] for name, count in counts.items()]
    print_table("", headings, rows, numbers=[False, *[True] * 5])
    for (table, column), number in report.too_late.items():
        note(f"{number} rows of {table} differ in {column}, which can only be set when a row is created.")
    note(f"{client.traffic.requests} requests, {duration_s:.1f} s.")
