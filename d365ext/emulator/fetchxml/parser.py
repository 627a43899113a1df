"""FetchXML as frozen dataclasses.

Owns reading the XML, its limits, and the refusal of elements and attributes that are not known. Knows no tables.

Source: powerapps-docs …/developer/data-platform/fetchxml/reference/: fetch, entity, attribute, link-entity, filter,
condition, order, value (.md). Hints to SQL Server (no-lock, latematerialize, options) change nothing about the answer
and are accepted for that reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from d365ext.emulator.odata.sql import JOINS_MAX, too_many_conditions, too_many_joins
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.paging import PAGE_ROWS_MAX

CODE = "0x80041113"
"""Source: powerapps-docs …/reference/web-service-error-codes.md, QueryBuilder…/InvalidFetchXml family; that every
mistake of this kind carries it is inferred."""
LIMIT = 500
DEPTH_MAX = 40
JOINS = frozenset({"inner", "outer", "natural", "exists", "in", "matchfirstrowusingcrossapply"})
FILTER_JOINS = frozenset({"any", "not any", "all", "not all"})
_FETCH = frozenset(
    {"version", "mapping", "output-format", "distinct", "no-lock", "top", "count", "page", "paging-cookie", "aggregate"}
    | {"aggregatelimit", "returntotalrecordcount", "useraworderby", "latematerialize", "options", "utc-offset"}
    | {"savedqueryid", "userqueryid"}
)
_ATTRIBUTE = frozenset({"name", "alias", "aggregate", "groupby", "dategrouping", "distinct", "usertimezone", "build"})
_LINK = frozenset({"name", "from", "to", "alias", "link-type", "visible", "intersect"})
_CONDITION = frozenset(
    {"attribute", "operator", "value", "valueof", "entityname", "uiname", "uitype", "uihidden", "column"}
)
_FILTER = frozenset({"type", "isquickfindfields", "hint"})
_ORDER = frozenset({"attribute", "alias", "descending", "entityname"})
AGGREGATES = frozenset({"count", "countcolumn", "sum", "avg", "min", "max"})
DATE_GROUPINGS = frozenset({"day", "week", "month", "quarter", "year", "fiscal-period", "fiscal-year"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column to return."""

    name: str
    alias: str | None = None
    aggregate: str | None = None
    is_group: bool = False
    date_grouping: str | None = None
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class OrderElement:
    """A column to sort by: of this entity, of another by alias, or an output column by its alias."""

    attribute: str | None
    alias: str | None
    entity: str | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `of_column` is the column it is compared with instead of values."""

    entity: str | None
    attribute: str
    operator: str
    values: tuple[str, ...] = ()
    of_column: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions, nested filters and conditions on related rows, all or any of which must hold."""

    is_or: bool
    terms: tuple[Condition | Filter | Link, ...]


