"""The documents of a new custom table: itself, its primary name, and the columns and relationships the system adds.

Owns what a table gets by its ownership. Must not write.
Source: powerapps-docs …/webapi/create-update-entity-definitions-using-web-api.md (the definition that comes back with
its defaults and privileges); which system columns a custom table has: MicrosoftDocs table reference pages and real
exports (metadata-plane.md §9.2); relationship names lk_<table>_createdby, user_<table>, team_<table>,
business_unit_<table>, organization_<table> as in exports [inferred for the parts not seen]. owner_<table> is left out,
as in the standard tables: its other end, owner, is no table here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from d365ext.emulator.documents.definition_types import column_type, definition_type
from d365ext.emulator.documents.documents import (
    Document,
    choice_document,
    column_document,
    label,
    managed,
    one_to_many_document,
    option,
    table_document,
)
from d365ext.emulator.documents.labels import accepted, says_something, texts
from d365ext.emulator.documents.naming import plural
from d365ext.emulator.documents.new_columns import new_id, shadows
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType

PRIVILEGES = ("Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo")
_ORGANIZATION_PRIVILEGES = tuple(each for each in PRIVILEGES if each not in {"Assign", "Share"})
_SETTABLE = (
    "ChangeTrackingEnabled",
    "HasActivities",
    "HasNotes",
    "HasFeedback",
    "IsAuditEnabled",
    "IsAvailableOffline",
    "IsBusinessProcessEnabled",
    "IsConnectionsEnabled",
    "IsDocumentManagementEnabled",
    "IsDuplicateDetectionEnabled",
    "IsEnabledForCharts",
    "IsEnabledForTrace",
    "IsImportable",
    "IsKnowledgeManagementEnabled",
    "IsMailMergeEnabled",
    "IsMappable",
    "IsOfflineInMobileClient",
    "IsOneNoteIntegrationEnabled",
    "IsOptimisticConcurrencyEnabled",
    "IsQuickCreateEnabled",
    "IsReadOnlyInMobileClient",
    "IsReadingPaneEnabled",
    "IsRenameable",
    "IsCustomizable",
    "IsRetrieveAuditEnabled",
    "IsRetrieveMultipleAuditEnabled",
    "IsSLAEnabled",
    "IsValidForAdvancedFind",
    "IsValidForQueue",
    "IsVisibleInMobile",
    "IsVisibleInMobileClient",
    "AutoCreateAccessTeams",
    "AutoRouteToOwnerQueue",
    "CanBeInManyToMany",
    "CanBePrimaryEntityInRelationship",
    "CanBeRelatedEntityInRelationship",
    "CanChangeHierarchicalRelationship",
    "CanCreateAttributes",
    "CanCreateCharts",
    "CanCreateForms",
    "CanCreateViews",
    "CanEnableSyncToExternalSearchIndex",
    "CanModifyAdditionalSettings",
    "DaysSinceRecordLastModified",
    "EntityColor",
    "EntityHelpUrl",
    "EntityHelpUrlEnabled",
    "IconLargeName",
    "IconMediumName",
    "IconSmallName",
    "IconVectorName",
    "MobileOfflineFilters",
    "SyncToExternalSearchIndex",
)


def table_from(session: Session, schema: str, given: Mapping[str, Any], primary_name: str) -> Document:
    """Make the document of a new custom table."""
    logical = schema.lower()
    ownership = given.get("OwnershipType")
    if ownership not in {"UserOwned", "OrganizationOwned"}:
        raise Problem(
            400, "0x8004700d", f"The specified ownership type mask is not valid for this operation: {ownership}."
        )
    if given.get("IsActivity"):
        raise Problem.not_implemented("custom activity tables")
    if (kind := given.get("TableType") or "Standard") != "Standard":
        raise Problem.not_implemented(f"tables of the type {kind}")
    if given.get("DataProviderId") or given.get("DataSourceId"):
        raise Problem.not_implemented("virtual tables")
    for name in ("DisplayName", "DisplayCollectionName"):
        if not says_something(given.get(name)):
            raise Problem(400, "0x8004700c", f"The specified display name is not valid: {name} of {schema} is empty.")
    entity_set = given.get("EntitySetName") or plural(logical)
    if entity_set in session.schema.by_set:
        raise Problem(
            400,
            "0x8006089B",
            f"An entity with the specified entity set name {entity_set} already exists. Specify a unique name.",
        )
    document = definition_type("EntityMetadata").filled(
        table_document(
            logical,
            schema,
            MetadataId=new_id(),
            ObjectTypeCode=_next_type_code(session),
            OwnershipType=ownership,
            PrimaryNameAttribute=primary_name,
            EntitySetName=entity_set,
            LogicalCollectionName=plural(logical),
            CollectionSchemaName=plural(schema),
            IsCustomEntity=True,
            IsManaged=False,
            CreatedOn=session.now_text,
            ModifiedOn=session.now_text,
            Privileges=[_privilege(schema, each, ownership) for each in privileges_of(ownership)],
        )
    )
    return table_settings(session, document, given)


def privileges_of(ownership: str) -> Sequence[str]:
    """Give the access rights that a table of this ownership has; organization-owned rows are not assigned or shared.

    Source: metadata-plane.md §10: "org-owned tables only Global depth".
    """
    return PRIVILEGES if ownership == "UserOwned" else _ORGANIZATION_PRIVILEGES


def _privilege(schema: str, right: str, ownership: str) -> Document:
    is_owned = ownership == "UserOwned"
    return {
        "CanBeBasic": is_owned,
        "CanBeDeep": is_owned,
        "CanBeGlobal": True,
        "CanBeLocal": is_owned,
        "CanBeEntityReference": False,
        "CanBeParentEntityReference": False,
        "Name": f"prv{right}{schema}",
        "PrivilegeId": new_id(),
        "PrivilegeType": right,
    }


def table_settings(session: Session, document: Document, given: Mapping[str, Any], *, merge: bool = False) -> Document:
    """Give the document with the members of a table that a client may set, as sent."""
    changed = dict(document)
    for name in _SETTABLE:
        if given.get(name) is not None:
            value = given[name]
            changed[name] = {**document[name], **value} if isinstance(value, Mapping) else value
    for name in ("DisplayName", "DisplayCollectionName", "Description"):
        changed[name] = accepted(session, given.get(name), document[name], merge=merge)
    return changed


def _next_type_code(session: Session) -> int:
    """Give the next ObjectTypeCode. Source: 10009 in the documentation's example; that they count up is inferred."""
    return max([9999, *(each.object_type_code for each in session.schema.tables.values())]) + 1


