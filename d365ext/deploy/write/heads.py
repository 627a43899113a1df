"""Publisher and solution.

Source: learn.microsoft.com/power-platform/alm/solution-api.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

from d365ext.definitions.solution import SolutionHead
from d365ext.deploy.change import AddToSolution, CreatePublisher, CreateSolution, ModifyPublisher, ModifySolution
from d365ext.deploy.marker import marked
from d365ext.deploy.write.writer import Writer
from d365ext.errors import RowNotFound
from d365ext.webapi.components import add_member, find_by_name
from d365ext.webapi.query import bind, row_address


def fixed_id(what: str, name: str) -> UUID:
    """Choose the id of a row, always the same: so a create that lost its answer can be sent again."""
    return uuid5(NAMESPACE_URL, f"urn:d365ext:{what}:{name}")


def create_publisher(writer: Writer, change: CreatePublisher) -> None:
    publisher = change.publisher
    row = {
        "publisherid": str(fixed_id("publisher", publisher.name)),
        "uniquename": publisher.name,
        "friendlyname": publisher.label,
        "description": publisher.description,
        "customizationprefix": publisher.prefix,
        "customizationoptionvalueprefix": publisher.option_prefix,
    }
    writer.client.create("publishers", row)


def modify_publisher(writer: Writer, change: ModifyPublisher) -> None:
    row = {"friendlyname": change.publisher.label, "description": change.publisher.description}
    writer.client.update(row_address("publishers", change.id), row)


def create_solution(writer: Writer, change: CreateSolution) -> None:
    publisher = find_by_name(writer.client, "publishers", change.publisher)
    if publisher is None:
        raise RowNotFound(f"The publisher {change.publisher} is not there.")
    row = {
        "solutionid": str(fixed_id("solution", change.solution.name)),
        "uniquename": change.solution.name,
        "publisherid@odata.bind": bind("publishers", publisher["publisherid"]),
        **_columns(change.solution),
        "description": marked(change.solution.description),
    }
    writer.client.create("solutions", row)


def modify_solution(writer: Writer, change: ModifySolution) -> None:
    row = {**_columns(change.solution), "description": marked(change.solution.description)}
    writer.client.update(row_address("solutions", change.id), row)


def _columns(solution: SolutionHead) -> dict[str, str]:
    return {"friendlyname": solution.label, "version": solution.version, "description": solution.description}


def describe_solution(writer: Writer, description: str) -> None:
    """Write the solution's description, which carries the mark of an apply under way; nothing if it is not there."""
    row = find_by_name(writer.client, "solutions", writer.solution.solution.name)
    if row is not None and (row.get("description") or "") != description:
        writer.client.update(row_address("solutions", row["solutionid"]), {"description": description})


def add_to_solution(writer: Writer, change: AddToSolution) -> None:
    add_member(writer.client, change.component_type, change.id, solution=writer.into, whole=change.whole)
