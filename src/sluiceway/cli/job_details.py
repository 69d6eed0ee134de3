"""The lines of `sluiceway jobs show`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sluiceway.cli import tables
from sluiceway.cli.answers import Fare, JobDetail
from sluiceway.cli.job_health import silence

JAR_JOB: Final = "flink_jar_job"  # DLI's word for a job that is made of a program


def details(job: JobDetail, fare: Fare | None) -> list[tuple[str, str]]:
    """The lines of a job, each with its name; those without a value are left out."""
    config, health, adopted = job.job_config, fare and fare.health, fare and fare.adopted
    checkpoints = f"every {config.get('checkpoint_interval')} s" if config.get("checkpoint_enabled") else "none"
    lines = {
        "name": job.name,
        "description": job.desc,
        "status": job.status,
        "health": health.condition if health else "",
        "why": job.status_desc,
        "cluster": silence(fare) if fare else "",
        "adopted": f"somebody else has started it, as {adopted.flink_name}" if adopted else "",
        "jar": str(config.get("entrypoint") or ("none yet" if job.job_type == JAR_JOB and not adopted else "")),
        "class": job.main_class or "",
        "arguments": job.entrypoint_args or "",
        "dependencies": ", ".join([*(config.get("dependency_jars") or ()), *(config.get("dependency_files") or ())]),
        "queue": job.queue_name or "the default one",
        "savepoint": job.savepoint_path or "none",
        "start again": (adopted and adopted.start_again) or "",
        "created": tables.when(job.create_time),
        "started": tables.when(job.start_time),
        "lasting": tables.lasting(job.duration),
        "parallelism": str(config.get("parallel_number", "")),
        "checkpoints": checkpoints,
        "idle state": "" if job.job_type == JAR_JOB else _retention(config),
        "restarts": "when it fails" if config.get("restart_when_exception") else "never by itself",
        "options": str(config.get("runtime_config") or ""),
    }
    return [(name, value) for name, value in lines.items() if value]


def _retention(config: Mapping[str, Any]) -> str:
    if (named := _option(config, "table.exec.state.ttl")) is not None:
        return f"kept for {named} (table.exec.state.ttl)"
    value, unit = config.get("idle_state_retention"), config.get("idle_state_retention_unit", "seconds")
    if not value:
        return "" if value is None else "kept for ever"
    return f"kept for {value} {str(unit).removesuffix('s') if value == 1 else unit}"


def _option(config: Mapping[str, Any], wanted: str) -> str | None:
    """The value of one of Flink's options among those of a job."""
    try:
        options = json.loads(config.get("runtime_config") or "[]")
        return next((str(one["value"]) for one in options if one["key"] == wanted), None)
    except (ValueError, TypeError, KeyError):
        return None
