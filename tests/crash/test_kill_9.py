"""kill -9 at every named step of a run: the next run ends where it should have, and the one after writes nothing."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from d365ext.emulator import Emulator, running
from support.forked import Forker, a_forker
from support.pipeline_world import AS_OF, PipelineWorld, a_busy_emulator, a_client
from sync.crash import POINTS, VARIABLE
from sync.lease import read_lease

SEEDS = int(os.environ.get("D365EXT_TEST_CRASH_SEEDS", "1"))
"""20 seeds are the full matrix (ten minutes); one seed is what `make test` has time for."""

SECOND_TIME = [step for step in POINTS if "load" not in step and "swap" not in step]
if SEEDS == 1:
    SECOND_TIME = ["pull.page_staged", "pull.link_staged", "push.chunk_sending", "push.chunk_sent"]

pytestmark = pytest.mark.xdist_group("crash")


@dataclass
class Stage:
    """A served local Dataverse, a worker that is a real process, and the mirror they share."""

    emulator: Emulator
    url: str
    forker: Forker
    ids: dict[str, str]
    state_dir: Path

    def worker(self, crash_at: str = "") -> int:
        variables = {
            "D365EXT_URL": self.url,
            "D365EXT_AUTH": "none",
            "D365EXT_STATE_DIR": str(self.state_dir),
            "D365EXT_BATCH_ROWS": "4",
            "D365EXT_PAGE_ROWS": "3",
            VARIABLE: crash_at,
        }
        return self.forker.run("sync", "run", "--as-of", AS_OF.isoformat(), **variables)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("crash")
    with a_busy_emulator(folder) as (emulator, ids), running(emulator) as server, a_forker() as forker:
        yield Stage(emulator, server.url, forker, ids, folder)


def judge(stage: Stage) -> None:
    """The next run puts it right, the one after writes nothing, no lease is left."""
    assert stage.worker() == 0
    with a_client(stage.emulator) as client:
        world = PipelineWorld(stage.emulator, client, stage.state_dir, stage.ids)
        world.check()
        before = {row["pch_pipelineid"]: row for row in world.stored().values()}
        versions = _versions(world)
        assert stage.worker() == 0
        assert _versions(world) == versions
        assert {row["pch_pipelineid"]: row for row in world.stored().values()} == before
        lease = read_lease(client)
        assert lease is not None
        assert lease.holder == ""


def _versions(world: PipelineWorld) -> dict[str, str]:
    rows = world.client.rows("pch_pipelines?$select=pch_pipelineid")
    return {row["pch_pipelineid"]: row["@odata.etag"] for row in rows}


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("step", POINTS)
def test_killed_while_everything_is_read_and_written_for_the_first_time(
    stage: Stage, step: str, seed: int, tmp_path: Path
) -> None:
    stage.emulator.organization.restore("busy")
    stage.state_dir = tmp_path
    nth = random.Random(f"{step} {seed}").randint(1, 2) if "page" in step or "chunk" in step else 1  # noqa: S311
    code = stage.worker(f"{step}:{nth}")
    assert code == -signal.SIGKILL, f"{step}:{nth} was never reached"
    judge(stage)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("step", SECOND_TIME)
def test_killed_while_changes_are_read_and_written(stage: Stage, step: str, seed: int, tmp_path: Path) -> None:
    stage.emulator.organization.restore("busy")
    stage.state_dir = tmp_path
    assert stage.worker() == 0
    assert stage.worker() == 0  # it sees its own writes; from now on only what users do is new
    with a_client(stage.emulator) as client:
        world = PipelineWorld(stage.emulator, client, tmp_path, stage.ids)
        world.change("opportunities", stage.ids["open"], pch_salespartnerid=stage.ids["p2"])
        world.delete("opportunities", stage.ids["won"])
        world.delete("salesorders", stage.ids["order"])
        world.deal(stage.ids["c2"], estimatedvalue=Decimal("7.77"), pch_productionpartnerid=stage.ids["prod"])
    # Pages come in the order of tables: pipeline, order (a deletion), quote, opportunity (two pages), contact, account.
    nth = 4 if "stage" in step else random.Random(f"{step} {seed}").randint(1, 2) if "chunk" in step else 1  # noqa: S311
    if seed and step.startswith("pull.") and step != "pull.done":
        nth = seed % 6 + 1
    assert stage.worker(f"{step}:{nth}") == -signal.SIGKILL, f"{step}:{nth} was never reached"
    judge(stage)
