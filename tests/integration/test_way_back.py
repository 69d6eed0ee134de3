"""The way back over the whole control plane: which state it is, what became of it, and plans that are carried out."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.support.doubles import scripts
from tests.support.flink.handles import file, key_groups, subtask
from tests.support.services.native_api import Api, native_api, no_planner
from tests.support.services.plane import PROJECT, SQL

from sluiceway.control.judge_fit import StateFrom
from sluiceway.domain.admission import Refusal
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.fit import Fit, Left, Reason, Why, fit_of
from sluiceway.domain.job import JobDraft, JobSpec, JobStatus
from sluiceway.domain.orders import StartOrder
from sluiceway.domain.place import Place
from sluiceway.domain.way_back import Allowed
from sluiceway.engines.planning.sql import Script
from sluiceway.engines.planning.submit import JvmProvider
from sluiceway.store.rows import to_run
from sluiceway.store.schema import events, runs
from sluiceway.testing.fake_metadata import metadata, operator

pytestmark = pytest.mark.process

Shown = dict[str, Any]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path) as made:
        yield made


def local(uri: str) -> Path:
    return Path("/" + uri.removeprefix("file:").lstrip("/"))


def a_checkpoint(api: Api, job: int, jid: str, number: int, content: bytes | None = None) -> str:
    """A checkpoint as a run leaves it."""
    place = local(api.plane.storage.checkpoints(None, job)) / jid / f"chk-{number}"
    place.mkdir(parents=True)
    (place / "_metadata").write_bytes(metadata(checkpoint_id=number) if content is None else content)
    return f"file://{place}"


async def failed(api: Api, name: str = "failed", **fields: Any) -> tuple[int, str]:
    """A job whose run has failed, and its Flink job id."""
    job = (await api.plane.edit.create(PROJECT, JobDraft(name, JobSpec(SQL, **fields)), "me")).id
    await api.plane.start(PROJECT, [job], resume=False)
    await api.plane.until(job, JobStatus.RUNNING)
    jid = await api.plane.flink_id(job)
    api.plane.fake.fail(jid)
    await api.plane.until(job, JobStatus.FAILED)
    return job, jid


async def look(api: Api, *jobs: int, **body: Any) -> Shown:
    return await api.post("resumes", job_ids=list(jobs), dry_run=True, **body)


async def the_only(api: Api, *jobs: int, **body: Any) -> Shown:
    [answer] = (await look(api, *jobs, **body))["jobs"]
    return dict(answer)


def about(answer: Shown) -> list[str]:
    """What is not as it seems, but for whether the state fits: these jobs have no SQL that could be planned."""
    found = [concern["about"] for concern in answer["way_back"].get("concerns", [])]
    return [one for one in found if one != "fit"]


# Which state. ---------------------------------------------------------------------------------------------------------


async def test_a_dry_run_tells_of_each_job_what_it_would_start_from_and_starts_nothing(api: Api) -> None:
    jobs = await api.plane.run(2)
    shown = await api.stopped(*jobs)
    answer = await api.post(f"stops/{shown['id']}/resume", dry_run=True)
    assert (answer["accepted"], answer["refused"], answer["dry_run"]) == (2, 0, True)
    for job, view in zip(answer["jobs"], shown["jobs"], strict=True):
        back = job["way_back"]
        assert back["path"] == view["savepoint"]
        assert (back["kind"], back["source"], back["whole"], about(job)) == ("savepoint", "stopped_with", True, [])
        assert back["run_id"]
        assert 0 <= back["age_seconds"] < 60
    assert len(api.plane.fake.jobs) == 2
    assert [(await api.plane.job(job)).status for job in jobs] == [JobStatus.STOPPED] * 2


@pytest.mark.parametrize(
    ("theirs", "kind", "concerns"),
    [
        ("2.3.9", "accepted", []),
        ("2.2.1", "accepted", ["flink_version"]),
        ("1.20.5", "does_not_fit", ["flink_version"]),
    ],
)
async def test_state_of_a_newer_flink_is_told_and_refused_where_it_cannot_be_read(
    api: Api, tmp_path: Path, theirs: str, kind: str, concerns: list[str]
) -> None:
    jar = tmp_path / "distributions" / theirs / f"flink-dist-{theirs}.jar"  # what would plan its SQL
    jar.parent.mkdir(parents=True)
    jar.touch()
    [job] = await api.plane.run(1)
    await api.stopped(job)
    api.plane.fake.flink_version = theirs
    answer = await the_only(api, job)
    assert (answer.get("code") or "accepted", about(answer)) == (kind, concerns)
    assert not concerns or f"was written by Flink 2.3.0, and the cluster runs {theirs}" in str(answer)


async def test_a_damaged_newest_checkpoint_is_named_and_the_older_one_told_with_its_age(api: Api) -> None:
    job, jid = await failed(api)
    good, bad = a_checkpoint(api, job, jid, 4), a_checkpoint(api, job, jid, 5, b"torn")
    answer = await the_only(api, job)
    assert answer["accepted"]
    assert (answer["way_back"]["path"], answer["way_back"]["kind"]) == (good, "checkpoint")
    assert [over["path"] for over in answer["way_back"]["passed_over"]] == [bad]
    assert about(answer) == ["passed_over"]
    [started] = await api.plane.start(PROJECT, [job], resume=True)
    assert bad in started.note, "and a real run says so, too"
    assert await api.restored(job) == good


async def test_where_all_are_damaged_nothing_is_started_and_nobody_is_told_to_start_from_nothing(api: Api) -> None:
    job, jid = await failed(api)
    bad = a_checkpoint(api, job, jid, 5, b"torn")
    answer = await the_only(api, job)
    assert (answer["accepted"], answer["code"]) == (False, "not_whole")
    assert bad in answer["message"]
    assert "without resuming" not in answer["message"]
    [started] = await api.plane.start(PROJECT, [job], resume=True)
    assert not started.accepted


@pytest.mark.parametrize("through_us", [True, False])
async def test_a_state_that_somebody_disposed_of_is_refused(api: Api, through_us: bool) -> None:
    [job] = await api.plane.run()
    shown = await api.stopped(job)
    savepoint = shown["jobs"][0]["savepoint"]
    if through_us:
        [known] = (await api.get("savepoints"))["savepoints"]
        await api.http.delete(f"/api/v1/projects/{PROJECT}/savepoints/{known['id']}?force=true")
    else:
        shutil.rmtree(local(savepoint))
    for answer in (await api.resume(shown["id"]), await look(api, job)):
        [said] = answer["jobs"]
        assert (said["accepted"], said["code"], about(said)) == (
            False,
            "not_whole",
            ["gone" if through_us else "damaged"],
        )
        assert savepoint in said["message"]
    assert (await api.plane.job(job)).status is JobStatus.STOPPED


async def test_checkpoints_in_a_place_of_the_programs_own_are_found(api: Api, tmp_path: Path) -> None:
    own = "bucket/theirs"
    job, jid = await failed(api, checkpoint_path=own)
    a_checkpoint(api, job, jid, 3)
    place = local(api.plane.storage.uri) / own / jid / "chk-8"
    place.mkdir(parents=True)
    (place / "_metadata").write_bytes(metadata(checkpoint_id=8))
    assert (await the_only(api, job))["way_back"]["path"] == f"file://{place}"
    far, other = await failed(api, "far", checkpoint_path="hdfs://names/theirs")
    a_checkpoint(api, far, other, 3)
    assert about(await the_only(api, far)) == ["elsewhere"]


# What time and the past have done. ------------------------------------------------------------------------------------


AGED = metadata(
    operators=[
        operator(name="Source: s[1]", subtasks=[subtask()]),
        operator(name="GroupAggregate[3]", subtasks=[subtask(keyed=key_groups(file("file:/out/of/reach", 10)))]),
    ]
)


@pytest.mark.parametrize(
    ("spec", "warns"),
    [
        (JobSpec(SQL, state_retention=timedelta(milliseconds=1)), True),
        (JobSpec(SQL, options={"table.exec.state.ttl": "1 ms"}), True),
        (JobSpec(SQL, state_retention=timedelta(milliseconds=1), options={"table.exec.state.ttl": "1 d"}), False),
        (JobSpec(SQL), False),
    ],
)
async def test_state_past_its_retention_is_told_with_the_operators_that_have_it(
    api: Api, spec: JobSpec, warns: bool
) -> None:
    job = (await api.plane.edit.create(PROJECT, JobDraft("aged", spec), "me")).id
    await api.plane.start(PROJECT, [job], resume=False)
    await api.plane.until(job, JobStatus.RUNNING)
    shown = await api.stopped(job)
    (local(shown["jobs"][0]["savepoint"]) / "_metadata").write_bytes(AGED)
    answer = await the_only(api, job)
    assert answer["accepted"], "it is told, and the choice is left to people"
    assert ("retention" in about(answer)) is warns
    if warns:
        assert "GroupAggregate[3]" in answer["message"]


class Reads:
    """Reads SQL, and plans none."""

    flink_version = "2.3.0"

    async def read_sql(self, body: str, **_: object) -> Script:
        return scripts.script(body)

    async def operators(self, *_: object, **__: object) -> str:
        raise Unreachable("nothing is planned here")


async def reads() -> Any:
    return Reads()


@pytest.mark.parametrize(
    ("planner", "sql", "warns"),
    [
        (reads, "SET 'table.exec.state.ttl' = '1 ms'; INSERT INTO a SELECT 1", True),
        (reads, "{{kept}} INSERT INTO a SELECT 1", True),
        (reads, "-- SET 'table.exec.state.ttl' = '1 ms';\nINSERT INTO a SELECT 1", False),
        (reads, "SET 'table.exec.state.ttl' = '1 ms'; nothing is written", False),
        (no_planner, "SET 'table.exec.state.ttl' = '1 ms'; INSERT INTO a SELECT 1", False),
    ],
)
async def test_a_retention_that_the_sql_sets_counts_as_flink_reads_it_where_anything_reads_it(
    tmp_path: Path, planner: JvmProvider, sql: str, warns: bool
) -> None:
    async with native_api(tmp_path, planner) as api:
        value = "SET 'table.exec.state.ttl' = '1 ms';"
        made = await api.http.post(f"/v1.0/{PROJECT}/variables", json={"var_name": "kept", "var_value": value})
        assert made.is_success
        job = (await api.plane.edit.create(PROJECT, JobDraft("aged", JobSpec(sql)), "me")).id
        await api.plane.start(PROJECT, [job], resume=False)
        await api.plane.until(job, JobStatus.RUNNING)
        [told] = (await api.stop(job_ids=[job], dry_run=True, window_seconds=1))["jobs"]
        before = [concern["about"] for concern in told["finding"].get("way_back", [])]
        shown = await api.stopped(job)
        (local(shown["jobs"][0]["savepoint"]) / "_metadata").write_bytes(AGED)
        answer = await the_only(api, job)
    if "nothing is written" in sql:
        assert (answer["code"], "retention" in before) == ("bad_sql", False), "what Flink would refuse is not started"
        return
    assert answer["accepted"]
    assert (("retention" in before), ("retention" in about(answer))) == (warns, warns)


async def test_a_resumed_run_keeps_the_time_zone_of_the_one_before(tmp_path: Path) -> None:
    async with native_api(tmp_path) as api:
        [job] = await api.plane.run()
        shown = await api.stopped(job)
        # The service has moved to another zone since.
        object.__setattr__(api.plane.life.start_jobs, "zone", "Asia/Shanghai")
        await api.post(f"stops/{shown['id']}/resume")
        await api.restored(job)
        origins = await zones(api, job)
        assert origins == ["UTC", "UTC"]
        shown = await api.stopped(job)
        await api.plane.start(PROJECT, [job], resume=False)
        await api.plane.until(job, JobStatus.RUNNING)
        assert await zones(api, job) == ["UTC", "UTC", "Asia/Shanghai"], "who begins anew has no zone to keep"


async def zones(api: Api, job: int) -> list[str]:
    async with api.plane.db.read() as connection:
        found = await connection.execute(select(runs.c.zone).where(runs.c.job_id == job).order_by(runs.c.id))
        return list(found.scalars())


async def test_another_time_zone_is_told_with_the_hours(api: Api) -> None:
    [job] = await api.plane.run()
    await api.stopped(job)

    def moved(stored: Any) -> JobDraft:
        return JobDraft(stored.draft.name, JobSpec(SQL, options={"table.local-time-zone": "Asia/Shanghai"}))

    await api.plane.edit.update(PROJECT, job, moved)
    answer = await the_only(api, job)
    assert about(answer) == ["time_zone"]
    assert "+8 hours" in answer["message"]


async def test_a_drained_savepoint_is_no_way_back_unless_it_is_asked_for_by_name(api: Api) -> None:
    [job] = await api.plane.run()
    shown = await api.settled((await api.stop(job_ids=[job], drain=True))["id"])
    savepoint = shown["jobs"][0]["savepoint"]
    for answer in (await api.resume(shown["id"]), await look(api, job)):
        [said] = answer["jobs"]
        assert (said["accepted"], said["code"]) == (False, "drained")
        assert savepoint in said["message"]
    [verdict] = await api.plane.start(PROJECT, [job], resume=True)
    assert not verdict.accepted
    answer = await api.post(f"stops/{shown['id']}/resume", allow=["drained"])
    assert answer["accepted"] == 1
    assert about(answer["jobs"][0]) == ["drained"]
    assert await api.restored(job) == savepoint


async def test_a_job_that_has_finished_since_is_not_brought_back_a_second_time(api: Api) -> None:
    [job] = await api.plane.run()
    shown = await api.stopped(job)
    await api.resume(shown["id"])
    await api.restored(job)
    api.plane.fake.finish(await api.plane.flink_id(job))
    await api.plane.until(job, JobStatus.FINISHED)
    again = await api.resume(shown["id"])
    assert "has finished" in again["jobs"][0]["message"]
    assert (await api.plane.job(job)).status is JobStatus.FINISHED
    assert (await the_only(api, job))["code"] == "finished"
    [verdict] = await api.plane.start(PROJECT, [job], resume=True, allow=frozenset({Allowed.FINISHED}))
    assert verdict.accepted


@pytest.mark.parametrize(("asked", "restored"), [(None, True), (False, False), (True, True)])
async def test_a_job_that_is_to_resume_after_a_failure_does_where_nobody_says_otherwise(
    api: Api, asked: bool | None, restored: bool
) -> None:
    job, jid = await failed(api, resume_checkpoint=True)
    bad, good = a_checkpoint(api, job, jid, 9, b"torn"), a_checkpoint(api, job, jid, 8)
    [verdict] = await api.plane.start(PROJECT, [job], resume=asked)
    assert verdict.accepted
    assert await api.restored(job) == (good if restored else None)
    assert (bad in verdict.note) is restored


async def test_a_window_longer_than_the_retention_is_told_before_the_stop(api: Api) -> None:
    [job] = await api.plane.run()
    [long] = (await api.stop(job_ids=[job], dry_run=True, window_seconds=7200))["jobs"]
    told = [concern for concern in long["finding"]["way_back"] if concern["about"] == "retention"]
    assert [concern["weight"] for concern in told] == ["loss"]
    assert "2 h" in told[0]["text"]
    [short] = (await api.stop(job_ids=[job], dry_run=True, window_seconds=600))["jobs"]
    assert "retention" not in [concern["about"] for concern in short["finding"].get("way_back", [])]
    refused = await api.http.post(f"/api/v1/projects/{PROJECT}/stops", json={"all": True, "window_seconds": 1})
    assert refused.status_code == 400


# Plans. ---------------------------------------------------------------------------------------------------------------


async def test_a_plan_of_a_stop_is_carried_out_as_it_was_shown_and_says_who_made_it(api: Api) -> None:
    first, second = await api.plane.run(2)
    plan = (await api.stop(all=True, dry_run=True, reason="tonight"))["plan"]
    [late] = await api.plane.run(1, "late")
    answer = await api.stop(plan=plan)
    assert [job["job_id"] for job in answer["jobs"]] == [first, second], "exactly those that were shown"
    shown = await api.settled(answer["id"])
    assert (shown["plan"], shown["planned_by"], shown["reason"]) == (plan, "local", "tonight")
    assert (await api.plane.job(late)).status is JobStatus.RUNNING
    details = [event["detail"] for event in (await api.get("events"))["events"] if event["kind"] == "stop_accepted"]
    assert details == [f"tonight (plan {plan} of local)"]


async def test_a_plan_of_a_stop_is_refused_where_a_job_has_moved_on(api: Api) -> None:
    first, second = await api.plane.run(2)
    plan = (await api.stop(job_ids=[first, second], dry_run=True))["plan"]
    await api.stopped(second)
    refused = await api.http.post(f"/api/v1/projects/{PROJECT}/stops", json={"plan": plan})
    assert (refused.status_code, refused.json()["error_code"]) == (409, "plan_outdated")
    assert [one["job_id"] for one in refused.json()["differences"]] == [second]
    assert (await api.plane.job(first)).status is JobStatus.RUNNING, "and nothing was done"


async def test_a_job_that_is_started_anew_between_the_look_and_the_stop_is_not_stopped(api: Api) -> None:
    [job] = await api.plane.run()
    batch = await api.plane.stop(PROJECT, [job], savepoint=True, shown={job: "another life of it"})
    assert batch.id is None
    assert "started anew" in batch.verdicts[0].note


async def test_a_lost_answer_to_a_plan_is_had_again_with_its_key(api: Api) -> None:
    [job] = await api.plane.run()
    plan = (await api.stop(job_ids=[job], dry_run=True))["plan"]
    body, key = {"plan": plan}, {"Idempotency-Key": "k"}
    path = f"/api/v1/projects/{PROJECT}/stops"
    first = (await api.http.post(path, json=body, headers=key)).json()
    await api.settled(first["id"])
    assert (await api.http.post(path, json=body, headers=key)).json() == first
    assert (await api.http.post(path, json=body)).status_code == 409


async def test_a_plan_of_a_resume_starts_exactly_what_it_has_shown(api: Api) -> None:
    jobs = await api.plane.run(2)
    shown = await api.stopped(*jobs)
    plan = (await api.post(f"stops/{shown['id']}/resume", dry_run=True))["plan"]
    answer = await api.post("resumes", plan=plan)
    assert answer["accepted"] == 2
    assert [await api.restored(job) for job in jobs] == [view["savepoint"] for view in shown["jobs"]]
    told = [event for event in (await api.get("events"))["events"] if event["kind"] == "start_accepted"]
    assert [event["detail"].endswith(f"As plan {plan} of local shows.") for event in told[-2:]] == [True, True]
    order = await api.get(f"resumes/{answer['id']}")
    assert (order["plan"], order["planned_by"], order["who"]) == (plan, "local", "local")


async def test_a_resume_that_is_sent_again_under_its_key_gets_the_first_answer(api: Api) -> None:
    jobs = await api.plane.run(2)
    shown = await api.stopped(*jobs)
    plan = (await api.post(f"stops/{shown['id']}/resume", dry_run=True))["plan"]
    path = f"/api/v1/projects/{PROJECT}"

    async def sent(where: str, key: str, **body: Any) -> tuple[int, dict[str, Any]]:
        answer = await api.http.post(f"{path}/{where}", json=body or None, headers={"Idempotency-Key": key})
        return answer.status_code, answer.json()

    first = await sent("resumes", "k", plan=plan)
    assert (first[0], first[1]["accepted"]) == (202, 2)
    for job in jobs:
        await api.plane.until(job, JobStatus.RUNNING)
    assert await sent("resumes", "k", plan=plan) == first
    assert (await sent("resumes", "another", plan=plan))[0] == 409, "the world has moved"
    other = await sent("resumes", "k", job_ids=jobs)
    assert (other[0], other[1]["error_code"]) == (422, "idempotency_key_reused")
    again = await sent(f"stops/{shown['id']}/resume", "of the stop")
    assert (again[1]["id"], again[1]["accepted"]) == (first[1]["id"], 2), "they run from it already"
    assert await sent(f"stops/{shown['id']}/resume", "of the stop") == again
    nothing = await sent(f"resumes/{first[1]['id']}/retry", "a retry")
    assert (nothing[0], nothing[1]["jobs"]) == (202, [])
    assert await sent(f"resumes/{first[1]['id']}/retry", "a retry") == nothing
    assert len(api.plane.fake.jobs) == 4, "each was started once, and brought back once"


async def test_a_plan_of_a_resume_is_refused_where_a_state_has_changed(api: Api) -> None:
    jobs = await api.plane.run(2)
    shown = await api.stopped(*jobs)
    plans = [
        (await api.post(f"stops/{shown['id']}/resume", dry_run=True))["plan"],
        (await look(api, *jobs))["plan"],
    ]
    shutil.rmtree(local(shown["jobs"][1]["savepoint"]))
    for plan in plans:
        refused = await api.post("resumes", status=409, plan=plan)
        assert refused["error_code"] == "plan_outdated"
        [one] = refused["differences"]
        assert (one["job_id"], one["was"].startswith("accepted"), "not_whole" in one["now"]) == (jobs[1], True, True)
    assert [(await api.plane.job(job)).status for job in jobs] == [JobStatus.STOPPED] * 2


async def test_a_plan_is_of_its_project_and_kind_and_says_all(api: Api) -> None:
    [job] = await api.plane.run()
    plan = (await api.stop(job_ids=[job], dry_run=True))["plan"]
    assert (await api.post("resumes", status=404, plan=plan))["error_code"] == "unknown_plan"
    other = await api.http.post("/api/v1/projects/other/stops", json={"plan": plan})
    assert other.status_code == 404
    for body in ({"plan": plan, "drain": True}, {"plan": plan, "job_ids": [job]}):
        assert (await api.http.post(f"/api/v1/projects/{PROJECT}/stops", json=body)).status_code == 400
    for start in ({"plan": plan, "dry_run": True}, {"dry_run": True}, {"plan": plan, "allow": ["drained"]}):
        assert (await api.http.post(f"/api/v1/projects/{PROJECT}/resumes", json=start)).status_code == 400


# Whether the state fits the job as it is now. -------------------------------------------------------------------------


async def test_states_are_held_against_the_jobs_as_they_are_now(api: Api) -> None:
    same, changed = await api.plane.run(2)
    shown = await api.stopped(same, changed)
    was, gone = JobSpec(SQL), Reason(Why.OPERATOR_GONE, "Join[5] would be left behind.")

    def edited(stored: Any) -> JobDraft:
        return JobDraft(stored.draft.name, JobSpec("another"))

    await api.plane.edit.update(PROJECT, changed, edited)
    kept = shown["jobs"][1]["savepoint"]
    told = await api.get(f"jobs/{changed}/diff")
    assert (told["path"], told["same"], told["sql_before"], told["sql_now"]) == (kept, False, SQL, "another")
    assert told["changes"] == []
    told = await api.get(f"jobs/{same}/diff")
    assert (told["same"], told["sql_before"]) == (True, SQL)
    unknown = await api.http.get(f"/api/v1/projects/{PROJECT}/jobs/999/diff")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "unknown_job")
    asked: list[tuple[JobSpec, StateFrom, bool]] = []

    async def judge(spec: JobSpec, state: StateFrom, cluster: Place | None, *, caller: str, slots: bool) -> Fit:
        asked.append((spec, state, cluster is not None))
        return fit_of() if spec == was else fit_of(gone, left=(Left("Join", "a" * 32, 40),))

    start = replace(api.plane.life.start_jobs, judge=judge)
    found = (await start(StartOrder(PROJECT, [same, changed], dry_run=True))).verdicts
    assert [verdict.back.fit.kind.value for verdict in found if verdict.back and verdict.back.fit] == [
        "same",
        "left_behind",
    ]
    assert "Join[5] would be left behind." in found[1].note
    assert [(spec.sql, state.spec, near) for spec, state, near in asked] == [(SQL, was, True), ("another", was, True)]
    asked.clear()
    found = (await start(StartOrder(PROJECT, [same, changed]))).verdicts
    assert [spec.sql for spec, _, _ in asked] == ["another"], "a start looks only at what was changed"
    assert [verdict.refusal for verdict in found] == [None, Refusal.DOES_NOT_FIT]
    assert "Join[5] would be left behind." in found[1].note
    assert "--allow-non-restored-state" in found[1].note
    allow = frozenset({Allowed.NON_RESTORED_STATE})
    [verdict] = (await start(StartOrder(PROJECT, [changed], allow=allow))).verdicts
    assert verdict.accepted
    assert "Join[5] would be left behind." in verdict.note
    assert await api.restored(changed) == shown["jobs"][1]["savepoint"]
    running = await api.get(f"jobs/{changed}/diff")
    assert (running["path"], running["same"]) == (None, True), "it runs as it is now"
    async with api.plane.db.read() as connection:
        wanted = select(events.c.detail).where(events.c.kind == "start_accepted")
        audit = list((await connection.execute(wanted)).scalars())
        run = (await connection.execute(select(runs).order_by(runs.c.id.desc()))).mappings().first()
    assert "It leaves behind the state of Join (40 bytes)." in audit[-1]
    assert run is not None
    assert to_run(run).drops_state


async def test_a_job_whose_variable_has_another_value_since_is_looked_at(api: Api) -> None:
    variables = f"/v1.0/{PROJECT}/variables"
    for name in ("least", "pw"):
        made = await api.http.post(variables, json={"var_name": name, "var_value": "5"})
        assert made.is_success
    sql = {name: f"INSERT INTO a SELECT n FROM s WHERE n > {{{{{name}}}}}" for name in ("least", "pw")}
    jobs = [
        (await api.plane.edit.create(PROJECT, JobDraft(name, JobSpec(text)), "me")).id for name, text in sql.items()
    ]
    await api.plane.start(PROJECT, jobs, resume=False)
    for job in jobs:
        await api.plane.until(job, JobStatus.RUNNING)
    await api.stopped(*jobs)
    asked: list[tuple[str, int | None]] = []

    async def judge(spec: JobSpec, state: StateFrom, cluster: Place | None, *, caller: str, slots: bool) -> Fit:
        asked.append((spec.sql, state.run_id))
        return fit_of(Reason(Why.OPERATOR_GONE, "Join[5] would be left behind."))

    start = replace(api.plane.life.start_jobs, judge=judge)
    changed = await api.http.put(f"{variables}/least", json={"var_value": "6"})
    assert changed.is_success
    [first, second] = (await start(StartOrder(PROJECT, jobs))).verdicts
    assert [sql for sql, _ in asked] == [sql["least"]]
    assert asked[0][1] is not None, "with the run that has made the state, for the values that it had"
    assert (first.refusal, second.refusal) == (Refusal.DOES_NOT_FIT, None)
