"""Plans that can be read aloud: from one solution to another and back, on the local Dataverse.

A case in `cases/` edits the solution in `base/` and says what the plan must read. Each block names a file and holds the
lines `old => new` (`old` may be `…` for "at the end"; `=====` stands between two edits); `-- plan --` is the plan from
base to the edited solution. The test applies base, then the plan, and sees that nothing is left to do. In the heading,
[nothing there] leaves base out, [--allow-delete] allows deletions, [uninstall] plans an uninstall.
D365EXT_UPDATE_GOLDEN=1 writes the plans; read what changed before you commit it.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from d365ext import deploy
from d365ext.definitions.load import load_solution
from d365ext.emulator import Emulator
from d365ext.webapi.client import Client
from support.deployments import a_deployed_emulator, apply, in_process

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.txt"))
IS_UPDATING = os.environ.get("D365EXT_UPDATE_GOLDEN") == "1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "base", tmp_path / "solution"))


def blocks_of(case: Path) -> tuple[str, dict[str, str]]:
    """Split a case into its heading and its blocks by name."""
    heading, *rest = re.split(r"(?m)^-- (.+) --\n", case.read_text(encoding="utf-8"))
    return heading, dict(zip(rest[::2], rest[1::2], strict=True))


def edit(file: Path, lines: str) -> None:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for line in filter(None, lines.split("\n=====\n")):
        old, _, new = line.partition(" => ")
        if old.strip() == "…":
            text += new.rstrip("\n") + "\n"
        else:
            assert old.strip() in text, f"{file.name} has no {old!r}"
            text = text.replace(old.strip(), new.strip(), 1)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_plan_reads_as_it_should(case: Path, folder: Path, tmp_path: Path) -> None:
    heading, blocks = blocks_of(case)
    emulator = Emulator() if "[nothing there]" in heading else a_deployed_emulator(tmp_path, HERE / "base")
    with closing(emulator), in_process(emulator) as client:
        _check(case, heading, blocks, folder, client)


def _check(case: Path, heading: str, blocks: dict[str, str], folder: Path, client: Client) -> None:
    allow = "[--allow-delete]" in heading
    for name, lines in blocks.items():
        if name != "plan":
            edit(folder / name, lines)
    solution = load_solution(folder)
    make = deploy.plan_uninstall if "[uninstall]" in heading else deploy.plan_for
    plan = make(client, solution, allow_delete=allow)
    text = deploy.to_text(plan)
    if IS_UPDATING:
        edits = "".join(f"-- {name} --\n{lines}" for name, lines in blocks.items() if name != "plan")
        case.write_text(f"{heading}{edits}-- plan --\n{text}", encoding="utf-8")
    assert text == blocks.get("plan", "") or IS_UPDATING
    if not plan.destructive or allow:
        apply(client, plan)
        assert make(client, solution, allow_delete=allow).is_empty


def test_and_back_again(folder: Path, tmp_path: Path) -> None:
    """From base to another solution and back: what only the other has is kept, then removed when that is allowed."""
    emulator = a_deployed_emulator(tmp_path, HERE / "base")
    with closing(emulator), in_process(emulator) as client:
        _there_and_back(folder, client)


def _there_and_back(folder: Path, client: Client) -> None:
    base = load_solution(folder)
    edit(
        folder / "tables/pch_visit.toml",
        '… => [column.pch_note]\ntype = "memo"\nmax_length = 500\nlabel = { en = "N", fi = "M" }',
    )
    edit(folder / "tables/pch_visit.toml", "max_length = 100 => max_length = 150")
    apply(client, deploy.plan_for(client, load_solution(folder)))
    back = deploy.plan_for(client, base)
    assert [str(change) for change in back.changes] == ["~ column pch_visit.pch_name"]
    assert [str(change) for change in back.kept] == ["- column pch_visit.pch_note"]
    apply(client, deploy.plan_for(client, base, allow_delete=True))
    assert deploy.plan_for(client, base, allow_delete=True).is_empty
