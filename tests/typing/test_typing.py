"""What our types promise: mypy accepts right use and names each wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).parent
_FOUND = re.compile(r"^[^:]*?(\w+\.py):(\d+): error: .*(\[[\w-]+\])$")


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(HERE.glob("*_use.py")), ids=lambda file: file.stem)
def test_mypy_finds_exactly_the_mistakes_that_are_marked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYPYPATH", str(HERE.parent))
    top = HERE.parent.parent
    said, trouble, _ = api.run(
        [
            "--config-file",
            str(top / "pyproject.toml"),
            "--cache-dir",
            str(top / ".mypy_cache"),
            "--no-error-summary",
            str(file),
        ]
    )
    assert trouble == ""
    found = {(int(hit[2]), hit[3]) for line in said.splitlines() if (hit := _FOUND.match(line)) and hit[1] == file.name}
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    marked = {(number, line.partition("# E: ")[2]) for number, line in lines if "# E: " in line}
    assert found == marked
    assert marked
