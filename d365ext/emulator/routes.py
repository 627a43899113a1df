"""The one visible table of what the local Dataverse answers, beside rows of its tables.

A route is "module.function", imported when it is first used, so that this table can name every module without
importing them all. Whatever is not here is refused with 501 and its name (actions and functions that Dataverse
documents) or 404 (names that mean nothing).

Signatures, by kind; every handler gives a Response:
    ACTIONS           handler(session, body: dict, request)                  POST /Name
    FUNCTIONS         handler(session, params, request)                      GET  /Name(…)
    BOUND_ACTIONS     handler(session, target: Target, body: dict, request)  POST /set[(id)]/Namespace.Name
    BOUND_FUNCTIONS   handler(session, target: Target, params, request)      GET  /set[(id)]/Namespace.Name(…)
    DEFINITION_SETS   handler(session, segments, request)                    any method; writes in a write session
    SPECIAL           handler(org, request)                                  opens its own sessions
    ADMIN             handler(org, request)                                  /_emulator/<name>
`params` are still expressions of odata_ast (parameter aliases unresolved: request.options["@p1"] has their text).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from d365ext.emulator.store.schema import Table
from d365ext.emulator.web.http import Response

Handler = Callable[..., Response]


@dataclass(frozen=True)
class Target:
    """What a bound action or function is called on: a table, or one row of it (`row_id`)."""

    table: Table
    row_id: str | None = None


ACTIONS: Mapping[str, str] = {
    "AddAppComponents": "components.app_rules.add_components",
    "AddSolutionComponent": "components.solutions.add_component",
    "BulkDelete": "messages.bulk_delete.bulk_delete",
    "CanBeReferenced": "definitions.relationship_actions.can_be_referenced",
    "CanBeReferencing": "definitions.relationship_actions.can_be_referencing",
    "CancelSalesOrder": "sales.order.cancel",
    "CanManyToMany": "definitions.relationship_actions.can_many_to_many",
    "CloseQuote": "sales.quote.close",
    "ConvertQuoteToSalesOrder": "sales.order.convert_quote",
    "CreateCustomerRelationships": "definitions.relationship_actions.create_customer",
    "CreateEntities": "definitions.create_entities.create",
    "CreatePolymorphicLookupAttribute": "definitions.relationship_actions.create_polymorphic",
    "DeleteOptionValue": "definitions.option_actions.delete",
    "FulfillSalesOrder": "sales.order.fulfill",
    "GenerateQuoteFromOpportunity": "sales.quote.generate_from_opportunity",
    "GenerateSalesOrderFromOpportunity": "sales.order.generate_from_opportunity",
    "InsertOptionValue": "definitions.option_actions.insert",
    "InsertStatusValue": "definitions.option_actions.insert_status",
    "LoseOpportunity": "sales.opportunity.lose",
    "Merge": "messages.merge.merge",
    "OrderOption": "definitions.option_actions.order",
    "PublishAllXml": "components.publishing.publish_all",
    "PublishXml": "components.publishing.publish_xml",
    "ReactivateEntityKey": "definitions.keys_write.reactivate",
    "RemoveAppComponents": "components.app_rules.remove_components",
    "RemoveSolutionComponent": "components.solutions.remove_component",
    "ReviseQuote": "sales.quote.revise",
    "SetLocLabels": "components.labels.set_labels",
    "UpdateOptionValue": "definitions.option_actions.update",
    "UpdateStateValue": "definitions.option_actions.update_state",
    "WinOpportunity": "sales.opportunity.win",
    "WinQuote": "sales.quote.win",
}

FUNCTIONS: Mapping[str, str] = {
    "GetValidManyToMany": "definitions.relationship_actions.valid_many_to_many",
    "GetValidReferencedEntities": "definitions.relationship_actions.valid_referenced",
    "GetValidReferencingEntities": "definitions.relationship_actions.valid_referencing",
    "InitializeFrom": "messages.initialize_from.initialize_from",
    "RetrieveAppComponents": "components.app_rules.retrieve_components",
    "RetrieveCurrentOrganization": "messages.system.retrieve_current_organization",
    "RetrieveDependenciesForDelete": "components.dependencies.retrieve",
    "RetrieveDependentComponents": "components.dependencies.retrieve",
    "RetrieveLocLabels": "components.labels.retrieve_labels",
    "RetrieveMetadataChanges": "definitions.metadata_changes.retrieve",
    "RetrieveProvisionedLanguages": "components.labels.provisioned_languages",
    "RetrieveTotalRecordCount": "messages.system.retrieve_total_record_count",
    "RetrieveVersion": "messages.system.retrieve_version",
    "ValidateApp": "components.app_rules.validate",
    "WhoAmI": "messages.system.who_am_i",
}

BOUND_ACTIONS: Mapping[str, str] = {
    "AddPrivilegesRole": "security.roles.add_privileges_role",
    "CreateMultiple": "messages.bulk.create_multiple",
    "DeleteMultiple": "messages.bulk.delete_multiple",
    "QualifyLead": "sales.lead.qualify",
    "RemovePrivilegeRole": "security.roles.remove_privilege_role",
    "ReplacePrivilegesRole": "security.roles.replace_privileges_role",
    "UpdateMultiple": "messages.bulk.update_multiple",
    "UpsertMultiple": "messages.bulk.upsert_multiple",
}

BOUND_FUNCTIONS: Mapping[str, str] = {
    "RetrieveRolePrivilegesRole": "security.roles.retrieve_role_privileges",
    "RetrieveUnpublished": "components.unpublished.retrieve",
    "RetrieveUnpublishedMultiple": "components.unpublished.retrieve_multiple",
    "RetrieveUserPrivileges": "security.roles.retrieve_user_privileges",
}

DEFINITION_SETS: Mapping[str, str] = {
    "EntityDefinitions": "definitions.read.handle",
    "RelationshipDefinitions": "definitions.read.handle",
    "GlobalOptionSetDefinitions": "definitions.read.handle",
    "ManagedPropertyDefinitions": "definitions.read.handle",
}

SPECIAL: Mapping[str, str] = {
    "$batch": "web.batch.handle",
    "$metadata": "definitions.csdl.handle",
}

ADMIN: Mapping[str, str] = {
    "": "web.admin.about",
    "clock": "web.admin.clock",
    "faults": "web.admin.faults",
    "managed": "components.managed.handle",
    "reset": "web.admin.reset",
    "restore": "web.admin.restore",
    "settings": "web.admin.settings",
    "snapshot": "web.admin.snapshot",
    "tokens": "web.admin.tokens",
    "trace": "web.admin.trace",
}

# Hooks by table: called by rows.py around writes of clients, inside the same transaction; `changes` are values as
# rows.py takes them. The first and third are not called for what the server itself writes (by_system).
#   before_write(session, table, row_id | None (create), changes: dict) -> None   may change `changes` or refuse
#   after_write(session, table, row_id, operation: "create" | "update" | "delete", changes: dict) -> None
#   before_delete(session, table, row_id) -> None   may refuse
BEFORE_WRITE: Mapping[str, tuple[str, ...]] = {
    "lead": ("sales.states.before_write",),
    "opportunity": ("sales.states.before_write", "sales.opportunity.before_write"),
    "quote": ("sales.states.before_write",),
    "salesorder": ("sales.states.before_write",),
    "transactioncurrency": ("rows.currency.before_write",),
    "savedquery": (
        "components.component_rows.before_write",
        "components.view_rules.before_write",
        "components.publishing.hold_back",
    ),
    "systemform": (
        "components.component_rows.before_write",
        "components.form_rules.before_write",
        "components.publishing.hold_back",
    ),
    "savedqueryvisualization": (
        "components.component_rows.before_write",
        "components.chart_rules.before_write",
        "components.publishing.hold_back",
    ),
    "webresource": (
        "components.component_rows.before_write",
        "components.web_resource_rules.before_write",
        "components.publishing.hold_back",
    ),
    "sitemap": (
        "components.component_rows.before_write",
        "components.app_rules.before_site_map",
        "components.publishing.hold_back",
    ),
    "appmodule": (
        "components.component_rows.before_write",
        "components.app_rules.before_app",
        "components.publishing.hold_back",
    ),
    "publisher": ("components.solutions.before_publisher",),
    "solution": ("components.solutions.before_solution",),
    "solutioncomponent": ("components.solutions.refuse_component_write",),
    "attributemap": ("components.mappings.before_write",),
    "entitymap": ("components.mappings.before_write",),
    "role": ("components.component_rows.before_write",),
    "fieldsecurityprofile": ("components.component_rows.before_write",),
    "fieldpermission": ("security.field_security.before_write",),
}
AFTER_WRITE: Mapping[str, tuple[str, ...]] = {
    "systemuser": ("rows.owners.after_write",),
    "team": ("rows.owners.after_write",),
    "transactioncurrency": ("rows.currency.after_write",),
    "systemform": ("components.component_rows.after_write",),
    "savedqueryvisualization": ("components.component_rows.after_write",),
    "webresource": ("components.component_rows.after_write",),
    "sitemap": ("components.component_rows.after_write",),
    "appmodule": ("components.component_rows.after_write",),
    "attributemap": ("components.component_rows.after_write",),
    "role": ("components.component_rows.after_write",),
    "fieldsecurityprofile": ("components.component_rows.after_write",),
    "fieldpermission": ("components.component_rows.after_write",),
    "savedquery": ("components.view_rules.after_write", "components.component_rows.after_write"),
}
BEFORE_DELETE: Mapping[str, tuple[str, ...]] = {
    "systemform": ("components.component_rows.before_delete", "components.dependencies.before_delete"),
    "savedqueryvisualization": ("components.component_rows.before_delete", "components.dependencies.before_delete"),
    "webresource": ("components.component_rows.before_delete", "components.dependencies.before_delete"),
    "sitemap": ("components.component_rows.before_delete", "components.dependencies.before_delete"),
    "appmodule": ("components.component_rows.before_delete", "components.app_rules.before_delete"),
    "role": ("components.component_rows.before_delete", "components.dependencies.before_delete"),
    "fieldsecurityprofile": ("components.component_rows.before_delete", "components.dependencies.before_delete"),
    "savedquery": (
        "components.component_rows.before_delete",
        "components.view_rules.before_delete",
        "components.dependencies.before_delete",
    ),
    "attributemap": ("components.mappings.before_delete",),
    "entitymap": ("components.mappings.before_delete",),
    "publisher": ("components.solutions.before_delete_publisher",),
    "solution": ("components.solutions.before_delete_solution",),
    "solutioncomponent": ("components.solutions.refuse_component_delete",),
}


@cache
def resolve(route: str) -> Callable[..., Any]:
    """Give the function that a route names."""
    module, _, function = route.rpartition(".")
    found = getattr(import_module(f"{__package__}.{module}"), function)
    assert callable(found)  # noqa: S101  routes are ours
    return found  # type: ignore[no-any-return]
