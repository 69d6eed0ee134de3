"""Jar jobs on their way to a cluster: packed, uploaded once, run once, and every answer understood."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from tests.support.flink import jar_job

from sluiceway.domain.engine import Unreachable, Unusable
from sluiceway.domain.facts import JobState, Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.jars import packages
from sluiceway.engines.jars.submit import JarSubmitter
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.testing.fake_flink import FakeFlink

PROGRAM = JarProgram("obs://bucket/app.jar", jar_job.MAIN, ("run", "/out"))


class Stage:
    """A submitter, its files and a fake cluster."""

    def __init__(self, fake: FakeFlink, session: aiohttp.ClientSession, directory: Path) -> None:
        self.fake = fake
        self.files: dict[str, bytes | Exception] = {PROGRAM.jar: jar_job.STUB}
        self.packages = directory / "packages"
        self.submitter = JarSubmitter(JobManagers(session, 5.0), self.fetch, self.packages, "file:///root")
        self.number = 0

    async def fetch(self, job_id: int, name: str, into: Path) -> None:
        found = self.files.get(name, Unusable(f"There is no file {name}."))
        if isinstance(found, Exception):
            raise found
        into.write_bytes(found)  # noqa: ASYNC240 - a few bytes

    def run(self, **fields: object) -> Run:
        self.number += 1
        run = Run(self.number, self.number, f"{self.number:032x}", RunPhase.SUBMITTING)
        return replace(run, **fields)  # type: ignore[arg-type]

    async def submit(
        self, run: Run | None = None, program: JarProgram = PROGRAM, **fields: object
    ) -> Submitted | SubmitRefused | Silent:
        spec = replace(JobSpec("", program=program), **fields)  # type: ignore[arg-type]
        return await self.submitter.submit(Place("c", self.fake.url), run or self.run(), "orders", spec)

    def uploads(self) -> int:
        return self.fake.count("upload")

    def last_run(self) -> dict[str, object]:
        """The body of the latest request to run a jar."""
        found: dict[str, object] = [body for _, path, body in self.fake.requests if path.endswith("/run")][-1]
        return found


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with FakeFlink() as fake, aiohttp.ClientSession() as session:
        yield Stage(fake, session, tmp_path)


# --- what reaches the cluster ---------------------------------------------------------------------------------------


async def test_a_job_starts_under_its_own_id_with_its_options(stage: Stage) -> None:
    run = stage.run(restore=None)
    assert await stage.submit(run, parallelism=3, options={"pipeline.max-parallelism": "8"}) == Submitted()
    assert stage.fake.jobs[run.flink_job_id].name == "orders"
    body = stage.last_run()
    assert (body["jobId"], body["entryClass"], body["parallelism"]) == (run.flink_job_id, jar_job.MAIN, 3)
    assert body["programArgsList"] == ["run", "/out"]
    assert "savepointPath" not in body
    assert body["flinkConfiguration"] == {
        "parallelism.default": "3",
        "pipeline.name": "orders",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": "file:///root/jobs/checkpoint/1",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "none",
        "pipeline.max-parallelism": "8",
    }, "no time to live for the state of tables: a program says that itself"


async def test_a_class_that_is_not_named_is_the_manifests(stage: Stage) -> None:
    await stage.submit(program=replace(PROGRAM, main_class=""))
    assert "entryClass" not in stage.last_run()


async def test_a_savepoint_is_resumed_from(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "_metadata").write_bytes(b"")
    run = stage.run(restore=f"file://{tmp_path}/s")
    assert await stage.submit(run) == Submitted()
    assert stage.fake.jobs[run.flink_job_id].restored == f"file://{tmp_path}/s"
    assert "allowNonRestoredState" not in stage.last_run()
    run = replace(stage.run(restore=f"file://{tmp_path}/s"), flink_job_id="cd" * 16, drops_state=True)
    assert await stage.submit(run) == Submitted()
    assert stage.last_run()["allowNonRestoredState"] is True


@pytest.mark.parametrize(
    ("version", "claims", "directory"),
    [
        ("1.18.1", {"restoreMode"}, "state.checkpoints.dir"),
        ("1.20.5", {"restoreMode", "claimMode"}, "execution.checkpointing.dir"),
        ("2.0.2", {"claimMode"}, "execution.checkpointing.dir"),
    ],
)
async def test_a_job_is_described_in_the_words_of_the_clusters_version(
    stage: Stage, tmp_path: Path, version: str, claims: set[str], directory: str
) -> None:
    (tmp_path / "_metadata").write_bytes(b"")
    stage.fake.flink_version = version
    assert await stage.submit(stage.run(restore=tmp_path.as_uri(), claims=True)) == Submitted()
    body, options = stage.last_run(), stage.last_run()["flinkConfiguration"]
    assert {"restoreMode", "claimMode"} & body.keys() == claims
    assert isinstance(options, dict)
    assert [name for name in options if name.endswith(("ing.dir", "s.dir"))] == [directory]


async def test_one_jar_is_uploaded_once_for_all_jobs(stage: Stage) -> None:
    said = await asyncio.gather(*(stage.submit() for _ in range(6)))
    assert said == [Submitted()] * 6
    assert len(stage.fake.jobs) == 6
    assert stage.uploads() == 1
    stage.files[PROGRAM.jar] = jar_job.jar({"demo/Counter.class": b"another version"})
    assert await stage.submit() == Submitted()
    assert stage.uploads() == 2
    assert list(stage.packages.iterdir()) == [], "no copies stay behind"


async def test_a_jobmanager_that_lost_its_jars_gets_them_again(stage: Stage) -> None:
    await stage.submit()
    stage.fake.lose_jobmanager(ha=False)
    assert await stage.submit() == Submitted()
    assert stage.uploads() == 2


async def test_a_jar_that_the_cluster_has_is_run_as_it_is(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "_metadata").write_bytes(b"")
    uploads = [stage.fake.jars.upload("theirs.jar", jar_job.STUB) for _ in range(2)]  # type: ignore[union-attr]
    old, new = [json.loads(body)["filename"].rpartition("/")[2] for _, body in uploads]
    for named, taken in (("theirs.jar", {old, new}), (old, {old})):
        run, program = stage.run(restore=tmp_path.as_uri()), replace(PROGRAM, jar=f"cluster://{named}")
        assert await stage.submit(run, program, parallelism=2) == Submitted()
        path = [path for _, path, _ in stage.fake.requests if path.endswith("/run")][-1]
        assert path.split("/")[-2] in taken
        body = stage.last_run()
        assert (body["jobId"], body["savepointPath"]) == (run.flink_job_id, run.restore)
        assert (body["entryClass"], body["parallelism"]) == (jar_job.MAIN, 2)
    assert stage.uploads() == 0, "nothing was brought"


async def test_a_jar_that_the_cluster_no_longer_has_is_refused(stage: Stage) -> None:
    said = await stage.submit(program=replace(PROGRAM, jar="cluster://theirs.jar"))
    assert isinstance(said, SubmitRefused)
    assert "has no jar theirs.jar any more" in said.text


async def test_what_a_program_depends_on_goes_along_in_its_jar(stage: Stage) -> None:
    helper = jar_job.jar({"help/Helper.class": b"?"})
    stage.files |= {"libs/helper.jar": helper, "obs://bucket/rules.csv": b"a,b"}
    program = replace(PROGRAM, dependency_jars=("libs/helper.jar",), dependency_files=("obs://bucket/rules.csv",))
    assert await stage.submit(program=program) == Submitted()
    assert await stage.submit(program=program) == Submitted()
    assert stage.uploads() == 1, "the same files make the same package"


# --- what Flink answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (replace(PROGRAM, args=("throw",)), "the author made a mistake"),
        (replace(PROGRAM, args=("none",)), "No jobs included in application"),
        (replace(PROGRAM, main_class="demo.Nowhere"), "entry point class 'demo.Nowhere' was not found"),
        (replace(PROGRAM, main_class=""), "Neither a 'Main-Class'"),
        (replace(PROGRAM, jar="obs://bucket/none.jar"), "There is no file obs://bucket/none.jar."),
        (replace(PROGRAM, dependency_jars=("x.jar",)), "There is no file x.jar."),
    ],
)
async def test_a_program_that_cannot_run_is_refused_in_plain_words(
    stage: Stage, program: JarProgram, says: str
) -> None:
    said = await stage.submit(program=program)
    assert isinstance(said, SubmitRefused)
    assert said.certain
    assert says in said.text
    assert "Exception" not in said.text
    assert not stage.fake.jobs


@pytest.mark.parametrize(("mode", "says"), [("twice", "Flink refused 'orders'"), ("late", "a mistake after the start")])
async def test_a_program_that_fails_after_its_start_has_started(stage: Stage, mode: str, says: str) -> None:
    run = stage.run()
    said = await stage.submit(run, replace(PROGRAM, args=(mode,)))
    assert isinstance(said, Submitted)
    assert says in said.note
    assert stage.fake.jobs[run.flink_job_id].state is JobState.RUNNING


async def test_a_program_that_had_no_answer_while_it_submitted_is_no_answer(stage: Stage) -> None:
    said = await stage.submit(program=replace(PROGRAM, args=("timeout",)))
    assert isinstance(said, Silent)
    assert "Ask timed out" in said.why


async def test_a_savepoint_that_is_gone_is_refused(stage: Stage) -> None:
    said = await stage.submit(stage.run(restore="file:///nowhere"))
    assert isinstance(said, SubmitRefused)
    assert "Cannot find checkpoint or savepoint file/directory 'file:///nowhere'" in said.text


async def test_a_lost_answer_is_no_answer_and_the_same_run_again_starts_nothing_new(stage: Stage) -> None:
    run = stage.run()
    stage.fake.fault("run", "lose_answer")
    assert isinstance(await stage.submit(run), Silent)
    assert await stage.submit(run) == Submitted()
    assert list(stage.fake.jobs) == [run.flink_job_id]


@pytest.mark.parametrize("kind", ["jars", "upload", "run"])
async def test_whatever_goes_wrong_on_the_way_may_have_arrived(stage: Stage, kind: str) -> None:
    run = stage.run()
    for fault in ("reset", "html_503", "garbage", "empty"):
        stage.fake.fault(kind, fault)
        assert isinstance(await stage.submit(run), Silent), fault
    assert await stage.submit(run) == Submitted()
    assert len(stage.fake.jobs) == 1


async def test_a_jar_that_goes_between_the_look_and_the_run_is_no_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = stage.fake.jars.upload  # type: ignore[union-attr]

    def upload_and_lose(name: str, content: bytes) -> tuple[int, bytes]:
        answer = upload(name, content)
        stage.fake.jars.clear()  # type: ignore[union-attr]
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(stage.fake.jars, "upload", upload_and_lose)
        said = await stage.submit()
    assert isinstance(said, Silent)
    assert "does not exist" in said.why
    assert await stage.submit() == Submitted()


async def test_storage_that_cannot_be_read_is_no_answer(stage: Stage) -> None:
    stage.files[PROGRAM.jar] = Unreachable("the disk is away")
    assert await stage.submit() == Silent("the disk is away")


async def test_a_full_disk_of_the_service_is_no_answer(stage: Stage) -> None:
    stage.files[PROGRAM.jar] = OSError(28, "No space left on device", "/data/packages/x")
    said = await stage.submit()
    assert isinstance(said, Silent)
    assert said.why.endswith("No space left on device"), "and no path of ours"


async def test_a_cluster_that_takes_no_jars_says_what_to_do(stage: Stage) -> None:
    stage.fake.jars = None
    said = await stage.submit()
    assert isinstance(said, SubmitRefused)
    assert "web.submit.enable" in said.text


async def test_an_option_that_is_not_the_jobs_is_refused_before_anything_is_sent(stage: Stage) -> None:
    said = await stage.submit(options={"pipeline.jars": "x"})
    assert isinstance(said, SubmitRefused)
    assert stage.fake.count() == 0


# --- packages -------------------------------------------------------------------------------------------------------


def place(directory: Path, name: str, content: bytes) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / name).write_bytes(content)
    return directory / name


def test_a_package_holds_everything_and_is_called_after_its_content(tmp_path: Path) -> None:
    names = set()
    for turn in ("1", "2"):
        jar = place(tmp_path / turn, "app.jar", jar_job.STUB)
        helpers = [place(tmp_path / turn / d, "h.jar", jar_job.jar({"d": d.encode()})) for d in ("a", "b")]
        file = place(tmp_path / turn, "rules.csv", b"a,b")
        names.add(packages.pack(jar, helpers, [file]))
    assert len(names) == 1
    assert {"lib/0-h.jar", "lib/1-h.jar", "userData/rules.csv", "demo/Counter.class"} <= set(
        zipfile.ZipFile(tmp_path / "1" / "app.jar").namelist()
    )


def test_a_jar_alone_stays_as_it_is(tmp_path: Path) -> None:
    jar = place(tmp_path, "app.jar", jar_job.STUB)
    packages.pack(jar, [], [])
    assert jar.read_bytes() == jar_job.STUB


@pytest.mark.parametrize("content", [b"", b"hello", jar_job.STUB[: len(jar_job.STUB) // 2], b"PK\3\4" * 100])
def test_what_is_no_jar_makes_no_package(tmp_path: Path, content: bytes) -> None:
    good, bad = place(tmp_path, "a.jar", jar_job.STUB), place(tmp_path, "b.jar", content)
    for jar, more in ((bad, []), (good, [bad])):
        with pytest.raises(Unusable, match=r"b\.jar is not a jar"):
            packages.pack(jar, more, [])


def test_two_files_of_one_name_make_no_package(tmp_path: Path) -> None:
    files = [place(tmp_path / d, "rules.csv", d.encode()) for d in ("a", "b")]
    with pytest.raises(Unusable, match=r"called rules\.csv"):
        packages.pack(place(tmp_path, "app.jar", jar_job.STUB), [], files)
    taken = jar_job.jar({"userData/rules.csv": b""})
    with pytest.raises(Unusable, match=r"userData/rules\.csv of its own"):
        packages.pack(place(tmp_path, "app.jar", taken), [], files[:1])
