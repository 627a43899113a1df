"""Why a plan cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from d365ext.deploy.change import Change


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something in the environment that we must not or cannot change; the plan is refused with every one of them."""

    message: str


Findings: TypeAlias = Iterator[Change | Refusal]
