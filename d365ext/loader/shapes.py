"""What the environment says about the tables and columns that are to be loaded. Nothing here is guessed.

Owns the reading of definitions for the loader. Says nothing about rows.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api (the casts below
`Attributes`, `OptionSet` and `GlobalOptionSet`); …/webapi/web-api-navigation-properties (names of lookups in a write).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from d365ext.webapi.batch import Operation, send_batch
from d365ext.webapi.client import Client
from d365ext.webapi.codec import from_json
from d365ext.webapi.query import literal

CRM = "Microsoft.Dynamics.CRM"


class Kind(StrEnum):
    """What a cell of a column may hold."""

    TEXT = "text"
    WHOLE = "whole number"
    DECIMAL = "decimal"
    MONEY = "money"
    YES_NO = "yes or no"
    MOMENT = "date and time"
    DAY = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    LOOKUP = "lookup"
    ID = "id"
    OTHER = "something that no CSV file can hold"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice. `names`: its labels in every language and its invariant name; `state`: of a status."""

    value: int
    names: tuple[str, ...]
    state: int | None = None
    default_status: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `targets` of a lookup: table → the navigation property that writes it.

    `decimals_by`: what says how many decimals money keeps (0 the column itself, 1 the organization, 2 the currency).
    """

    name: str
    kind: Kind
    can_create: bool
    can_update: bool
    targets: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    length_max: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    decimals: int | None = None
    decimals_by: int = 0

    @property
    def read_name(self) -> str:
        """What the column is called in a row that was read."""
        return f"_{self.name}_value" if self.kind is Kind.LOOKUP else self.name


@dataclass(frozen=True, slots=True)
class Table:
    """A table: where its rows live, and its columns by logical name."""

    name: str
    entity_set: str
    primary_id: str
    columns: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cast:
    """One kind of column below `Attributes`: its type, what to select of it, what to expand."""

    type: str
    select: str = ""
    expand: str = ""


_OPTIONS = "OptionSet($select=Options)"
_CASTS: Mapping[str, _Cast] = {
    "Picklist": _Cast("PicklistAttributeMetadata", expand=f"{_OPTIONS},GlobalOptionSet($select=Options)"),
    "MultiSelect": _Cast("MultiSelectPicklistAttributeMetadata", expand=f"{_OPTIONS},GlobalOptionSet($select=Options)"),
    "State": _Cast("StateAttributeMetadata", expand=_OPTIONS),
    "Status": _Cast("StatusAttributeMetadata", expand=_OPTIONS),
    "DateTime": _Cast("DateTimeAttributeMetadata", "DateTimeBehavior"),
    "Money": _Cast("MoneyAttributeMetadata", "Precision,PrecisionSource,MinValue,MaxValue"),
    "Decimal": _Cast("DecimalAttributeMetadata", "Precision,MinValue,MaxValue"),
    "Double": _Cast("DoubleAttributeMetadata", "MinValue,MaxValue"),
    "Integer": _Cast("IntegerAttributeMetadata", "MinValue,MaxValue"),
    "String": _Cast("StringAttributeMetadata", "MaxLength"),
    "Memo": _Cast("MemoAttributeMetadata", "MaxLength"),
    "Lookup": _Cast("LookupAttributeMetadata", "Targets"),
}
_KINDS: Mapping[str, Kind] = {
    "Picklist": Kind.CHOICE,
    "MultiSelect": Kind.CHOICES,
    "State": Kind.CHOICE,
    "Status": Kind.CHOICE,
    "Boolean": Kind.YES_NO,
    "DateTime": Kind.MOMENT,
    "Money": Kind.MONEY,
    "Decimal": Kind.DECIMAL,
    "Double": Kind.DECIMAL,
    "Integer": Kind.WHOLE,
    "BigInt": Kind.WHOLE,
    "String": Kind.TEXT,
    "Memo": Kind.TEXT,
    "Lookup": Kind.LOOKUP,
    "Uniqueidentifier": Kind.ID,
}


def inspect_tables(client: Client) -> dict[str, Table]:
    """Read the name, entity set and primary id of every table of the environment."""
    rows = client.get("EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute")["value"]
    return {
        row["LogicalName"]: Table(row["LogicalName"], row["EntitySetName"], row["PrimaryIdAttribute"])
        for row in rows
        if row["EntitySetName"]
    }


def inspect_columns(client: Client, table: Table, names: Iterable[str]) -> Table:
    """Read every column of `table`, in full those of `names`.

    Effects: two requests.
    """
    address = f"EntityDefinitions(LogicalName={literal(table.name)})"
    listed = client.get(
        f"{address}/Attributes?$select=LogicalName,AttributeType,AttributeTypeName,AttributeOf,"
        "IsValidForCreate,IsValidForUpdate"
    )["value"]
    types = {row["LogicalName"]: _type_word(row) for row in listed if row["AttributeOf"] is None}
    columns = {
        row["LogicalName"]: Column(
            row["LogicalName"],
            _KINDS.get(types[row["LogicalName"]], Kind.OTHER),
            can_create=bool(row["IsValidForCreate"]),
            can_update=bool(row["IsValidForUpdate"]),
        )
        for row in listed
        if row["LogicalName"] in types
    }
    wanted = sorted({types[name] for name in names if name in types} & set(_CASTS))
    details, relationships = _read_details(client, address, wanted)
    for row in details:
        name = row["LogicalName"]
        if name in columns:
            columns[name] = _in_full(columns[name], row, relationships)
    return replace(table, columns=columns)


def _type_word(row: Mapping[str, Any]) -> str:
    """Give the word of `_CASTS`: choices (several) call themselves Virtual, customers and owners are lookups."""
    if row["AttributeTypeName"] and row["AttributeTypeName"]["Value"] == "MultiSelectPicklistType":
        return "MultiSelect"
    word = str(row["AttributeType"])
    return "Lookup" if word in ("Customer", "Owner") else word


def _read_details(
    client: Client, address: str, words: list[str]
) -> tuple[list[dict[str, Any]], dict[tuple[str, str], str]]:
    """Read what the casts say, and the navigation property of each lookup and target, in one batch."""
    select = "$select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
    items = [Operation("GET", f"{address}/ManyToOneRelationships?{select}")]
    for word in words:
        cast = _CASTS[word]
        options = f"$select={','.join(filter(None, ('LogicalName', cast.select)))}"
        options += f"&$expand={cast.expand}" if cast.expand else ""
        items.append(Operation("GET", f"{address}/Attributes/{CRM}.{cast.type}?{options}"))
    answers = []
    for outcome in send_batch(client, items, repeatable=True):
        if outcome.error is not None:
            raise outcome.error
        answers.append(from_json(outcome.body)["value"])
    navigation = {
        (row["ReferencingAttribute"], row["ReferencedEntity"]): row["ReferencingEntityNavigationPropertyName"]
        for row in answers[0]
    }
    return [row for answer in answers[1:] for row in answer], navigation


def _in_full(column: Column, row: Mapping[str, Any], navigation: Mapping[tuple[str, str], str]) -> Column:
    behaviour = row.get("DateTimeBehavior")
    kind = Kind.DAY if behaviour and behaviour["Value"] == "DateOnly" else column.kind
    targets = {each: navigation.get((column.name, each), column.name) for each in row.get("Targets") or ()}
    options = [
        _option(option)
        for key in ("OptionSet", "GlobalOptionSet")
        for option in (row.get(key) or {}).get("Options") or ()
    ]
    return replace(
        column,
        kind=kind,
        targets=targets,
        options=tuple({option.value: option for option in options}.values()),
        length_max=row.get("MaxLength"),
        low=_decimal(row.get("MinValue")),
        high=_decimal(row.get("MaxValue")),
        decimals=row.get("Precision"),
        decimals_by=row.get("PrecisionSource") or 0,
    )


def _option(row: Mapping[str, Any]) -> Option:
    labels = [label["Label"] for label in (row.get("Label") or {}).get("LocalizedLabels") or ()]
    names = tuple(dict.fromkeys(filter(None, [*labels, row.get("InvariantName")])))
    return Option(row["Value"], names, state=row.get("State"), default_status=row.get("DefaultStatus"))


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
