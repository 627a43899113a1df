"""Complete definition documents, as the Web API shows them: tables, columns, relationships, choices, keys, labels.

Owns every member that a definition has and its default. The store keeps these documents; `schema_build.py` reads them.
Two members are kept in a shorter form than the wire's: a label has only `LocalizedLabels` (`UserLocalizedLabel` depends
on the reader), and a column on a global choice has `"GlobalOptionSet": {"Name": …}` and no `OptionSet`.
Must not read the store.

Source of members: learn.microsoft.com/…/webapi/reference/entitymetadata, attributemetadata and its derived types,
onetomanyrelationshipmetadata, manytomanyrelationshipmetadata, optionsetmetadata, entitykeymetadata. Defaults of a custom
table: the PUT example of …/webapi/create-update-entity-definitions-using-web-api; the rest is inferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from .schema import ColumnType

Document: TypeAlias = dict[str, Any]
LabelText: TypeAlias = "str | Mapping[int, str] | None"

BASE_LANGUAGE = 1033
ODATA = "Microsoft.Dynamics.CRM."
CASCADES = ("Assign", "Delete", "Archive", "Merge", "Reparent", "Share", "Unshare", "RollupView")
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:d365ext:local-dataverse")


def fixed_id(*parts: str) -> str:
    """Give the id that the same parts always have: standard definitions are the same in every organization."""
    return str(uuid5(_NAMESPACE, "/".join(parts)))


def label(text: LabelText) -> Document:
    """Make a label from text in the base language, or texts by language."""
    if text is None:
        return {"LocalizedLabels": []}
    texts = {BASE_LANGUAGE: text} if isinstance(text, str) else text
    return {"LocalizedLabels": [{"Label": each, "LanguageCode": code} for code, each in texts.items()]}


def label_texts(document: Mapping[str, Any] | None) -> dict[int, str]:
    """Give the texts of a label by language."""
    items = (document or {}).get("LocalizedLabels") or ()
    return {item["LanguageCode"]: item["Label"] for item in items}


def managed(value: object, name: str, *, can_be_changed: bool = True) -> Document:
    """Make a managed property."""
    return {"Value": value, "CanBeChanged": can_be_changed, "ManagedPropertyLogicalName": name}


def option(value: int, text: LabelText, **more: object) -> Document:
    """Make one option of a choice."""
    return {
        "Value": value,
        "Color": None,
        "IsManaged": False,
        "ExternalValue": "",
        "ParentValues": [],
        "MetadataId": None,
        "HasChanged": None,
        "Label": label(text),
        "Description": label(None),
        **more,
    }


def choice_document(
    name: str,
    kind: str,
    options: Iterable[Document],
    *,
    is_global: bool,
    text: LabelText = None,
    is_custom: bool = False,
) -> Document:
    """Make an OptionSetMetadata: a Picklist, State or Status, local or global."""
    return {
        "@odata.type": f"#{ODATA}OptionSetMetadata",
        "MetadataId": fixed_id("choice", name),
        "Name": name,
        "IsCustomOptionSet": is_custom,
        "IsGlobal": is_global,
        "IsManaged": not is_custom,
        "ExternalTypeName": "",
        "OptionSetType": kind,
        "IntroducedVersion": "1.0.0.0",
        "ParentOptionSetName": None,
        "HasChanged": None,
        "DisplayName": label(text),
        "Description": label(None),
        "IsCustomizable": managed(value=True, name="iscustomizable"),
        "Options": list(options),
    }


def boolean_choice(name: str, texts: Mapping[int, LabelText]) -> Document:
    """Make the BooleanOptionSetMetadata of a yes/no column; `texts` by 0 and 1."""
    made = choice_document(name, "Boolean", (), is_global=False)
    del made["Options"]
    return made | {
        "@odata.type": f"#{ODATA}BooleanOptionSetMetadata",
        "TrueOption": option(1, texts.get(1, "Yes")),
        "FalseOption": option(0, texts.get(0, "No")),
    }


def table_document(logical: str, schema: str, **more: object) -> Document:
    """Make an EntityMetadata without columns, keys and relationships; `more` replaces defaults."""
    yes = {name: managed(value=True, name=name.lower()) for name in _TABLE_MANAGED_TRUE}
    no = {name: managed(value=False, name=name.lower()) for name in _TABLE_MANAGED_FALSE}
    return {
        **_TABLE_DEFAULTS,
        "MetadataId": fixed_id("table", logical),
        "LogicalName": logical,
        "SchemaName": schema,
        "LogicalCollectionName": logical + "s",
        "CollectionSchemaName": schema + "s",
        "EntitySetName": logical + "s",
        "ReportViewName": f"Filtered{schema}",
        "PrimaryIdAttribute": logical + "id",
        "DisplayName": label(None),
        "DisplayCollectionName": label(None),
        "Description": label(None),
        **yes,
        **no,
        "Privileges": [],
        "Settings": [],
        **more,
    }


_TABLE_DEFAULTS: Document = {
    "ActivityTypeMask": 0,
    "AutoRouteToOwnerQueue": False,
    "CanTriggerWorkflow": True,
    "EntityHelpUrlEnabled": False,
    "EntityHelpUrl": None,
    "IsDocumentManagementEnabled": False,
    "IsOneNoteIntegrationEnabled": False,
    "IsInteractionCentricEnabled": False,
    "IsKnowledgeManagementEnabled": False,
    "IsSLAEnabled": False,
    "IsBPFEntity": False,
    "IsDocumentRecommendationsEnabled": False,
    "IsMSTeamsIntegrationEnabled": False,
    "SettingOf": None,
    "DataProviderId": None,
    "DataSourceId": None,
    "AutoCreateAccessTeams": False,
    "IsActivity": False,
    "IsActivityParty": False,
    "IsRetrieveAuditEnabled": False,
    "IsRetrieveMultipleAuditEnabled": False,
    "IsArchivalEnabled": False,
    "IsRetentionEnabled": False,
    "IsAvailableOffline": False,
    "IsChildEntity": False,
    "IsAIRUpdated": False,
    "IconLargeName": None,
    "IconMediumName": None,
    "IconSmallName": None,
    "IconVectorName": None,
    "IsCustomEntity": False,
    "IsBusinessProcessEnabled": False,
    "SyncToExternalSearchIndex": False,
    "IsOptimisticConcurrencyEnabled": True,
    "ChangeTrackingEnabled": False,
    "IsImportable": True,
    "IsIntersect": False,
    "IsManaged": True,
    "IsEnabledForCharts": True,
    "IsEnabledForTrace": False,
    "IsValidForAdvancedFind": True,
    "DaysSinceRecordLastModified": 0,
    "MobileOfflineFilters": "",
    "IsReadingPaneEnabled": True,
    "IsQuickCreateEnabled": False,
    "ObjectTypeCode": 0,
    "OwnershipType": "UserOwned",
    "PrimaryNameAttribute": None,
    "PrimaryImageAttribute": None,
    "RecurrenceBaseEntityLogicalName": None,
    "IntroducedVersion": "1.0.0.0",
    "IsStateModelAware": True,
    "EnforceStateTransitions": False,
    "ExternalName": None,
    "EntityColor": None,
    "ExternalCollectionName": None,
    "IsEnabledForExternalChannels": False,
    "IsPrivate": False,
    "UsesBusinessDataLabelTable": False,
    "IsLogicalEntity": False,
    "HasNotes": False,
    "HasActivities": False,
    "HasFeedback": False,
    "HasEmailAddresses": False,
    "IsSolutionAware": False,
    "CreatedOn": "1900-01-01T00:00:00Z",
    "ModifiedOn": "1900-01-01T00:00:00Z",
    "OwnerId": None,
    "OwnerIdType": None,
    "OwningBusinessUnit": None,
    "TableType": "Standard",
    "HasChanged": None,
}

_TABLE_MANAGED_TRUE = (
    "IsConnectionsEnabled",
    "IsCustomizable",
    "IsRenameable",
    "IsMappable",
    "IsDuplicateDetectionEnabled",
    "CanCreateAttributes",
    "CanCreateForms",
    "CanCreateViews",
    "CanCreateCharts",
    "CanBeRelatedEntityInRelationship",
    "CanBePrimaryEntityInRelationship",
    "CanBeInManyToMany",
    "CanBeInCustomEntityAssociation",
    "CanEnableSyncToExternalSearchIndex",
    "CanModifyAdditionalSettings",
    "CanChangeHierarchicalRelationship",
    "CanChangeTrackingBeEnabled",
    "IsMailMergeEnabled",
    "IsVisibleInMobile",
    "IsVisibleInMobileClient",
)
_TABLE_MANAGED_FALSE = (
    "IsAuditEnabled",
    "IsValidForQueue",
    "IsReadOnlyInMobileClient",
    "IsOfflineInMobileClient",
)

_ATTRIBUTE_TYPE = {  # where the older AttributeType word differs from the AttributeTypeName
    ColumnType.MULTISELECT: "Virtual",
    ColumnType.IMAGE: "Virtual",
    ColumnType.FILE: "Virtual",
}

_METADATA_TYPE = {  # where the derived metadata type is not <Type>AttributeMetadata
    ColumnType.OWNER: "LookupAttributeMetadata",
    ColumnType.CUSTOMER: "LookupAttributeMetadata",
    ColumnType.PARTY_LIST: "LookupAttributeMetadata",
    ColumnType.UNIQUEIDENTIFIER: "UniqueIdentifierAttributeMetadata",
    ColumnType.VIRTUAL: "AttributeMetadata",
}


def metadata_type(column_type: ColumnType) -> str:
    """Give the derived type's name: StringAttributeMetadata, LookupAttributeMetadata …"""
    return _METADATA_TYPE.get(column_type, f"{column_type}AttributeMetadata")


