"""Lookups and their relationships ⇄ definitions.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-entity-relationships-using-web-api.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.definitions.tables import Cascade, Relationship
from d365ext.deploy.codec.labels import from_label, to_label
from d365ext.deploy.environment import Languages

_TYPE = "Microsoft.Dynamics.CRM."

# Where the rows stand in the Related menu: after Microsoft's own.
# Source: microsoft/PowerApps-Samples, dataverse/webapi/CSharp-NETx/MetadataOperations/Program.cs (Details, 10000).
_MENU_GROUP, _MENU_ORDER = "Details", 10_000

_CASCADES = {
    "delete": "Delete",
    "merge": "Merge",
    "assign": "Assign",
    "reparent": "Reparent",
    "share": "Share",
    "unshare": "Unshare",
}


def to_relationship(relationship: Relationship, languages: Languages, *, primary_id: str) -> dict[str, Any]:
    """Write a new relationship with its lookup; `primary_id` is the id column of the table that is looked at."""
    return {
        "@odata.type": f"{_TYPE}OneToManyRelationshipMetadata",
        "SchemaName": relationship.name,
        "ReferencedEntity": relationship.to,
        "ReferencedAttribute": primary_id,
        "ReferencingEntity": relationship.table,
        "AssociatedMenuConfiguration": _menu(relationship, languages),
        "CascadeConfiguration": {**_cascades(relationship.cascade), "RollupView": "NoCascade"},
        "Lookup": {
            "@odata.type": f"{_TYPE}LookupAttributeMetadata",
            "AttributeType": "Lookup",
            "AttributeTypeName": {"Value": "LookupType"},
            "SchemaName": relationship.lookup,
            "RequiredLevel": {"Value": "None"},
            **to_lookup_texts(relationship, languages),
        },
    }


def changed_relationship(whole: Mapping[str, Any], relationship: Relationship, languages: Languages) -> dict[str, Any]:
    """Write the whole relationship as it was read, with what we declare put in."""
    return {
        **whole,
        "AssociatedMenuConfiguration": {
            **(whole.get("AssociatedMenuConfiguration") or {}),
            **_menu(relationship, languages),
        },
        "CascadeConfiguration": {**(whole.get("CascadeConfiguration") or {}), **_cascades(relationship.cascade)},
    }


def to_lookup_texts(relationship: Relationship, languages: Languages) -> dict[str, Any]:
    """Write the texts of the lookup column."""
    texts: dict[str, Any] = {"DisplayName": to_label(relationship.label, languages)}
    if relationship.description:
        texts["Description"] = to_label(relationship.description, languages)
    return texts


def _menu(relationship: Relationship, languages: Languages) -> dict[str, Any]:
    if relationship.related is None:
        return {"Behavior": "DoNotDisplay", "Group": _MENU_GROUP, "Order": _MENU_ORDER}
    label = to_label(relationship.related, languages)
    return {"Behavior": "UseLabel", "Group": _MENU_GROUP, "Label": label, "Order": _MENU_ORDER}


def _cascades(cascade: Cascade) -> dict[str, str]:
    return {word: getattr(cascade, name) for name, word in _CASCADES.items()}


def from_relationship(
    definition: Mapping[str, Any], lookup: Mapping[str, Any] | None, languages: Languages
) -> Relationship:
    """Read a relationship and its lookup column."""
    menu = definition.get("AssociatedMenuConfiguration") or {}
    cascade = definition.get("CascadeConfiguration") or {}
    column = lookup or {}
    return Relationship.model_construct(
        name=definition["SchemaName"],
        lookup=definition["ReferencingAttribute"],
        table=definition["ReferencingEntity"],
        to=definition["ReferencedEntity"],
        cascade=Cascade.model_construct(**{name: cascade.get(word, "NoCascade") for name, word in _CASCADES.items()}),
        label=from_label(column.get("DisplayName"), languages),
        description=from_label(column.get("Description"), languages),
        related=None if menu.get("Behavior") == "DoNotDisplay" else from_label(menu.get("Label"), languages),
    )
