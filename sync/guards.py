"""What stops a run or a row before it is written: a change too large to be meant, a row that never stays as written."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from d365ext.errors import DestructiveChange
from sync.diff import Counts, Differences
from sync.mirror import Mirror
from sync.push import FailedRow
from sync.tables import PIPELINE, PIPELINE_KEY, MirrorTable

SHARE_MAX_PERCENT = 30
ROWS_MIN = 20
"""A pipeline of fewer rows may change as it likes: a third of it is a handful."""

UNSETTLED_RUNS = 3
"""So many runs may write the same values to a row before it is set aside."""

_MEMORY = "create table if not exists attempt (id UUID primary key, wanted varchar not null, runs integer not null)"


def check_size(counts: Counts, *, allow: bool) -> None:
    """Refuse a run that would delete or empty more than a third of the rows, unless it was said to be meant.

    Errors:  DestructiveChange
    """
    lost = counts.delete + counts.emptied
    if allow or counts.found < ROWS_MIN or lost * 100 <= counts.found * SHARE_MAX_PERCENT:
        return
    raise DestructiveChange(
        f"The run would delete {counts.delete} and empty {counts.emptied} of {counts.found} pipeline rows, more than "
        f"{SHARE_MAX_PERCENT} %. Nothing was written.",
        hint="If that is right, run it once with --allow-large-change. If not, look for what was deleted, or which "
        "rights the user lost.",
    )


def set_unsettled_aside(mirror: Mirror, table: MirrorTable, differences: Differences) -> list[FailedRow]:
    """Take out the rows that were written in three runs and differ still; name them, with their columns.

    Something in the environment (a plug-in, a workflow) rewrites them. They are tried again when other values are
    wanted for them.
    """
    run = mirror.connection.execute
    run(_MEMORY)
    run("delete from attempt where id not in (select id from difference)")
    run(f"""
        create or replace temp table wanted_hash as
        select d.id, {_hash_sql(table)} as wanted from difference d join wanted w on w."{PIPELINE_KEY}" = d.id
    """)
    run(
        "delete from attempt a where not exists (select 1 from wanted_hash h where h.id = a.id and h.wanted = a.wanted)"
    )
    columns = [column.name for column in table.columns if column.name != table.key]
    changed = ", ".join(f"""case when w."{name}" is distinct from f."{name}" then '{name}' end""" for name in columns)
    rows = run(
        f"""
        select a.id, w.pch_name, [{changed}]
        from attempt a join wanted w on w."{PIPELINE_KEY}" = a.id
        left join "{PIPELINE}" f on f."{PIPELINE_KEY}" = a.id
        where a.runs >= $1 order by a.id
        """,
        [UNSETTLED_RUNS],
    ).fetchall()
    differences.set_aside([row[0] for row in rows])
    reason = f"was written in {UNSETTLED_RUNS} runs and differs still; something in the environment rewrites it"
    return [FailedRow(row[0], str(row[1]), tuple(name for name in row[2] if name), reason) for row in rows]


def remember_written(mirror: Mirror, written: Sequence[UUID]) -> None:
    """Remember which values were written; if the next run finds them different, that counts."""
    run = mirror.connection.execute
    run("create or replace temp table written as select unnest($1::UUID[]) as id", [[str(each) for each in written]])
    run("""
        insert into attempt
        select h.id, h.wanted, 1 from wanted_hash h join written using (id)
        on conflict (id) do update set wanted = excluded.wanted,
          runs = case when attempt.wanted = excluded.wanted then attempt.runs + 1 else 1 end
    """)


def _hash_sql(table: MirrorTable) -> str:
    texts = ", ".join(f"""coalesce(cast(w."{column.name}" as varchar), '')""" for column in table.columns)
    return f"md5(concat_ws('|', {texts}))"
