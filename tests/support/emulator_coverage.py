"""Make docs/emulator-coverage.md of what the local Dataverse answers and what it refuses, with the sources it cites.

Made from the table of routes, the query functions, the operators of FetchXML and the types of columns:

    PYTHONPATH=tests python -m support.emulator_coverage      # writes the page; tests/house holds it to be up to date
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from d365ext.emulator import Emulator, EmulatorSettings, app, operations, routes
from d365ext.emulator.documents import new_columns
from d365ext.emulator.fetchxml import parser
from d365ext.emulator.odata import functions, sql
from d365ext.emulator.queries import apply, query_options
from d365ext.emulator.queries.conditions import OPERATORS
from d365ext.emulator.store.schema import UNSTORED_TYPES, ColumnType
from d365ext.emulator.web import faults

PAGE = Path(__file__).parents[2] / "docs" / "emulator-coverage.md"
REFERENCE = "learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/"
_PAGES = re.compile(
    r"learn\.microsoft\.com/[\w./…-]*\w|powerapps-docs(?: developer)?[ /][\w./…-]*\w|…/[\w./-]*\w|OData (?:CSDL )?4\.0"
)
_NOT_A_PAGE_OF_ITS_OWN = ("…/includes/data-service-error-codes.md", "…/webapi")

# In the table of routes so that they are refused with a reason of their own.
_REFUSED_ROUTES = {
    "DeleteMultiple": "of elastic tables, and there are none",
    "ManagedPropertyDefinitions": "",
}
# Source of all names: powerapps-docs …/developer/data-platform/fetchxml/reference/operators.md.
_FETCHXML_OPERATORS = """
    above begins-with between contain-values ends-with eq eq-businessid eq-or-above eq-or-under eq-userid
    eq-userlanguage eq-useroruserhierarchy eq-useroruserhierarchyandteams eq-useroruserteams eq-userteams ge gt in
    in-fiscal-period in-fiscal-period-and-year in-fiscal-year in-or-after-fiscal-period-and-year
    in-or-before-fiscal-period-and-year last-fiscal-period last-fiscal-year last-month last-seven-days last-week
    last-x-days last-x-fiscal-periods last-x-fiscal-years last-x-hours last-x-months last-x-weeks last-x-years
    last-year le like lt ne ne-businessid ne-userid neq next-fiscal-period next-fiscal-year next-month
    next-seven-days next-week next-x-days next-x-fiscal-periods next-x-fiscal-years next-x-hours next-x-months
    next-x-weeks next-x-years next-year not-begin-with not-between not-contain-values not-end-with not-in not-like
    not-null not-under null olderthan-x-days olderthan-x-hours olderthan-x-minutes olderthan-x-months
    olderthan-x-weeks olderthan-x-years on on-or-after on-or-before this-fiscal-period this-fiscal-year this-month
    this-week this-year today tomorrow under yesterday
