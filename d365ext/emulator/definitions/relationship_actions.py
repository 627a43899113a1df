"""Actions and functions around relationships: lookups with several targets, and what may be related.

Owns CreateCustomerRelationships, CreatePolymorphicLookupAttribute, CanBeReferenced, CanBeReferencing, CanManyToMany and
GetValidReferencedEntities, GetValidReferencingEntities, GetValidManyToMany.
Source: powerapps-docs …/webapi/create-update-entity-definitions-using-web-api.md ("Create a customer lookup column"),
…/webapi/multitable-lookup.md, …/webapi/create-update-entity-relationships-using-web-api.md ("eligibility").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.components import mappings
from d365ext.emulator.definitions.change import Change
from d365ext.emulator.definitions.relationships_write import make_lookup
from d365ext.emulator.documents.new_relationships import table_named
from d365ext.emulator.odata.ast import Expression
from d365ext.emulator.odata.function_parameters import text_parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType, Table
from d365ext.emulator.web.http import Request, Response


def create_customer(session: Session, body: dict[str, Any], request: Request) -> Response:
    """CreateCustomerRelationships: one lookup to account and contact."""
    sent = body.get("OneToManyRelationships") or []
    if {str(each.get("ReferencedEntity")) for each in sent} != {"account", "contact"} or len(sent) != 2:
        raise Problem(400, "0x80047003", "A customer lookup needs one relationship to account and one to contact.")
    return _create(session, body, request, ColumnType.CUSTOMER, "CreateCustomerRelationshipsResponse")


def create_polymorphic(session: Session, body: dict[str, Any], request: Request) -> Response:
    """CreatePolymorphicLookupAttribute: one lookup to several tables.

    Source: EntityCanOnlyBeReferencedOnceInPolymorphicLookup 0x80090424, CannotCreateSelfReferentialPolymorphicLookup
    0x80090423.
    """
    sent = body.get("OneToManyRelationships") or []
    targets = [str(each.get("ReferencedEntity")) for each in sent]
    for each in sent:
        if targets.count(str(each.get("ReferencedEntity"))) > 1:
            raise Problem(
                400,
                "0x80090424",
                f"The entity '{each.get('ReferencedEntity')}' cannot be referenced more than once in a polymorphic "
                "lookup.",
            )
        if each.get("ReferencedEntity") == each.get("ReferencingEntity"):
            raise Problem(400, "0x80090423", "Relationship for polymorphic lookup cannot be self referential.")
    return _create(session, body, request, ColumnType.LOOKUP, "CreatePolymorphicLookupAttributeResponse")


def _create(session: Session, body: Mapping[str, Any], request: Request, kind: ColumnType, answer: str) -> Response:
    sent, lookup = body.get("OneToManyRelationships") or [], body.get("Lookup")
    if not sent or not isinstance(lookup, Mapping):
        raise Problem.payload("The parameters OneToManyRelationships and Lookup are needed.")
    tables = {str(each.get("ReferencingEntity")) for each in sent}
    if len(tables) != 1:
        raise Problem(400, "0x80047003", "All relationships of a lookup have the same ReferencingEntity.")
    change = _change(session, request, body)
    column, made = make_lookup(change, table_named(session, tables.pop()), lookup, list(sent), kind)
    for each in made:
        mappings.add_pair(session, each["ReferencedEntity"], each["ReferencingEntity"])
    return Response.json(
        {
            "@odata.context": f"{request.root}$metadata#Microsoft.Dynamics.CRM.{answer}",
            "RelationshipIds": [each["MetadataId"] for each in made],
            "AttributeId": column["MetadataId"],
        }
    )


def _change(session: Session, request: Request, body: Mapping[str, Any]) -> Change:
    """Read the solution from the header, or from the action's own parameter."""
    name = body.get("SolutionUniqueName")
    if name:
        request.headers.setdefault("mscrm.solutionuniquename", str(name))
    return Change.of(session, request)


def can_be_referenced(session: Session, body: dict[str, Any], request: Request) -> Response:
    """CanBeReferenced: may the table be the one side of a custom 1:N relationship?"""
    found = _allowed(_named(session, body, "EntityName"), "CanBePrimaryEntityInRelationship")
    return _answer(request, "CanBeReferenced", found)


def can_be_referencing(session: Session, body: dict[str, Any], request: Request) -> Response:
    """CanBeReferencing: may the table be the many side of a custom 1:N relationship?"""
    found = _allowed(_named(session, body, "EntityName"), "CanBeRelatedEntityInRelationship")
    return _answer(request, "CanBeReferencing", found)


def can_many_to_many(session: Session, body: dict[str, Any], request: Request) -> Response:
    """CanManyToMany: may the table be in a custom N:N relationship?"""
    return _answer(request, "CanManyToMany", _allowed(_named(session, body, "EntityName"), "CanBeInManyToMany"))


def _named(session: Session, body: Mapping[str, Any], name: str) -> Table:
    return table_named(session, body.get(name))


def _allowed(table: Table, member: str) -> bool:
    if table.is_intersect:
        return False
    return bool((table.definition.get(member) or {"Value": True})["Value"])


def _answer(request: Request, name: str, found: object) -> Response:
    return Response.json(
        {"@odata.context": f"{request.root}$metadata#Microsoft.Dynamics.CRM.{name}Response", name: found}
    )


def valid_referenced(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """GetValidReferencedEntities: tables that may be the one side of a relationship with ReferencingEntityName."""
    table_named(session, text_parameter(params, "ReferencingEntityName", request))
    return _names(session, request, "GetValidReferencedEntities", "CanBePrimaryEntityInRelationship")


def valid_referencing(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """GetValidReferencingEntities: tables that may be the many side of a relationship with ReferencedEntityName."""
    table_named(session, text_parameter(params, "ReferencedEntityName", request))
    return _names(session, request, "GetValidReferencingEntities", "CanBeRelatedEntityInRelationship")


def valid_many_to_many(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """GetValidManyToMany: tables that may be in an N:N relationship."""
    return _names(session, request, "GetValidManyToMany", "CanBeInManyToMany")


def _names(session: Session, request: Request, function: str, member: str) -> Response:
    found = sorted(name for name, table in session.schema.tables.items() if _allowed(table, member))
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.{function}Response"
    return Response.json({"@odata.context": context, "EntityNames": found})
