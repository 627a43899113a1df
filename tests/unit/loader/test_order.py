"""Which rows must stand before which."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from d365ext.loader.order import waves

numbers = st.integers(0, 30)


@given(st.dictionaries(numbers, st.sets(numbers), max_size=25))
def test_every_row_comes_once_and_only_circles_break_the_order(needs: dict[int, set[int]]) -> None:
    ordered = waves(needs, lambda row: str(row % 3))
    flat = [row for wave in ordered for row in wave]
    assert sorted(flat) == sorted(needs)
    place = {row: number for number, wave in enumerate(ordered) for row in wave}
    for row, needed in needs.items():
        for need in needed & set(needs) - {row}:
            assert place[need] < place[row] or row in reachable(need, needs)


def reachable(start: int, needs: dict[int, set[int]]) -> set[int]:
    """Everything that `start` needs, directly or through others."""
    found: set[int] = set()
    waiting = [start]
    while waiting:
        for need in needs.get(waiting.pop(), set()) - found:
            found.add(need)
            waiting.append(need)
    return found


def test_a_long_chain_of_parents_is_ordered_parent_first() -> None:
    needs = {number: {number - 1} for number in range(2000)}
    assert waves(needs, str) == [[number] for number in range(2000)]


def test_a_circle_of_two_tables_is_opened_at_one_table_at_once() -> None:
    needs = {
        **{("account", n): {("contact", n)} for n in range(3)},
        **{("contact", n): {("account", n)} for n in range(3)},
        ("opportunity", 0): {("account", 0)},
    }
    tables = [sorted({table for table, _ in wave}) for wave in waves(needs, lambda key: key[0])]
    assert tables == [["account"], ["contact", "opportunity"]]
