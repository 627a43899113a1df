"""Our client and the local Dataverse with a bad network between them, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests

from d365ext.emulator import Emulator, running
from d365ext.errors import ConnectionFailed, ServiceProtection, ServiceUnavailable
from d365ext.names import EntitySetName
from d365ext.settings import load_settings
from d365ext.webapi.batch import Operation, send_batch
from d365ext.webapi.client import connect
from d365ext.webapi.query import Query, row_address
from support.fakes import FakeClock

ACCOUNTS = EntitySetName("accounts")


class _Served:
    """A local Dataverse on loopback, our client of it, and a way to make things go wrong."""

    def __init__(self, url: str, retry_total_s: float) -> None:
        self.clock = FakeClock()
        self.client = connect(load_settings(url=url, read_timeout_s=2, retry_total_s=retry_total_s), clock=self.clock)
        self._url = url
        self.client.call("WhoAmI()")

    def fault(self, kind: str, **fields: Any) -> None:
        answer = requests.post(f"{self._url}/_emulator/faults", json={"kind": kind, **fields}, timeout=5)
        assert answer.status_code < 300, answer.text

    def names(self) -> list[str]:
        return sorted(row["name"] for row in self.client.rows(Query(ACCOUNTS, select=("name",))))


@pytest.fixture
def served(emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[_Served]:
    """Give up after 30 s of the fake clock, unless a test says otherwise."""
    with running(emulator) as server:
        over = _Served(server.url, getattr(request, "param", 30.0))
        with over.client:
            yield over


LOST = ["lost_reply", "truncated"]


@pytest.mark.parametrize("kind", ["reset", *LOST])
def test_reading_goes_on_after_a_connection_that_broke(served: _Served, kind: str) -> None:
    served.client.create(ACCOUNTS, {"name": "A"})
    served.fault(kind, method="GET", path="accounts", times=2)
    assert served.names() == ["A"]
    assert len(served.clock.slept) == 2


@pytest.mark.parametrize("kind", LOST)
def test_a_create_whose_reply_was_lost_is_not_done_twice(served: _Served, kind: str) -> None:
    served.fault(kind, method="POST", path="accounts")
    with pytest.raises(ConnectionFailed) as caught:
        served.client.create(ACCOUNTS, {"name": "A"})
    assert caught.value.may_have_been_sent
    assert served.names() == ["A"]


@pytest.mark.parametrize("kind", ["reset", *LOST])
def test_a_create_with_its_own_id_is_done_once_whatever_is_lost(served: _Served, kind: str) -> None:
    served.fault(kind, method="POST", path="accounts", times=2)
    own = uuid4()
    assert served.client.create(ACCOUNTS, {"accountid": own, "name": "A"}) == own
    assert served.names() == ["A"]


@pytest.mark.parametrize("kind", ["reset", *LOST])
def test_a_delete_whose_reply_was_lost_is_done(served: _Served, kind: str) -> None:
    address = row_address(ACCOUNTS, served.client.create(ACCOUNTS, {"name": "A"}))
    served.fault(kind, method="DELETE")
    served.client.delete(address)
    assert served.names() == []


def test_a_throttled_request_waits_as_long_as_it_is_told(served: _Served) -> None:
    served.fault("status", status=429, retry_after_s=7, method="POST")
    served.client.create(ACCOUNTS, {"name": "A"})
    assert served.clock.slept == [7.0]
    assert served.client.traffic.throttled_s == 7.0
    assert served.names() == ["A"]


def test_throttling_without_end_is_an_error(served: _Served) -> None:
    served.fault("status", status=429, retry_after_s=20, times=None)
    with pytest.raises(ServiceProtection):
        served.names()
    assert served.clock.slept == [20.0]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_service_that_comes_back_is_waited_for(served: _Served, status: int) -> None:
    served.fault("status", status=status, times=3, method="GET")
    assert served.names() == []
    served.fault("status", status=status, times=None, method="GET")
    with pytest.raises(ServiceUnavailable):
        served.names()


def test_a_throttled_part_of_a_batch_is_sent_again_alone(served: _Served) -> None:
    served.fault("part_429", method="POST", path="accounts", skip=1, times=2, retry_after_s=3)
    outcomes = send_batch(served.client, [Operation("POST", ACCOUNTS, {"name": f"{i}"}) for i in range(5)])
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert served.clock.slept == [3.0]
    assert served.names() == ["0", "1", "2", "3", "4"]


def test_a_batch_whose_reply_was_lost_is_repeated_if_its_operations_may_be(served: _Served) -> None:
    first, second = (served.client.create(ACCOUNTS, {"name": name}) for name in ("A", "B"))
    served.fault("lost_reply", method="POST", path=r"\$batch")
    outcomes = send_batch(
        served.client,
        [
            Operation("PATCH", row_address(ACCOUNTS, first), {"name": "C"}, {"If-Match": "*"}),
            Operation("DELETE", row_address(ACCOUNTS, second)),
        ],
    )
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert served.names() == ["C"]


@pytest.mark.parametrize("served", [3600.0], indirect=True)
def test_a_random_bad_network_loses_and_doubles_nothing(served: _Served) -> None:
    for kind in ("reset", "lost_reply", "truncated"):
        served.fault(kind, probability=0.15, times=None)
    served.fault("status", status=503, probability=0.1, times=None)
    served.fault("status", status=429, retry_after_s=1, probability=0.1, times=None)
    ids = [uuid4() for _ in range(30)]
    for number, own in enumerate(ids):
        assert served.client.create(ACCOUNTS, {"accountid": own, "name": f"{number:02}"}) == own
    for own in ids[:10]:
        served.client.delete(row_address(ACCOUNTS, own))
    for own in ids[10:20]:
        served.client.update(row_address(ACCOUNTS, own), {"name": "changed"})
    assert served.names() == [f"{number}" for number in range(20, 30)] + ["changed"] * 10


def test_threads_share_one_client(served: _Served) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda i: served.client.create(ACCOUNTS, {"name": f"{i:02}"}), range(40)))
    assert len(set(made)) == 40
    assert served.names() == [f"{i:02}" for i in range(40)]
    assert served.client.traffic.requests == 1 + 40 + 1
    assert served.client.traffic.dop_hint == 4
