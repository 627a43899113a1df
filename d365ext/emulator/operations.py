"""Names of operations that Dataverse documents, so that one which is not played here is refused by its name.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/actions and …/functions; those that
clients of sales data, of definitions and of solutions are likely to call.
"""

from __future__ import annotations

_NAMES = """
    AddAppComponents AddItemCampaign AddMembersTeam AddPrivilegesRole AddSolutionComponent AddToQueue
    AddUserToRecordTeam BulkDelete BulkDetectDuplicates CalculateActualValueOpportunity CalculatePrice
    CalculateRollupField CanBeReferenced CanBeReferencing CanManyToMany CancelContract CloneAsPatch
    CloneAsSolution CloneContract CloseIncident ConvertCaseToEntity ConvertOwnerTeamToAccessTeam
    ConvertProductToKit ConvertSalesOrderToInvoice CopySystemForm CreateAsyncJobToRevokeInheritedAccess
    CreateCustomerRelationships CreateEntities CreateInstance CreatePolymorphicLookupAttribute DeleteAndPromote
    DeleteAuditData DeleteFile DeleteOptionValue DeleteRecordChangeHistory DownloadSolutionExportData
    ExecuteByIdSavedQuery ExecuteWorkflow ExportSolution ExportSolutionAsync ExportTranslation
    FetchXmlToQueryExpression FormatAddress FulfillSalesOrder GenerateInvoiceFromOpportunity
    GetQuoteProductsFromOpportunity GetSalesOrderProductsFromOpportunity GetTimeZoneCodeByLocalizedName
    GetValidManyToMany GetValidReferencedEntities GetValidReferencingEntities GrantAccess ImportFieldTranslation
    ImportSolution ImportSolutionAsync ImportTranslation InitializeAttachmentBlocksUpload
    InitializeFileBlocksDownload InitializeFileBlocksUpload InsertOptionValue InsertStatusValue
    IsComponentCustomizable IsDataEncryptionActive LocalTimeFromUtcTime LockInvoicePricing LockSalesOrderPricing
    ModifyAccess OrderOption PickFromQueue PublishAllXml PublishTheme PublishXml QualifyMemberList
    QueryExpressionToFetchXml QueryMultipleSchedules QuerySchedule ReactivateEntityKey ReassignObjectsOwner
    RemoveAppComponents RemoveFromQueue RemoveMembersTeam RemovePrivilegeRole RemoveSolutionComponent
    ReplacePrivilegesRole RetrieveAllChildUsersSystemUser RetrieveAllEntities RetrieveAppComponents
    RetrieveAttributeChangeHistory RetrieveAuditDetails RetrieveAvailableLanguages RetrieveByGroupResource
    RetrieveCurrentOrganization RetrieveDependenciesForDelete RetrieveDependenciesForUninstall
    RetrieveDependentComponents RetrieveDuplicates RetrieveEntityChanges RetrieveFilteredForms
    RetrieveFormattedImportJobResults RetrieveInstalledLanguagePacks RetrieveLocLabels RetrieveMembersTeam
    RetrieveMetadataChanges RetrieveMissingComponents RetrieveMissingDependencies RetrieveOrganizationInfo
    RetrievePrincipalAccess RetrievePrivilegeSet RetrieveProvisionedLanguages RetrieveRequiredComponents
    RetrieveRolePrivilegesRole RetrieveSharedPrincipalsAndAccess RetrieveTimestamp RetrieveUnpublished
    RetrieveUnpublishedMultiple RetrieveUserPrivileges RetrieveUserQueues RetrieveUserSettingsSystemUser
    RevokeAccess Rollup Search SendEmail SendEmailFromTemplate SetBusinessSystemUser SetLocLabels
    SetParentSystemUser SetProcess SetState StageAndUpgrade StageAndUpgradeAsync StageSolution
    UninstallSolutionAsync UnlockInvoicePricing UnlockSalesOrderPricing UpdateOptionValue
    UpdateProductProperties UpdateSolutionComponent UpdateStateValue UtcTimeFromLocalTime ValidateApp
    ValidateRecurrenceRule ValidateSavedQuery WhoAmI
"""

KNOWN = frozenset(_NAMES.split())
