"""Tables that fit the window, JSON for programs, colours and bars for terminals only."""

from __future__ import annotations

import io
import json
import sys
from datetime import date
from decimal import Decimal

import pytest

from d365ext.cli.output import print_json, print_table, progress, say

HEADINGS = ["Partner", "Open deals", "Open value", "Won value"]
ROWS = [["Käpylahden Leipomo ja Konditoria Oy", "12", "1,234,567.50", None], ["B", "3", "8.00", "10.00"]]
NUMBERS = [False, True, True, True]


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_table("Partners", HEADINGS, ROWS, numbers=NUMBERS)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_table_is_laid_out_for_100_columns_if_nobody_says_how_wide(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys)
    assert lines[0] == "Partners"
    assert max(map(len, lines)) <= 100
    assert "Käpylahden Leipomo ja Konditoria Oy" in "\n".join(lines)


def test_a_narrow_window_breaks_text_but_never_a_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    text = "\n".join(shown(capsys))
    assert "1,234,567.50" in text
    assert "Käpylahden Leipomo ja Konditoria Oy" not in text
    assert max(map(len, text.splitlines())) <= 50


def test_columns_that_do_not_fit_are_named_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_table("Partners", HEADINGS, ROWS, numbers=NUMBERS)
    printed = capsys.readouterr()
    assert "Open value" not in printed.out
    assert " ".join(printed.err.split()).endswith("Open value, Won value. A wider window or --json shows them.")
    assert max(map(len, printed.out.splitlines())) <= 30


def test_json_has_numbers_as_numbers_and_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Öljy", "value": Decimal("585616.00"), "rate": Decimal("62.98"), "on": date(2026, 1, 2)})
    text = capsys.readouterr().out
    assert "Öljy" in text
    assert json.loads(text) == {"name": "Öljy", "value": 585616, "rate": 62.98, "on": "2026-01-02"}


def test_nothing_but_a_terminal_gets_colours_and_bars(capsys: pytest.CaptureFixture[str]) -> None:
    say("done", style="bold green")
    with progress() as step:
        step("Loading", 1, 2)
    output = capsys.readouterr()
    assert (output.out, output.err) == ("done\n", "")


class Terminal(io.StringIO):
    """Standard error of somebody who looks at it."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    with progress() as step:
        step("Loading", 1, 2)
    assert "Loading" in terminal.getvalue()
    assert "\x1b[3" not in terminal.getvalue()
