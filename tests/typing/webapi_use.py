"""Code that must type-check, and lines that must not: each of those says so, and with which error.

Read by test_typing.py; never run.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from d365ext.names import EntitySetName, LogicalName, RowId
from d365ext.settings import Settings, load_settings
from d365ext.webapi.auth import AuthorisedTransport, TokenSource
from d365ext.webapi.batch import ChangeSet, Operation, Outcome, send_batch
from d365ext.webapi.bulk import create_multiple
from d365ext.webapi.changes import ChangePage, read_changes
from d365ext.webapi.client import Client, Page, connect
from d365ext.webapi.query import Query, bind, key_address, literal, row_address
from d365ext.webapi.retry import Clock, SystemClock
from d365ext.webapi.transport import Reply, Request, Transport
from support.fakes import FakeClock, RecordingTransport

ACCOUNTS = EntitySetName("accounts")


def use(*values: object) -> None:
    """Take what would otherwise be unused."""


class OwnTokens:
    def token(self) -> str:
        return "t"

    def refresh(self, stale: str) -> None: ...


class NoTransport:
    def send(self, request: str) -> str:
        return request


def fakes_stand_for_the_real_ones() -> None:
    clock: Clock = FakeClock()
    clock = SystemClock()
    transport: Transport = RecordingTransport([])
    source: TokenSource = OwnTokens()
    transport = AuthorisedTransport(transport, source)
    transport = NoTransport()  # E: [assignment]
    use(clock, transport)


def rows(client: Client) -> None:
    made: RowId = client.create(ACCOUNTS, {"revenue": Decimal(1)})
    client.update(row_address(ACCOUNTS, made), {"parentaccountid@odata.bind": bind(ACCOUNTS, made)})
    page: Page = next(client.pages(Query(ACCOUNTS, select=("name",), filter=f"name eq {literal('x')}")))
    count: int | None = page.count
    client.upsert(key_address(ACCOUNTS, {"accountnumber": 1}), {})
    use(page.rows[0]["name"], count)
    client.create(ACCOUNTS, [])  # E: [arg-type]
    client.update(made, {})  # E: [arg-type]
    client.pages(1)  # E: [arg-type]
    literal(object())  # E: [arg-type]
    page.rows = []  # E: [misc]


def names_are_not_one_another(table: LogicalName, row: RowId) -> None:
    query: Query = Query(table)  # E: [arg-type]
    other: RowId = UUID(int=1)  # E: [assignment]
    use(query, other, row)


def batches(client: Client) -> None:
    outcomes: list[Outcome] = send_batch(client, [Operation("GET", "x"), ChangeSet([Operation("POST", "y", {"a": 1})])])
    send_batch(client, [ChangeSet([ChangeSet([])])])  # E: [list-item]
    send_batch(client, ["GET x"])  # E: [list-item]
    ids: list[RowId] = create_multiple(client, ACCOUNTS, LogicalName("account"), [{"name": "x"}])
    use(outcomes[0].status, ids)


def changes(client: Client) -> None:
    page: ChangePage = next(read_changes(client, ACCOUNTS, ["name"], link=None))
    deleted: list[RowId] = page.deleted
    read_changes(client, ACCOUNTS, ["name"], "link")  # E: [call-arg]
    use(deleted)


def replies(reply: Reply) -> None:
    request: Request = reply.request
    request.method = "POST"  # E: [misc]


def settings() -> None:
    made: Settings = load_settings("production", url="https://x.example")
    with connect(made, prompt=use) as client:
        use(client.url)
    connect("https://x.example")  # E: [arg-type]
