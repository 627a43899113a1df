"""`d365ext deploy`: bring an environment to what `solution/` declares, or see how it differs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from d365ext.cli.help import with_examples
from d365ext.cli.invocation import invocation
from d365ext.cli.output import err, note, out, print_json, progress, say
from d365ext.errors import DriftFound, PlanError

if TYPE_CHECKING:
    from d365ext.definitions.solution import Solution
    from d365ext.deploy import Plan, Progress
    from d365ext.webapi.client import Client

app = typer.Typer(help="Bring an environment to what the solution declares.", no_args_is_help=True)

SolutionFolder = Annotated[
    Path | None, typer.Option("--solution", help="Folder that declares the solution; default: the shipped one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
AllowDelete = Annotated[bool, typer.Option("--allow-delete", help="Also remove what would lose data.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def solution_of(folder: Path | None) -> Solution:
    """Load the solution that a command works with.

    Errors:  DefinitionErrors with every mistake.
    """
    from d365ext.definitions.load import load_solution
    from d365ext.shipped import shipped

    return load_solution(folder or shipped("solution"))


@app.command(
    epilog=with_examples(
        ("d365ext deploy plan", "what would be added, changed and removed"),
        ("d365ext deploy plan --json", "the same for a program"),
        ("d365ext --profile production deploy plan", "for the environment of config/production.toml"),
    )
)
def plan(
    context: typer.Context, folder: SolutionFolder = None, allow_delete: AllowDelete = False, as_json: AsJson = False
) -> None:
    """Show what `apply` would do. Nothing is written, and the exit code is 0 whatever the plan holds.

    The plan says what cannot be undone, such as change tracking on a table. `drift` is the same comparison as a check.
    """
    from d365ext.deploy import plan_for

    solution = solution_of(folder)
    with invocation(context).client() as client:
        _show(plan_for(client, solution, allow_delete=allow_delete), as_json=as_json)


@app.command(
    epilog=with_examples(
        ("d365ext deploy apply", "shows the plan, asks, applies"),
        ("d365ext deploy apply --yes", "does not ask: for pipelines"),
    )
)
def apply(
    context: typer.Context,
    yes: Yes = False,
    folder: SolutionFolder = None,
    allow_delete: AllowDelete = False,
    as_json: AsJson = False,
) -> None:
    """Bring the environment to what the solution declares. A second apply has nothing to do.

    The plan is shown before anything is changed. It is safe to stop at any moment and to apply again.
    """
    from d365ext.deploy import plan_for

    solution = solution_of(folder)
    with invocation(context).client() as client:
        _carry_out(client, plan_for(client, solution, allow_delete=allow_delete), yes=yes, as_json=as_json)


@app.command(
    epilog=with_examples(
        ("d365ext deploy drift", "has somebody changed something by hand? exit code 3 if so"),
        ("d365ext deploy drift --json", "the differences for a program"),
    )
)
def drift(context: typer.Context, folder: SolutionFolder = None, as_json: AsJson = False) -> None:
    """Check that the environment has what the solution declares: exit code 0 if it has, 3 if it differs."""
    from d365ext.deploy import Plan
    from d365ext.deploy import drift as find_drift

    solution = solution_of(folder)
    with invocation(context).client() as client:
        try:
            find_drift(client, solution)
        except DriftFound as found:
            if isinstance(found.plan, Plan):
                _show(found.plan, as_json=as_json)
            raise
    if as_json:
        print_json({"empty": True, "changes": []})
    else:
        say("No drift: the environment has what the solution declares.")


@app.command(
    epilog=with_examples(
        ("d365ext deploy uninstall", "shows what would be removed and lost; refuses to lose data"),
        ("d365ext deploy uninstall --allow-delete", "shows it, asks, removes it"),
    )
)
def uninstall(
    context: typer.Context,
    yes: Yes = False,
    folder: SolutionFolder = None,
    allow_delete: AllowDelete = False,
    as_json: AsJson = False,
) -> None:
    """Remove everything that `apply` made, and nothing else.

    Says first which data would be lost, and removes it only with --allow-delete.
    """
    from d365ext.deploy import plan_uninstall

    solution = solution_of(folder)
    with invocation(context).client() as client:
        _carry_out(client, plan_uninstall(client, solution, allow_delete=allow_delete), yes=yes, as_json=as_json)


def _show(plan: Plan, *, as_json: bool) -> None:
    from d365ext.deploy import to_json, to_text

    if as_json:
        say(to_json(plan))
    else:
        say(to_text(plan, width=out().width).rstrip())


def _carry_out(client: Client, plan: Plan, *, yes: bool, as_json: bool) -> None:
    """Show a plan, have it confirmed, and apply it; with JSON the plan goes to standard error, the result to output."""
    from d365ext.deploy import apply as carry_out
    from d365ext.deploy import to_text

    if as_json:
        note(to_text(plan, width=err().width).rstrip())
    else:
        _show(plan, as_json=False)
    plan.refuse_unallowed()
    if not plan.is_empty and not yes:
        _ask(client.url, len(plan.changes))
    with progress() as show:

        def step(at: Progress) -> None:
            show("Applying", at.number, at.total)

        report = carry_out(client, plan, on_progress=step)
    if as_json:
        print_json({"done": [str(change) for change in report.done]})
    elif report.done:
        say(f"Done: {len(report.done)} changes.")


def _ask(url: str, changes: int) -> None:
    if not sys.stdin.isatty():
        raise PlanError("Nothing was written: there is nobody to ask.", hint="Read the plan, then add --yes.")
    if not typer.confirm(f"Make these {changes} changes in {url}?", err=True):
        raise PlanError("Nothing was written: you said no.")
