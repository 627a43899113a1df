"""A plan: the changes in order, what they cannot undo or would destroy, and what is left alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from d365ext.definitions.solution import Solution
from d365ext.deploy.change import Change
from d365ext.deploy.diff import Difference
from d365ext.errors import DestructiveChange, PlanError


class Purpose(StrEnum):
    """What a plan is for."""

    APPLY = "apply"
    UNINSTALL = "uninstall"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to the environment at `url`.

    `kept` are removals that are not part of the plan: what carries our prefix and is no longer declared.
    `notes` are sentences for the person.
    """

    purpose: Purpose
    solution: Solution = field(repr=False)
    url: str
    changes: tuple[Change, ...]
    kept: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    allow_delete: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to do."""
        return not self.changes

    @property
    def irreversible(self) -> tuple[Change, ...]:
        """The changes that cannot be undone."""
        return tuple(change for change in self.changes if change.irreversible)

    @property
    def destructive(self) -> tuple[Change, ...]:
        """The changes that lose what people may have put there."""
        return tuple(change for change in self.changes if change.is_destructive)

    def refuse_unallowed(self) -> None:
        """Refuse a plan that destroys, unless that was allowed.

        Errors:  DestructiveChange.
        """
        if self.destructive and not self.allow_delete:
            what = "; ".join(f"{change}{f' ({change.remark})' if change.remark else ''}" for change in self.destructive)
            raise DestructiveChange(
                f"The plan would destroy something: {what}. Nothing was written.",
                hint="Give --allow-delete if that is meant.",
            )


def make_plan(solution: Solution, difference: Difference, *, url: str, allow_delete: bool = False) -> Plan:
    """Make a plan of what differs; what is no longer declared is removed only if that is allowed.

    Errors:  PlanError with every reason why the environment cannot be brought to the solution.
    """
    if difference.refusals:
        reasons = "\n".join(f"  {reason}" for reason in difference.refusals)
        raise PlanError(f"The solution cannot be applied to {url}; nothing was written:\n{reasons}")
    return Plan(
        Purpose.APPLY,
        solution,
        url,
        changes=difference.changes + (difference.strays if allow_delete else ()),
        kept=() if allow_delete else difference.strays,
        allow_delete=allow_delete,
    )
