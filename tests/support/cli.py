"""Runs the command line: as a subprocess, as users do, or in this process, which is faster."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from d365ext.cli.app import run


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; fails with all that was printed if it is none."""
        assert self.code == 0, self
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error that `--json` put on standard error."""
        return json.loads(self.err)["error"]


def in_process(*arguments: str) -> Ran:
    """Run one command in this process; settings are those of `os.environ`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(list(arguments))
    return Ran(code, out.getvalue(), err.getvalue())


def environment(url: str = "", **more: str) -> dict[str, str]:
    """The environment variables of a subprocess: this one's, without any settings but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("D365EXT_")}
    state = os.environ["D365EXT_STATE_DIR"]
    given = {"D365EXT_STATE_DIR": state, **({"D365EXT_URL": url} if url else {}), **more}
    return {**kept, **given, "PYTHONIOENCODING": "utf-8"}


def as_subprocess(*arguments: str, env: Mapping[str, str], cwd: Path | None = None, answer: str = "") -> Ran:
    """Run one command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "d365ext", *arguments],
        env=dict(env),
        cwd=cwd,
        input=answer,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
