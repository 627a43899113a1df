"""$metadata: the entity types, sets and relationships of the organization as CSDL.

Owns the printing of the schema as XML. Actions and functions are not printed: a client that needs them reads
docs/emulator.md.
Source: powerapps-docs …/webapi/web-api-service-documents.md, …/web-api-types-operations.md (mscrm.crmbaseentity, keys,
referential constraints, "annotations=true" for annotations), …/use-change-tracking-synchronize-data-external-systems.md
(Org.OData.Capabilities.V1.ChangeTracking with Supported true); OData CSDL 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from d365ext.emulator.documents.definition_types import definition_type, model
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.stored_values import edm_type
from d365ext.emulator.store.schema import Column, Relationship, Schema, Table
from d365ext.emulator.web.http import Request, Response

if TYPE_CHECKING:
    from d365ext.emulator.organization import Organization

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
    '<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    '<EntityType Name="crmbaseentity" Abstract="true" />'
)
_TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"
_CHANGE_TRACKING = (
    '<Annotation Term="Org.OData.Capabilities.V1.ChangeTracking"><Record>'
    '<PropertyValue Property="Supported" Bool="true" /></Record></Annotation>'
)


def handle(org: Organization, request: Request) -> Response:
    """Answer GET $metadata."""
    if request.method not in {"GET", "HEAD"}:
        raise Problem.wrong_method(request.method, "$metadata is read")
    for name in request.options:
        if name != "annotations":
            raise Problem.not_implemented(f"the query option '{name}' on $metadata")
    with org.reading(request) as session:
        annotated = request.options.get("annotations") == "true"
        text = "".join([_HEAD, *_types(session.schema), *_container(session.schema, annotated=annotated), _TAIL])
    return Response.text(text, content_type="application/xml")


def _types(schema: Schema) -> Iterator[str]:
    for table in schema.tables.values():
        yield from _entity_type(schema, table)
    yield from _definition_types()


def _entity_type(schema: Schema, table: Table) -> Iterator[str]:
    yield f'<EntityType Name="{table.logical}" BaseType="mscrm.crmbaseentity">'
    yield f'<Key><PropertyRef Name="{table.primary_id}" /></Key>'
    for name, column in table.properties.items():
        yield f'<Property Name="{name}" Type="{_edm(column)}"{_nullable(table, column)} />'
    for nav, relationship in table.many_to_one.items():
        yield from _lookup(schema, nav, relationship)
    for nav, relationship in table.one_to_many.items():
        if relationship.referencing_table in schema.tables:
            partner = f" Partner={quoteattr(relationship.lookup_nav)}" if relationship.lookup_nav else ""
            target = f"Collection(mscrm.{relationship.referencing_table})"
            yield f'<NavigationProperty Name={quoteattr(nav)} Type="{target}"{partner} />'
    for nav, many in table.many_to_many.items():
        is_first = many.table1 == table.logical and many.nav1 == nav
        other, partner_nav = (many.table2, many.nav2) if is_first else (many.table1, many.nav1)
        partner = f" Partner={quoteattr(partner_nav)}" if partner_nav else ""
        yield f'<NavigationProperty Name={quoteattr(nav)} Type="Collection(mscrm.{other})"{partner} />'
    yield "</EntityType>"


def _lookup(schema: Schema, nav: str, relationship: Relationship) -> Iterator[str]:
    if relationship.referenced_table not in schema.tables:
        return
    partner = f" Partner={quoteattr(relationship.collection_nav)}" if relationship.collection_nav else ""
    yield (
        f'<NavigationProperty Name={quoteattr(nav)} Type="mscrm.{relationship.referenced_table}" Nullable="false"'
        f"{partner}>"
        f'<ReferentialConstraint Property="_{relationship.referencing_column}_value" '
        f'ReferencedProperty="{relationship.referenced_column}" /></NavigationProperty>'
    )


def _edm(column: Column) -> str:
    return edm_type(column).replace("Microsoft.Dynamics.CRM.", "mscrm.")


def _nullable(table: Table, column: Column) -> str:
    if column.logical == table.primary_id:
        return ""
    return ' Unicode="false"' if _edm(column) == "Edm.String" else ""


def _definition_types() -> Iterator[str]:
    """Print the types of definitions themselves."""
    written = model()
    for name, members in written["enums"].items():
        inside = "".join(f'<Member Name="{each}" Value="{number}" />' for number, each in enumerate(members))
        yield f'<EnumType Name="{name}">{inside}</EnumType>'
    for name, properties in written["complex"].items():
        inside = "".join(f'<Property Name="{each}" Type="{_named(kind)}" />' for each, kind in properties.items())
        yield f'<ComplexType Name="{name}">{inside}</ComplexType>'
    for name in written["types"]:
        kind = definition_type(name)
        base = f' BaseType="mscrm.{kind.base.name}"' if kind.base else ' BaseType="mscrm.crmbaseentity" Abstract="true"'
        key = "" if kind.base else '<Key><PropertyRef Name="MetadataId" /></Key>'
        inside = "".join(
            f'<Property Name="{each}" Type="{_named(its.type)}" />' for each, its in kind.own_properties.items()
        )
        inside += "".join(
            f'<NavigationProperty Name="{each}" Type="{_named(its)}" />' for each, its in kind.own_navigation.items()
        )
        yield f'<EntityType Name="{name}"{base}>{key}{inside}</EntityType>'


def _named(kind: str) -> str:
    """Give a type's name with the alias of the namespace."""
    if kind.startswith("Collection("):
        return f"Collection({_named(kind[11:-1])})"
    return kind if kind.startswith("Edm.") else f"mscrm.{kind}"


def _container(schema: Schema, *, annotated: bool) -> Iterator[str]:
    yield '<EntityContainer Name="System">'
    for name, table in sorted(schema.by_set.items()):
        bindings = "".join(_bindings(schema, table))
        annotation = _CHANGE_TRACKING if annotated and table.change_tracking else ""
        yield f'<EntitySet Name="{name}" EntityType="mscrm.{table.logical}">{bindings}{annotation}</EntitySet>'
    for name, kind in (
        ("EntityDefinitions", "EntityMetadata"),
        ("RelationshipDefinitions", "RelationshipMetadataBase"),
        ("GlobalOptionSetDefinitions", "OptionSetMetadataBase"),
    ):
        yield f'<EntitySet Name="{name}" EntityType="mscrm.{kind}" />'
    yield "</EntityContainer>"


def _bindings(schema: Schema, table: Table) -> Iterator[str]:
    targets = {nav: each.referenced_table for nav, each in table.many_to_one.items()}
    targets |= {nav: each.referencing_table for nav, each in table.one_to_many.items()}
    for nav, many in table.many_to_many.items():
        targets[nav] = many.table2 if many.table1 == table.logical and many.nav1 == nav else many.table1
    for nav, target in targets.items():
        found = schema.tables.get(target)
        if found is not None and found.entity_set:
            yield f'<NavigationPropertyBinding Path={quoteattr(nav)} Target="{found.entity_set}" />'
