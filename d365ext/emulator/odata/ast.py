"""What the parser makes of OData text: frozen dataclasses to `match` on, and the way back to text.

Owns: the shapes of paths, expressions, $select, $orderby, $expand and $apply. Does nothing with them but print them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EnumMember:
    """An enumeration literal: Microsoft.Dynamics.CRM.EntityFilters'Entity,Attributes'."""

    type: str
    members: str


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object given as a parameter's value, still as text."""

    text: str


Value: TypeAlias = (
    "str | int | bool | Decimal | UUID | date | datetime | EnumMember | JsonObject | tuple[Value, ...] | None"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. A list of constants is a tuple."""

    value: Value


@dataclass(frozen=True, slots=True)
class Alias:
    """A parameter alias such as @p1, to be replaced by the value of the query option of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Path:
    """A property, perhaps through navigation properties: ("primarycontactid", "fullname")."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """As written in a query."""
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Compare:
    """`left` compared with `right` by eq, ne, gt, ge, lt or le."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: Expression


@dataclass(frozen=True, slots=True)
class Argument:
    """A value given in parentheses: of a function, or of a key; `name` is None where it is given by position."""

    name: str | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function: contains(name,'x') or Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['a'])."""

    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Lambda:
    """any or all over a collection; `variable` and `body` are None for a bare any()."""

    collection: Path
    quantifier: str
    variable: str | None
    body: Expression | None


Expression: TypeAlias = "Literal | Alias | Path | Compare | And | Or | Not | Call | Lambda"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a path: accounts, accounts(…), name, $ref, Microsoft.Dynamics.CRM.account, WhoAmI().

    `arguments` is None without parentheses. Whether parentheses hold a key or parameters is for the reader to know.
    """

    name: str
    arguments: tuple[Argument, ...] | None = None

    @property
    def is_qualified(self) -> bool:
        """Whether this is a cast, or a bound action or function: Microsoft.Dynamics.CRM.…"""
        return self.name.startswith("Microsoft.Dynamics.CRM.")

    @property
    def short_name(self) -> str:
        """The name without its namespace."""
        return self.name.removeprefix("Microsoft.Dynamics.CRM.")

    @property
    def key(self) -> Expression | None:
        """The key given by position, as in accounts(<id>)."""
        match self.arguments:
            case (Argument(None, value),):
                return value
        return None

    @property
    def named(self) -> dict[str, Expression]:
        """What is given by name: the columns of an alternate key, or a function's parameters."""
        return {each.name: each.value for each in self.arguments or () if each.name is not None}


@dataclass(frozen=True, slots=True)
class Order:
    """One item of $orderby."""

    by: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """One item of $expand with its own options, still without meaning."""

    path: Path
    is_reference: bool = False
    select: tuple[str, ...] | None = None
    filter: Expression | None = None
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    expand: tuple[Expand, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One item of aggregate(…): `path with method as alias`, or `$count as alias` (then path is None)."""

    path: Path | None
    method: str
    alias: str


@dataclass(frozen=True, slots=True)
class Apply:
    """$apply: filters first, then at most one grouping or aggregation."""

    filters: tuple[Expression, ...] = ()
    group_by: tuple[Path, ...] = ()
    aggregates: tuple[Aggregate, ...] = field(default=())
    is_grouped: bool = False


_LEVEL = {Or: 1, And: 2}


def to_text(node: Expression) -> str:
    """Print an expression so that parsing it gives the same expression.

    >>> to_text(Or((Compare("eq", Path(("a",)), Literal("O'B")), Not(Path(("b",))))))
    "a eq 'O''B' or not (b)"
    """
    match node:
        case Literal(value):
            return literal_text(value)
        case Alias(name):
            return "@" + name
        case Path():
            return node.text
        case Compare(operator, left, right):
            return f"{to_text(left)} {operator} {to_text(right)}"
        case And(terms) | Or(terms):
            word = " and " if isinstance(node, And) else " or "
            level = _LEVEL[type(node)]
            return word.join(
                f"({to_text(each)})" if _LEVEL.get(type(each), 9) <= level else to_text(each) for each in terms
            )
        case Not(term):
            return f"not ({to_text(term)})"
        case Call(name, arguments):
            return f"{name}({','.join(_argument_text(each) for each in arguments)})"
        case Lambda(collection, quantifier, variable, body):
            inside = "" if body is None else f"{variable}:{to_text(body)}"
            return f"{collection.text}/{quantifier}({inside})"


def _argument_text(argument: Argument) -> str:
    value = to_text(argument.value)
    return value if argument.name is None else f"{argument.name}={value}"


def literal_text(value: Value) -> str:
    """Print a constant as OData writes it.

    >>> literal_text(("a", 1, None))
    "['a',1,null]"
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case int() | UUID():
            return str(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case EnumMember(type_name, members):
            return f"{type_name}'{members}'"
        case JsonObject(text):
            return text
        case tuple():
            return "[" + ",".join(literal_text(each) for each in value) + "]"
