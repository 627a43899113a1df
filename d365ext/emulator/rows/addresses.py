"""Which row an address means: accounts(<id>), accounts(accountnumber='A1'), /contacts(<id>), https://…/leads(<id>).

Owns keys in addresses: the primary key by position or name, alternate keys by all their columns. Must not read bodies.

Source: learn.microsoft.com/…/use-alternate-key-reference-record: names and number of columns must be those of an
alternate key, lookups as `_x_value`; systemuser and team cannot be named by systemuserid and teamid; aliases are not
allowed in keys; the characters / < > * % & : ? + and the backslash do not work in text values, even encoded ("If the
data within a field used in an alternate key contains one of the following characters … GET, PATCH or DELETE won't
work"); the setting `special_characters_in_keys` lets them work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from d365ext.emulator.odata.ast import Alias, Expression, Literal, Segment
from d365ext.emulator.odata.parser import parse_reference
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue, to_guid
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, Table

_SPECIAL = frozenset("/<>*%&:\\?+")
_BY_ID = re.compile(r"/?([A-Za-z0-9_]+)\(([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\)")
"""The address that nearly every bind has; bulk writes are a third faster for not parsing it."""
_PRINCIPALS = frozenset({"systemuser", "team"})


@dataclass(frozen=True, slots=True)
class Address:
    """A row as it was addressed: by id, or by an alternate key (`key`: values by column, in JSON form)."""

    table: Table
    row_id: str | None  # None: no row has these key values
    key: Mapping[str, Any]

    def required(self) -> str:
        """Give the id; 404 where no row has these key values."""
        if self.row_id is None:
            raise Problem.no_row_by_key(self.table.logical)
        return self.row_id


def row_of(session: Session, address: str) -> tuple[Table, str]:
    """Read the address of a row in a body; the row need not be there if it is named by id, 404 if by key."""
    plain = _BY_ID.fullmatch(address)
    if plain is not None:
        return session.schema.set(plain[1]), plain[2].lower()
    segments = parse_reference(address)
    if len(segments) != 1 or not segments[0].arguments:
        raise Problem.payload(f"'{address}' is not the address of a row.")
    found = locate(session, session.schema.set(segments[0].name), segments[0])
    return found.table, found.required()


def find_referenced(session: Session, table: Table, address: str) -> tuple[str | None, dict[str, Any]]:
    """Read the address of a row of `table`: its id if it is given or found, and the key columns that address it."""
    segments = parse_reference(address)
    if len(segments) != 1 or not segments[0].arguments or segments[0].name != table.entity_set:
        raise Problem.payload(f"'{address}' is not the address of a row of '{table.entity_set}'.")
    found = locate(session, table, segments[0])
    return found.row_id, dict(found.key)


def locate(session: Session, table: Table, segment: Segment) -> Address:
    """Find the row that the key of a path segment means."""
    arguments = segment.arguments or ()
    positional = [each.value for each in arguments if each.name is None]
    if len(arguments) == 1 and positional:
        return Address(table, _id(table, positional[0]), {})
    named = segment.named
    if positional or not named or len(named) != len(arguments):
        raise _not_a_key(table)
    if set(named) == {table.primary_id} and table.logical not in _PRINCIPALS:
        return Address(table, _id(table, named[table.primary_id]), {})
    columns = {name: table.properties.get(name) for name in named}
    logical = {column.logical for column in columns.values() if column is not None}
    if not any(set(key.columns) == logical and key.status == "Active" for key in table.keys.values()):
        raise _not_a_key(table)
    key = {column.logical: _value(session, column, named[name]) for name, column in columns.items() if column}
    return Address(table, rows.find_by_key(session, table, key), key)


def _id(table: Table, value: Expression) -> str:
    match value:
        case Literal(UUID() | str() as given):
            return to_guid(table.entity_set, given)
    raise _not_a_key(table)


def _value(session: Session, column: Column, value: Expression) -> Any:
    if isinstance(value, Alias):
        raise Problem.query("Parameter aliases can't be used in the key of an address.")
    if not isinstance(value, Literal):
        raise Problem.query("The value of a key must be a constant.")
    given = value.value
    if column.is_lookup and given is not None:
        return LookupValue(column.targets[0], to_guid(column.logical, given))
    match given:
        case str() if _SPECIAL.intersection(given) and session.settings.special_characters_in_keys == "refuse":
            found = next(each for each in given if each in _SPECIAL)
            # ASP.NET's words for such paths
            raise Problem(
                400, "", f"A potentially dangerous Request.Path value was detected from the client ({found})."
            )
        case datetime():
            return given.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return given.isoformat()
        case UUID():
            return str(given)
    return given


def _not_a_key(table: Table) -> Problem:
    return Problem.query(
        "The key in the request URI is not valid for resource "
        f"'Microsoft.Dynamics.CRM.{table.logical}'. Ensure that the names and number of key properties match the "
        f"declared or alternate key properties for the resource 'Microsoft.Dynamics.CRM.{table.logical}'."
    )
