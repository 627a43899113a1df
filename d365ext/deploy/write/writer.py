"""What every change needs to be carried out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from d365ext.definitions.solution import Solution
from d365ext.deploy.environment import Languages
from d365ext.webapi.client import Client


@dataclass(frozen=True, slots=True)
class Writer:
    """The client, the solution that everything goes into, and the languages to write in."""

    client: Client
    solution: Solution
    languages: Languages
    sleep: Callable[[float], None] = time.sleep

    @property
    def into(self) -> str:
        """The unique name of the solution, for the header that puts a component into it."""
        return self.solution.solution.name
