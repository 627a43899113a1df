"""The entity maps and attribute maps that a plain organization has. Afterwards they are `mappings.py`'s."""

from __future__ import annotations

from d365ext.emulator.components.mappings import add_pair
from d365ext.emulator.documents.documents import fixed_id
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.standard.mappings import standard_mappings
from d365ext.emulator.store.schema import Relationship


def seed(session: Session) -> None:
    """Make the maps of a plain organization; columns that are not there are left out."""
    maps = session.schema.table("attributemap")
    for source_name, target_name, pairs in standard_mappings():
        source, target = session.schema.table(source_name), session.schema.table(target_name)
        entity_map = LookupValue("entitymap", add_pair(session, source_name, target_name))
        made = [
            {
                "attributemapid": fixed_id("attributemap", source_name, target_name, one, other),
                "entitymapid": entity_map,
                "sourceattributename": one,
                "targetattributename": other,
                "issystem": True,
            }
            for one, other in pairs
            if one in source.columns and other in target.columns
        ]
        rows.create_many(session, maps, made, by_system=True)
    for relationship in session.schema.relationships.values():
        if isinstance(relationship, Relationship):
            add_pair(session, relationship.referenced_table, relationship.referencing_table)
