"""Submits a job that a program makes: packs its jar, uploads it where it is missing, and has the cluster run it.

Decides nothing. The program's main method runs in the JobManager.
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from sluiceway.domain.engine import Unreachable, Unusable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.engines.jars import packages
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.engines.jobmanager.submit_errors import (
    already_submitted,
    causes_of,
    explain,
    jar_lost,
    jobs_of,
    out_of_time,
    stillborn,
)
from sluiceway.engines.jobmanager.versions import claim
from sluiceway.engines.planning.options import (
    CLAIM_MODE,
    JOB_ID,
    RESTORE,
    check_options,
    leaves_state,
    named_for,
    run_options,
)
from sluiceway.wanted import in_thread

COPYING = 2  # programs at once, as each may be large
TAKES_NO_JARS = "The cluster {name} takes no jars. Set web.submit.enable to true in its configuration."
HAS_NOT = "The cluster {name} has no jar {jar} any more: it keeps uploads as long as its JobManager lives."

SECOND = (
    "Its program starts several jobs, and only the first was started: Flink refused {jobs}. Make a job here for each,"
    " and let its program start that one alone."
)
LATE = "Its program failed after it had started this job, and what it had yet to do was not done: {why}"

Fetch = Callable[[int, str, Path], Awaitable[None]]


class JarSubmitter:
    """Submits Jar jobs to any cluster that takes jars."""

    def __init__(self, jobmanagers: JobManagers, fetch: Fetch, directory: Path, storage_uri: str) -> None:
        """`fetch` copies a file that a job (given by its id) names to a local one, and may raise `Unusable` and
        `Unreachable`.

        Packages are made in `directory`. Checkpoints go under `storage_uri`.
        """
        self._jobmanagers = jobmanagers
        self._fetch = fetch
        self._directory = directory
        self._storage_uri = storage_uri
        self._gate = asyncio.Semaphore(COPYING)
        self._packing = asyncio.Lock()  # a jar with very many entries takes much memory
        self._uploading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by cluster

    async def submit(self, place: Place, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Submit a run under its own Flink job id. Safe to repeat; `Silent` means that it may have arrived."""
        assert spec.program is not None, "SQL jobs are submitted otherwise"
        rest = self._jobmanagers.at(place)
        try:
            if why := check_options(spec.options):
                raise Unusable(why)
            jar = await self._bring(place, rest, run, spec.program)
            known = await rest.job_state(run.flink_job_id) is not None
            version = await self._jobmanagers.version(place)
            said = await rest.run_jar(jar, self._request(version, run, name, spec, spec.program))
            return Submitted() if said is None else await _judge(rest, run, said, known=known)
        except Unusable as error:
            return SubmitRefused(str(error))
        except Unreachable as error:
            return Silent(str(error))
        except OSError as error:
            return Silent(f"the jar cannot be packed on the service's own disk: {error.strerror or error}")

    async def _bring(self, place: Place, rest: FlinkRest, run: Run, program: JarProgram) -> str:
        """Return the id of the program's package in the cluster, after an upload where it is missing."""
        if (named := program.in_cluster) is not None:
            return await _found(place, rest, named)
        await asyncio.to_thread(self._directory.mkdir, mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._directory) as directory:
            async with self._gate:  # and not for the uploads: a slow cluster holds up its own jobs only
                package, name = await self._pack(run.job_id, program, Path(directory))
            async with self._uploading[place.name]:
                there = await rest.jars()
                if there is None:
                    raise Unusable(TAKES_NO_JARS.format(name=place.name))
                found = next((jar.id for jar in there if jar.name == name), None)
                return found or await rest.upload_jar(name, package)

    async def _pack(self, job_id: int, program: JarProgram, directory: Path) -> tuple[Path, str]:
        [jar] = await self._copies(job_id, [program.jar], directory / "jar")
        jars = await self._copies(job_id, program.dependency_jars, directory / "jars")
        files = await self._copies(job_id, program.dependency_files, directory / "files")
        async with self._packing:
            return jar, await in_thread(partial(packages.pack, jar, jars, files))

    async def _copies(self, job_id: int, names: Sequence[str], directory: Path) -> list[Path]:
        copies = []
        for number, name in enumerate(names):
            copy = directory / str(number) / (name.rpartition("/")[2] or "-")
            await asyncio.to_thread(copy.parent.mkdir, parents=True)
            await self._fetch(job_id, name, copy)
            copies.append(copy)
        return copies

    def _request(self, version: str, run: Run, name: str, spec: JobSpec, program: JarProgram) -> dict[str, object]:
        options = run_options(run, name, spec, self._storage_uri)
        configuration = {key: value for key, value in options.items() if key not in {CLAIM_MODE, JOB_ID, RESTORE}}
        request: dict[str, object] = {
            "jobId": run.flink_job_id,
            "programArgsList": program.args,
            "parallelism": spec.parallelism,
            "flinkConfiguration": named_for(version, configuration),
        }
        if program.main_class:
            request["entryClass"] = program.main_class
        if run.restore is not None:
            request["savepointPath"] = run.restore
            request |= claim(version) if run.claims else {}
            request |= {"allowNonRestoredState": True} if leaves_state(options) else {}
        return request


async def _found(place: Place, rest: FlinkRest, named: str) -> str:
    """Return the id of a jar that somebody else has uploaded; of several with one name that of the newest."""
    there = await rest.jars()
    if there is None:
        raise Unusable(TAKES_NO_JARS.format(name=place.name))
    fitting = [jar for jar in there if named in (jar.id, jar.name)]
    if not fitting:
        raise Unusable(HAS_NOT.format(name=place.name, jar=named))
    return max(fitting, key=lambda jar: jar.uploaded).id


async def _judge(rest: FlinkRest, run: Run, said: str, *, known: bool) -> Submitted | SubmitRefused | Silent:
    """Tell what Flink's refusal of a program means. A program may fail after it has started its job.

    `known`: the cluster had the job before the program was run this time.
    """
    causes = causes_of(said)
    if already_submitted(causes):
        return Submitted("" if known else SECOND.format(jobs=_named(jobs_of(causes))))
    if stillborn(causes):
        return SubmitRefused(explain(causes))
    if jar_lost(causes) or out_of_time(causes):
        return Silent(explain(causes))
    if await rest.job_state(run.flink_job_id) is None:
        return SubmitRefused(explain(causes))
    return Submitted(LATE.format(why=explain(causes)))


def _named(jobs: Sequence[str]) -> str:
    return " and ".join(f"'{job}'" for job in jobs) or "a second one"
