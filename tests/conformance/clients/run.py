"""Run the real clients against the local Dataverse and print what came of every operation: `make conformance`.

Ends with 1 if an operation fails. A client that cannot be run here is told and left out, unless `--all` is given.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from support.real_clients import NotAvailable, Row, dynamics_web_api, python_sdk, spasample


def main() -> int:
    """Run the clients; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spasample", type=Path, help="a checkout of github.com/microsoft/PowerApps-Samples")
    parser.add_argument("--all", action="store_true", help="a client that cannot be run is a failure")
    given = parser.parse_args()
    runs: dict[str, Callable[[], list[Row]]] = {
        "Python SDK, sync": partial(python_sdk, "sync"),
        "Python SDK, async": partial(python_sdk, "async"),
        "dynamics-web-api": dynamics_web_api,
        "SPASample": partial(_spasample, given.spasample),
    }
    rows: list[Row] = []
    left_out: list[str] = []
    for name, run in runs.items():
        try:
            rows += run()
        except NotAvailable as missing:
            left_out.append(f"{name}: not run: {missing}.")
    _print_table(rows)
    for line in left_out:
        _say(line)
    return int(any(row.outcome == "fails" for row in rows) or (given.all and bool(left_out)))


def _spasample(checkout: Path | None) -> list[Row]:
    if checkout is None:
        raise NotAvailable("no checkout of PowerApps-Samples was named (make conformance SPASAMPLE=path)")
    return spasample(checkout)


def _print_table(rows: list[Row]) -> None:
    widths = [max([len(getattr(row, name)) for row in rows], default=0) for name in ("client", "operation", "outcome")]
    for row in rows:
        cells = zip((row.client, row.operation, row.outcome), widths, strict=True)
        _say("  ".join([*(cell.ljust(width) for cell, width in cells), " ".join(row.reason.split())]).rstrip())
    _say("")
    for client in dict.fromkeys(row.client for row in rows):
        outcomes = Counter(row.outcome for row in rows if row.client == client)
        counted = ", ".join(f"{outcomes[each]} {each}" for each in ("works", "refused", "fails"))
        _say(f"{client}: {sum(outcomes.values())} operations: {counted}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
