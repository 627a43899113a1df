"""The types of table definitions: which properties EntityMetadata, AttributeMetadata … have, and their defaults.

Owns the reading of `definition_types.json` and what follows from it: what `$select` may name, which type a document
has, what is filled in where a document says nothing. Must not know the store or HTTP.
Source: the `source` line of that file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from d365ext.emulator.problems import Problem

NAMESPACE = "Microsoft.Dynamics.CRM."


class Property(NamedTuple):
    """Type of a property (Edm.…, an enumeration or a complex type, perhaps Collection(…)) and its default."""

    type: str
    default: Any


@dataclass(frozen=True, eq=False)
class DefinitionType:
    """One entity type of the definitions model, with what it inherits."""

    name: str
    base: DefinitionType | None
    own_properties: Mapping[str, Property]
    own_navigation: Mapping[str, str]  # name → type, perhaps Collection(…)

    @cached_property
    def properties(self) -> Mapping[str, Property]:
        """Give own and inherited properties, inherited first."""
        return {**(self.base.properties if self.base else {}), **self.own_properties}

    @cached_property
    def navigation(self) -> Mapping[str, str]:
        """Give own and inherited navigation properties."""
        return {**(self.base.navigation if self.base else {}), **self.own_navigation}

    def is_a(self, other: DefinitionType) -> bool:
        """Say whether this type is `other` or inherits from it."""
        return self is other or (self.base is not None and self.base.is_a(other))

    def view(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Give every property of the type, its default where `document` says nothing. What is inside is shared."""
        return {name: document.get(name, each.default) for name, each in self.properties.items()}

    def filled(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Give `document` with the defaults of its type filled in."""
        return {**self.view(document), **document}


@cache
def model() -> Mapping[str, Any]:
    """Give the whole file: source, types, complex, enums."""
    parsed: dict[str, Any] = json.loads((Path(__file__).parent / "definition_types.json").read_text("utf-8"))
    return parsed


@cache
def definition_type(name: str) -> DefinitionType:
    """Give a type by its name without namespace; 404 where a cast names no such type."""
    written = model()["types"].get(name)
    if written is None:
        raise Problem.no_resource(NAMESPACE + name)
    base = definition_type(written["base"]) if written["base"] else None
    properties = {key: Property(*value) for key, value in written["properties"].items()}
    return DefinitionType(name, base, properties, written["navigation"])


def is_enum(type_name: str) -> bool:
    """Say whether a property's type is an enumeration."""
    return type_name in model()["enums"]


_COLUMN_TYPES = {
    "BigIntType": "BigInt",
    "BooleanType": "Boolean",
    "CustomerType": "Lookup",
    "DateTimeType": "DateTime",
    "DecimalType": "Decimal",
    "DoubleType": "Double",
    "EntityNameType": "EntityName",
    "FileType": "File",
    "ImageType": "Image",
    "IntegerType": "Integer",
    "LookupType": "Lookup",
    "ManagedPropertyType": "ManagedProperty",
    "MemoType": "Memo",
    "MoneyType": "Money",
    "MultiSelectPicklistType": "MultiSelectPicklist",
    "OwnerType": "Lookup",
    "PartyListType": "Lookup",
    "PicklistType": "Picklist",
    "StateType": "State",
    "StatusType": "Status",
    "StringType": "String",
    "UniqueidentifierType": "UniqueIdentifier",
}


def column_type(document: Mapping[str, Any]) -> DefinitionType:
    """Give the type of a column's document, from its AttributeTypeName (else AttributeType)."""
    type_name = (document.get("AttributeTypeName") or {}).get("Value") or f"{document.get('AttributeType')}Type"
    return definition_type(_COLUMN_TYPES.get(type_name, "") + "AttributeMetadata")


def relationship_type(document: Mapping[str, Any]) -> DefinitionType:
    """Give the type of a relationship's document."""
    many = "IntersectEntityName" in document
    return definition_type("ManyToManyRelationshipMetadata" if many else "OneToManyRelationshipMetadata")


def choice_type(document: Mapping[str, Any]) -> DefinitionType:
    """Give the type of a choice's document."""
    boolean = document.get("OptionSetType") == "Boolean"
    return definition_type("BooleanOptionSetMetadata" if boolean else "OptionSetMetadata")
