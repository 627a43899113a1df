"""Tables, keys and global choices ⇄ their definitions.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-entity-definitions-using-web-api
(required properties of a new table), …/define-alternate-keys-entity, …/create-update-optionsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.definitions.columns import Choice, ChoiceColumn
from d365ext.definitions.tables import Key, OwnTable, Table
from d365ext.deploy.codec.columns import from_options, to_column, to_option
from d365ext.deploy.codec.labels import from_label, to_label
from d365ext.deploy.environment import Languages

_TYPE = "Microsoft.Dynamics.CRM."
_OWNERSHIP = {"organization": "OrganizationOwned", "user": "UserOwned"}

TABLE_PROPERTIES = (
    "LogicalName",
    "MetadataId",
    "EntitySetName",
    "PrimaryIdAttribute",
    "PrimaryNameAttribute",
    "OwnershipType",
    "ChangeTrackingEnabled",
    "CanChangeTrackingBeEnabled",
    "IsAuditEnabled",
    "IsManaged",
    "DisplayName",
    "DisplayCollectionName",
    "Description",
)
"""What `from_table` reads."""


def to_table(table: OwnTable, languages: Languages) -> dict[str, Any]:
    """Write a new table with its columns; those that name a global choice are added later.

    Source: …/create-update-column-definitions-using-web-api (columns can be created with their table).
    """
    columns = [
        {**to_column(name, column, languages), "IsPrimaryName": name == table.primary_name}
        for name, column in table.columns.items()
        if not (isinstance(column, ChoiceColumn) and column.choice)
    ]
    return {
        "@odata.type": f"{_TYPE}EntityMetadata",
        "SchemaName": table.name,
        "OwnershipType": _OWNERSHIP[table.ownership],
        "IsActivity": False,
        "HasActivities": False,
        "HasNotes": False,
        "Attributes": sorted(columns, key=lambda column: not column["IsPrimaryName"]),
        **_settings(table, languages),
    }


def changed_table(whole: Mapping[str, Any], table: OwnTable, languages: Languages) -> dict[str, Any]:
    """Write the whole definition as it was read, with what we declare put in."""
    settings = _settings(table, languages)
    settings["IsAuditEnabled"] = {**(whole.get("IsAuditEnabled") or {}), **settings["IsAuditEnabled"]}
    tracking = settings["ChangeTrackingEnabled"] or whole.get("ChangeTrackingEnabled", False)
    return {**whole, **settings, "ChangeTrackingEnabled": tracking}


def _settings(table: OwnTable, languages: Languages) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "DisplayName": to_label(table.label, languages),
        "DisplayCollectionName": to_label(table.plural, languages),
        "ChangeTrackingEnabled": table.change_tracking,
        "IsAuditEnabled": {"Value": table.auditing},
    }
    if table.description:
        settings["Description"] = to_label(table.description, languages)
    return settings


def from_table(definition: Mapping[str, Any], languages: Languages, *, is_ours: bool) -> Table:
    """Read a table, without its columns and keys; of a standard one only whether it tracks changes."""
    tracking = bool(definition.get("ChangeTrackingEnabled"))
    if not is_ours:
        return Table.model_construct(name=definition["LogicalName"], change_tracking=tracking)
    return OwnTable.model_construct(
        name=definition["LogicalName"],
        label=from_label(definition.get("DisplayName"), languages),
        plural=from_label(definition.get("DisplayCollectionName"), languages),
        description=from_label(definition.get("Description"), languages),
        ownership="user" if definition.get("OwnershipType") == "UserOwned" else "organization",
        primary_name=definition["PrimaryNameAttribute"],
        change_tracking=tracking,
        auditing=bool((definition.get("IsAuditEnabled") or {}).get("Value")),
    )


def to_key(name: str, key: Key, languages: Languages) -> dict[str, Any]:
    """Write a new alternate key."""
    return {"SchemaName": name, "DisplayName": to_label(key.label, languages), "KeyAttributes": list(key.columns)}


def from_key(definition: Mapping[str, Any], languages: Languages) -> Key:
    """Read an alternate key."""
    return Key.model_construct(
        label=from_label(definition.get("DisplayName"), languages), columns=tuple(definition["KeyAttributes"])
    )


def to_choice(choice: Choice, languages: Languages) -> dict[str, Any]:
    """Write a new global choice."""
    definition = {
        "@odata.type": f"{_TYPE}OptionSetMetadata",
        "Name": choice.name,
        "OptionSetType": "Picklist",
        "IsGlobal": True,
        "DisplayName": to_label(choice.label, languages),
        "Options": [to_option(option, languages) for option in choice.options],
    }
    if choice.description:
        definition["Description"] = to_label(choice.description, languages)
    return definition


def changed_choice(whole: Mapping[str, Any], choice: Choice, languages: Languages) -> dict[str, Any]:
    """Write the whole definition of a choice as it was read, with our texts; options are written one by one."""
    changed = {**whole, "DisplayName": to_label(choice.label, languages)}
    if choice.description:
        changed["Description"] = to_label(choice.description, languages)
    return changed


def from_choice(definition: Mapping[str, Any], languages: Languages) -> Choice:
    """Read a global choice."""
    return Choice.model_construct(
        name=definition["Name"],
        label=from_label(definition.get("DisplayName"), languages),
        description=from_label(definition.get("Description"), languages),
        options=from_options(definition, languages),
    )
