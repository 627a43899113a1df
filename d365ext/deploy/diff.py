"""What to change so that an environment has what a solution declares. Pure; its first property is silence.

What the environment has and the solution does not declare is never changed. What carries our prefix and is no longer
declared is named apart (`strays`), for a person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from d365ext.definitions.solution import Solution
from d365ext.deploy.change import Change
from d365ext.deploy.compare.app import compare_app
from d365ext.deploy.compare.choices import compare_choices, stray_choices
from d365ext.deploy.compare.columns import compare_columns, stray_columns
from d365ext.deploy.compare.components import compare_components
from d365ext.deploy.compare.forms import compare_forms
from d365ext.deploy.compare.heads import compare_publisher, compare_solution
from d365ext.deploy.compare.keys import compare_keys, stray_keys
from d365ext.deploy.compare.membership import compare_membership
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.compare.relationships import compare_mappings, compare_relationships, stray_relationships
from d365ext.deploy.compare.roles import compare_roles
from d365ext.deploy.compare.tables import compare_tables, stray_tables
from d365ext.deploy.environment import Environment
from d365ext.deploy.publication import Publication
from d365ext.deploy.rows import components_of


@dataclass(frozen=True, slots=True)
class Difference:
    """What was found: changes to make, strays to think about, reasons to refuse."""

    changes: tuple[Change, ...] = ()
    strays: tuple[Change, ...] = ()
    refusals: tuple[str, ...] = ()


def diff(solution: Solution, environment: Environment) -> Difference:
    """Compare what is wanted with what is there.

    Shape:   no change where they agree: `diff(s, environment with s) == Difference()`.
    """
    components = components_of(solution, environment.languages)
    everything = [
        Publication(tables=frozenset(solution.tables), choices=frozenset(solution.choices)),
        *(component.publication for component in components),
    ]
    found: Findings = chain(
        compare_publisher(solution, environment),
        compare_choices(solution, environment),
        compare_tables(solution, environment),
        compare_columns(solution, environment),
        compare_relationships(solution, environment),
        compare_keys(solution, environment),
        compare_mappings(solution, environment),
        compare_components(components, environment),
        compare_forms(solution, environment),
        compare_roles(solution, environment),
        compare_app(solution, environment, components),
        compare_membership(solution, environment, components),
        compare_solution(solution, environment, everything),
    )
    strays: Findings = chain(
        stray_choices(solution, environment),
        stray_tables(solution, environment),
        stray_columns(solution, environment),
        stray_keys(solution, environment),
        stray_relationships(solution, environment),
    )
    findings = list(found)
    return Difference(
        changes=_in_order(each for each in findings if isinstance(each, Change)),
        strays=_in_order(each for each in strays if isinstance(each, Change)),
        refusals=tuple(each.message for each in findings if isinstance(each, Refusal)),
    )


def _in_order(changes: Findings) -> tuple[Change, ...]:
    """Put them in the order in which they can be made; of one kind, as they were declared."""
    return tuple(sorted((each for each in changes if isinstance(each, Change)), key=lambda change: change.place))
