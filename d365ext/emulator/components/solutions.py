"""Publishers and solutions: the rules of their rows, and the actions that fill a solution.

Owns AddSolutionComponent, RemoveSolutionComponent, and the checks on writes of publisher, solution, solutioncomponent.
Source: metadata-plane.md §1.1, §1.2; codes: powerapps-docs …/includes/data-service-error-codes.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import components
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_UNIQUE_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]{1,7}", re.ASCII)
_VERSION = re.compile(r"\d+(\.\d+){1,3}")


def before_publisher(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a publisher.

    Source: InvalidPublisherUniqueName 0x8004F01C; "needs at least customization prefix, unique name, friendly name";
    option value prefixes are 10000–99999. The prefix: 2 to 8 letters or digits, first a letter, not mscrm, is
    long-standing [inferred here], as are the codes of all but the first.
    """
    for name in ("uniquename", "friendlyname", "customizationprefix"):
        if not changes.get(name) and (row_id is None or name in changes):
            code = "0x8004F01C" if name == "uniquename" else "0x80040200"
            raise Problem(400, code, f"Publisher {name} is required.")
    _check_unique(session, table, row_id, changes)
    prefix = changes.get("customizationprefix")
    if prefix is not None and (not _PREFIX.fullmatch(str(prefix)) or str(prefix).lower().startswith("mscrm")):
        raise Problem(
            400,
            "0x80044366",
            f"The customization prefix '{prefix}' is invalid: 2 to 8 letters or digits, a letter first, not mscrm.",
        )
    value = changes.get("customizationoptionvalueprefix")
    if value is None and row_id is None:
        changes["customizationoptionvalueprefix"] = 10000
    elif value is not None and not 10000 <= int(value) <= 99999:
        raise Problem(400, "0x80044330", "The customization option value prefix must be between 10,000 and 99,999.")
    if row_id is not None and _flag(session, table, row_id, "isreadonly"):
        raise Problem(400, "0x8004F033", "Attempting to update a readonly publisher.")


