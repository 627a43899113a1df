"""What we add to forms."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from d365ext.definitions.forms import FormAddition
from d365ext.definitions.solution import Solution
from d365ext.definitions.splice import locate
from d365ext.definitions.xmltext import XmlMistake
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.environment import Environment, FoundForm
from d365ext.deploy.forms.build import FormPlace
from d365ext.deploy.forms.edit import put_in, take_out
from d365ext.deploy.forms.identity import is_made_of_names
from d365ext.deploy.ui_change import EditForm, EditNewForms


def compare_forms(solution: Solution, environment: Environment) -> Findings:
    """Compare every form that we add something to, or added something to before."""
    for form in environment.forms:
        try:
            edit = edit_of(solution, environment, form)
        except XmlMistake as mistake:
            yield Refusal(f"The form {form.name} of {form.table} is not XML: {mistake}.")
            continue
        if edit is not None:
            yield edit
    for table in dict.fromkeys(table for addition in solution.forms.values() for table in addition.tables):
        if table in solution.tables and table not in environment.tables:
            for kind in dict.fromkeys(each.type for each in solution.forms.values() if table in each.tables):
                yield EditNewForms(table, kind)


def edit_of(solution: Solution, environment: Environment, form: FoundForm) -> EditForm | None:
    """Say what to change in a form, if anything.

    Errors:  XmlMistake if the form is not XML.
    """
    if not form.is_open:
        return None
    additions = additions_to(solution, form)
    after, details = put_in(form.xml, _place(solution, environment, form), additions)
    if not details and form.xml != form.published_xml and additions:
        details = ("edited but not published",)
    return EditForm(form.id, form.table, form.name, form.xml, after, details) if details else None


def additions_to(solution: Solution, form: FoundForm) -> list[FormAddition]:
    """List what we add to a form."""
    return [
        addition
        for addition in solution.forms.values()
        if form.table in addition.tables
        and form.type == addition.type
        and any(fnmatchcase(form.name, pattern) for pattern in addition.forms)
    ]


def withdrawals(solution: Solution, environment: Environment) -> Iterator[EditForm]:
    """Say what to take out of the forms to leave them as they were.

    Errors:  XmlMistake if a form is not XML.
    """
    for form in environment.forms:
        place = _place(solution, environment, form)
        after, details = take_out(form.xml, place)
        if not details and form.published_xml and take_out(form.published_xml, place)[1]:
            details = ("edited but not published",)
        if details:
            yield EditForm(form.id, form.table, form.name, form.xml, after, details, is_leaving=True)


def _place(solution: Solution, environment: Environment, form: FoundForm) -> FormPlace:
    return FormPlace(solution, environment.languages, form.id, form.table, _taken(form.xml))


def _taken(xml: str) -> frozenset[str]:
    """List the ids of the controls in the cells of others."""
    cells = (cell for cell in locate(xml).all("cell") if not is_made_of_names(cell.get("id")))
    return frozenset(control.get("id") for cell in cells for control in cell.all("control"))
