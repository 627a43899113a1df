"""The condition operators that FetchXML and the query functions of OData share, as SQL.

Owns `condition`: operator by its FetchXML name, a column, the values as written. Each operator is one entry of a table;
what is not there is refused by name.

Source: powerapps-docs …/developer/data-platform/fetchxml/reference/operators.md. Negative operators find rows that hold
nothing too: github.com/MarkMpn/Sql4Cds/issues/167 for `ne`, inferred for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from d365ext.emulator.odata.ast import Value
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries import date_ranges
from d365ext.emulator.queries.date_ranges import Range
from d365ext.emulator.queries.hierarchy import in_hierarchy
from d365ext.emulator.queries.stored_values import Condition, Operand, compare, read_moment, to_stored
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType
from d365ext.emulator.store.sqlite_functions import FOLD, LIKE

Values = Sequence[Value]
Builder = Callable[[Session, Operand, Values], Condition]
WILDCARDS = frozenset("%_[")
VALUES_MAX = 2_000
"""Source: powerapps-docs …/fetchxml/filter-rows.md, "Condition limits": 500 conditions and join tables; the number of
values of one `in` (2,000, SQL Server's parameters are 2,100) is inferred."""


def contains(operand: Operand, value: Value, *, before: bool, after: bool) -> Condition:
    """Compare text with a pattern: anything may stand `before` and `after` it; % _ [] [^] inside are wildcards.

    Source: powerapps-docs …/webapi/query/filter-rows.md, "Use wildcard characters".
    """
    if not operand.is_text and operand.column.type is not ColumnType.MULTISELECT:
        name = "contains" if before and after else "endswith" if before else "startswith"
        raise Problem.query(
            f"No function signature for the function with name '{name}' matches the specified arguments. The function "
            f"signatures considered are: {name}(Edm.String Nullable=true, Edm.String Nullable=true)."
        )
    if value is None:
        return sa.false()
    text = str(value)
    if before and after and not WILDCARDS.intersection(text):
        return _holds(operand, text.casefold())
    pattern = f"{'%' if before else ''}{text}{'%' if after else ''}"
    found: Condition = getattr(sa.func, LIKE)(operand.sql, pattern) == 1
    return found


def _holds(operand: Operand, folded: str) -> Condition:
    anywhere: Condition = sa.func.instr(getattr(sa.func, FOLD)(operand.sql), folded) > 0
    if not folded.isascii():
        return anywhere
    plain = sa.func.instr(sa.func.lower(operand.sql), folded) > 0  # enough, and fast, where the text is ASCII too
    return sa.or_(plain, sa.and_(operand.has_letters_beyond_ascii, anywhere))


def negated(operand: Operand, found: Condition) -> Condition:
    """Turn a condition on one column round; rows that hold nothing are found too."""
    return sa.or_(sa.not_(found), operand.sql.is_(None))


def within(operand: Operand, span: Range) -> Condition:
    """Say that a moment lies in a range."""
    start, end = span
    parts = [] if start is None else [compare(operand, "ge", start)]
    parts += [] if end is None else [compare(operand, "lt", end)]
    return sa.and_(sa.true(), *parts)


def condition(session: Session, operator: str, operand: Operand, values: Values) -> Condition:
    """Build the SQL of one operator; 400 for values that do not fit it, 501 with its name if there is no such one."""
    build = OPERATORS.get(operator)
    if build is None:
        raise Problem.not_implemented(f"the condition operator '{operator}'")
    if operator in DATE_OPERATORS and operand.column.type is not ColumnType.DATETIME:
        raise Problem(
            400, "0x80040203", f"The operator '{operator}' needs a date column; '{operand.column.logical}' is none."
        )
    if len(values) > VALUES_MAX:
        raise Problem(400, "0x80040203", f"A condition may have at most {VALUES_MAX:,} values.")
    return build(session, operand, values)


def _one(operator: str, values: Values) -> Value:
    if len(values) != 1:
        raise Problem(400, "0x80040203", f"The condition operator '{operator}' takes one value, not {len(values)}.")
    return values[0]


def _number(operator: str, value: Value) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if not 0 < number < 1_000_000:
        raise Problem(400, "0x80040203", f"The condition operator '{operator}' takes a number above 0, not '{value}'.")
    return number


def _typed(operand: Operand, value: Value) -> Value:
    """Read a value given as text by the column's type, so that '5' is a number for a number column."""
    if not isinstance(value, str):
        if operand.is_text and isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        if operand.column.type is ColumnType.BOOLEAN and value in (0, 1):
            return bool(value)
        return value
    if operand.is_text:
        return value
    column = operand.column
    if column.type is ColumnType.BOOLEAN:
        return bool(to_stored(column, value, from_text=True).value)
    if (
        column.type
        in (
            ColumnType.DATETIME,
            ColumnType.UNIQUEIDENTIFIER,
            ColumnType.MULTISELECT,
        )
        or column.is_lookup
    ):
        return value
    return _decimal(value)


def _decimal(text: str) -> Value:
    try:
        return Decimal(text.strip())
    except ArithmeticError as cause:
        raise Problem(400, "0x80040203", f"'{text}' is not a number.") from cause


def _comparison(operator: str, word: str) -> Builder:
    def build(_session: Session, operand: Operand, values: Values) -> Condition:
        return compare(operand, word, _typed(operand, _one(operator, values)))

    return build


def _pattern(operator: str, *, before: bool, after: bool, not_so: bool) -> Builder:
    def build(_session: Session, operand: Operand, values: Values) -> Condition:
        found = contains(operand, _one(operator, values), before=before, after=after)
        return negated(operand, found) if not_so else found

    return build


def _in(_session: Session, operand: Operand, values: Values) -> Condition:
    stored = [to_stored(operand.column, _typed(operand, value)) for value in values if value is not None]
    keys = [each.value.casefold() if operand.is_text else each.value for each in stored if each.is_exact]
    return operand.key.in_(keys)


def _not_in(session: Session, operand: Operand, values: Values) -> Condition:
    return negated(operand, _in(session, operand, values))


def _between(_session: Session, operand: Operand, values: Values) -> Condition:
    if len(values) != 2:
        raise Problem(400, "0x80040203", f"The condition operator 'between' takes two values, not {len(values)}.")
    low, high = (_typed(operand, value) for value in values)
    return sa.and_(compare(operand, "ge", low), compare(operand, "le", high))


def _not_between(session: Session, operand: Operand, values: Values) -> Condition:
    return negated(operand, _between(session, operand, values))


def _null(_session: Session, operand: Operand, _values: Values) -> Condition:
    return operand.sql.is_(None)


def _not_null(_session: Session, operand: Operand, _values: Values) -> Condition:
    return operand.sql.is_not(None)


def _day(value: Value) -> datetime:
    try:
        return date_ranges.midnight(read_moment(str(value)))
    except ValueError as cause:
        raise Problem(400, "0x80040203", f"'{value}' is not a date.") from cause


def _on(operator: str) -> Builder:
    def build(_session: Session, operand: Operand, values: Values) -> Condition:
        start = _day(_one(operator, values))
        end = date_ranges.add_days(start, 1)
        spans: dict[str, Range] = {"on-or-after": (start, None), "on-or-before": (None, end)}
        found = within(operand, spans.get(operator, (start, end)))
        return negated(operand, found) if operator == "not-on" else found

    return build


def _fixed(operator: str) -> Builder:
    def build(session: Session, operand: Operand, _values: Values) -> Condition:
        return within(operand, date_ranges.FIXED[operator](date_ranges.midnight(session.now)))

    return build


def _counted(operator: str) -> Builder:
    def build(session: Session, operand: Operand, values: Values) -> Condition:
        number = _number(operator, _one(operator, values))
        return within(operand, date_ranges.counted_range(operator, number, session.now))

    return build


def _fiscal(operator: str) -> Builder:
    def build(session: Session, operand: Operand, values: Values) -> Condition:
        expected = date_ranges.FISCAL_VALUES[operator]
        numbers = [_number(operator, value) for value in values]
        if len(numbers) != expected:
            raise Problem(400, "0x80040203", f"'{operator}' takes {expected} value(s), not {len(numbers)}.")
        try:
            spans = date_ranges.fiscal_range(operator, numbers, session.now)
        except ValueError as cause:
            raise Problem(400, "0x80040203", f"'{operator}': {cause}.") from cause
        return sa.or_(*(within(operand, span) for span in spans))

    return build


def _user(session: Session, operand: Operand, _values: Values) -> Condition:
    return operand.sql == session.user_id


def _not_user(session: Session, operand: Operand, values: Values) -> Condition:
    return negated(operand, _user(session, operand, values))


def _business(session: Session, operand: Operand, _values: Values) -> Condition:
    users = session.schema.table("systemuser").sql.alias()
    unit = sa.select(users.c.businessunitid).where(users.c.systemuserid == session.user_id).scalar_subquery()
    found: Condition = operand.sql == unit
    return found


def _not_business(session: Session, operand: Operand, values: Values) -> Condition:
    return negated(operand, _business(session, operand, values))


def _language(session: Session, operand: Operand, _values: Values) -> Condition:
    return operand.sql == session.language


def _has_values(_session: Session, operand: Operand, values: Values) -> Condition:
    """Source: powerapps-docs …/developer/data-platform/multi-select-picklist.md: any of the values is enough."""
    if operand.column.type is not ColumnType.MULTISELECT:
        raise Problem(400, "0x80040203", f"'{operand.column.logical}' is not a choices column.")
    padded = sa.literal(",") + operand.sql + sa.literal(",")
    wanted = [_number("contain-values", value) for value in values]
    return sa.or_(sa.false(), *(sa.func.instr(padded, f",{value},") > 0 for value in wanted))


def _has_no_values(session: Session, operand: Operand, values: Values) -> Condition:
    return negated(operand, _has_values(session, operand, values))


def _hierarchical(*, up: bool, itself: bool, not_so: bool = False) -> Builder:
    def build(session: Session, operand: Operand, values: Values) -> Condition:
        start = to_stored(operand.column, _one("under", values)).value
        found = in_hierarchy(session, operand, start, up=up, itself=itself)
        return negated(operand, found) if not_so else found

    return build


_ON = {name: _on(name) for name in ("on", "not-on", "on-or-after", "on-or-before")}
_DATED: dict[str, Builder] = {
    **_ON,
    **{name: _fixed(name) for name in date_ranges.FIXED},
    **{name: _counted(name) for name in date_ranges.COUNTED},
    **{name: _fiscal(name) for name in date_ranges.FISCAL_VALUES},
}
DATE_OPERATORS = frozenset(_DATED)
OPERATORS: dict[str, Builder] = {
    **_DATED,
    **{word: _comparison(word, word) for word in ("eq", "ne", "gt", "ge", "lt", "le")},
    "neq": _comparison("neq", "ne"),
    "like": _pattern("like", before=False, after=False, not_so=False),
    "not-like": _pattern("not-like", before=False, after=False, not_so=True),
    "begins-with": _pattern("begins-with", before=False, after=True, not_so=False),
    "not-begin-with": _pattern("not-begin-with", before=False, after=True, not_so=True),
    "ends-with": _pattern("ends-with", before=True, after=False, not_so=False),
    "not-end-with": _pattern("not-end-with", before=True, after=False, not_so=True),
    "in": _in,
    "not-in": _not_in,
    "between": _between,
    "not-between": _not_between,
    "null": _null,
    "not-null": _not_null,
    "eq-userid": _user,
    "ne-userid": _not_user,
    "eq-businessid": _business,
    "ne-businessid": _not_business,
    "eq-userlanguage": _language,
    "contain-values": _has_values,
    "not-contain-values": _has_no_values,
    "under": _hierarchical(up=False, itself=False),
    "eq-or-under": _hierarchical(up=False, itself=True),
    "not-under": _hierarchical(up=False, itself=True, not_so=True),
    "above": _hierarchical(up=True, itself=False),
    "eq-or-above": _hierarchical(up=True, itself=True),
}
_PAIRS = (
    ("eq", "ne"),
    ("gt", "le"),
    ("ge", "lt"),
    ("like", "not-like"),
    ("begins-with", "not-begin-with"),
    ("ends-with", "not-end-with"),
    ("in", "not-in"),
    ("between", "not-between"),
    ("null", "not-null"),
    ("on", "not-on"),
    ("eq-userid", "ne-userid"),
    ("eq-businessid", "ne-businessid"),
    ("contain-values", "not-contain-values"),
    ("eq-or-under", "not-under"),
)
OPPOSITE_OPERATORS = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}
"""What negating an operator gives, where there is an operator for it."""
