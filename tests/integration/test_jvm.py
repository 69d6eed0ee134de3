"""Flink in a Java process of our own: what it says of bad SQL, what it does twice, and how it ends."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support import processes
from tests.support.flink import options as flink_options
from tests.support.flink.real import ENDLESS, OPTIONS, RealFlink

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.embedded import cluster_jvm
from sluiceway.engines.embedded import flink as embedded_module
from sluiceway.engines.embedded.flink import EmbeddedFlink, EmbeddedSettings
from sluiceway.engines.planning import options as opts
from sluiceway.engines.planning import sql_jvm
from sluiceway.engines.planning.jvm import FlinkJvm
from sluiceway.engines.planning.jvm_process import JvmFailed
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.sql_jvm import SqlJvm
from sluiceway.engines.planning.submit import SqlSubmitter

pytestmark = pytest.mark.real

TABLES = ENDLESS.rpartition("INSERT")[0]
SMALL = EmbeddedSettings(slots=4, heap_mb=512, options=OPTIONS)
LONGEST_WAIT = 60.0  # seconds


def get(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def ask(method: str, url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def until(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + LONGEST_WAIT
    while not (value := holds()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)
    return value


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Submitting ----------------------------------------------------------------------------------------------------------


def test_a_job_runs_under_the_id_that_we_chose(real_flink: RealFlink) -> None:
    job = uuid.uuid4().hex
    real_flink.submit(flink_job_id=job)
    until(lambda: get(f"{real_flink.url}/jobs/{job}/status")["status"] == "RUNNING")


def test_the_same_submission_again_is_no_second_job(real_flink: RealFlink) -> None:
    job = real_flink.submit()
    real_flink.submit(flink_job_id=job)
    ask("PATCH", f"{real_flink.url}/jobs/{job}?mode=cancel")
    until(lambda: get(f"{real_flink.url}/jobs/{job}/status")["status"] == "CANCELED")
    real_flink.submit(flink_job_id=job)
    assert get(f"{real_flink.url}/jobs/{job}/status")["status"] == "CANCELED"


def test_all_inserts_are_one_job(real_flink: RealFlink) -> None:
    job = real_flink.submit(
        TABLES
        + """
        BEGIN STATEMENT SET;
        INSERT INTO b SELECT n FROM s;
        INSERT INTO b SELECT n + 1 FROM s;
        END;
        CREATE TABLE c WITH ('connector' = 'blackhole') AS SELECT n FROM s;
        """
    )
    plan = json.dumps(get(f"{real_flink.url}/jobs/{job}/plan"))
    assert set(re.findall(r"(\w)\[\d+\]: Writer", plan)) == {"b", "c"}
    assert "(n + 1)" in plan


def refusal(flink: RealFlink, sql: str, **options: str) -> str:
    with pytest.raises(SqlRefused) as refused:
        flink.submit(sql, **options)
    text = str(refused.value)
    assert "\n" not in text
    assert "Exception" not in text
    assert len(text) <= 1000
    return text


def test_a_parse_error_says_where_in_the_whole_body(real_flink: RealFlink) -> None:
    text = refusal(real_flink, "CREATE TABLE s (n BIGINT) WITH ('connector'='datagen');\n  CREATE TABL b (n BIGINT);\n")
    assert text.startswith('SQL parse failed. Encountered "TABL" at line 2, column 10.')
    text = refusal(real_flink, "\nINSERT INTO b\nSELEC n FROM s")
    assert text.startswith("At line 3, column 1: SQL parse failed. ")
    text = refusal(real_flink, "\n  CREATE TABL b (n BIGINT);\nINSERT INTO b SELECT 1")
    assert text.startswith('SQL parse failed. Encountered "TABL" at line 2, column 10.')


def test_an_unknown_table_is_named_with_its_place(real_flink: RealFlink) -> None:
    assert refusal(real_flink, TABLES + "\nINSERT INTO b\nSELECT n FROM foo") == (
        "SQL validation failed. From line 6, column 15 to line 6, column 17: Object 'foo' not found."
    )


def test_an_unknown_connector_is_named_without_the_tables_options(real_flink: RealFlink) -> None:
    sink = "CREATE TABLE k (n BIGINT) WITH ('connector' = 'kafka', 'secret' = 'hush');"
    text = refusal(real_flink, f"{TABLES} {sink} INSERT INTO k SELECT n FROM s")
    assert "Could not find any factory for identifier 'kafka'" in text
    assert "hush" not in text


@pytest.mark.parametrize(
    ("sql", "settings", "says"),
    [
        (ENDLESS, {"parallelism.default": "many"}, "Could not parse value 'many' for key 'parallelism.default'."),
        (ENDLESS, {"restart-strategy.type": "pray"}, "pray is an unknown value of RestartStrategyType."),
        (ENDLESS, {opts.RESTORE: "/nowhere"}, "Cannot find checkpoint or savepoint file/directory '/nowhere'"),
        (TABLES + "INSERT INTO b SELECT missing FROM s", {}, "Column 'missing' not found in any table"),
        (TABLES + "INSERT INTO b SELECT 'text' FROM s", {}, "do not match"),
        (TABLES + "INSERT INTO nobody SELECT n FROM s", {}, "nobody"),
    ],
)
def test_what_is_wrong_is_said(real_flink: RealFlink, sql: str, settings: dict[str, str], says: str) -> None:
    with pytest.raises(SqlRefused) as refused:
        real_flink.submit(sql, **settings)
    assert says in str(refused.value)


# Options -------------------------------------------------------------------------------------------------------------


def test_every_option_that_we_name_is_one_of_flinks(real_flink: RealFlink) -> None:
    jvm = real_flink.jvm
    known = real_flink.run(jvm._call(lambda: flink_options.of_flink(jvm)))
    assert isinstance(known, dict)
    retrying = JobSpec("x", restart_on_failure=True, checkpoint_interval=timedelta(seconds=1))
    limited = JobSpec("x", restart_on_failure=True, restart_attempts=2)
    ours = {key for spec in (retrying, limited) for key in options_of(spec, restore="x")}
    ours |= {*OPTIONS, *embedded_module._MEMORY, *sql_jvm._CLIENT, *cluster_jvm._CLUSTER}
    assert ours - set(known) == set()
    older = set().union(*known.values())
    assert all(old in known[new] for old, new in opts.OLD_NAMES.items())
    # What a job may set is an option of Flink, and every option that looks like a job's is in one list or the other.
    names = set(known) | older | flink_options.within_planner()
    assert opts._allowed() - names == opts.OF_FLINK_1
    assert {name for name in known if flink_options.OF_JOBS.match(name)} == {
        name for name in known if opts.allowed(name) or (flink_options.OF_JOBS.match(name) and opts.reserved(name))
    }
    # An older name is as refused as the new one.
    assert {old for name in known if opts.reserved(name) for old in known[name] if opts.allowed(old)} == set()


def options_of(spec: JobSpec, restore: str | None = None, directory: str = "file:///tmp") -> dict[str, str]:
    return opts.flink_options(
        spec, flink_job_id=uuid.uuid4().hex, name="orders", restore=restore, checkpoint_dir=directory
    )


def test_flink_does_what_the_options_say(real_flink: RealFlink, tmp_path: Path) -> None:
    spec = JobSpec(ENDLESS, checkpoint_interval=timedelta(seconds=1), restart_on_failure=True, restart_attempts=2)
    submitter = SqlSubmitter(provider(real_flink.jvm), version("2.3.0"), tmp_path.as_uri())
    job = submitted(real_flink, submitter, spec)
    config = get(f"{real_flink.url}/jobs/{job}/checkpoints/config")
    assert config["interval"] == 1000
    assert config["mode"] == "exactly_once"
    assert config["externalization"] == {"enabled": True, "delete_on_cancellation": False}
    assert "ailure rate" in get(f"{real_flink.url}/jobs/{job}/config")["execution-config"]["restart-strategy"]
    checkpoints = f"{real_flink.url}/jobs/{job}/checkpoints"
    until(lambda: get(checkpoints)["latest"]["completed"])
    ask("PATCH", f"{real_flink.url}/jobs/{job}?mode=cancel")
    until(lambda: get(f"{real_flink.url}/jobs/{job}/status")["status"] == "CANCELED")
    [last] = until(lambda: last_kept(tmp_path / "jobs/checkpoint/7" / job))
    path = f"file:{last}"
    again = submitted(real_flink, submitter, spec, restore=path)
    restored = until(lambda: get(f"{real_flink.url}/jobs/{again}/checkpoints")["latest"]["restored"])
    assert restored["external_path"] == path


def last_kept(directory: Path) -> list[Path]:
    """The last checkpoint, once those before it are gone. What Flink tells of them may be three seconds old."""
    kept = [metadata.parent for metadata in directory.glob("chk-*/_metadata")]
    return kept if len(kept) == 1 else []


# The submitter -------------------------------------------------------------------------------------------------------


class AtOnce:
    """The process as submitters use a planner, without turns."""

    def __init__(self, jvm: SqlJvm) -> None:
        self.flink_version = jvm.flink_version
        self.submit_sql = jvm.submit_sql
        self._jvm = jvm

    async def read_sql(self, body: str, **_: object) -> Script:
        return await self._jvm.read_sql(body)


def provider(jvm: SqlJvm) -> Callable[[Place, str], Coroutine[Any, Any, Any]]:
    async def provide(*_: object) -> AtOnce:
        return AtOnce(jvm)

    return provide


def version(text: str) -> Callable[[Place], Coroutine[Any, Any, str]]:
    async def version_of(place: Place) -> str:
        return text

    return version_of


async def no_version(place: Place) -> str:
    raise Unreachable(f"{place.url} gave no answer")


def submit(
    flink: RealFlink, submitter: SqlSubmitter, spec: JobSpec, job: str, url: str = "", restore: str | None = None
) -> Submitted | SubmitRefused | Silent:
    run = Run(id=1, job_id=7, flink_job_id=job, phase=RunPhase.SUBMITTING, restore=restore)
    return flink.run(submitter.submit(Place("c", url or flink.url), run, "orders", spec))


def submitted(flink: RealFlink, submitter: SqlSubmitter, spec: JobSpec, restore: str | None = None) -> str:
    job = uuid.uuid4().hex
    assert submit(flink, submitter, spec, job, restore=restore) == Submitted()
    return job


def test_no_answer_is_silent(real_flink: RealFlink) -> None:
    unreachable = SqlSubmitter(provider(real_flink.jvm), no_version, "file:///tmp")
    assert isinstance(submit(real_flink, unreachable, JobSpec(ENDLESS), uuid.uuid4().hex), Silent)
    dead = SqlSubmitter(provider(real_flink.jvm), version("2.3.1"), "file:///tmp")
    answer = submit(real_flink, dead, JobSpec(ENDLESS), uuid.uuid4().hex, url="http://127.0.0.1:1")
    assert isinstance(answer, Silent)
    assert "refused" in answer.why


def test_sql_that_does_not_compile_is_refused(real_flink: RealFlink) -> None:
    submitter = SqlSubmitter(provider(real_flink.jvm), version("2.3.0"), "file:///tmp")
    bad = JobSpec(TABLES + "INSERT INTO b SELECT n FROM foo")
    answer = submit(real_flink, submitter, bad, uuid.uuid4().hex)
    assert isinstance(answer, SubmitRefused)
    assert "Object 'foo' not found" in answer.text


# The process ---------------------------------------------------------------------------------------------------------

OWNER = """
import asyncio, signal, sys
from pathlib import Path
from sluiceway.engines.embedded.cluster_jvm import ClusterJvm