def column_document(table: str, schema: str, column_type: ColumnType, **more: object) -> Document:
    """Make an AttributeMetadata of the right derived type; `more` replaces defaults."""
    logical = schema.lower()
    required = managed("None", "canmodifyrequirementlevelsettings")
    return {
        "@odata.type": f"#{ODATA}{metadata_type(column_type)}",
        **_COLUMN_DEFAULTS,
        "MetadataId": fixed_id("column", table, logical),
        "AttributeType": _ATTRIBUTE_TYPE.get(column_type, str(column_type)),
        "AttributeTypeName": {"Value": f"{column_type}Type"},
        "EntityLogicalName": table,
        "LogicalName": logical,
        "SchemaName": schema,
        "DisplayName": label(None),
        "Description": label(None),
        "IsAuditEnabled": managed(value=False, name="canmodifyauditsettings"),
        "IsGlobalFilterEnabled": managed(value=False, name="canmodifyglobalfiltersettings"),
        "IsSortableEnabled": managed(value=False, name="canmodifyissortablesettings"),
        "IsCustomizable": managed(value=True, name="iscustomizable"),
        "IsRenameable": managed(value=True, name="isrenameable"),
        "IsValidForAdvancedFind": managed(value=True, name="canmodifysearchsettings"),
        "CanModifyAdditionalSettings": managed(value=True, name="canmodifyadditionalsettings"),
        "RequiredLevel": required,
        **_typed_members(column_type),
        **more,
    }


