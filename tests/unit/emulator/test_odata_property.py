"""Random filters over random rows: printed, parsed, run as SQL, and judged by a Python predicate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365ext.emulator.odata.ast import And, Argument, Call, Compare, Expression, Literal, Not, Or, Path, to_text
from d365ext.emulator.odata.parser import parse_filter
from d365ext.emulator.problems import Problem
from support.query_world import World, a_world, guid

LETTERS = "aAäÄbBoß %_[]^'\"é1"
PLAIN = "aAäÄbBoß é'1"
WORDS = ("eq", "ne", "gt", "ge", "lt", "le")

texts = st.text(LETTERS, max_size=5)
numbers = st.integers(-3, 3) | st.integers(-(2**70), 2**70)
decimals = st.decimals(min_value=-3, max_value=3, places=6, allow_nan=False)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 3), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds it
days = st.dates(date(2024, 1, 1), date(2024, 1, 4))

# column: (a row's value, as Python sees it; how it is stored; constants to compare with)
COLUMNS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], Any], st.SearchStrategy[Any]]] = {
    "name": (texts, lambda v: v, texts),
    "accountnumber": (texts, lambda v: v, texts),
    "numberofemployees": (st.integers(-3, 3), lambda v: v, numbers | decimals),
    "revenue": (st.decimals(-3, 3, places=4), lambda v: int(v.scaleb(4)), decimals | numbers),
    "rating": (st.decimals(-3, 3, places=2), lambda v: int(v.scaleb(2)), decimals | numbers),
    "creditonhold": (st.booleans(), int, st.booleans()),
    "createdon": (
        moments.map(lambda v: v.replace(microsecond=0)),
        lambda v: v.strftime("%Y-%m-%dT%H:%M:%SZ"),
        moments | days,
    ),
    "opensince": (days, lambda v: v.isoformat(), days | moments),
}

rows = st.lists(
    st.fixed_dictionaries({name: st.none() | value for name, (value, _, _) in COLUMNS.items()}), min_size=1, max_size=6
)


def comparisons() -> st.SearchStrategy[Expression]:
    def of(name: str) -> st.SearchStrategy[Expression]:
        constant = (st.none() | COLUMNS[name][2]).map(Literal)
        words = st.sampled_from(WORDS[:2] if name == "creditonhold" else WORDS)
        path = Path((name,))
        return st.builds(Compare, words, st.just(path), constant) | st.builds(Compare, words, constant, st.just(path))

    return st.sampled_from(sorted(COLUMNS)).flatmap(of)


def pairs() -> st.SearchStrategy[Expression]:
    two = st.sampled_from([("name", "accountnumber"), ("revenue", "rating"), ("numberofemployees", "revenue")])
    return st.builds(
        lambda word, names: Compare(word, Path((names[0],)), Path((names[1],))), st.sampled_from(WORDS), two
    )


def calls() -> st.SearchStrategy[Expression]:
    argument = st.text(PLAIN, max_size=2).map(lambda text: Argument(None, Literal(text)))
    name = st.sampled_from(["contains", "startswith", "endswith"])
    plain = st.builds(lambda call, text: Call(call, (Argument(None, Path(("name",))), text)), name, argument)
    values = st.lists(st.integers(-3, 3), min_size=1, max_size=3).map(tuple)

    def of(function: str, given_values: tuple[int, ...]) -> Expression:
        two = given_values if "In" in function else (min(given_values), max(given_values))
        return Call(
            f"Microsoft.Dynamics.CRM.{function}",
            (
                Argument("PropertyName", Literal("numberofemployees")),
                Argument("PropertyValues", Literal(tuple(str(each) for each in two))),
            ),
        )

    return plain | st.builds(of, st.sampled_from(["In", "NotIn", "Between", "NotBetween"]), values)


expressions = st.recursive(
    comparisons() | calls() | pairs() | st.just(Path(("creditonhold",))),
    lambda inner: (
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)


def key(value: Any) -> Any:
    """What two values are compared by."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def compares(word: str, left: Any, right: Any) -> bool:
    """Two nulls are equal; a null is unequal to any value; no other comparison holds for a null."""
    if left is None or right is None:
        return {"eq": left is None and right is None, "ne": (left is None) is not (right is None)}.get(word, False)
    one, two = key(left), key(right)
    return {
        "eq": one == two,
        "ne": one != two,
        "gt": one > two if word not in ("eq", "ne") else False,
        "ge": one >= two if word not in ("eq", "ne") else False,
        "lt": one < two if word not in ("eq", "ne") else False,
        "le": one <= two if word not in ("eq", "ne") else False,
    }[word]


