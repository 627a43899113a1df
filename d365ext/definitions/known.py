"""Which tables, columns and choices there are, as far as a draft and Microsoft's list tell."""

from __future__ import annotations

from functools import cached_property

from d365ext.definitions.draft import Draft
from d365ext.definitions.solution import KPI_TABLE
from d365ext.definitions.standard import columns_of_every_own_table, standard_tables
from d365ext.definitions.tables import OwnTable, Table


class Known:
    """Answers what exists. Where a file could not be read, whatever it may have declared is taken to exist."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    @cached_property
    def tables(self) -> list[str]:
        """Every table that can be named."""
        return sorted({*standard_tables(), *self._draft.tables})

    @property
    def choices(self) -> set[str]:
        """Every global choice of ours."""
        unread = {name.removeprefix("choices/") for name in self._draft.unread if name.startswith("choices/")}
        return {*self._draft.choices, *unread}

    @property
    def views(self) -> set[str]:
        """Every view of ours."""
        unread = {name.removeprefix("views/") for name in self._draft.unread if name.startswith("views/")}
        return {*self._draft.views, *unread}

    @property
    def relationships(self) -> list[str]:
        """Every relationship of ours."""
        return sorted(self._draft.relationships)

    def has_relationship(self, name: str) -> bool:
        """Say whether we make a relationship `name`."""
        return name in self._draft.relationships or "relationships" in self._draft.unread

    def has_table(self, name: str) -> bool:
        """Say whether there is a table `name`."""
        return name in self.tables or f"tables/{name}" in self._draft.unread

    def has_column(self, table: str, column: str) -> bool:
        """Say whether `table` has `column`, as far as one can know."""
        columns = self.columns_if_known(table)
        return columns is None or column in columns

    def columns(self, table: str) -> list[str]:
        """List the columns of `table`, for a hint."""
        return sorted(self.columns_if_known(table) or ())

    def columns_if_known(self, table: str) -> frozenset[str] | None:
        """Give all columns of `table`; None where one of the files that make them could not be read."""
        unread = {f"tables/{table}", "relationships"} & self._draft.unread
        if unread or (table == KPI_TABLE and self._draft.rollups is None):
            return None
        standard = standard_tables().get(table)
        placed = self._draft.tables.get(table)
        if standard is None and not (placed and isinstance(placed.part, OwnTable)):
            return None
        names: set[str] = set(standard.columns) if standard else set()
        if placed:
            names |= _with_base(placed.part)
        names |= {each.part.lookup for each in self._draft.relationships.values() if each.part.table == table}
        if table == KPI_TABLE and self._draft.rollups:
            for rollup in self._draft.rollups.rollups:
                names |= {rollup.column, f"{rollup.column}_base"} if rollup.type == "money" else {rollup.column}
        return frozenset(names)


def _with_base(table: Table) -> set[str]:
    """List the columns that a table file makes, with those that the platform adds to them."""
    names = set(table.columns) | {f"{name}_base" for name, column in table.columns.items() if column.type == "money"}
    if isinstance(table, OwnTable):
        system = columns_of_every_own_table(table.ownership, has_currency=table.has_currency)
        names |= {f"{table.name}id", *system}
    return names
