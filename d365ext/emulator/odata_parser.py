"""One recursive-descent parser for everything OData: paths, $filter, $orderby, $select, $expand, $apply, parameters.

Owns: turning text into odata_ast nodes, or a 400 that names the position. Knows no tables: whether a name exists is
decided where it is used.

    path      := segment ("/" segment)*                  split on "/" outside quotes, before percent-decoding
    segment   := name [ "(" [argument ("," argument)*] ")" ]
    argument  := [name "="] value                        a key: (id), (name='x',n=1); parameters: (Target=@t)
    filter    := and ("or" and)*
    and       := not ("and" not)*
    not       := "not" {"not"} operand | compare           binds tighter than eq, so: not (x eq 1)
    compare   := operand [ ("eq"|"ne"|"gt"|"ge"|"lt"|"le") operand ]
    operand   := "(" filter ")" | literal | alias | array | call | lambda | property
    call      := name "(" [argument ("," argument)*] ")"
    lambda    := property "/" ("any"|"all") "(" [name ":" filter] ")"
    property  := name ("/" name)*
    array     := "[" [literal ("," literal)*] "]"
    orderby   := operand ["asc"|"desc"] ("," …)*
    expand    := property ["/$ref"] [ "(" option (";" option)* ")" ] ("," …)*
    option    := "$select=" … | "$filter=" … | "$orderby=" … | "$top=" … | "$expand=" …
    apply     := step ("/" step)*
    step      := "filter(" filter ")" | "aggregate(" … ")" | "groupby((" property, … ")" ["," aggregate] ")"

Source: OData 4.0 ABNF, OData Data Aggregation 4.0, the parts that powerapps-docs …/webapi/query/*.md show. Operators
are case-sensitive there. Arithmetic, `in`, `has` and `/$count` in expressions are not documented for Dataverse: refused
by name.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import unquote
from uuid import UUID

from .odata_ast import (
    Aggregate,
    Alias,
    And,
    Apply,
    Argument,
    Call,
    Compare,
    EnumMember,
    Expand,
    Expression,
    JsonObject,
    Lambda,
    Literal,
    Not,
    Or,
    Order,
    Path,
    Segment,
    Value,
)
from .odata_lexer import SYNTAX_CODE, Kind, Token, syntax_error, tokens
from .problems import Problem

DEPTH_MAX = 60
"""Nested parentheses, functions and lambdas together. Inferred: Microsoft.OData.Core has such a limit too."""
SEGMENT_LENGTH_MAX = 260
"""Source: powerapps-docs …/webapi/use-web-api-functions.md: a longer segment is a "400 Bad Request - Invalid URL"."""
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_REFUSED_OPERATORS = frozenset({"add", "sub", "mul", "div", "divby", "mod", "has", "in"})
_KEYWORDS = {"null": None, "true": True, "false": False}


def parse_path(raw: str) -> list[Segment]:
    """Parse a path as it stands in the request line, after /api/data/v9.2/ and before "?".

    Shape:  still percent-encoded; a leading or trailing "/" is ignored; "" gives [].
    Errors: 400 for a segment that is too long or makes no sense.

    >>> [each.name for each in parse_path("accounts(accountnumber='A%2F1')/name/$value")]
    ['accounts', 'name', '$value']
    """
    segments = []
    for piece in _split_path(raw):
        if len(piece) > SEGMENT_LENGTH_MAX:
            raise Problem(400, "", "Bad Request - Invalid URL")
        segments.append(parse_segment(unquote(piece)))
    return segments


def parse_reference(address: str) -> list[Segment]:
    """Parse the address of a row inside a body: absolute or relative, with or without a leading "/".

    >>> parse_reference("https://org.example/api/data/v9.2/quotes(name='a')") == parse_reference("/quotes(name='a')")
    True
    """
    path = address.partition("?")[0]
    if "/api/data/v" in path:
        path = path.partition("/api/data/v")[2].partition("/")[2]
    return [parse_segment(unquote(piece)) for piece in _split_path(path)]


def _split_path(raw: str) -> list[str]:
    pieces, start, quoted = [], 0, False
    plain = raw.replace("%27", "'")
    for position, character in enumerate(plain):
        if character == "'":
            quoted = not quoted
        elif character == "/" and not quoted:
            pieces.append(plain[start:position])
            start = position + 1
    pieces.append(plain[start:])
    return [piece for piece in pieces if piece]


def parse_segment(text: str) -> Segment:
    """Parse one decoded segment of a path."""
    parser = Parser(text)
    name = parser.take(Kind.WORD, Kind.OPTION).text
    arguments = parser.arguments() if parser.sees("(") else None
    parser.end()
    return Segment(name, arguments)


def parse_filter(text: str) -> Expression:
    """Parse $filter.

    >>> parse_filter("name eq null and not (x lt 3)")
    And(terms=(Compare(operator='eq', left=Path(parts=('name',)), right=Literal(value=None)), \
Not(term=Compare(operator='lt', left=Path(parts=('x',)), right=Literal(value=3)))))
    """
    parser = Parser(text)
    found = parser.filter()
    parser.end()
    return found


def parse_orderby(text: str) -> tuple[Order, ...]:
    """Parse $orderby."""
    parser = Parser(text)
    found = parser.orderby()
    parser.end()
    return found


def parse_select(text: str) -> tuple[str, ...]:
    """Parse $select: names with commas between, or *."""
    parser = Parser(text)
    found = parser.select()
    parser.end()
    return found


def parse_expand(text: str) -> tuple[Expand, ...]:
    """Parse $expand, nested options included."""
    parser = Parser(text)
    found = parser.expand()
    parser.end()
    return found


def parse_apply(text: str) -> Apply:
    """Parse $apply."""
    parser = Parser(text)
    found = parser.apply()
    parser.end()
    return found


def parse_value(text: str) -> Expression:
    """Parse the value of a parameter alias: a literal, an array, a JSON object, or a property's name."""
    parser = Parser(text)
    found = parser.operand()
    parser.end()
    return found


