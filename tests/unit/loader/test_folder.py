"""Reading a folder of CSV files: every mistake of form, with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365ext.errors import CsvMistakes, UsageError
from d365ext.loader.folder import read_folder

ID = "2e451703-c0fe-4d0b-9c4e-0123456789ab"


def write(folder: Path, name: str, content: str | bytes) -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(CsvMistakes) as raised:
        read_folder(folder)
    return [str(mistake) for mistake in raised.value.mistakes]


def test_files_are_read_in_the_order_of_their_names_and_others_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "contact.csv", "contactid,lastname\n")
    write(tmp_path, "account.csv", f"accountid,name\n{ID},Käpylahti\n")
    write(tmp_path, "README.md", "not a table")
    sheets = read_folder(tmp_path)
    assert [sheet.table for sheet in sheets] == ["account", "contact"]
    assert sheets[0].rows[0].cells == (ID, "Käpylahti")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path, newline: str) -> None:
    write(tmp_path, "account.csv", newline.join(["\ufeffaccountid,name", f"{ID},A", ""]))
    sheet = read_folder(tmp_path)[0]
    assert sheet.header == ("accountid", "name")
    assert [row.cells for row in sheet.rows] == [(ID, "A")]


def test_a_row_is_named_by_the_line_it_begins_on_even_after_a_cell_with_line_breaks(tmp_path: Path) -> None:
    write(tmp_path, "account.csv", f'accountid,name\n{ID},"two\nlines"\n\n{ID},B\n')
    sheet = read_folder(tmp_path)[0]
    assert [(row.line, row.cells[1]) for row in sheet.rows] == [(2, "two\nlines"), (5, "B")]


def test_every_row_with_a_wrong_number_of_cells_is_named(tmp_path: Path) -> None:
    write(tmp_path, "account.csv", "accountid,name\na\nb,c,d\n")
    assert mistakes(tmp_path) == [
        "account.csv, line 2: the row has 1 cells, the header 2.",
        "account.csv, line 3: the row has 3 cells, the header 2.",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "account.csv, line 1: the file has no header. Name the columns on the first line."),
        ("accountid;name\n", "account.csv, line 1: the columns are not separated by commas."),
        ("accountid,name,name\n", "account.csv, line 1, name: the header names it twice."),
        ("accountid,,name\n", "account.csv, line 1: the header names no column in place 2."),
        (
            b"accountid,name\nx,M\xe4kel\xe4\n",
            "account.csv, line 2: this is not UTF-8 text. Save the file as CSV UTF-8.",
        ),
        ('accountid,name\nx,"open\n', "account.csv, line 2: this is not CSV: unexpected end of data."),
    ],
)
def test_a_file_that_cannot_be_read_as_a_table_is_refused(tmp_path: Path, content: str | bytes, expected: str) -> None:
    write(tmp_path, "account.csv", content)
    assert mistakes(tmp_path) == [expected]


def test_mistakes_of_all_files_come_together(tmp_path: Path) -> None:
    write(tmp_path, "account.csv", "accountid,name\na\n")
    write(tmp_path, "contact.csv", "")
    assert len(mistakes(tmp_path)) == 2


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_no_folder_and_no_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"There is no folder|has no \.csv file"):
        read_folder(tmp_path / name)
