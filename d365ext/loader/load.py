"""Loads a folder of CSV files into an environment: check everything, then write only what differs.

The order: files, definitions, cells, lookups (a mistake up to here means that nothing is written), rows that are
there, creations, changes, states. Every step compares with the environment, so that a load that was stopped is
finished by loading again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from d365ext.errors import ApplyFailed, CsvMistakes
from d365ext.loader.check import (
    CURRENCY_TABLE,
    Row,
    check_header,
    check_rows,
    find_in_files,
    unknown_lookups,
)
from d365ext.loader.closing import STATES_IN_ORDER, steps_to_state
from d365ext.loader.currencies import Currencies, read_currencies
from d365ext.loader.differences import NewRow, compare, payload, read_names, split_for_creation
from d365ext.loader.folder import Sheet, read_folder
from d365ext.loader.observed import find_in_environment, observe
from d365ext.loader.order import waves
from d365ext.loader.shapes import Table, inspect_columns, inspect_tables
from d365ext.loader.write import Writer, by_table
from d365ext.webapi.client import Client

Progress = Callable[[str, int, int | None], None]
"""Called with a step, how many of it are done, and how many there are."""

CHECKING, COMPARING, CREATING, CHANGING, CLOSING = "Checking", "Comparing", "Creating", "Changing", "Setting states"


@dataclass(slots=True)
class Count:
    """What became of the rows of one table. A row that was created and then closed is in `created` and `states_set`."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    states_set: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class LoadReport:
    """What a load did. `too_late`: (table, column) → rows that differ there, in a column set only at creation."""

    tables: dict[str, Count] = field(default_factory=dict)
    too_late: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """How many writes there were: none means that everything stood as the files say."""
        return sum(count.created + count.changed + count.states_set for count in self.tables.values())


def load_folder(client: Client, folder: Path, *, batch_rows: int, progress: Progress) -> LoadReport:
    """Load every file of `folder`.

    Shape:   files → one count per table, in the order of the files.
    Units:   batch_rows rows per request, 1..1000.
    Effects: none if the environment holds the rows already; else creations, changes and state changes, in parts that
             are each done whole or not at all.
    Errors:  UsageError, CsvMistakes: nothing was written. ApplyFailed: some rows were refused; the others are written.
             DataverseError: what was written stays; loading again goes on from there.
    """
    sheets = read_folder(folder)
    load = _Load(client, batch_rows, progress)
    load.check(sheets)
    load.compare()
    load.create()
    load.change()
    load.set_states()
    return load.report


