"""The ledger of the real clients tells what works, what is refused by design and what fails."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LEDGER = Path(__file__).parents[2] / "conformance" / "clients" / "python_sdk" / "ledger.py"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which lives beside programs of another virtual environment."""
    spec = importlib.util.spec_from_file_location("ledger", LEDGER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ledger", module)
    spec.loader.exec_module(module)
    return module


async def succeeds(at: Any) -> None:
    del at


async def breaks(at: Any) -> None:
    del at
    raise ValueError("broken")


def outcome(ledger: ModuleType, operation: Any, capsys: pytest.CaptureFixture[str], tree: str = "sync") -> Any:
    world = ledger.World(client=None, tree=tree, admin="", folder=Path())
    asyncio.run(ledger.carry_out([operation], world))
    said = capsys.readouterr().out
    return json.loads(said)["outcome"] if said else None


def refuses(ledger: ModuleType, status: int) -> Any:
    async def run(at: Any) -> None:
        del at
        raise ledger.Refused(status, "The local Dataverse does not implement that.")

    return run


def written(ledger: ModuleType, run: Any, why: str = "", **more: Any) -> Any:
    book = ledger.Ledger()
    (book.refused("it", why, **more) if why else book.works("it", **more))(run)
    return book.operations[0]


def test_what_works_works_and_what_breaks_fails(ledger: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(ledger, written(ledger, succeeds), capsys) == "works"
    assert outcome(ledger, written(ledger, breaks), capsys) == "fails"


def test_only_what_is_said_to_be_refused_may_be(ledger: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(ledger, written(ledger, refuses(ledger, 501), "by design"), capsys) == "refused"
    assert outcome(ledger, written(ledger, refuses(ledger, 501)), capsys) == "fails"
    assert outcome(ledger, written(ledger, refuses(ledger, 400), "by design"), capsys) == "fails"
    assert outcome(ledger, written(ledger, refuses(ledger, 400), "by design", status=400), capsys) == "refused"
    assert outcome(ledger, written(ledger, breaks, "by design"), capsys) == "fails"


def test_what_is_said_to_be_refused_may_not_work(ledger: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(ledger, written(ledger, succeeds, "by design"), capsys) == "fails"


def test_an_operation_of_the_other_tree_is_left_out(ledger: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    operation = written(ledger, succeeds, trees=("sync",))
    assert outcome(ledger, operation, capsys, tree="async") is None
