"""What the local Dataverse refuses by design: files, images, SQL. And the last: the table goes."""

from __future__ import annotations

import asyncio

from ledger import Ledger, Refused, World

BOOK = Ledger()

FILES = "files and images are not kept"
SQL = "the ?sql= endpoint is not played"


@BOOK.refused("files.upload, small", FILES)
async def upload(at: World) -> None:
    path = at.folder / "letter.txt"
    await asyncio.to_thread(path.write_text, "text")
    await at.done(at.client.files.upload("account", at.kept["account"], "new_Letter", str(path)))


@BOOK.refused("files.upload, in chunks", FILES)
async def upload_in_chunks(at: World) -> None:
    path = at.folder / "letter.txt"
    await at.done(at.client.files.upload("account", at.kept["account"], "new_Letter", str(path), mode="chunk"))


@BOOK.refused("tables.add_columns, a file column", FILES)
async def file_column(at: World) -> None:
    await at.done(at.client.tables.add_columns("new_Tree", {"new_Letter": "file"}))


@BOOK.refused("query.sql", SQL)
async def sql(at: World) -> None:
    await at.done(at.client.query.sql("SELECT TOP 1 name FROM account"))


@BOOK.refused("dataframe.sql", SQL)
async def sql_frame(at: World) -> None:
    await at.done(at.client.dataframe.sql("SELECT TOP 1 name FROM account"))


@BOOK.refused("batch.query.sql", SQL)
async def sql_in_batch(at: World) -> None:
    batch = at.client.batch.new()
    batch.query.sql("SELECT TOP 1 name FROM account")
    made = await at.done(batch.execute(continue_on_error=True))
    raise Refused(made.responses[0].status_code, made.responses[0].error_message)


@BOOK.works("tables.delete")
async def delete(at: World) -> None:
    await at.done(at.client.tables.delete("new_Tree"))
    assert await at.done(at.client.tables.get("new_Tree")) is None
