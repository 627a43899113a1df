"""One recursive-descent parser for everything OData: paths, $filter, $orderby, $select, $expand, $apply, parameters.

Owns: turning text into odata_ast nodes, or a 400 that names the position. Knows no tables: whether a name exists is
decided where it is used.

    path      := segment ("/" segment)*                  split on "/" outside quotes, before percent-decoding
    segment   := name [ "(" [argument ("," argument)*] ")" ]
    argument  := [name "="] value                        a key: (id), (name='x',n=1); parameters: (Target=@t)
    orderby   := operand ["asc"|"desc"] ("," …)*
    expand    := property ["/$ref"] [ "(" option (";" option)* ")" ] ("," …)*
    option    := "$select=" … | "$filter=" … | "$orderby=" … | "$top=" … | "$expand=" …
    apply     := step ("/" step)*
    step      := "filter(" filter ")" | "aggregate(" … ")" | "groupby((" property, … ")" ["," aggregate] ")"

`filter`, `operand` and `property` are odata_expressions.py's.
Source: OData 4.0 ABNF, OData Data Aggregation 4.0, the parts that powerapps-docs …/webapi/query/*.md show.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from d365ext.emulator.odata.ast import Aggregate, Apply, Expand, Expression, Order, Path, Segment
from d365ext.emulator.odata.expressions import DEPTH_MAX, ExpressionParser
from d365ext.emulator.odata.lexer import SYNTAX_CODE, Kind, syntax_error
from d365ext.emulator.problems import Problem

SEGMENT_LENGTH_MAX = 260
"""Source: powerapps-docs …/webapi/use-web-api-functions.md: a longer segment is a "400 Bad Request - Invalid URL"."""


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


class Parser(ExpressionParser):
    """Reads query options: lists, expansions, aggregations, on top of expressions."""

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
