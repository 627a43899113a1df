"""The parser: constants, lists, expansions and aggregations, and the mistakes it names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from d365ext.emulator.odata.ast import (
    Aggregate,
    Alias,
    Apply,
    Argument,
    Call,
    Compare,
    EnumMember,
    Expand,
    JsonObject,
    Literal,
    Not,
    Or,
    Order,
    Path,
)
from d365ext.emulator.odata.parser import (
    parse_apply,
    parse_expand,
    parse_filter,
    parse_orderby,
    parse_select,
    parse_value,
)
from d365ext.emulator.problems import Problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("'O''Brian'", "O'Brian"),
        ("''", ""),
        ('"O\'Brian \\u00e4"', "O'Brian ä"),
        ("12", 12),
        ("-12", -12),
        ("1.50", Decimal("1.50")),
        ("1e3", Decimal("1e3")),
        ("01234567-89AB-CDEF-0123-456789ABCDEF", UUID("01234567-89ab-cdef-0123-456789abcdef")),
        ("2024-05-01", date(2024, 5, 1)),
        ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01T13:00:00+03:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01T13:00:00 03:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01T10:00:00.1234567Z", datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("['a','b']", ("a", "b")),
        ('["a",1,null]', ("a", 1, None)),
        ("[]", ()),
        (
            "Microsoft.Dynamics.CRM.EntityFilters'Entity,Attributes'",
            EnumMember("Microsoft.Dynamics.CRM.EntityFilters", "Entity,Attributes"),
        ),
        ('{"a":[1,{"b":"}"}]}', JsonObject('{"a":[1,{"b":"}"}]}')),
    ],
)
def test_constants(text: str, value: object) -> None:
    assert parse_value(text) == Literal(value)  # type: ignore[arg-type]


def test_and_binds_tighter_than_or_and_not_tighter_than_both() -> None:
    found = parse_filter("not a and b eq 1 or c")
    assert isinstance(found, Or)
    assert found.terms[1] == Path(("c",))
    assert parse_filter("not not not a") == Not(Path(("a",)))


@pytest.mark.parametrize(
    "text",
    [
        "name eq",
        "eq 1",
        "a and",
        "(a",
        "a)",
        "a b",
        "not a eq 1",
        "f(",
        "f(a,)",
        "a/any(x)",
        "[1",
        "'a",
        "a eq 'b",
        "1 2",
        "",
        "a eq 1 or",
    ],
)
def test_mistakes_name_their_position(text: str) -> None:
    """Source: Microsoft.OData.Core's words."""
    with pytest.raises(Problem, match=r"Syntax error at position \d+ in '"):
        parse_filter(text)


def test_functions_take_named_values_or_plain_ones_not_both() -> None:
    call = parse_filter("N.In(PropertyName='a',PropertyValues=@v)")
    assert call == Call("N.In", (Argument("PropertyName", Literal("a")), Argument("PropertyValues", Alias("v"))))
    with pytest.raises(Problem):
        parse_filter("N.In(PropertyName='a','b')")


def test_select_takes_names_or_a_star() -> None:
    assert parse_select("name, _ownerid_value") == ("name", "_ownerid_value")
    assert parse_select("*") == ("*",)
    for text in ("", "name,", "name name", "'a'", "1"):
        with pytest.raises(Problem):
            parse_select(text)


def test_orderby_takes_directions() -> None:
    assert parse_orderby("a desc,b asc,c/d,@p") == (
        Order(Path(("a",)), descending=True),
        Order(Path(("b",))),
        Order(Path(("c", "d"))),
        Order(Alias("p")),
    )
    with pytest.raises(Problem):
        parse_orderby("a descending")


def test_expand_takes_options_in_parentheses() -> None:
    found = parse_expand("a($select=x,y;$filter=x eq 1;$orderby=x desc;$top=3;$expand=b($select=z)),c/$ref")
    assert found == (
        Expand(
            Path(("a",)),
            select=("x", "y"),
            filter=Compare("eq", Path(("x",)), Literal(1)),
            orderby=(Order(Path(("x",)), descending=True),),
            top=3,
            expand=(Expand(Path(("b",)), select=("z",)),),
        ),
        Expand(Path(("c",)), is_reference=True),
    )


@pytest.mark.parametrize(
    "text",
    [
        "a($select=x",
        "a($select=x;$select=y)",
        "a(x)",
        "a($top=-1)",
        "a($top=1.5)",
        "a,",
        "a/$count",
        "a($filter=@p eq 1)",
    ],
)
def test_expansions_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(Problem):
        parse_expand(text)


def test_apply_takes_filters_then_one_grouping_or_aggregation() -> None:
    assert parse_apply("filter(a eq 1)/groupby((b,c/d),aggregate(e with sum as f,$count as n))") == Apply(
        filters=(Compare("eq", Path(("a",)), Literal(1)),),
        group_by=(Path(("b",)), Path(("c", "d"))),
        aggregates=(Aggregate(Path(("e",)), "sum", "f"), Aggregate(None, "count", "n")),
        is_grouped=True,
    )
    assert parse_apply("aggregate(e with max as f)").aggregates == (Aggregate(Path(("e",)), "max", "f"),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "groupby(a)",
        "groupby((a)",
        "aggregate(a)",
        "aggregate(a with sum)",
        "filter(a eq 1)/",
        "aggregate(f(a) with sum as b)",
    ],
)
def test_aggregations_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(Problem):
        parse_apply(text)


@pytest.mark.parametrize("opening", ["(", "[", "a(", "x/any(v:", "not ("])
def test_depth_is_limited(opening: str) -> None:
    for levels, fits in ((30, True), (5_000, False)):
        closing = {"[": "]"}.get(opening, ")")
        text = opening * levels + ("1" if opening == "[" else "a") + closing * levels
        if fits:
            parse_filter(text)
        else:
            with pytest.raises(Problem):
                parse_filter(text)


def test_overlong_texts_and_numbers_are_refused() -> None:
    for text in ("a eq '" + "x" * 200_000 + "'", "a eq " + "9" * 100, "2024-13-45", "2024-05-01T25:00:00Z"):
        with pytest.raises(Problem):
            parse_filter(text)
