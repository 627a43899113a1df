"""Answer GETs for rows: a collection, its count, its references, one row.

For whoever dispatches (app.py):
    collection(session, table, request, parent=None) -> Response     GET /accounts?…   GET /accounts(id)/nav?…
    count(session, table, request, parent=None) -> Response          GET …/$count
    references(session, table, request, parent=None) -> Response     GET …/nav/$ref of a collection-valued navigation
    single(session, table, row_id, request) -> Response              GET /accounts(id)?…   GET /accounts(id)/lookup?…
    reference(session, table, row_id, request) -> Response           GET …/lookup/$ref of a single-valued navigation
    value_of(session, table, row_id, name, request, raw=False) -> Response   GET /accounts(id)/name[/$value]
A POST or PATCH with return=representation calls `single(…)` and changes the status.
"""

from __future__ import annotations

from dataclasses import dataclass

from d365ext.emulator.http import Request, Response
from d365ext.emulator.schema import ManyToMany, Relationship, Table
from d365ext.emulator.session import Session


@dataclass(frozen=True, slots=True)
class Parent:
    """The row whose collection is asked for: accounts(id)/contact_customer_accounts."""

    table: Table
    row_id: str
    nav: str  # its collection-valued navigation property
    navigation: Relationship | ManyToMany


def collection(session: Session, table: Table, request: Request, parent: Parent | None = None) -> Response:
    """Answer a collection of rows of `table`, whole options; savedQuery, userQuery, fetchXml and $apply included."""
    raise NotImplementedError


def count(session: Session, table: Table, request: Request, parent: Parent | None = None) -> Response:
    """Answer …/$count: text, at most 5,000."""
    raise NotImplementedError


def references(session: Session, table: Table, request: Request, parent: Parent | None = None) -> Response:
    """Answer …/$ref of a collection: {"value":[{"@odata.id": …}]}."""
    raise NotImplementedError


def single(session: Session, table: Table, row_id: str, request: Request) -> Response:
    """Answer one row with $select and $expand and its ETag header; 404 if it is not there."""
    raise NotImplementedError


def reference(session: Session, table: Table, row_id: str, request: Request) -> Response:
    """Answer …/lookup/$ref: {"@odata.context": …, "@odata.id": …}."""
    raise NotImplementedError


def value_of(
    session: Session, table: Table, row_id: str, name: str, request: Request, *, raw: bool = False
) -> Response:
    """Answer one property: {"@odata.context": …, "value": …}, as text if `raw`, 204 if it is null."""
    raise NotImplementedError
