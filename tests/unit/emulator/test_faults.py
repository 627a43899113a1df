"""Which request a fault strikes, and what becomes of an answer."""

from __future__ import annotations

import pytest
from waitress.channel import ClientDisconnected

from d365ext.emulator.problems import Problem
from d365ext.emulator.web.delivery import Struck, pieces
from d365ext.emulator.web.faults import Fault, Faults
from d365ext.emulator.web.http import Request, Response

GET = Request("GET", "/api/data/v9.2/accounts", "$top=1")
POST = Request("POST", "/api/data/v9.2/contacts")


def armed(*faults: Fault, seed: int = 0) -> Faults:
    made = Faults(seed)
    for fault in faults:
        made.set(fault)
    return made


def test_a_fault_strikes_once_unless_told_otherwise() -> None:
    faults = armed(Fault(kind="reset"))
    assert [faults.strike(GET, "reset") is not None for _ in range(3)] == [True, False, False]


def test_method_path_and_query_choose_the_request() -> None:
    faults = armed(Fault(kind="reset", method="get", path=r"accounts\?\$top", times=None))
    assert faults.strike(POST, "reset") is None
    assert faults.strike(Request("GET", GET.path, "$top=2"), "reset") is not None
    assert faults.strike(Request("GET", GET.path), "reset") is None


def test_only_the_kinds_asked_for_strike() -> None:
    faults = armed(Fault(kind="reset"))
    assert faults.strike(GET, "status", "slow") is None
    assert faults.strike(GET, "status", "reset") is not None


def test_skip_counts_only_requests_that_match() -> None:
    faults = armed(Fault(kind="reset", method="POST", skip=1))
    struck = [faults.strike(each, "reset") is not None for each in (GET, POST, GET, POST, POST)]
    assert struck == [False, False, False, True, False]


def test_the_first_fault_that_strikes_wins_and_the_next_waits() -> None:
    one, two = Fault(kind="status", status=502), Fault(kind="status", status=503)
    faults = armed(one, two)
    assert [faults.strike(GET, "status") for _ in range(3)] == [one, two, None]


def test_the_dice_are_seeded() -> None:
    fault = Fault(kind="reset", probability=0.3, times=None)

    def struck(seed: int) -> list[bool]:
        faults = armed(fault, seed=seed)
        return [faults.strike(GET, "reset") is not None for _ in range(50)]

    assert struck(7) == struck(7) != struck(8)
    assert 5 < sum(struck(7)) < 25


def test_clearing_starts_the_dice_anew() -> None:
    faults = armed(seed=3)
    fault = Fault(kind="reset", probability=0.5, times=None)
    runs = []
    for _ in range(2):
        faults.clear()
        faults.set(fault)
        runs.append([faults.strike(GET, "reset") is not None for _ in range(20)])
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "reset", "path": "["},
        {"kind": "reset", "nope": 1},
        {"kind": "slow", "seconds": 1e9},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "times": "2"},
    ],
)
def test_a_fault_is_read_with_care(given: dict[str, object]) -> None:
    with pytest.raises(Problem) as caught:
        Fault.read(given)
    assert caught.value.status == 400


BODY = bytes(range(100))


def test_an_answer_without_fault_is_sent_whole() -> None:
    assert list(pieces(Response(200, BODY))) == [BODY]


@pytest.mark.parametrize("kind", ["reset", "lost_reply"])
def test_a_dropped_answer_sends_nothing(kind: str) -> None:
    sent = pieces(Struck(200, BODY, {}, kind))
    with pytest.raises(ConnectionResetError) as caught:
        next(sent)
    assert isinstance(caught.value, ClientDisconnected)  # waitress then closes the socket without a word


def test_a_truncated_answer_is_cut_in_half() -> None:
    sent = pieces(Struck(200, BODY, {}, "truncated"))
    assert next(sent) == BODY[:50]
    with pytest.raises(ConnectionResetError):
        next(sent)


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 100])
def test_a_slow_answer_is_whole_in_ten_pieces_at_most(size: int) -> None:
    sent = list(pieces(Struck(200, BODY[:size], {}, "slow", 0.0)))
    assert b"".join(sent) == BODY[:size]
    assert len(sent) <= 10