def before_solution(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a solution.

    Source: InvalidSolutionUniqueName 0x8004F002, InvalidSolutionVersion 0x8004F01E, CannotUpdateManagedSolution
    0x8004F024, CannotSelectReadOnlyPublisher 0x8004F034. A missing version becomes 1.0 [inferred]. That ismanaged
    cannot be written by clients follows from the table: the column is read-only.
    """
    for name in ("uniquename", "friendlyname", "publisherid"):
        if not changes.get(name) and (row_id is None or name in changes):
            raise Problem(400, "0x80040200", f"The required field '{name}' of 'solution' is missing.")
    unique_name = changes.get("uniquename")
    if unique_name is not None and not _UNIQUE_NAME.fullmatch(str(unique_name)):
        raise Problem(
            400,
            "0x8004F002",
            "Invalid character specified for solution unique name. Only characters within the ranges [A-Z], [a-z], "
            "[0-9] or _ are allowed. The first character may only be in the ranges [A-Z], [a-z] or _.",
        )
    _check_unique(session, table, row_id, changes)
    if row_id is None:
        changes.setdefault("version", "1.0")
    if "version" in changes and not _VERSION.fullmatch(str(changes["version"])):
        raise Problem(400, "0x8004F01E", "An invalid solution version was specified.")
    if row_id is not None and _flag(session, table, row_id, "ismanaged"):
        raise Problem(400, "0x8004F024", f"Cannot update solution '{row_id}' because it is a managed solution.")
    publisher = changes.get("publisherid")
    publishers = session.schema.table("publisher")
    if isinstance(publisher, LookupValue) and _flag(session, publishers, publisher.id, "isreadonly"):
        raise Problem(400, "0x8004F034", "Attempting to select a readonly publisher for solution.")


def _check_unique(session: Session, table: Table, row_id: str | None, changes: Mapping[str, Any]) -> None:
    """Refuse a unique name that another row has. The code is inferred (DuplicateRecord)."""
    name = changes.get("uniquename")
    if name is None:
        return
    found = session.raw.execute(
        f"SELECT {table.primary_id} FROM {table.logical} WHERE uniquename = ? COLLATE NOCASE",  # noqa: S608  two of ours
        (name,),
    ).fetchone()
    if found is not None and found[0] != row_id:
        raise Problem(412, "0x80040237", f"A {table.logical} with the unique name '{name}' already exists.")


def _flag(session: Session, table: Table, row_id: str, name: str) -> bool:
    return bool((rows.find(session, table, row_id) or {}).get(name))


def before_delete_solution(session: Session, table: Table, row_id: str) -> None:
    """Delete a solution's list of components with it; the components stay, as an unmanaged solution only lists them.

    Source: CannotDeleteRestrictedSolution 0x8004F005. Removing a managed solution would remove its components, which
    needs layers: refused by name.
    """
    row = rows.find(session, table, row_id) or {}
    if row.get("uniquename") in {"Default", "Active", "Basic", "System"}:
        raise Problem(400, "0x8004F005", "Attempting to delete a restricted solution.")
    if row.get("ismanaged"):
        raise Problem.not_implemented("the uninstalling of a managed solution")
    listed = session.schema.table("solutioncomponent")
    found = session.raw.execute("SELECT solutioncomponentid FROM solutioncomponent WHERE solutionid = ?", (row_id,))
    for (component_id,) in found.fetchall():
        rows.delete(session, listed, component_id, by_system=True)


def before_delete_publisher(session: Session, table: Table, row_id: str) -> None:
    """Refuse to delete a publisher that has solutions, or the default one.

    Source: CannotDeleteRestrictedPublisher 0x8004F006; CannotDeleteDueToAssociation 0x80040227.
    """
    row = rows.find(session, table, row_id) or {}
    if row.get("isreadonly") or str(row.get("uniquename", "")).lower().startswith("default"):
        raise Problem(400, "0x8004F006", "Attempting to delete a restricted publisher.")
    if session.raw.execute("SELECT 1 FROM solution WHERE publisherid = ?", (row_id,)).fetchone():
        raise Problem(
            405,
            "0x80040227",
            "The object you tried to delete is associated with another object and cannot be deleted. A solution has "
            "this publisher.",
        )


def refuse_component_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Refuse to write solutioncomponent rows: "table is read-only except via the actions" (metadata-plane.md §1.2)."""
    raise Problem(405, "0x80060888", f"The {table.logical} table is changed by AddSolutionComponent only.")


def refuse_component_delete(session: Session, table: Table, row_id: str) -> None:
    """Refuse to delete solutioncomponent rows."""
    raise Problem(405, "0x80060888", f"The {table.logical} table is changed by RemoveSolutionComponent only.")


def add_component(session: Session, body: dict[str, Any], request: Request) -> Response:
    """AddSolutionComponent: put a component that exists into an unmanaged solution; gives the row's id.

    Source: learn.microsoft.com/…/webapi/reference/addsolutioncomponent.
    """
    component_id, kind, solution = _component(session, body)
    _require(session, kind, component_id)
    if body.get("AddRequiredComponents"):
        raise Problem.not_implemented("AddRequiredComponents of AddSolutionComponent")
    behavior = components.WITH_SUBCOMPONENTS
    if kind == components.TABLE and body.get("DoNotIncludeSubcomponents"):
        behavior = components.WITHOUT_SUBCOMPONENTS
    if body.get("IncludedComponentSettingsValues") is not None and not body["IncludedComponentSettingsValues"]:
        behavior = components.AS_SHELL if kind == components.TABLE else behavior
    row_id = components.add(session, solution, kind, component_id, behavior)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.AddSolutionComponentResponse"
    return Response.json({"@odata.context": context, "id": row_id})


def remove_component(session: Session, body: dict[str, Any], request: Request) -> Response:
    """RemoveSolutionComponent: take a component out of an unmanaged solution; the component itself stays.

    Source: learn.microsoft.com/…/webapi/reference/removesolutioncomponent: `SolutionComponent` is a reference to the
    component (solutioncomponentid holds its object id), with ComponentType and SolutionUniqueName.
    """
    given = dict(body)
    referenced = given.get("SolutionComponent")
    if isinstance(referenced, Mapping):
        given["ComponentId"] = referenced.get("solutioncomponentid")
    component_id, kind, solution = _component(session, given)
    found = components.component(session, solution, kind, component_id)
    if found is None:
        raise Problem(
            404, "0x80040217", f"The component {component_id} of type {kind} is not in the solution {solution.name}."
        )
    rows.delete(session, session.schema.table("solutioncomponent"), found.id, by_system=True)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.RemoveSolutionComponentResponse"
    return Response.json({"@odata.context": context, "id": found.id})


def _component(session: Session, body: Mapping[str, Any]) -> tuple[str, int, components.Solution]:
    for name in ("ComponentId", "ComponentType", "SolutionUniqueName"):
        if body.get(name) is None:
            raise Problem.payload(f"The parameter '{name}' is missing.")
    solution = components.find_solution(session, str(body["SolutionUniqueName"]))
    return str(body["ComponentId"]).lower(), int(body["ComponentType"]), solution


def _require(session: Session, kind: int, component_id: str) -> None:
    """Refuse a component that does not exist."""
    names = {number: name for name, number in components.ROW_TYPES.items()}
    if kind in names:
        if rows.exists(session, names[kind], component_id):
            return
    elif session.raw.execute("SELECT 1 FROM _definition WHERE id = ?", (component_id,)).fetchone():
        return
    raise Problem(404, "0x80040217", f"The component {component_id} of type {kind} does not exist.")
