"""The pages on the local Dataverse are up to date and true: what they show runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from d365ext.emulator import Emulator, routes, running
from d365ext.emulator.web.faults import KINDS
from support import emulator_coverage

GUIDE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
SERVER = "http://127.0.0.1:8181"


def blocks(language: str) -> list[str]:
    """Give the examples in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_coverage_page_is_up_to_date() -> None:
    page = emulator_coverage.PAGE.read_text(encoding="utf-8")
    remedy = "make it anew: PYTHONPATH=tests python -m support.emulator_coverage"
    assert page == emulator_coverage.page(), remedy


@pytest.mark.parametrize("name", routes.ADMIN)
def test_every_route_of_its_own_is_in_the_guide(name: str) -> None:
    assert f"/_emulator/{name}`" in GUIDE


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_fault_is_in_the_guide(kind: str) -> None:
    assert f"| `{kind}` |" in GUIDE


@pytest.mark.parametrize("example", blocks("python"))
def test_python_examples_run(example: str, tmp_path: Path) -> None:
    file = tmp_path / "test_example.py"
    file.write_text(example, encoding="utf-8")
    is_test = "def test_" in example
    command = [
        sys.executable,
        *(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)] if is_test else [str(file)]),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("language", "program"), [("bash", "bash"), ("javascript", "node")])
def test_other_examples_run(language: str, program: str, emulator: Emulator, tmp_path: Path) -> None:
    needed = [program, "curl"] if language == "bash" else [program]
    if missing := [each for each in needed if shutil.which(each) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    examples = blocks(language)
    assert examples
    with running(emulator) as served:
        for example in examples:
            file = tmp_path / ("example.sh" if language == "bash" else "example.mjs")
            file.write_text(example.replace(SERVER, served.url), encoding="utf-8")
            command = [program, *(["-euo", "pipefail"] if language == "bash" else []), str(file)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, example + done.stdout + done.stderr
