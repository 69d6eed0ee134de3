"""Turns a job's specification into Flink's own options, and says which options a job may set."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

from sluiceway.domain.flink_version import Minor, minor
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run
from sluiceway.engines.jobmanager.versions import NEWEST, since

JOB_ID = "$internal.pipeline.job-id"  # Flink's own key for a job id that the client chose
INTERVAL = "execution.checkpointing.interval"
MODE = "execution.checkpointing.mode"
CHECKPOINT_DIR = "execution.checkpointing.dir"
RETENTION = "execution.checkpointing.externalized-checkpoint-retention"
RESTORE = "execution.state-recovery.path"
CLAIM_MODE = "execution.state-recovery.claim-mode"
LEAVE_UNCLAIMED = "execution.state-recovery.ignore-unclaimed-state"
PARALLELISM = "parallelism.default"
NAME = "pipeline.name"
STATE_TTL = "table.exec.state.ttl"
LOCAL_ZONE = "table.local-time-zone"
NO_ZONE = "default"  # its value for whatever the planner's own is
RESTART = "restart-strategy.type"
FAILURES = "restart-strategy.failure-rate.max-failures-per-interval"
FAILURE_INTERVAL = "restart-strategy.failure-rate.failure-rate-interval"
FAILURE_DELAY = "restart-strategy.failure-rate.delay"
FIRST_BACKOFF = "restart-strategy.exponential-delay.initial-backoff"
LAST_BACKOFF = "restart-strategy.exponential-delay.max-backoff"

RESTART_PERIOD = timedelta(hours=1)
RESTART_DELAY = timedelta(seconds=10)

_SPAN = re.compile(r"([0-9]{1,19}) *([a-zµ]*)")
# As Flink's TimeUtils names them; without a unit it counts milliseconds.
_UNITS = {
    name: unit
    for names, unit in (
        ("d day days", timedelta(days=1)),
        ("h hour hours", timedelta(hours=1)),
        ("m min minute minutes", timedelta(minutes=1)),
        ("s sec secs second seconds", timedelta(seconds=1)),
        ("ms milli millis millisecond milliseconds", timedelta(milliseconds=1)),
        ("µs micro micros microsecond microseconds", timedelta(microseconds=1)),
    )
    for name in names.split()
} | {"": timedelta(milliseconds=1)}

# Flink prefers the new name where both are given, so a job's option under an old one would silently lose to ours.
OLD_NAMES = {"restart-strategy": RESTART, "execution.savepoint.ignore-unclaimed-state": LEAVE_UNCLAIMED}

_IDENTITY = "Sluiceway chooses a job's identity itself, so that it starts exactly once."
_PLACE = "Sluiceway sends a job to the cluster that it was given; where that is cannot be an option of the job."
_CLUSTER = "It is an option of the cluster, which a job cannot change."
_RESTORE = "Sluiceway itself says what a job is restored from, and keeps that savepoint."
_STATE = "Sluiceway chooses where checkpoints go, and looks for the newest one there; obs_bucket says in which bucket."
_CODE = (
    "A job cannot load files from the machine that plans it. Put them on the class path of the cluster and Sluiceway."
)
_PLANNER = "It would have Sluiceway's planner read or write files of its own machine, or run code there for every job."
_APPLICATION = "It is for applications that have a cluster of their own."
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
    "execution.shutdown-on-application-finish": _APPLICATION,
    "execution.submit-failed-job-on-application-error": _APPLICATION,
    "execution.terminate-application-on-any-job-terminated-exceptionally": _APPLICATION,
    "execution.job-listeners": _PLANNER,
    "execution.job-status-changed-listeners": _PLANNER,
    "table.catalog-modification.listeners": _PLANNER,
    "table.resources.download-dir": _PLANNER,
    CHECKPOINT_DIR: _STATE,
    "state.checkpoints.dir": _STATE,
    "state.backend.fs.checkpointdir": _STATE,
    "pipeline.jars": _CODE,
    "pipeline.classpaths": _CODE,
    "pipeline.cached-files": _CODE,
    "pipeline.cachedFiles": _CODE,
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
    "sql-client.": "It is for the screen of Flink's SQL client, and a job has none. Leave it out.",
    "jobmanager.": _CLUSTER,
    "taskmanager.": _CLUSTER,
    "blob.": _CLUSTER,
    "env.": _CLUSTER,
    "python.": _CODE,
    "table.catalog-store.": _PLANNER,
    "table.secret-store.": _PLANNER,
    "user.artifacts.": _CODE,
    "execution.program-config.": _APPLICATION,
    "classloader.": _CLUSTER,
    "cluster.": _CLUSTER,
    "fs.": _CLUSTER,
    "heartbeat.": _CLUSTER,
    "io.": _CLUSTER,
    "metrics.": _CLUSTER,
    "plugin.": _CLUSTER,
    "process.": _CLUSTER,
    "slot.": _CLUSTER,
}

# What a job may set, and what changes nothing: with the reason.
_IDLE = {
    **dict.fromkeys(
        (
            "execution.checkpointing.savepoint-dir",
            "state.savepoints.dir",
            "savepoints.state.backend.fs.dir",
        ),
        "Sluiceway gives each savepoint a place of its own",
    ),
    "table.display.max-column-width": "a job has no screen",
}

# What a job may set: the options of Flink 2.3 that are a job's, each with its older names.
# `tests/support/flink/options.py` writes the list from Flink's own classes, and a test holds it to them.
JOB_OPTIONS = Path(__file__).with_name("job_options.txt")
# Options that an older Flink knows by another name alone: each with that, and the first version that has the new one.
# Read from the classes of 1.18.1 to 2.3.0.
RENAMED_OPTIONS = Path(__file__).with_name("renamed_options.txt")
LONGEST_KEY = 100  # characters of a name that are shown and compared
_EXEMPT = frozenset({"metrics.latency.interval"})  # of a job, in spite of its prefix
# Options that Flink 1.20 still had, for Jar jobs on such clusters, and for texts that were written for them.
OF_FLINK_1 = frozenset(
    {
        "pipeline.default-kryo-serializers",
        "pipeline.registered-kryo-types",
        "pipeline.registered-pojo-types",
        "pipeline.time-characteristic",
        "state.backend.async",
        "table.exec.legacy-transformation-uids",
        "table.exec.shuffle-mode",
        "table.optimizer.source.aggregate-pushdown-enabled",
        "table.optimizer.source.predicate-pushdown-enabled",
    }
)
# Whatever begins like this: a job's own parameters, and options that connectors read from the job.
OPEN_PREFIXES = (
    "pipeline.global-job-parameters.",
    "table.exec.hive.",
    "table.exec.iceberg.",
    "table.optimizer.iceberg.",
    "paimon.",
)


def check_options(options: Mapping[str, str]) -> str | None:
    """Tell why a job may not set one of these options; None when it may set them all."""
    for key in options:
        if key not in _allowed() and (why := _refusal(key)):
            return why
        if why := _UNFIT_VALUES.get((key, options[key].strip().upper())):
            return f"The option {key!r} cannot be {options[key].strip()!r}. {why}"
    return None


def idle_options(keys: Iterable[str]) -> list[str]:
    """Return those of these options that have no effect here, each with the reason."""
    return [f"{key!r} ({_IDLE[key]})" for key in dict.fromkeys(keys) if key in _IDLE]


def _refusal(key: str) -> str | None:
    shown = repr(key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}…")
    if not key.strip() or any(letter.isspace() for letter in key):
        return f"{shown} is not the name of a Flink option."
    if why := reserved(key):
        return f"The option {shown} cannot be set for a job. {why}"
    if allowed(key):
        return None
    if (bare := key.strip("\"'`")) != key and bare in _allowed():
        return f"The name of the option {shown} has quotation marks in it, as Flink reads it. Write '{bare}' instead."
    near = difflib.get_close_matches(key[:LONGEST_KEY], _allowed(), n=1, cutoff=0.8)
    hint = f"Did you mean {near[0]!r}?" if near else "Options of tables and connectors belong into their WITH (…)."
    return f"The option {shown} cannot be set for a job: Flink 2.3 has no such option of a job. {hint}"


def flink_options(
    spec: JobSpec,
    *,
    flink_job_id: str,
    name: str,
    restore: str | None,
    checkpoint_dir: str,
    claims: bool = False,
    drops_state: bool = False,
    zone: str | None = None,
) -> dict[str, str]:
    """Flink's options for one run of a job: what follows from its specification, then its own options, verbatim.

    `zone` is the time zone of SQL that names none itself.

    Call `check_options(spec.options)` first; this overrules whatever that would refuse.
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
    options |= {OLD_NAMES.get(key, key): value for key, value in spec.options.items() if allowed(key)}
    if zone and spec.program is None and options.get(LOCAL_ZONE, NO_ZONE) == NO_ZONE:
        options[LOCAL_ZONE] = zone
    # Without a directory checkpoints live and die with the JobManager, and every savepoint fails, and the job with it,
    # once a task has more than 5 MB of state: with an interval or without (contract, "Formats").
    options = {CHECKPOINT_DIR: checkpoint_dir, RETENTION: "RETAIN_ON_CANCELLATION", **options}
    options[JOB_ID] = flink_job_id
    if restore is not None:
        options[RESTORE] = restore
        options |= {CLAIM_MODE: "CLAIM"} if claims else {}
        options |= {LEAVE_UNCLAIMED: "true"} if drops_state else {}
    return options


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