"""
_OTHER_OPTIONS = {
    "$skip, $search, $format": ("refused", "as by the platform, with 400", "…/webapi/query/overview.md"),
    "sql": ("refused", "501", "…/webapi/query/sql.md"),
    "partitionId": ("refused", "501: elastic tables", "…/data-platform/use-elastic-tables"),
    "tag": ("refused", "501: there are no plug-ins to read it", "…/data-platform/optional-parameters"),
}
_FEATURES = (
    ("rows: create, retrieve, update, upsert, delete, one property", "answered", "rows.requests"),
    ("conditions: If-Match, If-None-Match", "answered", "rows.requests"),
    ("links: $ref of single and collection-valued navigation properties", "answered", "rows.links"),
    ("deep insert", "answered", "rows.writes"),
    ("change tracking: Prefer: odata.track-changes, delta links", "answered", "messages.changes"),
    ("saved and user queries: savedQuery, userQuery, fetchXml", "answered", "fetchxml.predefined"),
    ("alternate keys, built in the background", "answered", "definitions.keys_write"),
    ("users, roles, business units, impersonation", "answered", "security.privileges"),
    ("service protection limits", "answered on request", "web.limits"),
    ("exchange rates and _base columns", "answered", "rows.currency"),
)
_REFUSED_FEATURES = (
    ("files and images", "columns can be read as definitions; values are refused"),
    ("sharing, access teams, hierarchy security", ""),
    ("solution files (ImportSolution, ExportSolution)", "POST /_emulator/managed stands in for a managed import"),
    ("plug-ins, workflows, business rules, rollup and formula columns", "none run; their definitions are refused"),
    ("duplicate detection, auditing", "MSCRM.SuppressDuplicateDetection is accepted: nothing is ever detected"),
    ("elastic and virtual tables", ""),
    ("background operations (Prefer: respond-async)", ""),
)


def page() -> str:
    """Give the whole page."""
    parts = [
        "# What the local Dataverse answers",
        "Made by `PYTHONPATH=tests python -m support.emulator_coverage` from the code; do not edit it. *Refused* means "
        "501 with the name of the thing, unless it says otherwise. The source is the first page of Microsoft's "
        "documentation that the code cites (`…` stands for a part of its address); the module's docstring has the rest "
        "and says what is inferred. How to use it: [emulator.md](emulator.md).",
        *_section("In general", ("feature", "", "source"), _general()),
        *_section("Actions and functions", ("name", "", "how", "source"), _operations()),
        *_section("Neighbouring services", ("address", "", "what"), _services()),
        *_section("Query options of rows", ("option", "", "where", "source"), _options()),
        *_section("$filter", ("function", ""), _filter_functions()),
        *_section("$apply", ("what", "", "names"), _apply()),
        *_section("FetchXML", ("what", "", "names"), _fetchxml()),
        *_section("Types of columns", ("type", "in definitions", "created", "values"), _column_types()),
        *_section("Standard tables", ("table", "entity set", "columns", "rules of its own"), _tables()),
        *_section("Routes of its own", ("route", "what"), _admin()),
        *_section("Faults to order", ("kind", "what it does"), _faults()),
        *_section("Settings", ("setting", "default", "what it decides"), _settings()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> tuple[str, str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return f"## {title}", "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _source(documented: str | None) -> str:
    """Give the first page that a docstring cites after the word Source, before what it says is inferred."""
    begun = re.search(r"\bSources?\b", documented or "")
    if documented is None or begun is None:
        return ""
    text = re.split(r"\bInferred\b", documented[begun.start() :])[0]
    text = re.sub(r"\s+", " ", re.sub(r"-\n\s*", "-", text))
    return next((found for found in _PAGES.findall(text) if found not in _NOT_A_PAGE_OF_ITS_OWN), "")


def _source_of_route(route: str, name: str) -> str:
    handler = routes.resolve(route)
    own = _source(handler.__doc__) or _source(sys.modules[handler.__module__].__doc__)
    return own or f"{REFERENCE}{name.lower()}"


def _general() -> Iterator[tuple[str, ...]]:
    for feature, state, module in _FEATURES:
        routes.resolve(f"{module}.{_any_function(module)}")  # it is there
        yield feature, state, _source(sys.modules[f"d365ext.emulator.{module}"].__doc__)
    for name, route in {**routes.SPECIAL, **routes.DEFINITION_SETS}.items():
        state = "refused" if name in _REFUSED_ROUTES else "answered"
        yield f"`{name}`", state, _source_of_route(route, name)
    for feature, why in _REFUSED_FEATURES:
        yield feature, "refused", why


def _any_function(module: str) -> str:
    from importlib import import_module  # noqa: PLC0415  only here

    found = import_module(f"d365ext.emulator.{module}")
    return next(name for name, each in vars(found).items() if inspect.isfunction(each))


def _operations() -> Iterator[tuple[str, ...]]:
    kinds: Mapping[str, Mapping[str, str]] = {
        "POST": routes.ACTIONS,
        "GET": routes.FUNCTIONS,
        "POST, bound": routes.BOUND_ACTIONS,
        "GET, bound": routes.BOUND_FUNCTIONS,
    }
    played = {name: (how, route) for how, found in kinds.items() for name, route in found.items()}
    for name in sorted({*played, *operations.KNOWN}):
        if name not in played:
            yield f"`{name}`", "refused", "", f"{REFERENCE}{name.lower()}"
        elif name in _REFUSED_ROUTES:
            yield f"`{name}`", "refused", _REFUSED_ROUTES[name], _source_of_route(played[name][1], name)
        else:
            how, route = played[name]
            yield f"`{name}`", "answered", how, _source_of_route(route, name)


def _services() -> Iterator[tuple[str, ...]]:
    yield "`/api/data/v9.0` to `v9.2`", "answered", "the Web API; all three are the same"
    for address, name in app._OTHER_SERVICES.items():
        yield f"`{address}`", "refused", name


def _options() -> Iterator[tuple[str, ...]]:
    source = _source(query_options.__doc__)
    for name in sorted(query_options._COLLECTION):
        where = "collections, one row" if name in query_options.SINGLE else "collections"
        yield f"`{name}`", "answered", where, source
    for name in query_options.PREDEFINED:
        yield f"`{name}`", "answered", "collections", "…/webapi/retrieve-and-execute-predefined-queries.md"
    yield "`@alias`", "answered", "$filter, $orderby, parameters of functions", source
    for name, (state, why, where) in _OTHER_OPTIONS.items():
        yield f"`{name}`", state, why, where


def _filter_functions() -> Iterator[tuple[str, ...]]:
    plain = ["eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "in", "any", "all"]
    yield " ".join(f"`{name}`" for name in plain), "answered"
    yield " ".join(f"`{name}`" for name in sorted(sql._TEXT_FUNCTIONS)), "answered"
    yield " ".join(f"`{name}`" for name in sorted(sql._STANDARD_FUNCTIONS)), "refused"
    yield " ".join(f"`{name}`" for name in sorted(query_functions())), "answered"
    yield " ".join(f"`{name}`" for name in sorted(functions._REFUSED)), "refused"


def query_functions() -> list[str]:
    """Give the names of the query functions of Microsoft.Dynamics.CRM that are answered."""
    by_operator = {operator: name for name, operator in functions._IRREGULAR.items()}
    found = []
    for operator in set(OPERATORS) - functions._OF_FETCHXML_ONLY:
        words = operator.replace("olderthan", "older-than").split("-")
        found.append(by_operator.get(operator) or "".join(word[:1].upper() + word[1:] for word in words))
    return found


def _apply() -> Iterator[tuple[str, ...]]:
    yield "transformations", "answered", "`filter` `groupby` `aggregate`, in that order"
    yield "methods", "answered", " ".join(f"`{name}`" for name in sorted(apply._METHODS)) + " and `$count`"
    yield "all others", "refused", "by name"


def _fetchxml() -> Iterator[tuple[str, ...]]:
    known = set(_FETCHXML_OPERATORS.split())
    for what, names in {
        "attributes of fetch": parser._FETCH,
        "attributes of attribute": parser._ATTRIBUTE,
        "attributes of link-entity": parser._LINK,
        "link types": parser.JOINS | parser.FILTER_JOINS,
        "attributes of condition": parser._CONDITION,
        "aggregates": parser.AGGREGATES,
        "date groupings": parser.DATE_GROUPINGS,
        "operators": known & set(OPERATORS),
    }.items():
        yield what, "answered", " ".join(f"`{name}`" for name in sorted(names))
    yield "operators", "refused", " ".join(f"`{name}`" for name in sorted(known - set(OPERATORS)))


def _column_types() -> Iterator[tuple[str, ...]]:
    made = set(new_columns._SUPPORTED.values()) | {ColumnType.CUSTOMER}
    by_table = {ColumnType.STATE, ColumnType.STATUS, ColumnType.OWNER, ColumnType.UNIQUEIDENTIFIER}
    for kind in ColumnType:
        created = "yes" if kind in made else "with its table" if kind in by_table else "refused"
        yield f"`{kind}`", "yes", created, "refused" if kind in UNSTORED_TYPES else "yes"


def _tables() -> Iterator[tuple[str, ...]]:
    emulator = Emulator()
    with emulator.organization.reading() as session:
        tables = sorted((table for table in session.schema.tables.values()), key=lambda table: table.logical)
    emulator.close()
    ruled = {*routes.BEFORE_WRITE, *routes.AFTER_WRITE, *routes.BEFORE_DELETE}
    for table in tables:
        rules = "yes" if table.logical in ruled else "many-to-many" if table.is_intersect else ""
        yield f"`{table.logical}`", f"`{table.entity_set}`", str(len(table.columns)), rules


def _admin() -> Iterator[tuple[str, ...]]:
    for name, route in routes.ADMIN.items():
        yield f"`/_emulator/{name}`", _first_sentence(routes.resolve(route).__doc__)


def _first_sentence(documented: str | None) -> str:
    return (documented or "").strip().splitlines()[0]


def _faults() -> Iterator[tuple[str, ...]]:
    for kind, what in re.findall(r"^    (\w+) {2,}(\S.*)$", faults.__doc__ or "", re.MULTILINE):
        assert kind in faults.KINDS
        yield f"`{kind}`", what


def _settings() -> Iterator[tuple[str, ...]]:
    said: list[str] = []
    explained: dict[str, str] = {}
    for line in inspect.getsource(EmulatorSettings).splitlines():
        if comment := re.fullmatch(r"    # (.*)", line):
            said.append(comment[1])
        elif field := re.match(r"    (\w+): .*?(?:  # (.*))?$", line):
            explained[field[1]] = " ".join([*said, *filter(None, [field[2]])])
            said = []
    defaults = EmulatorSettings()
    for each in fields(EmulatorSettings):
        yield f"`{each.name}`", f"`{getattr(defaults, each.name)!r}`", explained[each.name]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
