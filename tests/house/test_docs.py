"""Every command has help with examples and stands in docs/cli.md, and so does every error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from d365ext import errors
from d365ext.cli.app import build_app
from support.cli import in_process

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Walk the commands: their words after `d365ext`, and what Typer made of them."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(build_app())))
ERRORS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.D365Error)]


def test_the_commands_of_the_contract_are_there() -> None:
    wanted = {
        "deploy": ("plan", "apply", "drift", "uninstall"),
        "sync": ("run", "watch", "verify", "status"),
        "show": ("partners", "contacts", "customers", "partner-customers"),
        "emulator": ("serve",),
        "data": ("load",),
    }
    assert set(COMMANDS) >= {(group, name) for group, names in wanted.items() for name in names}
    assert set(COMMANDS) >= {("doctor",), ("demo",)}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does_with_examples(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert f"d365ext {' '.join(path)}" in (command.epilog or ""), "an example of the command itself"
    ran = in_process(*path, "--help")
    assert ran.code == 0
    assert "Examples" in ran.out


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_docs(path: tuple[str, ...]) -> None:
    *group, name = path
    headings = [line for line in DOCS.splitlines() if line.startswith("### `d365ext ")]
    assert any(
        heading.removeprefix("### `d365ext ").startswith(" ".join(group)) and re.search(rf"[ `]{name}`", heading)
        for heading in headings
    )


@pytest.mark.parametrize("kind", [each for each in ERRORS if each is not errors.D365Error])
def test_every_error_is_in_the_docs_beside_its_exit_code(kind: type[errors.D365Error]) -> None:
    row = next(line for line in DOCS.splitlines() if line.startswith(f"| {kind.exit_code} |"))
    assert f"`{kind.__name__}`" in row
