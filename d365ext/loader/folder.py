"""Reads a folder of `<table logical name>.csv` files into rows of text, and finds every mistake of form.

The files are UTF-8, with or without a byte order mark, with commas; the first line names the columns. What the cells
mean is not known here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from d365ext.errors import CsvMistake, CsvMistakes, UsageError


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row as it stands in the file; `line` counts from 1, the header being 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file: a table and its rows. Every row has as many cells as the header."""

    table: str
    file: str
    header: tuple[str, ...]
    rows: tuple[TextRow, ...]


def read_folder(folder: Path) -> list[Sheet]:
    """Read every `.csv` file of `folder`, in the order of their names; other files are left alone.

    Errors:  UsageError if there is no such folder, or no file in it; CsvMistakes with every mistake of all files.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", hint="Name a folder with one <table>.csv per table.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if not files:
        raise UsageError(f"{folder} has no .csv file.", hint="Each file is named after its table, such as account.csv.")
    mistakes: list[CsvMistake] = []
    sheets = [_read_file(path, mistakes) for path in files]
    if mistakes:
        raise CsvMistakes(mistakes)
    return sheets


def _read_file(path: Path, mistakes: list[CsvMistake]) -> Sheet:
    empty = Sheet(path.stem.lower(), path.name, (), ())
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = bytes(error.object)[: error.start].count(b"\n") + 1
        mistakes.append(
            CsvMistake("this is not UTF-8 text.", file=path.name, line=line, hint="Save the file as CSV UTF-8.")
        )
        return empty
    lines = _lines(path.name, text, mistakes)
    header = tuple(name.strip().lower() for name in next(lines, TextRow(1, ())).cells)
    found = _header_mistakes(path.name, header)
    mistakes += found
    if found:
        return empty
    rows = []
    for row in lines:
        if len(row.cells) != len(header):
            message = f"the row has {len(row.cells)} cells, the header {len(header)}."
            mistakes.append(CsvMistake(message, file=path.name, line=row.line))
        else:
            rows.append(row)
    return Sheet(path.stem.lower(), path.name, header, tuple(rows))


def _lines(file: str, text: str, mistakes: list[CsvMistake]) -> Iterator[TextRow]:
    """Give row after row with the line it begins on (a quoted cell may hold line breaks); empty lines are no rows."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            mistakes.append(CsvMistake(f"this is not CSV: {error}.", file=file, line=begins))
            return
        if cells:
            yield TextRow(begins, tuple(cells))


def _header_mistakes(file: str, header: tuple[str, ...]) -> list[CsvMistake]:
    if not header or header == ("",):
        return [CsvMistake("the file has no header.", file=file, line=1, hint="Name the columns on the first line.")]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        return [CsvMistake("the columns are not separated by commas.", file=file, line=1)]
    mistakes = []
    for number, name in enumerate(header, 1):
        if not name:
            mistakes.append(CsvMistake(f"the header names no column in place {number}.", file=file, line=1))
        elif header.index(name) != number - 1:
            mistakes.append(CsvMistake("the header names it twice.", file=file, line=1, column=name))
    return mistakes
