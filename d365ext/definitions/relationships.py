"""The entries of relationships.toml (a lookup on several tables) and mappings.toml (a mapping of several columns)."""

from __future__ import annotations

from pydantic import Field

from d365ext.definitions.parts import Name, OurName, Part, Texts
from d365ext.definitions.tables import Cascade, ColumnMapping, Relationship


class Lookup(Part):
    """A lookup column on one table or several."""

    column: OurName
    on: tuple[Name, ...] = Field(min_length=1)
    to: Name
    rule: str
    label: Texts
    description: Texts = Field(default_factory=dict)
    related: Texts | None = None

    def to_relationship(self, table: str, cascade: Cascade, prefix: str) -> Relationship:
        """Make the relationship that this entry means on `table`."""
        return Relationship(
            name=f"{prefix}_{self.to}_{table}_{self.column.removeprefix(f'{prefix}_')}",
            lookup=self.column,
            table=table,
            to=self.to,
            cascade=cascade,
            label=self.label,
            description=self.description,
            related=self.related,
        )


class RelationshipsFile(Part):
    """The whole of relationships.toml."""

    rules: dict[str, Cascade] = Field(default_factory=dict, alias="rule")
    lookups: tuple[Lookup, ...] = Field(default=(), alias="lookup")


class MappingEntry(Part):
    """Columns that a new row of a table takes over from the row it is made from."""

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    columns: tuple[OurName, ...] = Field(min_length=1)

    def to_mappings(self) -> list[ColumnMapping]:
        """Make one mapping for each column."""
        return [ColumnMapping(source=self.source, target=self.target, column=column) for column in self.columns]


class MappingsFile(Part):
    """The whole of mappings.toml."""

    mappings: tuple[MappingEntry, ...] = Field(default=(), alias="mapping")
