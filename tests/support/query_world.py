"""A world small enough to hold in the head, for tests of queries: accounts, contacts, deals, tags, in memory.

It needs no organization: a schema made by hand and a SQLite database in memory, so that a query test can't fail because
of definitions or writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

import orjson
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable

from d365ext.emulator.queries import query
from d365ext.emulator.seed.seed_ids import ADMINISTRATOR
from d365ext.emulator.session import Session
from d365ext.emulator.settings import EmulatorSettings
from d365ext.emulator.store.schema import Column, ColumnType, ManyToMany, Option, Relationship, Schema, Table
from d365ext.emulator.store.sqlite_functions import register
from d365ext.emulator.web.http import Headers, Request, Response

NOW = datetime(2024, 5, 15, 12, 30, tzinfo=UTC)
USER = ADMINISTRATOR  # whose privileges nobody looks up
TEAM = "00000000-0000-0000-0000-0000000000bb"
EUR = "00000000-0000-0000-0000-0000000000e1"
USD = "00000000-0000-0000-0000-0000000000e2"


def guid(number: int) -> str:
    """The id of row `number`."""
    return f"00000000-0000-0000-0000-{number:012x}"


def _column(name: str, kind: ColumnType, **more: Any) -> Column:
    return Column(name, name, kind, {}, **more)


def _lookup(name: str, *targets: str, kind: ColumnType = ColumnType.LOOKUP) -> Column:
    return _column(name, kind, targets=targets)


def _options(**labels: str) -> dict[int, Option]:
    return {int(key[1:]): Option(int(key[1:]), {1033: text}) for key, text in labels.items()}


_TEXT, _INT, _MONEY, _DATE = ColumnType.STRING, ColumnType.INTEGER, ColumnType.MONEY, ColumnType.DATETIME
_STATE = _options(_0="Active", _1="Inactive")
_COLUMNS: dict[str, list[Column]] = {
    "account": [
        _column("name", _TEXT),
        _column("accountnumber", _TEXT),
        _column("numberofemployees", _INT),
        _column("revenue", _MONEY, precision=2, precision_source=2),
        _column("revenue_base", _MONEY, base_of="revenue", precision=4, precision_source=2),
        _column("rating", ColumnType.DECIMAL, precision=2),
        _column("latitude", ColumnType.DOUBLE, precision=5),
        _column("creditonhold", ColumnType.BOOLEAN, options=_options(_0="No", _1="On hold")),
        _column("statecode", ColumnType.STATE, options=_STATE),
        _column("colours", ColumnType.MULTISELECT, options=_options(_1="Red", _2="Green", _3="Blue")),
        _column("createdon", _DATE, date_behavior="UserLocal", date_format="DateAndTime"),
        _column("opensince", _DATE, date_behavior="DateOnly", date_format="DateOnly"),
        _column("address1_line1", _TEXT),
        _column("address1_composite", ColumnType.MEMO),
        _lookup("primarycontactid", "contact"),
        _lookup("parentaccountid", "account"),
        _lookup("ownerid", "systemuser", "team", kind=ColumnType.OWNER),
        _lookup("transactioncurrencyid", "transactioncurrency"),
        _column("owneridname", _TEXT, attribute_of="ownerid"),
    ],
    "contact": [
        _column("fullname", _TEXT),
        _column("jobtitle", _TEXT),
        _lookup("parentcustomerid", "account", "contact", kind=ColumnType.CUSTOMER),
        _lookup("ownerid", "systemuser", "team", kind=ColumnType.OWNER),
    ],
    "deal": [
        _column("title", _TEXT),
        _column("amount", _MONEY, precision=2, precision_source=2),
        _column("probability", _INT),
        _column("stage", ColumnType.PICKLIST, options=_options(_1="Zebra", _2="Ape", _3="Middle")),
        _column("closeson", _DATE, date_behavior="DateOnly", date_format="DateOnly"),
        _column("createdon", _DATE, date_behavior="UserLocal", date_format="DateAndTime"),
        _lookup("customerid", "account", "contact", kind=ColumnType.CUSTOMER),
        _lookup("transactioncurrencyid", "transactioncurrency"),
    ],
    "tag": [_column("label", _TEXT)],
    "account_tag": [],
    "systemuser": [_column("fullname", _TEXT), _lookup("businessunitid", "businessunit")],
    "team": [_column("name", _TEXT)],
    "businessunit": [_column("name", _TEXT)],
    "transactioncurrency": [
        _column("currencyname", _TEXT),
        _column("currencysymbol", _TEXT),
        _column("currencyprecision", _INT),
    ],
    "organization": [_column("name", _TEXT), _lookup("basecurrencyid", "transactioncurrency")],
}
_SETS = {"systemuser": "systemusers", "transactioncurrency": "transactioncurrencies"}
_NAMES = {
    "contact": "fullname",
    "deal": "title",
    "tag": "label",
    "systemuser": "fullname",
    "transactioncurrency": "currencyname",
    "account_tag": None,
}
_LOOKUPS = [  # table, column, target, navigation, collection
    ("account", "primarycontactid", "contact", "primarycontactid", "account_primary_contact"),
    ("account", "parentaccountid", "account", "parentaccountid", "account_parent_account"),
    ("account", "ownerid", "systemuser", "owninguser", "user_accounts"),
    ("account", "transactioncurrencyid", "transactioncurrency", "transactioncurrencyid", "currency_account"),
    ("contact", "parentcustomerid", "account", "parentcustomerid_account", "contact_customer_accounts"),
    ("contact", "parentcustomerid", "contact", "parentcustomerid_contact", "contact_customer_contacts"),
    ("contact", "ownerid", "systemuser", "owninguser", "contact_owning_user"),
    ("deal", "customerid", "account", "customerid_account", "deal_customer_accounts"),
    ("deal", "customerid", "contact", "customerid_contact", "deal_customer_contacts"),
    ("systemuser", "businessunitid", "businessunit", "businessunitid", "business_unit_system_users"),
]


@cache
def make_schema() -> Schema:
    """The tables above, with an N:N between account and tag."""
    one_to_many = [
        Relationship(
            f"{table}_{nav}_{target}", target, f"{target}id", table, column, nav, back, {}, {}, table == target
        )
        for table, column, target, nav, back in _LOOKUPS
    ]
    many = ManyToMany(
        "account_tag", "account_tag", "account", "accountid", "account_tags", "tag", "tagid", "tag_accounts", {}
    )
    tables = {name: _table(name, columns, one_to_many, many) for name, columns in _COLUMNS.items()}
    return Schema(7, tables, {each.schema: each for each in one_to_many} | {"account_tag": many}, {})


def _table(name: str, columns: list[Column], links: list[Relationship], many: ManyToMany) -> Table:
    key = _column(f"{name}id", ColumnType.UNIQUEIDENTIFIER)
    version = _column("versionnumber", ColumnType.BIGINT)
    extra = [] if name != "account_tag" else [_column(x, ColumnType.UNIQUEIDENTIFIER) for x in ("accountid", "tagid")]
    everything = sorted([key, version, *columns, *extra], key=lambda column: column.logical)
    return Table(
        logical=name,
        schema=name.title(),
        entity_set=_SETS.get(name, name + "s"),
        object_type_code=1,
        primary_id=key.logical,
        primary_name=_NAMES.get(name, "name"),
        ownership="UserOwned",
        change_tracking=False,
        optimistic_concurrency=True,
        columns={column.logical: column for column in everything},
        keys={},
        definition={},
        many_to_one={each.lookup_nav: each for each in links if each.referencing_table == name},
        one_to_many={each.collection_nav: each for each in links if each.referenced_table == name},
        many_to_many={"account": {many.nav1: many}, "tag": {many.nav2: many}}.get(name, {}),
        is_intersect=name == "account_tag",
    )


@cache
def _ddl() -> str:
    return ";".join(str(CreateTable(table.sql)) for table in make_schema().tables.values())


class World:
    """The database and a session on it."""

    def __init__(self, connection: sa.Connection, raw: sqlite3.Connection) -> None:
        self.connection, self.raw = connection, raw
        self.schema = make_schema()
        self.version = 1000
        raw.executescript(_ddl())
        self.add("businessunit", guid(0xCC), name="Root")
        self.add("systemuser", USER, fullname="Aino Admin", businessunitid=guid(0xCC))
        self.add("team", TEAM, name="Tiimi")
        self.add("transactioncurrency", EUR, currencyname="Euro", currencysymbol="€", currencyprecision=2)
        self.add("transactioncurrency", USD, currencyname="US Dollar", currencysymbol="$", currencyprecision=2)
        self.add("organization", guid(0xDD), name="org", basecurrencyid=EUR)

    @property
    def session(self) -> Session:
        """A session of the one user there is."""
        return Session(
            org=None,  # queries never ask for it
            settings=EmulatorSettings(),
            conn=self.connection,
            raw=self.raw,
            user_id=USER,
            schema=self.schema,
            now=NOW,
            language=1033,
            writable=False,
            version=self.version,
        )

    def add(self, table: str, row_id: str, **values: Any) -> str:
        """Insert a row with values as they are stored; a lookup to a table of several is (table, id)."""
        stored: dict[str, Any] = {f"{table}id": row_id, "versionnumber": self.version}
        self.version += 1
        for name, value in values.items():
            if isinstance(value, tuple):
                stored[f"{name}__type"], stored[name] = value
            else:
                stored[name] = value
        columns, marks = ",".join(stored), ",".join("?" * len(stored))
        self.raw.execute(f"insert into {table} ({columns}) values ({marks})", tuple(stored.values()))
        return row_id

    def get(self, target: str, *, page_rows: int | None = None, annotations: str | None = None) -> Response:
        """GET a collection: `accounts?$filter=…`, as a client would write it after percent-decoding."""
        request = make_request(target, page_rows=page_rows, annotations=annotations)
        entity_set = request.path.rsplit("/", 1)[1]
        return query.collection(self.session, self.schema.set(entity_set), request)

    def rows(self, target: str, **more: Any) -> list[dict[str, Any]]:
        """The rows of a collection."""
        rows: list[dict[str, Any]] = orjson.loads(self.get(target, **more).body)["value"]
        return rows

    def names(self, where: str, *, of: str = "accounts", column: str = "name") -> list[str]:
        """The names of the rows that a $filter finds, in order of their id."""
        return [row[column] for row in self.rows(f"{of}?$select={column}&$filter={quote(where, safe='')}")]


def make_request(
    target: str, *, page_rows: int | None = None, annotations: str | None = None, method: str = "GET"
) -> Request:
    """A request for a path relative to the service root, or for a whole link."""
    prefer = []
    if page_rows is not None:
        prefer.append(f"odata.maxpagesize={page_rows}")
    if annotations is not None:
        prefer.append(f'odata.include-annotations="{annotations}"')
    headers = Headers({"Prefer": ",".join(prefer)} if prefer else {})
    path, _, raw = target.removeprefix("http://localhost/api/data/v9.2/").partition("?")
    return Request(method, f"/api/data/v9.2/{path}", raw, headers)


@contextmanager
def a_world(rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> Iterator[World]:
    """A fresh world."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        register(raw)
        world = World(connection, raw)
        for table, items in (rows or {}).items():
            for at, item in enumerate(items, start=1):
                world.add(table, str(item.get("id", guid(at))), **{k: v for k, v in item.items() if k != "id"})
        yield world
    engine.dispose()
