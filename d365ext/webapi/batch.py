"""`$batch`: many operations in one request, some of them together or not at all.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
("up to 1000 individual requests"; no batch inside a batch; no GET inside a change set; `Content-ID`, `$1`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from d365ext.errors import DataverseError, DeltaExpired, RowNotFound, ServiceProtection, UsageError
from d365ext.webapi import faults, multipart
from d365ext.webapi.client import Client
from d365ext.webapi.codec import to_json
from d365ext.webapi.multipart import PartReply, PartRequest
from d365ext.webapi.transport import Reply, Request

OPERATIONS_MAX = 1000
_REFERENCE = re.compile(r"\$\d+")
_NOT_REACHED = 0


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
    _check(items)
    if repeatable is None:
        repeatable = all(isinstance(item, Operation) and item.method != "POST" for item in items)
    transport = client.transport
    give_up_at = transport.clock.monotonic() + transport.patience.total_s
    outcomes = [Outcome(_NOT_REACHED, {}, b"") for _ in items]
    waiting = list(range(len(items)))
    attempt = 0
    while waiting:
        attempt += 1
        try:
            found = _send_once(client, [items[i] for i in waiting], continue_on_error, repeatable)
        except DataverseError as error:
            if attempt == 1:
                raise
            found = [Outcome(error.status, {}, b"", error) for _ in waiting]  # what was done earlier must not be lost
            give_up_at = 0.0
        for i, outcome in zip(waiting, found, strict=False):
            outcomes[i] = outcome
        throttled = [i for i, outcome in enumerate(outcomes) if isinstance(outcome.error, ServiceProtection)]
        if not throttled or not _hold(client, [outcomes[i].error for i in throttled], attempt, give_up_at):
            break
        # Without continue-on-error the throttled one stopped the batch: those after it were not reached.
        waiting = throttled if continue_on_error else list(range(throttled[0], len(items)))
    return outcomes


def _check(items: Sequence[Operation | ChangeSet]) -> None:
    count = 0
    for item in items:
        operations = item.operations if isinstance(item, ChangeSet) else [item]
        count += len(operations)
        for operation in operations:
            if operation.path.rstrip("/").endswith("$batch"):
                raise UsageError("A batch cannot stand in a batch.")
            if isinstance(item, ChangeSet) and operation.method == "GET":
                raise UsageError(f"A change set cannot read: GET {operation.path}.")
    if count > OPERATIONS_MAX:
        raise UsageError(f"A batch takes {OPERATIONS_MAX} operations, not {count}.", hint="Split it.")


def _hold(client: Client, errors: Sequence[Exception | None], attempt: int, give_up_at: float) -> bool:
    """Close the gate for as long as the throttled parts ask; False if there is no time left to wait for it."""
    transport = client.transport
    asked_s = [error.retry_after_s for error in errors if isinstance(error, ServiceProtection)]
    said_s = [seconds for seconds in asked_s if seconds is not None]
    transport.gate.close_for(max(said_s) if said_s else transport.patience.pause_s(attempt))
    return transport.clock.monotonic() + transport.gate.closed_s() <= give_up_at


def _send_once(
    client: Client,
    items: Sequence[Operation | ChangeSet],
    continue_on_error: bool,  # noqa: FBT001 (private; named at the only call)
    repeatable: bool,  # noqa: FBT001 (same)
) -> list[Outcome]:
    boundary = f"batch_{uuid4()}"
    headers = {"Content-Type": f'multipart/mixed; boundary="{boundary}"'}
    if continue_on_error:
        headers["Prefer"] = "odata.continue-on-error"
    try:
        body = multipart.write([_written(client, item) for item in items], boundary)
    except ValueError as cause:
        raise UsageError(f"The batch cannot be written: {cause}.") from cause
    reply = client.send("POST", "$batch", body=body, headers=headers, repeatable=repeatable)
    try:
        answers = multipart.read(reply.body, reply.headers.get("Content-Type", ""))
    except ValueError as cause:
        raise faults.not_multipart(reply.request, reply, str(cause)) from cause
    if len(answers) > len(items) or (continue_on_error and len(answers) < len(items)):
        raise faults.not_multipart(reply.request, reply, f"{len(answers)} answers to {len(items)} operations")
    return [_outcome(client, item, answer, reply) for item, answer in zip(items, answers, strict=False)]


def _written(client: Client, item: Operation | ChangeSet) -> PartRequest | list[PartRequest]:
    if isinstance(item, ChangeSet):
        return [_part(client, operation, str(number)) for number, operation in enumerate(item.operations, 1)]
    return _part(client, item, "")


def _part(client: Client, operation: Operation, content_id: str) -> PartRequest:
    is_reference = bool(content_id) and _REFERENCE.match(operation.path)
    headers = {"Accept": "application/json"}
    body = b""
    if operation.body is not None:
        headers["Content-Type"] = "application/json"
        body = to_json(operation.body)
    path = operation.path if is_reference else client.path(operation.path)
    return PartRequest(operation.method, path, {**headers, **operation.headers}, body, content_id)


def _outcome(client: Client, item: Operation | ChangeSet, answer: PartReply | list[PartReply], reply: Reply) -> Outcome:
    if isinstance(item, Operation):
        one = answer[0] if isinstance(answer, list) else answer
        return _of_operation(client, item, one, reply)
    answers = answer if isinstance(answer, list) else [answer]
    if len(answers) == len(item.operations) and all(one.status < 400 for one in answers):
        if all(one.content_id.isdigit() for one in answers):
            answers = sorted(answers, key=lambda one: int(one.content_id))
        pairs = zip(item.operations, answers, strict=True)
        parts = tuple(_of_operation(client, operation, one, reply) for operation, one in pairs)
        return Outcome(200, {}, b"", parts=parts)
    # A failed change set answers once, for the set; a Content-ID says which operation it was.
    refused = next((one for one in answers if one.status >= 400), None)
    if refused is None:
        raise faults.not_multipart(reply.request, reply, f"{len(answers)} answers in a set of {len(item.operations)}")
    number = int(refused.content_id) if refused.content_id.isdigit() else 1
    return _of_operation(client, item.operations[min(number, len(item.operations)) - 1], refused, reply)


def _of_operation(client: Client, operation: Operation, answer: PartReply, reply: Reply) -> Outcome:
    is_reference = _REFERENCE.match(operation.path)
    path = operation.path if is_reference else client.path(operation.path)
    request = Request(operation.method, path, operation.headers)
    error = faults.from_reply(
        request, Reply(answer.status, answer.headers, answer.body, request), now=client.transport.clock.now()
    )
    if isinstance(error, DataverseError):
        error.after_lost_reply = reply.after_lost_reply
        error.request_id = error.request_id or faults.request_id(reply)
        if isinstance(error, RowNotFound) and operation.method == "DELETE" and reply.after_lost_reply:
            return Outcome(204, {}, b"")
    return Outcome(answer.status, answer.headers, answer.body, error)
