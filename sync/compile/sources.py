"""The deals of a source as SQL, and what each credits to whom. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from d365ext.definitions.expressions import AGGREGATES, LOCAL_DATE, Kind, parse
from d365ext.definitions.rollups import Latest, Level, Role, Rollups, Source
from sync.tables import SQL_TYPES

CONTACT_ACCOUNT = """\
  select c.contactid, a.accountid
  from contact c join account a on a.accountid = c.parentcustomerid"""
"""A contact's company, if it is an account that is there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name beside columns: the dates of this run; and the zone in which a moment has a date."""

    dates: Mapping[str, date]
    zone: str

    def sql(self, expression: str | exp.Expr, alias: str | None = None) -> str:
        """Print `expression` for DuckDB, its columns taken from `alias`."""
        tree = parse(expression) if isinstance(expression, str) else expression

        def replaced(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column):
                if node.name in self.dates:
                    return exp.cast(exp.Literal.string(self.dates[node.name].isoformat()), "date")
                return exp.column(node.name, table=alias, quoted=True)
            if isinstance(node, exp.Anonymous) and node.name.lower() == LOCAL_DATE:
                return self._local_date(node.expressions[0])
            return node

        return tree.transform(replaced).sql(dialect="duckdb")

    def _local_date(self, moment: exp.Expr) -> exp.Expr:
        if self.zone == "UTC":
            return exp.cast(moment, "date")
        aware = exp.Anonymous(this="timezone", expressions=[exp.Literal.string("UTC"), moment])
        return exp.cast(exp.Anonymous(this="timezone", expressions=[exp.Literal.string(self.zone), aware]), "date")


def deal_sql(source: Source, scope: Scope) -> str:
    """Make the query for all deals of `source`: `id`, `customer`, the columns as read, the columns made of them.

    A customer is looked for step by step; joining the mirrored ids tells an account from a contact
    (a delta carries no safe word on which of the two an id is: powerapps-docs issue 439).
    """
    key = f'd."{source.table}id"'
    joins: list[str] = []
    found: list[str] = []
    for number, step in enumerate(source.customer):
        at = f"c{number}"
        match step.via:
            case "account":
                joins.append(f'left join account {at} on {at}.accountid = d."{step.column}"')
                found.append(f"{at}.accountid")
            case "contact":
                joins.append(f'left join contact_account {at} on {at}.contactid = d."{step.column}"')
                found.append(f"{at}.accountid")
            case other:
                joins.append(f'left join "{other}_deal" {at} on {at}.id = d."{step.column}"')
                found.append(f"{at}.customer")
    columns = [f"{key} as id", f"coalesce({', '.join(found)}) as customer" if found else "null::UUID as customer"]
    columns += [f'd."{name}"' for name in source.raw]
    for number, latest in enumerate(source.latest):
        columns.append(f'{_is_latest(latest, f"l{number}", scope)} as "{latest.name}"')
        joins.append(f"left join ({_latest_sql(source, latest, scope)}) l{number} on l{number}.id = {key}")
    columns += [f'{_made(column.kind, column.expression, scope)} as "{column.name}"' for column in source.columns]
    return "  select {}\n  from {} d\n  {}".format(", ".join(columns), f'"{source.table}"', "\n  ".join(joins))


def _made(kind: Kind, expression: str, scope: Scope) -> str:
    sql = scope.sql(expression, "d")
    return f"coalesce({sql}, false)" if kind is Kind.BOOL else f"cast({sql} as {SQL_TYPES[kind]})"


def _is_latest(latest: Latest, found: str, scope: Scope) -> str:
    return f'(coalesce({scope.sql(latest.where, "d")}, false) and (d."{latest.per}" is null or {found}.id is not null))'


def _latest_sql(source: Source, latest: Latest, scope: Scope) -> str:
    """The ids of the rows that are the latest for what they belong to."""
    key = f'd."{source.table}id"'
    order = f'partition by d."{latest.per}" order by d."{latest.by}" desc nulls last, {key} desc'
    return (
        f'select id from (select {key} as id, row_number() over ({order}) as nth from "{source.table}" d'
        f' where ({scope.sql(latest.where, "d")}) and d."{latest.per}" is not null) where nth = 1'
    )


