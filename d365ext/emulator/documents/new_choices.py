"""Choice documents and their options made of what a client sends.

Owns the values of options (given, or the publisher's next), their labels, and the two options of a yes/no column.
Must not write.
Source: powerapps-docs …/webapi/create-update-optionsets.md: an option without a value takes the next one of the
publisher of the solution it is created in; options are changed by actions, never by PUT.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from d365ext.emulator.documents.documents import Document, boolean_choice, choice_document, option
from d365ext.emulator.documents.labels import accepted
from d365ext.emulator.odata.ast import Literal
from d365ext.emulator.odata.parser import parse_reference
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session

DEFAULT_OPTION_PREFIX = 10000
"""Source: the default publisher's option value prefix in a real export (metadata-plane.md §1.1)."""
_VALUE_MAX = 2**31 - 1
_CUSTOM = {"IsCustomOptionSet": True, "IsManaged": False}


def option_from(session: Session, given: Mapping[str, Any], value: int, before: Document | None = None) -> Document:
    """Make an option of what is sent, over `before` if there is one."""
    made = dict(before) if before else option(value, None, MetadataId=str(uuid.uuid4()))
    made |= {"Value": value, "Label": accepted(session, given.get("Label")), "IsManaged": False}
    made["Description"] = accepted(session, given.get("Description"))
    for name in ("Color", "ExternalValue"):
        if name in given:
            made[name] = given[name]
    return made


def options_from(session: Session, given: Iterable[Mapping[str, Any]], solution: str | None) -> list[Document]:
    """Make the options of a new choice; those without a value get one."""
    sent = list(given)
    used = {each["Value"] for each in sent if each.get("Value") is not None}
    if len(used) < sum(each.get("Value") is not None for each in sent):
        raise Problem(400, "0x80048403", "Invalid OptionSet: an option value is given twice.")
    made = []
    for each in sent:
        value = each.get("Value")
        if value is None:
            value = next_value(session, used, solution)
            used.add(value)
        made.append(option_from(session, each, checked_value(value)))
    return made


def checked_value(value: object) -> int:
    """Give an option's value if it is a number of the right size. A value outside the publisher's range is allowed."""
    if isinstance(value, bool) or not isinstance(value, int) or not -_VALUE_MAX <= value <= _VALUE_MAX:
        raise Problem(400, "0x80048403", f"Invalid OptionSet: {value!r} is not an option value.")
    return value


def next_value(session: Session, used: Iterable[int], solution: str | None) -> int:
    """Give the next free value of the publisher of a solution (of the default publisher without one).

    Source: publisher prefix 72700 → 727000000, 727000001 … (…/create-update-optionsets.md).
    """
    row = session.raw.execute(
        "SELECT p.customizationoptionvalueprefix FROM solution s JOIN publisher p ON p.publisherid = s.publisherid "
        "WHERE s.uniquename = ?",
        (solution,),
    ).fetchone()
    first = (row[0] if row and row[0] else DEFAULT_OPTION_PREFIX) * 10000
    taken = [value for value in used if first <= value < first + 10000]
    return max(taken) + 1 if taken else first


def global_choice_from(session: Session, name: str, given: Mapping[str, Any], solution: str | None) -> Document:
    """Make the document of a new global choice."""
    kind = given.get("OptionSetType") or "Picklist"
    if kind != "Picklist":
        raise Problem.not_implemented(f"global choices of the type {kind}")
    options = options_from(session, given.get("Options") or (), solution)
    made = choice_document(name, "Picklist", options, is_global=True)
    return (
        made
        | _CUSTOM
        | {
            "MetadataId": str(uuid.uuid4()),
            "DisplayName": accepted(session, given.get("DisplayName")),
            "Description": accepted(session, given.get("Description")),
        }
    )


def choice_of_column(
    session: Session, table: str, column: str, given: Mapping[str, Any], solution: str | None
) -> Document:
    """Give the OptionSet and GlobalOptionSet members of a new choice column: bound to a global choice, or its own."""
    bound = given.get("GlobalOptionSet@odata.bind")
    if bound is not None:
        return {"GlobalOptionSet": {"Name": _named(session, str(bound))}, "OptionSet": None}
    own = given.get("OptionSet")
    if not isinstance(own, Mapping):
        raise Problem.payload(
            f"The choice column {column} needs an OptionSet with Options, or GlobalOptionSet@odata.bind."
        )
    if own.get("IsGlobal"):
        raise Problem.payload(f"The choice column {column} must name its global choice by GlobalOptionSet@odata.bind.")
    options = options_from(session, own.get("Options") or (), solution)
    made = choice_document(f"{table}_{column}", "Picklist", options, is_global=False)
    made |= _CUSTOM | {
        "MetadataId": str(uuid.uuid4()),
        "DisplayName": accepted(session, own.get("DisplayName") or given.get("DisplayName")),
        "Description": accepted(session, own.get("Description") or given.get("Description")),
    }
    return {"OptionSet": made, "GlobalOptionSet": None}


def _named(session: Session, address: str) -> str:
    """Give the name of the global choice that a bind addresses, by id or by name."""
    segments = parse_reference(address)
    if len(segments) != 1 or segments[0].name != "GlobalOptionSetDefinitions":
        raise Problem.payload(f"'{address}' does not address a global choice.")
    key = segments[0].named.get("Name") or segments[0].named.get("MetadataId") or segments[0].key
    wanted = str(key.value) if isinstance(key, Literal) else ""
    for name, document in session.schema.choices.items():
        if wanted in {name, document["MetadataId"]}:
            return name
    raise Problem(404, "0x80040217", f"Could not find an option set with the id or name '{wanted}'.")


def boolean_of(session: Session, table: str, column: str, given: Mapping[str, Any]) -> Document:
    """Make the two options of a yes/no column; without an OptionSet they are Yes and No [inferred]."""
    own = given.get("OptionSet") or {}
    made = boolean_choice(f"{table}_{column}", {})
    for member, value in (("TrueOption", 1), ("FalseOption", 0)):
        sent = own.get(member)
        if own and (not isinstance(sent, Mapping) or sent.get("Value", value) != value):
            raise Problem(400, "0x8004431B", "Boolean attributes must have exactly two option values.")
        if sent:
            made[member] = option_from(session, sent, value)
    return made | _CUSTOM | {"MetadataId": str(uuid.uuid4())}
