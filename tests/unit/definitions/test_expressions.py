"""The SQL that rollups.toml may hold: what is let through, of what kind it is, and what is refused."""

from __future__ import annotations

import pytest

from d365ext.definitions.expressions import ExpressionError, Kind, aggregate_kind, is_empty_zero, row_kind

KNOWN = {
    "statecode": Kind.WHOLE,
    "amount": Kind.MONEY,
    "closed": Kind.DATE,
    "as_of": Kind.DATE,
    "createdon": Kind.MOMENT,
    "name": Kind.TEXT,
    "customer": Kind.ID,
    "is_open": Kind.BOOL,
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("statecode = 0", Kind.BOOL),
        ("statecode in (1, 2)", Kind.BOOL),
        ("statecode between 1 and 2", Kind.BOOL),
        ("statecode = 0 and not (closed < as_of or closed is null)", Kind.BOOL),
        ("customer is not null", Kind.BOOL),
        ("coalesce(amount, 0)", Kind.MONEY),
        ("amount * statecode", Kind.MONEY),
        ("-statecode + 1", Kind.WHOLE),
        ("statecode * 0.25", Kind.MONEY),
        ("closed - as_of", Kind.WHOLE),
        ("closed - 30", Kind.DATE),
        ("closed - local_date(createdon)", Kind.WHOLE),
        ("case when is_open then amount else 0 end", Kind.MONEY),
        ("case when is_open then statecode end", Kind.WHOLE),
        ("greatest(statecode, 0)", Kind.WHOLE),
        ("name = 'x'", Kind.BOOL),
    ],
)
def test_the_kind_of_an_expression_over_a_row(text: str, kind: Kind) -> None:
    assert row_kind(text, KNOWN) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("count(*)", Kind.WHOLE),
        ("count(*) filter (where is_open)", Kind.WHOLE),
        ("count(distinct customer)", Kind.WHOLE),
        ("sum(amount) filter (where is_open and closed >= as_of)", Kind.MONEY),
        ("100 * count(*) filter (where is_open)", Kind.WHOLE),
        ("min(closed) filter (where is_open)", Kind.DATE),
        ("max(amount)", Kind.MONEY),
    ],
)
def test_the_kind_of_an_aggregate(text: str, kind: Kind) -> None:
    assert aggregate_kind(text, KNOWN) is kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("amount / 2", "Div"),
        ("amount // 2", "not allowed"),
        ("amount * 0.00001", "more than four decimals"),
        ("amount * 1e3", "decimals"),
        ("amount * amount", "money times money"),
        ("amount * 1.5", "money times money"),
        ("avg(amount)", "Avg"),
        ("sum(amount)", "aggregate is not allowed"),
        ("(select 1)", "Subquery"),
        ("read_csv('/etc/passwd')", "not allowed"),
        ("getenv('HOME')", "not allowed"),
        ("amount::double", "not allowed"),
        ("account.name", "not known"),
        ("statecod = 0", "did you mean statecode"),
        ("statecode = 0; drop table account", "one expression"),
        ("statecode = ", "not SQL"),
        ("", "one expression"),
        ("statecode = 'open'", "do not go together"),
        ("amount + closed", "needs numbers"),
        ("closed + amount", "needs numbers"),
        ("not statecode", "no condition"),
        ("local_date(closed)", "moment"),
        ("case statecode when 1 then 2 end", "not allowed"),
        ("statecode in (select 1)", "not allowed"),
        ("null", "not allowed"),
        ("coalesce(null, null)", "nothing but null"),
        ("statecode is true", "not allowed"),
    ],
)
def test_what_an_expression_over_a_row_may_not_hold(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        row_kind(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("avg(amount)", "Avg"),
        ("sum(amount) / count(*)", "Div"),
        ("sum(amount) - sum(statecode)", "exactly one"),
        ("1", "exactly one"),
        ("amount", "outside the aggregate"),
        ("sum(amount) + statecode", "outside the aggregate"),
        ("sum(sum(amount))", "aggregate is not allowed"),
        ("sum(amount) over ()", "over is not allowed"),
        ("sum(distinct amount)", "distinct goes with count"),
        ("count(distinct amount, statecode)", "one column"),
        ("sum(name)", "needs numbers"),
        ("min(amount, 3)", "not allowed"),
        ("sum(amount order by closed)", "Order"),
        ("sum(amount) filter (where statecode)", "no condition"),
        ("count(*) filter (where count(*) > 1)", "aggregate is not allowed"),
        ("string_agg(name)", "not allowed"),
        ("count(*) filter (where exists (select 1))", "not allowed"),
    ],
)
def test_what_an_aggregate_may_not_hold(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        aggregate_kind(text, KNOWN)


def test_counts_and_sums_of_nothing_are_zero_and_extremes_are_empty() -> None:
    assert is_empty_zero("sum(amount)")
    assert is_empty_zero("100 * count(*) filter (where is_open)")
    assert not is_empty_zero("min(closed)")
