"""What `doctor` looks at: one check after another, each with what was found and what to do. Prints nothing.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/whoami, …/retrieveversion,
…/retrieveprovisionedlanguages, …/retrieveuserprivileges (`RolePrivileges`: PrivilegeId, Depth);
…/use-change-tracking-synchronize-data-external-systems (organization-level Read; `expirechangetrackingindays`);
…/security-roles (a lookup needs Append on the row and AppendTo on what it names).
"""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365ext.definitions.tables import OwnTable
from d365ext.errors import D365Error, DataverseError, PlanError
from d365ext.webapi.query import literal, row_address
from d365ext.webapi.tabledefs import provisioned_languages

if TYPE_CHECKING:
    from d365ext.definitions.solution import Solution
    from d365ext.settings import Settings
    from d365ext.webapi.client import Client

OWN_RIGHTS = ("Create", "Read", "Write", "Delete", "Append")
NAMED_BY_PIPELINE = ("account", "contact", "transactioncurrency")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor. `exit_code` is 0 if it is well."""

    name: str
    found: str
    what_to_do: str = ""
    exit_code: int = 0

    @property
    def is_ok(self) -> bool:
        """Say whether there is nothing to do."""
        return self.exit_code == 0


def failed(name: str, error: D365Error) -> Check:
    """Make a check of what was raised while looking."""
    return Check(name, str(error).removesuffix(error.hint).rstrip(), error.hint, error.exit_code)


def check_up(settings: Settings, client: Client, solution: Solution) -> Iterator[Check]:
    """Look at everything, one after the other; what cannot be looked at is a check that is not well.

    Effects: reads only. Ends early if the environment cannot be reached or lets nobody in.
    """
    yield Check("settings", f"{settings.url}, sign-in {settings.auth}, time zone {settings.timezone}")
    user, reached = _reach(client, settings)
    yield reached
    if not reached.is_ok:
        return
    for name, look in (
        ("versions", _versions),
        ("languages", _languages),
        ("definitions", _definitions),
        ("change tracking", _change_tracking),
    ):
        yield _looked(name, lambda look=look: look(client, solution))
    yield _looked("privileges", lambda: _privileges(client, solution, user))


def _looked(name: str, look: Any) -> Check:
    try:
        found: Check = look()
    except D365Error as error:
        return failed(name, error)
    return found


def _reach(client: Client, settings: Settings) -> tuple[str, Check]:
    begun = time.monotonic()
    try:
        user = str(client.call("WhoAmI()")["UserId"])
    except D365Error as error:
        return "", failed("sign-in", error)
    took_ms = (time.monotonic() - begun) * 1000
    return user, Check("sign-in", f"signed in as user {user}; {settings.url} answered in {took_ms:.0f} ms")


def _versions(client: Client, _solution: Solution) -> Check:
    version = client.call("RetrieveVersion()")["Version"]
    ours = importlib.metadata.version("d365ext")
    return Check("versions", f"Dataverse {version}, d365ext {ours}, Python {platform.python_version()}")


def _languages(client: Client, solution: Solution) -> Check:
    provisioned = set(provisioned_languages(client))
    missing = sorted(name for name, code in solution.languages.items() if code not in provisioned)
    names = {code: name for name, code in solution.languages.items()}
    found = ", ".join(names.get(code, str(code)) for code in sorted(provisioned))
    if len(missing) == len(solution.languages):
        hint = f"Enable one of {', '.join(missing)} in the environment's language settings."
        return Check("languages", f"{found}: none of the solution's", hint, PlanError.exit_code)
    without = f"; labels in {', '.join(missing)} are left out" if missing else ""
    return Check("languages", found + without)


def _definitions(client: Client, solution: Solution) -> Check:
    from d365ext.deploy import plan_for

    plan = plan_for(client, solution)
    if plan.is_empty:
        return Check("definitions", f"all that solution {solution.solution.name} {solution.solution.version} declares")
    found = f"{len(plan.changes)} changes are missing or differ"
    return Check("definitions", found, "Read 'd365ext deploy plan', then 'd365ext deploy apply'.", PlanError.exit_code)


def _change_tracking(client: Client, solution: Solution) -> Check:
    wanted = sorted(name for name, table in solution.tables.items() if table.change_tracking)
    off = []
    for name in wanted:
        definition = _definition(client, name, "ChangeTrackingEnabled")
        if definition is None or not definition["ChangeTrackingEnabled"]:
            off.append(name)
    (organization,) = client.rows("organizations?$select=expirechangetrackingindays")
    days = organization["expirechangetrackingindays"]
    kept = f"; changes are kept for {days} days" if days else ""
    if off:
        return Check("change tracking", f"off for {', '.join(off)}", "Run 'd365ext deploy apply'.", PlanError.exit_code)
    return Check("change tracking", f"on for {', '.join(wanted)}{kept}")


def _definition(client: Client, table: str, select: str) -> Any:
    """Read a table's definition; None if there is no such table."""
    rows = client.get(f"EntityDefinitions?$select={select}&$filter=LogicalName%20eq%20{literal(table)}")["value"]
    return rows[0] if rows else None


def _privileges(client: Client, solution: Solution, user: str) -> Check:
    address = f"{row_address('systemusers', user)}/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
    held = {
        each["PrivilegeId"] for each in client.call(address)["RolePrivileges"] if each["Depth"] in ("Global", "3", 3)
    }
    missing, absent = [], []
    for table, rights in _needed(solution):
        definition = _definition(client, table, "Privileges")
        if definition is None:
            absent.append(table)
            continue
        missing += [
            each["Name"]
            for each in definition["Privileges"]
            if each["PrivilegeType"] in rights and each["PrivilegeId"] not in held
        ]
    if missing:
        hint = "Give the user a role that has them for the whole organization."
        return Check("privileges", f"missing {', '.join(sorted(missing))}", hint, DataverseError.exit_code)
    later = f" (not looked at: {', '.join(absent)}, not there yet)" if absent else ""
    return Check("privileges", f"all that deploy and sync need{later}")


def _needed(solution: Solution) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Say which rights the sync needs on which tables."""
    for name, table in solution.tables.items():
        if isinstance(table, OwnTable):
            yield name, OWN_RIGHTS
        elif table.change_tracking:
            yield name, ("Read", "AppendTo") if name in NAMED_BY_PIPELINE else ("Read",)
    yield "transactioncurrency", ("Read", "AppendTo")
