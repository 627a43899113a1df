"""Security roles. Privileges that others gave to them stay."""

from __future__ import annotations

from d365ext.definitions.roles import Role
from d365ext.definitions.solution import Solution
from d365ext.deploy.compare.refusal import Findings
from d365ext.deploy.describe import from_to
from d365ext.deploy.environment import Environment
from d365ext.deploy.ui_change import CreateRole, ModifyRole

DEPTHS = {"user": "Basic", "business unit": "Local", "parent": "Deep", "organization": "Global"}
"""Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/privilegedepth."""


def compare_roles(solution: Solution, environment: Environment) -> Findings:
    """Compare every role that we declare."""
    for role in solution.roles.values():
        wanted = privileges_of(role, environment)
        found = environment.roles.get(role.id)
        if found is None:
            yield CreateRole(role, tuple(wanted.items()))
            continue
        missing = {name: depth for name, depth in wanted.items() if found.privileges.get(name) != depth}
        differences = [from_to("name", found.name, role.name)] if found.name != role.name else []
        differences += [from_to(name, found.privileges.get(name), depth) for name, depth in missing.items()]
        if differences:
            yield ModifyRole(role, tuple(missing.items()), tuple(differences))


def privileges_of(role: Role, environment: Environment) -> dict[str, str]:
    """List the privileges that a role needs, by name, and their depth.

    A table that is not there yet will have privileges called after it (prvReadpch_pipeline).
    """
    wanted = dict.fromkeys(role.other, DEPTHS["organization"])
    for table, rights in role.tables.items():
        for right, depth in rights.model_dump(exclude_none=True).items():
            name = environment.privileges.get((table, right)) or f"prv{right.title().replace('_', '')}{table}"
            wanted[name] = DEPTHS[depth]
    return wanted
