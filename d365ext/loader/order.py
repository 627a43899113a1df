"""Which rows must stand before which. Pure.

A lookup can only be written when the row it names is there. Where rows name one another in a circle, the circle is
opened: some of them are created without those lookups, which are then written in a second pass.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Set
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def waves(needs: Mapping[K, Set[K]], group: Callable[[K], str]) -> list[list[K]]:
    """Order rows so that each comes after what it needs, as far as that can be.

    Shape:   row → the rows that it needs (what is no key of `needs` is there already; itself counts not) → waves in
             order; every row once, the rows of a wave in the order of `needs`. A circle is opened at all its rows of
             one `group` (their table) at once: the group whose rows need fewest others of the circle.

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
        wave = ready or _circle(open_needs, group)
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


def _circle(open_needs: Mapping[K, Set[K]], group: Callable[[K], str]) -> list[K]:
    """Give the rows at which to open the circles: rows that only wait for a circle are no part of it."""
    inside = dict.fromkeys(open_needs)
    waiters = dict.fromkeys(open_needs, 0)
    for needed in open_needs.values():
        for need in needed:
            waiters[need] += 1
    idle = [row for row, count in waiters.items() if not count]
    while idle:
        row = idle.pop()
        del inside[row]
        for need in open_needs[row]:
            waiters[need] -= 1
            if not waiters[need]:
                idle.append(need)
    by_group: dict[str, list[K]] = {}
    for row in inside:
        by_group.setdefault(group(row), []).append(row)
    return min(by_group.values(), key=lambda rows: sum(len(open_needs[row]) for row in rows) / len(rows))
