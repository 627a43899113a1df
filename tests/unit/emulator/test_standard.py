"""The data files of the standard tables, and what is planted in a new organization."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

import d365ext.emulator
from d365ext.emulator import Emulator, EmulatorSettings
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import ColumnType

FILES = sorted((Path(d365ext.emulator.__file__).parent / "standard" / "tables").glob("*.json"))
COLUMN_MEMBERS = {
    "name", "type", "label", "required", "valid", "attributeOf", "baseOf", "sourceType", "maxLength", "min", "max",
    "precision", "precisionSource", "format", "behavior", "default", "optionSet", "globalChoice", "logical", "targets",
    "options", "from", "inferred",
}  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    emulator = Emulator()
    with emulator.organization.reading() as opened:
        yield opened
    emulator.close()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_says_its_sources_and_holds_one_column_per_line(path: Path) -> None:
    file = json.loads(path.read_text("utf-8"))
    assert file["logicalName"] == path.stem
    assert file["sources"]
    names = [column["name"].lower() for column in file["columns"]]
    assert len(names) == len(set(names))
    assert file["primaryId"] in names
    assert file["primaryName"] is None or file["primaryName"] in names
    for column in file["columns"]:
        assert column.keys() <= COLUMN_MEMBERS
        assert column["from"]
        assert ColumnType(column["type"])
        assert not column["name"].lower().startswith(("msdyn_", "adx_", "msa_"))
    lines = path.read_text("utf-8").splitlines()
    assert sum(line.startswith('  {"name"') for line in lines) == len(
        file["columns"] + file["manyToOne"] + file["manyToMany"]
    )


def test_the_sales_tables_have_what_the_documentation_lists(session: Session) -> None:
    """data-plane.md §12: states and their default status reasons."""
    tables = session.schema.tables
    expected = {
        "opportunity": {0: 1, 1: 3, 2: 4},
        "quote": {0: 1, 1: 2, 2: 4, 3: 7},
        "salesorder": {0: 1, 1: 3, 2: 4, 3: 100001, 4: 100003},
        "lead": {0: 1, 1: 3, 2: 4},
    }
    for name, states in expected.items():
        options = tables[name].columns["statecode"].options
        assert {value: each.default_status for value, each in options.items()} == states
        assert not tables[name].columns["statecode"].valid_for_create
    assert tables["opportunity"].columns["estimatedvalue"].type is ColumnType.MONEY
    assert tables["opportunity"].columns["actualclosedate"].is_date_only
    assert tables["opportunity"].columns["estimatedvalue_base"].base_of == "estimatedvalue"


def test_every_navigation_property_leads_somewhere_and_back(session: Session) -> None:
    schema = session.schema
    for table in schema.tables.values():
        for nav, relationship in table.many_to_one.items():
            assert relationship.referencing_column in table.columns, (table.logical, nav)
            assert relationship.referenced_table in schema.tables
            back = relationship.collection_nav
            assert not back or schema.tables[relationship.referenced_table].one_to_many[back] is relationship
        for link in table.many_to_many.values():
            intersect = schema.tables[link.intersect]
            assert {link.column1, link.column2} <= intersect.columns.keys()
        assert not set(table.many_to_one) & set(table.properties), table.logical


def test_every_money_column_has_its_base_beside_it(session: Session) -> None:
    for table in session.schema.tables.values():
        for column in table.columns.values():
            if column.base_of is not None:
                assert table.columns[column.base_of].type is ColumnType.MONEY


def test_planted_forms_and_views_are_xml_over_columns_that_exist(session: Session) -> None:
    read = session.raw.execute("select objecttypecode, type, formxml from systemform")
    forms = {(table, kind): fromstring(xml) for table, kind, xml in read if xml}  # noqa: S314
    views = session.raw.execute("select returnedtypecode, querytype, fetchxml, layoutxml from savedquery").fetchall()
    for table in ("account", "contact", "lead", "opportunity", "quote", "salesorder"):
        columns = session.schema.tables[table].columns
        for kind in (2, 7):
            controls = [each.get("datafieldname") for each in forms[table, kind].iter("control")]
            assert controls
            assert set(controls) <= columns.keys()
            ids = [each.get("id") for tag in ("tab", "section", "cell") for each in forms[table, kind].iter(tag)]
            assert len(ids) == len(set(ids))
        own = [(kind, fromstring(fetch), fromstring(grid)) for name, kind, fetch, grid in views if name == table]  # noqa: S314
        assert {kind for kind, _, _ in own} >= {0, 2, 4, 64}
        for _, fetch, grid in own:
            shown = {each.get("name") for each in grid.iter("cell")}
            assert shown <= {each.get("name") for each in fetch.iter("attribute")} <= columns.keys()


def test_a_new_organization_has_its_first_rows(session: Session) -> None:
    one = session.raw.execute(
        "select o.name, c.isocurrencycode, c.exchangerate, o.expirechangetrackingindays from organization o"
        " join transactioncurrency c on c.transactioncurrencyid = o.basecurrencyid"
    ).fetchone()
    assert one == ("localdataverse", "EUR", 10**10, 7)
    users = {row[0] for row in session.raw.execute("select fullname from systemuser")}
    assert users >= {"System Administrator", "SYSTEM", "# Local Application"}
    owners = session.raw.execute("select ownertypecode, count(*) from owner group by 1").fetchall()
    assert dict(owners) == {"systemuser": len(users), "team": 1}
    solutions = {row[0] for row in session.raw.execute("select uniquename from solution")}
    assert solutions >= {"Default", "Active"}


def test_the_base_currency_and_the_languages_are_settings() -> None:
    emulator = Emulator(settings=EmulatorSettings(base_currency="USD", languages=(1035,)))
    with emulator.organization.reading() as opened:
        assert opened.language == 1035
        (code,) = opened.raw.execute("select isocurrencycode from transactioncurrency").fetchone()
        assert code == "USD"
    emulator.close()
