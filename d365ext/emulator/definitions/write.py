"""Writes of definitions: which path and verb mean which change.

Owns the dispatch of POST, PUT, PATCH and DELETE below the definition sets. Must not change anything itself.
Source: powerapps-docs …/webapi/create-update-entity-definitions-using-web-api.md: PUT replaces, "you can't use the
PATCH method to update data model entities"; DELETE: …/webapi/create-update-optionsets.md and the samples. An address
may end in a cast to the type it has (OData 4.0 part 2 §4.11; npm dynamics-web-api 2.5.0 sends its PUT so).
"""

from __future__ import annotations

from d365ext.emulator.definitions import choices_write, columns_write, keys_write, relationships_write, tables_write
from d365ext.emulator.definitions.change import Change
from d365ext.emulator.definitions.read import Place, walk
from d365ext.emulator.documents.definition_nodes import Node, NodeSet
from d365ext.emulator.odata.ast import Segment
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response


def handle(session: Session, segments: list[Segment], request: Request) -> Response:
    """Answer a write to a definition set or something in it."""
    place = walk(session, segments)
    change = Change.of(session, request, segments[-1].name if segments[-1].is_qualified else "")
    match place.found:
        case NodeSet() if request.method == "POST" and not place.is_cast:
            return _create(change, segments, place)
        case Node() as node if request.method in {"PUT", "DELETE"} and place.property_name is None:
            return _change(change, segments, node)
    raise Problem.wrong_method(request.method, "definitions are created by POST, replaced by PUT, removed by DELETE")


def _create(change: Change, segments: list[Segment], place: Place) -> Response:
    match [each.name for each in segments]:
        case ["EntityDefinitions"]:
            return tables_write.create(change)
        case ["EntityDefinitions", "Attributes"]:
            return columns_write.create(change, _table(change, segments))
        case ["EntityDefinitions", "Keys"]:
            return keys_write.create(change, _table(change, segments))
        case ["RelationshipDefinitions"]:
            return relationships_write.create(change)
        case ["GlobalOptionSetDefinitions"]:
            return choices_write.create(change)
    raise Problem.not_implemented(f"POST {place.context}")


def _change(change: Change, segments: list[Segment], node: Node) -> Response:
    is_put = change.request.method == "PUT"
    names = [each.name for each in segments if not each.is_qualified]
    match names:
        case ["EntityDefinitions"]:
            return tables_write.replace(change, node) if is_put else tables_write.delete(change, node)
        case ["EntityDefinitions", "Attributes"]:
            return columns_write.replace(change, node) if is_put else columns_write.delete(change, node)
        case ["EntityDefinitions", "Keys"] if not is_put:
            return keys_write.delete(change, node)
        case ["RelationshipDefinitions"]:
            return relationships_write.replace(change, node) if is_put else relationships_write.delete(change, node)
        case ["GlobalOptionSetDefinitions"]:
            return choices_write.replace(change, node) if is_put else choices_write.delete(change, node)
    raise Problem.not_implemented(f"{change.request.method} {'/'.join(names)}")


def _table(change: Change, segments: list[Segment]) -> Node:
    found = walk(change.session, segments[:1]).found
    assert isinstance(found, Node)  # noqa: S101  a segment follows it, so it was addressed by a key
    return found
