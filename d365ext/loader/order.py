"""Which rows must stand before which. Pure.

A lookup can only be written when the row it names is there. Where rows name one another in a circle, the circle is
opened: some of them are created without those lookups, which are then written in a second pass.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def waves(needs: Mapping[K, Set[K]], group: Callable[[K], str]) -> list[list[K]]:
    """Order rows so that each comes after what it needs, as far as that can be.

    Shape:   row → the rows that it needs (what is no key of `needs` is there already; itself counts not) → waves in
             order; every row once, the rows of a wave in the order of `needs`. Circles that wait for nothing
             else are opened at all their rows of one `group` (their table): the one whose rows need fewest others.

    >>> waves({"order": {"quote", "account"}, "quote": {"account"}, "account": set()}, str)
    [['account'], ['quote'], ['order']]
    >>> waves({"account": {"contact", "owner"}, "contact": {"account"}, "owner": {"contact"}, "lead": {"contact"}}, str)
    [['contact'], ['owner', 'lead'], ['account']]
    """
    open_needs = {row: {need for need in needed if need in needs and need != row} for row, needed in needs.items()}
    needed_by: dict[K, list[K]] = {row: [] for row in needs}
    for row, needed in open_needs.items():
        for need in needed:
            needed_by[need].append(row)
    place = {row: number for number, row in enumerate(needs)}
    ordered: list[list[K]] = []
    ready = [row for row, needed in open_needs.items() if not needed]
    while open_needs:
        wave = ready or _opened(open_needs, group)
        ordered.append(wave)
        for row in wave:
            del open_needs[row]
        ready = sorted(_freed(wave, open_needs, needed_by), key=place.__getitem__)
    return ordered


def _freed(wave: list[K], open_needs: dict[K, set[K]], needed_by: Mapping[K, list[K]]) -> list[K]:
    """Strike the rows of `wave` from what others need, and give those that need nothing more."""
    freed = []
    for row in wave:
        for other in needed_by[row]:
            if other in open_needs:
                open_needs[other].discard(row)
                if not open_needs[other]:
                    freed.append(other)
    return freed


def _opened(open_needs: Mapping[K, Set[K]], group: Callable[[K], str]) -> list[K]:
    """Give the rows at which to open circles: of circles that wait for nothing else, those of one group."""
    members: set[K] = set()
    for circle in map(set, _circles(open_needs)):
        if all(open_needs[row] <= circle for row in circle):
            members |= circle
    by_group: dict[str, list[K]] = {}
    for row in open_needs:
        if row in members:
            by_group.setdefault(group(row), []).append(row)
    return min(by_group.values(), key=lambda rows: sum(len(open_needs[row]) for row in rows) / len(rows))


def _circles(needs: Mapping[K, Set[K]]) -> Iterator[list[K]]:
    """Give the rows that need one another, directly or through others, together; one that is in no circle comes alone.

    Tarjan's algorithm, without recursion: a chain of parents may be longer than Python's stack.
    """
    number: dict[K, int] = {}
    lowest: dict[K, int] = {}
    held: dict[K, None] = {}
    for start in needs:
        path = [(start, iter(needs[start]))] if start not in number else []
        while path:
            row, waiting = path[-1]
            if row not in number:
                number[row] = lowest[row] = len(number)
                held[row] = None
            for need in waiting:
                if need not in number:
                    path.append((need, iter(needs[need])))
                    break
                if need in held:
                    lowest[row] = min(lowest[row], number[need])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[row])
                if lowest[row] == number[row]:
                    yield _let_go(held, row)


def _let_go(held: dict[K, None], first: K) -> list[K]:
    """Take the rows from the end of `held` down to `first`."""
    taken = []
    while first in held:
        row, _ = held.popitem()
        taken.append(row)
    return taken
