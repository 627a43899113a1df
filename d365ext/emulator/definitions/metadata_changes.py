"""RetrieveMetadataChanges: definitions by a query that is an object.

Owns the reading of EntityQueryExpression and its answer. What changed since a version stamp is not played: a
ClientVersionStamp is refused by name.
Source: powerapps-docs developer/data-platform/query-schema-definitions.md (MetadataFilterExpression, …Condition…,
MetadataPropertiesExpression, AttributeQuery, RelationshipQuery, KeyQuery, LabelQuery); learn.microsoft.com/…/webapi/
reference/retrievemetadatachanges; conformance.md §2.1: Microsoft's Python SDK reads columns so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from d365ext.emulator.documents.definition_nodes import Node, NodeSet, navigate, root
from d365ext.emulator.documents.definition_types import NAMESPACE, DefinitionType
from d365ext.emulator.documents.labels import shown
from d365ext.emulator.odata.ast import Expression
from d365ext.emulator.odata.function_parameters import json_parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.web.http import Request, Response

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "NotEquals": lambda found, wanted: found != wanted,
    "In": lambda found, wanted: found in wanted,
    "NotIn": lambda found, wanted: found not in wanted,
    "GreaterThan": lambda found, wanted: found is not None and found > wanted,
    "LessThan": lambda found, wanted: found is not None and found < wanted,
}
_NUMBERED = ("Equals", "NotEquals", "In", "NotIn", "GreaterThan", "LessThan")
_INNER = {
    "Attributes": "AttributeQuery",
    "Keys": "KeyQuery",
    "OneToManyRelationships": "RelationshipQuery",
    "ManyToOneRelationships": "RelationshipQuery",
    "ManyToManyRelationships": "RelationshipQuery",
}


def retrieve(session: Session, params: Mapping[str, Expression], request: Request) -> Response:
    """Answer the function."""
    for name in params:
        if name != "Query":
            raise Problem.not_implemented(f"the parameter {name} of RetrieveMetadataChanges")
    query = json_parameter(params, "Query", request)
    if not isinstance(query, Mapping):
        raise Problem.payload("The parameter 'Query' must be an EntityQueryExpression.")
    found = [
        _shown(session, node, query, query)
        for node in root(session, "EntityDefinitions").nodes
        if _matches(query.get("Criteria"), node)
    ]
    return Response.json(
        {
            "@odata.context": f"{request.root}$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse",
            "ServerVersionStamp": f"{session.version}!{session.now_text}",
            "DeletedMetadata": None,
            "EntityMetadata": found,
        }
    )


def _matches(criteria: Mapping[str, Any] | None, node: Node) -> bool:
    """Say whether a definition fits a MetadataFilterExpression."""
    if not criteria:
        return True
    document = node.kind.view(node.document)
    tests = [_holds(each, document, node.kind) for each in criteria.get("Conditions") or ()]
    tests += [_matches(each, node) for each in criteria.get("Filters") or ()]
    is_any = str(criteria.get("FilterOperator", "And")) in {"Or", "1"}
    return any(tests) if is_any else all(tests)


def _holds(condition: Mapping[str, Any], document: Mapping[str, Any], kind: DefinitionType) -> bool:
    name = str(condition.get("PropertyName"))
    if name not in kind.properties and name not in {"MetadataId"}:
        raise Problem.no_column(name, kind.name)
    word = condition.get("ConditionOperator", "Equals")
    operator = _NUMBERED[word] if isinstance(word, int) and 0 <= word < len(_NUMBERED) else str(word)
    if operator not in _OPERATORS:
        raise Problem.payload(f"'{operator}' is no MetadataConditionOperator.")
    value = condition.get("Value")
    wanted = value.get("Value") if isinstance(value, Mapping) else value
    found = document.get(name)
    if isinstance(found, Mapping) and "Value" in found:
        found = found["Value"]
    return _OPERATORS[operator](found, _plain(wanted, kind.properties[name].type))


def _plain(wanted: Any, type_name: str) -> Any:
    """Give a condition's value as documents have it: the SDK's typed values are text."""
    if isinstance(wanted, list):
        return [_plain(each, type_name) for each in wanted]
    if isinstance(wanted, str) and type_name == "Edm.Boolean":
        return wanted.lower() == "true"
    if isinstance(wanted, str) and type_name.startswith("Edm.Int"):
        return int(wanted)
    return wanted


def _shown(
    session: Session, node: Node, query: Mapping[str, Any], whole: Mapping[str, Any], *, typed: bool = False
) -> dict[str, Any]:
    """Give a definition with the properties that its expression names, and what is asked of its parts."""
    properties = query.get("Properties") or {}
    every = bool(properties.get("AllProperties"))
    names: Iterable[str] = properties.get("PropertyNames") or ()
    document = node.kind.view(node.document)
    languages = (whole.get("LabelQuery") or {}).get("FilterLanguages")
    chosen = document if every else {name: document[name] for name in names if name in document}
    payload: dict[str, Any] = shown(
        {**chosen, "MetadataId": document["MetadataId"]}, session, frozenset(languages) if languages else None
    )
    for name in (*node.kind.navigation,):
        if every or name in names:
            payload[name] = _part(session, node, name, whole)
    if typed:
        return {"@odata.type": f"#{NAMESPACE}Complex{node.kind.name}", **payload}
    return payload


def _part(session: Session, node: Node, name: str, whole: Mapping[str, Any]) -> Any:
    found = navigate(session, node, name)
    inner = whole.get(_INNER.get(name, ""))
    match found:
        case NodeSet():
            asked = inner or {"Properties": {"AllProperties": True}}
            return [
                _shown(session, each, asked, whole, typed=True)
                for each in found.nodes
                if _matches(asked.get("Criteria"), each)
            ]
        case Node():
            return _shown(session, found, {"Properties": {"AllProperties": True}}, whole, typed=True)
    return None
