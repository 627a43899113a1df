"""The numbers of a row: exact, divided once, in integers, rounded half away from zero. Pure.

In DuckDB `/` and `avg` give DOUBLE (duckdb.org/docs/stable/sql/functions/numeric). So sums, which are exact DECIMAL,
are made integers of ten-thousandths and divided with `//`, which cuts towards zero.
"""

from __future__ import annotations

from d365ext.definitions.rollups import Level, Rollup, RollupType

_UNIT = 10_000
"""Everything that is summed has at most four decimals (definitions/expressions.py)."""


def number_sql(rollup: Rollup) -> str:
    """Make the expression for one number, from the aggregates in `<source>_credit`."""
    value = f'"{rollup.source}"."v_{rollup.name}"'
    if rollup.type is RollupType.DATE:
        number = value
    else:
        if rollup.empty_is_zero:
            value = f"coalesce({value}, 0)"
        number = _rounded(rollup, value)
    if len(rollup.levels) == len(Level):
        return number
    levels = ", ".join(str(level.option) for level in rollup.levels)
    return f"case when n.level in ({levels}) then {number} end"


def _rounded(rollup: Rollup, value: str) -> str:
    if rollup.type is RollupType.INTEGER and rollup.over is None and rollup.per is None:
        return f"cast({value} as BIGINT)"
    dividend = f"{_units(value)} * {10**rollup.scale}::HUGEINT"
    if rollup.over is None:
        divisor = f"{(rollup.per or 1) * _UNIT}::HUGEINT"
    else:
        over = f'"{rollup.source}"."o_{rollup.name}"'
        divisor = f"nullif({_units(over)}, 0)"
    whole = half_away_sql(dividend, divisor)
    if rollup.type is RollupType.INTEGER:
        return f"cast({whole} as BIGINT)"
    return scaled_sql(whole, rollup.scale)


def _units(value: str) -> str:
    """`value` in ten-thousandths, as an integer."""
    return f"cast(cast({value} as DECIMAL(38,4)) * {_UNIT} as HUGEINT)"


def half_away_sql(dividend: str, divisor: str) -> str:
    """Divide two integers and round to the nearest, a half away from zero."""
    nearest = f"((2 * abs({dividend}) + abs({divisor})) // (2 * abs({divisor})))"
    return f"(case when (({dividend}) < 0) = (({divisor}) < 0) then {nearest} else -{nearest} end)"


def scaled_sql(whole: str, scale: int) -> str:
    """Make an integer of the last decimal a number with `scale` decimals."""
    if scale == 0:
        return f"cast({whole} as DECIMAL(38,0))"
    return f"(cast({whole} as DECIMAL({38 - scale},0)) * cast('0.{'1':0>{scale}}' as DECIMAL({scale},{scale})))"
