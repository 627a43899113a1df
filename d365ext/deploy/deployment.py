"""Plan, apply, drift and uninstall: what the command line and programs ask for."""

from __future__ import annotations

import time
from collections.abc import Callable

from d365ext.definitions.solution import Solution
from d365ext.deploy.apply import ApplyReport, OnProgress, Progress, carry_out
from d365ext.deploy.diff import diff
from d365ext.deploy.inspect import inspect
from d365ext.deploy.plan import Plan, Purpose, make_plan
from d365ext.deploy.privileges import needs_of
from d365ext.deploy.read.heads import read_languages
from d365ext.deploy.read.losses import count_losses, is_last_solution
from d365ext.deploy.read.privileges import missing_privileges
from d365ext.deploy.uninstall import make_uninstall_plan
from d365ext.deploy.write.writer import Writer
from d365ext.errors import DriftFound, Forbidden, PlanOutOfDate
from d365ext.webapi.client import Client


def plan_for(client: Client, solution: Solution, *, allow_delete: bool = False) -> Plan:
    """Find out what to change so that the environment has what `solution` declares.

    With `allow_delete` also what carries our prefix and is no longer declared is removed.

    Effects: reads only.
    Errors:  PlanError with every reason why it cannot be done.
    """
    return make_plan(solution, diff(solution, inspect(client, solution)), url=client.url, allow_delete=allow_delete)


def plan_uninstall(client: Client, solution: Solution, *, allow_delete: bool = False) -> Plan:
    """Find out what to remove so that nothing of `solution` is left, and what would be lost.

    Effects: reads only.
    Errors:  PlanError if the solution is installed as managed.
    """
    environment = inspect(client, solution)
    publisher, head = environment.publisher, environment.solution
    return make_uninstall_plan(
        solution,
        environment,
        url=client.url,
        losses=count_losses(client, environment, f"{solution.publisher.prefix}_"),
        is_last=is_last_solution(client, publisher.id if publisher else None, head.id if head else None),
        allow_delete=allow_delete,
    )


def apply(
    client: Client,
    plan: Plan,
    *,
    on_progress: OnProgress | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> ApplyReport:
    """Carry out `plan`, if the environment is still as it was when the plan was made.

    Effects: one or two requests a change, then one publishing; safe to repeat and to kill anywhere.
    Errors:  DestructiveChange, PlanOutOfDate, Forbidden (privileges are missing) before anything is written;
             the refusal itself if the first change is refused; ApplyFailed after that.
    """
    plan.refuse_unallowed()
    if plan.is_empty:
        return ApplyReport(())
    again = _made_again(client, plan)
    if again.changes != plan.changes:
        raise PlanOutOfDate(
            "The environment changed since the plan was made; nothing was written.", hint="Make a new plan and read it."
        )
    missing = missing_privileges(client, needs_of(plan.changes))
    if missing:
        raise Forbidden(
            f"The user lacks {', '.join(missing)}; nothing was written.",
            hint="Give the user a role that has them, such as System Customizer or System Administrator.",
        )
    writer = Writer(client, plan.solution, read_languages(client, plan.solution), sleep)
    return carry_out(plan, writer, on_progress or _silently)


def _made_again(client: Client, plan: Plan) -> Plan:
    if plan.purpose is Purpose.UNINSTALL:
        return plan_uninstall(client, plan.solution, allow_delete=plan.allow_delete)
    return plan_for(client, plan.solution, allow_delete=plan.allow_delete)


def _silently(progress: Progress) -> None:
    """Say nothing."""


def drift(client: Client, solution: Solution) -> None:
    """See that the environment has what `solution` declares.

    Effects: reads only.
    Errors:  DriftFound with the plan that would mend it.
    """
    plan = plan_for(client, solution)
    if not plan.is_empty:
        count = len(plan.changes)
        raise DriftFound(
            f"The environment differs from the solution in {count} place{'s' if count != 1 else ''}.",
            plan=plan,
            hint="'d365ext deploy apply' mends it.",
        )
