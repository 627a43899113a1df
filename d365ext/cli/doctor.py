"""`d365ext doctor`: is everything in place, and if not, what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from d365ext.cli.deploy_commands import SolutionFolder, solution_of
from d365ext.cli.help import with_examples
from d365ext.cli.invocation import invocation
from d365ext.cli.output import out, print_json


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=with_examples(
            ("d365ext doctor", "looks at the environment of the profile"),
            ("d365ext --profile production doctor", "looks at production"),
            ("d365ext doctor --json", "the same for a monitor"),
        )
    )(doctor)


def doctor(
    context: typer.Context,
    folder: SolutionFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check address, sign-in, privileges, definitions, change tracking, languages and versions.

    Each line is ok or says what to do. Nothing is written. The exit code is 0 if all is well, else that of the first
    line that is not: 2 settings, 3 definitions, 5 sign-in or privileges.
    """
    from d365ext.cli.checkup import check_up

    called = invocation(context)
    settings = called.settings()
    checks = []
    with called.client(settings) as client:
        for check in check_up(settings, client, solution_of(folder)):
            checks.append(check)
            if not as_json:
                mark = "[green]ok[/]  " if check.is_ok else "[red]todo[/]"
                console = out()
                console.print(f"{mark}  {check.name:16}", end="")
                console.print(check.found, markup=False, soft_wrap=True)
                if check.what_to_do:
                    console.print(f"{'':22}→ {check.what_to_do}", markup=False, soft_wrap=True)
    if as_json:
        print_json(
            [
                {"check": each.name, "ok": each.is_ok, "found": each.found, "what_to_do": each.what_to_do}
                for each in checks
            ]
        )
    code = next((check.exit_code for check in checks if not check.is_ok), 0)
    if code:
        raise typer.Exit(code)
