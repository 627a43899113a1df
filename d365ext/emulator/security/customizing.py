"""What a caller may do to definitions: the privileges of the customizing messages.

Source: learn.microsoft.com/power-apps/developer/data-platform/security-roles ("Customization" privileges); that an
option action asks for prvWriteOptionSet is printed in field reports. Inferred: which each message asks for. Reading
definitions is open to every user ("Basic User" has it; …/security-roles).
"""

from __future__ import annotations

from collections.abc import Sequence

from d365ext.emulator.odata.ast import Segment
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session

_RIGHTS = {"POST": "Create", "PUT": "Write", "PATCH": "Write", "DELETE": "Delete"}
_SETS = {
    "EntityDefinitions": "Entity",
    "RelationshipDefinitions": "Relationship",
    "GlobalOptionSetDefinitions": "OptionSet",
    "ManagedPropertyDefinitions": "Entity",
}
_WITHIN = {"Attributes": "Attribute", "Keys": "EntityKey"}
_ACTIONS = {
    "CreateCustomerRelationships": "prvCreateRelationship",
    "CreateEntities": "prvCreateEntity",
    "CreatePolymorphicLookupAttribute": "prvCreateRelationship",
    "DeleteOptionValue": "prvWriteOptionSet",
    "InsertOptionValue": "prvWriteOptionSet",
    "InsertStatusValue": "prvWriteOptionSet",
    "OrderOption": "prvWriteOptionSet",
    "PublishAllXml": "prvPublishCustomization",
    "PublishXml": "prvPublishCustomization",
    "ReactivateEntityKey": "prvWriteEntityKey",
    "SetLocLabels": "prvWriteEntity",
    "UpdateOptionValue": "prvWriteOptionSet",
    "UpdateStateValue": "prvWriteOptionSet",
}


def require_for_definition(session: Session, segments: Sequence[Segment], method: str) -> None:
    """Refuse with 403 a change of a definition that the caller has no privilege for."""
    right = _RIGHTS.get(method)
    if right is None:
        return
    what = _SETS.get(segments[0].name, "Entity")
    for segment in segments[1:]:
        what = _WITHIN.get(segment.name, what)
    security.require_privilege(session, f"prv{right}{what}")


def require_for_action(session: Session, name: str) -> None:
    """Refuse with 403 a customizing action that the caller has no privilege for."""
    privilege = _ACTIONS.get(name)
    if privilege is not None:
        security.require_privilege(session, privilege)
