"""$apply: filter, groupby and aggregate over a collection.

Owns which transformations go together and the names of what they return.

Source: powerapps-docs …/webapi/query/aggregate-data.md: rows leave out nulls; primarycontactid/fullname comes back as
contact_fullname; groupby takes no dates; ordering by an aggregate is refused with the words printed there; at most
50,000 rows are aggregated. That $filter, $select and $expand don't go with $apply is inferred.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from d365ext.emulator.fetchxml.output import Selection, add_group
from d365ext.emulator.fetchxml.parser import Entity
from d365ext.emulator.fetchxml.sql import Source
from d365ext.emulator.odata.ast import Aggregate, Alias, Apply, Path
from d365ext.emulator.odata.navigation_sql import holds
from d365ext.emulator.odata.parser import parse_apply
from d365ext.emulator.odata.sql import Compiler
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.aggregates import aggregate, check_rows, fetch_all
from d365ext.emulator.queries.envelope import count_annotations, next_link, preference_applied, whole_annotations
from d365ext.emulator.queries.formatted import Annotations
from d365ext.emulator.queries.paging import PAGE_ROWS_MAX, inner_cookie, read_skip_token, skip_token
from d365ext.emulator.queries.query_options import QueryOptions, read_collection_options
from d365ext.emulator.queries.row_query import Within
from d365ext.emulator.queries.shape import Cell, shape_rows
from d365ext.emulator.queries.stored_values import Condition, Operand
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType, Table
from d365ext.emulator.web.http import Request, Response

_METHODS = {"sum": "sum", "average": "avg", "min": "min", "max": "max", "count": "count"}
_NOT_TOGETHER = ("$filter", "$select", "$expand")


def answer(session: Session, table: Table, request: Request, within: Within | None) -> Response:
    """Answer a collection with $apply."""
    options = read_collection_options(request)
    for name in _NOT_TOGETHER:
        if name in request.options:
            raise Problem.not_implemented(f"the query option '{name}' together with '$apply'")
    query = _ApplyQuery(session, table, options, parse_apply(request.options["$apply"]), within)
    annotations = Annotations.of(request)
    rows, token = query.page()
    payload: dict[str, Any] = {"@odata.context": f"{request.root}$metadata#{table.entity_set}"}
    payload |= whole_annotations(session, annotations)
    payload |= count_annotations(query.count() if options.count else None, annotations)
    payload["value"] = shape_rows(
        query.selection.plan, rows, session=session, annotations=annotations, without_nulls=True
    )
    if token is not None:
        payload["@odata.nextLink"] = next_link(request, token)
    return Response.json(payload, headers=preference_applied(request))


class _ApplyQuery:
    def __init__(
        self, session: Session, table: Table, options: QueryOptions, asked: Apply, within: Within | None
    ) -> None:
        self._session, self._options = session, options
        source = table.sql.alias()
        self._compiler = Compiler(session, table, source, options.aliases)
        self._where: list[Condition] = security.visible(session, table, source)
        self._where += [self._compiler.filter(each) for each in asked.filters]
        if within is not None:
            self._where.append(holds(session.schema, within.collection, source, within.row_id))
        if not (asked.group_by or asked.aggregates):
            raise Problem.not_implemented("$apply with a filter alone: use $filter")
        self.selection = Selection()
        for path in asked.group_by:
            self._group(path)
        for item in asked.aggregates:
            self._aggregate(item)
        self._order = self._ordered()

    def _source(self, path: Path) -> tuple[Operand, Source]:
        operand = self._compiler.operand(path)
        table, sql = self._compiler.root.follow(self._session, path.parts[:-1])
        return operand, Source(path.text, table, sql, Entity(table.logical))

    def _group(self, path: Path) -> None:
        operand, source = self._source(path)
        if operand.column.type is ColumnType.DATETIME:
            raise Problem.query(f"groupby with datetime values is not supported: '{path.text}'.")
        key = path.parts[-1] if len(path.parts) == 1 else f"{source.table.logical}_{path.parts[-1]}"
        add_group(self.selection, key, operand, source)

    def _aggregate(self, item: Aggregate) -> None:
        method = _METHODS.get(item.method)
        if method is None:
            raise Problem.not_implemented(f"the aggregation method '{item.method}'")
        if any(cell.key == item.alias for cell in self.selection.cells):
            raise Problem.query(f"The alias '{item.alias}' is used more than once.")
        operand = None if item.path is None else self._compiler.operand(item.path)
        column = self._compiler.root.table.columns[self._compiler.root.table.primary_id]
        cell = Cell(item.alias, column, self._compiler.root.table, len(self.selection.columns))
        value, cell = aggregate(self._session, method, operand, cell)
        self.selection.columns.append(value)
        self.selection.cells.append(cell)

    def _ordered(self) -> list[sa.ColumnElement[Any]]:
        """Order by group columns, then by every group, so that pages are stable."""
        made: list[sa.ColumnElement[Any]] = []
        for order in self._options.orderby:
            by = self._compiler.resolved(order.by)
            text = by.text if isinstance(by, Path) else f"@{by.name}" if isinstance(by, Alias) else ""
            key = self.selection.sortable.get(text)
            if key is None:
                raise Problem.query("The query node SingleValueOpenPropertyAccess is not supported")
            made.append(key.desc() if order.descending else key.asc())
        return made + [group.asc() for group in self.selection.groups]

    def _statement(self) -> sa.Select[Any]:
        labelled = [column.label(f"c{at}") for at, column in enumerate(self.selection.columns)]
        statement = sa.select(*labelled).select_from(self._compiler.root.tables).where(*self._where)
        return statement.group_by(*self.selection.groups) if self.selection.groups else statement

    def page(self) -> tuple[list[Any], str | None]:
        """Read one page of groups; $top and page sizes count groups."""
        check_rows(self._session, self._compiler.root.tables, self._where)
        token, limit = self._options.skip_token, self._options.limit
        number = 1 if token is None else read_skip_token(token, ()).page + 1
        statement = self._statement().order_by(*self._order).offset((number - 1) * limit).limit(limit + 1)
        rows = fetch_all(self._session, statement)
        if len(rows) <= limit or not self._options.is_paged:
            return rows[:limit], None
        return rows[:limit], skip_token(number, inner_cookie(number, (), (), ()))

    def count(self) -> int:
        """Count the groups, at most one more than 5,000."""
        rows = self._statement().limit(PAGE_ROWS_MAX + 1).subquery()
        return int(self._session.conn.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one())
