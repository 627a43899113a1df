"""Formatted values and the other annotations of a row, as far as the client's Prefer header asks for them.

Owns which annotations are wanted, and how a stored value reads to a person. Reads names of rows that lookups point to;
changes nothing.

Source: powerapps-docs …/webapi/query/select-columns.md ("Formatted values", "Lookup property data"), …/webapi/
compose-http-requests-handle-errors.md ("Request annotations"). Numbers, dates and money are written as for an
English (United States) user in UTC: the format of a user is inferred to be that of a fresh English organization.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import CHOICE_TYPES, Column, ColumnType, Table
from d365ext.emulator.web.http import Request

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
TOTAL_COUNT = "Microsoft.Dynamics.CRM.totalrecordcount"
TOTAL_EXCEEDED = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"
DEFINITIONS_VERSION = "Microsoft.Dynamics.CRM.globalmetadataversion"
PAGING_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
MORE_RECORDS = "Microsoft.Dynamics.CRM.morerecords"
PREFERENCE = "odata.include-annotations"

Formatter = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Annotations:
    """The patterns of odata.include-annotations: names, * for all, a * at the end, - before for all but."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request) -> Annotations:
        """Read them from the Prefer header."""
        patterns = [each.strip() for each in request.preferences.get(PREFERENCE, "").split(",") if each.strip()]
        return cls(
            tuple(each for each in patterns if not each.startswith("-")),
            tuple(each[1:] for each in patterns if each.startswith("-")),
        )

    def has(self, name: str) -> bool:
        """Say whether the client wants this annotation."""
        return any(fnmatchcase(name, each) for each in self.wanted) and not any(
            fnmatchcase(name, each) for each in self.unwanted
        )

    @property
    def on_cells(self) -> bool:
        """Say whether any annotation of a property is wanted."""
        return any(self.has(each) for each in (FORMATTED, LOOKUP_TABLE, NAVIGATION))


@dataclass(frozen=True, slots=True)
class Currency:
    """How amounts of one currency are written."""

    symbol: str
    precision: int
    name: str


def formatter(column: Column, session: Session) -> Formatter | None:
    """Give what turns a stored value of `column` into text, or None if it has no formatted value.

    Money and lookups are not here: they need a currency or a name from another row.
    """
    language = session.language
    match column.type:
        case kind if kind in CHOICE_TYPES or kind is ColumnType.BOOLEAN:
            labels = {value: option.label(language) for value, option in column.options.items()}
            if kind is ColumnType.BOOLEAN:
                labels = {0: "No", 1: "Yes"} | labels
            return lambda value: labels.get(value, str(value))
        case ColumnType.MULTISELECT:
            many = {str(value): option.label(language) for value, option in column.options.items()}
            return lambda value: "; ".join(many.get(each, each) for each in str(value).split(","))
        case ColumnType.INTEGER | ColumnType.BIGINT:
            return lambda value: f"{value:,d}"
        case ColumnType.DECIMAL:
            scale = column.scale
            return lambda value: f"{Decimal(value).scaleb(-scale):,.{scale}f}"
        case ColumnType.DOUBLE:
            digits = column.precision if column.precision is not None else 2
            return lambda value: f"{value:,.{digits}f}"
        case ColumnType.DATETIME:
            day_only = column.is_date_only or column.date_format == "DateOnly"
            return day_text if day_only else moment_text
    return None


def day_text(stored: str) -> str:
    """Write a stored date or moment as a day: 4/7/2023."""
    moment = datetime.fromisoformat(stored)
    return f"{moment.month}/{moment.day}/{moment.year}"


def moment_text(stored: str) -> str:
    """Write a stored moment: 4/7/2023 2:59 PM."""
    moment = datetime.fromisoformat(stored)
    return f"{day_text(stored)} {moment.hour % 12 or 12}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}"


def money_text(stored: int, column: Column, currency: Currency) -> str:
    """Write an amount with its currency's symbol: $20,000.00.

    Source of the precision: powerapps-docs …/developer/data-platform/reference/entities attribute metadata,
    PrecisionSource 0 the column's own, 1 the organization's pricing precision (2 here), 2 the currency's.
    """
    own = column.precision if column.precision is not None else 2
    precision = {0: own, 2: currency.precision}.get(column.precision_source or 0, 2)
    amount = Decimal(stored).scaleb(-4)
    return f"{'-' if amount < 0 else ''}{currency.symbol}{abs(amount):,.{precision}f}"


def currencies(session: Session) -> Mapping[str, Currency]:
    """Give the organization's currencies by id."""
    rows = session.raw.execute(
        "select transactioncurrencyid, currencysymbol, currencyprecision, currencyname from transactioncurrency"
    )
    return {row[0]: Currency(row[1] or "", 2 if row[2] is None else row[2], row[3] or "") for row in rows}


def base_currency(session: Session) -> str | None:
    """Give the id of the organization's base currency, in which x_base amounts are written."""
    row = session.raw.execute("select basecurrencyid from organization limit 1").fetchone()
    return row[0] if row else None


def names_of(session: Session, table: Table, ids: Iterable[str]) -> dict[str, str]:
    """Give the primary names of rows by id; rows that are gone or nameless are left out."""
    if table.primary_name is None or table.primary_name not in table.columns:
        return {}
    if not table.columns[table.primary_name].is_stored:
        return {}
    wanted = json.dumps(sorted(set(ids)))
    rows = session.raw.execute(
        f'select "{table.primary_id}", "{table.primary_name}" from "{table.logical}"'  # noqa: S608  names of our schema
        f' where "{table.primary_id}" in (select value from json_each(?)) and "{table.primary_name}" is not null',
        (wanted,),
    )
    return dict(rows.fetchall())


def navigation_of(table: Table, column: Column, target: str) -> str | None:
    """Give the navigation property that leads from a lookup to a row of `target`."""
    found = table.lookup_navs.get(column.logical, ())
    for relationship in found:
        if relationship.referenced_table == target:
            return relationship.lookup_nav
    return found[0].lookup_nav if found else None  # ownerid leads to systemuser and team alike


@dataclass(frozen=True, slots=True)
class LookupTexts:
    """What is known of the values of one lookup column on one page: names, tables and navigation properties."""

    names: Sequence[str | None]
    tables: Sequence[str | None]
    navigations: Sequence[str | None]


def lookup_texts(
    session: Session, table: Table, column: Column, ids: Sequence[str | None], types: Sequence[str | None] | None
) -> LookupTexts:
    """Look up the names behind the values of a lookup column, one query for each target table.

    `types` holds the target table of each value for a polymorphic lookup, else None.
    """
    single = column.targets[0] if column.targets else None
    tables = [
        None if row_id is None else (types[at] if types is not None and types[at] else single)
        for at, row_id in enumerate(ids)
    ]
    by_table: dict[str, set[str]] = {}
    for row_id, target in zip(ids, tables, strict=True):
        if row_id is not None and target is not None:
            by_table.setdefault(target, set()).add(row_id)
    names = {
        target: names_of(session, session.schema.tables[target], wanted)
        for target, wanted in by_table.items()
        if target in session.schema.tables
    }
    navigations = {target: navigation_of(table, column, target) for target in by_table}
    return LookupTexts(
        [names.get(target or "", {}).get(row_id or "") for row_id, target in zip(ids, tables, strict=True)],
        tables,
        [navigations.get(target or "") for target in tables],
    )