class Parser:
    """Reads one text from left to right, one token ahead; each method reads what it is named after."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0
        self._in_expand = False

    # ---- reading tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def wrong(self) -> Problem:
        """The 400 for the token that stands here."""
        return syntax_error(self._text, self._token.position)

    def sees(self, *texts: str) -> bool:
        """Whether the next token is one of these marks or words."""
        return self._token.kind not in (Kind.STRING, Kind.JSON) and self._token.text in texts

    def take(self, *kinds: Kind) -> Token:
        """The next token, which must be of one of these kinds."""
        token = self._token
        if token.kind not in kinds:
            raise self.wrong()
        self._next += 1
        return token

    def accept(self, text: str) -> bool:
        """Step over this mark or word if it is next."""
        if self.sees(text):
            self._next += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Step over this mark or word, which must be next."""
        if not self.accept(text):
            raise self.wrong()

    def end(self) -> None:
        """Nothing may follow."""
        if self._token.kind is not Kind.END:
            raise self.wrong()

    # ---- expressions

    def filter(self) -> Expression:
        """Or := and ("or" and)*."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Problem(400, SYNTAX_CODE, f"The expression is nested more than {DEPTH_MAX} levels deep.")
        terms = [self._and()]
        while self.accept("or"):
            terms.append(self._and())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _and(self) -> Expression:
        terms = [self._not()]
        while self.accept("and"):
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _not(self) -> Expression:
        if not self.accept("not"):
            return self._compare()
        negations = 1
        while self.accept("not"):
            negations += 1
        found = self.operand()
        if self._token.text in COMPARISONS:  # "not" binds tighter than eq; on anything but a boolean it is a mistake
            raise self.wrong()
        return Not(found) if negations % 2 else found

    def _compare(self) -> Expression:
        left = self.operand()
        token = self._token
        if token.kind is Kind.WORD and token.text in COMPARISONS:
            self._next += 1
            return Compare(token.text, left, self.operand())
        if token.kind is Kind.WORD and token.text in _REFUSED_OPERATORS:
            raise Problem(501, SYNTAX_CODE, f"The operator '{token.text}' is not supported.")
        return left

    def operand(self) -> Expression:
        """A literal, an alias, a property, a call, a lambda, or an expression in parentheses."""
        token = self._token
        if token.kind is Kind.ALIAS:
            if self._in_expand:
                raise Problem.query("Parameter aliases can't be used inside $expand.")
            self._next += 1
            return Alias(token.text[1:])
        if self.accept("("):
            inside = self.filter()
            self.expect(")")
            return inside
        if token.kind is Kind.WORD and (token.text not in _KEYWORDS or self._tokens[self._next + 1].text in ("/", "(")):
            return self._property()
        return Literal(self._literal())

    def _property(self) -> Expression:
        parts = [self.take(Kind.WORD).text]
        if self.sees("("):
            return Call(parts[0], self.arguments())
        while self.accept("/"):
            part = self.take(Kind.WORD, Kind.OPTION)
            if part.kind is Kind.OPTION:
                raise Problem(501, SYNTAX_CODE, f"'/{part.text}' inside an expression is not supported.")
            if part.text in ("any", "all") and self.sees("("):
                return self._lambda(Path(tuple(parts)), part.text)
            parts.append(part.text)
        return Path(tuple(parts))

    def _lambda(self, collection: Path, quantifier: str) -> Lambda:
        self.expect("(")
        if quantifier == "any" and self.accept(")"):
            return Lambda(collection, quantifier, None, None)
        variable = self.take(Kind.WORD).text
        self.expect(":")
        body = self.filter()
        self.expect(")")
        return Lambda(collection, quantifier, variable, body)

    def arguments(self) -> tuple[Argument, ...]:
        """Values in parentheses, each perhaps with a name before it."""
        self.expect("(")
        if self.accept(")"):
            return ()
        found = []
        while True:
            name = None
            if self._token.kind is Kind.WORD and self._tokens[self._next + 1].text == "=":
                name = self.take(Kind.WORD).text
                self.expect("=")
            found.append(Argument(name, self.filter()))
            if not self.accept(","):
                break
        self.expect(")")
        names = [each.name for each in found if each.name is not None]
        if len(set(names)) != len(names) or len(names) not in (0, len(found)):
            raise syntax_error(self._text, 0)
        return tuple(found)

    # ---- literals

    def _literal(self) -> Value:
        token = self._token
        if self.accept("["):
            return self._array()
        self._next += 1
        match token.kind:
            case Kind.STRING:
                return token.text[1:-1].replace("''", "'")
            case Kind.JSON:
                return self._json(token)
            case Kind.GUID:
                return UUID(token.text)
            case Kind.NUMBER:
                return self._number(token)
            case Kind.MOMENT:
                return self._moment(token)
            case Kind.ENUM:
                name, _, members = token.text.partition("'")
                return EnumMember(name, members[:-1].replace("''", "'"))
            case Kind.WORD if token.text in _KEYWORDS:
                return _KEYWORDS[token.text]
        raise syntax_error(self._text, token.position)

    def _array(self) -> tuple[Value, ...]:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self.wrong()
        values: list[Value] = []
        while not self.accept("]"):
            values.append(self._literal())
            if not self.sees("]"):
                self.expect(",")
        self._depth -= 1
        return tuple(values)

    def _json(self, token: Token) -> Value:
        if token.text.startswith("{"):
            return JsonObject(token.text)
        try:
            return str(json.loads(token.text))
        except ValueError as cause:
            raise syntax_error(self._text, token.position) from cause

    def _number(self, token: Token) -> Value:
        if len(token.text) > 60:
            raise syntax_error(self._text, token.position)
        return int(token.text) if token.text.lstrip("+-").isdigit() else Decimal(token.text)

    def _moment(self, token: Token) -> Value:
        try:
            if "T" not in token.text:
                return date.fromisoformat(token.text)
            # A "+" that a client left bare in its query arrives as a space.
            moment = datetime.fromisoformat(_seven_digits_cut(token.text.replace(" ", "+")))
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError) as cause:
            raise syntax_error(self._text, token.position) from cause

    # ---- the options

    def select(self) -> tuple[str, ...]:
        """Names with commas between."""
        names = []
        while True:
            names.append("*" if self.accept("*") else self.take(Kind.WORD).text)
            if self.sees("/"):
                raise Problem(501, SYNTAX_CODE, "A path in $select is not supported: use $expand.")
            if not self.accept(","):
                return tuple(names)

    def orderby(self) -> tuple[Order, ...]:
        """Expressions with asc or desc behind."""
        found = []
        while True:
            by = self.operand()
            descending = self.accept("desc")
            if not descending:
                self.accept("asc")
            found.append(Order(by, descending))
            if not self.accept(","):
                return tuple(found)

    def expand(self) -> tuple[Expand, ...]:
        """Navigation properties with options in parentheses behind.

        Source: powerapps-docs …/webapi/query/overview.md: aliases work "but not inside the $expand option".
        """
        self._in_expand = True
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self.wrong()
        found = []
        while True:
            found.append(self._expand_item())
            if not self.accept(","):
                self._depth -= 1
                return tuple(found)

    def _expand_item(self) -> Expand:
        parts = [self.take(Kind.WORD).text]
        is_reference = False
        while self.accept("/"):
            part = self.take(Kind.WORD, Kind.OPTION)
            if part.kind is Kind.WORD:
                parts.append(part.text)
            elif part.text == "$ref":
                is_reference = True
                break
            else:
                raise Problem(501, SYNTAX_CODE, f"'/{part.text}' inside $expand is not supported.")
        item = Expand(Path(tuple(parts)), is_reference=is_reference)
        if not self.accept("("):
            return item
        seen: set[str] = set()
        while not self.accept(")"):
            name = self.take(Kind.OPTION).text
            if name in seen:
                raise self.wrong()
            seen.add(name)
            self.expect("=")
            item = self._expand_option(item, name)
            if not self.sees(")"):
                self.expect(";")
        return item

    def _expand_option(self, item: Expand, name: str) -> Expand:
        match name:
            case "$select":
                return replace(item, select=self.select())
            case "$filter":
                return replace(item, filter=self.filter())
            case "$orderby":
                return replace(item, orderby=self.orderby())
            case "$expand":
                return replace(item, expand=self.expand())
            case "$top":
                number = self.take(Kind.NUMBER)
                if not number.text.isdigit():
                    raise syntax_error(self._text, number.position)
                return replace(item, top=int(number.text))
        raise Problem(501, SYNTAX_CODE, f"The query option '{name}' inside $expand is not supported.")

    def apply(self) -> Apply:
        """Steps with "/" between."""
        found = Apply()
        while True:
            found = self._apply_step(found)
            if not self.accept("/"):
                return found

    def _apply_step(self, before: Apply) -> Apply:
        step = self.take(Kind.WORD)
        if step.text not in ("filter", "aggregate", "groupby"):
            raise Problem(501, SYNTAX_CODE, f"The transformation '{step.text}' of $apply is not supported.")
        if before.aggregates or before.is_grouped:
            raise Problem(501, SYNTAX_CODE, f"'{step.text}' after an aggregation in $apply is not supported.")
        self.expect("(")
        match step.text:
            case "filter":
                after = replace(before, filters=(*before.filters, self.filter()))
            case "aggregate":
                after = replace(before, aggregates=self._aggregates())
            case _:
                after = self._groupby(before)
        self.expect(")")
        return after

    def _groupby(self, before: Apply) -> Apply:
        self.expect("(")
        paths = [self._plain_path()]
        while self.accept(","):
            paths.append(self._plain_path())
        self.expect(")")
        aggregates: tuple[Aggregate, ...] = ()
        if self.accept(","):
            self.expect("aggregate")
            self.expect("(")
            aggregates = self._aggregates()
            self.expect(")")
        return replace(before, group_by=tuple(paths), aggregates=aggregates, is_grouped=True)

    def _plain_path(self) -> Path:
        found = self._property()
        if not isinstance(found, Path):
            raise Problem(501, SYNTAX_CODE, "Grouping and aggregating take columns only, no functions.")
        return found

    def _aggregates(self) -> tuple[Aggregate, ...]:
        found = []
        while True:
            if self.accept("$count"):
                path, method = None, "count"
            else:
                path = self._plain_path()
                self.expect("with")
                method = self.take(Kind.WORD).text
            self.expect("as")
            found.append(Aggregate(path, method, self.take(Kind.WORD).text))
            if not self.accept(","):
                return tuple(found)


def _seven_digits_cut(text: str) -> str:
    """Cut .NET's seven digits of a second to the six that Python reads."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
