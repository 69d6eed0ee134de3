"""What ails a job is told, on real Flink: loops, no slots, starts that fail, programs that throw; and what is done."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink import jar_job
from tests.support.flink.real import RealFlink
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

TABLES = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
"""
WELL = f"{TABLES} INSERT INTO b SELECT n FROM s;"
LOOP = f"{TABLES} INSERT INTO b SELECT n / (n - n) FROM s;"
RESTARTS = {"restart_when_exception": True, "checkpoint_enabled": True, "checkpoint_interval": 1}
CHECKED = {"checkpoint_enabled": True, "checkpoint_interval": 2}
COUNTED = "CREATE TABLE c (k BIGINT, n BIGINT{more}) WITH ('connector' = 'blackhole');"
COUNT = TABLES + COUNTED.format(more="") + "INSERT INTO c SELECT n, COUNT(*) FROM s GROUP BY n;"
SUMS = TABLES + COUNTED.format(more=", v BIGINT") + "INSERT INTO c SELECT n, COUNT(*), SUM(n) FROM s GROUP BY n;"
QUICK = json.dumps(
    [
        {"key": "restart-strategy.type", "value": "fixed-delay"},
        {"key": "restart-strategy.fixed-delay.attempts", "value": "100000"},
        {"key": "restart-strategy.fixed-delay.delay", "value": "1 s"},
    ]
)


class World:
    """A service with an embedded Flink, and one more cluster: with one slot, and the adaptive scheduler."""

    def __init__(self, service: ServiceProcess) -> None:
        self.service = service
        self._made = 0

    def run(self, sql: str, **fields: Any) -> int:
        """Make a job and start it."""
        self._made += 1
        job = self.service.create(f"job-{self._made}", sql, **fields)
        self.start(job)
        return job

    def start(self, job: int, *, resume: bool = False) -> dict[str, Any]:
        [answer] = self.service.dli("POST", "/jobs/run", {"job_ids": [job], "resume_savepoint": resume})
        assert answer["is_success"] == "true", answer
        return dict(answer)

    def fare(self, job: int, which: str = "") -> dict[str, Any] | None:
        """How it fares, by our own API."""
        jobs = self.own("GET", f"/jobs?job_id={job}{which}")["jobs"]
        return jobs[0] if jobs else None

    def own(self, method: str, path: str, body: object = None) -> Any:
        return self.service.call(method, f"/api/v1/projects/{self.service.project}{path}", body)

    def until(self, job: int, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until its health is like that."""
        seen: dict[str, Any] = {}

        def arrived() -> bool:
            fare = self.fare(job)
            assert fare is not None
            seen.clear()
            seen.update(fare)
            return so(fare["health"] or {})

        wait_for(arrived)
        return seen

    def status(self, job: int, *wanted: str) -> str:
        """Wait for one of these statuses of DLI's; what it says about it."""
        wait_for(lambda: self.service.job(job)["status"] in wanted)
        return str(self.service.job(job)["status_desc"])

    def loops(self, job: int) -> dict[str, Any]:
        """Wait until it is told to loop, with the cause."""
        return self.until(job, lambda h: h.get("condition") == "restarting" and bool(h["cause"]))

    def flink(self, job: int) -> str:
        """Flink's own state of the job's latest run."""
        fare = self.fare(job) or self.fare(job, "&leaving=true")
        assert fare is not None
        return self.flink_state(fare["flink_job_id"])

    def flink_state(self, jid: str) -> str:
        """A job's state, asked for by itself: the list leaves out some jobs from their end on (FLINK-40602)."""
        with urllib.request.urlopen(f"{self.service.flink}/jobs/{jid}/status", timeout=10) as answer:
            return str(json.load(answer)["status"])

    def cli(self, *arguments: str) -> tuple[int, str]:
        """A command; its exit code, and what it printed."""
        end = ["--server", self.service.url, "--project", self.service.project]
        done = subprocess.run(
            [sys.executable, "-m", "sluiceway", *arguments, *end], capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    def clear(self, *jobs: int) -> None:
        """Take jobs away."""
        self.service.dli("POST", "/jobs/delete", {"job_ids": list(jobs)})


@pytest.fixture(scope="module")
def starved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealFlink]:
    adaptive = {
        "jobmanager.scheduler": "adaptive",
        "jobmanager.adaptive-scheduler.submission.resource-wait-timeout": "4 s",
    }
    flink = RealFlink(tmp_path_factory.mktemp("starved"), 1, 512, **adaptive).start()
    yield flink
    flink.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, starved: RealFlink) -> Iterator[World]:
    data = tmp_path_factory.mktemp("data")
    service = ServiceProcess(data, "--embedded", "--cluster", f"starved={starved.url}", "--unwell-after", "6")
    yield World(service)
    assert service.end() == 0


