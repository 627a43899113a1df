"""Definitions: tables, columns, relationships and alternate keys."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import Any

from ledger import Ledger, World
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models import (
    CascadeConfiguration,
    Label,
    LocalizedLabel,
    LookupAttributeMetadata,
    ManyToManyRelationshipMetadata,
    OneToManyRelationshipMetadata,
)

BOOK = Ledger()


class Stage(IntEnum):
    """A local choice."""

    SEED = 1
    TREE = 2


COLUMNS: dict[str, Any] = {
    "new_Code": "string",
    "new_Notes": {"type": "memo", "max_length": 2000, "display_name": "Remarks"},
    "new_Height": {"type": "int", "min_value": 0, "max_value": 120, "required": "Recommended"},
    "new_Price": {"type": "decimal", "precision": 3},
    "new_Ratio": "float",
    "new_Planted": "datetime",
    "new_Evergreen": "bool",
    "new_Stage": Stage,
}


@BOOK.works("tables.create, a column of every type (CreateEntities), in a solution")
async def create(at: World) -> None:
    publisher = {"uniquename": "trees", "friendlyname": "Trees", "customizationprefix": "new"}
    publisher_id = await at.done(
        at.client.records.create("publisher", publisher | {"customizationoptionvalueprefix": 10000})
    )
    solution = {"uniquename": "Trees", "friendlyname": "Trees", "version": "1.0.0.0"}
    solution_id = await at.done(
        at.client.records.create("solution", solution | {"publisherid@odata.bind": f"/publishers({publisher_id})"})
    )
    made = await at.done(
        at.client.tables.create(
            "new_Tree", COLUMNS, solution="Trees", primary_column="new_Species", display_name="Tree of the forest"
        )
    )
    at.kept["tree"] = made
    assert (made.logical_name, made.entity_set_name) == ("new_tree", "new_trees")
    assert (made.primary_id_attribute, made.primary_name_attribute) == ("new_treeid", "new_species")
    parts = await at.done(at.client.records.list("solutioncomponent", filter=f"_solutionid_value eq {solution_id}"))
    assert made.metadata_id in {part["objectid"] for part in parts}


@BOOK.works("tables.create, a table that is there already is told")
async def create_twice(at: World) -> None:
    error = await at.refusal(lambda: at.client.tables.create("new_Tree", {}), MetadataError)
    assert "already exists" in str(error)


@BOOK.works("rows of the new table, every type there and back")
async def rows(at: World) -> None:
    row: dict[str, Any] = {
        "new_Species": "Oak",
        "new_Code": "q1",
        "new_Notes": "long\nlines",
        "new_Height": 40,
        "new_Price": 12.345,
        "new_Ratio": 0.25,
        "new_Planted": "1999-12-31T00:00:00Z",  # of the behaviour UserLocal: a moment
        "new_Evergreen": False,
        "new_Stage": "Tree",  # by its label
    }
    made = await at.done(at.client.records.create("new_Tree", row))
    found = await at.done(at.client.records.retrieve("new_Tree", made))
    expected = {name.lower(): value for name, value in row.items()} | {"new_stage": Stage.TREE}
    assert {name: found[name] for name in expected} == expected


@BOOK.works("tables.get")
async def get(at: World) -> None:
    found = await at.done(at.client.tables.get("new_tree"))
    assert (found.schema_name, found.metadata_id) == ("new_Tree", at.kept["tree"].metadata_id)
    assert await at.done(at.client.tables.get("new_Nothing")) is None


@BOOK.works("tables.list, all and with filter and select")
async def listed(at: World) -> None:
    every = await at.done(at.client.tables.list())
    assert {"account", "new_tree"} <= {table["LogicalName"] for table in every}
    some = await at.done(at.client.tables.list(filter="SchemaName eq 'new_Tree'", select=["EntitySetName"]))
    assert [table["EntitySetName"] for table in some] == ["new_trees"]


@BOOK.works("tables.add_columns and remove_columns")
async def columns(at: World) -> None:
    assert await at.done(at.client.tables.add_columns("new_Tree", {"new_Extra": "string", "new_Kind": Stage})) == [
        "new_Extra",
        "new_Kind",
    ]
    await at.done(at.client.records.create("new_Tree", {"new_Species": "Ash", "new_Kind": "Seed"}))
    assert await at.done(at.client.tables.remove_columns("new_Tree", ["new_Extra", "new_Kind"])) == [
        "new_Extra",
        "new_Kind",
    ]
    assert await at.done(at.client.tables.get_column("new_Tree", "new_Extra")) is None


@BOOK.works("tables.list_columns, with filter and select")
async def list_columns(at: World) -> None:
    found = await at.done(
        at.client.tables.list_columns("new_Tree", filter="AttributeType eq 'Picklist'", select=["LogicalName"])
    )
    assert [column["LogicalName"] for column in found] == ["new_stage"]


@BOOK.works("tables.list_columns and get_column, typed (RetrieveMetadataChanges)")
async def typed_columns(at: World) -> None:
    found = {
        column["LogicalName"]: column for column in await at.done(at.client.tables.list_columns("new_Tree", typed=True))
    }
    assert found["new_notes"]["MaxLength"] == 2000
    height = await at.done(at.client.tables.get_column("new_Tree", "new_Height", typed=True))
    assert (height["MinValue"], height["MaxValue"]) == (0, 120)


@BOOK.works("tables.update_column and update_columns (PUT of the whole definition)")
async def update_columns(at: World) -> None:
    await at.done(at.client.tables.update_column("new_Tree", "new_Code", {"max_length": 77, "display_name": "Sign"}))
    await at.done(
        at.client.tables.update_columns(
            "new_Tree", {"new_Height": {"max_value": 150}, "new_Notes": {"required": "ApplicationRequired"}}
        )
    )
    code = await at.done(at.client.tables.get_column("new_Tree", "new_Code", typed=True))
    assert code["MaxLength"] == 77
    plain = await at.done(at.client.tables.get_column("new_Tree", "new_Code"))
    assert plain["DisplayName"]["UserLocalizedLabel"]["Label"] == "Sign"
    height = await at.done(at.client.tables.get_column("new_Tree", "new_Height", typed=True))
    assert (height["MinValue"], height["MaxValue"]) == (0, 150)


@BOOK.works("tables.create_lookup_field, to a table of one's own")
async def lookup(at: World) -> None:
    made = await at.done(at.client.tables.create_lookup_field("new_tree", "new_MotherTreeId", "new_tree"))
    assert made.relationship_id
    mother = await at.done(at.client.records.create("new_Tree", {"new_Species": "Yew"}))
    bind = {"new_MotherTreeId@odata.bind": f"/new_trees({mother})"}
    row = await at.done(at.client.records.create("new_Tree", {"new_Species": "Yew", **bind}))
    found = await at.done(at.client.records.retrieve("new_Tree", row, expand=["new_MotherTreeId($select=new_species)"]))
    assert found["new_MotherTreeId"]["new_species"] == "Yew"


async def _to_account(at: World) -> str:
    made = await at.done(
        at.client.tables.create_lookup_field("new_tree", "new_OwnerAccountId", "account", cascade_delete="Restrict")
    )
    return str(made.relationship_schema_name)


@BOOK.refused(
    "tables.create_lookup_field, to a standard table",
    "the client names the relationship account_new_tree_…, and names must start with a prefix (InvalidNamePrefix)",
    status=400,
)
async def lookup_to_standard(at: World) -> None:
    await _to_account(at)


@BOOK.works("the same with the setting relationship_names=prefix_inside")
async def lookup_by_setting(at: World) -> None:
    at.tell("PATCH", "settings", {"relationship_names": "prefix_inside"})
    assert await _to_account(at) == "account_new_tree_new_OwnerAccountId"
    bind = {"new_OwnerAccountId@odata.bind": f"/accounts({at.kept['account']})"}
    await at.done(at.client.records.create("new_Tree", {"new_Species": "Fir", **bind}))
    error = await at.refusal(lambda: at.client.records.delete("account", at.kept["account"]), HttpError)
    assert error.details["service_error_code"] == "0x80040227", error.details  # Restrict holds the account


@BOOK.works("tables.create_one_to_many_relationship, get_relationship, delete_relationship")
async def one_to_many(at: World) -> None:
    label = Label(localized_labels=[LocalizedLabel(label="Mother", language_code=1033)])
    made = await at.done(
        at.client.tables.create_one_to_many_relationship(
            LookupAttributeMetadata(schema_name="new_MotherId", display_name=label),
            OneToManyRelationshipMetadata(
                schema_name="new_Tree_Mother",
                referenced_entity="new_tree",
                referencing_entity="new_tree",
                referenced_attribute="new_treeid",
                cascade_configuration=CascadeConfiguration(delete="RemoveLink"),
            ),
            solution="Trees",
        )
    )
    found = await at.done(at.client.tables.get_relationship("new_Tree_Mother"))
    assert (found.relationship_id, found.relationship_type) == (made.relationship_id, "one_to_many")
    await at.done(at.client.tables.delete_relationship(made.relationship_id))
    assert await at.done(at.client.tables.get_relationship("new_Tree_Mother")) is None
    assert await at.done(at.client.tables.get_column("new_Tree", "new_MotherId")) is None


@BOOK.works("tables.create_many_to_many_relationship")
async def many_to_many(at: World) -> None:
    made = await at.done(
        at.client.tables.create_many_to_many_relationship(
            ManyToManyRelationshipMetadata(
                schema_name="new_tree_contact", entity1_logical_name="new_tree", entity2_logical_name="contact"
            )
        )
    )
    found = await at.done(at.client.tables.get_relationship("new_tree_contact"))
    assert (found.relationship_id, found.entity2_logical_name) == (made.relationship_id, "contact")


@BOOK.works("tables.list_relationships with an enum in its filter, list_table_relationships")
async def relationships(at: World) -> None:
    found = await at.done(
        at.client.tables.list_relationships(
            filter="RelationshipType eq Microsoft.Dynamics.CRM.RelationshipType'ManyToManyRelationship'",
            select=["SchemaName"],
        )
    )
    assert "new_tree_contact" in {each["SchemaName"] for each in found}
    of_tree = await at.done(at.client.tables.list_table_relationships("new_Tree"))
    names = {each["SchemaName"] for each in of_tree}
    assert {"new_tree_contact", "account_new_tree_new_OwnerAccountId", "lk_new_tree_createdby"} <= names


@BOOK.works("tables.create_alternate_key, get_alternate_keys until it is Active")
async def keys(at: World) -> None:
    for table, columns_ in (("new_Tree", ["new_code"]), ("account", ["accountnumber"])):
        made = await at.done(at.client.tables.create_alternate_key(table, f"new_{table.lower()}_key", columns_))
        for _ in range(100):
            found = await at.done(at.client.tables.get_alternate_keys(table))
            (status,) = [key.status for key in found if key.metadata_id == made.metadata_id]
            if status == "Active":
                break
            await asyncio.sleep(0.05)
        assert status == "Active"


@BOOK.works("tables.delete_alternate_key")
async def delete_key(at: World) -> None:
    (key,) = await at.done(at.client.tables.get_alternate_keys("new_Tree"))
    await at.done(at.client.tables.delete_alternate_key("new_Tree", key.metadata_id))
    assert await at.done(at.client.tables.get_alternate_keys("new_Tree")) == []
