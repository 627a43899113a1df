"""Reading: whatever happens meanwhile, and wherever the service stamps its link, no row is lost and none stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from d365ext.emulator import Emulator, EmulatorSettings
from d365ext.errors import Stopped
from support.clients import client_of
from support.fakes import RecordingTransport, a_reply
from support.mirrored import a_mirror
from support.pipeline_world import PipelineWorld, a_busy_emulator, a_world
from sync.mirror import Mirror
from sync.pull import RESUMABLE, Pull
from sync.summary import RunSummary
from sync.tables import CONTACT, MirrorTable

pytestmark = pytest.mark.xdist_group("sync_pull")
ONE, TWO = str(UUID(int=1)), str(UUID(int=2))


@pytest.fixture(scope="module", params=["first", "last"])
def busy_emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Emulator, dict[str, str]]]:
    settings = EmulatorSettings(delta_stamp=request.param)
    with a_busy_emulator(tmp_path_factory.mktemp("pull"), settings) as made:
        yield made


@pytest.fixture
def busy(busy_emulator: tuple[Emulator, dict[str, str]], tmp_path: Path) -> Iterator[PipelineWorld]:
    emulator, ids = busy_emulator
    with a_world(emulator, tmp_path, "busy", ids) as world:
        world.client.page_rows = 1
        yield world


def at_step(number: int, does: Callable[[], None]) -> Callable[[], None]:
    """Make a check that does something between two steps."""
    steps = iter(range(10_000))

    def check() -> None:
        if next(steps) == number:
            does()

    return check


def rows_read(summary: RunSummary) -> int:
    return sum(count.read for name, count in summary.tables.items() if name != "pch_pipeline")


def rows_there(world: PipelineWorld) -> int:
    return sum(len(rows) for name, rows in world.tables().items() if name != "pch_pipeline")


@pytest.mark.parametrize("step", range(0, 22, 3))
def test_what_is_changed_deleted_or_made_while_everything_is_read_is_right_in_the_end(
    busy: PipelineWorld, step: int
) -> None:
    def users_are_at_work() -> None:
        busy.change("opportunities", busy.ids["open"], estimatedvalue=Decimal("777.77"))
        busy.delete("opportunities", busy.ids["won"])
        busy.delete("salesorders", busy.ids["order"])
        busy.deal(busy.ids["c2"], estimatedvalue=Decimal("3.33"), pch_salespartnerid=busy.ids["p2"])
        busy.change("accounts", busy.ids["c1"], pch_salespartner1id=busy.ids["p2"])

    busy.sync(check=at_step(step, users_are_at_work))
    busy.sync()
    busy.check()


@pytest.mark.parametrize("deletes", [True, False], ids=["deleted", "changed"])
def test_rows_that_are_deleted_or_changed_after_the_load_has_passed_them_are_right(
    busy: PipelineWorld, monkeypatch: pytest.MonkeyPatch, deletes: bool
) -> None:
    add_page = Mirror.add_page
    pages = iter(range(10_000))

    def users_are_at_work_after_the_third_page(self: Mirror, table: MirrorTable, *page: Any, **link: Any) -> None:
        add_page(self, table, *page, **link)
        if table.name == "opportunity" and next(pages) == 2:  # of four, one row each: one of these two was read
            for deal in ("won", "direct") if deletes else ("open", "direct"):
                if deletes:
                    busy.delete("opportunities", busy.ids[deal])
                else:
                    busy.change("opportunities", busy.ids[deal], estimatedvalue=Decimal("777.77"))

    monkeypatch.setattr(Mirror, "add_page", users_are_at_work_after_the_third_page)
    busy.sync()
    busy.sync()
    busy.check()


def test_a_load_that_was_stopped_goes_on_where_it_was(busy: PipelineWorld) -> None:
    def stop() -> None:
        raise Stopped("Stopped by SIGTERM.")

    with pytest.raises(Stopped):
        busy.sync(check=at_step(4, stop))
    busy.change("opportunities", busy.ids["open"], estimatedvalue=Decimal("1.23"))
    assert rows_read(busy.sync()) < rows_there(busy)
    busy.sync()
    busy.check()


def test_a_load_that_was_stopped_long_ago_begins_anew(busy: PipelineWorld) -> None:
    def stop() -> None:
        raise Stopped("Stopped by SIGTERM.")

    with pytest.raises(Stopped):
        busy.sync(check=at_step(4, stop))
    busy.client.transport.clock.advance(RESUMABLE.total_seconds() + 1)
    busy.emulator.organization.clock.advance(timedelta(hours=2))
    assert rows_read(busy.sync()) == rows_there(busy)
    busy.check()


# ---------------------------------------------------------------- pages made up, because no server sends them on demand


def a_page(*rows: dict[str, Any], deleted: tuple[str, ...] = (), **link: str) -> Any:
    gone = [
        {"@odata.context": "x/$metadata#contacts/$deletedEntity", "id": each, "reason": "deleted"} for each in deleted
    ]
    return a_reply(body={"value": [*rows, *gone], **{f"@odata.{name}": value for name, value in link.items()}})


def person(row: str, name: str) -> dict[str, Any]:
    return {"@odata.etag": 'W/"1"', "contactid": row, "fullname": name, "_parentcustomerid_value": None}


def pulled(mirror: Mirror, *answers: Any) -> tuple[RecordingTransport, list[tuple[Any, ...]]]:
    """Let a pull read contacts from made-up answers."""
    transport = RecordingTransport(answers)
    client = client_of(transport, "https://org.example")
    mirror.tables = (CONTACT,)
    Pull(client, mirror, now=client.transport.clock.now).run()
    return transport, mirror.connection.execute("select contactid, fullname from contact order by 1").fetchall()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with a_mirror() as made:
        made.add_page(
            CONTACT, [person(ONE, "old"), person(TWO, "two")], [], link="https://org.example/d1", is_whole=True
        )
        yield made


def test_a_row_that_a_delta_calls_live_and_deleted_is_read_again_and_found(mirror: Mirror) -> None:
    page = a_page(person(ONE, "delta"), deleted=(ONE,), deltaLink="https://org.example/d2")
    transport, rows = pulled(mirror, page, a_reply(body=person(ONE, "now")))
    assert rows == [(UUID(ONE), "now"), (UUID(TWO), "two")]
    assert f"contacts({ONE})" in transport.requests[1].path


def test_a_row_that_a_delta_calls_live_and_deleted_is_read_again_and_gone(mirror: Mirror) -> None:
    first = a_page(deleted=(ONE,), nextLink="https://org.example/n")
    second = a_page(person(ONE, "delta"), deltaLink="https://org.example/d2")
    _, rows = pulled(mirror, first, second, a_reply(404, code="0x80040217"))
    assert rows == [(UUID(TWO), "two")]


def test_pages_that_come_twice_change_nothing(mirror: Mirror) -> None:
    page = a_page(person(ONE, "new"), nextLink="https://org.example/n")
    last = a_page(person(ONE, "new"), deleted=(TWO, str(UUID(int=99))), deltaLink="https://org.example/d2")
    _, rows = pulled(mirror, page, last)
    assert rows == [(UUID(ONE), "new")]
    assert mirror.state(CONTACT).link == "https://org.example/d2"


def test_a_link_that_is_refused_is_answered_with_a_full_read(mirror: Mirror) -> None:
    refused = a_reply(400, code="0x80040203", message="Invalid delta token")
    full = a_page(person(TWO, "new"), deltaLink="https://org.example/d2")
    empty = a_reply(body={"value": []})
    ids = a_reply(body={"value": [{"contactid": TWO}]})
    transport, rows = pulled(mirror, refused, full, empty, ids)
    assert rows == [(UUID(TWO), "new")]
    assert transport.is_used_up


def test_a_row_that_the_load_never_saw_is_read_by_its_id(mirror: Mirror) -> None:
    mirror.forget()
    full = a_page(person(TWO, "two"), deltaLink="https://org.example/d2")
    ids = a_reply(body={"value": [{"contactid": ONE}, {"contactid": TWO}]})
    answers = full, a_reply(body={"value": []}), ids, a_reply(body=person(ONE, "missed"))
    _, rows = pulled(mirror, *answers)
    assert rows == [(UUID(ONE), "missed"), (UUID(TWO), "two")]


def test_what_changed_during_the_load_is_read_once_more(mirror: Mirror) -> None:
    mirror.forget()
    full = a_page(person(TWO, "old"), deltaLink="https://org.example/d2")
    overlap = a_reply(body={"value": [person(TWO, "changed meanwhile")]})
    transport, rows = pulled(mirror, full, overlap, a_reply(body={"value": [{"contactid": TWO}]}))
    assert rows == [(UUID(TWO), "changed meanwhile")]
    assert "modifiedon%20ge%20" in transport.requests[1].path
