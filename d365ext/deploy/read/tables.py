"""Tables and what they have of ours: columns, keys, lookups.

A column's own properties are only seen when it is read as its type: each type that we declare is a request for a table.
Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api ("you must cast").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from d365ext.definitions.columns import Column
from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import Relationship, Table
from d365ext.deploy.codec.columns import cast_of, from_column
from d365ext.deploy.codec.relationships import from_relationship
from d365ext.deploy.codec.tables import TABLE_PROPERTIES, from_key, from_table
from d365ext.deploy.compare.membership import TABLE
from d365ext.deploy.environment import Found, FoundKey, FoundTable, Languages, OtherColumn
from d365ext.webapi.client import Client, Json
from d365ext.webapi.tabledefs import columns_address, read_definition, read_definitions, table_address

_COLUMN = "LogicalName,AttributeType,AttributeTypeName,AttributeOf,MetadataId,IsManaged"
_EXPANDS = {
    "PicklistAttributeMetadata": "&$expand=OptionSet,GlobalOptionSet",
    "BooleanAttributeMetadata": "&$expand=OptionSet",
}
_TEXTS = "LogicalName,AttributeType,MetadataId,IsManaged,DisplayName,Description,RequiredLevel"
_PROPERTIES = {
    "StringAttributeMetadata": ",MaxLength",
    "MemoAttributeMetadata": ",MaxLength",
    "DecimalAttributeMetadata": ",Precision",
    "MoneyAttributeMetadata": ",Precision,PrecisionSource",
    "DateTimeAttributeMetadata": ",Format,DateTimeBehavior",
    "BooleanAttributeMetadata": ",DefaultValue",
}

Members = Mapping[tuple[int, UUID], int]


@dataclass(slots=True)
class TablesFound:
    """What `read_tables` found."""

    tables: dict[str, FoundTable] = field(default_factory=dict)
    columns: dict[tuple[str, str], Found[Column | OtherColumn]] = field(default_factory=dict)
    keys: dict[tuple[str, str], FoundKey] = field(default_factory=dict)
    relationships: dict[str, Found[Relationship]] = field(default_factory=dict)


def read_tables(client: Client, solution: Solution, languages: Languages, listed: Members) -> TablesFound:
    """Read every table that the solution declares, that it puts a lookup on, or that the environment lists in it."""
    found = TablesFound()
    declared = [*solution.tables, *(each.table for each in solution.relationships.values())]
    declared += _listed_tables(client, listed)
    for name in dict.fromkeys([*declared, *_own_tables(client, solution)]):
        reader = _TableReader(client, solution, languages, name)
        table = reader.read_table()
        if table is None:
            continue
        found.tables[name] = table
        if name in declared:
            found.columns |= {(name, column): made for column, made in reader.read_columns()}
            found.keys |= {(name, key): made for key, made in reader.read_keys()}
            found.relationships |= dict(reader.read_relationships())
    return found


def _listed_tables(client: Client, listed: Members) -> Iterator[str]:
    """Name the tables that the environment lists in our solution: something of ours is, or was, on them."""
    for component_type, table_id in listed:
        if component_type == TABLE:
            definition = read_definition(client, f"EntityDefinitions({table_id})?$select=LogicalName")
            if definition is not None:
                yield definition["LogicalName"]


def _own_tables(client: Client, solution: Solution) -> Iterator[str]:
    """Name the tables with our prefix."""
    listed = read_definitions(client, "EntityDefinitions?$select=LogicalName&$filter=IsCustomEntity%20eq%20true")
    for each in listed:
        if each["LogicalName"].startswith(f"{solution.publisher.prefix}_"):
            yield each["LogicalName"]


@dataclass(slots=True)
class _TableReader:
    """Reads one table."""

    client: Client
    solution: Solution
    languages: Languages
    name: str

    @property
    def _address(self) -> str:
        return table_address(self.name)

    def _is_ours(self, name: str) -> bool:
        return name.startswith(f"{self.solution.publisher.prefix}_")

    def read_table(self) -> FoundTable | None:
        definition = read_definition(self.client, f"{self._address}?$select={','.join(TABLE_PROPERTIES)}")
        if definition is None:
            return None
        table: Table = from_table(definition, self.languages, is_ours=self._is_ours(self.name))
        can_track = definition.get("CanChangeTrackingBeEnabled") or {}
        return FoundTable(
            table,
            UUID(definition["MetadataId"]),
            is_managed=bool(definition.get("IsManaged")),
            can_track_changes=bool(can_track.get("Value", True)),
            entity_set=definition["EntitySetName"],
            primary_id=definition["PrimaryIdAttribute"],
        )

    def read_columns(self) -> Iterator[tuple[str, Found[Column | OtherColumn]]]:
        """Read the columns that we declare, and name those with our prefix that we do not."""
        declared = self.solution.tables[self.name].columns if self.name in self.solution.tables else {}
        whole: dict[str, Json] = {}
        for cast in dict.fromkeys(cast_of(column) for column in declared.values()):
            select = f"?$select={_TEXTS}{_PROPERTIES.get(cast, '')}{_EXPANDS.get(cast, '')}"
            listed = read_definitions(self.client, columns_address(self.name, cast) + select)
            whole |= {each["LogicalName"]: each for each in listed if each["LogicalName"] in declared}
        for each in read_definitions(self.client, f"{self._address}/Attributes?$select={_COLUMN}"):
            name = each["LogicalName"]
            if not self._is_ours(name) or each.get("AttributeOf") or self._is_the_platforms(name):
                continue
            known = whole.get(name)
            what = from_column(known, self.languages) if known else OtherColumn(each.get("AttributeType") or "")
            yield name, Found(what, UUID(each["MetadataId"]), bool(each.get("IsManaged")))

    def _is_the_platforms(self, name: str) -> bool:
        """Say whether the platform made a column with our prefix: a table's id, an amount in base currency."""
        declared = self.solution.tables.get(self.name)
        return name == f"{self.name}id" or (name.endswith("_base") and not (declared and name in declared.columns))

    def read_keys(self) -> Iterator[tuple[str, FoundKey]]:
        select = "?$select=LogicalName,DisplayName,KeyAttributes,EntityKeyIndexStatus,MetadataId"
        for each in read_definitions(self.client, f"{self._address}/Keys{select}"):
            if self._is_ours(each["LogicalName"]):
                status = each.get("EntityKeyIndexStatus") or "Active"
                yield each["LogicalName"], FoundKey(from_key(each, self.languages), UUID(each["MetadataId"]), status)

    def read_relationships(self) -> Iterator[tuple[str, Found[Relationship]]]:
        """Read the lookups with our prefix."""
        select = (
            "SchemaName,MetadataId,IsManaged,ReferencedEntity,ReferencingEntity,ReferencingAttribute,"
            "CascadeConfiguration,AssociatedMenuConfiguration"
        )
        listed = read_definitions(self.client, f"{self._address}/ManyToOneRelationships?$select={select}")
        ours = [each for each in listed if self._is_ours(each["SchemaName"])]
        if not ours:
            return
        texts = f"?$select={_TEXTS}"
        columns = read_definitions(self.client, columns_address(self.name, "LookupAttributeMetadata") + texts)
        lookups = {each["LogicalName"]: each for each in columns}
        for each in ours:
            made = from_relationship(each, lookups.get(each["ReferencingAttribute"]), self.languages)
            yield made.name, Found(made, UUID(each["MetadataId"]), bool(each.get("IsManaged")))
