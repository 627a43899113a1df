"""The form scripts keep their rules, by their own tests (`*.test.mjs`) on a form small enough to read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("name", ["account.test.mjs", "deal.test.mjs"])
def test_the_scripts_keep_their_rules(name: str) -> None:
    node = shutil.which("node")
    assert node
    done = subprocess.run([node, "--test", str(HERE / name)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