async def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jvm = await ClusterJvm.launch(Path(sys.argv[1]), 512)
    await jvm.start_cluster({}, 2, 0)
    print(jvm.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_java_ends_with_the_process_that_owns_it_and_not_before(tmp_path: Path) -> None:
    owner = processes.start(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert owner.stdout is not None
    try:
        java = int(owner.stdout.readline())
        os.killpg(owner.pid, signal.SIGINT)  # a Ctrl-C in the terminal
        time.sleep(1)
        assert running(java)
    finally:
        owner.kill()
        owner.wait()
    until(lambda: not running(java))


def test_print_goes_to_a_log_in_the_directory(real_flink: RealFlink) -> None:
    real_flink.submit(
        "CREATE TABLE p (t STRING) WITH ('connector' = 'print');INSERT INTO p VALUES ('the-printed-row')",
    )
    until(lambda: "the-printed-row" in (real_flink.directory / "flink.log").read_text())


async def test_an_embedded_flink_that_dies_is_started_again_with_a_new_life(tmp_path: Path) -> None:
    flink = EmbeddedFlink(tmp_path, SMALL)
    await flink.start()
    try:
        first, pid = flink.place, flink.pid
        assert first is not None
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: flink.place is None)
        await wait_until(lambda: flink.place is not None)
        second = flink.place
        assert second is not None
        assert (second.name, second.url) == (first.name, first.url)
        assert second.life != first.life
        assert await asyncio.to_thread(get, f"{second.url}/overview")
    finally:
        pid = flink.pid
        await flink.close()
    assert pid is not None
    assert not running(pid)
    assert flink.place is None


async def wait_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONGEST_WAIT):
        while not holds():
            await asyncio.sleep(0.05)


async def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path, real_flink: RealFlink) -> None:
    port = int(real_flink.url.rpartition(":")[2])
    flink = EmbeddedFlink(tmp_path, EmbeddedSettings(port=port, slots=1, heap_mb=512, options=OPTIONS))
    with pytest.raises(JvmFailed, match=str(port)):
        await flink.start()


async def test_java_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(JvmFailed, match=r"Java ended with exit code 1 before it was ready.*heap"):
        await FlinkJvm.launch(tmp_path, heap_mb=0)
