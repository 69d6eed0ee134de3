"""What a monitoring system reads: how all jobs fare, what became of stops, and who may know."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from tests.support.services.guarded import guarded
from tests.support.services.native_api import Api, native_api, no_planner
from tests.support.services.plane import PROJECT, plane

from sluiceway.assembly.api import make_api
from sluiceway.assembly.door import make_door
from sluiceway.control import watch
from sluiceway.control.watch import Watch
from sluiceway.domain.access import Grant, Role
from sluiceway.domain.health import Condition
from sluiceway.domain.job import JobStatus
from sluiceway.settings import BadSettings, Settings
from sluiceway.store import gauges
from sluiceway.store.gauges import Mark, Standing
from sluiceway.testing.fake_jobs import FakeJob

LINE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})? (-?[0-9.e+]+)')


def numbers(said: str) -> Mapping[str, float]:
    """Every sample, by its name and labels; all lines are of the format, and each family is described before it."""
    found: dict[str, float] = {}
    for line in said.splitlines():
        if not line.startswith("# "):
            match = LINE.fullmatch(line)
            assert match is not None, line
            found[f"{match[1]}{match[2] or ''}"] = float(match[3])
    assert said.endswith("\n")
    return found


async def scraped(api: Api) -> Mapping[str, float]:
    answer = await api.http.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return numbers(answer.text)


async def test_a_loop_a_stop_and_a_savepoint_are_in_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "KEPT_FOR", 0.0)
    async with native_api(tmp_path) as api:
        await scraped(api)
        loops, well, stopped = await api.plane.run(3)
        api.plane.fake.loop(await api.plane.flink_id(loops), "java.lang.ArithmeticException: / by zero")
        await api.plane.until(loops, JobStatus.UNWELL)
        await api.plane.until_it_fares(well, lambda h: h.condition is Condition.RUNNING)
        await api.plane.stop_and_wait([stopped])
        found = await scraped(api)
    assert found[f'sluiceway_jobs{{project="{PROJECT}",status="unwell"}}'] == 1
    assert found[f'sluiceway_jobs{{project="{PROJECT}",status="stopped"}}'] == 1
    about = f'project="{PROJECT}",cluster="c0"'
    assert found[f'sluiceway_jobs_health{{{about},health="restarting"}}'] == 1
    assert found[f'sluiceway_jobs_health{{{about},health="running"}}'] == 1
    assert found[f"sluiceway_jobs_unwell{{{about}}}"] == 1
    assert found['sluiceway_stops_settled_total{outcome="stopped"}'] == 1
    assert found['sluiceway_events_total{kind="job_unwell"}'] == 1
    assert found['sluiceway_job_restarts_total{cluster="c0"}'] > 0
    assert (found["sluiceway_savepoint_bytes_count"], found["sluiceway_savepoint_bytes_sum"] > 0) == (1, True)
    assert found["sluiceway_savepoint_seconds_count"] == 1
    assert (found['sluiceway_cluster_up{cluster="c0"}'], found['sluiceway_cluster_owned{cluster="c0"}']) == (1, 1)
    assert (
        found['sluiceway_turn_seconds_count{cluster="c0"}'] > found['sluiceway_turns_failed_total{cluster="c0"}'] == 0
    )
    assert [name for name in found if name.startswith("sluiceway_build_info{version=")]


async def test_stops_under_way_and_a_cluster_that_is_silent_are_in_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "KEPT_FOR", 0.0)
    async with native_api(tmp_path) as api:
        [job] = await api.plane.run()
        slow: FakeJob = api.plane.fake.jobs[await api.plane.flink_id(job)]
        slow.stop_seconds = 600.0
        await api.plane.stop(PROJECT, [job], savepoint=True)
        await api.plane.eventually(lambda: bool(slow.finishing or api.plane.fake.count("stop")))
        found = await scraped(api)
        assert sum(n for name, n in found.items() if name.startswith('sluiceway_stops_open{cluster="c0"')) == 1
        api.plane.fake.fault("any", "html_503", times=None)
        async with asyncio.timeout(60):
            while (await scraped(api))['sluiceway_cluster_up{cluster="c0"}']:
                await asyncio.sleep(0.02)


async def test_all_who_ask_within_a_second_share_one_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    count = gauges.standing

    async def counting(db: object) -> Standing:
        counted.append(1)
        return await count(db)  # type: ignore[arg-type]

    monkeypatch.setattr(gauges, "standing", counting)
    monkeypatch.setattr(watch, "KEPT_FOR", 3600.0)
    async with native_api(tmp_path) as api:
        answers = await asyncio.gather(*(api.http.get("/metrics") for _ in range(20)))
    assert ({answer.status_code for answer in answers}, len(counted)) == ({200}, 1)


# Who may read them. --------------------------------------------------------------------------------------------------


async def test_only_who_may_look_everywhere_reads_them(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        here, all_over = (
            await api.user("ann", Grant(Role.ADMIN, PROJECT)),
            await api.user("bob", Grant(Role.VIEWER, "*")),
        )
        assert (await api.http.get("/metrics")).status_code == 401
        refused = await api.http.get("/metrics", auth=here)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "APIGW.0302")
        assert "in every project" in refused.text
        assert (await api.http.get("/metrics", auth=all_over)).status_code == 200


async def test_the_token_opens_the_numbers_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-long-word-of-ones-own\n")
    settings = Settings(auth=True, data=tmp_path, metrics_token_file=file)
    async with plane(tmp_path) as at:
        app = make_api(settings, at.ground, at.queues, no_planner, make_door(settings, at.db))
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            right, wrong = ({"Authorization": f"Bearer {word}"} for word in ("a-long-word-of-ones-own", "another"))
            assert (await http.get("/metrics", headers=right)).status_code == 200
            assert (await http.get("/metrics", headers=wrong)).status_code == 401
            for path in (f"/api/v1/projects/{PROJECT}/jobs", "/v3/projects"):
                assert (await http.get(path, headers=right)).status_code == 401


@pytest.mark.parametrize("content", [None, "", "short", "two words of a length", "x" * 5000])
def test_a_file_without_a_token_is_refused_at_the_start(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadSettings, match="--metrics-token-file"):
        make_door(Settings(data=tmp_path, metrics_token_file=file), None)  # type: ignore[arg-type]


# What they cost. -----------------------------------------------------------------------------------------------------


def test_many_projects_are_counted_together() -> None:
    sizes = {(f"p{n}", "running"): n for n in range(1, 151)}
    found = list(
        watch._of_jobs(Standing(sizes, {(p, "c0", "running", True): n for (p, _), n in sizes.items()}, {}, {}))
    )
    for family in found[:3]:
        assert len(family.samples) == watch.MOST_PROJECTS + 1
        assert sum(sample.value for sample in family.samples) == sum(sizes.values())
    others = [s.value for s in found[0].samples if dict(s.labels)["project"] == watch.THE_OTHERS]
    assert others == [sum(range(1, 51))]


async def test_no_table_is_read_from_its_beginning(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        queries = [gauges._JOBS, gauges._LIVE, gauges._STOPS, gauges._SAVES, gauges._kept(5), gauges._kinds(5)]
        async with at.db.read() as connection:
            for query in queries:
                compiled = query.compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
                plan = [row[3] for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
                scans = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step]
                assert not scans, f"{query}: {plan}"


async def test_what_happened_before_is_not_counted_again(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        watching = Watch(at.db, at.reconciler.shifts)
        [job] = await at.run()
        await watching.begin()
        mark = watching.mark
        assert mark is not None
        assert mark != Mark()
        await at.stop_and_wait([job])
        told = {family.name: family for family in await watching()}
        kinds = {dict(s.labels)["kind"]: s.value for s in told["sluiceway_events"].samples}
        assert kinds["stop_stopped"] == 1
        assert "job_created" not in kinds
