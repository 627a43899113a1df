"""The mirror: page and link together, last wins, deletions last; ours alone; a newer or broken file is told."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from d365ext.errors import MirrorLocked, MirrorTooNew
from support.mirrored import shipped_rollups
from sync.mirror import Mirror
from sync.mirror_file import mirror_path, open_mirror
from sync.tables import CONTACT, MirrorTable, SqlType, mirrored_tables

TABLES = mirrored_tables(shipped_rollups())
DEALS = next(table for table in TABLES if table.name == "opportunity")
ONE, TWO = str(UUID(int=1)), str(UUID(int=2))


def opened(path: Path | None = None, zone: str = "UTC", tables: tuple[MirrorTable, ...] = TABLES) -> Mirror:
    return open_mirror(path, tables, zone=zone, memory_limit="200MB", threads=1)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with opened() as made:
        yield made


def rows(mirror: Mirror, columns: str = "contactid, fullname") -> list[tuple[Any, ...]]:
    return mirror.connection.execute(f"select {columns} from contact order by contactid").fetchall()


def person(row: str, name: str | None) -> dict[str, Any]:
    return {"contactid": row, "fullname": name, "@odata.etag": 'W/"1"'}


def test_the_last_version_in_a_page_wins_and_deletions_come_last(mirror: Mirror) -> None:
    page = [person(ONE, "old"), person(TWO, "stays"), person(ONE, "new")]
    mirror.add_page(CONTACT, page, [], link="next")
    assert rows(mirror) == [(UUID(ONE), "new"), (UUID(TWO), "stays")]
    mirror.add_page(CONTACT, [person(TWO, "changed")], [UUID(TWO)], link="delta", is_whole=True)
    assert rows(mirror) == [(UUID(ONE), "new")]
    assert (mirror.state(CONTACT).link, mirror.state(CONTACT).is_whole) == ("delta", True)


def test_a_page_that_cannot_be_stored_leaves_rows_and_link_as_they_were(mirror: Mirror) -> None:
    mirror.add_page(CONTACT, [person(ONE, "one")], [], link="first", is_whole=True)
    with pytest.raises(Exception, match="UUID"):
        mirror.add_page(CONTACT, [person(TWO, "two"), person("no id", "?")], [], link="second", is_whole=True)
    assert rows(mirror) == [(UUID(ONE), "one")]
    assert mirror.state(CONTACT).link == "first"


def test_values_arrive_exactly(mirror: Mirror) -> None:
    wire = {
        "opportunityid": ONE,
        "name": "Öljy “&” Vesi",
        "statecode": 0,
        "createdon": "2026-03-29T01:30:00.1234567Z",
        "estimatedclosedate": "2026-03-29",
        "estimatedvalue_base": "922337203685477.5807",
        "actualvalue_base": 12,
        "closeprobability": None,
        "_parentaccountid_value": TWO,
    }
    mirror.add_page(DEALS, [wire], [], link="l")
    columns = (
        "name, createdon, estimatedclosedate, estimatedvalue_base, actualvalue_base, closeprobability, parentaccountid"
    )
    (found,) = mirror.connection.execute(f"select {columns} from opportunity").fetchall()
    assert found == (
        "Öljy “&” Vesi",
        datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC).replace(tzinfo=None),
        date(2026, 3, 29),
        Decimal("922337203685477.5807"),
        Decimal("12.0000"),
        None,
        UUID(TWO),
    )


def test_a_date_kept_as_a_moment_becomes_the_local_date() -> None:
    with opened(zone="Europe/Helsinki") as mirror:
        row = {"opportunityid": ONE, "estimatedclosedate": "2026-03-28T22:00:00Z"}
        mirror.add_page(DEALS, [row], [], link="l")
        assert mirror.connection.execute("select estimatedclosedate from opportunity").fetchone() == (
            date(2026, 3, 29),
        )


def test_a_load_takes_the_place_of_the_rows_together_with_its_link(mirror: Mirror) -> None:
    mirror.add_page(CONTACT, [person(ONE, "one")], [], link="old", is_whole=True)
    mirror.begin_load(CONTACT, datetime(2026, 1, 1))  # noqa: DTZ001  as DuckDB keeps it
    mirror.add_page(CONTACT, [person(TWO, "two")], [], link="page", loading=True)
    assert rows(mirror) == [(UUID(ONE), "one")]
    assert mirror.state(CONTACT).load_link == "page"
    mirror.end_load(CONTACT, "new")
    assert rows(mirror) == [(UUID(TWO), "two")]
    state = mirror.state(CONTACT)
    assert (state.link, state.is_whole, state.load_link, state.load_began_at) == ("new", True, None, None)


def test_a_sweep_drops_what_is_gone_and_names_what_was_missed(mirror: Mirror) -> None:
    mirror.begin_load(CONTACT, datetime(2026, 1, 1))  # noqa: DTZ001  as DuckDB keeps it
    mirror.add_page(CONTACT, [person(ONE, "one"), person(TWO, "two")], [], link="page", loading=True)
    three = str(UUID(int=3))
    with mirror.sweep(CONTACT) as sweep:
        sweep.saw([TWO])
        sweep.saw([three, three])
        sweep.drop_unseen()
        assert sweep.unknown() == [UUID(three)]
    mirror.end_load(CONTACT, "new")
    assert rows(mirror) == [(UUID(TWO), "two")]


def test_what_was_stored_is_there_after_reopening_and_is_ours_alone(tmp_path: Path) -> None:
    path = mirror_path(tmp_path / "state", "http://127.0.0.1:8181")
    with opened(path) as mirror:
        mirror.add_page(CONTACT, [person(ONE, "one")], [], link="delta", is_whole=True)
        assert {
            stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir() if not file.name.endswith("wal")
        } == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with opened(path) as mirror:
        assert rows(mirror) == [(UUID(ONE), "one")]
        assert mirror.state(CONTACT).link == "delta"


def test_other_columns_or_another_time_zone_make_a_table_be_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mirror.duckdb"
    with opened(path) as mirror:
        mirror.add_page(CONTACT, [person(ONE, "one")], [], link="delta", is_whole=True)
    with opened(path, zone="Europe/Helsinki") as mirror:
        assert mirror.state(CONTACT).link is None
        assert rows(mirror) == []
        mirror.add_page(CONTACT, [person(ONE, "one")], [], link="delta", is_whole=True)
    fewer = MirrorTable(CONTACT.name, CONTACT.entity_set, CONTACT.columns[:2])
    with opened(path, zone="Europe/Helsinki", tables=(fewer,)) as mirror:
        assert mirror.state(fewer).link is None


def test_a_broken_file_is_put_away_and_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "mirror.duckdb"
    path.write_bytes(b"half a file" * 1000)
    with opened(path) as mirror:
        assert mirror.state(CONTACT).link is None
    assert "damaged" in caplog.text


def test_a_mirror_made_by_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mirror.duckdb"
    with opened(path) as mirror:
        mirror.remember("schema", "99")
    with pytest.raises(MirrorTooNew, match="newer version"):
        opened(path)


def test_a_mirror_made_by_an_older_program_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mirror.duckdb"
    with opened(path) as mirror:
        mirror.add_page(CONTACT, [person(ONE, "one")], [], link="delta", is_whole=True)
        mirror.remember("schema", "0")
    with opened(path) as mirror:
        assert mirror.state(CONTACT).link is None


def test_two_processes_cannot_have_it_open(tmp_path: Path) -> None:
    path = tmp_path / "mirror.duckdb"
    program = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    with pytest.raises(MirrorLocked, match="Another process"):
        opened(path)
    process.communicate("", timeout=30)


def test_it_can_neither_read_nor_write_any_other_file(mirror: Mirror) -> None:
    with pytest.raises(Exception, match="disabled by configuration"):
        mirror.connection.execute("select * from read_csv('/etc/passwd')")


def test_each_environment_has_its_own(tmp_path: Path) -> None:
    assert mirror_path(tmp_path, "https://a.crm4.dynamics.com") != mirror_path(tmp_path, "https://b.crm4.dynamics.com")


def test_sql_types_cover_every_column() -> None:
    assert {column.type for table in TABLES for column in table.columns} <= set(SqlType)
