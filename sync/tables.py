"""Which tables and columns of Dataverse the worker mirrors. Pure.

The order is the order of reading: deals first, accounts last. An account or contact that is made while we read is then
never missing for a deal that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from d365ext.definitions.expressions import Kind
from d365ext.definitions.rollups import Rollups, RollupType
from d365ext.names import EntitySetName, LogicalName


class SqlType(StrEnum):
    """How the mirror holds a value."""

    UUID = "UUID"
    TEXT = "VARCHAR"
    WHOLE = "BIGINT"
    BOOL = "BOOLEAN"
    # Source: learn.microsoft.com/…/transaction-currency-currency-entity: `_base` columns have four decimals
    MONEY = "DECIMAL(19,4)"
    # Source: learn.microsoft.com/…/entity-attribute-metadata: a decimal column has up to ten decimals, ±100 billion
    DECIMAL = "DECIMAL(28,10)"
    DATE = "DATE"
    MOMENT = "TIMESTAMP"


SQL_TYPES = {
    Kind.ID: SqlType.UUID,
    Kind.TEXT: SqlType.TEXT,
    Kind.WHOLE: SqlType.WHOLE,
    Kind.BOOL: SqlType.BOOL,
    Kind.MONEY: SqlType.MONEY,
    Kind.DATE: SqlType.DATE,
    Kind.MOMENT: SqlType.MOMENT,
}
_ROLLUP_TYPES = {
    RollupType.INTEGER: SqlType.WHOLE,
    RollupType.MONEY: SqlType.MONEY,
    RollupType.DECIMAL: SqlType.DECIMAL,
    RollupType.DATE: SqlType.DATE,
}


@dataclass(frozen=True, slots=True)
class MirrorColumn:
    """One column; `is_lookup`: the Web API gives it as `_name_value`."""

    name: str
    type: SqlType
    is_lookup: bool = False

    @property
    def wire(self) -> str:
        """Its name in a row of the Web API."""
        return f"_{self.name}_value" if self.is_lookup else self.name


@dataclass(frozen=True, slots=True)
class MirrorTable:
    """One table; its first column is its primary key."""

    name: LogicalName
    entity_set: EntitySetName
    columns: tuple[MirrorColumn, ...]

    @property
    def key(self) -> str:
        """The name of its primary key."""
        return self.columns[0].name

    @property
    def select(self) -> tuple[str, ...]:
        """What to ask the Web API for."""
        return tuple(column.wire for column in self.columns)


PIPELINE = LogicalName("pch_pipeline")
PIPELINES = EntitySetName("pch_pipelines")
PIPELINE_KEY = "pch_pipelineid"
PIPELINE_LOOKUPS = ("pch_partnerid", "pch_contactid", "pch_customerid")
CURRENCY = "transactioncurrencyid"


def _id(name: str) -> MirrorColumn:
    return MirrorColumn(name, SqlType.UUID, is_lookup=True)


ACCOUNT = MirrorTable(
    LogicalName("account"),
    EntitySetName("accounts"),
    (
        MirrorColumn("accountid", SqlType.UUID),
        MirrorColumn("name", SqlType.TEXT),
        MirrorColumn("pch_customertype", SqlType.WHOLE),
        _id("pch_salespartner1id"),
        _id("pch_salespartner2id"),
        _id("pch_productionpartnerid"),
    ),
)
CONTACT = MirrorTable(
    LogicalName("contact"),
    EntitySetName("contacts"),
    (MirrorColumn("contactid", SqlType.UUID), MirrorColumn("fullname", SqlType.TEXT), _id("parentcustomerid")),
)


def pipeline_table(rollups: Rollups) -> MirrorTable:
    """The table of results, with a column for each rollup."""
    return MirrorTable(
        PIPELINE,
        PIPELINES,
        (
            MirrorColumn(PIPELINE_KEY, SqlType.UUID),
            MirrorColumn("pch_level", SqlType.WHOLE),
            MirrorColumn("pch_role", SqlType.WHOLE),
            *(_id(name) for name in PIPELINE_LOOKUPS),
            MirrorColumn("pch_name", SqlType.TEXT),
            MirrorColumn("pch_islinked", SqlType.BOOL),
            _id(CURRENCY),
            *(MirrorColumn(rollup.column, _ROLLUP_TYPES[rollup.type]) for rollup in rollups.rollups),
        ),
    )


def mirrored_tables(rollups: Rollups) -> tuple[MirrorTable, ...]:
    """Every table to mirror, in the order of reading.

    Sources are read last declared first: a quote names an opportunity, never the other way.
    """
    sources = [
        MirrorTable(
            source.table,
            source.entity_set,
            (
                MirrorColumn(f"{source.table}id", SqlType.UUID),
                *(MirrorColumn(name, SQL_TYPES[kind], kind is Kind.ID) for name, kind in source.raw.items()),
            ),
        )
        for source in reversed(list(rollups.sources.values()))
    ]
    return (pipeline_table(rollups), *sources, CONTACT, ACCOUNT)
