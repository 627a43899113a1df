"""Publishers, solutions and the components that are rows (views, forms, charts …): their texts, membership, publishing.

Source: learn.microsoft.com/power-platform/alm/solution-api (publisher and solution are rows),
…/power-apps/developer/data-platform/reference/entities/solutioncomponent (component types),
…/developer/model-driven-apps/publish-customizations (what waits for publishing, how to read it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

from d365ext.errors import RowNotFound
from d365ext.names import EntitySetName
from d365ext.webapi.batch import Operation, send_batch
from d365ext.webapi.client import Client, Json, Row
from d365ext.webapi.query import Query, literal, row_address

_BOUND = "Microsoft.Dynamics.CRM"
_READ_AT_ONCE = 500


def find_by_name(client: Client, entity_set: str, unique_name: str) -> Row | None:
    """Find a publisher or a solution by its unique name."""
    return next(client.rows(f"{entity_set}?$filter=uniquename%20eq%20{literal(unique_name)}"), None)


def find_row(client: Client, entity_set: str, id_column: str, condition: str) -> UUID | None:
    """Find the id of the row that meets `condition`."""
    query = Query(EntitySetName(entity_set), select=(id_column,), filter=condition)
    row = next(client.rows(query), None)
    return UUID(row[id_column]) if row else None


def component_paths(entity_set: str, row_id: UUID, select: Iterable[str]) -> tuple[str, str]:
    """Say where a component is read as last edited, and as published.

    Source: …/publish-customizations (RetrieveUnpublished is bound to forms, views, charts, web resources, apps).
    """
    columns = f"?$select={','.join(select)}"
    address = row_address(entity_set, row_id)
    return f"{address}/{_BOUND}.RetrieveUnpublished(){columns}", address + columns


def texts_path(entity_set: str, row_id: UUID, attribute: str) -> str:
    """Say where the texts of a component's attribute are read, in all languages, as last edited: a Label.

    Source:  …/webapi/reference/retrieveloclabels (EntityMoniker, AttributeName, IncludeUnpublished).
    """
    moniker = quote(json.dumps({"@odata.id": row_address(entity_set, row_id)}), safe="(){}:\"'@,")
    call = "RetrieveLocLabels(EntityMoniker=@p1,AttributeName=@p2,IncludeUnpublished=@p3)"
    return f"{call}?@p1={moniker}&@p2={literal(attribute)}&@p3=true"


def read_many(client: Client, paths: Sequence[str], *, headers: Mapping[str, str] | None = None) -> list[Json | None]:
    """Read many addresses in few requests; None where there is nothing.

    Effects: one $batch for every 500 addresses; safe to repeat.
    Errors:  the first refusal other than "not found".
    """
    found: list[Json | None] = []
    for start in range(0, len(paths), _READ_AT_ONCE):
        some = paths[start : start + _READ_AT_ONCE]
        for outcome in send_batch(client, [Operation("GET", path, headers=headers or {}) for path in some]):
            if isinstance(outcome.error, RowNotFound):
                found.append(None)
            elif outcome.error is not None:
                raise outcome.error
            else:
                found.append(json.loads(outcome.body, parse_float=Decimal))
    return found


def put_texts(
    client: Client, table: str, id_column: str, row_id: UUID, attribute: str, labels: list[dict[str, Any]]
) -> None:
    """Write the texts of a component's attribute in the languages of `labels`. Safe to repeat.

    Source:  …/webapi/reference/setloclabels.
    """
    moniker = {"@odata.type": f"{_BOUND}.{table}", id_column: str(row_id)}
    body = {"EntityMoniker": moniker, "AttributeName": attribute, "Labels": labels}
    client.invoke("SetLocLabels", body, repeatable=True)


def members(client: Client, solution_id: UUID) -> dict[tuple[int, UUID], int]:
    """List what a solution holds: component type and id → root component behaviour.

    Source:  …/reference/entities/solutioncomponent (`rootcomponentbehavior` 0: with all its parts).
    """
    select = "componenttype,objectid,rootcomponentbehavior"
    rows = client.rows(f"solutioncomponents?$select={select}&$filter=_solutionid_value%20eq%20{solution_id}")
    return {(row["componenttype"], UUID(row["objectid"])): row.get("rootcomponentbehavior") or 0 for row in rows}


def add_member(client: Client, component_type: int, component_id: UUID, *, solution: str, whole: bool) -> None:
    """Put what is there already into a solution, a table with (`whole`) or without its parts. Safe to repeat.

    Source:  …/webapi/reference/addsolutioncomponent.
    """
    body = {
        "ComponentId": str(component_id),
        "ComponentType": component_type,
        "SolutionUniqueName": solution,
        "AddRequiredComponents": False,
        "DoNotIncludeSubcomponents": not whole,
    }
    client.invoke("AddSolutionComponent", body, repeatable=True)


def publish(client: Client, parameter_xml: str) -> None:
    """Publish what `parameter_xml` lists. Safe to repeat; it disturbs the people at work: do it once for many changes.

    Source:  …/developer/model-driven-apps/publish-customizations.
    """
    client.invoke("PublishXml", {"ParameterXml": parameter_xml}, repeatable=True)
