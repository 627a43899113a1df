"""Lookups with their relationships, and column mappings.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-entity-relationships-using-web-api,
…/customize-entity-attribute-mappings.
"""

from __future__ import annotations

from typing import Any

from d365ext.deploy.codec.relationships import changed_relationship, to_lookup_texts, to_relationship
from d365ext.deploy.read.mappings import find_table_map
from d365ext.deploy.table_change import CreateMapping, CreateRelationship, ModifyRelationship
from d365ext.deploy.write.heads import fixed_id
from d365ext.deploy.write.writer import Writer
from d365ext.errors import RowNotFound
from d365ext.webapi.query import bind
from d365ext.webapi.tabledefs import change_definition, column_address, create_definition, relationship_address


def create_relationship(writer: Writer, change: CreateRelationship) -> None:
    wanted = change.relationship
    primary_id = writer.solution.primary_id(wanted.to)
    definition = to_relationship(wanted, writer.languages, primary_id=primary_id)
    address = relationship_address(wanted.name)
    create_definition(writer.client, "RelationshipDefinitions", definition, address=address, solution=writer.into)


def modify_relationship(writer: Writer, change: ModifyRelationship) -> None:
    wanted = change.relationship

    def put_in(whole: dict[str, Any]) -> dict[str, Any]:
        return changed_relationship(whole, wanted, writer.languages)

    def put_texts_in(whole: dict[str, Any]) -> dict[str, Any]:
        return {**whole, **to_lookup_texts(wanted, writer.languages)}

    cast = "OneToManyRelationshipMetadata"
    change_definition(writer.client, relationship_address(wanted.name), put_in, cast=cast, solution=writer.into)
    lookup = column_address(wanted.table, wanted.lookup)
    change_definition(writer.client, lookup, put_texts_in, cast="LookupAttributeMetadata", solution=writer.into)


def create_mapping(writer: Writer, change: CreateMapping) -> None:
    mapping = change.mapping
    map_id = find_table_map(writer.client, mapping.source, mapping.target)
    if map_id is None:
        raise RowNotFound(
            f"There is no table map from {mapping.source} to {mapping.target}.",
            hint="It comes with a relationship between the two; is Dynamics 365 Sales whole in this environment?",
        )
    row = {
        "attributemapid": str(fixed_id(f"mapping:{mapping.source}:{mapping.target}", mapping.column)),
        "entitymapid@odata.bind": bind("entitymaps", map_id),
        "sourceattributename": mapping.column,
        "targetattributename": mapping.column,
    }
    writer.client.create("attributemaps", row)
