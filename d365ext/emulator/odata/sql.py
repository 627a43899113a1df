"""From $filter and $orderby to SQL.

Owns the meaning of an expression over one table: property names, lookups followed by outer joins, lambdas as EXISTS,
parameter aliases. Negation is pushed inwards (not (a gt 1) is a le 1), as the platform's own condition trees have no
other way; inferred.

Source: powerapps-docs …/webapi/query/filter-rows.md, order-rows.md, overview.md ("parameter aliases").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from d365ext.emulator.odata import functions as odata_functions
from d365ext.emulator.odata.ast import (
    Alias,
    And,
    Call,
    Compare,
    Expression,
    Lambda,
    Literal,
    Not,
    Or,
    Order,
    Path,
    Value,
    to_text,
)
from d365ext.emulator.odata.navigation_sql import collection_of, follows, holds, lookup_target
from d365ext.emulator.odata.parser import parse_value
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.conditions import OPPOSITE_OPERATORS, condition, contains, negated
from d365ext.emulator.queries.shape import PRINCIPALS
from d365ext.emulator.queries.stored_values import MIRRORED, OPPOSITE, Condition, Operand, compare, compare_columns
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Column, ColumnType, Table
from d365ext.emulator.store.sqlite_functions import FOLD

CONDITIONS_MAX = 500
JOINS_MAX = 15
_TEXT_FUNCTIONS = {"contains": (True, True), "startswith": (False, True), "endswith": (True, False)}
_STANDARD_FUNCTIONS = frozenset(
    {
        *("length", "indexof", "substring", "tolower", "toupper", "trim", "concat", "round", "floor", "ceiling"),
        *("year", "month", "day", "hour", "minute", "second", "fractionalseconds", "date", "time"),
        *("totaloffsetminutes", "now", "maxdatetime", "mindatetime", "cast", "isof"),
    }
)


def too_many_conditions() -> Problem:
    """Source: powerapps-docs …/fetchxml/filter-rows.md, "Condition limits" (500); for $filter inferred."""
    return Problem(400, "0x8004430C", "Number of conditions in query exceeded maximum limit.")


def too_many_joins() -> Problem:
    """Source: powerapps-docs …/fetchxml/join-tables.md, "Limitations" (15 link-entities); for $filter inferred."""
    return Problem(400, "0x8004430D", "Number of link entities in query exceeded maximum limit.")


@dataclass(eq=False)
class Scope:
    """A table in a query under one alias, and the tables joined to it by following lookups."""

    table: Table
    source: sa.FromClause
    _joined: dict[tuple[str, ...], tuple[Table, sa.FromClause]] = field(default_factory=dict)
    _links: list[tuple[sa.FromClause, Condition]] = field(default_factory=list)

    @property
    def tables(self) -> sa.FromClause:
        """Everything to select from."""
        made = self.source
        for target, link in self._links:
            made = made.outerjoin(target, link)
        return made

    def follow(self, session: Session, navs: Sequence[str]) -> tuple[Table, sa.FromClause]:
        """Follow single-valued navigation properties; each is joined once."""
        here: tuple[Table, sa.FromClause] = self.table, self.source
        for depth in range(1, len(navs) + 1):
            way = tuple(navs[:depth])
            if way not in self._joined:
                if len(self._joined) >= JOINS_MAX:
                    raise too_many_joins()
                table, source = here
                relationship, target = lookup_target(session.schema, table, navs[depth - 1])
                alias = target.sql.alias()
                seen = security.visible(session, target, alias)
                self._links.append((alias, sa.and_(follows(relationship, table, source, alias), *seen)))
                self._joined[way] = target, alias
            here = self._joined[way]
        return here


class Compiler:
    """Compiles the expressions of one query; collects the joins they need in `root`."""

    def __init__(
        self, session: Session, table: Table, source: sa.FromClause, aliases: Mapping[str, str] | None = None
    ) -> None:
        """`aliases` are the request's options; those whose name starts with @ are looked at."""
        self._session = session
        self._aliases = aliases or {}
        self._variables: dict[str, Scope] = {}
        self._conditions = 0
        self.root = Scope(table, source)

    # ---- $filter

    def filter(self, expression: Expression) -> Condition:
        """Compile $filter."""
        return self._condition(expression, positive=True)

    def _condition(self, node: Expression, *, positive: bool) -> Condition:
        self._conditions += 1
        if self._conditions > 2 * CONDITIONS_MAX:
            raise too_many_conditions()
        match node:
            case And(terms) | Or(terms):
                join: Callable[..., Condition] = sa.and_ if isinstance(node, And) is positive else sa.or_
                if len(terms) > CONDITIONS_MAX:
                    raise too_many_conditions()
                return join(*(self._condition(each, positive=positive) for each in terms))
            case Not(term):
                return self._condition(term, positive=not positive)
            case Compare():
                return self._compare(node, positive=positive)
            case Call():
                return self._call(node, positive=positive)
            case Lambda():
                found = self._lambda(node)
                return found if positive else sa.not_(found)
            case Alias():
                return self._condition(self.resolved(node), positive=positive)
            case Path():
                return compare(self.operand(node), "eq", positive)
            case Literal(bool() as value):
                return sa.true() if value is positive else sa.false()
        raise Problem.query(f"'{to_text(node)}' is not a condition: it is neither true nor false.")

    def _compare(self, node: Compare, *, positive: bool) -> Condition:
        word = node.operator if positive else OPPOSITE[node.operator]
        left, right = self.resolved(node.left), self.resolved(node.right)
        match left, right:
            case Path(), Path():
                return compare_columns(self.operand(left), word, self.operand(right))
            case Path(), Literal(value):
                return compare(self.operand(left), word, value)
            case Literal(value), Path():
                return compare(self.operand(right), MIRRORED[word], value)
            case (inner, Literal(bool() as value)) | (Literal(bool() as value), inner) if word in ("eq", "ne"):
                return self._condition(inner, positive=value is (word == "eq"))
        raise Problem.not_implemented(f"the comparison '{to_text(node)}'")

    def resolved(self, node: Expression) -> Expression:
        """Replace an alias by what the request assigns to it.

        Source: …/webapi/query/overview.md: "If the alias isn't assigned a value, it's assumed to be null."
        """
        if not isinstance(node, Alias):
            return node
        text = self._aliases.get("@" + node.name)
        found = Literal(None) if text is None else parse_value(text)
        if isinstance(found, Alias):
            raise Problem.query(f"The parameter alias '@{node.name}' is given another alias.")
        return found

    # ---- properties

    def operand(self, path: Path) -> Operand:
        """Find the column that a path leads to, joining what lies between; 400 if there is none.

        A managed property is a complex value, compared by its Value: iscustomizable/Value.
        """
        scope, parts = self._start(path)
        navs, name = parts[:-1], parts[-1]
        if navs and name == "Value":
            table, source = scope.follow(self._session, navs[:-1])
            found = table.properties.get(navs[-1])
            if found is not None and found.type is ColumnType.MANAGED_PROPERTY:
                return to_operand(table, source, found)
        table, source = scope.follow(self._session, navs)
        return _column(table, source, name)

    def _start(self, path: Path) -> tuple[Scope, tuple[str, ...]]:
        scope = self._variables.get(path.parts[0])
        if scope is None:
            return self.root, path.parts
        if len(path.parts) == 1:
            raise Problem.query(f"'{path.text}' is a row, not a property of one.")
        return scope, path.parts[1:]

    # ---- functions

    def _call(self, node: Call, *, positive: bool) -> Condition:
        if node.name in _TEXT_FUNCTIONS:
            return self._text_function(node, positive=positive)
        if node.name.startswith(odata_functions.NAMESPACE):
            return self._query_function(node, positive=positive)
        if node.name in _STANDARD_FUNCTIONS:
            raise Problem.not_implemented(f"the function '{node.name}' in a query")
        raise odata_functions.unknown_function(node.name)

    def _text_function(self, node: Call, *, positive: bool) -> Condition:
        arguments = [self.resolved(each.value) for each in node.arguments if each.name is None]
        match arguments:
            case [Path() as path, Literal(str() | None as value)]:
                operand = self.operand(path)
                before, after = _TEXT_FUNCTIONS[node.name]
                found = contains(operand, value, before=before, after=after)
                return found if positive else negated(operand, found)
        raise Problem.query(
            f"No function signature for the function with name '{node.name}' matches the specified arguments. The "
            f"function signatures considered are: {node.name}(Edm.String Nullable=true, Edm.String Nullable=true)."
        )

    def _query_function(self, node: Call, *, positive: bool) -> Condition:
        parameters: dict[str, Value] = {}
        for each in node.arguments:
            value = self.resolved(each.value)
            if each.name is None or not isinstance(value, Literal):
                raise Problem.query(f"The function '{node.name}' takes its parameters by name, and constants for them.")
            parameters[each.name] = value.value
        name, values = odata_functions.values_of(node.name, parameters)
        operand = self._named(Path(tuple(name.split("/"))))
        operator = odata_functions.operator_of(node.name)
        if positive:
            return condition(self._session, operator, operand, values)
        opposite = OPPOSITE_OPERATORS.get(operator)
        if opposite is not None:
            return condition(self._session, opposite, operand, values)
        return negated(operand, condition(self._session, operator, operand, values))

    def _named(self, path: Path) -> Operand:
        """Find a column by the name that PropertyName gives: a lookup's logical name will do."""
        scope, parts = self._start(path)
        table, source = scope.follow(self._session, parts[:-1])
        column = table.columns.get(parts[-1])
        if column is not None and column.is_property:
            return to_operand(table, source, column)
        return _column(table, source, parts[-1])

    # ---- lambdas

    def _lambda(self, node: Lambda) -> Condition:
        scope, parts = self._start(node.collection)
        if len(parts) > 1:
            raise Problem.query(
                f"'{node.collection.text}': conditions on collections behind a lookup are not supported."
            )
        collection = collection_of(self._session.schema, scope.table, parts[0])
        if collection is None:
            raise Problem.no_column(parts[0], scope.table.logical)
        child = Scope(collection.child, collection.child.sql.alias())
        parent_key = scope.source.c[scope.table.primary_id]
        linked = sa.and_(
            holds(self._session.schema, collection, child.source, parent_key),
            *security.visible(self._session, collection.child, child.source),
        )
        if node.body is None or node.variable is None:
            return sa.exists().where(linked).correlate_except(child.source)
        if node.variable in self._variables:
            raise Problem.query(f"The range variable '{node.variable}' has already been declared.")
        self._variables[node.variable] = child
        body = self._condition(node.body, positive=node.quantifier == "any")
        del self._variables[node.variable]
        rows = sa.select(sa.literal(1)).select_from(child.tables).where(linked, body)
        found = rows.correlate_except(child.source, *(target for target, _ in child._links)).exists()  # noqa: SLF001
        return found if node.quantifier == "any" else sa.not_(found)

    # ---- $orderby

    def order(self, orders: Sequence[Order]) -> list[tuple[sa.ColumnElement[Any], bool]]:
        """Compile $orderby into (SQL, descending); a lookup sorts by the name of the row it points to.

        Source: …/webapi/query/order-rows.md, "Ordering lookup and choice columns".
        """
        made = []
        for each in orders:
            by = self.resolved(each.by)
            if not isinstance(by, Path):
                raise Problem.not_implemented(f"ordering by '{to_text(each.by)}'")
            made.append((order_key(self._session, self.operand(by)), each.descending))
        return made


