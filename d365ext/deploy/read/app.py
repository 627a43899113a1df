"""What our app shows, and who may open it.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/create-manage-model-driven-apps-using-code
(RetrieveAppComponents, appmoduleroles_association).
"""

from __future__ import annotations

from uuid import UUID

from d365ext.definitions.solution import Solution
from d365ext.errors import RowNotFound
from d365ext.webapi.client import Client
from d365ext.webapi.query import row_address


def read_app(client: Client, solution: Solution) -> tuple[frozenset[tuple[int, UUID]], frozenset[UUID]]:
    """Read the components and the roles of our app; nothing of either if it is not there."""
    if solution.app is None:
        return frozenset(), frozenset()
    address = row_address("appmodules", solution.app.id)
    try:
        client.call(f"{address}/Microsoft.Dynamics.CRM.RetrieveUnpublished()?$select=name")
    except RowNotFound:
        return frozenset(), frozenset()
    listed = client.call(f"RetrieveAppComponents(AppModuleId={solution.app.id})")["value"]
    shown = frozenset((each["componenttype"], UUID(each["objectid"])) for each in listed)
    roles = client.rows(f"{address}/appmoduleroles_association?$select=roleid")
    return shown, frozenset(UUID(row["roleid"]) for row in roles)
