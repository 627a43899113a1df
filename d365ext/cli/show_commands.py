"""`d365ext show`: the native views, as a user of Dynamics 365 would see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from d365ext.cli.deploy_commands import SolutionFolder, solution_of
from d365ext.cli.help import with_examples
from d365ext.cli.invocation import invocation
from d365ext.cli.output import note, print_json, print_table
from d365ext.errors import RowNotFound

app = typer.Typer(help="Print the native pipeline views of the environment.", no_args_is_help=True)

VIEWS = {
    "partners": "Every partner: what is open, quoted, ordered, won and lost through it.",
    "contacts": "Every partner's contact, with that person's pipeline.",
    "customers": "Every customer: all its deals, direct and through partners.",
    "partner-customers": "Every partner at every customer, linked today or not.",
}


def _command(name: str) -> Callable[..., None]:
    def show(
        context: typer.Context,
        folder: SolutionFolder = None,
        top: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print every column of every row as JSON.")] = False,
    ) -> None:
        print_view(context, name, folder, top=top, as_json=as_json)

    show.__doc__ = f"{VIEWS[name]}\n\nReads the view of that name from the environment; the sync fills it."
    return show


def print_view(context: typer.Context, name: str, folder: Path | None, *, top: int | None, as_json: bool) -> None:
    """Print the view `name`, a key of `VIEWS`."""
    from d365ext.cli.views import read_view

    view = solution_of(folder).views[name]
    with invocation(context).client() as client:
        try:
            shown = read_view(client, view)
        except RowNotFound as missing:
            missing.hint = "The solution is not there yet: run 'd365ext deploy apply'."
            raise
    if as_json:
        print_json(shown.values()[:top])
        return
    numbers = [column.is_figure for column in shown.columns]
    print_table(shown.title, [column.heading for column in shown.columns], shown.texts()[:top], numbers=numbers)
    if not shown.rows:
        note("The view is empty. Run 'd365ext sync run' to fill it.")


for _name in VIEWS:
    app.command(
        _name,
        epilog=with_examples(
            (f"d365ext show {_name}", "a table, as wide as the window"),
            (f"d365ext show {_name} --top 10", "its first ten rows"),
            (f"d365ext show {_name} --json", "all columns, for other programs"),
        ),
    )(_command(_name))
