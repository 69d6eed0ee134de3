"""Submits a job: reads its SQL, settles its options, plans it, and hands it to its cluster. Decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from sluiceway.domain.engine import Cluster, Unreachable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run
from sluiceway.engines.java import NoFlink, NoJava
from sluiceway.engines.jvm_process import JvmFailed
from sluiceway.engines.options import LOCAL_ZONE, check_options, flink_options
from sluiceway.engines.planner import Plans
from sluiceway.engines.sql import Script, SqlRefused, read_script
from sluiceway.engines.turns import FairTurns, TooManyWaiting

JvmProvider = Callable[[], Awaitable[Plans]]
SHORT = 16 * 1024  # characters of SQL that are read at once: in some milliseconds
READERS_WAITING = 20  # of one caller
VersionOf = Callable[[str], Awaitable[str]]


class SqlSubmitter:
    """Submits SQL jobs to any cluster that runs the planner's version of Flink."""

    def __init__(self, jvm: JvmProvider, version_of: VersionOf, storage_uri: str) -> None:
        """`jvm` gives what plans, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`.

        `version_of` asks a cluster's REST API (a URL) for its Flink version, and may raise `Unreachable`. The
        checkpoints of runs that do not say where go under `storage_uri`, which has no trailing slash.
        """
        self._jvm = jvm
        self._version_of = version_of
        self._storage_uri = storage_uri
        self._reader = Reader()

    async def submit(self, cluster: Cluster, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Submit a run under its own Flink job id. Safe to repeat; `Silent` means that it may have arrived."""
        try:
            script, effective = await self._reader.read(cluster.name, spec)
            options = run_options(run, name, effective, self._storage_uri)
            version = await self._version_of(cluster.url)
            jvm = await self._jvm()
            _check_version(cluster, version, jvm.flink_version)
            await jvm.submit_sql(cluster.url, script, options)
        except (SqlRefused, NoJava, NoFlink) as error:
            return SubmitRefused(str(error))
        except (Unreachable, JvmFailed) as error:
            return Silent(str(error))
        return Submitted(zone=options.get(LOCAL_ZONE, ""))


class Reader:
    """Reads specifications beside the event loop, long ones one at a time. Callers take turns."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._turns = FairTurns(1, 1, READERS_WAITING)
        self._reading: set[asyncio.Task[tuple[Script, JobSpec]]] = set()

    async def read(self, caller: str, spec: JobSpec) -> tuple[Script, JobSpec]:
        """What `effective_spec` returns and raises; `Unreachable` where too much of one caller waits."""
        if len(spec.sql) <= SHORT:
            return effective_spec(spec)
        try:
            await self._turns.take(caller)
        except TooManyWaiting:
            raise Unreachable("Too much SQL of the same caller waits to be read. Try again in a few seconds.") from None
        # A thread goes on when its caller has gone, and so does its turn.
        task = asyncio.create_task(asyncio.to_thread(effective_spec, spec))
        self._reading.add(task)
        task.add_done_callback(partial(self._done, caller))
        return await asyncio.shield(task)

    def _done(self, caller: str, task: "asyncio.Task[tuple[Script, JobSpec]]") -> None:
        self._reading.discard(task)
        self._turns.give_back(caller)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it


def run_options(run: Run, name: str, spec: JobSpec, storage_uri: str) -> dict[str, str]:
    """Flink's options for a run of a job; without a place of its own its checkpoints go under `storage_uri`."""
    checkpoints = run.checkpoints or f"{storage_uri}/jobs/checkpoint/{run.job_id}"
    return flink_options(
        spec,
        flink_job_id=run.flink_job_id,
        name=name,
        restore=run.restore,
        checkpoint_dir=checkpoints,
        claims=run.claims,
        drops_state=run.drops_state,
        zone=run.zone,
    )


def effective_spec(spec: JobSpec) -> tuple[Script, JobSpec]:
    """The job's SQL, read, and the job with the SQL's own SETs among its options, where they win.

    Raises `SqlRefused`, for options that a job may not set too.
    """
    script = read_script(spec.sql)
    merged = {**spec.options, **script.settings}
    if why := check_options(merged):
        raise SqlRefused(why)
    return script, replace(spec, options=merged)


def _check_version(cluster: Cluster, theirs: str, ours: str) -> None:
    if _minor(theirs) != _minor(ours):
        raise SqlRefused(
            f"The cluster {cluster.name} runs Flink {theirs}, and SQL is planned here by Flink {ours}. "
            f"Both must be of the same minor version."
        )


def _minor(version: str) -> list[str]:
    return version.split("-", maxsplit=1)[0].split(".")[:2]
