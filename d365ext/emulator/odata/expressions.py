"""Reading expressions: the part of the OData grammar that filters, keys, parameters and orders share.

Owns the reader of tokens and the rules for operators, properties, calls, lambdas and constants. odata_parser.py adds
paths and query options.

    filter    := and ("or" and)*
    and       := not ("and" not)*
    not       := "not" {"not"} operand | compare           binds tighter than eq, so: not (x eq 1)
    compare   := operand [ ("eq"|"ne"|"gt"|"ge"|"lt"|"le") operand ]
    operand   := "(" filter ")" | literal | alias | array | call | lambda | property
    call      := name "(" [argument ("," argument)*] ")"
    argument  := [name "="] filter
    lambda    := property "/" ("any"|"all") "(" [name ":" filter] ")"
    property  := name ("/" name)*
    array     := "[" [literal ("," literal)*] "]"

Source: OData 4.0 ABNF, the parts that powerapps-docs …/webapi/query/filter-rows.md shows. Operators are case-sensitive
there. Arithmetic, `in`, `has` and `/$count` in expressions are not documented for Dataverse: refused by name.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from d365ext.emulator.odata.ast import (
    Alias,
    And,
    Argument,
    Call,
    Compare,
    EnumMember,
    Expression,
    JsonObject,
    Lambda,
    Literal,
    Not,
    Or,
    Path,
    Value,
)
from d365ext.emulator.odata.lexer import SYNTAX_CODE, Kind, Token, syntax_error, tokens
from d365ext.emulator.problems import Problem

DEPTH_MAX = 60
"""Nested parentheses, functions and lambdas together. Inferred: Microsoft.OData.Core has such a limit too."""
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_REFUSED_OPERATORS = frozenset({"add", "sub", "mul", "div", "divby", "mod", "has", "in"})
_KEYWORDS = {"null": None, "true": True, "false": False}


class ExpressionParser:
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


def _seven_digits_cut(text: str) -> str:
    """Cut .NET's seven digits of a second to the six that Python reads."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
