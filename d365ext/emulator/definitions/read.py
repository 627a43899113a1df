"""GET of definitions: walks the path, casts, filters, expands and prints.

Owns the reading of EntityDefinitions, RelationshipDefinitions and GlobalOptionSetDefinitions and all below them.
Source: powerapps-docs …/webapi/query-metadata-web-api.md. Where that page and what real clients rely on differ, both
are kept: a definition read without a cast and without $select shows what its own type has, with its @odata.type
(Microsoft's Python SDK reads relationships so), while $select without a cast and $expand=Attributes know only the
properties of the declared type ("this will only include the common properties").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from d365ext.emulator.definitions import keys_write
from d365ext.emulator.definitions.query import DefinitionQuery, check_select, matcher, read_query, selected
from d365ext.emulator.documents.definition_nodes import Node, NodeSet, navigate, root
from d365ext.emulator.documents.definition_types import NAMESPACE, DefinitionType, definition_type
from d365ext.emulator.documents.labels import shown
from d365ext.emulator.odata.ast import Expand, Segment
from d365ext.emulator.problems import Problem
from d365ext.emulator.routes import resolve
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response


def handle(session: Session, segments: list[Segment], request: Request) -> Response:
    """Answer a request to a definition set."""
    if request.method not in {"GET", "HEAD"}:
        response = resolve("definitions.write.handle")(session, segments, request)
        assert isinstance(response, Response)  # noqa: S101  routes are ours
        return response
    response = read(session, segments, request)
    if _shows_keys(segments, request) and keys_write.has_pending(session):
        if session.writable:
            keys_write.build_pending(session)
        else:
            with session.org.writing() as writing:
                keys_write.build_pending(writing)
    return response


def _shows_keys(segments: list[Segment], request: Request) -> bool:
    """Say whether a request looks at keys: then the indexes that wait are built after it has seen them Pending.

    Source: the index of a key is made by a system job (keys_write.py); that the job runs after the first look is ours,
    so that a client meets both states.
    """
    return any(each.name == "Keys" for each in segments) or "Keys" in request.options.get("$expand", "")


def read(session: Session, segments: list[Segment], request: Request) -> Response:
    """Answer a GET of definitions."""
    place = walk(session, segments)
    query = read_query(request)
    if place.property_name is not None:
        return _property(session, place, request)
    if isinstance(place.found, NodeSet):
        return _collection(session, place, query, request)
    if place.found is None:
        return Response.empty()
    if query.filter is not None or query.count:
        raise Problem.query("The query options $filter and $count cannot be applied to a single definition.")
    payload = _render(session, place.found, place.declared, query, is_cast=place.is_cast)
    context = f"{request.root}$metadata#{place.context}{_columns(query)}/$entity"
    return Response.json({"@odata.context": context, **payload})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: definitions, one definition or nothing, and perhaps a property of it."""

    found: NodeSet | Node | None
    declared: DefinitionType
    is_cast: bool
    context: str
    property_name: str | None = None


def walk(session: Session, segments: list[Segment]) -> Place:
    """Follow a path from a definition set."""
    start = root(session, segments[0].name)
    place = Place(start, start.declared, is_cast=False, context=segments[0].name)
    if segments[0].arguments is not None:
        place = _keyed(place, segments[0])
    for segment in segments[1:]:
        place = _step(session, place, segment)
    return place


def _keyed(place: Place, segment: Segment) -> Place:
    if not isinstance(place.found, NodeSet):
        raise Problem.no_resource(segment.name)
    return Place(place.found.find(segment), place.declared, place.is_cast, place.context)


def _step(session: Session, place: Place, segment: Segment) -> Place:
    if segment.is_qualified:
        place = _cast(place, segment.short_name)
        return _keyed(place, segment) if segment.arguments is not None else place
    if not isinstance(place.found, Node) or place.property_name is not None:
        raise Problem.no_resource(segment.name)
    if segment.name in place.declared.properties and segment.arguments is None:
        return Place(place.found, place.declared, place.is_cast, place.context, segment.name)
    if segment.name not in place.declared.navigation:
        raise Problem.no_resource(segment.name)
    found = navigate(session, place.found, segment.name)
    context = f"{place.context}({place.found.document.get('MetadataId')})/{segment.name}"
    if isinstance(found, NodeSet):
        next_place = Place(found, found.declared, is_cast=False, context=context)
        return _keyed(next_place, segment) if segment.arguments is not None else next_place
    kind = definition_type(place.declared.navigation[segment.name]) if found is None else found.kind
    return Place(found, kind, is_cast=True, context=context)


