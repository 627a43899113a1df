"""Lookups with their relationships, and the mappings that let columns flow along them."""

from __future__ import annotations

from collections.abc import Iterator

from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import Relationship
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.describe import from_to, text_changes
from d365ext.deploy.environment import Environment, Languages
from d365ext.deploy.removal import DeleteMapping, DeleteRelationship
from d365ext.deploy.table_change import CreateMapping, CreateRelationship, ModifyRelationship


def compare_relationships(solution: Solution, environment: Environment) -> Findings:
    """Compare every lookup that we declare."""
    for name, wanted in solution.relationships.items():
        found = environment.relationships.get(name)
        if found is None:
            there = environment.columns.get((wanted.table, wanted.lookup))
            if there is None:
                yield CreateRelationship(wanted)
            else:
                yield Refusal(
                    f"{wanted.table} has a column {wanted.lookup} that is not our lookup ({there.what.type})."
                )
        elif (found.what.table, found.what.lookup, found.what.to) != (wanted.table, wanted.lookup, wanted.to):
            yield Refusal(f"The relationship {name} is there, but not between these tables and with this lookup.")
        elif found.is_managed:
            yield Refusal(f"The relationship {name} belongs to a managed solution.")
        elif differences := tuple(_differences(wanted, found.what, environment.languages)):
            yield ModifyRelationship(wanted, differences)


def _differences(wanted: Relationship, there: Relationship, languages: Languages) -> Iterator[str]:
    yield from text_changes("label", there.label, languages.kept(wanted.label))
    yield from text_changes("description", there.description, languages.kept(wanted.description))
    for name in type(wanted.cascade).model_fields:
        before, after = getattr(there.cascade, name), getattr(wanted.cascade, name)
        if before != after:
            yield from_to(name, before, after)
    if wanted.related is None:
        if there.related is not None:
            yield from_to("in the related menu", before=True, after=False)
    elif there.related is None:
        yield from_to("in the related menu", before=False, after=True)
    else:
        yield from text_changes("related", there.related, languages.kept(wanted.related))


def compare_mappings(solution: Solution, environment: Environment) -> Findings:
    """Find the column mappings that are missing."""
    for mapping in solution.mappings:
        if mapping not in environment.mappings:
            yield CreateMapping(mapping)


def stray_relationships(solution: Solution, environment: Environment) -> Findings:
    """Find lookups and mappings with our prefix that we do not declare."""
    for name, found in environment.relationships.items():
        if name not in solution.relationships:
            yield DeleteRelationship(name, found.what.table, found.what.lookup)
    for mapping, row_id in environment.mappings.items():
        if mapping not in solution.mappings:
            yield DeleteMapping(mapping, row_id)
