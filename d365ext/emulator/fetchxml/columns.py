"""The tables and columns that a FetchXML query names, checked against what exists.

Owns the walk over a query's elements for views, charts and dependencies. Running queries is fetchxml.py's.
Source: QueryBuilderNoEntity 0x80041102, QueryBuilderNoAttribute 0x80041103, InvalidFetchXml 0x80040303 (code table);
aliases and link-entities: powerapps-docs …/fetchxml-schema.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from d365ext.emulator.components.xml_text import parse
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table


@dataclass
class FetchColumns:
    """What a query names: its table, what it returns (by the name a cell has), and every column it uses."""

    table: Table
    returned: set[str] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)
    returns_all: bool = False


def read(session: Session, text: object, what: str = "fetchxml") -> FetchColumns:
    """Read a query; 400 if it is malformed or names a table or column that does not exist."""
    root = parse(text, what, "fetch", "0x80040303")
    entity = root.find("entity")
    if entity is None:
        raise Problem(400, "0x80040303", f"Malformed FetchXml: {what} has no entity element.")
    return read_entity(session, entity)


def read_entity(session: Session, entity: Element) -> FetchColumns:
    """Read the entity element of a query."""
    found = FetchColumns(_table(session, entity))
    aliases = {"": found.table}
    _walk(session, entity, found.table, "", found, aliases)
    for link, table, alias in _links(session, entity):
        aliases[alias] = table
        _walk(session, link, table, alias, found, aliases)
    for condition in entity.iter("condition"):
        other = condition.get("entityname")
        if other:
            table = aliases.get(other) or _table_by_name(aliases, other)
            _use(found, table, condition.get("attribute"))
    return found


def _table(session: Session, element: Element) -> Table:
    name = element.get("name") or ""
    table = session.schema.tables.get(name)
    if table is None:
        raise Problem(400, "0x80041102", f"The entity with a name = '{name}' was not found in the MetadataCache.")
    return table


def _table_by_name(aliases: dict[str, Table], name: str) -> Table:
    for table in aliases.values():
        if table.logical == name:
            return table
    raise Problem(
        400, "0x80040303", f"Malformed FetchXml: a condition names the link-entity {name}, which is not there."
    )


def _links(session: Session, entity: Element) -> Iterator[tuple[Element, Table, str]]:
    """Give every link-entity with its table and alias, outer ones first.

    Inferred: a link without an alias goes by its table's name.
    """
    for link in entity.findall("link-entity"):
        table = _table(session, link)
        yield link, table, link.get("alias") or table.logical
        yield from _links(session, link)


def _walk(
    session: Session, element: Element, table: Table, alias: str, found: FetchColumns, aliases: dict[str, Table]
) -> None:
    prefix = f"{alias}." if alias else ""
    if element.find("all-attributes") is not None:
        found.returns_all = True
    for attribute in element.findall("attribute"):
        name = attribute.get("name")
        _use(found, table, name)
        found.returned.add(attribute.get("alias") or f"{prefix}{name}")
    for order in element.findall("order"):
        if order.get("attribute"):
            _use(found, table, order.get("attribute"))
    for group in element.findall("filter"):
        for condition in group.iter("condition"):
            if not condition.get("entityname"):
                _use(found, table, condition.get("attribute"))
    for link in element.findall("link-entity"):
        if link.get("from") and link.get("to"):
            _use(found, _table(session, link), link.get("from"))
            _use(found, table, link.get("to"))


def _use(found: FetchColumns, table: Table, name: str | None) -> None:
    if name not in table.columns:
        raise Problem(
            400,
            "0x80041103",
            f"'{table.logical}' entity doesn't contain attribute with Name = '{name}' and NameMapping = 'Logical'.",
        )
    found.used.add((table.logical, str(name)))
