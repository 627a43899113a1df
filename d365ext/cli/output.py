"""Everything this program prints goes through here: tables, notes, JSON, progress.

What a program may read goes to standard output, what only a person wants to standard error. Colours and bars appear
on a terminal only; `NO_COLOR` is respected (https://no-color.org), by Rich.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 100
"""Columns to lay a table out for when nobody says how wide the reader's window is."""

ProgressCallback = Callable[[str, int, int | None], None]
"""Called with a step's name, how many of it are done, and how many there are (None: not known)."""


_GAP = 2
_TEXT_WIDTH = 20
_LAYOUT: dict[str, Any] = {"box": SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "padding": (0, _GAP - 1, 0, 0)}


def out() -> Console:
    """Give the console of standard output."""
    return _console(sys.stdout)


def err() -> Console:
    """Give the console of standard error."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() or os.environ.get("COLUMNS") else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False)


def say(line: str = "", *, style: str = "") -> None:
    """Print a line of the answer to standard output, whole: no markup, no wrapping."""
    out().print(Text(line, style=style), soft_wrap=True)


def note(line: str, *, style: str = "") -> None:
    """Print a line for the person to standard error."""
    err().print(Text(line, style=style), soft_wrap=True)


def print_json(value: object) -> None:
    """Print `value` as JSON to standard output; decimals become numbers, dates and ids text."""
    sys.stdout.write(to_json(value) + "\n")
    sys.stdout.flush()


def to_json(value: object) -> str:
    """Give `value` as readable JSON text, letters of all languages as they are."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def _plain(value: object) -> int | float | str:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Sequence[bool]) -> None:
    """Print a table that fits the window.

    Shape:   `headings` and `numbers` one per column; every row as long; cells are text already, None is empty.
             Columns for which `numbers` is true stand at the right and are never broken.
    Effects: in a window too narrow for all columns the last ones are left out, and a line on standard error names them.
    """
    console = out()
    cells = [[None if row[i] is None else str(row[i]) for row in rows] for i in range(len(headings))]
    widths = [_least_width(headings[i], cells[i], number=numbers[i]) for i in range(len(headings))]
    shown = _columns_that_fit(widths, console.width)
    widths = _spread(widths[:shown], headings, cells, console.width)
    wrapped = [textwrap.wrap(headings[i], widths[i]) for i in range(shown)]
    deepest = max(map(len, wrapped))
    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", **_LAYOUT)
    for i in range(shown):
        heading = "\n".join([""] * (deepest - len(wrapped[i])) + wrapped[i])
        table.add_column(Text(heading), justify="right" if numbers[i] else "left", width=widths[i], no_wrap=numbers[i])
    for row in range(len(rows)):
        table.add_row(*(Text(column[row] or "") for column in cells[:shown]))
    console.print(table)
    if shown < len(headings):
        hidden = f"{len(headings) - shown} more columns are not shown in {console.width} characters"
        err().print(Text(f"{hidden}: {', '.join(headings[shown:])}. A wider window or --json shows them."))


def _least_width(heading: str, cells: Sequence[str | None], *, number: bool) -> int:
    """Say how narrow a column may get: numbers whole, text 20 characters of its longest cell, headings by word."""
    longest = max((len(cell) for cell in cells if cell), default=0)
    word = max((len(part) for part in heading.split()), default=0)
    return max(word, longest if number else min(longest, _TEXT_WIDTH))


def _spread(
    widths: Sequence[int], headings: Sequence[str], cells: Sequence[Sequence[str | None]], window: int
) -> list[int]:
    """Give what room is left in the window to the columns that could use it: first to cells, then to headings."""
    spread = list(widths)
    room = window - sum(widths) - _GAP * (len(widths) - 1)
    longest = [max((len(cell) for cell in cells[i] if cell), default=0) for i in range(len(widths))]
    for useful in (longest, [len(heading) for heading in headings[: len(widths)]]):
        for i, wanted in enumerate(useful):
            more = min(max(0, wanted - spread[i]), max(0, room))
            spread[i] += more
            room -= more
    return spread


def _columns_that_fit(widths: Sequence[int], window: int) -> int:
    """Count the leading columns that fit a window, with a gap between each; at least one."""
    used = -_GAP
    for count, width in enumerate(widths):
        used += _GAP + width
        if used > window:
            return max(count, 1)
    return len(widths)


@contextmanager
def progress() -> Iterator[ProgressCallback]:
    """Show a bar per step on standard error while the block runs, on a terminal only."""
    console = err()
    if not console.is_terminal:
        yield lambda _step, _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield show
