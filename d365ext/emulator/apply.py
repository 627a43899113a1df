"""$apply (next commit)."""

from __future__ import annotations

from d365ext.emulator.http import Request, Response
from d365ext.emulator.problems import Problem
from d365ext.emulator.row_query import Within
from d365ext.emulator.schema import Table
from d365ext.emulator.session import Session


def answer(session: Session, table: Table, request: Request, within: Within | None) -> Response:
    """Refuse $apply, for now."""
    del session, table, request, within
    raise Problem.not_implemented("the query option '$apply'")
