"""What we add to forms names columns, views, relationships and scripts that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from d365ext.definitions.draft import Draft, Placed
from d365ext.definitions.forms import Cell, FormAddition, Section
from d365ext.definitions.known import Known
from d365ext.definitions.tomlfile import Place
from d365ext.definitions.validation import unknown


def check_forms(draft: Draft, known: Known) -> None:
    """Note every mistake in the additions to forms."""
    for form in draft.forms.values():
        for table in form.part.tables:
            if not known.has_table(table):
                draft.refuse(form, unknown(table, known.tables, what="table"), "tables")
        _check_names(draft, form)
        for section, place in _sections(form.part):
            for number, cell in enumerate(section.cells):
                _check_cell(draft, form, cell, (*place, "cell", number), known)
        _check_scripts(draft, form, known)


def _sections(form: FormAddition) -> Iterator[tuple[Section, Place]]:
    for number, tab in enumerate(form.tabs):
        for inner, section in enumerate(tab.sections):
            yield section, ("tab", number, "section", inner)
    for number, section in enumerate(form.sections):
        yield section, ("section", number)


def _check_names(draft: Draft, form: Placed[FormAddition]) -> None:
    seen: set[str] = set()
    names: list[tuple[str, Place]] = [(tab.name, ("tab", number, "name")) for number, tab in enumerate(form.part.tabs)]
    names += [(section.name, (*place, "name")) for section, place in _sections(form.part)]
    for name, place in names:
        if name in seen:
            draft.refuse(form, f"'{name}' is the name of two tabs or sections.", *place)
        seen.add(name)
    for number, tab in enumerate(form.part.tabs):
        for inner, section in enumerate(tab.sections):
            if section.column > len(tab.widths):
                message = f"The tab has {len(tab.widths)} column{'s' if len(tab.widths) > 1 else ''}, see 'widths'."
                draft.refuse(form, message, "tab", number, "section", inner, "column")


def _check_cell(draft: Draft, form: Placed[FormAddition], cell: Cell, place: Place, known: Known) -> None:
    for table in form.part.tables:
        if cell.column and not known.has_column(table, cell.column):
            message = unknown(cell.column, known.columns(table), what=f"column of {table}")
            draft.refuse(form, message, *place, "column")
        if cell.filter and not known.has_column(table, cell.filter.by):
            message = unknown(cell.filter.by, known.columns(table), what=f"column of {table}")
            draft.refuse(form, message, *place, "filter", "by")
    for view, inside in ((cell.view, ("view",)), (cell.subgrid.view if cell.subgrid else "", ("subgrid", "view"))):
        if view and view not in known.views:
            draft.refuse(form, unknown(view, sorted(known.views), what="view"), *place, *inside)
    relationship = cell.subgrid.relationship if cell.subgrid else ""
    if relationship.startswith(f"{draft.rules.prefix}_") and not known.has_relationship(relationship):
        message = unknown(relationship, known.relationships, what="relationship")
        draft.refuse(form, message, *place, "subgrid", "relationship")


def _check_scripts(draft: Draft, form: Placed[FormAddition], known: Known) -> None:
    for number, key in enumerate(form.part.scripts):
        if key not in draft.scripts:
            draft.refuse(form, unknown(key, sorted(draft.scripts), what="script"), "scripts", number)
    for number, handler in enumerate(form.part.handlers):
        if handler.script not in form.part.scripts:
            message = f"'{handler.script}' is not in 'scripts' of this form."
            draft.refuse(form, message, "handler", number, "script")
            continue
        script = draft.scripts.get(handler.script)
        if script and not _defines(script.content.decode("utf-8"), handler.function):
            message = f"{handler.script} defines no function {handler.function}."
            draft.refuse(form, message, "handler", number, "function")
        for table in form.part.tables:
            if handler.column and not known.has_column(table, handler.column):
                message = unknown(handler.column, known.columns(table), what=f"column of {table}")
                draft.refuse(form, message, "handler", number, "column")


def _defines(source: str, function: str) -> bool:
    """Say whether a script assigns or declares the last part of a dotted function name."""
    last = re.escape(function.rpartition(".")[2])
    return re.search(rf"(\b{last}\s*[:=]|function {last}\b|\b{last}\s*\()", source) is not None