def test_a_loop_is_told_its_stop_does_not_wait_and_its_deletion_ends_it(world: World) -> None:
    loop, waits = world.run(LOOP, **RESTARTS), world.run(LOOP, runtime_config=QUICK, restart_when_exception=True)
    told = world.loops(loop)
    assert told["status"] == "running", "the status is what was asked for; health stands beside it"
    assert "/ by zero" in told["health"]["cause"]
    assert "/ by zero" in world.service.job(loop)["status_desc"]
    assert "/ by zero" in world.status(loop, "job_running_exception")
    assert world.cli("jobs", "health", str(loop))[0] == 1
    refused = world.service.dli("POST", "/jobs/stop", {"job_ids": [loop], "trigger_savepoint": True})
    assert refused[0]["is_success"] == "true"
    failed = world.status(loop, "job_cancel_fail")
    assert "/ by zero" in failed
    assert "Nothing was sent" in failed
    # A stop that has sent nothing is no obstacle, through DLI's call, too.
    world.loops(waits)
    world.own("POST", "/stops", {"job_ids": [waits], "if_not_running": "wait"})
    wait_for(lambda: "/ by zero" in world.service.job(waits)["status_desc"])
    assert world.service.job(waits)["status"] == "job_savepointing"
    [answer] = world.service.dli("POST", "/jobs/stop", {"job_ids": [waits], "trigger_savepoint": False})
    assert (answer["is_success"], "takes the place" in answer["message"]) == ("true", True)
    world.status(waits, "job_cancel_success")
    jid = (world.fare(loop) or {})["flink_job_id"]
    world.clear(loop, waits)
    wait_for(lambda: world.flink_state(jid) == "CANCELED", 20)
    wait_for(lambda: world.fare(loop, "&leaving=true") is None)


def test_run_waits_until_jobs_do_their_work(world: World) -> None:
    well, loop = world.service.create("well", WELL, **RESTARTS), world.service.create("loop", LOOP, **RESTARTS)
    code, said = world.cli("jobs", "run", str(well), "--wait", "--json")
    [state] = json.loads(said[: said.rindex("}") + 1][said.index("{") :])["statuses"]
    assert (code, state["runs"], state["health"]["proof"]) == (0, True, "given"), said
    code, said = world.cli("jobs", "run", str(loop), "--wait")
    assert code == 1
    assert "/ by zero" in said
    events = world.own("GET", "/events?limit=1000")["events"]
    assert "job_unwell" in {event["kind"] for event in events if event["job_id"] == loop}
    world.clear(well, loop)


def test_a_resume_that_does_not_fit_says_so_and_what_it_was_started_from_stays(world: World) -> None:
    job = world.run(COUNT, **RESTARTS)
    world.until(job, lambda h: bool(h.get("up_at")))
    world.service.dli("POST", "/jobs/stop", {"job_ids": [job], "trigger_savepoint": True})
    world.status(job, "job_cancel_success")
    good = world.service.job(job)["savepoint_path"]
    world.service.dli("PUT", f"/sql-jobs/{job}", {"sql_body": SUMS})
    with pytest.raises(urllib.error.HTTPError) as error:
        world.start(job, resume=True)
    said = error.value.read().decode()
    assert ("DLI.13017" in said, "of another type" in said) == (True, True), said
    assert world.service.job(job)["status"] == "job_cancel_success", "Flink was not asked"
    [kept] = [s for s in world.own("GET", f"/savepoints?job_id={job}")["savepoints"] if s["path"] == good]
    assert kept["needed"]
    world.service.dli("PUT", f"/sql-jobs/{job}", {"sql_body": COUNT})
    assert good in world.start(job, resume=True)["message"]
    world.until(job, lambda h: bool(h.get("up_at")))
    world.clear(job)


def test_what_loops_on_its_way_back_is_parked_with_its_cause_and_the_others_are_proven(
    world: World, tmp_path: Path
) -> None:
    out, aside = tmp_path / "out", tmp_path / "aside"
    rows = f"CREATE TABLE f (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{out.as_uri()}', 'format' = 'csv');"
    bad = world.run(TABLES + rows + "INSERT INTO f SELECT n FROM s;", runtime_config=QUICK, **RESTARTS)
    good = world.run(WELL, **RESTARTS)
    for job in (bad, good):
        world.until(job, lambda h: bool(h.get("up_at")))
    code, said = world.cli("stop", str(bad), str(good), "--wait", "--json")
    assert code == 0, said
    stop = json.JSONDecoder().raw_decode(said)[0]
    kept = {view["job_id"]: view["savepoint"] for view in stop["stop"]["jobs"]}
    out.rename(aside)
    out.write_text("in the way of the directory")
    code, said = world.cli("resume", str(stop["id"]), "--park-restarts", "3", "--wait", "--json")
    back = json.JSONDecoder().raw_decode(said)[0]["resume"]
    views = {view["job_id"]: view for view in back["jobs"]}
    assert (code, views[bad]["phase"], views[good]["phase"]) == (1, "parked", "proven"), said
    assert "Cause: " in views[bad]["why"]
    assert world.service.job(bad)["status_desc"] == views[bad]["why"]
    wait_for(lambda: world.flink(bad) == "CANCELED", 20)
    [savepoint] = [s for s in world.own("GET", f"/savepoints?job_id={bad}")["savepoints"] if s["path"] == kept[bad]]
    assert savepoint["needed"], "its state stays"
    out.unlink()
    aside.rename(out)
    code, said = world.cli("resume", str(stop["id"]), "--failed", "--wait")
    assert code == 0, said
    newest = (world.fare(bad) or {})["restored_from"]
    assert newest == kept[bad] or "/chk-" in newest, "a checkpoint from between its failures is newer, and was kept"
    world.clear(bad, good)


