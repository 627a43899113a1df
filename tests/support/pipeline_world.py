"""A local Dataverse with the solution, changed as users change it, synced, and judged by the naive oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from d365ext.definitions.load import load_solution
from d365ext.deploy import apply, plan_for
from d365ext.emulator import Emulator, EmulatorSettings
from d365ext.settings import load_settings
from d365ext.shipped import shipped
from d365ext.webapi.client import Client
from d365ext.webapi.query import bind, row_address
from support.clients import client_over
from support.mirrored import shipped_rollups
from support.oracle import pipeline
from support.wsgi_adapter import WsgiAdapter
from sync.lease import moment
from sync.summary import RunSummary
from sync.tables import SqlType, mirrored_tables
from sync.worker import RunOptions, run_once

URL = "http://localhost"
AS_OF = date(2026, 6, 30)
SALES_PARTNER, PRODUCTION_PARTNER = 737860001, 737860002


@contextmanager
def a_deployed_emulator(settings: EmulatorSettings | None = None) -> Iterator[Emulator]:
    """A local Dataverse with the solution; `restore("deployed")` brings that state back."""
    emulator = Emulator(settings=settings)
    try:
        with a_client(emulator) as client:
            apply(client, plan_for(client, solution()))
        emulator.organization.snapshot("deployed")
        yield emulator
    finally:
        emulator.close()


@contextmanager
def a_client(emulator: Emulator) -> Iterator[Client]:
    """Our client, speaking to `emulator` in this process."""
    with requests.Session() as session:
        session.mount(URL, WsgiAdapter(emulator.wsgi))
        with client_over(session, URL) as client:
            yield client


def make_busy(world: PipelineWorld) -> None:
    """Make two partners, a production partner, two customers, a person, and deals of every kind."""
    ids = world.ids
    ids["p1"] = world.account("Mäkelä Sales Oy", SALES_PARTNER)
    ids["p2"] = world.account("Öljy & Vesi Ab", SALES_PARTNER)
    ids["prod"] = world.account("Verkstad", PRODUCTION_PARTNER)
    ids["c1"] = world.account("Customer One", pch_salespartner1id=ids["p1"], pch_productionpartnerid=ids["prod"])
    ids["c2"] = world.account("Customer Two")
    ids["anna"] = world.contact("Anna", ids["p1"])
    partner = {"pch_salespartnerid": ids["p1"], "pch_salespartnercontactid": ids["anna"]}
    ids["open"] = world.deal(
        ids["c1"], estimatedvalue=Decimal("100.10"), closeprobability=50, estimatedclosedate=date(2026, 5, 1), **partner
    )
    ids["won"] = world.deal(ids["c2"], estimatedvalue=Decimal("200"), **partner)
    world.win(ids["won"], "210.55", date(2026, 6, 1))
    ids["lost"] = world.deal(ids["c1"], estimatedvalue=Decimal("50"), pch_productionpartnerid=ids["prod"], **partner)
    world.lose(ids["lost"], date(2026, 6, 2))
    ids["direct"] = world.deal(ids["c1"], estimatedvalue=Decimal("999.99"), pch_productionpartnerid=ids["prod"])
    ids["quote"] = world.quote(ids["c1"], "75.25", opportunityid=ids["open"], **partner)
    ids["order"] = world.order(ids["c2"], "12.34", **partner)


@contextmanager
def a_busy_emulator(
    folder: Path, settings: EmulatorSettings | None = None
) -> Iterator[tuple[Emulator, dict[str, str]]]:
    """A deployed local Dataverse and the ids of what `make_busy` made; `restore("busy")` brings that back."""
    with a_deployed_emulator(settings) as emulator:
        with a_world(emulator, folder) as world:
            make_busy(world)
        emulator.organization.snapshot("busy")
        yield emulator, world.ids


@cache
def solution() -> Any:
    """The solution that comes with the program."""
    return load_solution(shipped("solution"))


@dataclass
class PipelineWorld:
    """One environment, one mirror."""

    emulator: Emulator
    client: Client
    state_dir: Path
    ids: dict[str, str] = field(default_factory=dict)

    # ------------------------------------------------------------ what users do

    def account(self, name: str, kind: int | None = None, **lookups: str | None) -> str:
        """Make an account; `lookups` are partner links."""
        return self._create("accounts", {"name": name, "pch_customertype": kind}, lookups)

    def contact(self, name: str, company: str | None = None) -> str:
        """Make a contact of a company."""
        row = {"lastname": name}
        if company:
            row["parentcustomerid_account@odata.bind"] = bind("accounts", company)
        return self._create("contacts", row, {})

    def deal(self, customer: str | None = None, **columns: Any) -> str:
        """Make an open opportunity; a column ending in `id` is a lookup."""
        lookups = {"parentaccountid": customer, **_ids(columns)}
        return self._create("opportunities", {"name": "Deal", **_plain(columns)}, lookups)

    def quote(self, customer: str, amount: str, **columns: Any) -> str:
        """Make an active quote."""
        quote = self._paper("quotes", customer, columns)
        self.change("quotes", quote, totalamount=Decimal(amount))
        self.change("quotes", quote, statecode=1, statuscode=2)
        return quote

    def order(self, customer: str, amount: str, **columns: Any) -> str:
        """Make an order."""
        order = self._paper("salesorders", customer, columns)
        self.change("salesorders", order, totalamount=Decimal(amount))
        return order

    def win(self, deal: str, value: str, day: date) -> None:
        """Win an opportunity."""
        self._close("WinOpportunity", deal, 3, {"actualrevenue": Decimal(value), "actualend": day.isoformat()})

    def lose(self, deal: str, day: date) -> None:
        """Lose an opportunity."""
        self._close("LoseOpportunity", deal, 4, {"actualend": day.isoformat()})

    def change(self, entity_set: str, row: str, **columns: Any) -> None:
        """Change columns of a row; a column ending in `id` is a lookup, None empties it."""
        self.client.update(row_address(entity_set, row), {**_plain(columns), **_binds(_ids(columns))})

    def delete(self, entity_set: str, row: str) -> None:
        """Delete a row."""
        self.client.delete(row_address(entity_set, row))

    def _create(self, entity_set: str, row: Mapping[str, Any], lookups: Mapping[str, Any]) -> str:
        body = {key: value for key, value in row.items() if value is not None}
        body |= {key: value for key, value in _binds(lookups).items() if value is not None}
        return str(self.client.create(entity_set, body))

    def _paper(self, entity_set: str, customer: str, columns: Mapping[str, Any]) -> str:
        row = {"name": "Paper", "customerid_account@odata.bind": bind("accounts", customer), **_plain(columns)}
        return self._create(entity_set, row, _ids(columns))

    def _close(self, action: str, deal: str, status: int, columns: Mapping[str, Any]) -> None:
        close = {"opportunityid@odata.bind": bind("opportunities", deal), "subject": "Closed", **columns}
        self.client.invoke(action, {"Status": status, "OpportunityClose": close})

    # ------------------------------------------------------------ what the worker does

    def sync(self, as_of: date = AS_OF, *, check: Callable[[], None] = lambda: None, **options: Any) -> RunSummary:
        """Run the worker once."""
        return run_once(self.client, self.settings(), shipped_rollups(), RunOptions(as_of, **options), check=check)

    def settings(self, **overrides: Any) -> Any:
        """The settings of the worker."""
        return load_settings("local", url=URL, state_dir=str(self.state_dir), **overrides)

    # ------------------------------------------------------------ what is there, and what ought to be

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Read all rows that the numbers depend on, as the oracle takes them; not by change tracking."""
        return {table.name: self.read(table) for table in mirrored_tables(shipped_rollups())}

    def read(self, table: Any) -> list[dict[str, Any]]:
        """Read all rows of one table."""
        rows = self.client.rows(f"{table.entity_set}?$select={','.join(table.select)}")
        return [{column.name: _value(row.get(column.wire), column.type) for column in table.columns} for row in rows]

    def wanted(self, as_of: date = AS_OF) -> dict[tuple[Any, ...], dict[str, Any]]:
        """What the oracle says."""
        return pipeline(self.tables(), as_of)

    def stored(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The rows of pch_pipeline as they are."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self.read(mirrored_tables(shipped_rollups())[0]):
            ids = [row["pch_contactid"]] if row["pch_contactid"] else [row["pch_partnerid"], row["pch_customerid"]]
            key = (row["pch_level"], row["pch_role"], *(each for each in ids if each))
            assert key not in found, f"two rows for {key}"
            found[key] = row
        return found

    def check(self, as_of: date = AS_OF) -> None:
        """Every stored cell is what the oracle says, and no row is missing or too many."""
        wanted, stored = self.wanted(as_of), self.stored()
        assert stored.keys() == wanted.keys()
        for key, row in wanted.items():
            assert {name: stored[key][name] for name in row} == row, key


@contextmanager
def a_world(
    emulator: Emulator, folder: Path, snapshot: str = "deployed", ids: Mapping[str, str] | None = None
) -> Iterator[PipelineWorld]:
    """The environment as it was at a snapshot, and an empty mirror."""
    emulator.organization.restore(snapshot)
    emulator.organization.clock.reset()
    with a_client(emulator) as client:
        yield PipelineWorld(emulator, client, folder / f"state-{uuid4()}", dict(ids or {}))


_SETS = {"contact": "contacts", "account": "accounts", "opportunityid": "opportunities", "quoteid": "quotes"}


def _set_of(column: str) -> str:
    if column in _SETS:
        return _SETS[column]
    return "contacts" if "contact" in column else "transactioncurrencies" if "currency" in column else "accounts"


def _ids(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if name.endswith("id")}


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if not name.endswith("id")}


def _binds(lookups: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{name}@odata.bind": None if value is None else bind(_set_of(name), value) for name, value in lookups.items()
    }


def _value(value: Any, kind: SqlType) -> Any:
    if value is None:
        return None
    if kind is SqlType.DATE:
        return date.fromisoformat(value)
    if kind is SqlType.MOMENT:
        return moment(value)
    if kind in (SqlType.MONEY, SqlType.DECIMAL):
        return Decimal(value)
    return value
