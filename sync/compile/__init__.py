"""Rollups as one SQL query: the rows of pch_pipeline as they ought to be. Pure: makes text, runs nothing.

The query reads the mirrored tables and gives a row for each level and subject, with the columns of
`tables.pipeline_table` in its order. Its named parts, in order:

1. `contact_account`, and `<source>_deal`: deals with their customer and the columns of rollups.toml (`sources.py`);
2. `<source>_credit`: all aggregates of a source, for each level, role and subject (`sources.py`);
3. `link`, `subject`, `named`: whom rows are wanted for, and what the rows say of them (`subjects.py`);
4. the numbers: exact, divided once, in integers, rounded half away from zero (`exact.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from d365ext.definitions.rollups import Level, Role, Rollup, Rollups
from sync.compile.dates import parameter_dates
from sync.compile.exact import number_sql
from sync.compile.sources import CONTACT_ACCOUNT, Scope, credit_sql, deal_sql, share_sql, subject_columns
from sync.compile.subjects import LINK_SQL, NAMED_SQL, subject_sql
from sync.tables import CURRENCY, PIPELINE_KEY

__all__ = ["Run", "desired_sql", "shares_sql"]


@dataclass(frozen=True, slots=True)
class Run:
    """What is fixed for a whole run: the as-of date, the time zone of dates, the organization's base currency."""

    as_of: date
    zone: str
    currency: UUID


def desired_sql(rollups: Rollups, run: Run) -> str:
    """Make the query for the rows of pch_pipeline as they ought to be."""
    scope = Scope(parameter_dates(rollups.parameters, run.as_of), run.zone)
    parts = _deal_parts(rollups, scope)
    for name, source in rollups.sources.items():
        parts.append(f'"{name}_credit" as materialized (\n{credit_sql(source, rollups, scope)}\n)')
    parts.append(f"link as materialized (\n{LINK_SQL}\n)")
    parts.append(f"subject as (\n{subject_sql(rollups)}\n)")
    parts.append(f"named as (\n{NAMED_SQL}\n)")
    return f"with {_joined(parts)}\n{_final_sql(rollups, run)}"


def shares_sql(rollups: Rollups, rollup: Rollup, level: Level, role: Role | None, run: Run) -> str:
    """Make the query for the deals behind one number of one subject: `id`, `name`, `customer`, `share`, `over_share`.

    Shape:   the query takes the ids of the subject as parameters, in the order of the row's key. `share` is what a deal
             adds to the value, `over_share` to what it is over; deals that add to neither are left out.
    """
    scope = Scope(parameter_dates(rollups.parameters, run.as_of), run.zone)
    source = rollups.sources[rollup.source]
    name = 'cast("name" as varchar)' if "name" in source.reads else "null"
    subject = " and ".join(f'"{column}" = ?' for column in subject_columns(source, level, role))
    share = share_sql(rollup.value, scope)
    over = share_sql(rollup.over, scope) if rollup.over else "null"
    return (
        f"with {_joined(_deal_parts(rollups, scope))}\n"
        f"select id, {name} as name, customer, {share} as share, {over} as over_share\n"
        f'from "{source.name}_deal" where {subject} and (share is not null or over_share is not null)\n'
        "order by share desc nulls last, name, id"
    )


def _deal_parts(rollups: Rollups, scope: Scope) -> list[str]:
    """The parts up to the deals."""
    deals = [f'"{name}_deal" as (\n{deal_sql(source, scope)}\n)' for name, source in rollups.sources.items()]
    return [f"contact_account as (\n{CONTACT_ACCOUNT}\n)", *deals]


def _joined(parts: list[str]) -> str:
    return ",\n".join(parts)


def _final_sql(rollups: Rollups, run: Run) -> str:
    """Put the numbers beside the subjects."""
    columns = [
        f"n.id as {PIPELINE_KEY}",
        "n.level as pch_level",
        "n.role as pch_role",
        "n.shown_partner as pch_partnerid",
        "n.contact as pch_contactid",
        "n.customer as pch_customerid",
        "n.name as pch_name",
        "(n.partner is not null and n.customer is not null and l.partner is not null) as pch_islinked",
        f"'{run.currency}'::UUID as {CURRENCY}",
        *(f'{number_sql(rollup)} as "{rollup.column}"' for rollup in rollups.rollups),
    ]
    joins = [
        f'left join "{name}_credit" as "{name}" on "{name}".level = n.level'
        f' and "{name}".role is not distinct from n.role and "{name}".partner is not distinct from n.partner'
        f' and "{name}".contact is not distinct from n.contact and "{name}".customer is not distinct from n.customer'
        for name in rollups.sources
    ]
    joins.append("left join link l on l.partner = n.partner and l.customer = n.customer and l.role = n.role")
    return "select\n  {}\nfrom named n\n{}".format(",\n  ".join(columns), "\n".join(joins))
