"""Runs the operations of a client one after the other, and says of each what came of it.

It runs in the client's own virtual environment, so it needs nothing but the standard library. One line of JSON on
standard output for each operation: {"operation", "outcome": "works" | "refused" | "fails", "reason"}.
"""

from __future__ import annotations

import inspect
import json
import sys
import traceback
import urllib.request
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

Failure = TypeVar("Failure", bound=Exception)
NOT_IMPLEMENTED = 501
BOTH = ("sync", "async")


class Refused(Exception):  # noqa: N818  it says what the server did
    """A part of a batch was refused; the client gives no exception of its own for that."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


@dataclass
class World:
    """What operations share: the client, in either tree of the SDK, and what earlier operations left."""

    client: Any
    tree: str  # "sync" or "async"
    admin: str  # http://…/_emulator
    folder: Path  # for files to upload
    kept: dict[str, Any] = field(default_factory=dict)

    def tell(self, method: str, route: str, body: Any) -> None:
        """Ask something of the local Dataverse itself, as a test of one's own would."""
        request = urllib.request.Request(  # noqa: S310  an address of loopback
            f"{self.admin}/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
        )
        urllib.request.urlopen(request).close()  # noqa: S310  same

    async def done(self, value: Any) -> Any:
        """Give what the sync tree gives at once and the async tree when awaited."""
        return await value if inspect.isawaitable(value) else value

    async def refusal(self, call: Callable[[], Any], kind: type[Failure]) -> Failure:
        """Give the exception of a call that must be refused."""
        try:
            await self.done(call())
        except kind as failure:
            return failure
        raise AssertionError("it was not refused")

    async def pages(self, pages: Any) -> list[Any]:
        """Read all pages of either tree."""
        if hasattr(pages, "__aiter__"):
            return [page async for page in pages]
        return list(pages)


Run: TypeAlias = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Operation:
    """One operation; `refused` says why the local Dataverse answers `status` on purpose, else it must work."""

    name: str
    run: Run
    refused: str
    status: int
    trees: tuple[str, ...]


class Ledger:
    """The operations, in the order they were written down."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def works(self, name: str, *, trees: tuple[str, ...] = BOTH) -> Callable[[Run], Run]:
        """Write down an operation that must work."""
        return self._add(name, "", NOT_IMPLEMENTED, trees)

    def refused(self, name: str, why: str, *, status: int = NOT_IMPLEMENTED) -> Callable[[Run], Run]:
        """Write down an operation that the local Dataverse refuses by design."""
        return self._add(name, why, status, BOTH)

    def _add(self, name: str, refused: str, status: int, trees: tuple[str, ...]) -> Callable[[Run], Run]:
        def added(run: Run) -> Run:
            self.operations.append(Operation(name, run, refused, status, trees))
            return run

        return added


async def carry_out(operations: Iterable[Operation], world: World) -> None:
    """Run every operation of the world's tree; one that fails does not stop the others."""
    for operation in operations:
        if world.tree in operation.trees:
            outcome, reason = await _outcome(operation, world)
            line = {"operation": operation.name, "outcome": outcome, "reason": reason}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


async def _outcome(operation: Operation, world: World) -> tuple[str, str]:
    try:
        await operation.run(world)
    except Exception as error:  # the outer loop: whatever a client raises is an outcome
        if operation.refused and getattr(error, "status_code", None) == operation.status:
            return "refused", f"{operation.refused}: {error}"
        where = traceback.extract_tb(error.__traceback__)[1:]
        line = f"{Path(where[0].filename).name}:{where[0].lineno}" if where else "?"
        return "fails", f"{line}: {type(error).__name__}: {error}"
    return ("fails", "it was expected to be refused, and was not") if operation.refused else ("works", "")