def test_jobs_without_slots_say_so_and_why_they_failed(world: World) -> None:
    wide = world.run(WELL, parallel_number=400, cu_number=400)
    told = world.until(wide, lambda h: h.get("condition") == "no_slots")
    assert told["health"]["slots_wanted"] > told["health"]["slots_free"]
    assert "it lacks" in world.service.job(wide)["status_desc"]
    assert "--embedded-slots" in world.service.job(wide)["status_desc"]
    world.clear(wide)
    first = world.run(WELL, queue_name="starved")
    world.until(first, lambda h: h.get("condition") == "running")
    second = world.run(WELL, queue_name="starved")
    assert "resource" in world.status(second, "job_running_exception").lower(), "it stands with its application alone"
    world.clear(first, second)


def test_a_job_that_fails_in_initializing_has_its_cause(world: World) -> None:
    config = json.dumps([{"key": "pipeline.max-parallelism", "value": "2"}])
    job = world.run(WELL, parallel_number=4, cu_number=4, runtime_config=config)
    assert "parallelism" in world.status(job, "job_submit_fail", "job_running_exception").lower()
    world.clear(job)


@pytest.mark.parametrize(("mode", "says"), [("twice", "starts several jobs"), ("late", "a mistake after the start")])
def test_a_program_that_goes_wrong_beside_its_job_is_told(
    world: World, starved: RealFlink, tmp_path: Path, mode: str, says: str
) -> None:
    place = world.service.data / "storage" / "bucket" / "counter.jar"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(jar_job.compiled(starved))
    body = {
        "name": f"jar-{mode}",
        "entrypoint": "obs://bucket/counter.jar",
        "main_class": jar_job.MAIN,
        "entrypoint_args": f"{mode} file://{tmp_path}/out",
    }
    job = int(world.service.dli("POST", "/flink-jobs", body)["job"]["job_id"])
    world.start(job)
    wait_for(lambda: says in world.service.job(job)["status_desc"])
    events = world.own("GET", "/events?limit=1000")["events"]
    assert [e["detail"] for e in events if e["job_id"] == job and e["kind"] == "job_note"]
    world.clear(job)


EVENTS = """
CREATE TABLE e (n BIGINT, ts AS CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE c (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
"""
WINDOWS = [
    "FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY n, window_start, window_end",
    "FROM TABLE(HOP(TABLE e, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '3' SECOND))"
    " GROUP BY n, window_start, window_end",
    "FROM e GROUP BY n, TUMBLE(ts, INTERVAL '1' SECOND)",
]


RANKED = (
    "SELECT k, n FROM (SELECT MOD(n, 5) AS k, n, ROW_NUMBER() OVER (PARTITION BY MOD(n, 5) ORDER BY {order}) AS r"
    " FROM e) WHERE r <= {most}"
)
OTHERS = [
    "SELECT a.n, b.n FROM e AS a JOIN e AS b ON a.n = b.n",
    "SELECT a.n, b.n FROM e AS a JOIN e AS b ON a.n = b.n AND a.ts BETWEEN b.ts - INTERVAL '1' SECOND AND b.ts",
    RANKED.format(order="n DESC", most=3),
    RANKED.format(order="ts ASC", most=1),
]


def test_the_embedded_flink_runs_what_newcomers_write(world: World) -> None:
    """Windows, joins, top-n and deduplication."""
    selects = [*(f"SELECT n, COUNT(*) {window}" for window in WINDOWS), *OTHERS]
    jobs = [world.run(f"{EVENTS} INSERT INTO c {select};") for select in selects]
    for job in jobs:
        world.until(job, lambda h: bool(h.get("up_at")))
    world.clear(*jobs)


def test_sixty_small_jobs_run_at_once_on_the_embedded_flink(world: World) -> None:
    jobs = [world.service.create(f"small-{n}", COUNT if n % 3 else WELL, **CHECKED) for n in range(60)]
    world.service.start(jobs)

    def fares() -> list[dict[str, Any]]:
        which = "&".join(f"job_id={job}" for job in jobs)
        found: list[dict[str, Any]] = world.own("GET", f"/jobs?{which}&limit=100")["jobs"]
        return found

    wait_for(lambda: all((fare["health"] or {}).get("up_at") for fare in fares()))
    assert [fare["health"]["condition"] for fare in fares()] == ["running"] * 60
    world.clear(*jobs)
