"""BulkDelete: a job that deletes the rows of some queries. Here it is done when the answer is sent.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/bulkdelete (QuerySet, JobName,
SendEmailNotification, ToRecipients, CCRecipients, RecurrencePattern, StartDateTime; returns JobId), queryexpression,
conditionoperator; …/delete-data-bulk; table reference, asyncoperation: operationtype 13 Bulk Delete, statuscode
30 Succeeded, 31 Failed. The platform runs the job later; whoever polls the asyncoperation finds it completed here.
Inferred: a row that cannot be deleted stays and does not stop the others; the job has then failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from d365ext.emulator.odata.action_parameters import only
from d365ext.emulator.odata.ast import Value
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.conditions import condition
from d365ext.emulator.queries.stored_values import Condition, Operand
from d365ext.emulator.rows import rows
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Request, Response

_OPERATIONTYPE, _COMPLETED, _SUCCEEDED, _FAILED = 13, 3, 30, 31
_PLAIN = {
    "Equal": "eq",
    "NotEqual": "ne",
    "GreaterThan": "gt",
    "LessThan": "lt",
    "GreaterEqual": "ge",
    "LessEqual": "le",
    "DoesNotBeginWith": "not-begin-with",
    "DoesNotEndWith": "not-end-with",
}
_UNSUPPORTED = ("LinkEntities", "TopCount", "SubQueryExpression")


def bulk_delete(session: Session, body: Mapping[str, Any], request: Request) -> Response:
    """Answer `POST BulkDelete`."""
    only(
        body,
        "QuerySet",
        "JobName",
        "SendEmailNotification",
        "ToRecipients",
        "CCRecipients",
        "RecurrencePattern",
        "StartDateTime",
        "SourceImportId",
        "RunNow",
    )
    for name in ("RecurrencePattern", "SourceImportId"):
        if body.get(name):
            raise Problem.not_implemented(f"{name} of BulkDelete")
    security.require_privilege(session, "prvBulkDelete")
    queries = body.get("QuerySet")
    if not isinstance(queries, list) or not all(isinstance(each, dict) for each in queries):
        raise Problem.payload("The parameter 'QuerySet' must be a list of QueryExpression objects.")
    failures = sum(_delete(session, table, ids) for table, ids in [_found(session, query) for query in queries])
    job_id = str(uuid4())
    job = {
        "asyncoperationid": job_id,
        "name": str(body.get("JobName") or "Bulk delete"),
        "operationtype": _OPERATIONTYPE,
        "startedon": session.now_text,
        "completedon": session.now_text,
        "statecode": _COMPLETED,
        "statuscode": _FAILED if failures else _SUCCEEDED,
        "message": f"{failures} rows could not be deleted." if failures else None,
    }
    rows.create(session, session.schema.table("asyncoperation"), job, by_system=True)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse"
    return Response.json({"@odata.context": context, "JobId": job_id})


def _delete(session: Session, table: Table, ids: Sequence[str]) -> int:
    failures = 0
    for row_id in ids:
        row = rows.find(session, table, row_id)
        if row is None:  # deleted along with another
            continue
        session.raw.execute("savepoint bulk_delete")
        try:
            security.require(session, table, "Delete", row)
            rows.delete(session, table, row_id)
        except Problem:
            session.raw.execute("rollback to bulk_delete")
            failures += 1
        session.raw.execute("release bulk_delete")
    return failures


def _found(session: Session, query: Mapping[str, Any]) -> tuple[Table, list[str]]:
    for name in _UNSUPPORTED:
        if query.get(name):
            raise Problem.not_implemented(f"{name} of a QueryExpression")
    table = session.schema.table(str(query.get("EntityName", "")))
    source = table.sql
    statement = sa.select(source.c[table.primary_id]).where(*security.visible(session, table, source))
    criteria = query.get("Criteria")
    if criteria:
        statement = statement.where(_filter(session, table, criteria))
    return table, [row_id for (row_id,) in session.conn.execute(statement)]


def _filter(session: Session, table: Table, criteria: Any) -> Condition:
    if not isinstance(criteria, dict):
        raise Problem.payload("Criteria and Filters of a QueryExpression must be FilterExpression objects.")
    terms = [_condition(session, table, each) for each in _objects(criteria, "Conditions")]
    terms += [_filter(session, table, each) for each in _objects(criteria, "Filters")]
    joined: Condition
    if criteria.get("FilterOperator", "And") in ("Or", 1):
        joined = sa.or_(sa.false(), *terms) if terms else sa.true()
    else:
        joined = sa.and_(sa.true(), *terms)
    return joined


def _objects(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    listed = given.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise Problem.payload(f"The member '{name}' of a QueryExpression must be a list of objects.")
    return listed


def _condition(session: Session, table: Table, given: Mapping[str, Any]) -> Condition:
    column = table.columns.get(str(given.get("AttributeName", "")))
    if column is None or not column.is_stored:
        raise Problem(
            400,
            "0x80041103",
            f"'{table.schema}' entity doesn't contain attribute with Name = '{given.get('AttributeName')}'.",
        )
    if given.get("EntityName") not in (None, "", table.logical):
        raise Problem.not_implemented("conditions on other tables in a QueryExpression")
    listed = given.get("Values") or []
    if not isinstance(listed, list):
        raise Problem.payload("The member 'Values' of a ConditionExpression must be a list.")
    values = [_value(each.get("Value") if isinstance(each, dict) else each) for each in listed]
    operand = Operand(column, table.sql.c[column.logical])
    return condition(session, _operator(str(given.get("Operator", ""))), operand, values)


def _value(given: Any) -> Value:
    if isinstance(given, float):
        return Decimal(repr(given))
    if given is None or isinstance(given, str | int):
        return given
    raise Problem.payload("A value of a ConditionExpression must be a text, a number or a Boolean.")


def _operator(name: str) -> str:
    """Turn a ConditionOperator into FetchXML's word for it: LastXDays is last-x-days.

    >>> _operator("Equal"), _operator("NotIn"), _operator("OnOrAfter"), _operator("LastXDays")
    ('eq', 'not-in', 'on-or-after', 'last-x-days')
    """
    return _PLAIN.get(name) or re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
