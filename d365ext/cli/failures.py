"""Turns whatever was raised into one clear message on standard error, and the exit code that the docs promise."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import typer
from rich.markup import escape

from d365ext.cli.output import err, note, to_json
from d365ext.errors import (
    ApplyFailed,
    CsvMistake,
    CsvMistakes,
    D365Error,
    DataverseError,
    DefinitionError,
    DefinitionErrors,
    SettingsError,
    UsageError,
    WriteBackFailed,
)
from d365ext.log import redact

MISTAKES_SHOWN = 100
"""A person reads no more of them at once; `--json` gives all."""

OUR_OWN_FAULT = 1


def report(error: Exception, *, as_json: bool, verbose: bool) -> int:
    """Say what went wrong on standard error, as text or JSON, and give the exit code.

    Effects: a traceback is printed only if `verbose`.
    """
    if verbose and not isinstance(error, typer.TyperException):
        note(redact("".join(traceback.format_exception(error))).rstrip())
    code = exit_code(error)
    if isinstance(error, typer.TyperException) and not error.message:
        return code  # the help was printed instead
    if as_json:
        sys.stderr.write(redact(to_json({"error": as_object(error)})) + "\n")
        return code
    console = err()
    console.print(f"[bold red]error:[/] {escape(redact(_message(error)))}", soft_wrap=True)
    hint = _hint(error)
    if hint:
        console.print(f"[bold]what to do:[/] {escape(hint)}", soft_wrap=True)
    return code


def exit_code(error: Exception) -> int:
    """Give the exit code for `error`.

    >>> exit_code(UsageError("?"))
    2
    """
    if isinstance(error, D365Error):
        return error.exit_code
    if isinstance(error, typer.TyperException):
        return error.exit_code
    return UsageError.exit_code if isinstance(error, typer.Abort) else OUR_OWN_FAULT


def as_object(error: Exception) -> dict[str, Any]:
    """Give `error` as what `--json` prints: its kind, message, hint, exit code, and what a program could act on."""
    shown = {"kind": type(error).__name__, "message": _message(error), "hint": _hint(error)}
    return {**shown, "exit_code": exit_code(error), **_details(error)}


def _details(error: Exception) -> dict[str, Any]:
    match error:
        case DefinitionErrors() | CsvMistakes():
            return {"message": str(error).splitlines()[0], "mistakes": [_mistake(each) for each in error.mistakes]}
        case DefinitionError() | CsvMistake():
            return _mistake(error)
        case SettingsError():
            return {"key": error.key, "file": error.file}
        case DataverseError():
            names = ("status", "code", "request_id", "method", "path")
            return {name: getattr(error, name) for name in names}
        case ApplyFailed():
            return {
                "done": [str(each) for each in error.done],
                "failed": str(error.failed),
                "not_started": [str(each) for each in error.not_started],
            }
        case WriteBackFailed():
            return {"rows": [str(row) for row in error.rows]}
        case _:
            return {}


def _mistake(mistake: DefinitionError | CsvMistake) -> dict[str, Any]:
    place = {"path": mistake.path} if isinstance(mistake, DefinitionError) else {"column": mistake.column}
    return {"file": mistake.file, "line": mistake.line, **place, "message": mistake.message, "hint": mistake.hint}


def _message(error: Exception) -> str:
    match error:
        case DefinitionErrors() | CsvMistakes():
            return _shortened(error.message)
        case D365Error():
            whole = str(error)
            return whole.removesuffix(error.hint).rstrip() if error.hint else whole
        case typer.TyperException():
            return error.format_message()
        case typer.Abort():
            return "Nothing was done: the question was not answered."
        case _:
            return f"This is a fault of d365ext itself: {type(error).__name__}: {error}"


def _hint(error: Exception) -> str:
    match error:
        case D365Error():
            return error.hint
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            return f"See '{context.command_path if context else 'd365ext'} --help'."
        case typer.Abort():
            return ""
        case _:
            return "Run it again with --verbose for the traceback, and report it."


def _shortened(message: str) -> str:
    lines = message.splitlines()
    left_out = len(lines) - 1 - MISTAKES_SHOWN
    if left_out <= 0:
        return message
    return "\n".join([*lines[: MISTAKES_SHOWN + 1], f"  … and {left_out} more (--json gives all)"])