OPPOSITE = {"eq": "ne", "ne": "eq", "gt": "le", "le": "gt", "lt": "ge", "ge": "lt"}


def holds(node: Expression, row: dict[str, Any], *, wanted: bool = True) -> bool:
    """Judge a filter for one row. A negation turns the operators below it round; rows without a value pass those."""

    def value(side: Expression) -> Any:
        return row[side.parts[0]] if isinstance(side, Path) else side.value  # type: ignore[union-attr]

    match node:
        case And(terms) | Or(terms):
            judged = [holds(each, row, wanted=wanted) for each in terms]
            return all(judged) if isinstance(node, And) is wanted else any(judged)
        case Not(term):
            return holds(term, row, wanted=not wanted)
        case Path():
            return row["creditonhold"] is wanted
        case Compare(word, left, right):
            return compares(word if wanted else OPPOSITE[word], value(left), value(right))
        case Call(name, arguments):
            found = called(name, arguments, row)
            return found is not False if not wanted and found is None else bool(found) is wanted
    raise AssertionError(node)


def called(name: str, arguments: Sequence[Argument], row: dict[str, Any]) -> bool | None:
    """Judge a function; None for a row without a value, on which a negative function or a negation passes."""
    if "." not in name:
        text = row["name"]
        if text is None:
            return None
        part = arguments[1].value.value.casefold()  # type: ignore[union-attr]
        return {
            "contains": part in text.casefold(),
            "startswith": text.casefold().startswith(part),
            "endswith": text.casefold().endswith(part),
        }[name]
    function = name.rpartition(".")[2]
    number = row["numberofemployees"]
    if number is None:
        return True if function.startswith("Not") else None
    values = [int(each) for each in arguments[1].value.value]  # type: ignore[union-attr]
    inside = number in values if "In" in function else values[0] <= number <= values[1]
    return inside is not function.startswith("Not")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        made.connection.commit()
        yield made


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expression=expressions, table=rows)
def test_sql_finds_what_the_predicate_finds(world: World, expression: Expression, table: list[dict[str, Any]]) -> None:
    names = [*COLUMNS, "accountid", "versionnumber"]
    world.raw.execute("delete from account")
    world.raw.executemany(
        f"insert into account ({','.join(names)}) values ({','.join('?' * len(names))})",
        [
            (*(None if row[name] is None else COLUMNS[name][1](row[name]) for name in COLUMNS), guid(number), number)
            for number, row in enumerate(table, start=1)
        ],
    )
    found = world.names(to_text(expression), column="accountid")
    assert found == [guid(number) for number, row in enumerate(table, start=1) if holds(expression, row)]


@settings(max_examples=150, deadline=None)
@given(expressions)
def test_what_is_printed_parses_to_itself(expression: Expression) -> None:
    parsed = parse_filter(to_text(expression))
    assert to_text(parsed) == to_text(expression)
    assert parse_filter(to_text(parsed)) == parsed


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=LETTERS + "()/,;:=@${}*.-+eqandornotTZ0:", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Whatever comes, the answer is an expression or a refusal; nothing else is raised."""
    with contextlib.suppress(Problem):
        parse_filter(text)


def test_a_literal_keeps_its_type_when_printed() -> None:
    for value in (None, True, "O'Brian", -5, Decimal("1.50"), date(2024, 1, 2), ("a", 1, None)):
        parsed = parse_filter(f"name eq {to_text(Literal(value))}")
        assert parsed == Compare("eq", Path(("name",)), Literal(value))
