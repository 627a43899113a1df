"""The rows that the environment has already: which of the ids exist, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from d365ext.loader.check import Row
from d365ext.loader.shapes import Table
from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query

T = TypeVar("T")

IDS_IN_A_QUERY = 200
"""Ids to ask for at once: below the 500 conditions that one query may have, and 32 KB of address.

Source: learn.microsoft.com/power-apps/developer/data-platform/fetchxml/filter-rows ("up to 500 … conditions"),
…/webapi/compose-http-requests-handle-errors (length of a URL).
"""


def observe(
    client: Client, table: Table, columns: Sequence[str], ids: Iterable[str], read: Callable[[int], None]
) -> dict[str, dict[str, Any]]:
    """Read the rows of `table` with these ids: id → row; an id that is not there is left out.

    `columns` are names as they are read (`Column.read_name`); `read` is told how many ids were asked for so far.
    """
    found: dict[str, dict[str, Any]] = {}
    asked = 0
    for part in chunks(ids, IDS_IN_A_QUERY):
        condition = " or ".join(f"{table.primary_id} eq {row_id}" for row_id in part)
        select = tuple(dict.fromkeys([table.primary_id, *columns]))
        query = Query(EntitySetName(table.entity_set), select=select, filter=condition)
        found.update({str(row[table.primary_id]).lower(): row for row in client.rows(query)})
        asked += len(part)
        read(asked)
    return found


def find_in_environment(client: Client, rows: Iterable[Row], tables: Mapping[str, Table]) -> None:
    """Look for the lookups that no file has, in each table that the column may point at."""
    open_references = [
        (target, reference)
        for row in rows
        for name, reference in row.lookups.items()
        if reference.table is None
        for target in row.table.columns[name].targets
    ]
    for target in sorted({target for target, _ in open_references if target in tables}):
        ids = {reference.id for each, reference in open_references if each == target and reference.table is None}
        known = observe(client, tables[target], (), sorted(ids), lambda _asked: None)
        for each, reference in open_references:
            if each == target and reference.table is None and reference.id in known:
                reference.table = target


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut `values` into lists of at most `size`.

    >>> list(chunks("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    source = iter(values)
    while part := list(islice(source, size)):
        yield part
