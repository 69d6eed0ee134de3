"""What is exported comes back exactly: job by job by the rules, and through the store and the storage."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.people import job_bodies
from tests.support.people.job_bodies import NOW, QUEUE, jar_job, sql_job

from sluiceway.api.dli.jars.wire import CreateJarJob
from sluiceway.api.dli.jobs import rules
from sluiceway.api.dli.jobs.wire import CreateSqlJob
from sluiceway.api.dli.transfer.rules import exported, imported
from sluiceway.api.errors.dli_error import DliError
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.queues import Queues
from sluiceway.control.transfer import Transfer
from sluiceway.domain.job import Job, JobDraft
from sluiceway.domain.place import Place
from sluiceway.storage.savepoints import Storage
from sluiceway.store import transfer as store
from sluiceway.store.database import Database
from sluiceway.store.job_pages import jobs_of
from sluiceway.store.migrating import migrate

# --- by the rules ---------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(job_bodies.jobs)
def test_a_job_comes_back_exactly_as_it_was(job: Job) -> None:
    assert imported("here", exported(job)) == (7, job.draft)


SHARED: dict[str, Any] = {
    "name": "n",
    "desc": "d",
    "queue_name": "q",
    "cu_number": 9,
    "manager_cu_number": 2,
    "parallel_number": 3,
    "tm_cus": 2,
    "tm_slot_num": 4,
    "checkpoint_enabled": True,
    "checkpoint_mode": 2,
    "checkpoint_interval": 5,
    "checkpoint_path": "c",
    "obs_bucket": "bucket",
    "log_enabled": True,
    "smn_topic": "t",
    "restart_when_exception": True,
    "resume_checkpoint": True,
    "resume_max_num": 3,
    "runtime_config": "pipeline.max-parallelism=1",
    "flink_log_config": "f",
    "flink_version": "1.17",
    "execution_agency_urn": "e",
    "resource_config_version": "v2",
    "resource_config": {"max_slot": 2},
    "tags": [{"key": "k", "value": "v"}],
}
OF_SQL = SHARED | {
    "sql_body": "s",
    "run_mode": "exclusive_cluster",
    "idle_state_retention": 5,
    "idle_state_retention_unit": "hours",
    "edge_group_ids": ["g"],
    "dirty_data_strategy": "1",
    "udf_jar_url": "u",
    "job_type": "flink_opensource_sql_job",
}
OF_JAR = SHARED | {
    "main_class": "m",
    "entrypoint_args": "a  b",
    "entrypoint": "e.jar",
    "dependency_jars": ["d.jar"],
    "dependency_files": ["f"],
    "feature": "basic",
    "image": "i",
    "job_type": "flink_jar_job",
}


@pytest.mark.parametrize(
    ("body", "fields", "make"),
    [
        (OF_SQL, {*CreateSqlJob.__struct_fields__} - {"template_id"}, sql_job),
        (OF_JAR, {*CreateJarJob.__struct_fields__}, jar_job),
    ],
    ids=["sql", "jar"],
)
def test_every_field_of_a_creation_is_written(body: dict[str, Any], fields: set[str], make: Any) -> None:
    assert set(body) == fields, "the test names them all"
    job = make(body)
    assert set(json.loads(exported(job))) == {*body, "job_id"}
    assert imported("here", exported(job))[1] == job.draft


@pytest.mark.parametrize("unit", ["seconds", "hours"])
def test_a_retention_means_the_same_wherever_it_is_imported(unit: Any) -> None:
    draft = rules.create(CreateSqlJob(name="n", idle_state_retention=30), unit)
    written = exported(replace(sql_job({"name": "n"}), draft=draft))
    assert imported("here", written)[1].spec == draft.spec
    older = {key: value for key, value in json.loads(written).items() if key != "idle_state_retention_unit"}
    assert imported("here", json.dumps(older).encode())[1].spec.state_retention == timedelta(seconds=30)


def test_a_retention_in_weeks_is_none() -> None:
    written = json.loads(exported(sql_job({"name": "n", "idle_state_retention": 30})))
    with pytest.raises(DliError, match="it must be hours or seconds"):
        imported("here", json.dumps(written | {"idle_state_retention_unit": "weeks"}).encode())


def test_a_kind_that_cannot_be_written_is_named() -> None:
    job = sql_job({"name": "n"})
    with pytest.raises(DliError, match=r"DLI.0007.*flink_new_job"):
        exported(replace(job, draft=replace(job.draft, kind="flink_new_job")))


# --- through the store and the storage ------------------------------------------------------------------------------


@dataclass
class Stage:
    """Everything that jobs are kept in, and no cluster."""

    db: Database
    edit: EditJobs
    transfer: Transfer
    projects: int = 0

    async def project(self, drafts: Sequence[JobDraft]) -> str:
        """A new project with these jobs."""
        self.projects += 1
        for draft in drafts:
            await self.edit.create(f"p{self.projects}", draft, "somebody")
        return f"p{self.projects}"

    async def move(self, source: str, target: str, *, cover: bool) -> None:
        """Export all jobs of a project, and import them into another one."""
        [name] = await self.transfer.export(source, f"bucket/{source}", None, exported, "ann")
        async with self.transfer.documents(name) as documents:
            drafts = [imported(*found)[1] for found in documents]
        await self.transfer.take_in(target, drafts, cover=cover, user="somebody")

    async def jobs(self, project: str) -> dict[str, Job]:
        """All jobs of a project by name."""
        found = await store.sizes_after(self.db, project, 0, 100)
        return {job.draft.name: job for job in await jobs_of(self.db, project, [job.id for job in found])}


Play = Callable[[Callable[[Stage], Awaitable[None]]], None]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Does something on a stage that stays."""
    directory = tmp_path_factory.mktemp("data")
    migrate(directory / "test.db")
    with asyncio.Runner() as runner:
        db, storage = Database(directory / "test.db"), Storage(str(directory / "storage"))
        queues = Queues((QUEUE,), lambda name: Place(name, "http://127.0.0.1:9"), lambda _: None)
        edit = EditJobs(db, queues, storage, lambda: NOW, timedelta(minutes=1))
        stage = Stage(db, edit, Transfer(db, queues, storage.files, lambda: NOW))
        yield lambda scene: runner.run(scene(stage))  # type: ignore[arg-type]
        runner.run(db.close())


drafts_of_one_project = st.lists(job_bodies.jobs.map(lambda job: job.draft), min_size=1, max_size=3).map(
    lambda drafts: [replace(draft, name=f"{number}{draft.name}") for number, draft in enumerate(drafts)]
)


@settings(max_examples=25, deadline=None)
@given(drafts_of_one_project, drafts_of_one_project, st.booleans())
def test_jobs_that_move_to_another_project_are_the_same_there(
    play: Play, drafts: list[JobDraft], others: list[JobDraft], cover: bool
) -> None:
    """Some of their names are taken there, perhaps by jobs of another kind, which are replaced only with `is_cover`."""
    there = [replace(other, name=draft.name) for other, draft in zip(others, drafts, strict=False)]

    async def scene(stage: Stage) -> None:
        source, target = await stage.project(drafts), await stage.project(there)
        before = await stage.jobs(target)
        await stage.move(source, target, cover=cover)
        after = await stage.jobs(target)
        wanted = {draft.name: draft for draft in drafts}
        if not cover:
            wanted |= {draft.name: draft for draft in there}
        assert {name: job.draft for name, job in after.items()} == wanted
        assert {name: after[name].id for name in before} == {name: job.id for name, job in before.items()}

    play(scene)