def order_key(session: Session, operand: Operand) -> sa.ColumnElement[Any]:
    """Give the SQL by which a column sorts."""
    if not operand.column.is_lookup:
        return operand.key
    name = name_sql(session, operand)
    return operand.sql if name is None else getattr(sa.func, FOLD)(name)


def name_sql(session: Session, lookup: Operand) -> sa.ColumnElement[Any] | None:
    """Give the SQL of the primary name of the row that a lookup points to; None if its tables have no names."""
    names = []
    for target in lookup.column.targets:
        table = session.schema.tables.get(target)
        if table is None or table.primary_name is None or not table.columns[table.primary_name].is_stored:
            continue
        alias = table.sql.alias()
        row = sa.select(alias.c[table.primary_name]).where(alias.c[table.primary_id] == lookup.sql)
        names.append(row.correlate_except(alias).scalar_subquery())
    if not names:
        return None
    return names[0] if len(names) == 1 else sa.func.coalesce(*names)


def _column(table: Table, source: sa.FromClause, name: str) -> Operand:
    column = table.properties.get(name)
    if column is None and name == "ownerid" and table.logical in PRINCIPALS:
        column = table.columns[table.primary_id]
    if column is None:
        raise table.no_property(name)
    return to_operand(table, source, column)


def to_operand(table: Table, source: sa.FromClause, column: Column) -> Operand:
    """Give a column of a table in a query, knowing whether an alternate key has an index on it."""
    return Operand(column, source.c[column.logical], any(column.logical in key.columns for key in table.keys.values()))
