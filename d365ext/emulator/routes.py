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

from .http import Response
from .schema import Table

Handler = Callable[..., Response]


@dataclass(frozen=True)
class Target:
    """What a bound action or function is called on: a table, or one row of it (`row_id`)."""

    table: Table
    row_id: str | None = None


ACTIONS: Mapping[str, str] = {
    "AddAppComponents": "app_rules.add_components",
    "AddSolutionComponent": "solutions.add_component",
    "BulkDelete": "bulk_delete.bulk_delete",
    "CanBeReferenced": "relationship_actions.can_be_referenced",
    "CanBeReferencing": "relationship_actions.can_be_referencing",
    "CancelSalesOrder": "sales_order.cancel",
    "CanManyToMany": "relationship_actions.can_many_to_many",
    "CloseQuote": "sales_quote.close",
    "ConvertQuoteToSalesOrder": "sales_order.convert_quote",
    "CreateCustomerRelationships": "relationship_actions.create_customer",
    "CreateEntities": "create_entities.create",
    "CreatePolymorphicLookupAttribute": "relationship_actions.create_polymorphic",
    "DeleteOptionValue": "option_actions.delete",
    "FulfillSalesOrder": "sales_order.fulfill",
    "GenerateQuoteFromOpportunity": "sales_quote.generate_from_opportunity",
    "GenerateSalesOrderFromOpportunity": "sales_order.generate_from_opportunity",
    "InsertOptionValue": "option_actions.insert",
    "InsertStatusValue": "option_actions.insert_status",
    "LoseOpportunity": "sales_opportunity.lose",
    "Merge": "merge.merge",
    "OrderOption": "option_actions.order",
    "PublishAllXml": "publishing.publish_all",
    "PublishXml": "publishing.publish_xml",
    "ReactivateEntityKey": "keys_write.reactivate",
    "RemoveAppComponents": "app_rules.remove_components",
    "RemoveSolutionComponent": "solutions.remove_component",
    "ReviseQuote": "sales_quote.revise",
    "SetLocLabels": "labels.set_labels",
    "UpdateOptionValue": "option_actions.update",
    "UpdateStateValue": "option_actions.update_state",
    "WinOpportunity": "sales_opportunity.win",
    "WinQuote": "sales_quote.win",
}

FUNCTIONS: Mapping[str, str] = {
    "GetValidManyToMany": "relationship_actions.valid_many_to_many",
    "GetValidReferencedEntities": "relationship_actions.valid_referenced",
    "GetValidReferencingEntities": "relationship_actions.valid_referencing",
    "InitializeFrom": "initialize_from.initialize_from",
    "RetrieveAppComponents": "app_rules.retrieve_components",
    "RetrieveCurrentOrganization": "system.retrieve_current_organization",
    "RetrieveDependenciesForDelete": "dependencies.retrieve",
    "RetrieveDependentComponents": "dependencies.retrieve",
    "RetrieveLocLabels": "labels.retrieve_labels",
    "RetrieveMetadataChanges": "metadata_changes.retrieve",
    "RetrieveProvisionedLanguages": "labels.provisioned_languages",
    "RetrieveTotalRecordCount": "system.retrieve_total_record_count",
    "RetrieveVersion": "system.retrieve_version",
    "ValidateApp": "app_rules.validate",
    "WhoAmI": "system.who_am_i",
}

BOUND_ACTIONS: Mapping[str, str] = {
    "AddPrivilegesRole": "roles.add_privileges_role",
    "CreateMultiple": "bulk.create_multiple",
    "DeleteMultiple": "bulk.delete_multiple",
    "QualifyLead": "sales_lead.qualify",
    "RemovePrivilegeRole": "roles.remove_privilege_role",
    "ReplacePrivilegesRole": "roles.replace_privileges_role",
    "UpdateMultiple": "bulk.update_multiple",
    "UpsertMultiple": "bulk.upsert_multiple",
}

BOUND_FUNCTIONS: Mapping[str, str] = {
    "RetrieveRolePrivilegesRole": "roles.retrieve_role_privileges",
    "RetrieveUnpublished": "unpublished.retrieve",
    "RetrieveUnpublishedMultiple": "unpublished.retrieve_multiple",
    "RetrieveUserPrivileges": "roles.retrieve_user_privileges",
}

DEFINITION_SETS: Mapping[str, str] = {
    "EntityDefinitions": "definitions_read.handle",
    "RelationshipDefinitions": "definitions_read.handle",
    "GlobalOptionSetDefinitions": "definitions_read.handle",
    "ManagedPropertyDefinitions": "definitions_read.handle",
}

