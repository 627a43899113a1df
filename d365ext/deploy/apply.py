"""Carries out a plan, step by step, so that it can be killed anywhere and finished by the next apply.

Before the first step the solution is marked as unfinished, after the last everything touched is published and the mark
comes off. Each step is safe to carry out again. The platform allows one customization at a time: a step that is told so
waits and tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from d365ext.deploy.change import Change
from d365ext.deploy.marker import marked
from d365ext.deploy.plan import Plan, Purpose
from d365ext.deploy.publication import NOTHING
from d365ext.deploy.removal import DeleteSolution
from d365ext.deploy.write.heads import describe_solution
from d365ext.deploy.write.table import WRITERS
from d365ext.deploy.write.writer import Writer
from d365ext.errors import ApplyFailed, D365Error, DataverseError
from d365ext.webapi.components import publish

# "Cannot start another [customization] because there is a previous one running at this moment": metadata changes,
# imports and publishing take a lock of the whole organization and fail at once while it is taken. [inferred: seen
# widely, documented nowhere that we found]
_LOCKED = "0x80071151"
_LOCK_EVERY_S = 10.0
_LOCK_TRIES = 60


@dataclass(frozen=True, slots=True)
class Progress:
    """What is about to be done: step `number` of `total`."""

    number: int
    total: int
    what: str


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What was done."""

    done: tuple[Change, ...]


def carry_out(plan: Plan, writer: Writer, on_progress: OnProgress) -> ApplyReport:
    """Carry out every change of `plan`, then publish.

    Errors:  the refusal itself if the first change is refused; ApplyFailed (done, failed, not_started) after that.
    """
    steps: list[tuple[str, Callable[[], None]]] = [(str(each), _step(writer, each)) for each in plan.changes]
    publication = NOTHING
    for each in plan.changes:
        publication |= each.publication
    if publication:
        parameter_xml = publication.to_xml()
        steps.append(("publish", lambda: publish(writer.client, parameter_xml)))
    _mark(plan, writer)
    for number, (what, step) in enumerate(steps, start=1):
        on_progress(Progress(number, len(steps), what))
        try:
            _patiently(step, writer.sleep)
        except D365Error as cause:
            if number == 1:
                raise
            raise _failed(plan.changes, number - 1, what, cause) from cause
    _unmark(plan, writer)
    return ApplyReport(plan.changes)


def _step(writer: Writer, change: Change) -> Callable[[], None]:
    return lambda: WRITERS[type(change)](writer, change)


def _failed(changes: Sequence[Change], done: int, what: str, cause: D365Error) -> ApplyFailed:
    return ApplyFailed(
        f"{done} of {len(changes)} changes were made; then this failed: {what}: {cause}",
        done=changes[:done],
        failed=changes[done] if done < len(changes) else "publish",
        not_started=changes[done + 1 :],
        hint="Mend the cause and apply again: it goes on from here.",
    )


def _patiently(step: Callable[[], None], sleep: Callable[[float], None]) -> None:
    """Carry out a step; wait while somebody else is customizing."""
    for _ in range(_LOCK_TRIES):
        try:
            step()
        except DataverseError as refusal:
            if refusal.code != _LOCKED:
                raise
            sleep(_LOCK_EVERY_S)
        else:
            return
    step()


def _mark(plan: Plan, writer: Writer) -> None:
    if plan.purpose is Purpose.APPLY and plan.changes:
        describe_solution(writer, marked(plan.solution.solution.description))


def _unmark(plan: Plan, writer: Writer) -> None:
    if not any(isinstance(each, DeleteSolution) for each in plan.changes):
        describe_solution(writer, plan.solution.solution.description)
