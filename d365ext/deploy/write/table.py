"""Which function carries out which change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from d365ext.deploy import change as noun
from d365ext.deploy import removal
from d365ext.deploy import table_change as tabled
from d365ext.deploy import ui_change as ui
from d365ext.deploy.change import Change
from d365ext.deploy.write import app, components, forms, heads, keys, relationships, roles, tables
from d365ext.deploy.write.removals import remove
from d365ext.deploy.write.writer import Writer

WRITERS: Mapping[type[Change], Callable[[Writer, Any], None]] = {
    noun.CreatePublisher: heads.create_publisher,
    noun.ModifyPublisher: heads.modify_publisher,
    noun.CreateSolution: heads.create_solution,
    noun.ModifySolution: heads.modify_solution,
    noun.AddToSolution: heads.add_to_solution,
    noun.CreateChoice: tables.create_choice,
    noun.ModifyChoice: tables.modify_choice,
    noun.AddOption: tables.add_an_option,
    noun.RelabelOption: tables.relabel_an_option,
    tabled.CreateTable: tables.create_table,
    tabled.ModifyTable: tables.modify_table,
    tabled.TrackChanges: tables.track_changes,
    tabled.CreateColumn: tables.create_column,
    tabled.ModifyColumn: tables.modify_column,
    tabled.ReplaceColumn: tables.replace_column,
    tabled.CreateKey: keys.create_key,
    tabled.CreateRelationship: relationships.create_relationship,
    tabled.ModifyRelationship: relationships.modify_relationship,
    tabled.CreateMapping: relationships.create_mapping,
    tabled.CreateComponent: components.create_component,
    tabled.ModifyComponent: components.modify_component,
    ui.EditForm: forms.edit_form,
    ui.EditNewForms: forms.edit_new_forms,
    ui.CreateRole: roles.create_role,
    ui.ModifyRole: roles.modify_role,
    ui.AddToApp: app.add_to_app,
    ui.OpenAppTo: app.open_app_to,
    removal.DeleteComponent: remove,
    removal.DeleteMapping: remove,
    removal.DeleteKey: remove,
    removal.DeleteRelationship: remove,
    removal.DeleteColumn: remove,
    removal.DeleteTable: remove,
    removal.DeleteChoice: remove,
    removal.DeleteSolution: remove,
    removal.DeletePublisher: remove,
}
