"""`d365ext demo`: the whole system once, from any folder, leaving nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import as_subprocess, environment

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is no checkout, with a folder for what is temporary beside it."""
    for name in ("here", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def left_behind(elsewhere: Path) -> list[str]:
    return sorted(str(path.relative_to(elsewhere)) for path in elsewhere.rglob("*") if path.is_file())


def test_the_demo_tells_the_whole_story_in_100_columns_and_leaves_nothing(elsewhere: Path) -> None:
    env = environment(
        TMPDIR=str(elsewhere / "tmp"), HOME=str(elsewhere / "here"), D365EXT_URL="https://not.mine.example"
    )
    ran = as_subprocess("demo", "--today", "2026-11-22", env=env, cwd=elsewhere / "here")
    assert ran.code == 0, ran
    story = [
        r"A local Dataverse is running\. http://127\.0\.0\.1:\d+",
        r"\d+ changes made, 0 left to make",
        r"71 companies, 56 people, \d+ leads, 800 opportunities, \d+ quotes, \d+ orders\.",
        r"\d+ rows read, \d+ written\.",
        r"Partners by open value",
        r"Partner contacts by open value",
        r"Customers: direct and through partners",
        r"Partners at customers by open value",
        r"The sync runs a second time\. 0 rows written",
        r"A deal changes hands\. '.+', worth [\d,.]+, moves from .+ to .+\.",
        r"The next sync follows it\. [1-9]\d* rows written",
        r"Nothing is left of it on this machine",
    ]
    places = [re.search(pattern, ran.out) for pattern in story]
    assert all(places), [pattern for pattern, place in zip(story, places, strict=True) if not place]
    assert [place.start() for place in places if place] == sorted(place.start() for place in places if place)
    tables = [line for line in ran.out.splitlines() if "€" in line]
    assert tables
    assert max(map(len, tables)) <= 100
    assert left_behind(elsewhere) == []
    worth, moves = re.search(r"worth ([\d,.]+),", ran.out), re.findall(r"open value ([\d,.]+) → ([\d,.]+)", ran.out)
    assert worth is not None
    changes = [amount(after) - amount(before) for before, after in moves]
    assert changes == [pytest.approx(-amount(worth[1]), abs=0.01), pytest.approx(amount(worth[1]), abs=0.01)]


def amount(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing_either(elsewhere: Path, number: signal.Signals) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "d365ext", "demo"],
        env=environment(TMPDIR=str(elsewhere / "tmp"), PYTHONUNBUFFERED="1"),
        cwd=elsewhere / "here",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout is not None
    while "is running" not in running.stdout.readline():
        assert running.poll() is None
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert said.count("error:") == 1
    assert left_behind(elsewhere) == []