_SYSTEM_COLUMNS: tuple[tuple[str, ColumnType, str, dict[str, Any]], ...] = (
    ("CreatedOn", ColumnType.DATETIME, "Created On", {"IsValidForCreate": False, "IsValidForUpdate": False}),
    ("ModifiedOn", ColumnType.DATETIME, "Modified On", {"IsValidForCreate": False, "IsValidForUpdate": False}),
    (
        "OverriddenCreatedOn",
        ColumnType.DATETIME,
        "Record Created On",
        {"Format": "DateOnly", "IsValidForUpdate": False},
    ),
    ("ImportSequenceNumber", ColumnType.INTEGER, "Import Sequence Number", {"IsValidForUpdate": False}),
    ("TimeZoneRuleVersionNumber", ColumnType.INTEGER, "Time Zone Rule Version Number", {"MinValue": -1}),
    ("UTCConversionTimeZoneCode", ColumnType.INTEGER, "UTC Conversion Time Zone Code", {"MinValue": -1}),
    ("VersionNumber", ColumnType.BIGINT, "Version Number", {"IsValidForCreate": False, "IsValidForUpdate": False}),
)
_READ_ONLY = {"IsValidForCreate": False, "IsValidForUpdate": False}
# schema name, display name, target, relationship's name, members
_USERS = (
    ("CreatedBy", "Created By", "systemuser", "lk_{}_createdby"),
    ("CreatedOnBehalfBy", "Created By (Delegate)", "systemuser", "lk_{}_createdonbehalfby"),
    ("ModifiedBy", "Modified By", "systemuser", "lk_{}_modifiedby"),
    ("ModifiedOnBehalfBy", "Modified By (Delegate)", "systemuser", "lk_{}_modifiedonbehalfby"),
)
_OWNERS = (
    ("OwningBusinessUnit", "Owning Business Unit", "businessunit", "business_unit_{}"),
    ("OwningTeam", "Owning Team", "team", "team_{}"),
    ("OwningUser", "Owning User", "systemuser", "user_{}"),
)