@dataclass(frozen=True, slots=True)
class _Grain:
    """One way to credit a deal: by which of its columns, at which level, in which role."""

    level: Level
    role: Role | None
    columns: tuple[str, ...]


def credit_sql(source: Source, rollups: Rollups, scope: Scope) -> str:
    """Make the query for every aggregate of `source`: a row for each level, role and subject that has a deal.

    One GROUP BY for each way to credit a deal. Measured in DuckDB 2.0 on a million deals: a third less time than
    GROUPING SETS, because deals that credit nobody in a role are not looked at; the deals themselves are computed once.
    """
    aggregates = [f"{sql} as {name}" for name, sql in _aggregates(source, rollups, scope).items()]
    parts = []
    for grain in _grains(source):
        quoted = [f'"{column}"' for column in grain.columns]
        subject = dict.fromkeys(("partner", "contact", "customer"), "null::UUID")
        subject |= dict(zip(_SUBJECT[grain.level], quoted, strict=True))
        role = "null" if grain.role is None else str(grain.role.option)
        columns = [f"{grain.level.option} as level", f"{role}::INTEGER as role"]
        columns += [f"{column} as {name}" for name, column in subject.items()]
        parts.append(
            f"  select {', '.join([*columns, *aggregates])}\n"
            f'  from "{source.name}_deal" where {" and ".join(f"{column} is not null" for column in quoted)}'
            f" group by {', '.join(quoted)}"
        )
    return "\n  union all\n".join(parts)


_SUBJECT = {
    Level.PARTNER: ("partner",),
    Level.CONTACT: ("contact",),
    Level.CUSTOMER: ("customer",),
    Level.PARTNER_CUSTOMER: ("partner", "customer"),
}
"""Of what the subject of a level consists, in the order of its id."""


def _grains(source: Source) -> list[_Grain]:
    grains = [_Grain(Level.PARTNER, role, (column,)) for role, column in source.partners.items()]
    grains += [_Grain(Level.CONTACT, role, (column,)) for role, column in source.contacts.items()]
    grains.append(_Grain(Level.CUSTOMER, None, ("customer",)))
    grains += [_Grain(Level.PARTNER_CUSTOMER, role, (column, "customer")) for role, column in source.partners.items()]
    return grains


def _aggregates(source: Source, rollups: Rollups, scope: Scope) -> dict[str, str]:
    """The aggregates of `source`: `v_<rollup>` for its value, `o_<rollup>` for what it is over."""
    sql: dict[str, str] = {}
    for rollup in rollups.rollups:
        if rollup.source == source.name:
            sql[f'"v_{rollup.name}"'] = scope.sql(rollup.value)
            if rollup.over is not None:
                sql[f'"o_{rollup.name}"'] = scope.sql(rollup.over)
    return sql


def subject_columns(source: Source, level: Level, role: Role | None) -> tuple[str, ...]:
    """Name the columns of a deal that hold the ids of the subject it credits at `level` in `role`."""
    return next(grain.columns for grain in _grains(source) if grain.level is level and grain.role is role)


def share_sql(aggregate: str, scope: Scope) -> str:
    """Make the expression for what one deal adds to an aggregate; null if it adds nothing."""
    found = parse(aggregate).find(*AGGREGATES)
    assert found is not None, "d365ext.definitions has checked that there is one"  # noqa: S101 - our own mistake
    counted: exp.Expr = found.this.expressions[0] if isinstance(found.this, exp.Distinct) else found.this
    is_count = isinstance(found, exp.Count)
    share = "1" if is_count else scope.sql(counted)
    conditions = [] if isinstance(counted, exp.Star) else [f"({scope.sql(counted)}) is not null"]
    if isinstance(found.parent, exp.Filter):
        conditions.append(f"({scope.sql(found.parent.expression.this)})")
    return f"case when {' and '.join(conditions)} then {share} end" if conditions else share
