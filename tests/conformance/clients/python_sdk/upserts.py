"""Rows addressed by an alternate key: created where they are not there, else updated."""

from __future__ import annotations

from ledger import Ledger, World
from PowerPlatform.Dataverse.models import UpsertItem

BOOK = Ledger()


@BOOK.works("records.upsert, one row by alternate key: creates, then updates")
async def upsert(at: World) -> None:
    key = {"accountnumber": "O'Brien-1"}
    for name in ("First", "Second"):
        await at.done(at.client.records.upsert("account", [UpsertItem(alternate_key=key, record={"name": name})]))
    found = await at.done(at.client.records.list("account", filter="accountnumber eq 'O''Brien-1'"))
    assert [row["name"] for row in found] == ["Second"]


@BOOK.works("records.upsert, several rows (UpsertMultiple)")
async def upsert_multiple(at: World) -> None:
    for round_ in ("a", "b"):
        items = [{"alternate_key": {"accountnumber": f"U{n}"}, "record": {"name": f"{round_}{n}"}} for n in range(4)]
        await at.done(at.client.records.upsert("account", items))
    found = await at.done(
        at.client.records.list("account", filter="startswith(accountnumber,'U')", orderby=["accountnumber asc"])
    )
    assert [row["name"] for row in found] == ["b0", "b1", "b2", "b3"]
