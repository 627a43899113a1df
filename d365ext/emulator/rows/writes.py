"""Create and update a row with everything that its body brings along: nested rows, links to other rows.

Owns deep insert and association. One call is part of one transaction. Must not know HTTP methods or headers.

Source: learn.microsoft.com/…/webapi/create-entity-web-api ("Create related table rows in one operation", "deep insert";
not for update); …/associate-disassociate-entities-using-web-api. Inferred: associating what is associated already is a
duplicate (0x80040237) for N:N; no more than 20 levels may be nested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import payload, rows
from d365ext.emulator.rows.payload import Nested
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ManyToMany, Relationship, Table
from d365ext.emulator.store.storage import quoted
from d365ext.emulator.web.http import Request

_LEVELS_MAX = 20


def create_row(
    session: Session,
    table: Table,
    body: Mapping[str, Any],
    request: Request,
    *,
    also: Mapping[str, Any] | None = None,
    level: int = 0,
) -> str:
    """Create a row and what it nests; give its id. `also` are values from elsewhere; the body's win over them."""
    if level > _LEVELS_MAX:
        raise Problem.payload(f"Rows can be nested {_LEVELS_MAX} levels deep at most.")
    values, nested = payload.read(session, table, body, request)
    values = {**(also or {}), **values}
    for each in nested:
        if not each.is_collection and isinstance(each.navigation, Relationship):
            relationship = each.navigation
            if relationship.referenced_table == "owner" or not isinstance(each.body, Mapping):
                raise Problem.not_implemented(f"creating a row within '{each.nav}'")
            target = session.schema.table(relationship.referenced_table)
            made = create_row(session, target, each.body, request, level=level + 1)
            values[relationship.referencing_column] = LookupValue(target.logical, made)
    row_id = rows.create(session, table, values)
    for each in nested:
        if each.is_collection:
            _attach(session, table, row_id, each, request, level)
    return row_id


def _attach(session: Session, table: Table, row_id: str, each: Nested, request: Request, level: int) -> None:
    navigation = each.navigation
    other = session.schema.table(other_end(table, each.nav, navigation))
    if isinstance(each.body, LookupValue):
        associate(session, table, row_id, each.nav, each.body)
    elif isinstance(navigation, Relationship):
        link = {navigation.referencing_column: LookupValue(table.logical, row_id)}
        create_row(session, other, each.body, request, also=link, level=level + 1)
    else:
        made = create_row(session, other, each.body, request, level=level + 1)
        associate(session, table, row_id, each.nav, LookupValue(other.logical, made))


def update_row(
    session: Session,
    table: Table,
    row_id: str,
    body: Mapping[str, Any],
    request: Request,
    *,
    without: Mapping[str, Any] | None = None,
) -> None:
    """Update a row; columns named in `without` stay as they are. Nested rows are refused: there is no deep update."""
    values, nested = payload.read(session, table, body, request)
    if nested:
        raise Problem.bad_payload(
            table.entity_set,
            f"Microsoft.OData.ODataException: The navigation property '{nested[0].nav}' cannot be written by an "
            "update: deep update is not supported. Use $ref to associate rows.",
        )
    rows.update(session, table, row_id, {name: value for name, value in values.items() if name not in (without or ())})


def other_end(table: Table, nav: str, navigation: Relationship | ManyToMany) -> str:
    """Give the logical name of the table that a collection-valued navigation property of `table` holds."""
    if isinstance(navigation, Relationship):
        return navigation.referencing_table
    return navigation.seen_from(table.logical, nav).table


def associate(session: Session, table: Table, row_id: str, nav: str, other: LookupValue) -> None:
    """Put a row into a collection-valued navigation property."""
    if not rows.exists(session, other.table, other.id):
        raise Problem.no_row(other.table, other.id)
    navigation = table.one_to_many.get(nav) or table.many_to_many[nav]
    if isinstance(navigation, Relationship):
        link = {navigation.referencing_column: LookupValue(table.logical, row_id)}
        rows.update(session, session.schema.table(other.table), other.id, link)
        return
    own, far, _ = navigation.seen_from(table.logical, nav)
    intersect = session.schema.table(navigation.intersect)
    if _link_id(session, intersect, {own: row_id, far: other.id}) is not None:
        raise Problem(412, "0x80040237", "Cannot insert duplicate key.")
    rows.create(session, intersect, {own: row_id, far: other.id}, by_system=True)


def disassociate(session: Session, table: Table, row_id: str, nav: str, other: LookupValue) -> None:
    """Take a row out of a collection-valued navigation property; 404 if it is not in it."""
    navigation = table.one_to_many.get(nav) or table.many_to_many[nav]
    if isinstance(navigation, Relationship):
        referencing = session.schema.table(navigation.referencing_table)
        found = rows.find(session, referencing, other.id)
        if found is None or found[navigation.referencing_column] != row_id:
            raise Problem.no_row(other.table, other.id)
        rows.update(session, referencing, other.id, {navigation.referencing_column: None})
        return
    own, far, _ = navigation.seen_from(table.logical, nav)
    intersect = session.schema.table(navigation.intersect)
    link_id = _link_id(session, intersect, {own: row_id, far: other.id})
    if link_id is None:
        raise Problem.no_row(other.table, other.id)
    rows.delete(session, intersect, link_id, by_system=True)


def is_associated(session: Session, table: Table, row_id: str, nav: str, other_id: str) -> bool:
    """Say whether a row is in a collection-valued navigation property of another."""
    navigation = table.one_to_many.get(nav) or table.many_to_many[nav]
    if isinstance(navigation, Relationship):
        found = rows.find(session, session.schema.table(navigation.referencing_table), other_id)
        return found is not None and found[navigation.referencing_column] == row_id
    own, far, _ = navigation.seen_from(table.logical, nav)
    return _link_id(session, session.schema.table(navigation.intersect), {own: row_id, far: other_id}) is not None


def _link_id(session: Session, intersect: Table, link: Mapping[str, str]) -> str | None:
    tests = " and ".join(f"{quoted(name)} = ?" for name in link)
    found = session.raw.execute(
        f"select {quoted(intersect.primary_id)} from {quoted(intersect.logical)} where {tests}",  # noqa: S608
        list(link.values()),
    ).fetchone()
    return None if found is None else str(found[0])
