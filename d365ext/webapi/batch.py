"""`$batch`: many operations in one request, some of them together or not at all.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
("up to 1000 individual requests"; no batch inside a batch; no GET inside a change set; `Content-ID`, `$1`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from d365ext.errors import DataverseError, DeltaExpired
from d365ext.webapi.client import Client


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a batch. `path` is relative to `/api/data/v9.2/`; `body` is JSON to be.

    In a change set, `$1` in `path` or in an `@odata.bind` means the row that its first operation made, and so on.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Operations that are done all or none; no GET among them."""

    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. `error` says why it was refused; `status` 0: it was not reached.

    Of a change set: `parts` has one Outcome per operation if it was done, else none, and `error` is the set's.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    error: DataverseError | DeltaExpired | None = None
    parts: tuple[Outcome, ...] = ()


def send_batch(
    client: Client,
    items: Sequence[Operation | ChangeSet],
    *,
    continue_on_error: bool = True,
    repeatable: bool | None = None,
) -> list[Outcome]:
    """Send `items` in one request, in order.

    Shape:   items n ≥ 0 → n outcomes in the same order. A refused item does not raise: see `Outcome.error`.
    Units:   at most 1000 operations, those in change sets counted.
    Effects: one POST; items that were throttled (429 inside) are sent again, through the gate, at most
             `retry_total_s`; then their `error` stays ServiceProtection.
             After a lost reply the batch is sent again only if `repeatable`, by default: if it has no POST and no
             change set. Then a DELETE that finds nothing counts as done.
             `continue_on_error=False`: items after the first refused one have status 0.
    Errors:  UsageError for too many operations, a GET in a change set or a batch in a batch; else as `Client.send`.
    """
    raise NotImplementedError