SPECIAL: Mapping[str, str] = {
    "$batch": "batch.handle",
    "$metadata": "csdl.handle",
}

ADMIN: Mapping[str, str] = {
    "": "admin.about",
    "clock": "admin.clock",
    "faults": "admin.faults",
    "managed": "managed.handle",
    "reset": "admin.reset",
    "restore": "admin.restore",
    "settings": "admin.settings",
    "snapshot": "admin.snapshot",
    "tokens": "admin.tokens",
    "trace": "admin.trace",
}

# Hooks by table: called by rows.py around writes of clients, inside the same transaction; `changes` are values as
# rows.py takes them. The first and third are not called for what the server itself writes (by_system).
#   before_write(session, table, row_id | None (create), changes: dict) -> None   may change `changes` or refuse
#   after_write(session, table, row_id, operation: "create" | "update" | "delete", changes: dict) -> None
#   before_delete(session, table, row_id) -> None   may refuse
BEFORE_WRITE: Mapping[str, tuple[str, ...]] = {
    "lead": ("sales_states.before_write",),
    "opportunity": ("sales_states.before_write", "sales_opportunity.before_write"),
    "quote": ("sales_states.before_write",),
    "salesorder": ("sales_states.before_write",),
    "transactioncurrency": ("currency.before_write",),
    "savedquery": ("component_rows.before_write", "view_rules.before_write", "publishing.hold_back"),
    "systemform": ("component_rows.before_write", "form_rules.before_write", "publishing.hold_back"),
    "savedqueryvisualization": ("component_rows.before_write", "chart_rules.before_write", "publishing.hold_back"),
    "webresource": ("component_rows.before_write", "web_resource_rules.before_write", "publishing.hold_back"),
    "sitemap": ("component_rows.before_write", "app_rules.before_site_map", "publishing.hold_back"),
    "appmodule": ("component_rows.before_write", "app_rules.before_app", "publishing.hold_back"),
    "publisher": ("solutions.before_publisher",),
    "solution": ("solutions.before_solution",),
    "solutioncomponent": ("solutions.refuse_component_write",),
    "attributemap": ("mappings.before_write",),
    "entitymap": ("mappings.before_write",),
    "role": ("component_rows.before_write",),
    "fieldsecurityprofile": ("component_rows.before_write",),
    "fieldpermission": ("field_security.before_write",),
}
AFTER_WRITE: Mapping[str, tuple[str, ...]] = {
    "systemuser": ("owners.after_write",),
    "team": ("owners.after_write",),
    "transactioncurrency": ("currency.after_write",),
    "systemform": ("component_rows.after_write",),
    "savedqueryvisualization": ("component_rows.after_write",),
    "webresource": ("component_rows.after_write",),
    "sitemap": ("component_rows.after_write",),
    "appmodule": ("component_rows.after_write",),
    "attributemap": ("component_rows.after_write",),
    "role": ("component_rows.after_write",),
    "fieldsecurityprofile": ("component_rows.after_write",),
    "fieldpermission": ("component_rows.after_write",),
    "savedquery": ("view_rules.after_write", "component_rows.after_write"),
}
BEFORE_DELETE: Mapping[str, tuple[str, ...]] = {
    "systemform": ("component_rows.before_delete", "dependencies.before_delete"),
    "savedqueryvisualization": ("component_rows.before_delete", "dependencies.before_delete"),
    "webresource": ("component_rows.before_delete", "dependencies.before_delete"),
    "sitemap": ("component_rows.before_delete", "dependencies.before_delete"),
    "appmodule": ("component_rows.before_delete", "app_rules.before_delete"),
    "role": ("component_rows.before_delete", "dependencies.before_delete"),
    "fieldsecurityprofile": ("component_rows.before_delete", "dependencies.before_delete"),
    "savedquery": ("component_rows.before_delete", "view_rules.before_delete", "dependencies.before_delete"),
    "attributemap": ("mappings.before_delete",),
    "entitymap": ("mappings.before_delete",),
    "publisher": ("solutions.before_delete_publisher",),
    "solution": ("solutions.before_delete_solution",),
    "solutioncomponent": ("solutions.refuse_component_delete",),
}


@cache
def resolve(route: str) -> Callable[..., Any]:
    """Give the function that a route names."""
    module, _, function = route.rpartition(".")
    found = getattr(import_module(f"{__package__}.{module}"), function)
    assert callable(found)  # noqa: S101  routes are ours
    return found  # type: ignore[no-any-return]
