"""What a request expands: which navigation properties, which combinations are allowed, the links beside collections.

Owns the rules. Reads no rows.

Source: powerapps-docs …/webapi/query/join-tables.md: "Supported Relationship types for $expand", and the errors printed
there with their code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from d365ext.emulator.odata.ast import Expand, to_text
from d365ext.emulator.odata.navigation_sql import Collection, collection_of
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import TYPE_SUFFIX, Relationship, Table

ONLY_SELECT_AND_FILTER = (
    "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested "
    "one-to-many relationship."
)
ONLY_LOOKUPS = "Expand with $ref is only supported on lookup type navigation property."
Target = Relationship | Collection


@dataclass(frozen=True, slots=True)
class Item:
    """One expanded property: where it leads, what it asks for, and what is expanded below it."""

    nav: str
    target: Target
    table: Table
    asked: Expand
    below: tuple[Item, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Stored columns of the parent row that reading this takes."""
        if isinstance(self.target, Collection):
            return (self.target.parent.primary_id,)
        return (self.target.referencing_column,)


def to_item(session: Session, table: Table, asked: Expand) -> Item:
    """Find the navigation property that an item of $expand names, and those below it; 400 if there is none."""
    if len(asked.path.parts) > 1:
        raise Problem.not_implemented(f"the path '{asked.path.text}' in $expand")
    nav = asked.path.parts[0]
    relationship = table.many_to_one.get(nav)
    if relationship is not None:
        target = session.schema.table(relationship.referenced_table)
        return Item(nav, relationship, target, asked, tuple(to_item(session, target, each) for each in asked.expand))
    collection = collection_of(session.schema, table, nav)
    if collection is None:
        raise Problem.no_column(nav, table.logical)
    below = tuple(to_item(session, collection.child, each) for each in asked.expand)
    return Item(nav, collection, collection.child, asked, below)


def check(items: Sequence[Item]) -> None:
    """Refuse what cannot be combined. Source: join-tables.md, the tables and errors printed there."""
    everything = list(_flat(items))
    is_nested = any(item.below for item in items)
    many = [item for item in everything if isinstance(item.target, Collection) and item.target.is_many_to_many]
    if many and (is_nested or len(many) < len(everything)):
        raise Problem.query(
            f"The many-to-many navigation property '{many[0].nav}' can't be expanded together with others or nested."
        )
    for item in everything:
        is_one = isinstance(item.target, Relationship)
        if item.asked.is_reference and not is_one:
            raise Problem.query(ONLY_LOOKUPS)
        if (is_one or is_nested) and (item.asked.top is not None or item.asked.orderby):
            raise Problem.query(ONLY_SELECT_AND_FILTER)


def _flat(items: Sequence[Item]) -> Sequence[Item]:
    return [each for item in items for each in (item, *_flat(item.below))]


def needs_of(table: Table, items: Sequence[Item]) -> tuple[str, ...]:
    """Give the stored columns of rows of `table` that reading these items takes."""
    names: dict[str, None] = {}
    for item in items:
        for name in item.needs:
            names.setdefault(name)
            if isinstance(item.target, Relationship) and table.columns[name].is_polymorphic:
                names.setdefault(name + TYPE_SUFFIX)
    return tuple(names)


def options_text(asked: Expand) -> list[str]:
    """Print the options of an expanded collection as those of a request for it."""
    parts = []
    if asked.select is not None:
        parts.append(f"$select={','.join(asked.select)}")
    if asked.filter is not None:
        parts.append(f"$filter={_quoted(to_text(asked.filter))}")
    if asked.orderby:
        orders = [to_text(each.by) + (" desc" if each.descending else "") for each in asked.orderby]
        parts.append(f"$orderby={_quoted(','.join(orders))}")
    if asked.top is not None:
        parts.append(f"$top={asked.top}")
    if asked.expand:
        parts.append(f"$expand={','.join(_expand_text(each) for each in asked.expand)}")
    return parts


def _expand_text(asked: Expand) -> str:
    inside = ";".join(options_text(asked))
    path = asked.path.text + ("/$ref" if asked.is_reference else "")
    return f"{path}({inside})" if inside else path


def _quoted(text: str) -> str:
    return quote(text, safe="(),'/$:@*")