_COLUMN_DEFAULTS: Document = {
    "AttributeOf": None,
    "ColumnNumber": 0,
    "DeprecatedVersion": None,
    "IntroducedVersion": "1.0.0.0",
    "IsCustomAttribute": False,
    "IsPrimaryId": False,
    "IsValidODataAttribute": True,
    "IsPrimaryName": False,
    "IsValidForCreate": True,
    "IsValidForRead": True,
    "IsValidForUpdate": True,
    "CanBeSecuredForRead": False,
    "CanBeSecuredForCreate": False,
    "CanBeSecuredForUpdate": False,
    "IsSecured": False,
    "IsRetrievable": True,
    "IsFilterable": False,
    "IsSearchable": False,
    "IsManaged": True,
    "LinkedAttributeId": None,
    "IsValidForForm": True,
    "IsRequiredForForm": False,
    "IsValidForGrid": True,
    "ExternalName": None,
    "IsLogical": False,
    "IsDataSourceSecret": False,
    "InheritsFrom": None,
    "CreatedOn": "1900-01-01T00:00:00Z",
    "ModifiedOn": "1900-01-01T00:00:00Z",
    "SourceType": None,
    "AutoNumberFormat": None,
    "HasChanged": None,
    "Settings": [],
}


def _typed_members(column_type: ColumnType) -> Document:
    """Give the members that only columns of this type have, with the platform's defaults or limits."""
    plain = {"FormulaDefinition": None, "SourceTypeMask": None}
    match column_type:
        case ColumnType.STRING:
            text = {"Format": "Text", "FormatName": {"Value": "Text"}, "ImeMode": "Auto", "MaxLength": 100}
            return {**text, "YomiOf": None, "IsLocalizable": False, "DatabaseLength": 200, **plain}
        case ColumnType.MEMO:
            text = {"Format": "TextArea", "FormatName": {"Value": "TextArea"}, "ImeMode": "Auto", "MaxLength": 2000}
            return {**text, "IsLocalizable": False}
        case ColumnType.INTEGER:
            return {"Format": "None", "MaxValue": 2147483647, "MinValue": -2147483648, **plain}
        case ColumnType.BIGINT:
            return {"MaxValue": 9223372036854775807, "MinValue": -9223372036854775808}
        case ColumnType.DECIMAL:
            return {"MaxValue": 100000000000, "MinValue": -100000000000, "Precision": 2, "ImeMode": "Disabled", **plain}
        case ColumnType.DOUBLE:
            return {"MaxValue": 1000000000, "MinValue": 0, "Precision": 2, "ImeMode": "Disabled"}
        case ColumnType.MONEY:
            limits = {"MaxValue": 922337203685477, "MinValue": -922337203685477}
            return {
                **limits,
                "Precision": 2,
                "PrecisionSource": 2,
                "CalculationOf": None,
                "IsBaseCurrency": False,
                **plain,
            }
        case ColumnType.DATETIME:
            when = {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}, "ImeMode": "Inactive"}
            limits = {"MinSupportedValue": "1753-01-01T00:00:00Z", "MaxSupportedValue": "9999-12-30T23:59:59Z"}
            return {
                **when,
                **limits,
                "CanChangeDateTimeBehavior": managed(value=False, name="canchangedatetimebehavior"),
                **plain,
            }
        case ColumnType.BOOLEAN:
            return {"DefaultValue": False, "OptionSet": None, "GlobalOptionSet": None, **plain}
        case ColumnType.PICKLIST | ColumnType.MULTISELECT | ColumnType.STATE | ColumnType.STATUS:
            choice = {"DefaultFormValue": -1, "ParentPicklistLogicalName": None, "ChildPicklistLogicalNames": []}
            return {**choice, "OptionSet": None, "GlobalOptionSet": None, **plain}
        case ColumnType.LOOKUP | ColumnType.OWNER | ColumnType.CUSTOMER | ColumnType.PARTY_LIST:
            return {"Targets": [], "Format": "None"}
        case ColumnType.ENTITYNAME:
            return {
                "DefaultFormValue": None,
                "IsEntityReferenceStored": False,
                "OptionSet": None,
                "GlobalOptionSet": None,
            }
        case _:
            return {}


