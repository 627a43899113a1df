"""Merge: one of two accounts, contacts or leads takes over what points to the other, which is deactivated.

Sources
- learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/merge (Target, Subordinate, UpdateContent,
  PerformParentingChecks; returns nothing);
- …/developer/data-platform/merge-entity-using-web-api and its SDK page: the subordinate is deactivated, `merged` is set
  and `masterid` names the target; UpdateContent is written to the target;
- …/configure-entity-relationship-cascading-behavior: the cascade `Merge` of a relationship says whether rows move;
- error code table: MergeEntitiesIdenticalError 0x80045305, MergeEntityNotActiveError 0x80045304,
  MergeCyclicalParentingError 0x80045300, MergeDifferentlyParentedWarning 0x80045316.
Inferred: rows of N:N relationships move too; a target that pointed to its subordinate points to nothing afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.odata.action_parameters import only
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import cascade, payload, rows
from d365ext.emulator.rows.entity_references import read_reference
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.sales import close as sales_close
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ManyToMany, Table
from d365ext.emulator.store.storage import quoted
from d365ext.emulator.web.http import Request, Response

_MERGEABLE = {"account": "parentaccountid", "contact": "parentcustomerid", "lead": "parentaccountid"}
_INACTIVE = {"account": 1, "contact": 1, "lead": 2}


def merge(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST Merge`."""
    only(body, "Target", "Subordinate", "UpdateContent", "PerformParentingChecks")
    target = read_reference(session, body, "Target")
    subordinate = read_reference(session, body, "Subordinate")
    if target.table not in _MERGEABLE or subordinate.table != target.table:
        raise sales_close.wrong_state("Merge takes two accounts, two contacts or two leads.")
    table = session.schema.table(target.table)
    _check(session, table, target.id, subordinate.id, body)
    content = body.get("UpdateContent")
    if content is not None and not isinstance(content, dict):
        raise Problem.payload("The parameter 'UpdateContent' must be an object.")
    if content:
        values, nested = payload.read(session, table, _without_id(table, content), request)
        if nested:
            raise Problem.not_implemented("rows inside UpdateContent of Merge")
        rows.update(session, table, target.id, values)
    cascade.merged(session, table, subordinate.id, target.id)
    for link in dict.fromkeys(table.many_to_many.values()):
        _move_links(session, table, link, target.id, subordinate.id)
    state = _INACTIVE[table.logical]
    changes = {
        "merged": True,
        "masterid": LookupValue(table.logical, target.id),
        "statecode": state,
        "statuscode": sales_close.status_for(table, subordinate.id, state, sales_close.DEFAULT_STATUS),
    }
    rows.update(session, table, subordinate.id, changes, by_system=True)
    return Response.empty()


def _without_id(table: Table, content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in ("@odata.type", table.primary_id)}


def _check(session: Session, table: Table, target_id: str, subordinate_id: str, body: Mapping[str, Any]) -> None:
    if target_id == subordinate_id:
        message = "Merge cannot be performed on master and sub-entities that are identical."
        raise Problem(400, "0x80045305", message)
    kept = sales_close.existing(session, table, target_id)
    gone = sales_close.existing(session, table, subordinate_id)
    for row in (kept, gone):
        security.require(session, table, "Write", row)
    if kept["statecode"] != 0 or gone["statecode"] != 0:
        raise Problem(400, "0x80045304", "Merge cannot be performed on entity that is inactive.")
    parent = _MERGEABLE[table.logical]
    if kept[parent] is not None and _is_below(session, table, parent, kept[parent], subordinate_id):
        if kept[parent] != subordinate_id:
            raise Problem(400, "0x80045300", "Merge could create cyclical parenting.")
        rows.update(session, table, target_id, {parent: None}, by_system=True)
    elif body.get("PerformParentingChecks") and kept[parent] != gone[parent]:
        raise Problem(400, "0x80045316", "Merge warning: sub-entity will be differently parented.")


def _is_below(session: Session, table: Table, parent: str, start: str, ancestor: str) -> bool:
    """Say whether `ancestor` stands at or above the row `start` in the table's own hierarchy."""
    if table.logical != "account":
        return start == ancestor
    found = session.raw.execute(
        f"with recursive up(id) as (select ? union select a.{quoted(parent)} from account a "  # noqa: S608
        f"join up on a.accountid = up.id where a.{quoted(parent)} is not null) select 1 from up where id = ?",
        (start, ancestor),
    ).fetchone()
    return found is not None


def _move_links(session: Session, table: Table, link: ManyToMany, target_id: str, subordinate_id: str) -> None:
    for own_table, own, other in ((link.table1, link.column1, link.column2), (link.table2, link.column2, link.column1)):
        if own_table != table.logical:
            continue
        name, own_name, other_name = quoted(link.intersect), quoted(own), quoted(other)
        session.raw.execute(
            f"update {name} set {own_name} = ? where {own_name} = ? and {other_name} not in "  # noqa: S608
            f"(select {other_name} from {name} where {own_name} = ?)",
            (target_id, subordinate_id, target_id),
        )
