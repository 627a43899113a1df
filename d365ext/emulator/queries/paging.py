"""Paging: cookies, and "the rows after this one" as SQL.

Owns the cookie of OData's $skiptoken and of FetchXML, which are the same but for their wrapping: XML that names, for
each column of the order, the value of the first and the last row of the page. Pages are found by these values (keyset),
so that a page costs the same however deep it lies.

Source: powerapps-docs …/webapi/query/page-results.md and …/fetchxml/page-results.md: the shape
<cookie page="1"><accountid last="{…}" first="{…}" /></cookie>, URL-encoded twice inside the outer cookie. The way a
null is written (lastnull) is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import sqlalchemy as sa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.stored_values import Condition

PAGE_ROWS_MAX = 5_000
"""Source: …/webapi/query/page-results.md: "You can't request a page size larger than 5,000"."""
SIMPLE_ROWS_MAX = 50_000
"""Source: …/fetchxml/page-results.md, "Simple paging"."""


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One column of the order: its name in the cookie, its SQL, its direction."""

    name: str
    sql: sa.ColumnElement[Any]
    descending: bool = False
    kind: str = "text"  # text | number | id: how its values are written in a cookie


@dataclass(frozen=True, slots=True)
class Cookie:
    """Where a page ended: its number, and the values of the last row in the order's columns."""

    page: int
    last: tuple[str | int | float | None, ...]


def after(terms: Sequence[OrderTerm], last: Sequence[Any]) -> Condition:
    """Say that a row comes after the one with these values; nulls sort first, as in SQL Server and SQLite."""
    if len(terms) > 1 and not any(term.descending for term in terms) and None not in last:
        # One comparison of tuples reads each column once. A null in it is not above anything: it has been passed.
        columns = sa.tuple_(*(term.sql for term in terms))
        above: Condition = columns > sa.tuple_(*(sa.literal(value) for value in last))
        return above
    found: Condition = sa.false()
    for term, value in zip(reversed(terms), reversed(last), strict=True):
        beyond, same = _beyond(term, value)
        found = sa.or_(beyond, sa.and_(same, found))
    return found


def _beyond(term: OrderTerm, value: Any) -> tuple[Condition, Condition]:
    if value is None:
        return sa.false() if term.descending else term.sql.is_not(None), term.sql.is_(None)
    literal = sa.literal(value)
    past: Condition = term.sql > literal
    if term.descending:
        past = sa.or_(term.sql < literal, term.sql.is_(None))
    return past, term.sql == literal


def order_by(terms: Sequence[OrderTerm]) -> list[sa.ColumnElement[Any]]:
    """Give the ORDER BY of the terms."""
    return [term.sql.desc() if term.descending else term.sql.asc() for term in terms]


def inner_cookie(page: int, terms: Sequence[OrderTerm], first: Sequence[Any], last: Sequence[Any]) -> str:
    """Write the inner cookie of page `page`, not yet encoded."""
    root = Element("cookie", page=str(page))
    for term, begin, end in zip(terms, first, last, strict=True):
        element = SubElement(root, term.name)
        for side, value in (("last", end), ("first", begin)):
            if value is None:
                element.set(side + "null", "1")
            else:
                element.set(side, _written(term, value))
    return tostring(root, encoding="unicode")


_UNSAFE = re.compile(r"[%\x00-\x1f\ufffe\uffff]")


def _written(term: OrderTerm, value: Any) -> str:
    """Write one value. Characters that XML cannot carry are percent-encoded within it."""
    match term.kind:
        case "id":
            return "{" + str(value).upper() + "}"
        case "number":
            return repr(value)
    return _UNSAFE.sub(lambda found: quote(found.group(), safe=""), str(value))


def _read(term: OrderTerm, text: str) -> str | int | float:
    match term.kind:
        case "id":
            return text.strip("{}").lower()
        case "number":
            return float(text) if not text.lstrip("-").isdigit() else int(text)
    return unquote(text)


def outer_cookie(page: int, inner: str) -> str:
    """Wrap an inner cookie as FetchXML's clients get it: its text URL-encoded twice, next page's number beside."""
    return f'<cookie pagenumber="{page + 1}" pagingcookie="{_quoted(_quoted(inner))}" istracking="False" />'


def _quoted(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), quote(text, safe=""))


def skip_token(page: int, inner: str) -> str:
    """Give the value of $skiptoken, encoded for a URL: the inner cookie once by itself, then once with the whole."""
    once = f'<cookie pagenumber="{page + 1}" pagingcookie="{_quoted(inner)}" istracking="False" />'
    return quote(once, safe="=/")


def read_skip_token(text: str, terms: Sequence[OrderTerm]) -> Cookie:
    """Read a decoded $skiptoken; 400 if it is not one of ours for this order."""
    try:
        outer = fromstring(text)
        inner = unquote(outer.get("pagingcookie", ""))
    except (ParseError, DefusedXmlException, ValueError) as cause:
        raise malformed() from cause
    return read_cookie(inner, terms)


def read_cookie(text: str, terms: Sequence[OrderTerm]) -> Cookie:
    """Read an inner cookie; 400 if it is malformed or of another order."""
    try:
        root = fromstring(text)
        children = list(root)
        if [child.tag for child in children] != [term.name for term in terms]:
            raise malformed()
        last = tuple(
            None if child.get("lastnull") else _read(term, child.attrib["last"])
            for term, child in zip(terms, children, strict=True)
        )
        return Cookie(int(root.attrib["page"]), last)
    except (ParseError, DefusedXmlException, KeyError, ValueError) as cause:
        raise malformed() from cause


def malformed() -> Problem:
    """Source: powerapps-docs …/reference/web-service-error-codes: PagingCookieMalformed is not among the pages read;
    the words and the code are inferred.
    """
    return Problem(400, "0x80040203", "The paging cookie is malformed or belongs to another query.")
