"""Relationship documents, and the lookup column a 1:N relationship makes, of what a client sends.

Owns names, navigation properties, menus and cascade rules of relationships. Must not write.
Source: powerapps-docs …/webapi/create-update-entity-relationships-using-web-api.md; …/data-platform/
configure-entity-relationship-cascading-behavior.md (the words); codes: …/includes/data-service-error-codes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.documents.definition_types import definition_type
from d365ext.emulator.documents.documents import Document, column_document, many_to_many_document, one_to_many_document
from d365ext.emulator.documents.labels import accepted, says_something, texts
from d365ext.emulator.documents.naming import checked_name
from d365ext.emulator.documents.new_columns import new_id, with_settings
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType, Relationship, Table

_ACTIONS = ("Assign", "Delete", "Archive", "Merge", "Reparent", "Share", "Unshare", "RollupView")
_WORDS = frozenset({"NoCascade", "Cascade", "Active", "UserOwned", "RemoveLink", "Restrict"})
_DELETE_ONLY = frozenset({"RemoveLink", "Restrict"})
_CASCADING = frozenset({"Cascade", "Active", "UserOwned"})
_PARENTAL_ACTIONS = ("Assign", "Delete", "Reparent", "Share", "Unshare")


def lookup_from(
    session: Session, table: str, given: Mapping[str, Any], kind: ColumnType, targets: list[str]
) -> Document:
    """Make the lookup column of a relationship from its `Lookup`."""
    schema = checked_name(session, given.get("SchemaName"), "Attribute")
    if not says_something(given.get("DisplayName")):
        raise Problem(400, "0x8004700c", f"The specified display name is not valid: column {schema} has none.")
    document = definition_type("LookupAttributeMetadata").filled(
        column_document(
            table,
            schema,
            kind,
            MetadataId=new_id(),
            IsCustomAttribute=True,
            IsManaged=False,
            CreatedOn=session.now_text,
            ModifiedOn=session.now_text,
            CanBeSecuredForCreate=True,
            CanBeSecuredForRead=True,
            CanBeSecuredForUpdate=True,
            Targets=targets,
        )
    )
    return with_settings(session, document, kind, given)


def one_to_many_from(session: Session, given: Mapping[str, Any], column: str, column_schema: str) -> Document:
    """Make the document of a custom 1:N relationship over the lookup `column`.

    Source: the default navigation property of the lookup is its schema name, case kept (metadata-plane.md §2.4, seen
    in an export); that of the collection is the relationship's schema name [inferred].
    """
    schema = checked_relationship_name(session, given)
    referenced, referencing = ends(session, given)
    attribute = given.get("ReferencedAttribute") or referenced.primary_id
    if attribute != referenced.primary_id:
        raise Problem.not_implemented("a relationship to another column than the primary id")
    lookup_nav = given.get("ReferencingEntityNavigationPropertyName") or column_schema
    collection_nav = given.get("ReferencedEntityNavigationPropertyName") or schema
    _check_navigation(referencing, lookup_nav)
    _check_navigation(referenced, collection_nav)
    document = definition_type("OneToManyRelationshipMetadata").filled(
        one_to_many_document(
            schema,
            referenced=(referenced.logical, attribute),
            referencing=(referencing.logical, column),
            navs=(lookup_nav, collection_nav),
            MetadataId=new_id(),
            IsCustomRelationship=True,
            IsManaged=False,
        )
    )
    document["CascadeConfiguration"] = (
        definition_type("OneToManyRelationshipMetadata").properties["CascadeConfiguration"].default
    )
    return relationship_settings(session, document, given, referenced=referenced, referencing=referencing)


def checked_relationship_name(session: Session, given: Mapping[str, Any]) -> str:
    """Give the schema name of a new relationship.

    Source: EntityRelationshipSchemaNameNotUnique 0x8004432B, EntityRelationshipSchemaNameRequired 0x8004432A.
    """
    if not given.get("SchemaName"):
        raise Problem(400, "0x8004432A", "Entity relationships require a name")
    inside = session.settings.relationship_names == "prefix_inside"
    schema = checked_name(session, given["SchemaName"], "EntityRelationship", inside=inside)
    if any(schema.lower() == each.lower() for each in session.schema.relationships):
        raise Problem(
            400,
            "0x8004432B",
            f"A relationship with the specified name already exists: {schema}. Please specify a unique name.",
        )
    return schema


def ends(session: Session, given: Mapping[str, Any]) -> tuple[Table, Table]:
    """Give the referenced and the referencing table of a 1:N relationship."""
    return table_named(session, given.get("ReferencedEntity")), table_named(session, given.get("ReferencingEntity"))


def table_named(session: Session, name: object) -> Table:
    """Give the table that a relationship names; 400 if there is none [code inferred: QueryBuilderNoEntity's kin]."""
    found = session.schema.tables.get(str(name or "").lower())
    if found is None:
        raise Problem(400, "0x8005E00C", f"Entity {name} cannot be found.")
    return found


def _check_navigation(table: Table, name: str) -> None:
    taken = {*table.many_to_one, *table.one_to_many, *table.many_to_many}
    if name in taken:
        raise Problem(
            400,
            "0x80047003",
            f"The specified relationship cannot be created: {table.logical} already has a navigation property {name}.",
        )


def relationship_settings(
    session: Session,
    document: Document,
    given: Mapping[str, Any],
    *,
    referenced: Table,
    referencing: Table,
    merge: bool = False,
) -> Document:
    """Give the document with the members of a 1:N relationship that a client may set, as sent."""
    changed = dict(document)
    for name in ("IsValidForAdvancedFind", "IsHierarchical", "IsCustomizable", "SecurityTypes"):
        if given.get(name) is not None:
            changed[name] = given[name]
    if changed["IsHierarchical"] and referenced.logical != referencing.logical:
        raise Problem(
            400,
            "0x8004701F",
            "This relationship is not self-referential and therefore cannot be made hierarchical.",
        )
    cascade = {**document["CascadeConfiguration"], **(given.get("CascadeConfiguration") or {})}
    cascade.pop("@odata.type", None)
    changed["CascadeConfiguration"] = _checked_cascade(cascade, referencing)
    _check_parental(session, changed, referencing)
    changed["AssociatedMenuConfiguration"] = menu_from(
        session, document["AssociatedMenuConfiguration"], given.get("AssociatedMenuConfiguration"), merge=merge
    )
    return changed


def menu_from(session: Session, before: Document, given: Mapping[str, Any] | None, *, merge: bool) -> Document:
    """Give an AssociatedMenuConfiguration as sent over what was.

    Source: EntityRelationshipRoleCustomLabelsMissing 0x80044328.
    """
    if given is None:
        return before
    sent = {name: value for name, value in given.items() if name in before and name != "Label" and value is not None}
    made = {**before, **sent, "Label": accepted(session, given.get("Label"), before["Label"], merge=merge)}
    if made["Behavior"] == "UseLabel" and not texts(made["Label"]):
        raise Problem(
            400,
            "0x80044328",
            "Custom labels must be provided if an entity relationship role has a display option of UseCustomLabels",
        )
    return made


def _checked_cascade(cascade: Document, referencing: Table) -> Document:
    """Check the words of a CascadeConfiguration.

    Source: …/configure-entity-relationship-cascading-behavior.md; InvalidOrgOwnedCascadeLinkType 0x80044156; that the
    other mistakes are InvalidRelationshipDescription 0x80047003 is inferred.
    """
    for action, word in cascade.items():
        is_bad = action not in _ACTIONS or word not in _WORDS
        if is_bad or (word in _DELETE_ONLY and action not in {"Delete", "Archive"}):
            raise Problem(
                400, "0x80047003", f"The specified relationship cannot be created: {action} cannot be {word}."
            )
        if word == "UserOwned" and referencing.ownership != "UserOwned":
            raise Problem(
                400,
                "0x80044156",
                "Cascade User-Owned is not a valid cascade link type for org-owned entity relationships.",
            )
    return cascade


def _check_parental(session: Session, document: Document, referencing: Table) -> None:
    """Refuse a second relationship that makes the table a child.

    Source: a relationship in which Assign, Delete, Reparent, Share or Unshare cascades is a parental one
    (…/maker/data-platform/create-edit-1n-relationships-solution-explorer.md); EntityCannotBeChildInCustomRelationship
    0x8004432D, "… or is already a child in a parental relationship" (data-service-error-codes.md).
    """
    if not _is_parental(document):
        return
    for each in session.schema.relationships.values():
        other = each.definition
        if (
            isinstance(each, Relationship)
            and each.referencing_table == referencing.logical
            and each.schema != document["SchemaName"]
            and _is_parental(other)
        ):
            raise Problem(
                400,
                "0x8004432D",
                "This entity is either not valid as a child in a custom parental relationship or is already a child "
                f"in a parental relationship: {referencing.logical} is one in {each.schema}.",
            )


def _is_parental(document: Mapping[str, Any]) -> bool:
    rules = document.get("CascadeConfiguration") or {}
    return any(rules.get(action) in _CASCADING for action in _PARENTAL_ACTIONS)


def many_to_many_from(session: Session, given: Mapping[str, Any]) -> Document:
    """Make the document of a custom N:N relationship.

    Inferred: the intersect's columns are the primary ids of the two tables, `<id>one` and `<id>two` for a table with
    itself; navigation properties default to the schema name.
    """
    schema = checked_relationship_name(session, given)
    one = table_named(session, given.get("Entity1LogicalName"))
    two = table_named(session, given.get("Entity2LogicalName"))
    intersect = checked_name(session, given.get("IntersectEntityName") or schema, "Entity").lower()
    if intersect in session.schema.tables:
        raise Problem(
            400, "0x8004700b", "An entity with the specified name already exists. Please specify a unique name."
        )
    columns = (one.primary_id, two.primary_id)
    navs = (
        given.get("Entity1NavigationPropertyName") or schema,
        given.get("Entity2NavigationPropertyName") or schema,
    )
    if one is two:
        columns = (f"{one.primary_id}one", f"{one.primary_id}two")
        navs = (navs[0], navs[1] if navs[1] != navs[0] else f"{navs[1]}_referenced")
    _check_navigation(one, navs[0])
    _check_navigation(two, navs[1])
    document = definition_type("ManyToManyRelationshipMetadata").filled(
        many_to_many_document(
            schema,
            intersect,
            (one.logical, columns[0], navs[0]),
            (two.logical, columns[1], navs[1]),
            MetadataId=new_id(),
            IsCustomRelationship=True,
            IsManaged=False,
        )
    )
    return many_to_many_settings(session, document, given)


def many_to_many_settings(
    session: Session, document: Document, given: Mapping[str, Any], *, merge: bool = False
) -> Document:
    """Give the document with the members of an N:N relationship that a client may set, as sent."""
    changed = dict(document)
    if given.get("IsValidForAdvancedFind") is not None:
        changed["IsValidForAdvancedFind"] = given["IsValidForAdvancedFind"]
    for name in ("Entity1AssociatedMenuConfiguration", "Entity2AssociatedMenuConfiguration"):
        changed[name] = menu_from(session, document[name], given.get(name), merge=merge)
    return changed
