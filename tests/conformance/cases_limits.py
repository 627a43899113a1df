"""Service protection limits, injected faults, and the local Dataverse's own routes. verified: docs

Source of the limits: learn.microsoft.com/power-apps/developer/data-platform/api-limits. Faults and routes are ours
(emulator/faults.py, admin.py), so all these cases need the local Dataverse.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from support.batches import Answer, Op, answers, send
from support.dataverse import Dataverse, error_of

pytestmark = pytest.mark.local


def admin(dv: Dataverse, method: str, route: str, json: Any = None) -> requests.Response:
    response = dv.send(method, f"/_emulator/{route}", json=json)
    assert response.status_code < 300, response.text
    return response


def limit(dv: Dataverse, **limits: int | None) -> None:
    admin(dv, "PATCH", "settings", {"limits": limits})


def fault(dv: Dataverse, **fault: Any) -> None:
    admin(dv, "POST", "faults", fault)


def test_every_answer_tells_what_is_left(dv: Dataverse) -> None:
    """x-ms-ratelimit-burst-remaining-xrm-requests (requests), …-time-remaining-… (seconds), x-ms-dop-hint."""
    first, second = (int(dv.get("WhoAmI").headers["x-ms-ratelimit-burst-remaining-xrm-requests"]) for _ in range(2))
    assert (first - second, first < 6000) == (1, True)
    headers = dv.get("WhoAmI").headers
    assert re.fullmatch(r"1,\d{3}\.\d\d", headers["x-ms-ratelimit-time-remaining-xrm-requests"])
    assert int(headers["x-ms-dop-hint"]) >= 1


def test_the_number_of_requests(dv: Dataverse) -> None:
    """429, `Retry-After` in seconds, 0x80072322 with the text of the table; after that time they pass again."""
    admin(dv, "POST", "clock", {"set": "2026-03-01T12:00:00Z"})
    limit(dv, requests=3)
    assert [dv.get("WhoAmI").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = dv.get("WhoAmI")
    status, code, message = error_of(refused)
    assert (status, code) == (429, "0x80072322")
    assert message == "Number of requests exceeded the limit of 3 over time window of 300 seconds."
    wait_s = int(refused.headers["Retry-After"])
    assert 1 <= wait_s <= 300
    admin(dv, "POST", "clock", {"advance_s": wait_s})
    assert dv.get("WhoAmI").status_code == 200


def test_the_execution_time(dv: Dataverse) -> None:
    """0x80072321: "Combined execution time of incoming requests exceeded limit of … milliseconds …"."""
    limit(dv, execution_ms=0)
    refused = dv.get("WhoAmI")
    status, code, message = error_of(refused)
    assert (status, code) == (429, "0x80072321")
    assert message.startswith("Combined execution time of incoming requests exceeded limit of 0 milliseconds over")
    assert int(refused.headers["Retry-After"]) >= 1


def test_the_number_of_concurrent_requests(dv: Dataverse) -> None:
    """0x80072326: "Number of concurrent requests exceeded the limit of …", at once."""
    limit(dv, concurrent=0)
    status, code, message = error_of(dv.get("WhoAmI"))
    assert (status, code, message) == (429, "0x80072326", "Number of concurrent requests exceeded the limit of 0.")


def test_limits_are_per_user(dv: Dataverse) -> None:
    """ "The service protection limits are evaluated per user"."""
    limit(dv, requests=1)
    assert [dv.get("WhoAmI", Authorization=f"Bearer {user}").status_code for user in "aab"] == [200, 429, 200]


def test_a_batch_is_one_request(dv: Dataverse) -> None:
    """Source: "a batch counts as one request" for these limits (data-plane.md §3)."""
    limit(dv, requests=1)
    assert len(answers(send(dv, [Op("GET", "WhoAmI")] * 5))) == 5
    assert dv.get("WhoAmI").status_code == 429


def test_limits_do_not_hold_the_admin_routes(dv: Dataverse) -> None:
    """A test must be able to lift what it set."""
    limit(dv, requests=0)
    assert dv.get("WhoAmI").status_code == 429
    limit(dv, requests=None)
    assert dv.get("WhoAmI").status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_status_instead_of_the_request(dv: Dataverse, status: int) -> None:
    """Once; the request is not done."""
    fault(dv, kind="status", status=status, retry_after_s=2, method="POST")
    response = dv.post("accounts", {"name": "not done"})
    assert (response.status_code, response.headers["Retry-After"]) == (status, "2")
    assert dv.rows("accounts?$filter=name eq 'not done'") == []
    dv.create("accounts", {"name": "done"})


def test_a_reset_does_nothing_and_answers_nothing(dv: Dataverse) -> None:
    """The client cannot know what happened."""
    fault(dv, kind="reset", path="accounts")
    with pytest.raises(requests.ConnectionError):
        dv.post("accounts", {"name": "reset"})
    assert dv.rows("accounts?$filter=name eq 'reset'") == []


def test_a_lost_reply_does_the_request_and_answers_nothing(dv: Dataverse) -> None:
    """The one that makes a repeated POST create a second row."""
    fault(dv, kind="lost_reply", method="POST")
    with pytest.raises(requests.ConnectionError):
        dv.post("accounts", {"name": "lost reply"})
    assert len(dv.rows("accounts?$filter=name eq 'lost reply'")) == 1
    fault(dv, kind="lost_reply", method="PATCH")
    [row] = dv.rows("accounts?$filter=name eq 'lost reply'")
    with pytest.raises(requests.ConnectionError):
        dv.patch(f"accounts({row['accountid']})", {"telephone1": "1"}, If_Match="*")
    assert dv.get(f"accounts({row['accountid']})").json()["telephone1"] == "1"


def test_a_truncated_body(dv: Dataverse) -> None:
    """Half of the answer arrives."""
    fault(dv, kind="truncated", method="GET", path="systemusers")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        dv.get("systemusers")
    assert dv.get("systemusers").status_code == 200


def test_latency_and_a_slow_body_only_take_time(dv: Dataverse) -> None:
    """The answer is whole."""
    fault(dv, kind="latency", seconds=0.01)
    fault(dv, kind="slow", seconds=0.01)
    response = dv.get("systemusers")
    assert len(response.json()["value"]) >= 1
    assert [each["struck"] for each in admin(dv, "GET", "faults").json()["faults"]] == [1, 1]


def test_a_part_of_a_batch_may_meet_a_limit(dv: Dataverse) -> None:
    """Not documented (data-plane.md §14, "Inner 429 in $batch"); a client must bear it."""
    fault(dv, kind="part_429", skip=1, retry_after_s=3)
    items = [Op("POST", "accounts", {"name": f"part {n}"}) for n in range(3)]
    response = send(dv, items, Prefer="odata.continue-on-error")
    parts = [part for part in answers(response) if isinstance(part, Answer)]
    assert [part.status for part in parts] == [204, 429, 204]
    assert parts[1].json()["error"]["code"] == "0x80072322"
    assert parts[1].headers["retry-after"] == "3"
    assert [row["name"] for row in dv.rows("accounts?$select=name&$orderby=name")] == ["part 0", "part 2"]


def test_faults_strike_after_skip_and_as_often_as_said(dv: Dataverse) -> None:
    """`skip` and `times`."""
    fault(dv, kind="status", status=503, skip=1, times=2)
    assert [dv.get("WhoAmI").status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_the_same_seed_strikes_the_same_requests(dv: Dataverse) -> None:
    """`probability`, seeded: a failing run can be repeated."""

    def struck(seed: int) -> list[int]:
        dv.send("DELETE", f"/_emulator/faults?seed={seed}")
        fault(dv, kind="status", status=503, probability=0.5, times=None)
        return [dv.get("WhoAmI").status_code for _ in range(20)]

    one, other = struck(1), struck(2)
    assert set(one) == {200, 503}
    assert one != other
    assert struck(1) == one


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "sabotage"},
        {"kind": "reset", "when": "now"},
        {"kind": "reset", "path": "("},
        {"kind": "status", "status": "many"},
        {"kind": "latency", "seconds": True},
    ],
)
def test_a_fault_that_is_none_is_refused(dv: Dataverse, given: dict[str, Any]) -> None:
    """With 400 and what is wrong."""
    response = dv.send("POST", "/_emulator/faults", json=given)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("emulator_settings", [{"closed_rows": "writable"}])
def test_settings_can_be_read_and_changed(dv: Dataverse) -> None:
    """What was given at the start, and by PATCH; a value that does not fit is refused."""
    assert admin(dv, "GET", "settings").json()["closed_rows"] == "writable"
    assert admin(dv, "PATCH", "settings", {"closed_rows": "read_only"}).json()["closed_rows"] == "read_only"
    for wrong in (
        {"closed_rows": "sometimes"},
        {"no_such": 1},
        {"base_currency": "SEK"},
        {"limits": {"requests": "x"}},
    ):
        assert dv.send("PATCH", "/_emulator/settings", json=wrong).status_code == 400


def test_it_says_what_it_is(dv: Dataverse) -> None:
    """GET /_emulator/."""
    about = admin(dv, "GET", "").json()
    assert about["name"] == "local Dataverse"
    assert about["api"] == f"{dv.api}/"


def test_the_trace_counts_what_was_asked(dv: Dataverse) -> None:
    """Count, kind, size, time; a batch is one; the routes of the local Dataverse itself are not in it."""
    admin(dv, "DELETE", "trace")
    dv.create("accounts", {"name": "traced"})
    dv.get("accounts(00000000-0000-0000-0000-00000000beef)?$select=name")
    send(dv, [Op("GET", "WhoAmI")] * 2)
    trace = admin(dv, "GET", "trace").json()
    assert trace["count"] == 3
    assert trace["kinds"] == {"POST accounts": 1, "GET accounts": 1, "POST $batch": 1}
    assert trace["statuses"] == {"200": 1, "204": 1, "404": 1}
    first = trace["requests"][0]
    assert (first["method"], first["kind"], first["status"]) == ("POST", "accounts", 204)
    assert first["request_bytes"] == len(b'{"name": "traced"}')
    assert first["milliseconds"] > 0


def test_snapshot_and_restore(dv: Dataverse) -> None:
    """Rows come back as they were, and so do definitions."""
    row_id = dv.create("accounts", {"name": "kept"})
    admin(dv, "POST", "snapshot", {"name": "s1"})
    dv.delete(f"accounts({row_id})")
    admin(dv, "POST", "restore", {"name": "s1"})
    assert dv.get(f"accounts({row_id})").json()["name"] == "kept"
    assert dv.send("POST", "/_emulator/restore", json={"name": "never"}).status_code == 404


def test_reset_gives_a_fresh_organization(dv: Dataverse) -> None:
    """Rows, clock, faults and counters."""
    dv.create("accounts", {"name": "forgotten"})
    admin(dv, "POST", "clock", {"set": "2001-01-01T00:00:00Z"})
    fault(dv, kind="status", times=None, path="never")
    admin(dv, "POST", "reset")
    dv.created.clear()
    assert dv.rows("accounts") == []
    assert admin(dv, "GET", "faults").json()["faults"] == []
    assert not admin(dv, "GET", "clock").json()["now"].startswith("2001")


def test_the_clock_can_be_set_moved_and_freed(dv: Dataverse) -> None:
    """createdon follows it."""
    admin(dv, "POST", "clock", {"set": "2031-05-06T07:08:09+02:00"})
    row_id = dv.create("accounts", {"name": "of the future"})
    assert dv.get(f"accounts({row_id})").json()["createdon"] == "2031-05-06T05:08:09Z"
    assert admin(dv, "POST", "clock", {"advance_s": 3600}).json()["now"].startswith("2031-05-06T06:08:09")
    admin(dv, "DELETE", "clock")
    for wrong in ({"set": "tomorrow"}, {"set": "2031-05-06T07:08:09"}, {"advance_s": "x"}):
        assert dv.send("POST", "/_emulator/clock", json=wrong).status_code == 400


def test_unknown_admin_routes_are_named(dv: Dataverse) -> None:
    """404 with the routes there are."""
    response = dv.send("GET", "/_emulator/no-such")
    assert response.status_code == 404
    assert "snapshot" in response.json()["error"]["message"]
