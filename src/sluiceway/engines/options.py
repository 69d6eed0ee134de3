"""What a job's specification is in Flink's own options, and which options are not the job's to set. Pure."""

from collections.abc import Mapping
from datetime import timedelta

from sluiceway.domain.job import JobSpec

JOB_ID = "$internal.pipeline.job-id"  # Flink's own key for a job id that the client chose
INTERVAL = "execution.checkpointing.interval"
MODE = "execution.checkpointing.mode"
CHECKPOINT_DIR = "execution.checkpointing.dir"
RETENTION = "execution.checkpointing.externalized-checkpoint-retention"
RESTORE = "execution.state-recovery.path"
CLAIM_MODE = "execution.state-recovery.claim-mode"
PARALLELISM = "parallelism.default"
NAME = "pipeline.name"
STATE_TTL = "table.exec.state.ttl"
RESTART = "restart-strategy.type"
FAILURES = "restart-strategy.failure-rate.max-failures-per-interval"
FAILURE_INTERVAL = "restart-strategy.failure-rate.failure-rate-interval"
FAILURE_DELAY = "restart-strategy.failure-rate.delay"
FIRST_BACKOFF = "restart-strategy.exponential-delay.initial-backoff"
LAST_BACKOFF = "restart-strategy.exponential-delay.max-backoff"

RESTART_PERIOD = timedelta(hours=1)
RESTART_DELAY = timedelta(seconds=10)

# Flink prefers the new name where both are given, so a job's option under an old one would silently lose to ours.
OLD_NAMES = {"restart-strategy": RESTART}

_IDENTITY = "Sluiceway chooses a job's identity itself, so that it starts exactly once."
_PLACE = "Sluiceway sends a job to the cluster that it was given; where that is cannot be an option of the job."
_CLUSTER = "It is an option of the cluster, which a job cannot change."
_RESTORE = "Sluiceway itself says what a job is restored from, and keeps that savepoint."
_STATE = "Sluiceway chooses where checkpoints go, and looks for the newest one there; obs_bucket says in which bucket."
_CODE = (
    "A job cannot load files from the machine that plans it. Put them on the class path of the cluster and Sluiceway."
)
_WAIT = "Waiting for the end of the job would hold up all others."

# By option and value, in upper case.
_UNFIT_VALUES = {
    ("table.exec.uid.generation", "ALWAYS"): (
        "Flink would name the job's operators by a counter of the planner, so that not even an unchanged job could be "
        "resumed. Leave the option out, or set PLAN_ONLY."
    ),
}

RESERVED = {
    JOB_ID: _IDENTITY,
    "execution.target": _PLACE,
    "execution.attached": _WAIT,
    "execution.shutdown-on-attached-exit": _WAIT,
    "table.dml-sync": _WAIT,
    RESTORE: _RESTORE,
    "execution.savepoint.path": _RESTORE,
    "execution.state-recovery.claim-mode": _RESTORE,  # CLAIM would let Flink delete the savepoint that was kept
    "execution.savepoint-restore-mode": _RESTORE,
    CHECKPOINT_DIR: _STATE,
    "state.checkpoints.dir": _STATE,
    "state.backend.fs.checkpointdir": _STATE,
    "pipeline.jars": _CODE,
    "pipeline.classpaths": _CODE,
    "pipeline.cached-files": _CODE,
}
RESERVED_PREFIXES = {
    "$internal.": "It is internal to Flink.",
    "rest.": _PLACE,
    "web.": _CLUSTER,
    "client.": _PLACE,
    "high-availability": _PLACE,
    "kubernetes.": _PLACE,
    "yarn.": _PLACE,
    "security.": _CLUSTER,
    "jobmanager.": _CLUSTER,
    "taskmanager.": _CLUSTER,
    "blob.": _CLUSTER,
    "env.": _CLUSTER,
    "python.": _CODE,
}


def check_options(options: Mapping[str, str]) -> str | None:
    """Why a job may not set one of these options, for its author; None when it may set them all."""
    for key in options:
        if not key.strip() or any(letter.isspace() for letter in key):
            return f"{key!r} is not the name of a Flink option."
        if why := _reserved(key):
            return f"The option {key!r} cannot be set for a job. {why}"
        if why := _UNFIT_VALUES.get((key, options[key].strip().upper())):
            return f"The option {key!r} cannot be {options[key].strip()!r}. {why}"
    return None


def flink_options(
    spec: JobSpec, *, flink_job_id: str, name: str, restore: str | None, checkpoint_dir: str, claims: bool = False
) -> dict[str, str]:
    """Flink's options for one run of a job: what follows from its specification, then its own options, verbatim.

    Call `check_options(spec.options)` first; whatever it would refuse is overruled here.
    """
    options = {
        PARALLELISM: str(spec.parallelism),
        NAME: name,
        MODE: spec.checkpoint_mode.name,
        **_restarts(spec),
    }
    if spec.program is None:
        # A program that uses Flink's tables says itself how long it needs their state.
        options[STATE_TTL] = duration(spec.state_retention)
    if spec.checkpoint_interval is not None:
        options[INTERVAL] = duration(spec.checkpoint_interval)
    options |= {OLD_NAMES.get(key, key): value for key, value in spec.options.items() if _reserved(key) is None}
    # Without a directory checkpoints live and die with the JobManager, and every savepoint fails, and the job with it,
    # once a task has more than 5 MB of state: with an interval or without (contract, "Formats").
    options = {CHECKPOINT_DIR: checkpoint_dir, RETENTION: "RETAIN_ON_CANCELLATION", **options}
    options[JOB_ID] = flink_job_id
    if restore is not None:
        options[RESTORE] = restore
        options |= {CLAIM_MODE: "CLAIM"} if claims else {}
    return options


def duration(length: timedelta) -> str:
    """A length of time as Flink reads it; it has no smaller unit than the millisecond here."""
    return f"{length // timedelta(milliseconds=1)} ms"


def _restarts(spec: JobSpec) -> dict[str, str]:
    if not spec.restart_on_failure:
        return {RESTART: "none"}
    if spec.restart_attempts is None:
        # It never gives up, and does not hammer what is down.
        return {RESTART: "exponential-delay", FIRST_BACKOFF: "1 s", LAST_BACKOFF: "1 min"}
    return {
        RESTART: "failure-rate",
        FAILURES: str(spec.restart_attempts),
        FAILURE_INTERVAL: duration(RESTART_PERIOD),
        FAILURE_DELAY: duration(RESTART_DELAY),
    }


def _reserved(key: str) -> str | None:
    if key in RESERVED:
        return RESERVED[key]
    return next((why for prefix, why in RESERVED_PREFIXES.items() if key.startswith(prefix)), None)
