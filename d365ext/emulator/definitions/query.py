"""$select, $filter and $expand over definition documents, in memory.

Owns the query options of the definition sets and their particular limits. Must not know where documents are.
Source: powerapps-docs developer/data-platform/webapi/query-metadata-web-api.md: no paging, MetadataId is always
returned, $filter on primitive and enumeration values and on a complex value by the path to its primitive, not on
labels; $select of a derived type's property needs a cast. That page wants the enumeration's name before the text;
services take the text alone as well (field reports of `AttributeType eq 'Lookup'` with its answer; Microsoft's Python
SDK 1.1.0 asks so in query.sql_columns).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from d365ext.emulator.documents.definition_types import NAMESPACE, DefinitionType, is_enum, model
from d365ext.emulator.odata.ast import Alias, And, Call, Compare, EnumMember, Expand, Expression, Literal, Not, Or, Path
from d365ext.emulator.odata.parser import parse_expand, parse_filter, parse_select, parse_value
from d365ext.emulator.problems import Problem
from d365ext.emulator.web.http import Request

Document: TypeAlias = Mapping[str, Any]
_ALLOWED = {"$select", "$filter", "$expand", "$count", "LabelLanguages"}


@dataclass(frozen=True, slots=True)
class DefinitionQuery:
    """What a GET of definitions asks for."""

    select: tuple[str, ...] | None = None
    filter: Expression | None = None
    expand: tuple[Expand, ...] = ()
    count: bool = False
    languages: frozenset[int] | None = None  # None: every language


def read_query(request: Request) -> DefinitionQuery:
    """Read the query options of a definitions request; what cannot be honoured is refused.

    Source: …/query-metadata-web-api.md has no paging, so $top and $orderby have no meaning; that they are refused,
    and the words, are inferred. LabelLanguages: …/webapi/retrieve-metadata-name-metadataid.md family, [inferred shape
    "1033,1035"].
    """
    options = request.options
    for name in options:
        if name.startswith("@") or name in _ALLOWED:
            continue
        if name.startswith("$"):
            raise Problem.query(f"The query parameter {name} is not supported")
        raise Problem.not_implemented(f"the query option '{name}' on definitions")
    languages = options.get("LabelLanguages")
    if languages is not None and not all(part.strip().isdigit() for part in languages.split(",")):
        raise Problem.query(f"LabelLanguages must be language codes separated by commas, not '{languages}'.")
    return DefinitionQuery(
        select=parse_select(options["$select"]) if "$select" in options else None,
        filter=_without_aliases(parse_filter(options["$filter"]), options) if "$filter" in options else None,
        expand=parse_expand(options["$expand"]) if "$expand" in options else (),
        count=options.get("$count") == "true",
        languages=frozenset(int(part) for part in languages.split(",")) if languages else None,
    )


def _without_aliases(node: Expression, options: Mapping[str, str]) -> Expression:
    """Put the values of parameter aliases in their place; 400 for one that has none."""
    match node:
        case And(terms):
            return And(tuple(_without_aliases(term, options) for term in terms))
        case Or(terms):
            return Or(tuple(_without_aliases(term, options) for term in terms))
        case Not(term):
            return Not(_without_aliases(term, options))
        case Compare(operator, left, right):
            return Compare(operator, _without_aliases(left, options), _without_aliases(right, options))
        case Alias(name):
            if f"@{name}" not in options:
                raise Problem.query(f"The parameter alias '@{name}' has no value.")
            return parse_value(options[f"@{name}"])
    return node


def check_select(select: tuple[str, ...] | None, kind: DefinitionType) -> None:
    """Refuse a $select that names no property of the type.

    Source: …/query-metadata-web-api.md ("you must cast the Attributes … to the type you want").
    """
    for name in select or ():
        if name not in kind.properties and name != "*":
            raise Problem.no_column(name, kind.name)


def selected(document: dict[str, Any], select: tuple[str, ...] | None) -> dict[str, Any]:
    """Keep the selected properties, and MetadataId, which "is always returned"."""
    if select is None or "*" in select:
        return document
    kept = {name: document[name] for name in select if name in document}
    kept["MetadataId"] = document.get("MetadataId")
    return kept


def matcher(filter_: Expression | None, kind: DefinitionType) -> Callable[[Document], bool]:
    """Make the test that $filter describes, checked against the type.

    Source: "The startswith function isn't supported for Metadata Entities." with 501 and 0x8006088a: field reports
    (data-plane.md §2.3).
    """
    if filter_ is None:
        return lambda _: True
    return _predicate(filter_, kind)


def _predicate(node: Expression, kind: DefinitionType) -> Callable[[Document], bool]:
    match node:
        case And(terms):
            every = [_predicate(term, kind) for term in terms]
            return lambda document: all(test(document) for test in every)
        case Or(terms):
            some = [_predicate(term, kind) for term in terms]
            return lambda document: any(test(document) for test in some)
        case Not(term):
            test = _predicate(term, kind)
            return lambda document: not test(document)
        case Compare(operator, left, right):
            return _comparison(operator, left, right, kind)
        case Path():
            return _comparison("eq", node, Literal(value=True), kind)
        case Call(name, _):
            raise Problem(501, "0x8006088a", f'The "{name}" function isn\'t supported for Metadata Entities.')
    raise Problem.not_implemented("this $filter on definitions")


def _comparison(operator: str, left: Expression, right: Expression, kind: DefinitionType) -> Callable[[Document], bool]:
    if isinstance(left, Literal) and isinstance(right, Path):
        mirrored = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
        return _comparison(mirrored.get(operator, operator), right, left, kind)
    if not (isinstance(left, Path) and isinstance(right, Literal)):
        raise Problem.not_implemented("a comparison other than of a property with a constant on definitions")
    type_name = _property_type(left, kind)
    wanted = _constant(right, type_name, operator)
    compare = _OPERATORS[operator]
    parts = left.parts

    def test(document: Document) -> bool:
        found: Any = document
        for part in parts:
            found = found.get(part) if isinstance(found, Mapping) else None
        return compare(found, wanted)

    return test


def _property_type(path: Path, kind: DefinitionType) -> str:
    found = kind.properties.get(path.parts[0])
    if found is None:
        raise Problem.no_column(path.parts[0], kind.name)
    head = found.type
    if head == "Label":
        raise Problem.query(f"The property '{path.parts[0]}' is a label: labels cannot be used in $filter.")
    if len(path.parts) == 1:
        if not head.startswith("Edm.") and not is_enum(head):
            raise Problem.query(
                f"The property '{path.text}' has the complex type '{NAMESPACE}{head}': "
                f"use the path to its primitive value, as in {path.text}/Value."
            )
        return head
    inner: str | None = model()["complex"].get(head, {}).get(path.parts[1])
    if inner is None or len(path.parts) > 2:
        raise Problem.no_column(path.text, kind.name)
    return inner


def _constant(literal: Literal, type_name: str, operator: str) -> Any:
    value = literal.value
    if isinstance(value, EnumMember):
        return value.members
    if is_enum(type_name) and isinstance(value, str):
        if value not in model()["enums"][type_name]:
            raise Problem.query(f"The string '{value}' is not a valid enumeration type constant.")
        return value
    if is_enum(type_name) and value is not None:
        raise Problem.query(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{NAMESPACE}{type_name}' and '{_edm(value)}' for operator kind '{_KINDS[operator]}'."
        )
    if isinstance(value, UUID):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value


def _edm(value: object) -> str:
    match value:
        case bool():
            return "Edm.Boolean"
        case int():
            return "Edm.Int32"
        case str():
            return "Edm.String"
    return "Edm.Guid" if isinstance(value, UUID) else "Edm.Decimal"


_KINDS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and test(left, right)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": _ordered(lambda left, right: left > right),
    "ge": _ordered(lambda left, right: left >= right),
    "lt": _ordered(lambda left, right: left < right),
    "le": _ordered(lambda left, right: left <= right),
}
