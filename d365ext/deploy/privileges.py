"""Which privileges a plan needs. Pure.

Source: learn.microsoft.com/power-platform/admin/security-roles-privileges and …/power-apps/developer/data-platform/
security-roles (every table has its own; tables, columns, relationships, choices and publishing have theirs by name).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from d365ext.deploy import change as noun
from d365ext.deploy import removal
from d365ext.deploy import table_change as tabled
from d365ext.deploy import ui_change as ui
from d365ext.deploy.change import Change

_BY_NAME: Mapping[type[Change], tuple[str, ...]] = {
    noun.CreateChoice: ("prvCreateOptionSet",),
    noun.ModifyChoice: ("prvWriteOptionSet",),
    noun.AddOption: ("prvWriteOptionSet",),
    noun.RelabelOption: ("prvWriteOptionSet",),
    tabled.CreateTable: ("prvCreateEntity", "prvCreateAttribute"),
    tabled.ModifyTable: ("prvWriteEntity",),
    tabled.TrackChanges: ("prvWriteEntity",),
    tabled.CreateColumn: ("prvCreateAttribute",),
    tabled.ModifyColumn: ("prvWriteAttribute",),
    tabled.ReplaceColumn: ("prvDeleteAttribute", "prvCreateAttribute"),
    tabled.CreateRelationship: ("prvCreateRelationship", "prvCreateAttribute"),
    tabled.ModifyRelationship: ("prvWriteRelationship", "prvWriteAttribute"),
    tabled.CreateKey: ("prvCreateEntityKey",),
    removal.DeleteKey: ("prvDeleteEntityKey",),
    removal.DeleteRelationship: ("prvDeleteRelationship",),
    removal.DeleteColumn: ("prvDeleteAttribute",),
    removal.DeleteTable: ("prvDeleteEntity",),
    removal.DeleteChoice: ("prvDeleteOptionSet",),
}
_BY_TABLE: Mapping[type[Change], tuple[tuple[str, str], ...]] = {
    noun.CreatePublisher: (("publisher", "create"),),
    noun.ModifyPublisher: (("publisher", "write"),),
    noun.CreateSolution: (("solution", "create"),),
    noun.ModifySolution: (("solution", "write"),),
    noun.AddToSolution: (("solution", "write"),),
    ui.EditForm: (("systemform", "write"),),
    ui.EditNewForms: (("systemform", "write"),),
    ui.CreateRole: (("role", "create"), ("role", "write")),
    ui.ModifyRole: (("role", "write"),),
    removal.DeleteSolution: (("solution", "delete"),),
    removal.DeletePublisher: (("publisher", "delete"),),
}


@dataclass(slots=True)
class Needs:
    """Privileges by their names, and by table and right (what those are called differs between tables)."""

    names: set[str] = field(default_factory=set)
    rights: set[tuple[str, str]] = field(default_factory=set)


def needs_of(changes: Iterable[Change]) -> Needs:
    """Collect what a plan needs; publishing is needed as soon as one change waits for it."""
    needs = Needs()
    for change in changes:
        needs.names |= set(_BY_NAME.get(type(change), ()))
        needs.rights |= set(_BY_TABLE.get(type(change), ()))
        match change:
            case tabled.CreateComponent(component=component):
                needs.rights.add((component.kind.table, "create"))
            case tabled.ModifyComponent(component=component):
                needs.rights.add((component.kind.table, "write"))
            case removal.DeleteComponent(kind=kind):
                needs.rights.add((kind.table, "delete"))
        if change.publication:
            needs.names.add("prvPublishCustomization")
    return needs
