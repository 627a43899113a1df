"""TOML files remember where each value stands."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365ext.definitions.tomlfile import Place, read_toml, written
from d365ext.errors import DefinitionError

TRICKY = '''\
# a comment = "with [brackets"
first = 1 # another
"quoted key".inner = 'x # no comment'

[table.deep]
text = """
line ] two }
"quotes" \\""" inside"""""
raw = \'\'\'
it's ]\'\'\'
when = 1979-05-27 07:32:00
list = [
    1,  # one
    { a = "b", c = [2, 3] },

    "last",
]
[[thing]]
name = "one"
[[thing]]
name = "two"
[[thing.part]]
size = 1.5
[thing.extra]
yes = true
'''


def _places(value: Any, place: Place = ()) -> set[Place]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {place} if place else set()
    for key, child in inner:
        found |= _places(child, (*place, key))
    return found


@pytest.fixture
def tricky(tmp_path: Path) -> Path:
    path = tmp_path / "tricky.toml"
    path.write_text(TRICKY, encoding="utf-8")
    return path


def test_every_value_of_a_file_has_its_line(tricky: Path) -> None:
    file = read_toml(tricky)
    assert file.content == tomllib.loads(TRICKY)
    assert _places(file.content) <= set(file.lines)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("first",), 2),
        (("quoted key", "inner"), 3),
        (("table", "deep"), 5),
        (("table", "deep", "raw"), 9),
        (("table", "deep", "when"), 11),
        (("table", "deep", "list", 0), 13),
        (("table", "deep", "list", 1, "c", 1), 14),
        (("table", "deep", "list", 2), 16),
        (("thing", 0, "name"), 19),
        (("thing", 1), 20),
        (("thing", 1, "part", 0, "size"), 23),
        (("thing", 1, "extra", "yes"), 25),
    ],
)
def test_a_value_stands_where_it_was_written(tricky: Path, place: Place, line: int) -> None:
    assert read_toml(tricky).line(place) == line


def test_what_is_missing_is_placed_where_it_is_missing_from(tricky: Path) -> None:
    assert read_toml(tricky).line(("thing", 1, "part", 0, "label", "fi")) == 22
    assert read_toml(tricky).line(("nowhere",)) is None


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("good = 1\nbad = \n", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_toml(path)
    assert (caught.value.line, "not TOML" in caught.value.message) == (2, True)


def test_a_file_that_cannot_be_read_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read"):
        read_toml(tmp_path / "missing.toml")


def test_a_place_is_written_as_people_write_it() -> None:
    assert written(("lookup", 3, "label", "fi")) == "lookup[3].label.fi"


_words = st.text(st.sampled_from("ab[]{}=,#'é \\\""), max_size=6)


@given(st.lists(st.tuples(_words, _words), min_size=1, max_size=6))
def test_no_string_confuses_the_scanner(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]) -> None:
    def basic(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"k{number} = [{basic(one)}, {{ x = {basic(two)} }}]" for number, (one, two) in enumerate(pairs)]
    path = tmp_path_factory.mktemp("words") / "words.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    file = read_toml(path)
    assert [file.line((f"k{number}", 1, "x")) for number in range(len(pairs))] == list(range(1, len(pairs) + 1))
