"""Rows to domain values and back. Nothing else knows how a value is kept."""

from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping

from sluiceway.domain.adoption import Way
from sluiceway.domain.catalogue import Entry
from sluiceway.domain.health import Condition, Health, Proof
from sluiceway.domain.job import JarProgram, Job, JobDraft, JobLine, JobSpec, JobStatus
from sluiceway.domain.operations.save import Save, SavePhase
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.policy import SavepointFormat, StopPolicy
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.traits import Traits
from sluiceway.store.database import epoch_ms, instant, moment
from sluiceway.store.schema import cluster_health, runs

# What a turn may change; the rest of a row is written once.
RUN_MOVES = (
    "phase",
    "acknowledged",
    "held",
    "life",
    "doubt_since",
    "started_at",
    "ended_at",
    "reason",
    "note",
    "traits",
    "claims",
    "falters_since",
    "zone",
)
STOP_MOVES = (
    "savepoint",
    "policy",
    "held",
    "phase",
    "deadline",
    "attempt",
    "sent_at",
    "acknowledged",
    "retry_at",
    "doubt_since",
    "forgotten_since",
    "idle_since",
    "abandoned",
    "foreign_savepoint",
    "checkpoint_path",
    "savepoint_path",
    "savepoint_size",
    "verified",
    "unproven",
    "settled_at",
    "reason",
    "format",
    "format_why",
    "stable_since",
    "restarted",
    "claim",
)
SAVE_MOVES = (
    "phase",
    "deadline",
    "sent_at",
    "acknowledged",
    "doubt_since",
    "forgotten_since",
    "claim",
    "savepoint_path",
    "savepoint_size",
    "verified",
    "unproven",
    "settled_at",
    "reason",
    "format",
    "format_why",
    "stable_since",
)
_MOVES: Final = {
    part: (names, attrgetter(*names)) for part, names in ((Run, RUN_MOVES), (Stop, STOP_MOVES), (Save, SAVE_MOVES))
}
OF_WAY = (runs.c.traits.label("run_traits"), cluster_health.c.flink_version.label("seen_version"))
ENTRY = tuple(field.name for field in fields(Entry))
_MOMENTS = {
    "created_at",
    "verified_at",
    "registered_at",
    "protected_until",
    "deadline",
    "sent_at",
    "retry_at",
    "doubt_since",
    "forgotten_since",
    "idle_since",
    "started_at",
    "ended_at",
    "settled_at",
    "stable_since",
    "condition_since",
    "up_at",
    "falters_since",
}
# The numbers of a run's health, in a document of their own.
_NUMBERS = ("tasks", "running", "restarts", "cause", "slots_wanted", "slots_free")


