"""Create, replace and delete global choices.

Owns POST, PUT and DELETE of GlobalOptionSetDefinitions; options are changed by the actions of option_actions.py.
Source: powerapps-docs …/webapi/create-update-optionsets.md.
"""

from __future__ import annotations

from d365ext.emulator.components import components, dependencies
from d365ext.emulator.definitions.change import Change, check_customizable, check_unchanged
from d365ext.emulator.documents.definition_nodes import Node
from d365ext.emulator.documents.definition_types import choice_type
from d365ext.emulator.documents.labels import accepted
from d365ext.emulator.documents.naming import checked_name
from d365ext.emulator.documents.new_choices import global_choice_from
from d365ext.emulator.problems import Problem
from d365ext.emulator.store.definition_store import refresh, remove
from d365ext.emulator.web.http import Response


def create(change: Change) -> Response:
    """Create a global choice with its options.

    Source: InvalidOptionSetSchemaName 0x80044345 ("An OptionSet with the specified name already exists").
    """
    given = change.body()
    name = checked_name(change.session, given.get("Name"), "OptionSet")
    if any(name.lower() == each.lower() for each in change.session.schema.choices):
        raise Problem(
            400,
            "0x80044345",
            f"An OptionSet with the specified name {name} already exists. Please specify a unique name.",
        )
    document = global_choice_from(change.session, name, given, change.solution_name)
    change.save([("choice", document)])
    components.record(change.session, change.solution, components.CHOICE, document["MetadataId"])
    return change.created(document["MetadataId"])


def replace(change: Change, node: Node) -> Response:
    """Replace a choice's names; "these properties don't include the options", which are left as they are."""
    given = change.body()
    before = change.session.schema.choices[node.document["Name"]]
    check_customizable(before, before["Name"])
    check_unchanged(before, given, ("Name", "MetadataId", "OptionSetType", "IsGlobal"))
    document = choice_type(before).filled(before)
    for member in ("DisplayName", "Description"):
        document[member] = accepted(change.session, given.get(member), document[member], merge=change.merge_labels)
    change.save([("choice", document)])
    components.record(change.session, change.solution, components.CHOICE, document["MetadataId"])
    return Response.empty()


def delete(change: Change, node: Node) -> Response:
    """Delete a choice that no column uses.

    Source: CannotDeleteInUseComponent 0x8004F01F (the dependency comes first; the older CannotDeleteInUseOptionSet
    0x80048417 says the same) [which of the two comes is inferred].
    """
    document = node.document
    check_customizable(document, document["Name"], deleting=True)
    dependencies.check(change.session, components.CHOICE, document["MetadataId"])
    remove(change.session, "choice", document["MetadataId"])
    refresh(change.session)
    components.remove_everywhere(change.session, document["MetadataId"])
    return Response.empty()
