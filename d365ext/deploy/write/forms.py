"""Forms.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/customize-entity-forms (formxml of the row).
"""

from __future__ import annotations

from d365ext.deploy.compare.forms import edit_of
from d365ext.deploy.environment import Environment
from d365ext.deploy.read.forms import read_forms_of
from d365ext.deploy.ui_change import EditForm, EditNewForms
from d365ext.deploy.write.writer import Writer
from d365ext.webapi.query import row_address


def edit_form(writer: Writer, change: EditForm) -> None:
    solution = None if change.is_leaving else writer.into
    writer.client.update(row_address("systemforms", change.id), {"formxml": change.after}, solution=solution)


def edit_new_forms(writer: Writer, change: EditNewForms) -> None:
    """Edit the forms that came with a table, which could not be looked at when the plan was made."""
    environment = Environment(writer.languages)
    for form in read_forms_of(writer.client, change.table):
        edit = edit_of(writer.solution, environment, form) if form.type == change.type else None
        if edit is not None:
            edit_form(writer, edit)