def system_columns(session: Session, table: Document) -> tuple[list[Document], list[Document]]:
    """Make the columns and the relationships that every custom table of this ownership has."""
    logical, schema = table["LogicalName"], table["SchemaName"]
    columns = [
        _column(session, logical, f"{schema}Id", ColumnType.UNIQUEIDENTIFIER, table_name(table), IsPrimaryId=True,
                IsValidForUpdate=False, RequiredLevel=managed("SystemRequired", "canmodifyrequirementlevelsettings")),
        *(_column(session, logical, name, kind, text, **more) for name, kind, text, more in _SYSTEM_COLUMNS),
    ]  # fmt: skip
    columns += _state_columns(session, logical)
    lookups = list(_USERS)
    if table["OwnershipType"] == "UserOwned":
        lookups += _OWNERS
        columns.append(_column(session, logical, "OwnerId", ColumnType.OWNER, "Owner", Targets=["systemuser", "team"]))
        columns.append(
            _column(session, logical, "OwnerIdType", ColumnType.ENTITYNAME, None, AttributeOf="ownerid", **_READ_ONLY)
        )
    else:
        lookups.append(("OrganizationId", "Organization Id", "organization", "organization_{}"))
    columns += [
        _column(session, logical, name, ColumnType.LOOKUP, text, Targets=[target], **_READ_ONLY)
        for name, text, target, _ in lookups
    ]
    relationships = [
        _relationship(session, pattern.format(logical), target, logical, name.lower())
        for name, _, target, pattern in lookups
    ]
    beside = [
        made | {"IsCustomAttribute": False}
        for each in columns
        for made in shadows(each, is_person="systemuser" in (each.get("Targets") or ()))
    ]
    return [*columns, *beside], relationships


def table_name(table: Document) -> dict[int, str]:
    """Give a table's display names by language."""
    return texts(table["DisplayName"])


def _column(
    session: Session, table: str, schema: str, kind: ColumnType, text: str | Mapping[int, str] | None, **more: Any
) -> Document:
    made = {"MetadataId": new_id(), "IsManaged": False, "CreatedOn": session.now_text, "ModifiedOn": session.now_text}
    document = column_document(table, schema, kind, **{**made, "DisplayName": label(text), **more})
    return column_type(document).filled(document)


def _state_columns(session: Session, table: str) -> list[Document]:
    """Make statecode and statuscode with the states of a custom table: Active and Inactive."""
    states = choice_document(
        f"{table}_statecode",
        "State",
        [
            option(0, "Active", DefaultStatus=1, InvariantName="Active"),
            option(1, "Inactive", DefaultStatus=2, InvariantName="Inactive"),
        ],
        is_global=False,
    )
    reasons = choice_document(
        f"{table}_statuscode",
        "Status",
        [option(1, "Active", State=0, TransitionData=None), option(2, "Inactive", State=1, TransitionData=None)],
        is_global=False,
    )
    state = _column(session, table, "statecode", ColumnType.STATE, "Status", IsValidForCreate=False)
    state |= {
        "OptionSet": states | {"MetadataId": new_id(), "IsManaged": False},
        "RequiredLevel": managed("SystemRequired", "canmodifyrequirementlevelsettings"),
    }
    status = _column(session, table, "statuscode", ColumnType.STATUS, "Status Reason")
    return [state, status | {"OptionSet": reasons | {"MetadataId": new_id(), "IsManaged": False}}]


def _relationship(session: Session, schema: str, target: str, table: str, column: str) -> Document:
    referenced = session.schema.tables.get(target)
    return one_to_many_document(
        schema,
        referenced=(target, referenced.primary_id if referenced else f"{target}id"),
        referencing=(table, column),
        navs=(column, schema),
        MetadataId=new_id(),
        IsManaged=False,
        IsValidForAdvancedFind=column in {"createdby", "modifiedby"},
    )
