"""RetrieveUnpublished and RetrieveUnpublishedMultiple: rows with the changes that wait to be published.

Owns the view of a table in which every waiting change is made. A temporary SQLite table of the same name stands before
the real one while the query runs, so that queries need not know.
Source: powerapps-docs developer/model-driven-apps/publish-customizations.md; the addresses are those of
…/create-manage-model-driven-apps-using-code.md (bound functions).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import orjson

from d365ext.emulator.components.publishing import PUBLISHABLE, as_values
from d365ext.emulator.odata.ast import Expression
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import query
from d365ext.emulator.routes import Target
from d365ext.emulator.rows.plan import plan_of
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.store.storage import quoted
from d365ext.emulator.web.http import Request, Response


def retrieve(session: Session, target: Target, params: Mapping[str, Expression], request: Request) -> Response:
    """RetrieveUnpublished(): one row."""
    if target.row_id is None:
        raise Problem.no_resource("Microsoft.Dynamics.CRM.RetrieveUnpublished")
    with _as_unpublished(session, target.table):
        return query.single(session, target.table, target.row_id, request)


def retrieve_multiple(session: Session, target: Target, params: Mapping[str, Expression], request: Request) -> Response:
    """RetrieveUnpublishedMultiple(): a query of rows."""
    with _as_unpublished(session, target.table):
        return query.collection(session, target.table, request)


@contextmanager
def _as_unpublished(session: Session, table: Table) -> Iterator[None]:
    if table.logical not in PUBLISHABLE:
        raise Problem.not_implemented(f"RetrieveUnpublished on {table.logical}")
    name = quoted(table.logical)
    session.raw.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM main.{name}")  # noqa: S608  a table of ours
    try:
        waiting = session.raw.execute("SELECT row_id, changes FROM _unpublished WHERE table_name = ?", (table.logical,))
        for row_id, changes in waiting.fetchall():
            stored = _stored(table, as_values(orjson.loads(changes)))
            sets = ", ".join(f"{quoted(column)} = ?" for column in stored)
            session.raw.execute(
                f"UPDATE temp.{name} SET {sets} WHERE {quoted(table.primary_id)} = ?",  # noqa: S608  as above
                (*stored.values(), row_id),
            )
        yield
    finally:
        session.raw.execute(f"DROP TABLE temp.{name}")


def _stored(table: Table, changes: Mapping[str, object]) -> dict[str, object]:
    converters = plan_of(table).converters
    stored: dict[str, object] = {}
    for name, value in changes.items():
        made = None if value is None else converters[name](value)
        stored[name] = made.id if isinstance(made, LookupValue) else made
    if "componentstate" in table.columns:
        stored["componentstate"] = 1
    return stored
