"""The actions that change options: insert, update, delete, order, and those of states and status reasons.

Owns finding the choice an action means (a global one, or a column's own) and changing its options.
Source: powerapps-docs …/webapi/create-update-optionsets.md (parameters and answers); codes:
…/includes/data-service-error-codes.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from d365ext.emulator.components import components
from d365ext.emulator.definitions.change import check_customizable
from d365ext.emulator.documents.documents import Document
from d365ext.emulator.documents.labels import accepted
from d365ext.emulator.documents.new_choices import checked_value, next_value, option_from
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.definition_store import refresh, save
from d365ext.emulator.web.http import Request, Response

Options = list[Document]


def insert(session: Session, body: dict[str, Any], request: Request) -> Response:
    """InsertOptionValue: add an option; gives its value.

    Source: DuplicateOptionValue is not in the code table; InvalidOptionSetOperation 0x80048403 stands in [inferred].
    """
    solution = body.get("SolutionUniqueName")
    found: dict[str, int] = {}

    def add(options: Options) -> Options:
        used = {each["Value"] for each in options}
        value = body.get("Value")
        value = next_value(session, used, solution) if value is None else checked_value(value)
        if value in used:
            raise Problem(400, "0x80048403", f"Invalid OptionSet: the value {value} is already an option.")
        found["value"] = value
        return [*options, option_from(session, body, value)]

    _change(session, body, {"Picklist"}, add)
    return _answer(request, "InsertOptionValueResponse", found["value"])


def insert_status(session: Session, body: dict[str, Any], request: Request) -> Response:
    """InsertStatusValue: add a status reason to a state; gives its value."""
    solution = body.get("SolutionUniqueName")
    found: dict[str, int] = {}

    def add(options: Options) -> Options:
        used = {each["Value"] for each in options}
        value = body.get("Value")
        value = next_value(session, used, solution) if value is None else checked_value(value)
        if value in used:
            raise Problem(400, "0x80048403", f"Invalid OptionSet: the value {value} is already an option.")
        found["value"] = value
        return [*options, option_from(session, body, value) | {"State": _state(session, body), "TransitionData": None}]

    given = {"AttributeLogicalName": "statuscode", **body}
    _change(session, given, {"Status"}, add)
    return _answer(request, "InsertStatusValueResponse", found["value"])


def _state(session: Session, body: Mapping[str, Any]) -> int:
    table = session.schema.table(str(body.get("EntityLogicalName") or ""))
    states = table.columns["statecode"].options if "statecode" in table.columns else {}
    if body.get("StateCode") not in states:
        raise Problem(
            400,
            "0x80048408",
            "State code is invalid or state code is valid but status code is invalid for a specified state code.",
        )
    return int(body["StateCode"])


def update(session: Session, body: dict[str, Any], request: Request) -> Response:
    """UpdateOptionValue: change an option's labels; MergeLabels keeps those of other languages."""
    merge = bool(body.get("MergeLabels"))
    value = body.get("Value")

    def change(options: Options) -> Options:
        return [_relabelled(session, each, body, merge=merge) if each["Value"] == value else each for each in options]

    _change(session, body, {"Picklist", "Status", "State", "Boolean"}, change, needs=value)
    return Response.empty()


def update_state(session: Session, body: dict[str, Any], request: Request) -> Response:
    """UpdateStateValue: change a state's labels and its default status reason."""
    value, status = body.get("Value"), body.get("DefaultStatusCode")
    merge = bool(body.get("MergeLabels"))

    def change(options: Options) -> Options:
        made = []
        for each in options:
            changed = _relabelled(session, each, body, merge=merge) if each["Value"] == value else each
            made.append(changed if status is None or each["Value"] != value else {**changed, "DefaultStatus": status})
        return made

    _change(session, {"AttributeLogicalName": "statecode", **body}, {"State"}, change, needs=value)
    return Response.empty()


def _relabelled(session: Session, option: Document, body: Mapping[str, Any], *, merge: bool) -> Document:
    changed = dict(option)
    for member in ("Label", "Description"):
        if body.get(member) is not None:
            changed[member] = accepted(session, body[member], option.get(member), merge=merge)
    if "Color" in body:
        changed["Color"] = body["Color"]
    return changed


