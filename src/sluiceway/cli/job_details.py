"""`sluiceway jobs show`: everything about a job."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sluiceway.cli import tables, words
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.cluster_answers import Cluster
from sluiceway.cli.job_answers import Fare, JobDetail
from sluiceway.cli.job_columns import tags
from sluiceway.cli.language import t
from sluiceway.cli.options import Common
from sluiceway.cli.output import Failed, say

JAR_JOB: Final = "flink_jar_job"  # DLI's word for a job that is made of a program


def show_job(client: Client, job_id: int, columns: str | None, common: Common) -> int:
    """Show it, as a document in DLI's form with our own beside it."""
    found = client.job(job_id)
    detail = read(found, JobDetail)
    answered = client.fares([job_id]).get(job_id)
    fare = read(answered, Fare) if answered else None
    status = fare.status if fare else words.statuses([detail.status])[0]
    page = flink_page(client, fare)
    ours = {"status": status, "dli_status": detail.status, "tags": fare.tags if fare else {}, "flink_page": page}
    ours |= {name: answered[name] for name in ("flink_job_id", "health") if answered and name in answered}
    title = ("job", str(job_id))
    whole = common.one(found | ours, title, lambda: details(detail, fare, page), columns)
    if whole and not (fare and fare.adopted) and detail.job_type != JAR_JOB:
        say(f"\n{detail.sql_body}" if detail.sql_body else "\n" + t("It has no SQL yet."))
    return 0


def flink_page(client: Client, fare: Fare | None) -> str:
    """The address of its latest run on Flink's own page; empty where there is none."""
    if fare is None or fare.flink_job_id is None or fare.queue is None:
        return ""
    try:
        cluster = read(client.cluster(fare.queue).data, Cluster)
    except Failed:
        return ""  # whoever may not see the cluster gets no link to it
    kind = "running" if fare.health else "completed"
    where = cluster.addresses[0].rstrip("/") if cluster.addresses else ""
    return where and f"{where}/#/job/{kind}/{fare.flink_job_id}/overview"


def details(job: JobDetail, fare: Fare | None, page: str) -> list[tuple[str, str]]:
    """The lines of a job, each with its name; those without a value are left out."""
    config, adopted = job.job_config, fare and fare.adopted
    interval = config.get("checkpoint_interval")
    checkpoints = t("every {interval}s", interval=interval) if config.get("checkpoint_enabled") else "none"
    lines = {
        "name": job.name,
        "description": job.desc,
        "status": words.state_of(fare) if fare else words.statuses([job.status])[0],
        "why": job.status_desc,
        "cluster": words.silence(fare) if fare else "",
        "adopted": t("somebody else has started it, as {flink_name}", flink_name=adopted.flink_name) if adopted else "",
        "tags": tags(fare.tags) if fare else "",
        "jar": str(config.get("entrypoint") or (t("none yet") if job.job_type == JAR_JOB and not adopted else "")),
        "class": job.main_class or "",
        "arguments": job.entrypoint_args or "",
        "dependencies": ", ".join([*(config.get("dependency_jars") or ()), *(config.get("dependency_files") or ())]),
        "queue": job.queue_name or t("the default one"),
        "flink job": (fare and fare.flink_job_id) or "",
        "flink page": page,
        "savepoint": job.savepoint_path or "none",
        "start again": (adopted and adopted.start_again) or "",
        "created": tables.when(job.create_time),
        "started": tables.when(job.start_time),
        "lasting": tables.lasting(job.duration),
        "parallelism": str(config.get("parallel_number", "")),
        "checkpoints": checkpoints,
        "idle state": "" if job.job_type == JAR_JOB else _retention(config),
        "restarts": t("when it fails") if config.get("restart_when_exception") else t("never by itself"),
        "options": str(config.get("runtime_config") or ""),
    }
    return [(name, value) for name, value in lines.items() if value]


def _retention(config: Mapping[str, Any]) -> str:
    if (named := _option(config, "table.exec.state.ttl")) is not None:
        return t("kept for {length} (table.exec.state.ttl)", length=named)
    value, unit = config.get("idle_state_retention"), config.get("idle_state_retention_unit", "seconds")
    if not value:
        return "" if value is None else t("kept for ever")
    return t("kept for {value} {unit}", value=value, unit=str(unit).removesuffix("s") if value == 1 else unit)


def _option(config: Mapping[str, Any], wanted: str) -> str | None:
    """The value of one of Flink's options among those of a job."""
    try:
        options = json.loads(config.get("runtime_config") or "[]")
        return next((str(one["value"]) for one in options if one["key"] == wanted), None)
    except (ValueError, TypeError, KeyError):
        return None