def one_to_many_document(
    schema: str, *, referenced: tuple[str, str], referencing: tuple[str, str], navs: tuple[str, str], **more: object
) -> Document:
    """Make a OneToManyRelationshipMetadata.

    Shape: referenced and referencing are (table, column); navs are (on the referencing side, on the referenced side).
    """
    return {
        "@odata.type": f"#{ODATA}OneToManyRelationshipMetadata",
        "MetadataId": fixed_id("relationship", schema),
        "SchemaName": schema,
        "RelationshipType": "OneToManyRelationship",
        "SecurityTypes": "Append",
        "IsCustomRelationship": False,
        "IsValidForAdvancedFind": True,
        "IsManaged": True,
        "IntroducedVersion": "1.0.0.0",
        "HasChanged": None,
        "ReferencedEntity": referenced[0],
        "ReferencedAttribute": referenced[1],
        "ReferencingEntity": referencing[0],
        "ReferencingAttribute": referencing[1],
        "IsHierarchical": False,
        "IsRelationshipAttributeDenormalized": False,
        "EntityKey": None,
        "RelationshipBehavior": 1,
        "ReferencingEntityNavigationPropertyName": navs[0],
        "ReferencedEntityNavigationPropertyName": navs[1],
        "IsCustomizable": managed(value=True, name="iscustomizable"),
        "AssociatedMenuConfiguration": menu(),
        "CascadeConfiguration": cascade({}),
        "RelationshipAttributes": [],
        **more,
    }


