"""What the app shows and who may open it.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/create-manage-model-driven-apps-using-code
(AddAppComponents, appmoduleroles_association/$ref). That a table is added as `entity` with its MetadataId is inferred.
"""

from __future__ import annotations

from typing import Any

from d365ext.deploy.ui_change import AddToApp, AppMember, OpenAppTo
from d365ext.deploy.write.writer import Writer
from d365ext.errors import DuplicateKey, RowNotFound
from d365ext.webapi.components import find_row
from d365ext.webapi.query import row_address
from d365ext.webapi.tabledefs import table_address

_TYPE = "Microsoft.Dynamics.CRM."


def add_to_app(writer: Writer, change: AddToApp) -> None:
    components = [_reference(writer, member) for member in change.members]
    body = {"AppId": str(change.app_id), "Components": components}
    writer.client.invoke("AddAppComponents", body, repeatable=True)


def _reference(writer: Writer, member: AppMember) -> dict[str, Any]:
    if not member.id_column:
        table_id = writer.client.get(f"{table_address(member.table)}?$select=MetadataId")["MetadataId"]
        return {"@odata.type": f"{_TYPE}entity", "entityid": table_id}
    row_id = member.id
    if row_id is None:
        app = writer.solution.app
        assert app is not None, "only an app adds to itself"  # noqa: S101 - our own mistake, if ever
        row_id = find_row(writer.client, "sitemaps", member.id_column, f"sitemapnameunique eq '{app.name}'")
        if row_id is None:
            raise RowNotFound(f"The {member.what} is not there.")
    return {"@odata.type": f"{_TYPE}{member.table}", member.id_column: str(row_id)}


def open_app_to(writer: Writer, change: OpenAppTo) -> None:
    client = writer.client
    link = f"{row_address('appmodules', change.app_id)}/appmoduleroles_association/$ref"
    role = f"{client.url}/api/data/v9.2/{row_address('roles', change.role_id)}"
    try:
        client.send("POST", link, json={"@odata.id": role}, repeatable=True)
    except DuplicateKey as already:
        if not already.after_lost_reply:
            raise
