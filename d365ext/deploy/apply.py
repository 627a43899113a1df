"""Carries out a plan, step by step, so that it can be killed anywhere and finished by the next apply.

Before the first step the solution is marked as unfinished, after the last everything touched is published and the mark
comes off. Each step is safe to carry out again. The platform allows one customization at a time: a step that is told so
waits and tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from d365ext.deploy.change import Change
from d365ext.deploy.marker import marked
from d365ext.deploy.plan import Plan, Purpose
from d365ext.deploy.publication import NOTHING, Publication
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
    steps = list(_steps(plan.changes))
    _mark(plan, writer)
    done: list[Change] = []
    for number, step in enumerate(steps, start=1):
        on_progress(Progress(number, len(steps), str(step)))
        try:
            _patiently(step, writer)
        except D365Error as cause:
            if number == 1:
                raise
            raise _failed(plan.changes, done, step, cause) from cause
        if isinstance(step, Change):
            done.append(step)
    _unmark(plan, writer)
    return ApplyReport(plan.changes)


@dataclass(frozen=True, slots=True)
class Publishing:
    """The step that lets people see what was changed."""

    publication: Publication

    def __str__(self) -> str:
        return "publish"


def _steps(changes: Sequence[Change]) -> Iterator[Change | Publishing]:
    """Give the changes, and after them the publishing; in between too, where what follows needs it."""
    publication = NOTHING
    for number, change in enumerate(changes):
        yield change
        publication |= change.publication
        is_last_of_its_kind = number + 1 == len(changes) or not changes[number + 1].is_published_at_once
        if change.is_published_at_once and is_last_of_its_kind:
            yield Publishing(publication)
            publication = NOTHING
    if publication:
        yield Publishing(publication)


def _take(step: Change | Publishing, writer: Writer) -> None:
    if isinstance(step, Publishing):
        publish(writer.client, step.publication.to_xml())
    else:
        WRITERS[type(step)](writer, step)


def _failed(changes: Sequence[Change], done: list[Change], step: object, cause: D365Error) -> ApplyFailed:
    rest = [change for change in changes[len(done) :] if change is not step]
    return ApplyFailed(
        f"{len(done)} of {len(changes)} changes were made; then this failed: {step}: {cause}",
        done=done,
        failed=step,
        not_started=rest,
        hint="Mend the cause and apply again: it goes on from here.",
    )


def _patiently(step: Change | Publishing, writer: Writer) -> None:
    """Take a step; wait while somebody else is customizing."""
    for _ in range(_LOCK_TRIES):
        try:
            _take(step, writer)
        except DataverseError as refusal:
            if refusal.code != _LOCKED:
                raise
            writer.sleep(_LOCK_EVERY_S)
        else:
            return
    _take(step, writer)


def _mark(plan: Plan, writer: Writer) -> None:
    if plan.purpose is Purpose.APPLY and plan.changes:
        describe_solution(writer, marked(plan.solution.solution.description))


def _unmark(plan: Plan, writer: Writer) -> None:
    if not any(isinstance(each, DeleteSolution) for each in plan.changes):
        describe_solution(writer, plan.solution.solution.description)
