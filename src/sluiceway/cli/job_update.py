"""`sluiceway jobs update`: changes what a job is made of, and how it runs from its next start on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from cyclopts import Parameter

from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.job_answers import JobDetail
from sluiceway.cli.job_details import JAR_JOB
from sluiceway.cli.job_fields import cus_for, pairs
from sluiceway.cli.job_source import Arguments, Source
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, Names, PositiveInt, ids_or_names, or_default, seconds_of
from sluiceway.cli.output import Failed

RUNS: Final = frozenset({"job_submitting", "job_running", "job_running_exception", "job_savepointing", "job_canceling"})
_REFUSED: Final = ("DLI.12003", "DLI.12005")  # by the status of the job


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to change; the rest stays."""

    name: str | None = None
    """Another name."""

    queue: str | None = None
    """The cluster of its next start. `sluiceway move` takes a running job there."""

    parallelism: PositiveInt | None = None
    """Parallel instances of each operator."""

    checkpoint_interval: PositiveInt | None = None
    """Seconds between two checkpoints."""

    no_checkpoints: Flag = False
    """Take no checkpoints."""

    restart: Annotated[bool | None, Parameter(show_default=False)] = None
    """Start the job again by itself when it fails, or --no-restart; also while it runs."""

    retention: str | None = None
    """How long unused state is kept: 90s, 45m, 2h, 1d, or 0 for ever. Of SQL only."""

    option: Names = ()
    """An option of Flink as KEY=VALUE, in place of its value; may be repeated. Other options stay."""

    unset: Names = ()
    """An option of Flink to take away, by its key; may be repeated."""

    desc: str | None = None
    """A description."""

    def body(self, job: JobDetail) -> dict[str, object]:
        """DLI's fields for them. Raises `Failed`."""
        if self.no_checkpoints and self.checkpoint_interval is not None:
            raise Failed(t("--no-checkpoints leaves no --checkpoint-interval."), code=2)
        if self.retention is not None and job.job_type == JAR_JOB:
            raise Failed(t("--retention is of SQL: a program says itself how long its state is kept."), code=2)
        given: dict[str, object] = {"name": self.name, "desc": self.desc, "queue_name": self.queue}
        given["restart_when_exception"] = self.restart
        body = {name: value for name, value in given.items() if value is not None}
        if self.parallelism is not None:
            body |= {"parallel_number": self.parallelism} | _room(job, self.parallelism)
        if self.checkpoint_interval is not None:
            body |= {"checkpoint_enabled": True, "checkpoint_interval": self.checkpoint_interval}
        body |= {"checkpoint_enabled": False} if self.no_checkpoints else {}
        if self.retention is not None:
            kept = seconds_of("--retention", self.retention)
            body |= {"idle_state_retention": kept, "idle_state_retention_unit": "seconds"}
        if self.option or self.unset:
            body["runtime_config"] = _options(job, pairs("--option", self.option), self.unset)
        return body


def _room(job: JobDetail, parallelism: int) -> dict[str, int]:
    """DLI's field that leaves room for so many, where the job's own does not."""
    needed = cus_for(parallelism)
    return needed if needed.get("cu_number", 0) > int(job.job_config.get("cu_number") or 0) else {}


def _options(job: JobDetail, given: Sequence[dict[str, str]], gone: Sequence[str]) -> str:
    """All options of the job, with these changes. Raises `Failed` for one to take away that is not there."""
    known = {one["key"]: one["value"] for one in json.loads(job.job_config.get("runtime_config") or "[]")}
    if lacking := [key for key in gone if key not in known]:
        raise Failed(t("--unset {key}: the job has no such option.", key=lacking[0]), code=2)
    now = known | {one["key"]: one["value"] for one in given}
    return json.dumps([{"key": key, "value": value} for key, value in now.items() if key not in gone])


def update(
    job: str,
    /,
    *args: Arguments,
    source: Source | None = None,
    changes: Changes | None = None,
    common: Common | None = None,
) -> int:
    """Change a job. It takes effect at the next start; what runs stays as it is.

    While a job runs, only --restart can be changed: stop it first, and resume it afterwards from its savepoint. Whether
    its state still fits is what `sluiceway resume --job JOB --dry-run` tells.

    Example: `sluiceway jobs update orders --sql orders.sql --parallelism 4`

    Of a jar: `sluiceway jobs update orders --jar orders-2.jar -- --topic orders`

    Parameters
    ----------
    job
        Its id or exact name.
    args
        Arguments of the main method of a jar, behind `--`, in place of all that it has.
    """
    common, source, changes = or_default(common), source or Source(), changes or Changes()
    source.check(args)
    if not args and source == Source() and changes == Changes():
        raise Failed(t("Nothing to change was named. See sluiceway jobs update --help."), code=2)
    client = common.client()
    (job_id,) = ids_or_names(client, [job])
    known = read(client.job(job_id), JobDetail)
    of_jar = known.job_type == JAR_JOB
    if of_jar == (source.sql is not None) and (source != Source() or args):
        raise Failed(
            t("Job {job_id} is a Jar job, and has no SQL.", job_id=job_id)
            if of_jar
            else t("Job {job_id} is a SQL job, and has no jar.", job_id=job_id),
            code=2,
        )
    body = changes.body(known)
    body |= source.program(client, args, quiet=common.json) if of_jar else {}
    body |= {} if source.sql is None else {"sql_body": source.text()}
    _send(client, known, body)
    return common.told({"job_id": job_id, "changed": body}, _told(known), job_id)


def _send(client: Client, job: JobDetail, body: dict[str, Any]) -> None:
    send = client.update_jar_job if job.job_type == JAR_JOB else client.update_sql_job
    try:
        send(job.job_id, body)
    except Failed as failed:
        if not any(code in str(failed) for code in _REFUSED):
            raise
        told = t(
            "{failed}\nNothing was changed. Stop it first: sluiceway stop {job_id} --wait, and after "
            "the update: sluiceway resume --job {job_id}",
            failed=failed,
            job_id=job.job_id,
        )
        raise Failed(told, code=failed.code) from failed


def _told(job: JobDetail) -> str:
    if job.status in RUNS:
        return t("Job {job_id} is changed.", job_id=job.job_id)
    if job.savepoint_path is None:
        return t("Job {job_id} is changed. Start it with: sluiceway jobs run {job_id}", job_id=job.job_id)
    return t(
        "Job {job_id} is changed. See whether its state fits what it is now: sluiceway resume --job {job_id} --dry-run",
        job_id=job.job_id,
    )