@dataclass(frozen=True, slots=True)
class Entity:
    """A table of the query: what it returns, how it sorts, filters and what is joined to it."""

    name: str
    attributes: tuple[Attribute, ...] = ()
    all_attributes: bool = False
    no_attributes: bool = False
    orders: tuple[OrderElement, ...] = ()
    filters: tuple[Filter, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A joined table."""

    entity: Entity
    own_column: str  # "from": of the joined table
    parent_column: str  # "to": of the table it hangs on
    alias: str | None
    join: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """A whole query."""

    entity: Entity
    is_distinct: bool = False
    is_aggregate: bool = False
    top: int | None = None
    count: int | None = None
    page: int = 1
    cookie: str | None = None
    aggregate_limit: int | None = None
    counts_all: bool = False
    raw_order: bool = False


def parse_fetch(text: str) -> Fetch:
    """Parse FetchXML; 400 for malformed XML and for what the language does not have.

    >>> parse_fetch("<fetch top='3'><entity name='account'><attribute name='name'/></entity></fetch>").top
    3
    """
    try:
        root: Element = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as cause:
        raise wrong(f"The FetchXML is not well-formed: {cause}.") from cause
    if root.tag != "fetch":
        raise wrong(f"The root element of a FetchXML query is 'fetch', not '{root.tag}'.")
    _check_limits(root)
    given = _attributes(root, _FETCH)
    entities = [child for child in root if child.tag == "entity"]
    if len(entities) != 1 or len(root) != 1:
        raise wrong("A 'fetch' element holds exactly one 'entity' element.")
    fetch = Fetch(
        entity=_entity(entities[0], frozenset({"name", "enableprefiltering", "prefilterparametername"})),
        is_distinct=_truth(given, "distinct"),
        is_aggregate=_truth(given, "aggregate"),
        top=_number(given, "top"),
        count=_number(given, "count"),
        page=_number(given, "page") or 1,
        cookie=given.get("paging-cookie") or None,
        aggregate_limit=_number(given, "aggregatelimit"),
        counts_all=_truth(given, "returntotalrecordcount"),
        raw_order=_truth(given, "useraworderby"),
    )
    _check_combinations(fetch)
    return fetch


def wrong(message: str) -> Problem:
    """Make the 400 for a mistake in FetchXML."""
    return Problem(400, CODE, message)


def _check_limits(root: Element) -> None:
    """Source: …/fetchxml/filter-rows.md, "Condition limits"; …/fetchxml/join-tables.md, "Limitations"."""
    links = conditions = 0
    below: list[tuple[Element, int]] = [(root, 1)]
    while below:
        element, depth = below.pop()
        if depth > DEPTH_MAX:
            raise wrong(f"The FetchXML is nested more than {DEPTH_MAX} levels deep.")
        links += element.tag == "link-entity"
        conditions += element.tag == "condition"
        below.extend((child, depth + 1) for child in element)
    if links > JOINS_MAX:
        raise too_many_joins()
    if links + conditions > LIMIT:
        raise too_many_conditions()


def _check_combinations(fetch: Fetch) -> None:
    """Source: …/fetchxml/page-results.md and count-rows.md: top goes with neither paging nor the total count."""
    if fetch.top is not None and (fetch.count is not None or fetch.page > 1 or fetch.cookie is not None):
        raise wrong("The top attribute can't be specified with paging attributes.")
    if fetch.top is not None and fetch.counts_all:
        raise wrong("The top attribute can't be specified with returntotalrecordcount.")
    if (fetch.top or 0) > PAGE_ROWS_MAX or (fetch.aggregate_limit or 0) > 50_000:
        raise wrong("The value of top is at most 5,000, that of aggregatelimit at most 50,000.")


def _attributes(element: Element, known: frozenset[str]) -> Mapping[str, str]:
    for name in element.attrib:
        if name not in known:
            raise Problem.not_implemented(f"the attribute '{name}' of the FetchXML element '{element.tag}'")
    return element.attrib


def _required(element: Element, given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise wrong(f"The FetchXML element '{element.tag}' needs the attribute '{name}'.")
    return value


def _truth(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value.casefold() not in ("true", "false", "1", "0"):
        raise wrong(f"The attribute '{name}' must be true or false, not '{value}'.")
    return value.casefold() in ("true", "1")


def _number(given: Mapping[str, str], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) < 1:
        raise wrong(f"The attribute '{name}' must be a whole number above 0, not '{value}'.")
    return int(value)


def _entity(element: Element, known: frozenset[str]) -> Entity:
    given = _attributes(element, known)
    attributes, orders, filters, links, everything, nothing = [], [], [], [], False, False
    for child in element:
        match child.tag:
            case "attribute":
                attributes.append(_attribute(child))
            case "all-attributes":
                everything = True
            case "no-attrs":
                nothing = True
            case "order":
                orders.append(_order(child))
            case "filter":
                filters.append(_filter(child))
            case "link-entity":
                links.append(_link(child, JOINS))
            case other:
                raise wrong(f"The FetchXML element '{element.tag}' can't hold '{other}'.")
    name = _required(element, given, "name")
    return Entity(name, tuple(attributes), everything, nothing, tuple(orders), tuple(filters), tuple(links))


def _attribute(element: Element) -> Attribute:
    given = _attributes(element, _ATTRIBUTE)
    aggregate, grouping = given.get("aggregate"), given.get("dategrouping")
    if aggregate is not None and aggregate not in AGGREGATES:
        raise wrong(f"'{aggregate}' is not an aggregate function.")
    if grouping is not None and grouping not in DATE_GROUPINGS:
        raise wrong(f"'{grouping}' is not a date grouping.")
    return Attribute(
        name=_required(element, given, "name"),
        alias=given.get("alias") or None,
        aggregate=aggregate,
        is_group=_truth(given, "groupby"),
        date_grouping=grouping,
        is_distinct=_truth(given, "distinct"),
    )


def _order(element: Element) -> OrderElement:
    given = _attributes(element, _ORDER)
    if not given.get("attribute") and not given.get("alias"):
        raise wrong("An 'order' element needs an attribute or an alias.")
    return OrderElement(
        given.get("attribute") or None,
        given.get("alias") or None,
        given.get("entityname") or None,
        _truth(given, "descending"),
    )


def _filter(element: Element) -> Filter:
    given = _attributes(element, _FILTER)
    kind = given.get("type", "and").casefold()
    if kind not in ("and", "or"):
        raise wrong(f"The type of a filter is 'and' or 'or', not '{kind}'.")
    terms: list[Condition | Filter | Link] = []
    for child in element:
        match child.tag:
            case "condition":
                terms.append(_condition(child))
            case "filter":
                terms.append(_filter(child))
            case "link-entity":
                terms.append(_link(child, FILTER_JOINS))
            case other:
                raise wrong(f"A 'filter' element can't hold '{other}'.")
    return Filter(kind == "or", tuple(terms))


def _condition(element: Element) -> Condition:
    given = _attributes(element, _CONDITION)
    values = [child.text or "" for child in element if child.tag == "value"]
    if len(values) < len(element):
        raise wrong("A 'condition' element holds 'value' elements only.")
    if "value" in given:
        values.insert(0, given["value"])
    return Condition(
        entity=given.get("entityname") or None,
        attribute=_required(element, given, "attribute"),
        operator=_required(element, given, "operator"),
        values=tuple(values),
        of_column=given.get("valueof") or None,
    )


def _link(element: Element, joins: frozenset[str]) -> Link:
    known = _LINK | {"enableprefiltering", "prefilterparametername"}
    entity = _entity(element, known)
    given = element.attrib
    join = given.get("link-type", "inner")
    if join not in joins:
        raise wrong(f"The link-type '{join}' can't stand here; what can: {', '.join(sorted(joins))}.")
    return Link(
        entity,
        own_column=_required(element, given, "from"),
        parent_column=_required(element, given, "to"),
        alias=given.get("alias") or None,
        join=join,
    )
