"""What must hold between the files: whatever one of them names, another one or Microsoft has.

Mistakes are added to the draft. Of a file that could not be read nothing is known, so nothing is said about what it
would have declared.
"""

from __future__ import annotations

import difflib
from collections import Counter

from d365ext.definitions.columns import ChoiceColumn, Money, Text
from d365ext.definitions.draft import Draft, Placed
from d365ext.definitions.formcheck import check_forms
from d365ext.definitions.known import Known
from d365ext.definitions.solution import KPI_TABLE
from d365ext.definitions.standard import standard_tables
from d365ext.definitions.tables import ColumnMapping, OwnTable, Relationship, Table
from d365ext.definitions.uicheck import check_app, check_charts, check_dashboards, check_roles
from d365ext.definitions.validation import unknown
from d365ext.definitions.viewcheck import check_views


def check(draft: Draft) -> None:
    """Note every mistake between the parts of `draft`."""
    known = Known(draft)
    _choices_carry_the_prefix(draft)
    for table in draft.tables.values():
        _check_table(draft, table, known)
    for relationship in draft.relationships.values():
        _check_relationship(draft, relationship, known)
    _one_parent_each(draft)
    for mapping in draft.mappings:
        _check_mapping(draft, mapping, known)
    _rollups_have_room(draft)
    check_views(draft, known)
    check_forms(draft, known)
    check_charts(draft, known)
    check_dashboards(draft)
    check_app(draft, known)
    check_roles(draft, known)


def _choices_carry_the_prefix(draft: Draft) -> None:
    for choice in draft.choices.values():
        if not choice.part.name.startswith(f"{draft.rules.prefix}_"):
            draft.refuse(choice, f"The name of a choice, and of its file, starts with {draft.rules.prefix}_.")


def _check_table(draft: Draft, table: Placed[Table], known: Known) -> None:
    part = table.part
    meant = difflib.get_close_matches(part.name, standard_tables(), n=1, cutoff=0.8)
    if type(part) is Table and meant and part.name not in standard_tables():
        message = f"We know of no standard table '{part.name}'; did you mean '{meant[0]}'?"
        draft.refuse(table, message, hint=f"A table of ours starts with {draft.rules.prefix}_.")
    for name, column in part.columns.items():
        if isinstance(column, ChoiceColumn) and column.choice and column.choice not in known.choices:
            message = unknown(column.choice, sorted(known.choices), what="choice")
            draft.refuse(table, message, "column", name, "choice")
    for name, key in part.keys.items():
        for column_name in key.columns:
            if not known.has_column(part.name, column_name):
                message = unknown(column_name, known.columns(part.name), what=f"column of {part.name}")
                draft.refuse(table, message, "key", name, "columns")
    if isinstance(part, OwnTable):
        _check_own_table(draft, table, part)


def _check_own_table(draft: Draft, table: Placed[Table], part: OwnTable) -> None:
    if not isinstance(part.columns.get(part.primary_name), Text):
        draft.refuse(table, f"The primary name '{part.primary_name}' is no text column of this table.", "primary_name")
    if not part.has_currency:
        for name, column in part.columns.items():
            if isinstance(column, Money):
                draft.refuse(table, "A table with money says 'has_currency = true'.", "column", name)


def _check_relationship(draft: Draft, relationship: Placed[Relationship], known: Known) -> None:
    part = relationship.part
    for key, table in (("on", part.table), ("to", part.to)):
        if not known.has_table(table):
            draft.refuse(relationship, unknown(table, known.tables, what="table"), key)
    if part.table in draft.tables and part.lookup in draft.tables[part.table].part.columns:
        draft.refuse(relationship, f"{part.table} has a column {part.lookup} already.", "column")


def _one_parent_each(draft: Draft) -> None:
    """Refuse a second relationship that cascades to the same table.

    Source: learn.microsoft.com/power-apps/maker/data-platform/create-edit-entity-relationships ("No new relationship
    can have any action set to Cascade All … if the related table … already exists as a related table in another
    relationship that has").
    """
    parental = [each for each in draft.relationships.values() if each.part.cascade.is_parental]
    children = Counter(each.part.table for each in parental)
    for relationship in parental:
        table = relationship.part.table
        if children[table] > 1:
            draft.refuse(relationship, f"{table} can be the child of one relationship that cascades only.", "rule")
        elif not table.startswith(f"{draft.rules.prefix}_"):
            draft.refuse(relationship, f"{table} is a standard table: it has its cascading parent already.", "rule")


def _check_mapping(draft: Draft, mapping: Placed[ColumnMapping], known: Known) -> None:
    part = mapping.part
    for key, table in (("from", part.source), ("to", part.target)):
        if not known.has_table(table):
            draft.refuse(mapping, unknown(table, known.tables, what="table"), key)
        elif not known.has_column(table, part.column):
            message = unknown(part.column, known.columns(table), what=f"column of {table}")
            draft.refuse(mapping, message, "columns")


def _rollups_have_room(draft: Draft) -> None:
    """Refuse a rollup whose column the pipeline table declares as well."""
    pipeline = draft.tables.get(KPI_TABLE)
    for rollup in draft.rollups.rollups if draft.rollups and pipeline else ():
        if pipeline and rollup.column in pipeline.part.columns:
            message = f"{rollup.column} is a rollup as well: rollups.toml declares rollup.{rollup.name}."
            draft.refuse(pipeline, message, "column", rollup.column)
