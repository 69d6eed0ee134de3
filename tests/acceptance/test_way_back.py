"""The way back on real Flink: what a dry run says beforehand, and what Flink then does. One cluster for all of it."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.services.process import ServiceProcess, wait_for

from sluiceway.storage.metadata import parse

pytestmark = pytest.mark.real

COUNTS = """
CREATE TABLE s (k INT, t AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '20',
  'fields.k.kind' = 'random', 'fields.k.min' = '1', 'fields.k.max' = '1');
CREATE TABLE f (k INT, n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://{out}');
INSERT INTO f SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  FROM s;
"""
WINDOWS = """
CREATE TABLE e (n BIGINT, ts AS CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3)), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE c (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO c SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '1' HOUR))
  GROUP BY window_start, window_end;
"""
# The same moment in every row, as text in the zone that the job is planned under: 1970-01-01 00:00:00.000 in UTC.
TIMES = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '{rate}',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{end}');
CREATE TABLE f (epoch STRING, n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://{out}');
INSERT INTO f SELECT CAST(TO_TIMESTAMP_LTZ(0, 0) AS STRING), n FROM s;
"""
SLOWLY = TIMES.replace("{rate}", "20").replace("{end}", "5000")
AT_ONCE = TIMES.replace("{rate}", "10000").replace("{end}", "5000")
OFTEN = {"checkpoint_enabled": True, "checkpoint_interval": 1}
RETENTION = 3  # seconds