def to_run(row: RowMapping) -> Run:
    """A run as stored."""
    return Run(
        id=row["id"],
        job_id=row["job_id"],
        flink_job_id=row["flink_job_id"],
        phase=RunPhase(row["phase"]),
        restore=row["restore"],
        checkpoints=row["checkpoints"],
        acknowledged=row["acknowledged"],
        held=row["held"],
        life=row["life"],
        doubt_since=moment(row["doubt_since"]),
        started_at=moment(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        reason=row["reason"],
        traits=to_traits(row["traits"]),
        claims=bool(row["claims"]),
        drops_state=bool(row["drops_state"]),
        zone=row["zone"],
        note=row["note"],
        health=to_health(row),
        falters_since=moment(row["falters_since"]),
        version=row["version"],
    )


def to_health(row: RowMapping) -> Health:
    """How a run fares, as stored with it."""
    return Health(
        condition=Condition(row["condition"]),
        since=moment(row["condition_since"]),
        unwell=row["unwell"],
        proof=Proof(row["proof"]),
        up_at=moment(row["up_at"]),
        **_numbers(row["ailment"]),
    )


@lru_cache(maxsize=4096)
def _numbers(text: str) -> dict[str, Any]:
    """Most runs have the same: all of their few tasks run."""
    return msgspec.json.decode(text, type=dict[str, Any]) if text else {}


def _of_health(health: Health) -> dict[str, Any]:
    numbers = {name: value for name in _NUMBERS if (value := getattr(health, name))}
    if health.slots_free is not None:
        numbers["slots_free"] = health.slots_free
    return {
        "condition": health.condition,
        "condition_since": health.since,
        "unwell": health.unwell,
        "proof": health.proof,
        "up_at": health.up_at,
        "ailment": to_json(numbers) if numbers else "",
    }


def to_stop(row: RowMapping) -> Stop:
    """A stop as stored."""
    return Stop(
        id=row["id"],
        job_id=row["job_id"],
        flink_job_id=row["flink_job_id"],
        savepoint=row["savepoint"],
        root=row["root"],
        token=row["token"],
        phase=StopPhase(row["phase"]),
        deadline=instant(row["deadline"]),
        batch_id=row["batch_id"],
        policy=to_policy(row["policy"]),
        wave=row["wave"],
        held=row["held"],
        attempt=row["attempt"],
        sent_at=moment(row["sent_at"]),
        acknowledged=row["acknowledged"],
        retry_at=moment(row["retry_at"]),
        doubt_since=moment(row["doubt_since"]),
        forgotten_since=moment(row["forgotten_since"]),
        idle_since=moment(row["idle_since"]),
        cancel_on_failure=row["cancel_on_failure"],
        abandoned=row["abandoned"],
        foreign_savepoint=row["foreign_savepoint"],
        checkpoint_path=row["checkpoint_path"],
        savepoint_path=row["savepoint_path"],
        savepoint_size=row["savepoint_size"],
        verified=row["verified"],
        unproven=row["unproven"],
        settled_at=moment(row["settled_at"]),
        reason=row["reason"],
        format=_format(row["format"]),
        format_why=row["format_why"],
        stable_since=moment(row["stable_since"]),
        restarted=row["restarted"],
        claim=row["claim"],
        version=row["version"],
    )


def to_save(row: RowMapping) -> Save:
    """A savepoint of a running job as stored."""
    return Save(
        id=row["id"],
        job_id=row["job_id"],
        flink_job_id=row["flink_job_id"],
        trigger=row["trigger"],
        target=row["target"],
        phase=SavePhase(row["phase"]),
        deadline=instant(row["deadline"]),
        sent_at=moment(row["sent_at"]),
        acknowledged=row["acknowledged"],
        doubt_since=moment(row["doubt_since"]),
        forgotten_since=moment(row["forgotten_since"]),
        claim=row["claim"],
        savepoint_path=row["savepoint_path"],
        savepoint_size=row["savepoint_size"],
        verified=row["verified"],
        unproven=row["unproven"],
        settled_at=moment(row["settled_at"]),
        reason=row["reason"],
        wish=_format(row["wish"]),
        format=_format(row["format"]),
        format_why=row["format_why"],
        stable_since=moment(row["stable_since"]),
        version=row["version"],
    )


def to_job(row: RowMapping) -> Job:
    """A job as stored, from its row joined with its spec."""
    draft = JobDraft(
        name=row["name"],
        desc=row["desc"],
        kind=row["kind"],
        queue=row["queue"],
        spec=to_spec(row["spec"]),
        config=msgspec.json.decode(row["config"]),
        tags=msgspec.json.decode(row["tags"]),
        bucket=row["bucket"],
    )
    return Job(
        id=row["id"],
        project=row["project"],
        draft=draft,
        status=JobStatus(row["status"]),
        why=row["why"],
        user=row["user"],
        created_at=instant(row["created_at"]),
        updated_at=instant(row["updated_at"]),
        started_at=moment(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        flink_job_id=row["flink_job_id"],
        savepoint_path=row["savepoint_path"],
        savepoint_size=row["savepoint_size"],
    )


def to_line(row: RowMapping) -> JobLine:
    """A job in a list, from the columns of that."""
    moments = {name: moment(row[name]) for name in ("created_at", "started_at", "ended_at")}
    return JobLine(**{**row, "status": JobStatus(row["status"]), **moments})


def to_spec(text: str) -> JobSpec:
    """What a job should do, back from its JSON."""
    return msgspec.json.decode(text, type=JobSpec)


def to_program(text: str) -> JarProgram:
    """The program in what a job should do, back from its JSON."""
    return msgspec.json.decode(text, type=JarProgram)


@lru_cache(maxsize=256)
def to_traits(text: str | None) -> Traits | None:
    """How a run keeps its state, back from its JSON. Most runs have the same."""
    return None if text is None else msgspec.json.decode(text, type=Traits)


def to_way(row: RowMapping) -> Way:
    """How an adopted job was started, from the columns `OF_WAY` of its run and of its cluster."""
    traits = to_traits(row["run_traits"])
    return Way(traits is not None and bool(traits.application), row["seen_version"] or "")


def _format(name: str | None) -> SavepointFormat | None:
    return None if name is None else SavepointFormat(name)


@lru_cache(maxsize=256)
def to_policy(text: str) -> StopPolicy:
    """How a stop was wished for, back from its JSON. All stops of a request have the same."""
    return msgspec.json.decode(text, type=StopPolicy)


@lru_cache(maxsize=256)
def of_policy(policy: StopPolicy) -> str:
    """The JSON of how a stop is wished for."""
    return to_json(policy)


def of_draft(draft: JobDraft) -> dict[str, Any]:
    """The columns of a draft in the table of jobs."""
    named = {"name": draft.name, "desc": draft.desc, "kind": draft.kind}
    return named | {"queue": draft.queue, "bucket": draft.bucket}


def of_spec(draft: JobDraft) -> dict[str, Any]:
    """The columns of a draft in the table of specs."""
    return {"spec": to_json(draft.spec), "config": to_json(draft.config)}


def moves(before: Run | Stop | Save, after: Run | Stop | Save) -> dict[str, Any]:
    """The columns in which a row now differs, of those that a turn may change; with its id and the version before."""
    names, values = _MOVES[type(after)]
    each = zip(names, values(before), values(after), strict=True)
    columns = {name: new for name, old, new in each if new is not old and new != old}
    if "policy" in columns:
        columns["policy"] = of_policy(columns["policy"])
    if "traits" in columns:
        columns["traits"] = None if columns["traits"] is None else to_json(columns["traits"])
    if isinstance(before, Run) and isinstance(after, Run) and after.health is not before.health:
        columns |= _of_health(after.health)
    return _timed(columns) | {"id": after.id, "version": before.version}


def of_entry(entry: Entry) -> dict[str, Any]:
    """The columns of what comes into the catalogue."""
    return _timed({name: getattr(entry, name) for name in ENTRY})


def _timed(columns: dict[str, Any]) -> dict[str, Any]:
    """The same, with moments as the tables hold them."""
    for name in _MOMENTS & columns.keys():
        columns[name] = None if columns[name] is None else epoch_ms(columns[name])
    return columns


def to_json(value: object) -> str:
    """Compact JSON text."""
    return msgspec.json.encode(value).decode()
