"""From a JSON body to column values: `@odata.bind`, nested rows, annotations.

Owns what each property of a body means. Gives values as rows.py takes them, and apart from them the rows that the body
nests or binds in collections, which row_writes.py makes or links. Must not write.

Sources: learn.microsoft.com/…/webapi/create-entity-web-api ("Associate table rows on create", "Create related table
rows in one operation"); …/associate-disassociate-entities-using-web-api (a null bind clears a lookup); …/multitable-
lookup (one navigation property per target). Navigation names are case-sensitive
(…/troubleshoot/power-platform/dataverse/web-api-client-errors). A lookup written under its reading name `_x_value` is
refused with "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
(field reports).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows.addresses import row_of
from d365ext.emulator.rows.values import LookupValue, wrong_type
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType, ManyToMany, Relationship, Table
from d365ext.emulator.web.http import Request

__all__ = ["LookupValue", "Nested", "read"]

BIND = "@odata.bind"
_TYPE = "@odata.type"
_PREFIX = "Microsoft.Dynamics.CRM."


@dataclass(frozen=True, slots=True)
class Nested:
    """A row to be made (`body` is a JSON object) or linked (`body` is a LookupValue) along with its parent."""

    nav: str
    navigation: Relationship | ManyToMany
    is_collection: bool
    body: Mapping[str, Any] | LookupValue


def read(
    session: Session, table: Table, body: Mapping[str, Any], request: Request
) -> tuple[dict[str, Any], list[Nested]]:
    """Read a row's body: values by logical column name, and what it nests."""
    del request  # an absolute address is read wherever it points, as the platform does within an organization
    values: dict[str, Any] = {}
    nested: list[Nested] = []
    properties = table.properties
    for name, value in body.items():
        column = properties.get(name)
        if column is not None:
            if column.is_lookup:
                raise Problem.payload(
                    "CRM do not support direct update of Entity Reference properties, Use Navigation properties "
                    f"instead. ('{name}' of '{table.logical}')"
                )
            values[column.logical] = value
        elif "@" in name:
            _annotation(session, table, name, value, values, nested)
        elif name in table.many_to_one:
            _single(table, name, value, values, nested)
        elif name in table.one_to_many or name in table.many_to_many:
            nested += _collection(table, name, value)
        else:
            raise _unknown(table, name)
    return values, nested


def _annotation(
    session: Session, table: Table, name: str, value: Any, values: dict[str, Any], nested: list[Nested]
) -> None:
    """Read `nav@odata.bind` and `@odata.type`; other annotations say nothing to a server."""
    nav, _, annotation = name.partition("@")
    if annotation == "odata.bind":
        if nav in table.many_to_one:
            values[table.many_to_one[nav].referencing_column] = (
                None if value is None else _bound(session, table, table.many_to_one[nav], value)
            )
        elif nav in table.one_to_many or nav in table.many_to_many:
            nested += _bound_collection(session, table, nav, value)
        else:
            raise Problem.undeclared_navigation(nav, table.entity_set)
    elif not nav and annotation == "odata.type":
        stated = str(value).removeprefix("#").removeprefix(_PREFIX)
        if stated != table.logical:
            raise Problem.bad_payload(
                table.entity_set,
                f"Microsoft.OData.ODataException: A resource with type '{value}' was found, but it is not assignable "
                f"to the expected type '{_PREFIX}{table.logical}'.",
            )


def _bound(session: Session, table: Table, relationship: Relationship, value: object) -> LookupValue:
    if not isinstance(value, str):
        raise wrong_type(table.entity_set, value, "Edm.String")
    target, row_id = row_of(session, value)
    allowed = {relationship.referenced_table} if relationship.referenced_table != "owner" else {"systemuser", "team"}
    if target.logical not in allowed:
        raise Problem.bad_payload(
            table.entity_set,
            f"Microsoft.OData.ODataException: The navigation property '{relationship.lookup_nav}' of type "
            f"'{_PREFIX}{table.logical}' leads to '{_PREFIX}{relationship.referenced_table}', not to "
            f"'{target.entity_set}'.",
        )
    return LookupValue(target.logical, row_id)


def _bound_collection(session: Session, table: Table, nav: str, value: object) -> list[Nested]:
    if not isinstance(value, list):
        raise wrong_type(table.entity_set, value, "Collection(Edm.String)")
    navigation = _navigation(table, nav)
    expected = _other_end(table, nav, navigation)
    found = []
    for address in value:
        if not isinstance(address, str):
            raise wrong_type(table.entity_set, address, "Edm.String")
        target, row_id = row_of(session, address)
        if target.logical != expected:
            raise Problem.bad_payload(table.entity_set, f"'{address}' is not the address of a row of '{expected}'.")
        found.append(Nested(nav, navigation, is_collection=True, body=LookupValue(target.logical, row_id)))
    return found


def _single(table: Table, nav: str, value: Any, values: dict[str, Any], nested: list[Nested]) -> None:
    relationship = table.many_to_one[nav]
    if value is None:
        values[relationship.referencing_column] = None
    elif isinstance(value, dict):
        nested.append(Nested(nav, relationship, is_collection=False, body=value))
    else:
        raise wrong_type(table.entity_set, value, f"{_PREFIX}{relationship.referenced_table}")


def _collection(table: Table, nav: str, value: Any) -> list[Nested]:
    navigation = _navigation(table, nav)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise wrong_type(table.entity_set, value, f"Collection({_PREFIX}{_other_end(table, nav, navigation)})")
    return [Nested(nav, navigation, is_collection=True, body=each) for each in value]


def _navigation(table: Table, nav: str) -> Relationship | ManyToMany:
    return table.one_to_many.get(nav) or table.many_to_many[nav]


def _other_end(table: Table, nav: str, navigation: Relationship | ManyToMany) -> str:
    if isinstance(navigation, Relationship):
        return navigation.referencing_table
    return navigation.seen_from(table.logical, nav).table


def _unknown(table: Table, name: str) -> Problem:
    column = table.columns.get(name)
    if column is not None and column.type in (ColumnType.IMAGE, ColumnType.FILE):
        return Problem.not_implemented(f"writing '{name}' of '{table.logical}', a column of type {column.type}")
    return Problem.undeclared_property(name, table.logical)
