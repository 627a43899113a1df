"""XML that is edited without being rewritten: every node knows where it stands, and only the places touched change.

A form belongs to Microsoft and to the customer. Parsing and printing it again would change quotes, blanks and entities
in what is not ours; here a new node is put between two bytes, and a removed one leaves its neighbours as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from d365ext.definitions.xmltext import XmlMistake


@dataclass(slots=True)
class Node:
    """An element of a text: `start` to `end`; its content is `open_end` to `close_start`."""

    tag: str
    attributes: dict[str, str]
    start: int
    open_end: int = 0
    close_start: int = 0
    end: int = 0
    parent: Node | None = field(default=None, repr=False)
    children: list[Node] = field(default_factory=list)

    @property
    def is_self_closed(self) -> bool:
        """Say whether it is written `<tag/>`."""
        return self.close_start == self.end

    def get(self, name: str, default: str = "") -> str:
        """Give an attribute."""
        return self.attributes.get(name, default)

    def walk(self) -> Iterator[Node]:
        """Give the element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, tag: str) -> Iterator[Node]:
        """Give every element of that tag at or below this one."""
        return (node for node in self.walk() if node.tag == tag)

    def child(self, tag: str) -> Node | None:
        """Give the first child of that tag."""
        return next((node for node in self.children if node.tag == tag), None)


@dataclass(frozen=True, slots=True)
class Splice:
    """Put `text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def locate(text: str) -> Node:
    """Find every element of an XML text.

    Errors:  XmlMistake; a DOCTYPE is refused.
    """
    reader = _Reader(text.encode())
    return reader.read()


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Carry out `splices`, which must not overlap; of two at one place the first comes first.

    >>> spliced("<a><b/></a>", [Splice(3, 7, ""), Splice(7, 7, "<c/>")])
    '<a><c/></a>'
    """
    raw = text.encode()
    pieces: list[bytes] = []
    at = 0
    for splice in sorted(splices, key=lambda each: (each.start, each.end)):
        if splice.start < at:
            raise AssertionError("splices overlap")
        pieces += [raw[at : splice.start], splice.text.encode()]
        at = splice.end
    return b"".join([*pieces, raw[at:]]).decode()


def inside(node: Node, text: str, *, first: bool = False) -> Splice:
    """Put `text` at the end (or the beginning) of the content of `node`; `<tag/>` becomes `<tag>…</tag>`."""
    if node.is_self_closed:
        return Splice(node.open_end - 2, node.end, f">{text}</{node.tag}>")
    place = node.open_end if first else node.close_start
    return Splice(place, place, text)


def after(node: Node, text: str) -> Splice:
    """Put `text` right after `node`."""
    return Splice(node.end, node.end, text)


def without(node: Node) -> Splice:
    """Take `node` out."""
    return Splice(node.start, node.end, "")


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._open: list[Node] = []
        self._root: Node | None = None

    def read(self) -> Node:
        try:
            self._parser.Parse(self._raw, True)  # noqa: FBT003 - expat's own signature
        except expat.ExpatError as cause:
            raise XmlMistake(expat.ErrorString(cause.code), cause.lineno) from cause
        assert self._root is not None, "expat accepts no document without a root"  # noqa: S101
        return self._root

    def _refuse(self, *_: object) -> None:
        raise XmlMistake("a DOCTYPE is not allowed here", self._parser.CurrentLineNumber)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        node = Node(tag, attributes, start, self._close_of(start))
        if self._open:
            node.parent = self._open[-1]
            node.parent.children.append(node)
        else:
            self._root = node
        self._open.append(node)

    def _end(self, _: str) -> None:
        node = self._open.pop()
        if self._raw[node.open_end - 2 : node.open_end] == b"/>":
            node.close_start = node.end = node.open_end
            return
        node.close_start = self._parser.CurrentByteIndex
        node.end = self._raw.index(b">", node.close_start) + 1

    def _close_of(self, start: int) -> int:
        """Find the end of the tag that begins at `start`: a `>` that stands in no quotes."""
        quote = 0
        for at in range(start, len(self._raw)):
            byte = self._raw[at]
            if quote:
                quote = 0 if byte == quote else quote
            elif byte in b"\"'":
                quote = byte
            elif byte == ord(">"):
                return at + 1
        raise AssertionError("expat accepts no tag without an end")
