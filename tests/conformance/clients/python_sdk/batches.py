"""Batches: rows, change sets with references, definitions, failures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pandas as pd
from ledger import Ledger, World
from PowerPlatform.Dataverse.models import Label, LocalizedLabel, ManyToManyRelationshipMetadata

BOOK = Ledger()


@asynccontextmanager
async def _change_set(batch: Any) -> AsyncIterator[Any]:
    made = batch.changeset()
    if hasattr(made, "__aenter__"):
        async with made as changes:
            yield changes
    else:
        with made as changes:
            yield changes


async def _row(at: World, table: str, row_id: str, *columns: str) -> Any:
    return await at.done(at.client.records.retrieve(table, row_id, select=list(columns)))


@BOOK.works("batch.records: create, update, upsert, retrieve, list, delete")
async def rows(at: World) -> None:
    batch = at.client.batch.new()
    batch.records.create("account", {"name": "Batch 1"})
    batch.records.create("account", [{"name": "Batch 2"}, {"name": "Batch 3"}])
    batch.records.upsert("account", [{"alternate_key": {"accountnumber": "B4"}, "record": {"name": "Batch 4"}}])
    batch.records.upsert(
        "account",
        [{"alternate_key": {"accountnumber": f"B{n}"}, "record": {"name": f"Batch {n}"}} for n in (5, 6)],
    )
    batch.records.update("account", at.kept["account"], {"description": "batch"})
    batch.records.retrieve("account", at.kept["account"], select=["name", "description"], include_annotations="*")
    batch.records.list("account", filter="startswith(name,'Batch ')", select=["name"], orderby=["name"], count=True)
    made = await at.done(batch.execute())
    assert not made.has_errors, [each.error_message for each in made.failed]
    one, several, _, _, updated, read, found = made.responses
    assert updated.entity_id == at.kept["account"]
    assert read.data["description"] == "batch"
    assert [row["name"] for row in found.data["value"]] == [f"Batch {n}" for n in range(1, 7)]
    assert found.data["@odata.count"] == 6
    again = at.client.batch.new()
    again.records.update("account", several.data["Ids"], {"description": "both"})
    again.records.delete("account", one.entity_id)
    again.records.delete("account", several.data["Ids"])
    assert not (await at.done(again.execute())).has_errors
    assert await _row(at, "account", one.entity_id, "name") is None
    assert await _row(at, "account", several.data["Ids"][0], "name") is None


@BOOK.works("batch.changeset with references to what it created")
async def change_set(at: World) -> None:
    batch = at.client.batch.new()
    async with _change_set(batch) as changes:
        person = changes.records.create("contact", {"lastname": "First in the set"})
        company = changes.records.create("account", {"name": "In a set", "primarycontactid@odata.bind": person})
        changes.records.update("account", company, {"telephone1": "1"})
    made = await at.done(batch.execute())
    assert not made.has_errors, [each.error_message for each in made.failed]
    person_id, company_id = made.entity_ids[:2]
    row = await _row(at, "account", company_id, "telephone1", "_primarycontactid_value")
    assert (row["telephone1"], row["_primarycontactid_value"]) == ("1", person_id)


@BOOK.works("batch.changeset that fails writes nothing")
async def change_set_rolled_back(at: World) -> None:
    batch = at.client.batch.new()
    async with _change_set(batch) as changes:
        changes.records.create("account", {"name": "Must not stay"})
        changes.records.create("account", {"name": "x", "nosuchcolumn": 1})
    made = await at.done(batch.execute(continue_on_error=True))
    assert made.has_errors
    assert made.failed[0].error_code == "0x80048d19"
    assert len(await at.done(at.client.records.list("account", filter="name eq 'Must not stay'"))) == 0


@BOOK.works("batch.execute with and without continue_on_error")
async def continued(at: World) -> None:
    def batch() -> Any:
        made = at.client.batch.new()
        made.records.create("account", {"name": "x", "nosuchcolumn": 1})
        made.records.create("account", {"name": "After a failure"})
        return made

    going_on = await at.done(batch().execute(continue_on_error=True))
    assert [each.status_code for each in going_on.responses] == [400, 204]
    assert going_on.failed[0].error_code == "0x80048d19"
    stopped = await at.done(batch().execute())
    assert [each.status_code for each in stopped.responses] == [400]
    found = await at.done(at.client.records.list("account", filter="name eq 'After a failure'"))
    assert len(found) == 1


@BOOK.works("batch.dataframe: create, update, delete")
async def frames(at: World) -> None:
    batch = at.client.batch.new()
    batch.dataframe.create("account", pd.DataFrame([{"name": "Frame in batch"}, {"name": "Frame in batch"}]))
    made = await at.done(batch.execute())
    ids = made.responses[0].data["Ids"]
    again = at.client.batch.new()
    again.dataframe.update("account", pd.DataFrame({"accountid": ids, "telephone1": ["1", "2"]}), "accountid")
    assert not (await at.done(again.execute())).has_errors
    assert [(await _row(at, "account", each, "telephone1"))["telephone1"] for each in ids] == ["1", "2"]
    last = at.client.batch.new()
    last.dataframe.delete("account", pd.Series(ids), use_bulk_delete=False)
    assert not (await at.done(last.execute())).has_errors


@BOOK.works("batch.tables: create, get, list, columns, relationships, delete")
async def tables(at: World) -> None:
    batch = at.client.batch.new()
    batch.tables.create("new_Shrub", {"new_Code": "string"}, solution="Trees", display_name="Shrub")
    assert_made(await at.done(batch.execute()))
    batch = at.client.batch.new()
    batch.tables.add_columns("new_Shrub", {"new_Height": "int", "new_Width": "int"})
    batch.tables.create_lookup_field("new_shrub", "new_TreeId", "new_tree")
    batch.tables.create_many_to_many_relationship(
        ManyToManyRelationshipMetadata(
            schema_name="new_shrub_tree", entity1_logical_name="new_shrub", entity2_logical_name="new_tree"
        )
    )
    batch.tables.get("new_Shrub")
    batch.tables.list(filter="SchemaName eq 'new_Shrub'", select=["LogicalName"])
    batch.tables.get_relationship("new_shrub_tree")
    made = assert_made(await at.done(batch.execute()))
    listed, related = made.responses[-2:]
    assert [table["LogicalName"] for table in listed.data["value"]] == ["new_shrub"]
    batch = at.client.batch.new()
    batch.tables.delete_relationship(related.data["value"][0]["MetadataId"])
    batch.tables.remove_columns("new_Shrub", ["new_Height", "new_Width"])
    batch.tables.delete("new_Shrub")
    assert_made(await at.done(batch.execute()))
    assert await at.done(at.client.tables.get("new_Shrub")) is None


def assert_made(result: Any) -> Any:
    """Give the result of a batch in which nothing failed."""
    assert not result.has_errors, [each.error_message for each in result.failed]
    return result


@BOOK.works("batch.tables.create_one_to_many_relationship")
async def one_to_many(at: World) -> None:
    from PowerPlatform.Dataverse.models import LookupAttributeMetadata, OneToManyRelationshipMetadata  # noqa: PLC0415

    label = Label(localized_labels=[LocalizedLabel(label="Gardener", language_code=1033)])
    batch = at.client.batch.new()
    batch.tables.create_one_to_many_relationship(
        LookupAttributeMetadata(schema_name="new_GardenerId", display_name=label),
        OneToManyRelationshipMetadata(
            schema_name="new_Contact_Gardener",
            referenced_entity="contact",
            referencing_entity="new_tree",
            referenced_attribute="contactid",
        ),
    )
    assert_made(await at.done(batch.execute()))
    assert await at.done(at.client.tables.get_column("new_Tree", "new_GardenerId"))
