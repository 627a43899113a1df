"""Loading while the network fails: whatever is lost or cut, loading again ends as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from d365ext.emulator import Emulator, running
from d365ext.errors import ServiceProtection, ServiceUnavailable, Stopped
from d365ext.loader.load import LoadReport, load_folder
from d365ext.settings import load_settings
from d365ext.webapi.client import connect
from support.fakes import FakeClock

ROWS = 23


class Place:
    """A local Dataverse on loopback, and a folder of accounts and deals to load in parts of five rows."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.client = connect(load_settings(url=url, read_timeout_s=2, retry_total_s=60), clock=FakeClock())
        accounts = [f"{self.id('a', n)},Company {n}" for n in range(ROWS)]
        deals = [
            f"{self.id('d', n)},Deal {n},{self.id('a', n)},{100 + n},{('Open', 'Won', 'Lost')[n % 3]},"
            for n in range(ROWS)
        ]
        (folder / "account.csv").write_text("\n".join(["accountid,name", *accounts]), encoding="utf-8")
        head = "opportunityid,name,parentaccountid,estimatedvalue,statecode,actualvalue"
        (folder / "opportunity.csv").write_text("\n".join([head, *deals]), encoding="utf-8")

    @staticmethod
    def id(kind: str, number: int) -> str:
        return f"{kind * 8}-0000-4000-8000-{number:012}"

    def load(self) -> LoadReport:
        return load_folder(self.client, self.folder, batch_rows=5, progress=lambda *_: None)

    def fault(self, kind: str, **fields: Any) -> None:
        made = requests.post(f"{self.url}/_emulator/faults", json={"kind": kind, **fields}, timeout=5)
        assert made.ok, made.text

    def heal(self) -> None:
        requests.delete(f"{self.url}/_emulator/faults", timeout=5)

    def deals(self) -> list[tuple[int, float, str | None]]:
        address = "opportunities?$select=statecode,estimatedvalue,_parentaccountid_value&$orderby=estimatedvalue"
        rows = requests.get(f"{self.url}/api/data/v9.2/{address}", timeout=5).json()["value"]
        return [(row["statecode"], row["estimatedvalue"], row["_parentaccountid_value"]) for row in rows]

    def wanted(self) -> list[tuple[int, float, str | None]]:
        return [(n % 3, 100 + n, self.id("a", n)) for n in range(ROWS)]


@pytest.fixture
def place(emulator: Emulator, tmp_path: Path) -> Iterator[Place]:
    with running(emulator) as server:
        made = Place(server.url, tmp_path)
        with made.client:
            yield made


@pytest.mark.parametrize("kind", ["reset", "lost_reply", "truncated"])
def test_rows_whose_creation_was_answered_by_nothing_are_made_once(place: Place, kind: str) -> None:
    place.fault(kind, method="POST", path="CreateMultiple", skip=1, times=3)
    report = place.load()
    assert report.tables["account"].created == ROWS
    assert place.deals() == place.wanted()
    assert place.load().written == 0


@pytest.mark.parametrize("skip", range(0, 14, 3))
def test_a_load_that_was_cut_off_is_finished_by_loading_again(place: Place, skip: int) -> None:
    place.fault("status", status=503, method="POST", path=r"CreateMultiple|\$batch", skip=skip + 2, times=None)
    with pytest.raises(ServiceUnavailable):
        place.load()
    place.heal()
    place.load()
    assert place.deals() == place.wanted()
    assert place.load().written == 0


def test_a_load_that_was_stopped_is_finished_by_loading_again(place: Place) -> None:
    def stop(step: str, done: int, total: int | None) -> None:
        if step == "Setting states" and 0 < done < (total or 0):
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        load_folder(place.client, place.folder, batch_rows=5, progress=stop)
    report = place.load()
    assert 0 < report.tables["opportunity"].states_set < ROWS * 2 // 3
    assert place.deals() == place.wanted()


def test_an_environment_that_throttles_for_ever_is_no_fault_of_the_row(place: Place) -> None:
    place.fault("part_429", method="POST", path="WinOpportunity", times=None, retry_after_s=30)
    with pytest.raises(ServiceProtection):
        place.load()
    place.heal()
    place.load()
    assert place.deals() == place.wanted()


def test_a_throttled_part_of_a_batch_is_sent_again(place: Place) -> None:
    place.fault("part_429", method="POST", path="WinOpportunity", times=2, retry_after_s=3)
    place.load()
    assert place.deals() == place.wanted()
