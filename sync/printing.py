"""How the commands of `sync` show what they found; the printing itself is d365ext.cli.output's."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from d365ext.cli.output import out, print_json, print_table, say

if TYPE_CHECKING:
    from sync.summary import RunSummary
    from sync.verify import Verification

SHOWN = 20
"""A person reads no more rows of a failure at once; `--json` gives all."""


def print_summary(summary: RunSummary, *, as_json: bool) -> None:
    """Print what a run did."""
    if as_json:
        print_json(summary.as_json())
        return
    headings = ["Table", "Read", "Deleted", "Pages"]
    rows = [
        [name, number(count.read), number(count.deleted), number(count.pages)] for name, count in summary.tables.items()
    ]
    print_table("", headings, rows, numbers=[False, True, True, True])
    out().print(_line(summary), soft_wrap=True)


def print_line(summary: RunSummary, *, as_json: bool) -> None:
    """Print what a run did, on one line, for a log."""
    if as_json:
        sys.stdout.write(json.dumps(summary.as_json(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    say(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}  {_line(summary)}")


def _line(summary: RunSummary) -> str:
    wrote = summary.written
    return (
        f"As of {summary.as_of}: {summary.rows:,} pipeline rows; {wrote.created:,} created, {wrote.updated:,} updated, "
        f"{wrote.deleted:,} deleted, {len(summary.failed):,} failed; {summary.requests:,} requests, "
        f"{summary.duration_s:.1f} s."
    )


def print_verification(found: Verification, *, as_json: bool) -> None:
    """Print what differs."""
    if as_json:
        print_json(
            {
                "as_of": found.as_of,
                "rows": found.rows,
                "cells": found.cells,
                "differing": found.differing,
                "differences": [each.as_json() for each in found.differences],
            }
        )
        return
    if found.differences:
        rows = [
            [each.name, each.column or each.as_json()["what"], cell(each.wanted), cell(each.found)]
            for each in found.differences[:SHOWN]
        ]
        print_table("", ["Row", "Column", "Ought to be", "Is"], rows, numbers=[False] * 4)
    say(f"As of {found.as_of}: {found.rows:,} rows, {found.cells:,} cells; {found.differing:,} differ.")


def number(value: float | None) -> str:
    """Write a number for a table."""
    return "" if value is None else f"{value:,}"


def cell(value: Any) -> str:
    """Write a value for a table."""
    return "" if value is None else str(value)
