"""What happens to related rows when a row is deleted, merged away or assigned, as its relationships say.

Owns the CascadeConfiguration's Delete, Merge and Assign. Share, Unshare and Reparent concern access to rows, which this
server does not restrict.

Source: learn.microsoft.com/power-apps/developer/data-platform/configure-entity-relationship-cascading-behavior: Cascade
"perform the action on all associated rows", Active "… all associated active rows", UserOwned "… owned by the same
user", RemoveLink "remove the value of the referencing column", Restrict "prevent the row from being deleted when
associated rows exist", NoCascade "do nothing". Error code table: CannotDeleteDueToAssociation 0x80040227, HTTP 405
(compose-http-requests-handle-errors). Inferred: NoCascade on Delete leaves the lookup as it is; removing a link is an
update of the related row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, ManyToMany, Relationship, Table
from d365ext.emulator.store.storage import quoted


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """Refuse, delete or unlink what points to the row; remove its N:N links."""
    pointing = session.schema.pointing_to(table.logical)
    for relationship in pointing:
        if relationship.cascade.get("Delete") == "Restrict" and next(_related(session, relationship, row_id), None):
            raise Problem(
                405,
                "0x80040227",
                f"The object you tried to delete is associated with another object and cannot be deleted: a row of "
                f"'{relationship.referencing_table}' names it in '{relationship.referencing_column}'.",
            )
    for relationship in pointing:
        referencing = session.schema.table(relationship.referencing_table)
        match relationship.cascade.get("Delete"):
            case "Cascade":
                for related in list(_related(session, relationship, row_id)):
                    if rows.find(session, referencing, related) is not None:  # two ways may lead to one row
                        rows.delete(session, referencing, related)
            case "RemoveLink":
                for related in list(_related(session, relationship, row_id)):
                    rows.update(session, referencing, related, {relationship.referencing_column: None}, by_system=True)
    for link in dict.fromkeys(table.many_to_many.values()):
        _unlink(session, table, link, row_id)


def _unlink(session: Session, table: Table, link: ManyToMany, row_id: str) -> None:
    intersect = session.schema.table(link.intersect)
    columns = [name for end, name in ((link.table1, link.column1), (link.table2, link.column2)) if end == table.logical]
    for column in columns:
        found = session.raw.execute(
            f"select {quoted(intersect.primary_id)} from {quoted(intersect.logical)} where {quoted(column)} = ?",  # noqa: S608
            (row_id,),
        ).fetchall()
        for (link_id,) in found:
            rows.delete(session, intersect, link_id, by_system=True)


def merged(session: Session, table: Table, lost_id: str, kept_id: str) -> None:
    """Point everything that names the lost row to the kept one, where the relationship's Merge is Cascade."""
    for relationship in session.schema.pointing_to(table.logical):
        if relationship.cascade.get("Merge") != "Cascade":
            continue
        referencing = session.schema.table(relationship.referencing_table)
        target = LookupValue(table.logical, kept_id)
        for related in list(_related(session, relationship, lost_id)):
            rows.update(session, referencing, related, {relationship.referencing_column: target}, by_system=True)


def assigned(session: Session, table: Table, row_id: str, before: Mapping[str, Any], owner: LookupValue) -> None:
    """Give related rows the new owner of a row, where the relationship's Assign says so."""
    for relationship in session.schema.pointing_to(table.logical):
        rule = relationship.cascade.get("Assign", "NoCascade")
        referencing = session.schema.table(relationship.referencing_table)
        if rule == "NoCascade" or "ownerid" not in referencing.columns:
            continue
        for related in list(_related(session, relationship, row_id)):
            row = rows.find(session, referencing, related) or {}
            if row["ownerid"] == owner.id or (rule == "Active" and row.get("statecode") != 0):
                continue
            if rule == "UserOwned" and row["ownerid"] != before.get("ownerid"):
                continue
            rows.update(session, referencing, related, {"ownerid": owner}, by_system=True)


def _related(session: Session, relationship: Relationship, row_id: str) -> Iterator[str]:
    """Give the ids of the rows that name the row by this relationship."""
    table = session.schema.table(relationship.referencing_table)
    column = table.columns[relationship.referencing_column]
    test, values = f"{quoted(column.logical)} = ?", [row_id]
    if column.is_polymorphic:
        test += f" and {quoted(column.logical + TYPE_SUFFIX)} = ?"
        values.append(relationship.referenced_table)
    found = session.raw.execute(
        f"select {quoted(table.primary_id)} from {quoted(table.logical)} where {test}",  # noqa: S608  quoted names
        values,
    )
    return (row[0] for row in found)
