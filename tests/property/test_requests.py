"""Requests that make little sense: whatever comes, the local Dataverse refuses it in words and never breaks down."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from d365ext.emulator import Emulator
from d365ext.emulator.store.schema import Column, ColumnType, Table
from d365ext.emulator.web.http import Headers, Request, Response

API = "/api/data/v9.2/"
SCRAPS = [
    "accounts", "contacts", "(", ")", "'", "''", "/", "$ref", "$count", "$value", "$metadata", "$batch", "name", "%27",
    "%2F", "%00", "%", "%zz", "+", ",", "=", "@p1", "null", "true", "1", "-1", "1.5", "1e999", "WhoAmI", "?", "#", ":",
    "\\", "é", "😀", " ", "primarycontactid", "contact_customer_accounts", "Microsoft.Dynamics.CRM.", "CreateMultiple",
    "WinOpportunity", "EntityDefinitions", "(LogicalName=", "Attributes", "ownerid", "_primarycontactid_value", ";",
    "[", "]", "{", "}", '"', "$select", "$filter", "any", "x:x/name", "eq", "and", "not", "contains", "Keys",
    "00000000-0000-0000-0000-000000000000",
]  # fmt: skip
HEADERS = {
    "If-Match": ["*", 'W/"1"', '"x"', "null", "W/", ",,,"],
    "If-None-Match": ["*", "null", 'W/"1"'],
    "Prefer": ["return=representation", "odata.maxpagesize=0", "odata.maxpagesize=x", ",,;=", "odata.track-changes"],
    "Content-Type": ["text/plain", "application/json; charset=utf-16"],
    "MSCRM.SolutionUniqueName": ["nosuch"],
}
OPTIONS = [
    "$select",
    "$filter",
    "$expand",
    "$orderby",
    "$top",
    "$count",
    "$apply",
    "fetchXml",
    "savedQuery",
    "$skiptoken",
]


class Writer:
    """Makes requests by chance; the seed decides everything."""

    def __init__(self, seed: int, tables: list[Table], ids: dict[str, list[str]]) -> None:
        self.dice = random.Random(seed)  # noqa: S311
        self.tables = tables
        self.ids = ids

    def scraps(self, most: int) -> str:
        return "".join(self.dice.choice(SCRAPS) for _ in range(self.dice.randint(0, most)))

    def table(self) -> Table:
        return self.dice.choice(self.tables)

    def path(self) -> str:
        if self.dice.random() < 0.3:
            return self.scraps(6)
        table = self.table()
        known = self.ids[table.logical] or ["00000000-0000-0000-0000-000000000000"]
        key = self.dice.choice(known) if self.dice.random() < 0.8 else self.scraps(3)
        tails = [*table.properties, *table.many_to_one, *table.one_to_many, *table.many_to_many, *SCRAPS]
        tail = "/" + self.dice.choice(tails) if self.dice.random() < 0.5 else ""
        return self.dice.choice([table.entity_set, f"{table.entity_set}({key}){tail}"])

    def row(self, table: Table) -> dict[str, Any]:
        made: dict[str, Any] = {}
        columns = [column for column in table.properties.values() if not column.is_lookup]
        for column in self.dice.sample(columns, min(len(columns), self.dice.randint(1, 6))):
            made[column.logical] = self.value(column)
        for nav, link in self.dice.sample(list(table.many_to_one.items()), min(2, len(table.many_to_one))):
            known = self.ids.get(link.referenced_table) or ["x"]
            target = next((each for each in self.tables if each.logical == link.referenced_table), table)
            address = f"/{target.entity_set}({self.dice.choice(known)})"
            made[f"{nav}@odata.bind"] = self.dice.choice([address, None, 5, self.path()])
        return made

    def value(self, column: Column) -> Any:
        if self.dice.random() < 0.1:
            return self.dice.choice([None, "x", 1, True, [], {}, -1, 2**40, 1e300, "2024-01-01"])
        match column.type:
            case ColumnType.STRING | ColumnType.MEMO | ColumnType.ENTITYNAME:
                return self.dice.choice(["", "a", "é😀", "x" * 200])
            case ColumnType.PICKLIST | ColumnType.STATE | ColumnType.STATUS:
                return self.dice.choice(list(column.options) or [1])
            case ColumnType.BOOLEAN | ColumnType.MANAGED_PROPERTY:
                return self.dice.random() < 0.5
            case ColumnType.DATETIME:
                return "2024-02-03" if column.is_date_only else "2024-02-03T10:00:00+05:00"
            case ColumnType.UNIQUEIDENTIFIER:
                return f"{self.dice.getrandbits(32):08x}-1111-2222-3333-{self.dice.getrandbits(48):012x}"
        return self.dice.choice([0, 1, 99, -3.25, 12345678901234.5678])

    def request(self) -> Request:
        method = self.dice.choice(["GET", "POST", "POST", "PATCH", "PATCH", "PUT", "DELETE"])
        headers = {name: self.dice.choice(values) for name, values in HEADERS.items() if self.dice.random() < 0.1}
        if method in ("POST", "PATCH") and self.dice.random() < 0.5:
            table = self.table()
            known = self.ids[table.logical] or ["00000000-0000-0000-0000-000000000000"]
            at = f"({self.dice.choice(known)})" if method == "PATCH" else ""
            return self._made(method, table.entity_set + at, "", json.dumps(self.row(table)).encode(), headers)
        query = f"{self.dice.choice(OPTIONS)}={self.scraps(6)}" if self.dice.random() < 0.4 else ""
        body = self.dice.choice([b"", self.scraps(5).encode(), json.dumps(self.row(self.table())).encode()])
        return self._made(method, self.path(), query, b"" if method == "GET" else body, headers)

    def _made(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Request:
        return Request(method, API + path, query, Headers(headers), body)


@pytest.fixture
def writer(emulator: Emulator, request: pytest.FixtureRequest) -> Writer:
    with emulator.organization.reading() as session:
        tables = [table for table in session.schema.tables.values() if table.entity_set]
        ids = {
            table.logical: [
                row[0] for row in session.raw.execute(f'select {table.primary_id} from "{table.logical}" limit 5')
            ]
            for table in tables
        }
    return Writer(request.param, tables, ids)


@pytest.mark.parametrize("writer", [1, 2, 3], indirect=True, ids="seed {}".format)
def test_no_request_breaks_the_server(emulator: Emulator, writer: Writer) -> None:
    for _ in range(1000):
        request = writer.request()
        answer: Response = emulator.organization.handle(request)
        assert answer.status != 500, request
        if answer.status >= 400:
            error = json.loads(answer.body)["error"]
            assert isinstance(error["code"], str)
            assert error["message"], request
        elif request.method == "POST" and "OData-EntityId" in answer.headers:
            name, _, row_id = answer.headers["OData-EntityId"].rpartition("/")[2].rstrip(")").partition("(")
            writer.ids[next(each.logical for each in writer.tables if each.entity_set == name)].append(row_id)
