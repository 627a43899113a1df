"""A view names columns that its tables have, each once, and nobody else's id."""

from __future__ import annotations

from d365ext.definitions.draft import Draft, Placed
from d365ext.definitions.fetchcheck import fetch_mistakes, joined_tables
from d365ext.definitions.known import Known
from d365ext.definitions.validation import unknown
from d365ext.definitions.views import View
from d365ext.definitions.xmltext import lines_below, parse_fragment


def check_views(draft: Draft, known: Known) -> None:
    """Note every mistake in the views."""
    keys: dict[str, str] = {}
    for view in draft.views.values():
        first = keys.setdefault(str(view.part.id), view.part.key)
        if first != view.part.key:
            draft.refuse(view, f"The view {first} has the same id.", "id")
        if not known.has_table(view.part.table):
            draft.refuse(view, unknown(view.part.table, known.tables, what="table"), "table")
            continue
        _check_columns(draft, view, known)
        _check_fragments(draft, view, known)


def _check_columns(draft: Draft, view: Placed[View], known: Known) -> None:
    joined = _joined_tables(view.part)
    seen: set[str] = set()
    for number, column in enumerate(view.part.columns):
        place = ("columns", number, "name")
        table = joined.get(column.alias)
        if column.name in seen:
            draft.refuse(view, f"{column.name} is shown twice.", *place)
        elif table is None:
            draft.refuse(view, unknown(column.alias, sorted(joined), what="alias in 'links'"), *place)
        elif not known.has_column(table, column.column):
            draft.refuse(view, unknown(column.column, known.columns(table), what=f"column of {table}"), *place)
        seen.add(column.name)
    for number, order in enumerate(view.part.order):
        name = order.partition(" ")[0]
        if not known.has_column(view.part.table, name):
            message = unknown(name, known.columns(view.part.table), what=f"column of {view.part.table}")
            draft.refuse(view, message, "order", number)


def _joined_tables(view: View) -> dict[str, str]:
    """Give the table behind each alias; the view's own table has none."""
    return joined_tables(parse_fragment(view.links)) | {"": view.table}


def _check_fragments(draft: Draft, view: Placed[View], known: Known) -> None:
    joined = _joined_tables(view.part)
    for key, text in (("filter", view.part.filter), ("links", view.part.links)):
        for mistake in fetch_mistakes(parse_fragment(text), view.part.table, known, joined):
            draft.refuse(view, mistake.message, key, below=lines_below(text, mistake.line))
