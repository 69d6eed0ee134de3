"""Submits a job: reads its SQL, settles its options, plans it, and hands it to its cluster. Decides nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from sluiceway.domain.engine import Cluster, Unreachable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run
from sluiceway.engines.java import NoFlink, NoJava
from sluiceway.engines.jvm import FlinkJvm
from sluiceway.engines.jvm_process import JvmFailed
from sluiceway.engines.options import check_options, flink_options
from sluiceway.engines.sql import Script, SqlRefused, read_script

JvmProvider = Callable[[], Awaitable[FlinkJvm]]
VersionOf = Callable[[str], Awaitable[str]]


class SqlSubmitter:
    """Submits SQL jobs to any cluster that runs the planner's version of Flink."""

    def __init__(self, jvm: JvmProvider, version_of: VersionOf, storage_uri: str) -> None:
        """`jvm` gives the process to plan in, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`.

        `version_of` asks a cluster's REST API (a URL) for its Flink version, and may raise `Unreachable`. The
        checkpoints of runs that do not say where go under `storage_uri`, which has no trailing slash.
        """
        self._jvm = jvm
        self._version_of = version_of
        self._storage_uri = storage_uri

    async def submit(self, cluster: Cluster, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Submit a run under its own Flink job id. Safe to repeat; `Silent` means that it may have arrived."""
        try:
            script, options = self._prepare(run, name, spec)
            version = await self._version_of(cluster.url)
            jvm = await self._jvm()
            _check_version(cluster, version, jvm.flink_version)
            await jvm.submit_sql(cluster.url, script, options)
        except (SqlRefused, NoJava, NoFlink) as error:
            return SubmitRefused(str(error))
        except (Unreachable, JvmFailed) as error:
            return Silent(str(error))
        return Submitted()

    def _prepare(self, run: Run, name: str, spec: JobSpec) -> tuple[Script, dict[str, str]]:
        script, effective = effective_spec(spec)
        return script, run_options(run, name, effective, self._storage_uri)


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