def named_for(version: str, options: Mapping[str, str]) -> dict[str, str]:
    """The same options under the names that this version of Flink knows; where two have one name, the newer one wins.

    A name that it does not know would be ignored without a word: up to 1.19 a job would begin from nothing.
    """
    renamed = {new: old for new, old, first in _renamed() if new in options and not since(version, first)}
    if not renamed:
        return dict(options)
    kept = {key: value for key, value in options.items() if key not in renamed}
    return kept | {renamed[key]: value for key, value in options.items() if key in renamed}


@cache
def _renamed() -> tuple[tuple[str, str, Minor], ...]:
    rows = (line.split() for line in RENAMED_OPTIONS.read_text().splitlines())
    return tuple((new, old, minor(first) or NEWEST) for new, old, first in rows)


def unsent_options(spec: JobSpec, name: str) -> dict[str, str]:
    """Flink's options for a job that is only planned: it has no id, and keeps no checkpoints."""
    return flink_options(spec, flink_job_id="0" * 32, name=name, restore=None, checkpoint_dir="file:///")


def leaves_state(options: Mapping[str, str]) -> bool:
    """Whether these options have Flink leave behind state that no operator takes."""
    return options.get(LEAVE_UNCLAIMED, "").strip().lower() == "true"


def duration(length: timedelta) -> str:
    """A length of time as Flink reads it; it has no smaller unit than the millisecond here."""
    return f"{length // timedelta(milliseconds=1)} ms"


def span(text: str) -> timedelta | None:
    """A length of time as Flink writes it, for example `36 h` or `500` (milliseconds); None for what is none."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or (unit := _UNITS.get(found[2])) is None:
        return None
    try:
        return int(found[1]) * unit
    except OverflowError:
        return timedelta.max


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


def reserved(key: str) -> str | None:
    """Tell why a job may not set this option; None when it may, or when there is no such option."""
    if key in RESERVED:
        return RESERVED[key]
    if key in _EXEMPT:
        return None
    return next((why for prefix, why in RESERVED_PREFIXES.items() if key.startswith(prefix)), None)


def allowed(key: str) -> bool:
    """Whether a job may set this option."""
    return key in _allowed() or (key.startswith(OPEN_PREFIXES) and reserved(key) is None)


@cache
def _allowed() -> frozenset[str]:
    named = {name for name in JOB_OPTIONS.read_text().split() if reserved(name) is None}
    return OF_FLINK_1 | named
