"""Publisher and solution."""

from __future__ import annotations

from collections.abc import Iterable

from d365ext.definitions.solution import Solution
from d365ext.deploy.change import CreatePublisher, CreateSolution, ModifyPublisher, ModifySolution
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.describe import from_to
from d365ext.deploy.environment import Environment
from d365ext.deploy.publication import NOTHING, Publication


def compare_publisher(solution: Solution, environment: Environment) -> Findings:
    """Compare the publisher; one with our name but another prefix is somebody else."""
    wanted, found = solution.publisher, environment.publisher
    if found is None:
        yield CreatePublisher(wanted)
        return
    there = found.what
    if (there.prefix, there.option_prefix) != (wanted.prefix, wanted.option_prefix):
        yield Refusal(
            f"The environment has a publisher {there.name} with the prefix {there.prefix} and option values from "
            f"{there.option_prefix * 10_000}; ours has {wanted.prefix} and {wanted.option_prefix * 10_000}."
        )
    elif differences := _differences(there, wanted, ("label", "description")):
        yield ModifyPublisher(wanted, found.id, differences)


def compare_solution(solution: Solution, environment: Environment, everything: Iterable[Publication]) -> Findings:
    """Compare the solution row. If an apply was stopped before its end, `everything` is published again."""
    wanted, found = solution.solution, environment.solution
    if found is None:
        yield CreateSolution(wanted, solution.publisher.name)
        return
    if found.is_managed:
        yield Refusal(
            f"The solution {wanted.name} is installed as managed: only its supplier's next version can change it."
        )
        return
    differences = _differences(found.what, wanted, ("label", "description", "version"))
    again = NOTHING
    if environment.is_unfinished:
        differences = (*differences, "an apply was stopped before its end: publish everything")
        for each in everything:
            again |= each
    if differences:
        yield ModifySolution(wanted, found.id, differences, again)


def _differences(there: object, wanted: object, names: tuple[str, ...]) -> tuple[str, ...]:
    pairs = [(name, getattr(there, name), getattr(wanted, name)) for name in names]
    return tuple(from_to(name, before, after) for name, before, after in pairs if before != after)
