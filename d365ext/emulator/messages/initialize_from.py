"""Column mappings at work: what a new row takes over from the row it is made from, and InitializeFrom.

Owns the reading of `entitymap` and `attributemap` rows. Must not know which messages make rows.

Source: learn.microsoft.com/power-apps/developer/data-platform/customize-entity-attribute-mappings (mappings give
defaults when a row is made from another; "valid table maps are created when a relationship is created");
learn.microsoft.com/dynamics365/customer-engagement/web-api/initializefrom and Microsoft's FunctionsAndActions sample
(parameters EntityMoniker, TargetEntityName, TargetFieldType; the answer binds lookups with `@odata.bind`).
Inferred: a mapping of a column that is not there, or of a value that does not fit, is passed over; InitializeFrom
without an entity map is MetadataNoMapping 0x80040e01 of the error code table.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from d365ext.emulator.odata.function_parameters import json_parameter, member_parameter, text_parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.shape import exact_number
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.addresses import row_of
from d365ext.emulator.rows.copies import value_of
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, Table
from d365ext.emulator.web.http import Request, Response

_FIELD_TYPES = frozenset({"All", "ValidForCreate", "ValidForUpdate", "ValidForRead"})


def mapped(session: Session, source: Table, source_id: str, target: Table) -> dict[str, Any]:
    """Give the values that a new row of `target` takes over from a row of `source`; 404 if that is not there."""
    row = rows.find(session, source, source_id)
    if row is None:
        raise Problem.no_row(source.logical, source_id)
    security.require(session, source, "Read", row)
    values: dict[str, Any] = {}
    for source_name, target_name in _pairs(session, source, target):
        source_column, target_column = source.columns.get(source_name), target.columns.get(target_name)
        if source_column is None or target_column is None or not target_column.is_stored:
            continue
        value = _carried(source, source_column, row, target_column)
        if value is not None:
            values[target_name] = value
    return values


def _pairs(session: Session, source: Table, target: Table) -> list[tuple[str, str]]:
    return session.raw.execute(
        "select a.sourceattributename, a.targetattributename from attributemap a join entitymap e "
        "on e.entitymapid = a.entitymapid where e.sourceentityname = ? and e.targetentityname = ? "
        "order by a.targetattributename",
        (source.logical, target.logical),
    ).fetchall()


def _carried(source: Table, source_column: Column, row: Mapping[str, Any], target_column: Column) -> Any:
    """Give the value as the target column takes it, or None if it has none or does not fit."""
    if source_column.logical == source.primary_id and target_column.is_lookup:
        return LookupValue(source.logical, row[source.primary_id]) if _may_hold(target_column, source.logical) else None
    value = value_of(source_column, row)
    if isinstance(value, LookupValue):
        return value if target_column.is_lookup and _may_hold(target_column, value.table) else None
    if target_column.is_lookup:
        return None
    if isinstance(value, str) and target_column.max_length is not None:
        return value[: target_column.max_length]
    if target_column.options and value not in target_column.options:
        return None
    return value


def _may_hold(column: Column, table: str) -> bool:
    return table in column.targets


def initialize_from(session: Session, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET InitializeFrom(EntityMoniker=@p1,TargetEntityName=@p2,TargetFieldType=@p3)`."""
    moniker = json_parameter(params, "EntityMoniker", request)
    if not isinstance(moniker, dict) or not isinstance(moniker.get("@odata.id"), str):
        raise Problem.payload("The parameter 'EntityMoniker' must be an object with '@odata.id'.")
    source, source_id = row_of(session, moniker["@odata.id"])
    target = session.schema.table(text_parameter(params, "TargetEntityName", request))
    field_type = member_parameter(params, "TargetFieldType", request)
    if field_type not in _FIELD_TYPES:
        raise Problem.payload(f"'{field_type}' is not a member of Microsoft.Dynamics.CRM.TargetFieldType.")
    if not _has_map(session, source, target):
        raise Problem(400, "0x80040e01", "The mapping between specified entities does not exist")
    payload: dict[str, Any] = {
        "@odata.context": f"{request.root}$metadata#{target.entity_set}/$entity",
        "@odata.type": f"#Microsoft.Dynamics.CRM.{target.logical}",
    }
    for name, value in mapped(session, source, source_id, target).items():
        column = target.columns[name]
        if field_type == "All" or getattr(column, _VALIDITY[field_type]):
            _put(session, target, column, value, payload)
    return Response.json(payload)


_VALIDITY = {
    "ValidForCreate": "valid_for_create",
    "ValidForUpdate": "valid_for_update",
    "ValidForRead": "valid_for_read",
}


def _has_map(session: Session, source: Table, target: Table) -> bool:
    found = session.raw.execute(
        "select 1 from entitymap where sourceentityname = ? and targetentityname = ?", (source.logical, target.logical)
    ).fetchone()
    return found is not None


def _put(session: Session, table: Table, column: Column, value: Any, payload: dict[str, Any]) -> None:
    if isinstance(value, LookupValue):
        for relationship in table.lookup_navs.get(column.logical, ()):
            if relationship.referenced_table == value.table:
                target_set = session.schema.table(value.table).entity_set
                payload[f"{relationship.lookup_nav}@odata.bind"] = f"{target_set}({value.id})"
        return
    if isinstance(value, Decimal):
        payload[column.logical] = exact_number(column.scale)(int(value.scaleb(column.scale)))
        return
    payload[column.logical] = value
