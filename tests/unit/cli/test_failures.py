"""Every failure becomes one message and the exit code that docs/cli.md promises."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer

from d365ext import errors
from d365ext.cli.failures import MISTAKES_SHOWN, as_object, exit_code, report
from d365ext.errors import ApplyFailed, CsvMistake, CsvMistakes, D365Error, DataverseError, Forbidden, UsageError

PROMISED = {
    "UsageError": 2,
    "SettingsError": 2,
    "DefinitionError": 2,
    "DefinitionErrors": 2,
    "CsvMistake": 2,
    "CsvMistakes": 2,
    "PlanError": 3,
    "DriftFound": 3,
    "PlanOutOfDate": 3,
    "DestructiveChange": 3,
    "ApplyFailed": 4,
    "DataverseError": 5,
    "Retriable": 5,
    "ServiceProtection": 5,
    "ServiceUnavailable": 5,
    "ConnectionFailed": 5,
    "Unauthorized": 5,
    "Forbidden": 5,
    "RowNotFound": 5,
    "RowChanged": 5,
    "DuplicateKey": 5,
    "Rejected": 5,
    "DeltaExpired": 5,
    "SyncError": 6,
    "WriteBackFailed": 6,
    "MirrorLocked": 6,
    "MirrorTooNew": 6,
    "LeaseHeld": 7,
    "Stopped": 130,
}


def every_error() -> dict[str, type[D365Error]]:
    kinds = (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, D365Error))
    return {kind.__name__: kind for kind in kinds if kind is not D365Error}


def test_every_error_class_has_the_exit_code_that_was_promised() -> None:
    assert {name: kind.exit_code for name, kind in every_error().items()} == PROMISED


def printed(capsys: pytest.CaptureFixture[str], error: Exception, **options: Any) -> str:
    report(error, **{"as_json": False, "verbose": False, **options})
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


def test_the_message_comes_first_and_what_to_do_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    error = UsageError("Port 8181 is taken.", hint="Choose another --port.")
    assert printed(capsys, error) == "error: Port 8181 is taken.\nwhat to do: Choose another --port.\n"


def test_a_refusal_of_dataverse_says_request_place_and_code_once(capsys: pytest.CaptureFixture[str]) -> None:
    error = Forbidden(
        "Missing prvReadAccount.",
        status=403,
        code="0x80040220",
        request_id="r-1",
        method="GET",
        path="/api/data/v9.2/accounts",
        hint="Give the user a role that has it.",
    )
    assert printed(capsys, error) == (
        "error: [request r-1] GET /api/data/v9.2/accounts → 403 0x80040220: Missing prvReadAccount.\n"
        "what to do: Give the user a role that has it.\n"
    )


def test_square_brackets_of_a_message_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[bold]" in printed(capsys, UsageError("a [bold] word"))


def test_a_fault_of_our_own_shows_no_traceback_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(KeyError("x")) == 1
    assert "Traceback" not in printed(capsys, KeyError("x"))
    with pytest.raises(KeyError) as raised:
        {}["x"]
    assert "Traceback" in printed(capsys, raised.value, verbose=True)


def test_a_secret_in_a_message_is_taken_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "eyJ" not in printed(capsys, UsageError("Bearer eyJhbGciOi.eyJzdWIi.c2ln"))
    assert "eyJ" not in printed(capsys, UsageError("Bearer eyJhbGciOi.eyJzdWIi.c2ln"), as_json=True)


def test_errors_are_json_where_json_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    error = DataverseError("Down.", status=503, request_id="r-2", method="GET", path="/x")
    shown = json.loads(printed(capsys, error, as_json=True))["error"]
    assert shown["kind"] == "DataverseError"
    assert (shown["exit_code"], shown["status"], shown["request_id"]) == (5, 503, "r-2")


def test_a_long_list_of_mistakes_is_cut_for_people_and_whole_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    mistakes = CsvMistakes([CsvMistake("bad.", file="a.csv", line=n, column="x") for n in range(MISTAKES_SHOWN + 3)])
    text = printed(capsys, mistakes)
    assert text.splitlines()[-1] == "  … and 3 more (--json gives all)"
    shown = json.loads(printed(capsys, mistakes, as_json=True))["error"]
    assert len(shown["mistakes"]) == MISTAKES_SHOWN + 3
    assert shown["mistakes"][1] == {"file": "a.csv", "line": 1, "column": "x", "message": "bad.", "hint": ""}


def test_what_was_done_before_a_failure_is_told() -> None:
    error = ApplyFailed("Stopped half-way.", done=["a"], failed="b", not_started=["c"])
    shown = as_object(error)
    assert (shown["done"], shown["failed"], shown["not_started"]) == (["a"], "b", ["c"])


def test_an_unanswered_question_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(typer.Abort()) == 2
    assert "Nothing was done" in printed(capsys, typer.Abort())
