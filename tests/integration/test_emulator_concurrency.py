"""Many clients at once: messages that race, and readers of changes beside writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from d365ext.emulator import Served
from support.batches import Op, answers, written


@pytest.fixture
def api(server: Served) -> str:
    return f"{server.url}/api/data/v9.2/"


def create(api: str, entity_set: str, row: dict[str, Any]) -> str:
    response = requests.post(api + entity_set, json=row, timeout=60)
    assert response.status_code == 204, response.text
    return response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")


def test_of_many_who_close_one_opportunity_one_succeeds(api: str) -> None:
    row_id = create(api, "opportunities", {"name": "wanted by all", "estimatedvalue": 5})
    body = {"Status": 3, "OpportunityClose": {"opportunityid@odata.bind": f"opportunities({row_id})"}}

    def win(_: int) -> int:
        return requests.post(f"{api}WinOpportunity", json=body, timeout=60).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(win, range(8)))
    assert statuses == [204] + [400] * 7
    closes = requests.get(f"{api}opportunitycloses", timeout=60).json()["value"]
    assert len(closes) == 1


def test_change_sets_that_race_are_whole_or_absent(api: str) -> None:
    """Every set makes two rows; sets that fail on their second row leave none."""

    def batch(number: int) -> int:
        second = {"name": "x" * 161} if number % 3 == 0 else {"name": f"second {number}"}
        ops = [Op("POST", "accounts", {"name": f"first {number}"}), Op("POST", "accounts", second)]
        response = requests.post(
            f"{api}$batch",
            data=written([ops]),
            headers={"Content-Type": "multipart/mixed; boundary=batch_1"},
            timeout=60,
        )
        assert len(answers(response)) == 1
        return response.status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(batch, range(24)))
    assert statuses == [400 if number % 3 == 0 else 200 for number in range(24)]
    names = {row["name"] for row in requests.get(f"{api}accounts?$select=name", timeout=60).json()["value"]}
    assert names == {f"{which} {number}" for number in range(24) if number % 3 for which in ("first", "second")}


def test_a_reader_of_changes_beside_writers_ends_with_all_rows(api: str) -> None:
    """Whoever follows the links to the end after the writers stopped holds what is there: nothing is lost between."""
    address = f"{api}EntityDefinitions(LogicalName='account')"
    definition = requests.get(address, timeout=60).json() | {"ChangeTrackingEnabled": True}
    assert requests.put(address, json=definition, timeout=60).status_code == 204
    headers = {"Prefer": "odata.track-changes,odata.maxpagesize=7"}

    def write(number: int) -> None:
        row_id = create(api, "accounts", {"name": f"row {number}"})
        if number % 4 == 0:
            requests.delete(f"{api}accounts({row_id})", timeout=60)
        elif number % 4 == 1:
            requests.patch(f"{api}accounts({row_id})", json={"name": f"changed {number}"}, timeout=60)

    mirror: dict[str, str] = {}

    def read_to_the_end(link: str) -> str:
        while True:
            page = requests.get(link, headers=headers, timeout=60).json()
            for entry in page["value"]:
                if "reason" in entry:
                    mirror.pop(entry["id"], None)
                else:
                    mirror[entry["accountid"]] = entry["name"]
            if "@odata.nextLink" not in page:
                return str(page["@odata.deltaLink"])
            link = page["@odata.nextLink"]

    with ThreadPoolExecutor(4) as threads:
        written_ = [threads.submit(write, number) for number in range(60)]
        link = f"{api}accounts?$select=name"
        while not all(each.done() for each in written_):
            link = read_to_the_end(link)
        for each in written_:
            each.result()
    read_to_the_end(link)
    rows = requests.get(f"{api}accounts?$select=name", timeout=60).json()["value"]
    assert mirror == {row["accountid"]: row["name"] for row in rows}
    assert len(mirror) == 45
