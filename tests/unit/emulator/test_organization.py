"""organization.py and store.py: sessions, snapshots, copies, what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from d365ext.emulator import Emulator, StoreNotUsable
from d365ext.emulator.documents import documents
from d365ext.emulator.organization import Organization
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.seed.seed_ids import ADMINISTRATOR, TEAM
from d365ext.emulator.session import Session
from d365ext.emulator.store import definition_store
from d365ext.emulator.store.schema import ColumnType


@pytest.fixture
def org(emulator: Emulator) -> Organization:
    return emulator.organization


def account(session: Session, name: str) -> str:
    return rows.create(session, session.schema.table("account"), {"name": name})


def names(session: Session) -> list[str]:
    return [row[0] for row in session.raw.execute("select name from account order by name")]


def add_column(session: Session, name: str = "new_x") -> None:
    definition_store.save(
        session, "column", documents.column_document("account", name, ColumnType.STRING, MaxLength=50)
    )
    definition_store.refresh(session)


def test_a_fresh_organization_costs_milliseconds_after_the_first(org: Organization) -> None:
    """The aim is 50 ms; the best of five is taken, because this machine may be busy."""
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        Emulator().close()
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.05


def test_a_failed_write_leaves_nothing_behind(org: Organization) -> None:
    def fail() -> None:
        with org.writing() as session:
            account(session, "lost")
            add_column(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with org.reading() as session:
        assert names(session) == []
        assert "new_x" not in session.schema.table("account").columns


def test_a_reader_sees_one_moment_of_rows_and_definitions(org: Organization) -> None:
    with org.reading() as before:
        with org.writing() as session:
            account(session, "new")
            add_column(session)
        assert names(before) == []
        assert "new_x" not in before.schema.table("account").columns
    with org.reading() as after:
        assert names(after) == ["new"]
        assert "new_x" in after.schema.table("account").columns


def test_an_old_snapshot_finds_its_schema_after_many_changes(org: Organization) -> None:
    started, go = threading.Event(), threading.Event()
    seen: list[bool] = []

    def read() -> None:
        with org.store.read() as connection:
            connection.exec_driver_sql("select 1 from account").fetchall()
            started.set()
            go.wait(30)
            session = org._session(connection, None, writable=False)
            seen.append("new_0" in session.schema.table("account").columns)

    thread = threading.Thread(target=read)
    thread.start()
    started.wait(30)
    for number in range(12):
        with org.writing() as session:
            add_column(session, f"new_{number}")
    go.set()
    thread.join(30)
    assert seen == [False]


def test_concurrent_writers_lose_no_update(org: Organization) -> None:
    with org.writing() as session:
        row_id = rows.create(session, session.schema.table("account"), {"numberofemployees": 0})

    def add() -> None:
        for _ in range(25):
            with org.writing() as session:
                table = session.schema.table("account")
                row = rows.find(session, table, row_id) or {}
                rows.update(session, table, row_id, {"numberofemployees": row["numberofemployees"] + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with org.reading() as session:
        assert (rows.find(session, session.schema.table("account"), row_id) or {})["numberofemployees"] == 100


def test_version_numbers_grow_and_never_repeat(org: Organization) -> None:
    seen = []
    for _ in range(3):
        with org.writing() as session:
            account(session, "a")
            account(session, "b")
        with org.reading() as session:
            seen.append(session.version)
            (highest,) = session.raw.execute("select max(versionnumber) from account").fetchone()
            assert highest == session.version
    assert seen == sorted(set(seen))


def test_a_store_keeps_rows_and_definitions_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "org.db"
    first = Emulator(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with first.organization.writing() as session:
        add_column(session)
        key = documents.key_document("account", "new_Key", ["new_x"], EntityKeyIndexStatus="Active")
        definition_store.save(session, "key", key)
        definition_store.refresh(session)
        rows.create(session, session.schema.table("account"), {"name": "kept", "new_x": "too"})
    first.close()
    second = Emulator(path)
    with second.organization.reading() as session:
        assert names(session) == ["kept"]
        assert session.schema.table("account").columns["new_x"].max_length == 50
        assert rows.find_by_key(session, session.schema.table("account"), {"new_x": "TOO"}) is not None
        reread = session.schema
    fresh = Emulator()
    with fresh.organization.reading() as session:
        assert reread.tables.keys() == session.schema.tables.keys()
        assert reread.relationships.keys() == session.schema.relationships.keys()
    fresh.close()
    second.close()


@pytest.mark.parametrize("content", [b"this is no database", b"", b"SQLite format 3\x00" + b"\x00" * 200])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreNotUsable, match=r"notes\.txt"):
        Emulator(path)
    assert path.read_bytes() == content


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    emulator = Emulator(path)
    with emulator.organization.writing() as session:
        session.raw.execute("update _counter set value = 0 where name = 'format'")
    emulator.close()
    with pytest.raises(StoreNotUsable, match="another version"):
        Emulator(path)


def test_rows_that_cascade_in_a_circle_are_deleted_once(org: Organization) -> None:
    with org.writing() as session:
        lookup = documents.column_document("account", "new_ringid", ColumnType.LOOKUP, Targets=["account"])
        ring = documents.one_to_many_document(
            "new_ring",
            referenced=("account", "accountid"),
            referencing=("account", "new_ringid"),
            navs=("new_ringid", "new_ring"),
            CascadeConfiguration=documents.cascade({"Delete": "Cascade"}),
        )
        definition_store.save_many(session, [("column", lookup), ("relationship", ring)])
        definition_store.refresh(session)
        table = session.schema.table("account")
        one = account(session, "one")
        two = rows.create(session, table, {"name": "two", "new_ringid": LookupValue("account", one)})
        rows.update(session, table, one, {"new_ringid": LookupValue("account", two)})
        rows.delete(session, table, one)
        assert names(session) == []
        assert len(session.raw.execute("select * from _deleted").fetchall()) == 2


def test_a_new_owner_is_handed_down_as_the_relationship_says(org: Organization) -> None:
    """contact_customer_accounts: Assign is Cascade; contact_originating_lead: Assign is NoCascade."""
    with org.writing() as session:
        table, contacts = session.schema.table("account"), session.schema.table("contact")
        parent = account(session, "parent")
        child = rows.create(session, contacts, {"parentcustomerid": LookupValue("account", parent)})
        stranger = rows.create(session, contacts, {"lastname": "x"})
        rows.update(session, table, parent, {"ownerid": LookupValue("team", TEAM)})
        owners = {each: (rows.find(session, contacts, each) or {})["ownerid"] for each in (child, stranger)}
        assert owners == {child: TEAM, stranger: ADMINISTRATOR}
        assert (rows.find(session, contacts, child) or {})["accountid"] == parent


def test_a_snapshot_is_restored_with_its_definitions(org: Organization) -> None:
    with org.writing() as session:
        account(session, "before")
    org.snapshot("here")
    with org.writing() as session:
        add_column(session)
        account(session, "after")
    assert org.restore("here")
    with org.reading() as session:
        assert names(session) == ["before"]
        assert "new_x" not in session.schema.table("account").columns
    assert not org.restore("nowhere")
    assert org.restore(None)
    with org.reading() as session:
        assert names(session) == []


def test_a_temporary_store_is_gone_after_close() -> None:
    emulator = Emulator()
    path = emulator.organization.store.path
    assert path.exists()
    emulator.close()
    assert not path.exists()


_WRITER = """
import sys
from pathlib import Path
from d365ext.emulator import Emulator, rows
emulator = Emulator(Path(sys.argv[1]))
number = 0
while True:
    with emulator.organization.writing() as session:
        rows.create(session, session.schema.table("account"), {"name": f"{number:06}"})
    print(number, flush=True)
    number += 1
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A writer is killed with SIGKILL while it writes; every row whose commit it reported must be there."""
    path = tmp_path / "org.db"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = -1
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged == 30:
            os.kill(writer.pid, signal.SIGKILL)
            break
    acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    writer.stdout.close()
    writer.wait(30)
    emulator = Emulator(path)
    with emulator.organization.reading() as session:
        assert names(session)[: acknowledged + 1] == [f"{number:06}" for number in range(acknowledged + 1)]
        assert session.raw.execute("pragma integrity_check").fetchone() == ("ok",)
    emulator.close()
