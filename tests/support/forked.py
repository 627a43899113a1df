"""A process that has everything imported and forks a child for every command: a real process in a tenth of the time.

Run as a program it reads one JSON list of arguments and variables per line, and answers with the child's exit status.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import sync.verify
import sync.watch
import sync.worker  # noqa: F401  so that the children need not import them
from d365ext.cli.app import run


class Forker:
    """The other end: starts commands, waits for them, tells how they ended (a negative number: by that signal)."""

    def __init__(self) -> None:
        here = Path(__file__).resolve()
        path = os.pathsep.join([str(here.parent.parent), str(here.parent.parent.parent)])
        self._process = subprocess.Popen(
            [sys.executable, str(here)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def run(self, *arguments: str, **variables: str) -> int:
        """Run `d365ext` with `arguments`, in a process of its own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([list(arguments), variables]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def a_forker() -> Iterator[Forker]:
    """A process that forks."""
    with Forker() as forker:
        yield forker


def _serve() -> None:
    for line in sys.stdin:
        arguments, variables = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.update(variables)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os._exit(run(arguments))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
