"""The small SQL of `solution/rollups.toml`: what it may hold, and what kind of value comes out.

Pure. An expression is parsed with sqlglot, walked against an allow-list, and later printed again from the tree, so that
nothing of its text reaches a database unread. Allowed are column and parameter names, literals, `+ - *`, comparisons,
`and or not`, `in`, `between`, `is null`, `coalesce`, `greatest`, `least`, `case`, `local_date(moment)`; and, in a
rollup's value, one `count sum min max` with `distinct` and `filter (where …)`. No `/` and no `avg`: in DuckDB both give
a DOUBLE; a ratio is declared instead (`over`, `per`) and divided once, in integers.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

LOCAL_DATE = "local_date"
"""The function that makes a moment a date, in the time zone of the settings."""


class Kind(StrEnum):
    """What a value is. Money is exact to four decimals; two moneys cannot be multiplied, that would need eight."""

    BOOL = "bool"
    WHOLE = "whole"
    MONEY = "money"
    DATE = "date"
    MOMENT = "moment"
    TEXT = "text"
    ID = "id"


NUMBERS = frozenset({Kind.WHOLE, Kind.MONEY})
AGGREGATES = (exp.Count, exp.Sum, exp.Min, exp.Max)
_READ = frozenset(
    (
        "this",
        "expression",
        "expressions",
        "ifs",
        "true",
        "default",
        "low",
        "high",
        "table",
        "is_string",
        "big_int",
        "ignore_nulls",
    )
)
"""The parts of a node that the checker looks at (or that carry no meaning); a node with any other part is refused."""


class ExpressionError(ValueError):
    """An expression is not SQL, holds something that is not allowed, or mixes kinds; the message says what."""


def parse(text: str) -> exp.Expr:
    """Read one expression in DuckDB's dialect.

    >>> parse("sum(estimated) filter (where is_open)").sql(dialect="duckdb")
    'SUM(estimated) FILTER(WHERE is_open)'
    """
    try:
        parsed = sqlglot.parse(text, read="duckdb")
    except SqlglotError as error:
        first_line = str(error).splitlines()[0]
        raise ExpressionError(f"this is not SQL: {first_line}") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise ExpressionError("one expression is expected")
    return parsed[0]


def row_kind(text: str, known: Mapping[str, Kind]) -> Kind:
    """Check an expression over the columns of one row, and say of what kind its value is.

    >>> row_kind("coalesce(estimatedvalue_base, 0)", {"estimatedvalue_base": Kind.MONEY})
    <Kind.MONEY: 'money'>
    """
    return _Checker(known).kind(parse(text))


def aggregate_kind(text: str, known: Mapping[str, Kind]) -> Kind:
    """Check an expression with exactly one aggregate, and say of what kind its value is.

    >>> aggregate_kind("100 * count(*) filter (where is_won)", {"is_won": Kind.BOOL})
    <Kind.WHOLE: 'whole'>
    """
    tree = parse(text)
    kind = _Checker(known, aggregates=True).kind(tree)
    count = sum(1 for _ in tree.find_all(*AGGREGATES))
    if count != 1:
        raise ExpressionError(f"exactly one of count, sum, min or max is expected, not {count}")
    return kind


def is_empty_zero(text: str) -> bool:
    """Say whether the aggregate of nothing is 0 (count, sum) rather than empty (min, max)."""
    return parse(text).find(exp.Count, exp.Sum) is not None


class _Checker:
    """Walks one tree. `aggregates`: the tree may hold aggregates, and plain columns only inside them."""

    def __init__(self, known: Mapping[str, Kind], *, aggregates: bool = False) -> None:
        self._known = known
        self._aggregates = aggregates

    def kind(self, node: exp.Expr) -> Kind:
        """Give the kind of `node`, or refuse it."""
        unread = sorted(part for part, value in node.args.items() if value and part not in _READ)
        if unread:
            raise ExpressionError(f"{node.sql(dialect='duckdb')!r}: {', '.join(unread)} is not allowed here")
        match node:
            case exp.Paren() | exp.Neg():
                inner = self.kind(node.this)
                return self._number(inner, "-") if isinstance(node, exp.Neg) else inner
            case exp.Filter():
                return self._filtered(node)
            case exp.Count() | exp.Sum() | exp.Min() | exp.Max():
                return self._aggregate(node)
            case exp.Column():
                return self._column(node)
            case exp.Literal():
                return _literal(node)
            case exp.Boolean():
                return Kind.BOOL
            case exp.And() | exp.Or():
                self._all_bool(node.left, node.right)
                return Kind.BOOL
            case exp.Not():
                self._all_bool(node.this)
                return Kind.BOOL
            case exp.Add() | exp.Sub() | exp.Mul():
                return self._arithmetic(node)
            case _:
                return self._tested(node)

    def _tested(self, node: exp.Expr) -> Kind:
        """The nodes that compare or choose."""
        match node:
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                self._common([node.left, node.right])
                return Kind.BOOL
            case exp.In() if not node.args.get("query") and node.expressions:
                self._common([node.this, *node.expressions])
                return Kind.BOOL
            case exp.Between():
                self._common([node.this, node.args["low"], node.args["high"]])
                return Kind.BOOL
            case exp.Is() if isinstance(node.expression, exp.Null):
                self.kind(node.this)
                return Kind.BOOL
            case exp.Coalesce() | exp.Greatest() | exp.Least():
                return self._common([node.this, *node.expressions])
            case exp.Case() if node.this is None:
                return self._case(node)
            case exp.Anonymous() if node.name.lower() == LOCAL_DATE and len(node.expressions) == 1:
                if self.kind(node.expressions[0]) is not Kind.MOMENT:
                    raise ExpressionError(f"{LOCAL_DATE} makes a date of a moment; this is none")
                return Kind.DATE
            case _:
                raise ExpressionError(f"{node.sql(dialect='duckdb')!r} ({type(node).__name__}) is not allowed here")

    def _case(self, node: exp.Case) -> Kind:
        branches = [branch.args["true"] for branch in node.args["ifs"]]
        self._all_bool(*(branch.this for branch in node.args["ifs"]))
        default = node.args.get("default")
        return self._common(branches if default is None else [*branches, default])

    def _column(self, node: exp.Column) -> Kind:
        if self._aggregates:
            raise ExpressionError(f"{node.name!r} stands outside the aggregate")
        name = node.name
        if node.table or name not in self._known:
            raise ExpressionError(f"{node.sql(dialect='duckdb')!r} is not known{did_you_mean(name, self._known)}")
        return self._known[name]

    def _filtered(self, node: exp.Filter) -> Kind:
        inside = _Checker(self._known)
        condition = node.expression.this
        if inside.kind(condition) is not Kind.BOOL:
            raise ExpressionError(f"{condition.sql(dialect='duckdb')!r} is no condition")
        return self.kind(node.this)

    def _aggregate(self, node: exp.Expr) -> Kind:
        if not self._aggregates:
            raise ExpressionError(f"{node.sql(dialect='duckdb')!r}: an aggregate is not allowed here")
        inside = _Checker(self._known)
        over = node.this
        if isinstance(over, exp.Distinct):
            if not isinstance(node, exp.Count) or len(over.expressions) != 1:
                raise ExpressionError("distinct goes with count, and with one column")
            over = over.expressions[0]
        if isinstance(node, exp.Count):
            if not isinstance(over, exp.Star):
                inside.kind(over)
            return Kind.WHOLE
        if node.expressions:
            raise ExpressionError(f"{node.sql(dialect='duckdb')!r}: one column is expected")
        kind = inside.kind(over)
        return self._number(kind, "sum") if isinstance(node, exp.Sum) else kind

    def _arithmetic(self, node: exp.Binary) -> Kind:
        left, right = self.kind(node.left), self.kind(node.right)
        if Kind.DATE in (left, right) and not isinstance(node, exp.Mul):
            if isinstance(node, exp.Sub) and left is right:
                return Kind.WHOLE
            if left is Kind.DATE and right is Kind.WHOLE:
                return Kind.DATE
        operator = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}[type(node)]
        self._number(left, operator)
        self._number(right, operator)
        if isinstance(node, exp.Mul) and left is right is Kind.MONEY:
            raise ExpressionError("money times money is neither")
        return Kind.MONEY if Kind.MONEY in (left, right) else Kind.WHOLE

    def _number(self, kind: Kind, operator: str) -> Kind:
        if kind not in NUMBERS:
            raise ExpressionError(f"{operator} needs numbers, not {kind}")
        return kind

    def _all_bool(self, *nodes: exp.Expr) -> None:
        for node in nodes:
            if self.kind(node) is not Kind.BOOL:
                raise ExpressionError(f"{node.sql(dialect='duckdb')!r} is no condition")

    def _common(self, nodes: Iterable[exp.Expr]) -> Kind:
        """The kind that all of `nodes` share; whole numbers pass as money."""
        kinds = {self.kind(node) for node in nodes if not isinstance(node, exp.Null)}
        if len(kinds) == 1:
            return kinds.pop()
        if kinds and kinds <= NUMBERS:
            return Kind.MONEY
        raise ExpressionError(f"these do not go together: {', '.join(sorted(kinds)) or 'nothing but null'}")


def _literal(node: exp.Literal) -> Kind:
    if node.is_string:
        return Kind.TEXT
    if node.this.isdigit():
        return Kind.WHOLE
    whole, _, fraction = node.this.partition(".")
    if (whole + fraction).isdigit() and len(fraction) <= 4:
        return Kind.MONEY
    raise ExpressionError(f"{node.this} has more than four decimals")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give a hint, if something known is spelled nearly like `name`.

    >>> did_you_mean("is_opn", ["is_open", "is_won"])
    ' (did you mean is_open?)'
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
