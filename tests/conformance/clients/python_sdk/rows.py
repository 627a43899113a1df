"""Rows: create, retrieve, update, upsert, delete, list; single, in bulk, and as pandas frames."""

from __future__ import annotations

from typing import Any

import pandas as pd
from ledger import Ledger, World
from PowerPlatform.Dataverse.core.errors import HttpError

BOOK = Ledger()

MISSING = "00000000-0000-0000-0000-00000000dead"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"


async def _names(at: World, ids: list[str]) -> list[Any]:
    rows = [await at.done(at.client.records.retrieve("account", each, select=["name"])) for each in ids]
    return [None if row is None else row["name"] for row in rows]


@BOOK.works("records.create, one row")
async def create(at: World) -> None:
    at.kept["account"] = await at.done(at.client.records.create("account", {"name": "Contoso", "revenue": 1234.5}))
    row = await at.done(at.client.records.retrieve("account", at.kept["account"]))
    assert (row["name"], row["revenue"], row["statecode"]) == ("Contoso", 1234.5, 0)


@BOOK.works("records.create, a lookup by @odata.bind")
async def create_with_lookup(at: World) -> None:
    bind = f"/accounts({at.kept['account']})"
    row = {"firstname": "Ada", "lastname": "Byron", "parentcustomerid_account@odata.bind": bind}
    at.kept["contact"] = await at.done(at.client.records.create("contact", row))
    row = await at.done(at.client.records.retrieve("contact", at.kept["contact"]))
    assert row["_parentcustomerid_value"] == at.kept["account"]
    assert row["fullname"] == "Ada Byron"


@BOOK.works("records.create, a choice by its label")
async def create_with_label(at: World) -> None:
    row = {"name": "By label", "accountcategorycode": "Preferred Customer"}
    made = await at.done(at.client.records.create("account", row))
    row = await at.done(at.client.records.retrieve("account", made, select=["accountcategorycode"]))
    assert row["accountcategorycode"] == 1


@BOOK.works("records.create, several rows (CreateMultiple)")
async def create_multiple(at: World) -> None:
    names = [f"Fabrikam {n}" for n in range(7)]
    rows = [{"name": name, "numberofemployees": n} for n, name in enumerate(names)]
    at.kept["many"] = await at.done(at.client.records.create("account", rows))
    assert await _names(at, at.kept["many"]) == names


@BOOK.works("records.create, an unknown column is refused with 400")
async def create_unknown_column(at: World) -> None:
    error = await at.refusal(lambda: at.client.records.create("account", {"name": "x", "nosuchcolumn": 1}), HttpError)
    assert error.status_code == 400
    assert error.details["service_error_code"] == "0x80048d19", error.details
    assert error.details["service_request_id"]


@BOOK.works("records.retrieve with annotations")
async def retrieve(at: World) -> None:
    columns = ["name", "revenue", "statuscode"]
    row = await at.done(
        at.client.records.retrieve("account", at.kept["account"], select=columns, include_annotations="*")
    )
    assert row["statuscode" + FORMATTED] == "Active"
    assert row["revenue" + FORMATTED] == "€1,234.50"
    assert row.etag.startswith('W/"')


@BOOK.works("records.retrieve with $expand")
async def retrieve_expanded(at: World) -> None:
    await at.done(
        at.client.records.update(
            "account", at.kept["account"], {"primarycontactid@odata.bind": f"/contacts({at.kept['contact']})"}
        )
    )
    row = await at.done(
        at.client.records.retrieve("account", at.kept["account"], select=["name"], expand=["primarycontactid"])
    )
    assert row["primarycontactid"]["fullname"] == "Ada Byron"


@BOOK.works("records.retrieve, no such row gives None")
async def retrieve_missing(at: World) -> None:
    assert await at.done(at.client.records.retrieve("account", MISSING)) is None


@BOOK.works("records.get, one row and pages", trees=("sync",))
async def get(at: World) -> None:
    assert at.client.records.get("account", at.kept["account"])["name"] == "Contoso"
    pages = list(at.client.records.get("account", filter="startswith(name,'Fabrikam')", page_size=3))
    assert [len(page) for page in pages] == [3, 3, 1]


