"""Alternate keys."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.environment import Environment
from d365ext.deploy.removal import DeleteKey
from d365ext.deploy.table_change import CreateKey


def compare_keys(solution: Solution, environment: Environment) -> Findings:
    """Compare every alternate key that we declare."""
    for table in solution.tables.values():
        for name, key in table.keys.items():
            found = environment.keys.get((table.name, name))
            if found is None:
                yield CreateKey(table.name, name, key)
            elif set(found.key.columns) != set(key.columns):
                there = ", ".join(found.key.columns)
                yield Refusal(f"The key {table.name}.{name} is of {there}; a key cannot be changed, only removed.")
            elif found.status != "Active":
                yield CreateKey(table.name, name, key, status=found.status)


def stray_keys(solution: Solution, environment: Environment) -> Findings:
    """Find keys with our prefix, of tables that we declare, that we do not declare."""
    for table, name in environment.keys:
        declared = solution.tables.get(table)
        if declared is not None and name not in declared.keys:
            yield DeleteKey(table, name)
