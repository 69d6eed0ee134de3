"""What a submission hands over, without a Java process to hand it to."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.doubles import scripts

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import MustClaim, Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.variables import Filled
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.planning import distributions
from sluiceway.engines.planning.distributions import Distribution, Distributions
from sluiceway.engines.planning.java import NoFlink
from sluiceway.engines.planning.options import JOB_ID
from sluiceway.engines.planning.sql import Script
from sluiceway.engines.planning.submit import SqlSubmitter, unjudged, unplanned
from sluiceway.engines.session.engine import SessionEngine

CREATES = "CREATE TABLE t WITH ('connector' = 'blackhole') AS SELECT * FROM source"
SPEC = JobSpec("INSERT INTO sink SELECT * FROM source", checkpoint_interval=timedelta(seconds=10))


@dataclass
class Planner:
    """Takes whatever it is given."""

    flink_version: str = "2.3.0"
    options: dict[str, str] = field(default_factory=dict)
    creates: bool = False  # a table from a query

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        assert caller.startswith(("http://", "https://"))
        assert runs
        return scripts.script(CREATES if self.creates else body)

    async def submit_sql(self, url: str, script: object, options: dict[str, str]) -> None:
        self.options = options

    async def pack_sql(self, script: object, options: dict[str, str], *, caller: str) -> bytes:
        return options[JOB_ID].encode()


@pytest.mark.parametrize(
    ("checkpoints", "expected"),
    [
        ("s3://company/flink/data/jobs/checkpoint/7", "s3://company/flink/data/jobs/checkpoint/7"),
        (None, "s3://company/flink/jobs/checkpoint/7"),
    ],
)
async def test_checkpoints_go_where_the_run_says(checkpoints: str | None, expected: str) -> None:
    planner = Planner()

    async def planner_of(*_: object) -> Any:
        return planner

    async def version_of(_: Place) -> str:
        return "2.3.1"

    submitter = SqlSubmitter(planner_of, version_of, "s3://company/flink")
    run = Run(1, 7, "ab" * 16, RunPhase.SUBMITTING, checkpoints=checkpoints)
    assert await submitter.submit(Place("c", "http://c:1"), run, "orders", SPEC) == Submitted()
    assert planner.options["execution.checkpointing.dir"] == expected


TAKEN = "org.apache.flink.runtime.client.DuplicateJobSubmissionException: Job has already been submitted."
LATE = "java.util.concurrent.TimeoutException: Invocation of [submitJob] timed out."
WRONG = (
    "org.apache.flink.runtime.client.JobSubmissionException: Failed to submit job.\nCaused by: a.B: It is not possible."
)


@pytest.mark.parametrize(
    "place",
    [
        Place("c", "http://c:1", key="password"),
        Place("c", "https://c:1"),
        Place("c", "http://c:1/flink"),
        Place("c", "http://c:1", others=("https://d:1",)),
    ],
    ids=["protected", "https", "a path", "one of its addresses"],
)
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, Submitted()),
        (TAKEN, Submitted()),
        (LATE, Silent("TimeoutException: Invocation of [submitJob] timed out.")),
        (WRONG, SubmitRefused("It is not possible.")),
        (Unreachable("gone"), Silent("gone")),
    ],
    ids=["taken", "taken before", "too late", "refused", "no answer"],
)
async def test_where_flinks_client_cannot_go_what_it_would_send_is_sent_from_here(
    place: Place, said: str | Unreachable | None, meant: object
) -> None:
    planner, sent = Planner(), []

    async def planner_of(*_: object) -> Any:
        return planner

    async def version_of(_: Place) -> str:
        return "2.3.1"

    async def send(to: Place, packed: bytes) -> str | None:
        sent.append((to, packed))
        if isinstance(said, Unreachable):
            raise said
        return said

    submitter = SqlSubmitter(planner_of, version_of, "s3://x", send=send)
    run = Run(1, 7, "ab" * 16, RunPhase.SUBMITTING)
    assert await submitter.submit(place, run, "orders", SPEC) == meant
    assert sent == [(place, run.flink_job_id.encode())]
    planner.creates = True
    refused = await submitter.submit(place, run, "orders", SPEC)
    assert isinstance(refused, SubmitRefused)
    assert "CREATE TABLE and INSERT INTO" in refused.text
    assert len(sent) == 1


@pytest.mark.parametrize("theirs", ["2.2.0", "1.20.3", "3.0-SAVE"])
async def test_sql_for_a_version_of_flink_that_is_not_here_is_refused_with_what_to_do(
    theirs: str, tmp_path: Path
) -> None:
    here = Distributions(tmp_path)

    async def planner_of(place: Place, version: str) -> Any:
        return here.of(version, place.name)

    async def version_of(_: Place) -> str:
        return theirs

    cluster, run = Place("prod", "http://c:1"), Run(1, 7, "ab" * 16, RunPhase.SUBMITTING)
    submitter = SqlSubmitter(planner_of, version_of, "s3://x")
    refused = await submitter.submit(cluster, run, "orders", JobSpec("is not even read"))
    assert isinstance(refused, SubmitRefused)
    assert f"The cluster prod runs Flink {theirs}, and no Flink {theirs[:4].rstrip('.-')} is here" in refused.text
    assert "sluiceway distributions add" in refused.text
    assert await unplanned(cluster, version_of, here) == refused.text, "as a start says at once"
    assert f"prod runs Flink {theirs}, and this is judged by Flink 2.3.0" in await unjudged(cluster, version_of, here)


async def test_a_cluster_that_gives_no_answer_is_none_of_another_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = Distributions(tmp_path)

    async def silent(_: Place) -> str:
        raise Unreachable("gone")

    async def version_of(_: Place) -> str:
        return "2.3.7"

    cluster = Place("prod", "http://c:1")
    with pytest.raises(Unreachable):
        await unplanned(cluster, silent, here)
    assert await unplanned(cluster, version_of, here) is None
    assert await unjudged(cluster, version_of, here) == await unjudged(cluster, silent, here) == ""

    def no_flink() -> Distribution:
        raise NoFlink("not installed")

    monkeypatch.setattr(distributions, "installed", no_flink)
    assert await unplanned(cluster, silent, here) is None, "nothing plans here, which its submission says"


@pytest.mark.parametrize(
    ("sql", "must_claim"),
    [
        ("SET 'state.changelog.enabled' = 'true'; INSERT INTO b SELECT 1", True),
        ("{{state}} INSERT INTO b SELECT 1", True),
        ("-- SET 'state.changelog.enabled' = 'true';\nINSERT INTO b SELECT 1", False),
        ("SET 'state.changelog.enabled' = 'true'; RESET; INSERT INTO b SELECT 1", False),
        ("SET 'state.changelog.enabled' = 'true'; nothing is written", False),
    ],
)
async def test_what_the_sql_says_of_its_changelog_counts_as_flink_reads_it(sql: str, must_claim: bool) -> None:
    async def planner_of(*_: object) -> Any:
        return Planner()

    async def version_of(_: Place) -> str:
        return "2.3.0"

    async def filled(_: int, text: str) -> Filled:
        return Filled(text.replace("{{state}}", "SET 'state.changelog.enabled' = 'true';"))

    async def submitted(*_: object) -> Submitted:
        return Submitted()

    submitter = SqlSubmitter(planner_of, version_of, "s3://company", filled)
    async with aiohttp.ClientSession() as session:
        engine = SessionEngine(JobManagers(session, 0.1), submitted, submitter.options)
        run = Run(1, 7, "ab" * 16, RunPhase.SUBMITTING, restore="s3://company/savepoint-1")
        answer = await engine.submit(Place("c", "http://127.0.0.1:9"), run, "orders", JobSpec(sql))
    assert answer == (MustClaim() if must_claim else Submitted())