def _cast(place: Place, name: str) -> Place:
    kind = definition_type(name)
    context = f"{place.context}/{NAMESPACE}{name}"
    match place.found:
        case NodeSet() as found:
            kept = NodeSet(tuple(each for each in found.nodes if each.kind.is_a(kind)), kind, found.name)
            return Place(kept, kind, is_cast=True, context=context)
        case Node() as found if found.kind.is_a(kind):
            return Place(found, kind, is_cast=True, context=context)
    raise Problem.no_resource(NAMESPACE + name)


def _columns(query: DefinitionQuery) -> str:
    names = [*(query.select or ()), *(each.path.text for each in query.expand)]
    return f"({','.join(names)})" if names else ""


def _collection(session: Session, place: Place, query: DefinitionQuery, request: Request) -> Response:
    """Answer with a whole set.

    Source: …/query-metadata-web-api.md: GlobalOptionSetDefinitions "does not support the use of the $filter system
    query option"; that the refusal is a 400 with this text is inferred.
    """
    assert isinstance(place.found, NodeSet)  # noqa: S101  handle() has looked
    if place.context == "GlobalOptionSetDefinitions" and query.filter is not None:
        raise Problem.query("The query parameter $filter is not supported on GlobalOptionSetDefinitions")
    matches = matcher(query.filter, place.declared)
    nodes = [node for node in place.found.nodes if matches(node.kind.view(node.document))]
    check_select(query.select, place.declared)
    rows = [_render(session, node, place.declared, query, is_cast=place.is_cast) for node in nodes]
    payload: dict[str, Any] = {"@odata.context": f"{request.root}$metadata#{place.context}{_columns(query)}"}
    if query.count:
        payload["@odata.count"] = len(rows)
    return Response.json({**payload, "value": rows})


def _property(session: Session, place: Place, request: Request) -> Response:
    assert isinstance(place.found, Node) and place.property_name  # noqa: S101, PT018  walk() made it so
    value = shown(place.found.kind.view(place.found.document)[place.property_name], session)
    context = f"{request.root}$metadata#{place.context}({place.found.document['MetadataId']})/{place.property_name}"
    if isinstance(value, dict):
        return Response.json({"@odata.context": context, **value})
    return Response.json({"@odata.context": context, "value": value}) if value is not None else Response.empty()


def _render(
    session: Session, node: Node, declared: DefinitionType, query: DefinitionQuery, *, is_cast: bool
) -> dict[str, Any]:
    check_select(query.select, declared)
    kind = declared if is_cast or query.select is not None else node.kind
    document = selected(kind.view(node.document), query.select)
    payload: dict[str, Any] = shown(document, session, query.languages)
    if node.kind is not declared:
        payload = {"@odata.type": f"#{NAMESPACE}{node.kind.name}", **payload}
    for item in query.expand:
        payload[item.path.text] = _expanded(session, node, declared, item, query)
    return payload


def _expanded(
    session: Session, node: Node, declared: DefinitionType, item: Expand, query: DefinitionQuery
) -> list[dict[str, Any]] | dict[str, Any] | None:
    name = item.path.text
    if name not in declared.navigation:
        raise Problem.no_column(name, declared.name)
    if item.orderby or item.top is not None or item.is_reference:
        raise Problem.query(f"Only $select, $filter and $expand are supported inside $expand={name} on definitions.")
    inner = DefinitionQuery(item.select, item.filter, item.expand, languages=query.languages)
    found = navigate(session, node, name)
    match found:
        case NodeSet():
            matches = matcher(inner.filter, found.declared)
            nodes = [each for each in found.nodes if matches(each.kind.view(each.document))]
            # the common properties only (module docstring): as if cast to the declared type
            return [_render(session, each, found.declared, inner, is_cast=True) for each in nodes]
        case Node():
            return _render(session, found, found.kind, inner, is_cast=True)
    return None