def many_to_many_document(
    schema: str, intersect: str, one: tuple[str, str, str], two: tuple[str, str, str], **more: object
) -> Document:
    """Make a ManyToManyRelationshipMetadata; one and two are (table, column in the intersect, navigation property)."""
    return {
        "@odata.type": f"#{ODATA}ManyToManyRelationshipMetadata",
        "MetadataId": fixed_id("relationship", schema),
        "SchemaName": schema,
        "RelationshipType": "ManyToManyRelationship",
        "SecurityTypes": "None",
        "IsCustomRelationship": False,
        "IsValidForAdvancedFind": True,
        "IsManaged": True,
        "IntroducedVersion": "1.0.0.0",
        "HasChanged": None,
        "IntersectEntityName": intersect,
        "IsCustomizable": managed(value=True, name="iscustomizable"),
        "Entity1LogicalName": one[0],
        "Entity1IntersectAttribute": one[1],
        "Entity1NavigationPropertyName": one[2],
        "Entity1AssociatedMenuConfiguration": menu(),
        "Entity2LogicalName": two[0],
        "Entity2IntersectAttribute": two[1],
        "Entity2NavigationPropertyName": two[2],
        "Entity2AssociatedMenuConfiguration": menu(),
        **more,
    }


def cascade(rules: Mapping[str, str]) -> Document:
    """Make a CascadeConfiguration; what is not said is NoCascade (Delete: RemoveLink for a custom lookup is the caller's)."""
    return {name: rules.get(name, "NoCascade") for name in CASCADES}


def menu(text: LabelText = None) -> Document:
    """Make an AssociatedMenuConfiguration."""
    return {
        "Behavior": "UseCollectionName" if text is None else "UseLabel",
        "Group": "Details",
        "Order": None,
        "IsCustomizable": True,
        "Icon": None,
        "ViewId": "00000000-0000-0000-0000-000000000000",
        "AvailableOffline": True,
        "MenuId": "",
        "QueryApi": "",
        "Label": label(text),
    }


def key_document(table: str, schema: str, columns: Sequence[str], **more: object) -> Document:
    """Make an EntityKeyMetadata."""
    return {
        "@odata.type": f"#{ODATA}EntityKeyMetadata",
        "MetadataId": fixed_id("key", table, schema.lower()),
        "EntityLogicalName": table,
        "LogicalName": schema.lower(),
        "SchemaName": schema,
        "KeyAttributes": list(columns),
        "EntityKeyIndexStatus": "Pending",
        "AsyncJob": None,
        "DisplayName": label(None),
        "IsCustomizable": managed(value=True, name="iscustomizable"),
        "IsManaged": False,
        "IsSynchronous": False,
        "IsExportKey": False,
        "IsSecondaryKey": False,
        "IntroducedVersion": "1.0.0.0",
        "HasChanged": None,
        **more,
    }
