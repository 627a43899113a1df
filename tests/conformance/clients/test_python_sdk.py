"""Microsoft's own Python SDK, unmodified, believes the local Dataverse: over TLS in its sync tree, over http in async.

`make conformance` runs it with the other real clients and prints the table.
"""

from __future__ import annotations

import pytest

from support.real_clients import NotAvailable, python_sdk

OPERATIONS_MIN = 75
"""So that a program which stops early does not pass."""


@pytest.mark.timeout(1200)  # the first run installs the SDK, pandas and all
@pytest.mark.xdist_group("python-sdk")  # into one folder
@pytest.mark.parametrize("tree", ["sync", "async"])
def test_every_operation_works_or_is_refused_by_design(tree: str) -> None:
    try:
        rows = python_sdk(tree)
    except NotAvailable as missing:
        pytest.skip(str(missing))
    assert [f"{row.operation}: {row.reason}" for row in rows if row.outcome == "fails"] == []
    assert len(rows) >= OPERATIONS_MIN