class World:
    """A service with an embedded Flink."""

    def __init__(self, service: ServiceProcess, directory: Path) -> None:
        self.service = service
        self.directory = directory

    def own(self, path: str, body: object = None) -> Any:
        return self.service.call("POST", f"/api/v1/projects/{self.service.project}{path}", body)

    def latest(self, orders: str) -> Any:
        """The latest stop or resume, with its jobs."""
        place = f"/api/v1/projects/{self.service.project}/{orders}"
        [head] = self.service.call("GET", f"{place}?limit=1")[orders]
        return self.service.call("GET", f"{place}/{head['id']}")

    def create(self, name: str, sql: str, **options: str) -> int:
        """Make a job with a checkpoint a second; its id."""
        return self.service.create(name, self.written(name, sql), runtime_config=config(options), **OFTEN)

    def written(self, name: str, sql: str) -> str:
        """SQL that writes where the rows of a job are looked for."""
        return sql.format(out=self.directory / name)

    def set(self, job: int, options: dict[str, str]) -> None:
        """Give a job other options of Flink's."""
        self.service.dli("PUT", f"/sql-jobs/{job}", {"runtime_config": config(options)})

    def stop(self, *jobs: int, **how: object) -> int:
        """Stop them and wait; the id of the stop."""
        stop = int(self.own("/stops", {"job_ids": list(jobs), **how})["id"])
        for job in jobs:
            self.service.until(job, "job_cancel_success")
        return stop

    def rows(self, name: str) -> list[tuple[str, int]]:
        """What a job has written, file by file in the order of their making."""
        parts = sorted((self.directory / name).glob("part-*"), key=lambda part: part.stat().st_mtime_ns)
        rows = [line.split(",") for part in parts for line in part.read_text().splitlines()]
        return [(first.strip('"'), int(second)) for first, second in rows]

    def counts(self, name: str) -> list[int]:
        """The numbers that a job has written."""
        return [number for _, number in self.rows(name)]

    def look(self, *jobs: int) -> dict[int, Any]:
        """The dry run of a resume, by job."""
        answer = self.own("/resumes", {"job_ids": list(jobs), "dry_run": True})
        return {job["job_id"]: job for job in answer["jobs"]}

    def cli(self, *arguments: str) -> tuple[int, str]:
        end = ["--server", self.service.url, "--project", self.service.project]
        done = subprocess.run(
            [sys.executable, "-m", "sluiceway", *arguments, *end], capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as machine:
        machine.setenv("TZ", "UTC")
        service = ServiceProcess(tmp_path_factory.mktemp("data"), "--embedded", "--embedded-heap", "1024")
    yield World(service, tmp_path_factory.mktemp("out"))
    assert service.end() == 0


def config(options: dict[str, str]) -> str:
    return json.dumps([{"key": key, "value": value} for key, value in options.items()])


def local(uri: str) -> Path:
    return Path("/" + uri.removeprefix("file:").lstrip("/"))


def concerns(answer: dict[str, Any]) -> list[str]:
    return [one["about"] for one in answer["way_back"].get("concerns", [])]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def plan_of(said: str) -> str:
    """The id of the plan that a dry run tells in its last line."""
    return said.rpartition("--plan ")[2].split()[0]


def said_of(answer: dict[str, Any], about: str) -> dict[str, str]:
    """What an answer says about one thing."""
    [said] = [one for one in answer["way_back"]["concerns"] if one["about"] == about]
    return dict(said)


def test_a_window_is_told_before_it_begins_and_the_way_back_of_it_before_anything_starts(world: World) -> None:
    zoned, shifted = world.create("zoned", SLOWLY), world.create("shifted", SLOWLY, **{"state.backend.type": "hashmap"})
    ends = world.service.create("ends", world.written("ends", SLOWLY))  # and takes no checkpoints
    world.service.start([zoned, shifted, ends])

    def kept() -> bool:
        looked = world.own("/stops", {"job_ids": [zoned, shifted], "dry_run": True})["jobs"]
        return all("last_checkpoint" in answer["finding"] for answer in looked)

    wait_for(kept)

    # Before it is too late.
    code, said = world.cli("stop", "zoned", "shifted", "ends", "--dry-run", "--window", "2h", "--format", "native")
    told = {line.split()[0]: line for line in said.splitlines() if line.split()[0].isdigit()}
    assert code == 1, said
    assert all("It keeps state for 1 h, and is to stay stopped for 2 h" in line for line in told.values()), said
    assert "would be native: only hashmap can restore it" in told[str(shifted)], said
    bare = [job for job in (zoned, shifted, ends) if "no checkpoint to fall back on" in told[str(job)]]
    assert bare == [ends], said
    code, said = world.cli("stop", "--plan", plan_of(said), "--wait")
    assert (code, "made by local; carried out by local" in said) == (0, True), said
    stop = world.latest("stops")["id"]
    written = {name: world.rows(name) for name in ("zoned", "shifted", "ends")}

    # In the window two jobs are changed.
    shanghai = {"table.local-time-zone": "Asia/Shanghai"}
    world.set(shifted, {**shanghai, "state.backend.type": "rocksdb"})
    elsewhere = world.look(shifted)[shifted]
    assert (elsewhere["accepted"], elsewhere["code"]) == (False, "does_not_fit"), elsewhere
    assert "written by the state backend hashmap" in elsewhere["message"]
    world.set(shifted, {**shanghai, "state.backend.type": "hashmap"})
    world.service.dli("PUT", f"/sql-jobs/{ends}", {"sql_body": world.written("ends", AT_ONCE)})
    seen = world.look(zoned, shifted, ends)
    assert [concerns(seen[job]) for job in (zoned, shifted, ends)] == [[], ["time_zone"], []]
    assert "+8 hours" in seen[shifted]["message"]

    # The way back, 60 a minute.
    code, said = world.cli("resume", str(stop), "--pace", "60", "--wait")
    assert (code, "+8 hours" in said) == (0, True), said
    begun = sorted(moment(view["released_at"]) for view in world.latest("resumes")["jobs"])
    assert all(then - before >= timedelta(seconds=1) for before, then in pairwise(begun))
    for name, epoch in (("zoned", "1970-01-01 00:00:00.000"), ("shifted", "1970-01-01 08:00:00.000")):
        wait_for(lambda name=name: len(world.rows(name)) > len(written[name]))  # type: ignore[misc]
        assert world.rows(name)[len(written[name])] == (epoch, len(written[name]) + 1), "rows go on, and times move"

    # One has finished since: there is no state of its end.
    world.service.until(ends, "job_finish")
    assert sorted(world.counts("ends")) == list(range(1, 5001))
    code, said = world.cli("resume", "--job", "ends", "--dry-run")
    assert (code, "It has finished by itself" in said, "--finished" in said) == (1, True, True), said
    with pytest.raises(urllib.error.HTTPError) as error:
        world.service.dli("POST", "/jobs/run", {"job_ids": [ends], "resume_savepoint": True})
    assert "DLI.13017" in error.value.read().decode()
    assert world.cli("jobs", "run", "ends", "--resume", "--finished", "--wait")[0] == 0
    again = [*range(1, 5001), *range(len(written["ends"]) + 1, 5001)]
    wait_for(lambda: sorted(world.counts("ends")) == sorted(again))


TWO = """
CREATE TABLE s (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '20',
  'fields.k.kind' = 'random', 'fields.k.min' = '1', 'fields.k.max' = '9');
CREATE TABLE b (k INT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO b SELECT k, COUNT(*) FROM s GROUP BY k;
"""
SECOND = "INSERT INTO b SELECT -k, SUM(k) FROM s GROUP BY -k;"


def test_state_is_left_behind_only_where_that_is_asked_for(world: World) -> None:
    two = world.create("two", TWO + SECOND)
    world.service.start([two])
    world.stop(two)
    world.service.dli("PUT", f"/sql-jobs/{two}", {"sql_body": TWO})
    code, said = world.cli("jobs", "diff", "two")
    assert (code, f"-{SECOND}" in said) == (1, True), said
    code, said = world.cli("resume", "--job", "two", "--dry-run")
    assert (code, "GroupAggregate" in said, "--allow-non-restored-state" in said) == (1, True, True), said
    with pytest.raises(urllib.error.HTTPError) as error:
        world.service.dli("POST", "/jobs/run", {"job_ids": [two], "resume_savepoint": True})
    refused = error.value.read().decode()
    assert ("DLI.13017" in refused, "GroupAggregate" in refused) == (True, True), refused
    code, said = world.cli("jobs", "run", "two", "--resume", "--wait", "--allow-non-restored-state")
    assert (code, "The state of GroupAggregate" in said) == (0, True), said
    events = world.service.call("GET", f"/api/v1/projects/{world.service.project}/events?limit=1000")["events"]
    assert any("It leaves behind the state of GroupAggregate" in event["detail"] for event in events)


def test_a_savepoint_of_others_is_registered_and_goes_on_in_another_job(world: World) -> None:
    theirs = world.create("theirs", COUNTS)
    world.service.start([theirs])
    wait_for(lambda: len(world.counts("theirs")) > 40)
    stop = world.stop(theirs)
    [kept] = world.service.call("GET", f"/api/v1/projects/{world.service.project}/stops/{stop}")["jobs"]
    archive = world.service.data / "storage" / "archive" / "savepoint-theirs"
    shutil.copytree(local(kept["savepoint"]), archive)  # with its times, as `cp -a` does

    other = world.create("other", TWO)  # whose operators are others
    shutil.copytree(archive, archive.with_name("savepoint-other"))
    code, said = world.cli("savepoints", "register", "obs://archive/savepoint-other", "--job", "other")
    assert code == 0, said
    misfit = world.look(other)[other]
    assert (misfit["code"], misfit["way_back"]["fit"]["kind"]) == ("does_not_fit", "left_behind"), misfit
    assert "The state of OverAggregate" in misfit["message"], misfit

    moved = world.create("moved", COUNTS)
    register = ("savepoints", "register", "obs://archive/savepoint-theirs", "--job", "moved", "--keep-for", "1d")
    code, said = world.cli(*register)
    assert (code, "OverAggregate" in said, "the newest known state" in said) == (0, True, True), said
    back = world.look(moved)[moved]["way_back"]
    assert (back["source"], back["kind"], back["whole"], back["fit"]["kind"]) == (
        "chosen",
        "savepoint",
        True,
        "unknown",
    ), back
    assert "nobody knows the SQL that has made it" in back["fit"]["text"]
    code, said = world.cli("jobs", "run", "moved", "--resume", "--wait")
    assert code == 0, said
    wait_for(lambda: len(world.counts("moved")) > 0)
    assert world.counts("moved")[0] == max(world.counts("theirs")) + 1, "Flink goes on counting"

    world.stop(moved)
    code, said = world.cli(*register, "--choose")
    assert (code, "older than the newest state of the job" in said) == (0, True), said
    assert "leaves out 1 newer state of the job" in said


def test_a_savepoint_that_a_later_run_owns_is_a_way_back_only_as_long_as_its_files_are_there(world: World) -> None:
    changelog = {"state.changelog.enabled": "true", "state.changelog.periodic-materialize.interval": "1 s"}
    first, second = world.create("first", COUNTS, **changelog), world.create("second", COUNTS, **changelog)
    world.service.start([first])
    wait_for(lambda: len(world.counts("first")) > 0)
    world.stop(first)
    path = world.look(first)[first]["way_back"]["path"]
    world.service.dli("POST", f"/jobs/{second}/import-savepoint", {"savepoint_path": path})
    world.service.start([second], resume=True)
    claimed = said_of(world.look(first)[first], "claimed")
    assert (claimed["weight"], f"for job {second}, which runs on its files" in claimed["text"]) == ("refused", True)

    wait_for(lambda: not (local(path) / "_metadata").exists())  # as later checkpoints of the other job need it no more
    world.stop(second)
    gone = world.look(first)[first]
    assert (gone["accepted"], "is not whole: there is no _metadata" in gone["message"]) == (False, True), gone
    assert (said_of(gone, "damaged")["weight"], said_of(gone, "claimed")["weight"]) == ("refused", "note")
    with pytest.raises(urllib.error.HTTPError) as error:
        world.service.dli("POST", "/jobs/run", {"job_ids": [first], "resume_savepoint": True})
    assert "there is no _metadata" in error.value.read().decode()

    newer = world.look(second)[second]["way_back"]["path"]
    world.service.dli("POST", f"/jobs/{first}/import-savepoint", {"savepoint_path": newer})
    mended = world.look(first)[first]
    assert (mended["accepted"], mended["way_back"]["path"], mended["way_back"]["whole"]) == (True, newer, True), mended


def test_what_is_said_of_a_way_back_is_what_flink_does(world: World) -> None:
    ttl = {"table.exec.state.ttl": f"{RETENTION} s"}
    aged, mended, damaged = (
        world.create("aged", COUNTS, **ttl),
        world.create("mended", COUNTS, **ttl),
        world.create("damaged", COUNTS),
    )
    drained = world.create("drained", WINDOWS)
    world.service.start([aged, mended, damaged, drained])
    wait_for(lambda: all(len(world.counts(name)) > 40 for name in ("aged", "mended", "damaged")))

    # Time: state whose retention has passed while the job was stopped is gone, unless it is raised before the resume.
    stop = world.stop(aged, mended)
    written = {name: max(world.counts(name)) for name in ("aged", "mended")}
    files = {name: len(world.counts(name)) for name in written}
    time.sleep(RETENTION + 1)
    world.set(mended, {"table.exec.state.ttl": "1 h"})
    seen = world.look(aged, mended)
    assert concerns(seen[aged]) == ["retention"]
    assert "OverAggregate" in seen[aged]["message"]
    assert concerns(seen[mended]) == []
    code, said = world.cli("resume", str(stop), "--max-parallel", "1", "--dry-run")
    assert (code, "retention of 3 s" in said, "sluiceway resume --plan" in said) == (1, True, True), said
    code, said = world.cli("resume", "--plan", plan_of(said), "--wait")
    assert (code, "made by local; carried out by local" in said) == (0, True), said
    one, other = sorted(world.latest("resumes")["jobs"], key=lambda view: moment(view["released_at"]))
    assert moment(other["released_at"]) >= moment(one["proven_at"]), "one at a time, as was planned"
    wait_for(lambda: all(len(world.counts(name)) > files[name] for name in files))
    assert world.counts("aged")[files["aged"]] == 1, "every count begins anew"
    assert world.counts("mended")[files["mended"]] == written["mended"] + 1, "and here it goes on"

    # The past: a drained savepoint.
    stop = world.stop(drained, drain=True)
    [refused] = world.own(f"/stops/{stop}/resume", {"dry_run": True})["jobs"]
    assert (refused["accepted"], refused["code"]) == (False, "drained")
    assert parse((local(refused["way_back"]["path"]) / "_metadata").read_bytes()).drained, "the file tells it, too"
    with pytest.raises(urllib.error.HTTPError) as error:
        world.service.dli("POST", "/jobs/run", {"job_ids": [drained], "resume_savepoint": True})
    assert "--dli-resume-anyway" in error.value.read().decode()
    assert world.cli("resume", str(stop), "--drained")[0] == 0
    world.service.until(drained, "job_running")

    # The newest checkpoint of a job that was canceled in Flink is damaged, and there is an older savepoint.
    project = f"/api/v1/projects/{world.service.project}"
    world.own("/savepoints", {"job_ids": [damaged]})
    wait_for(lambda: world.service.call("GET", f"{project}/savepoints?job_id={damaged}")["savepoints"])
    [older] = world.service.call("GET", f"{project}/savepoints?job_id={damaged}")["savepoints"]
    jid = world.service.call("GET", f"{project}/jobs?job_id={damaged}")["jobs"][0]["flink_job_id"]
    number = parse((local(older["path"]) / "_metadata").read_bytes()).checkpoint_id
    place = world.service.data / "storage" / "jobs" / "checkpoint" / str(damaged) / jid
    wait_for(lambda: any(int(found.parent.name[4:]) > number for found in place.glob("chk-*/_metadata")))
    cancel = urllib.request.Request(f"{world.service.flink}/jobs/{jid}?mode=cancel", method="PATCH")
    urllib.request.urlopen(cancel, timeout=10).close()
    world.service.until(damaged, "job_cancel_success")
    [newest] = place.glob("chk-*/_metadata")
    newest.write_bytes(newest.read_bytes()[:-20])
    told = world.look(damaged)[damaged]
    assert told["way_back"]["path"] == older["path"]
    assert [over["path"].rpartition("/")[2] for over in told["way_back"]["passed_over"]] == [newest.parent.name]
    [answer] = world.service.dli("POST", "/jobs/run", {"job_ids": [damaged], "resume_savepoint": True})
    assert (answer["restore_kind"], answer["restore_path"]) == ("savepoint", older["path"])
    assert f"{newest.parent.name} is newer and not whole" in answer["message"]
    world.service.until(damaged, "job_running")
