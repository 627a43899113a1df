"""The tree of errors: exit codes, and what a person reads."""

from __future__ import annotations

import pytest

from d365ext import errors


def _tree(root: type[errors.D365Error]) -> list[type[errors.D365Error]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.UsageError, 2),
        (errors.PlanError, 3),
        (errors.ApplyFailed, 4),
        (errors.DataverseError, 5),
        (errors.DeltaExpired, 5),
        (errors.SyncError, 6),
        (errors.LeaseHeld, 7),
        (errors.Stopped, 130),
    ],
)
def test_every_branch_has_its_exit_code(kind: type[errors.D365Error], exit_code: int) -> None:
    assert {one.exit_code for one in _tree(kind)} == {exit_code}


def test_every_error_stands_in_the_drawing_at_the_top() -> None:
    drawn = errors.__doc__ or ""
    ours = [kind for kind in _tree(errors.D365Error) if kind.__module__ == errors.__name__]
    assert [kind.__name__ for kind in ours if kind.__name__ not in drawn] == []


def test_a_dataverse_error_says_request_id_first_then_where_what_and_what_to_do() -> None:
    error = errors.RowNotFound(
        "account does not exist.",
        status=404,
        code="0x80040217",
        request_id="abc",
        method="GET",
        path="/api/data/v9.2/accounts(1)",
        hint="Look again.",
    )
    assert str(error) == (
        "[request abc] GET /api/data/v9.2/accounts(1) → 404 0x80040217: account does not exist. Look again."
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "gone."),
        ({"method": "GET", "path": "/a"}, "GET /a: gone."),
        ({"status": 404}, "404: gone."),
    ],
)
def test_a_dataverse_error_leaves_out_what_is_not_known(fields: dict[str, object], text: str) -> None:
    assert str(errors.DataverseError("gone.", **fields)) == text  # type: ignore[arg-type]


def test_a_long_path_is_cut_in_the_text_and_whole_in_the_error() -> None:
    path = "/api/data/v9.2/accounts?$filter=" + "x" * 5000
    error = errors.Rejected("no.", method="GET", path=path, status=400)
    assert error.path == path
    assert len(str(error)) < 400


def test_definition_errors_list_every_mistake_with_its_place() -> None:
    first = errors.DefinitionError("unknown type 'mony'.", file="rollups.toml", line=12, path="rollup.openvalue.type")
    second = errors.DefinitionError("no name.", file="solution.toml")
    text = str(errors.DefinitionErrors([first, second]))
    assert text.splitlines() == [
        "The solution has 2 mistakes:",
        "  rollups.toml:12 [rollup.openvalue.type]: unknown type 'mony'.",
        "  solution.toml: no name.",
    ]