@BOOK.works("records.update, one row")
async def update(at: World) -> None:
    await at.done(at.client.records.update("account", at.kept["account"], {"telephone1": "555-0100"}))
    row = await at.done(at.client.records.retrieve("account", at.kept["account"], select=["telephone1"]))
    assert row["telephone1"] == "555-0100"


@BOOK.works("records.update, no such row is refused with 404")
async def update_missing(at: World) -> None:
    error = await at.refusal(lambda: at.client.records.update("account", MISSING, {"name": "x"}), HttpError)
    assert error.status_code == 404
    assert error.details["service_error_code"] == "0x80040217", error.details


@BOOK.works("records.update, the same change to several rows (UpdateMultiple)")
async def update_several(at: World) -> None:
    await at.done(at.client.records.update("account", at.kept["many"], {"address1_city": "Oulu"}))
    found = await at.done(at.client.records.list("account", filter="address1_city eq 'Oulu'", select=["accountid"]))
    assert {row["accountid"] for row in found} == set(at.kept["many"])


@BOOK.works("records.update, its own change to each row (UpdateMultiple)")
async def update_each(at: World) -> None:
    changes = [{"name": f"Renamed {n}"} for n in range(len(at.kept["many"]))]
    await at.done(at.client.records.update("account", at.kept["many"], changes))
    assert await _names(at, at.kept["many"]) == [change["name"] for change in changes]


@BOOK.works("records.delete, one row")
async def delete(at: World) -> None:
    await at.done(at.client.records.delete("account", at.kept["many"][0]))
    assert await at.done(at.client.records.retrieve("account", at.kept["many"][0])) is None


@BOOK.works("records.delete, several rows (BulkDelete), and its job")
async def delete_in_bulk(at: World) -> None:
    job = await at.done(at.client.records.delete("account", at.kept["many"][1:4]))
    assert await _names(at, at.kept["many"][1:4]) == [None, None, None]
    row = await at.done(at.client.records.retrieve("asyncoperation", job, select=["statuscode"]))
    assert row["statuscode"] == 30, "Succeeded"


@BOOK.works("records.delete, several rows one by one")
async def delete_one_by_one(at: World) -> None:
    await at.done(at.client.records.delete("account", at.kept["many"][4:], use_bulk_delete=False))
    assert await _names(at, at.kept["many"][4:]) == [None, None, None]


@BOOK.works("dataframe.create, update, update with empty cells, delete")
async def frames(at: World) -> None:
    frame = pd.DataFrame([{"name": f"Frame {n}", "telephone1": f"{n}"} for n in range(3)])
    frame["accountid"] = await at.done(at.client.dataframe.create("account", frame))
    frame["telephone1"] = ["9", None, "7"]
    changes = frame[["accountid", "telephone1"]]
    await at.done(at.client.dataframe.update("account", changes, id_column="accountid"))
    select, only = ["name", "telephone1"], "startswith(name,'Frame')"
    found = await at.done(at.client.records.list("account", filter=only, select=select, orderby=["name"]))
    assert list(found.to_dataframe()["telephone1"]) == ["9", "1", "7"]
    await at.done(at.client.dataframe.update("account", changes, id_column="accountid", clear_nulls=True))
    found = await at.done(at.client.records.list("account", filter=only, select=select, orderby=["name"]))
    assert [row["telephone1"] for row in found] == ["9", None, "7"]
    await at.done(at.client.dataframe.delete("account", frame["accountid"]))
    assert len(await at.done(at.client.records.list("account", filter=only))) == 0


@BOOK.works("dataframe.get", trees=("sync",))
async def frame_get(at: World) -> None:
    frame = at.client.dataframe.get("account", filter="name eq 'Contoso'", select=["name"], page_size=3)
    assert list(frame["name"]) == ["Contoso"]
    assert list(at.client.dataframe.get("account", at.kept["account"], select=["name"])["name"]) == ["Contoso"]


@BOOK.works("a 429 with Retry-After is told as such")
async def throttled(at: World) -> None:
    at.tell("POST", "faults", {"kind": "status", "status": 429, "retry_after_s": 7, "path": "/contacts"})
    error = await at.refusal(lambda: at.client.records.list("contact", top=1), HttpError)
    assert (error.status_code, error.is_transient, error.details["retry_after"]) == (429, True, 7)
    assert len(await at.done(at.client.records.list("contact", top=1))) == 1
