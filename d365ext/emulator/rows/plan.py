"""What a table asks of every write, worked out once: converters, defaults, required columns, system columns.

Owns the precompiled plan that makes bulk writes fast. A plan belongs to one `Table` object and dies with it. Must not
read the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from d365ext.emulator import routes
from d365ext.emulator.rows.values import Converter, converter
from d365ext.emulator.store.schema import CHOICE_TYPES, TEXT_TYPES, Column, ColumnType, Table


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """The plan of one table."""

    table: Table
    columns: Mapping[str, Column]  # that can be written at all, by logical name
    converters: Mapping[str, Converter]
    defaults: Mapping[str, Any]  # stored values of a new row
    required: frozenset[str]  # SystemRequired: never null
    needed: tuple[str, ...]  # SystemRequired, and nobody but the client can know them
    has: frozenset[str]  # system columns that this table has
    money: tuple[Column, ...]
    bases: Mapping[str, str]  # money column → its base column
    numbers: Mapping[str, str]  # text column → autonumber format
    default_status: Mapping[int, int]  # state → status
    before: tuple[str, ...]  # hooks
    after: tuple[str, ...]
    before_delete: tuple[str, ...]


# Filled by the platform where a client leaves them out, though they are SystemRequired. Inferred, per table.
_FILLED = frozenset(
    {
        ("systemform", "formjson"),
        ("systemuser", "domainname"),
        ("systemuser", "internalemailaddress"),
        ("appmodule", "webresourceid"),
        ("team", "administratorid"),
        ("team", "businessunitid"),
        ("role", "businessunitid"),
        ("savedquery", "fetchxml"),
    }
)

_SYSTEM = (
    "createdon", "createdby", "createdonbehalfby", "modifiedon", "modifiedby", "modifiedonbehalfby",
    "overriddencreatedon", "ownerid", "owninguser", "owningteam", "owningbusinessunit", "statecode", "statuscode",
    "transactioncurrencyid", "exchangerate", "versionnumber", "organizationid", "fullname", "componentstate",
    "overwritetime", "solutionid", "activitytypecode", "yomifullname",
)  # fmt: skip


def plan_of(table: Table) -> Plan:
    """Give the plan of a table, made at its first use."""
    plan: Plan | None = table.worked_out.get(Plan)
    if plan is None:
        plan = table.worked_out[Plan] = _make(table)
    return plan


def _make(table: Table) -> Plan:
    columns = {name: column for name, column in table.columns.items() if column.attribute_of is None}
    status = table.columns.get("statecode")
    return Plan(
        table=table,
        columns=columns,
        converters={name: converter(table.logical, column) for name, column in columns.items()},
        defaults=_defaults(table),
        required=frozenset(name for name, column in columns.items() if column.required == "SystemRequired"),
        needed=tuple(name for name, column in columns.items() if _is_needed(table, column)),
        has=frozenset(name for name in _SYSTEM if name in columns),
        money=table.money_columns,
        bases={c.base_of: c.logical for c in columns.values() if c.base_of is not None and c.base_of in columns},
        numbers=_numbers(table),
        default_status=_default_status(table) if status else {},
        before=tuple(routes.BEFORE_WRITE.get(table.logical, ())),
        after=tuple(routes.AFTER_WRITE.get(table.logical, ())),
        before_delete=tuple(routes.BEFORE_DELETE.get(table.logical, ())),
    )


def _is_needed(table: Table, column: Column) -> bool:
    return (
        column.required == "SystemRequired"
        and column.valid_for_create
        and column.is_stored
        and (column.type in TEXT_TYPES or column.type in (ColumnType.LOOKUP, ColumnType.CUSTOMER))
        and (table.logical, column.logical) not in _FILLED
        and column.logical not in _numbers(table)
    )


def _defaults(table: Table) -> dict[str, Any]:
    """Give the stored defaults: options, yes/no, and what solution-aware rows begin with.

    Source: PicklistAttributeMetadata.DefaultFormValue and BooleanAttributeMetadata.DefaultValue. Inferred: the platform
    applies both to rows made over the Web API, and the last group of values (seen in exported rows).
    """
    found: dict[str, Any] = {}
    for column in table.stored:
        if column.type in (ColumnType.STATE, ColumnType.STATUS):
            continue
        if column.type is ColumnType.BOOLEAN:
            found[column.logical] = int(bool(column.default))
        elif column.type in CHOICE_TYPES and column.default is not None:
            found[column.logical] = int(column.default)
        elif column.type is ColumnType.MANAGED_PROPERTY:
            found[column.logical] = int(column.logical != "ishidden")
    if "componentstate" in table.columns:
        known = {"componentstate": 0, "overwritetime": "1900-01-01T00:00:00Z", "introducedversion": "1.0"}
        found |= {name: value for name, value in known.items() if name in table.columns}
    if table.is_activity and "activitytypecode" in table.columns:
        found |= {"activitytypecode": table.logical, "isregularactivity": 1, "instancetypecode": 0}
    if table.logical == "quote":
        found["revisionnumber"] = 0  # its first; ReviseQuote counts on
    return {name: value for name, value in found.items() if name in table.columns}


# Numbers of a fresh environment (organization.quoteprefix …) [inferred].
_STANDARD_NUMBERS = {
    "quote": ("quotenumber", "QUO-{SEQNUM:5}-{RANDSTRING:6}"),
    "salesorder": ("ordernumber", "ORD-{SEQNUM:5}-{RANDSTRING:6}"),
}


def _numbers(table: Table) -> dict[str, str]:
    found = dict([_STANDARD_NUMBERS[table.logical]]) if table.logical in _STANDARD_NUMBERS else {}
    for column in table.stored:
        pattern = column.definition.get("AutoNumberFormat")
        if pattern:
            found[column.logical] = str(pattern)
    return found


def _default_status(table: Table) -> dict[int, int]:
    """Give each state's default status reason; where none is said, its first one."""
    found = {}
    reasons = table.columns["statuscode"].options.values() if "statuscode" in table.columns else ()
    for state in table.columns["statecode"].options.values():
        first = next((each.value for each in reasons if each.state == state.value), None)
        default = state.default_status if state.default_status is not None else first
        if default is not None:
            found[state.value] = default
    return found