def delete(session: Session, body: dict[str, Any], request: Request) -> Response:
    """DeleteOptionValue: remove an option of a choice, or a status reason that no state has as its default.

    Source: CannotDeleteEnumOptionsFromAttributeType 0x80044323, CannotDeleteDefaultStatusOption 0x80044341. Rows that
    hold the value keep it, as a number without a label [inferred].
    """
    value = body.get("Value")
    _refuse_default(session, body, value)
    _change(
        session,
        body,
        {"Picklist", "Status"},
        lambda options: [each for each in options if each["Value"] != value],
        needs=value,
    )
    return Response.empty()


def _refuse_default(session: Session, body: Mapping[str, Any], value: object) -> None:
    table = session.schema.tables.get(str(body.get("EntityLogicalName") or ""))
    if table is None or body.get("AttributeLogicalName") != "statuscode" or "statecode" not in table.columns:
        return
    if any(state.default_status == value for state in table.columns["statecode"].options.values()):
        raise Problem(400, "0x80044341", "Default Status options cannot be deleted.")


def order(session: Session, body: dict[str, Any], request: Request) -> Response:
    """OrderOption: put the options in the order of Values, which must name each of them.

    Source: ValueMissingInOptionOrderArray 0x80044325.
    """
    wanted = list(body.get("Values") or [])

    def sort(options: Options) -> Options:
        by_value = {each["Value"]: each for each in options}
        if sorted(by_value) != sorted(wanted):
            raise Problem(400, "0x80044325", "The options array is missing a value.")
        return [by_value[value] for value in wanted]

    _change(session, body, {"Picklist", "Status"}, sort)
    return Response.empty()


def _change(
    session: Session,
    body: Mapping[str, Any],
    kinds: set[str],
    change: Callable[[Options], Options],
    *,
    needs: object = None,
) -> None:
    """Change the options of the choice that an action means, and store it; `needs` is an option it must have."""
    name = body.get("OptionSetName")
    if name:
        document = session.schema.choices.get(str(name))
        if document is None:
            raise Problem(404, "0x80040217", f"Could not find an option set with the name '{name}'.")
        check_customizable(document, str(name))
        save(session, "choice", _changed(document, kinds, change, needs))
        _record(session, body, components.CHOICE, document["MetadataId"], None)
    else:
        table = session.schema.table(str(body.get("EntityLogicalName") or ""))
        column = table.columns.get(str(body.get("AttributeLogicalName") or ""))
        if column is None:
            raise Problem(
                404, "0x80040217", f"Could not find the column {body.get('AttributeLogicalName')} of {table.logical}."
            )
        if column.definition.get("GlobalOptionSet"):
            _change(session, {**body, "OptionSetName": column.definition["GlobalOptionSet"]["Name"]}, kinds, change,
                    needs=needs)  # fmt: skip
            return
        if not column.definition.get("OptionSet"):
            raise Problem(400, "0x80044323", "You can delete options only from picklist and status attributes.")
        choice = _changed(column.definition["OptionSet"], kinds, change, needs)
        save(session, "column", {**column.definition, "OptionSet": choice})
        _record(session, body, components.COLUMN, column.definition["MetadataId"], table.logical)
    refresh(session)


def _changed(
    choice: Mapping[str, Any], kinds: set[str], change: Callable[[Options], Options], needs: object
) -> Document:
    kind = choice["OptionSetType"]
    if kind not in kinds:
        raise Problem(400, "0x80044323", "You can delete options only from picklist and status attributes.")
    is_boolean = kind == "Boolean"
    options = [choice["FalseOption"], choice["TrueOption"]] if is_boolean else list(choice["Options"])
    if needs is not None and all(each["Value"] != needs for each in options):
        raise Problem(400, "0x8004431A", f"The option value {needs} is not an option of {choice['Name']}.")
    made = change(options)
    return {**choice, "FalseOption": made[0], "TrueOption": made[1]} if is_boolean else {**choice, "Options": made}


def _record(session: Session, body: Mapping[str, Any], kind: int, object_id: str, table: str | None) -> None:
    name = body.get("SolutionUniqueName")
    if name:
        components.record(session, components.find_solution(session, str(name)), kind, object_id, table)


def _answer(request: Request, name: str, value: int) -> Response:
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.{name}"
    return Response.json({"@odata.context": context, "NewOptionValue": value})