class _Load:
    """One load on its way."""

    def __init__(self, client: Client, batch_rows: int, progress: Progress) -> None:
        self._client = client
        self._batch_rows = batch_rows
        self._progress = progress
        self._tables: dict[str, Table] = {}
        self._rows: list[Row] = []
        self._found: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._new: list[NewRow] = []
        self._changes: list[tuple[Row, Sequence[str]]] = []
        self.report = LoadReport()

    def check(self, sheets: Sequence[Sheet]) -> None:
        """Turn the files into rows, or raise every mistake in them."""
        self._tables = inspect_tables(self._client)
        for number, sheet in enumerate(sheets):
            self._progress(CHECKING, number, len(sheets))
            if sheet.table in self._tables:
                self._tables[sheet.table] = inspect_columns(self._client, self._tables[sheet.table], sheet.header)
        mistakes = [mistake for sheet in sheets for mistake in check_header(sheet, self._tables)]
        if mistakes:
            raise CsvMistakes(mistakes)
        currencies = read_currencies(self._client)
        for sheet in sheets:
            self._rows += check_rows(sheet, self._tables[sheet.table], currencies, mistakes)
            self.report.tables[sheet.table] = Count(rows=len(sheet.rows))
        self._rows = self._known_currencies(currencies)
        find_in_files(self._rows)
        find_in_environment(self._client, self._rows, self._tables)
        mistakes += unknown_lookups(self._rows)
        self._progress(CHECKING, len(sheets), len(sheets))
        if mistakes:
            raise CsvMistakes(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line or 0)))

    def _known_currencies(self, currencies: Currencies) -> list[Row]:
        """Take a currency that the environment has under another id for that one, and leave its rate alone."""
        known = {
            row.id: currencies.ids[row.values["isocurrencycode"]]
            for row in self._rows
            if row.table.name == CURRENCY_TABLE
            and currencies.ids.get(row.values.get("isocurrencycode", ""), row.id) != row.id
        }
        for row in self._rows:
            for reference in row.lookups.values():
                reference.id = known.get(reference.id, reference.id)
        if known:
            self.report.tables[CURRENCY_TABLE].unchanged += len(known)
        return [row for row in self._rows if row.table.name != CURRENCY_TABLE or row.id not in known]

    def compare(self) -> None:
        """Read the rows that are there, and settle what is to be written."""
        done = 0
        for name, rows in by_table(self._rows).items():
            table, before = self._tables[name], done

            def read(asked: int, before: int = before) -> None:
                self._progress(COMPARING, before + asked, len(self._rows))

            found = observe(self._client, table, read_names(table, rows), [row.id for row in rows], read)
            self._found.update({(name, row_id): row for row_id, row in found.items()})
            done += len(rows)
        for row in self._rows:
            self._compare(row)

    def _compare(self, row: Row) -> None:
        found = self._found.get((row.table.name, row.id))
        if found is None:
            return
        difference = compare(row, found)
        for column in difference.too_late:
            place = (row.table.name, column)
            self.report.too_late[place] = self.report.too_late.get(place, 0) + 1
        if difference.columns:
            self._changes.append((row, difference.columns))
        elif not self._steps(row):
            self.report.tables[row.table.name].unchanged += 1

    def create(self) -> None:
        """Create the rows that are not there, each after the rows that it names."""
        new = {(row.table.name, row.id): row for row in self._rows if (row.table.name, row.id) not in self._found}
        needs = {
            key: {(reference.table or "", reference.id) for reference in row.lookups.values()}
            for key, row in new.items()
        }
        not_there_yet = set(new)
        writer, counted = self._writer(CREATING, len(new))
        for wave in waves(needs, lambda key: key[0]):
            split = [split_for_creation(new[key], not_there_yet) for key in wave]
            not_there_yet -= set(wave)
            self._changes += [(each.row, each.then) for each in split if each.then]
            bodies = {(each.row.table.name, each.row.id): payload(each.row, each.first, self._tables) for each in split}
            for name, rows in by_table([each.row for each in split]).items():
                created = writer.create(self._tables[name], [(row, bodies[name, row.id]) for row in rows])
                self.report.tables[name].created += created
        counted()

    def change(self) -> None:
        """Write what differs in rows that are there, and what could not be written when rows were made."""
        columns = {(row.table.name, row.id): names for row, names in self._changes}
        writer, counted = self._writer(CHANGING, len(columns))
        for name, rows in by_table([row for row, _ in self._changes]).items():
            bodies = [(row, payload(row, list(columns[name, row.id]), self._tables)) for row in rows]
            writer.update(self._tables[name], bodies)
            self.report.tables[name].changed += sum((name, row.id) in self._found for row in rows)
        counted()

    def set_states(self) -> None:
        """Bring every row into the state that its file says."""
        steps = {(row.table.name, row.id): (row, self._steps(row)) for row in self._rows}
        wanted = by_table([row for row, operations in steps.values() if operations])
        writer, counted = self._writer(CLOSING, sum(len(rows) for rows in wanted.values()))
        first = [name for name in STATES_IN_ORDER if name in wanted]
        for name in [*first, *(name for name in wanted if name not in first)]:
            done = writer.carry_out([steps[name, row.id] for row in wanted[name]])
            self.report.tables[name].states_set += done
        counted()

    def _steps(self, row: Row) -> list[Any]:
        found = self._found.get((row.table.name, row.id), {"statecode": 0, "statuscode": None})
        return steps_to_state(row, found.get("statecode") or 0, found.get("statuscode"))

    def _writer(self, step: str, total: int) -> tuple[Writer, Callable[[], None]]:
        """Give a writer that reports as `step`, and what to call at the end: it raises if rows were refused."""
        done = 0

        def count(rows: int) -> None:
            nonlocal done
            done += rows
            self._progress(step, done, total)

        writer = Writer(self._client, batch_rows=self._batch_rows, done=count)

        def finish() -> None:
            if writer.refused:
                raise _not_all_taken(step, done - len(writer.refused), writer)

        return writer, finish


def _not_all_taken(step: str, taken: int, writer: Writer) -> ApplyFailed:
    refused = "\n".join(f"  {each}" for each in writer.refused)
    return ApplyFailed(
        f"{step}: {len(writer.refused)} rows were refused, {taken} were taken.\n{refused}",
        done=[f"{taken} rows"],
        failed=[str(each) for each in writer.refused],
        not_started=[],
        hint="Mend the files and load again: what is written is not written twice.",
    )
