"""The query options of a request for rows, read and checked; nothing is ignored.

Owns the list of options there are, and the refusal of the rest. Knows no tables.

Source: powerapps-docs …/webapi/query/overview.md ("OData query options", "Unsupported OData query options"),
…/webapi/query/page-results.md, count-rows.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from d365ext.emulator.odata.ast import Expand, Expression, Order
from d365ext.emulator.odata.parser import parse_expand, parse_filter, parse_orderby, parse_select
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.paging import PAGE_ROWS_MAX
from d365ext.emulator.web.http import Request

DIRECT_URL_LENGTH_MAX, BATCH_URL_LENGTH_MAX = 32_768, 65_536
"""Source: …/webapi/query/overview.md, "URL length limitations": of a request of its own, and inside a batch."""
EXPANDS_MAX = 15
PREDEFINED = ("savedQuery", "userQuery", "fetchXml")
_COLLECTION = frozenset({"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$apply", "$skiptoken"})
SINGLE = frozenset({"$select", "$expand"})
_ONLY_COLLECTIONS = frozenset({"$filter", "$orderby", "$count", "$skip", "$top"})


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What a request asks of a collection or of one row."""

    select: tuple[str, ...] | None = None
    filter: Expression | None = None
    orderby: tuple[Order, ...] = ()
    expand: tuple[Expand, ...] = ()
    top: int | None = None
    count: bool = False
    skip_token: str | None = None
    page_rows: int | None = None  # odata.maxpagesize, if it was sent
    aliases: Mapping[str, str] | None = None

    @property
    def limit(self) -> int:
        """The most rows to answer: $top is ignored where a page size is given too."""
        if self.page_rows is not None:
            return self.page_rows
        return min(PAGE_ROWS_MAX, PAGE_ROWS_MAX if self.top is None else self.top)

    @property
    def is_paged(self) -> bool:
        """Whether a nextLink may follow."""
        return self.page_rows is not None or self.top is None


def read_collection_options(request: Request) -> QueryOptions:
    """Read the options of a collection of rows."""
    refuse_unknown(request, _COLLECTION)
    options = request.options
    return QueryOptions(
        select=parse_select(options["$select"]) if "$select" in options else None,
        filter=parse_filter(options["$filter"]) if "$filter" in options else None,
        orderby=parse_orderby(options["$orderby"]) if "$orderby" in options else (),
        expand=_expand(options),
        top=_whole_number(options["$top"], "$top") if "$top" in options else None,
        count=read_truth(options.get("$count", "false")),
        skip_token=options.get("$skiptoken"),
        page_rows=page_rows(request),
        aliases=options,
    )


def read_single_options(request: Request) -> QueryOptions:
    """Read the options of one row."""
    wrong = _ONLY_COLLECTIONS.intersection(request.options)
    if wrong:
        raise Problem.query(
            "The query specified in the URI is not valid. The requested resource is not a collection. Query options "
            "$filter, $orderby, $count, $skip, and $top can be applied only on collections."
        )
    refuse_unknown(request, SINGLE)
    options = request.options
    return QueryOptions(
        select=parse_select(options["$select"]) if "$select" in options else None,
        expand=_expand(options),
        page_rows=page_rows(request),
        aliases=options,
    )


def _expand(options: Mapping[str, str]) -> tuple[Expand, ...]:
    found = parse_expand(options["$expand"]) if "$expand" in options else ()
    if _count(found) > EXPANDS_MAX:
        raise Problem.query(f"A query may have at most {EXPANDS_MAX} $expand options.")
    return found


def _count(items: tuple[Expand, ...]) -> int:
    return sum(1 + _count(item.expand) for item in items)


def refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """Refuse query options that are not known where the request goes."""
    check_url(request, BATCH_URL_LENGTH_MAX)
    for name in request.options:
        if name in known or name.startswith("@"):
            continue
        if name in ("$skip", "$search", "$format"):
            raise Problem.query(f"The query option '{name}' is not supported.")
        raise Problem.not_implemented(f"the query option '{name}'")


def check_url(request: Request, limit: int) -> None:
    """Refuse a URL that is too long. Inferred: the status, 414, of a web server that says so."""
    length = len(request.origin) + len(request.path) + 1 + len(request.query)
    if length > limit:
        raise Problem(414, "", f"The URL has {length:,} characters; {limit:,} are allowed.")


def page_rows(request: Request) -> int | None:
    """Read odata.maxpagesize; more than 5,000 is 5,000.

    Source: …/webapi/query/page-results.md; that a size that is no number above 0 is a 400 is inferred.
    """
    text = request.preferences.get("odata.maxpagesize")
    if text is None:
        return None
    rows = _whole_number(text, "odata.maxpagesize")
    if rows < 1:
        raise Problem.query("The value of the preference 'odata.maxpagesize' must be above 0.")
    return min(rows, PAGE_ROWS_MAX)


def _whole_number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Problem.query(f"Invalid value '{text}' for {name} query option found. It must be a whole number.")
    return int(text)


def read_truth(text: str) -> bool:
    """Read the value of $count."""
    if text not in ("true", "false"):
        raise Problem.query(f"Invalid value '{text}' for $count query option found. Valid values are true and false.")
    return text == "true"
