"""The way back of a job: the state that it would start from, and what time and the past have done to that. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sluiceway.domain.engine import Survey
from sluiceway.domain.fit import Fit
from sluiceway.domain.job import JobStatus
from sluiceway.domain.savepoint_format import Choice

_SHOWN = 5  # operators, or states that were passed over, in one sentence
_CHOOSE = "sluiceway savepoints choose, or DLI's import-savepoint"  # what each caller can do


class Kind(StrEnum):
    """What a state is."""

    SAVEPOINT = "savepoint"
    CHECKPOINT = "checkpoint"


class Source(StrEnum):
    """Why a job comes back from this state and no other, in the order of decision 8."""

    CHOSEN = "chosen"  # somebody has said so
    STOPPED_WITH = "stopped_with"  # its last stop has kept it
    LEFT = "left"  # it is the newest whole one that the latest run has left
    BEGAN_FROM = "began_from"  # the latest run began from it and has left nothing newer
    KEPT_BEFORE = "kept_before"  # it is the newest that an earlier run has kept


class Allowed(StrEnum):
    """What a resume does only where it is asked for by name."""

    DRAINED = "drained"
    FINISHED = "finished"
    NON_RESTORED_STATE = "non_restored_state"  # state that no operator takes is left behind
    OTHER_MEANING = "other_meaning"  # operators go on from what others have counted


class Weight(StrEnum):
    """How much a concern weighs."""

    REFUSED = "refused"  # the job is not started for it
    LOSS = "loss"  # it starts, and something is lost or done again
    UNKNOWN = "unknown"  # nobody knows
    NOTE = "note"  # worth knowing


class Trouble(StrEnum):
    """What a concern is about."""

    GONE = "gone"  # its files were removed
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    PASSED_OVER = "passed_over"  # a newer state is damaged
    OLDER = "older"  # the latest run has left nothing
    DRAINED = "drained"
    FINISHED = "finished"
    CLAIMED = "claimed"
    RETENTION = "retention"
    TIME_ZONE = "time_zone"
    ELSEWHERE = "elsewhere"  # a program keeps its checkpoints out of reach
    NO_FALLBACK = "no_fallback"
    NO_SAVEPOINT = "no_savepoint"  # it is to be stopped without one
    FORMAT = "format"
    FLINK_VERSION = "flink_version"  # another one than the cluster's has written the state
    FIT = "fit"  # the state does not fit the job as it is now


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is not as it seems, in words that say what to do about it."""

    trouble: Trouble
    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A newer state that is not whole."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The job whose run was resumed from a state in claim mode; `live` as long as that run may go on."""

    job_id: int
    live: bool


@dataclass(frozen=True, slots=True)
class State:
    """A state that a job may come back from, as it lies there now."""

    path: str
    source: Source
    kind: Kind | None = None  # None: unknown
    run_id: int | None = None  # whose it is, where that is known
    at: datetime | None = None  # when it was complete
    whole: bool | None = None  # None: it cannot be read from here now
    fault: str = ""  # what is wrong with it, or why it cannot be read
    drained: bool = False
    removed_at: datetime | None = None  # when its files were removed through the service
    owner: Owner | None = None
    flink_version: str = ""  # that has written it; empty where that is not known
    holders: Sequence[str] | None = None  # operators whose state has an age; None: not told


@dataclass(frozen=True, slots=True)
class Terms:
    """How the job would run now, and how it did. What nobody knows is None."""

    retention: timedelta | None = None  # of its state since it was last touched; no time at all: for ever
    by: str = "idle_state_retention"  # what says so
    hints: bool = False  # its SQL gives some states a retention of their own
    zone: str = ""  # that it would be planned under
    zone_then: str = ""  # that its latest run was planned under
    shift: timedelta = timedelta()  # from the one to the other
    elsewhere: str = ""  # a place of its own for checkpoints that cannot be looked at


@dataclass(frozen=True, slots=True)
class Past:
    """A job before it is resumed."""

    job_id: int
    status: JobStatus
    state: State | None
    passed: Sequence[PassedOver] = ()
    worked: bool = False  # its latest run was seen to do its work
    terms: Terms = field(default_factory=Terms)
    unreadable: str = ""  # why the newest state is unknown


@dataclass(frozen=True, slots=True)
class Back:
    """The way back of one job."""

    state: State | None
    age: timedelta | None = None  # of the state
    passed: Sequence[PassedOver] = ()
    concerns: Sequence[Concern] = ()
    fit: Fit | None = None  # whether the state fits the job as it is now; None: nobody has looked

    @property
    def refused(self) -> Concern | None:
        """Why the job must not be started like this; None when it may."""
        return next((concern for concern in self.concerns if concern.weight is Weight.REFUSED), None)


def judge(past: Past, allowed: Collection[Allowed], now: datetime) -> Back:
    """The way back of a job. `allowed` is what the request allows by name."""
    state = past.state
    age = max(now - state.at, timedelta()) if state is not None and state.at is not None else None
    found = [*_of_past(past, allowed), *_of_state(past), *_of_time(past, age)]
    return Back(state, age, tuple(past.passed), tuple(found))


def _of_past(past: Past, allowed: Collection[Allowed]) -> list[Concern]:
    found, state = [], past.state
    if past.unreadable:
        why = f"The storage cannot be read now: {past.unreadable.rstrip('.')}."
        found.append(Concern(Trouble.UNREADABLE, Weight.REFUSED, why))
    if state is None:
        return found + _nothing_whole(past)
    if state.drained:
        weight = Weight.LOSS if Allowed.DRAINED in allowed else Weight.REFUSED
        found.append(
            Concern(
                Trouble.DRAINED,
                weight,
                f"{state.path} was drained: windows were cut and written as they were, and each of them is written a "
                "second time. Start the job without resuming, or ask for it by name (--drained).",
            )
        )
    if past.status is JobStatus.FINISHED and state.source is not Source.CHOSEN:
        weight = Weight.LOSS if Allowed.FINISHED in allowed else Weight.REFUSED
        found.append(
            Concern(
                Trouble.FINISHED,
                weight,
                "It has finished by itself. It would go on from a state before its end and write rows again. Ask for "
                "it by name (--finished), or start it without resuming.",
            )
        )
    return found


def _nothing_whole(past: Past) -> list[Concern]:
    if not past.passed:
        return []
    told = "; ".join(f"{over.path}: {over.why}" for over in past.passed[:_SHOWN])
    text = f"No state of it is whole: {told}. Repair its files, or choose another savepoint ({_CHOOSE})."
    return [Concern(Trouble.DAMAGED, Weight.REFUSED, text)]


def _of_state(past: Past) -> list[Concern]:
    state = past.state
    if state is None:
        return []
    found = []
    other = f"Choose another one ({_CHOOSE}), or start the job without resuming."
    if state.whole is False and state.removed_at is not None:
        text = f"The files of {state.path} were removed at {_moment(state.removed_at)}. {other}"
        found.append(Concern(Trouble.GONE, Weight.REFUSED, text))
    elif state.whole is False:
        mend = f"Bring its files back, or choose another one ({_CHOOSE})."
        found.append(Concern(Trouble.DAMAGED, Weight.REFUSED, f"{state.path} is not whole: {state.fault}. {mend}"))
    elif state.whole is None:
        text = f"Nobody knows whether {state.path} is whole: {state.fault or 'it cannot be read from here'}."
        found.append(Concern(Trouble.UNREADABLE, Weight.UNKNOWN, text))
    if state.owner is not None:
        found += _claimed(past.job_id, state, state.owner)
    found += [
        Concern(
            Trouble.PASSED_OVER,
            Weight.LOSS,
            f"{over.path} is newer and not whole: {over.why}. The work since {_since(state)} is repeated.",
        )
        for over in past.passed[:_SHOWN]
    ]
    if past.worked and state.source in {Source.BEGAN_FROM, Source.KEPT_BEFORE}:
        text = f"Its latest run has left no state that is whole; its work since {_since(state)} is repeated."
        found.append(Concern(Trouble.OLDER, Weight.LOSS, text))
    if past.terms.elsewhere and state.source in {Source.LEFT, Source.BEGAN_FROM, Source.KEPT_BEFORE}:
        text = (
            f"Its checkpoint_path, {past.terms.elsewhere}, does not lie in the service's storage: a newer checkpoint "
            f"there is not seen. Copy it to a place in the storage, and choose it there ({_CHOOSE})."
        )
        found.append(Concern(Trouble.ELSEWHERE, Weight.UNKNOWN, text))
    return found


def _claimed(job_id: int, state: State, owner: Owner) -> list[Concern]:
    if owner.live and owner.job_id != job_id:
        text = (
            f"Flink owns {state.path} for job {owner.job_id}, which runs on its files and removes them. Stop that job."
        )
        return [Concern(Trouble.CLAIMED, Weight.REFUSED, text)]
    text = (
        f"Flink owns {state.path} since job {owner.job_id} was resumed from it in claim mode, and may have removed "
        "what that run no longer needed."
    )
    return [Concern(Trouble.CLAIMED, Weight.NOTE, text)]


def _of_time(past: Past, age: timedelta | None) -> list[Concern]:
    terms, state, found = past.terms, past.state, []
    if state is not None and outlived(terms.retention, age) and state.holders != ():
        assert age is not None
        found.append(Concern(Trouble.RETENTION, Weight.LOSS, _expired(state, terms, age)))
    if terms.zone_then and terms.shift:
        text = (
            f"It was planned under the time zone {terms.zone_then}, and its options now say {terms.zone} "
            f"(table.local-time-zone): times without a zone move by {_hours(terms.shift)}."
        )
        found.append(Concern(Trouble.TIME_ZONE, Weight.LOSS, text))
    return found


def outlived(retention: timedelta | None, age: timedelta | None) -> bool:
    """Whether state that is so old is gone. Its age is counted by the wall clock, also while the job does not run."""
    return bool(retention) and age is not None and retention is not None and age >= retention


def _expired(state: State, terms: Terms, age: timedelta) -> str:
    assert terms.retention is not None
    whose = f" of {_listed(state.holders)}" if state.holders else ""
    hint = " Its SQL has STATE_TTL hints; what they name has a retention of its own." if terms.hints else ""
    return (
        f"All state{whose} is past its retention of {length(terms.retention)}: it was kept {length(age)} ago, and "
        f"counts begin anew. Raise the job's {terms.by} above {length(age)} before it is resumed, and "
        f"nothing is lost.{hint}"
    )


# The way back of a job that is yet to be stopped. ---------------------------------------------------------------------


def before_a_stop(
    terms: Terms, window: timedelta | None, survey: Survey | None, choice: Choice | None, *, drain: bool
) -> list[Concern]:
    """What is known of the way back before it is too late. `window` is how long the job is to stay stopped."""
    found = before_a_pause(terms, window)
    if drain:
        text = "A drained savepoint is no way back: windows that it cuts are written twice when the job is resumed."
        found.append(Concern(Trouble.DRAINED, Weight.LOSS, text))
    if survey is not None and survey.restore is None:
        text = "It has no checkpoint to fall back on should its savepoint be lost."
        found.append(Concern(Trouble.NO_FALLBACK, Weight.NOTE, text))
    if survey is not None and choice is not None and choice.format == "native":
        backend = survey.traits.backend or "its present state backend"
        text = f"Its savepoint would be native: only {backend} can restore it, so keep the state backend as it is."
        found.append(Concern(Trouble.FORMAT, Weight.NOTE, text))
    return found


def before_a_pause(terms: Terms, window: timedelta | None) -> list[Concern]:
    """What time does to the state of a job that stays stopped for so long."""
    if window is None or not outlived(terms.retention, window):
        return []
    assert terms.retention is not None
    text = (
        f"It keeps state for {length(terms.retention)}, and is to stay stopped for {length(window)}: untouched "
        f"state is gone by then, and counts begin anew. Raise its {terms.by} before it is resumed."
    )
    return [Concern(Trouble.RETENTION, Weight.LOSS, text)]


# Words. ---------------------------------------------------------------------------------------------------------------


def told(back: Back) -> str:
    """Which state it is, of what kind, and how old, in one sentence; empty without one."""
    if back.state is None:
        return ""
    kind = f", a {back.state.kind}" if back.state.kind else ""
    age = f", {length(back.age)} old" if back.age is not None else ""
    return f"It starts from {back.state.path}{kind}{age}."


def length(span: timedelta) -> str:
    """A length of time in the two largest units that it has."""
    rest, parts = max(int(span.total_seconds()), 0), []
    for name, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts[:2]) or "0 s"


def _hours(shift: timedelta) -> str:
    hours = shift.total_seconds() / 3600
    return f"{hours:+g} hours"


def _listed(names: Sequence[str] | None) -> str:
    shown = list(names or ())
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _since(state: State) -> str:
    return "it was kept" if state.at is None else _moment(state.at)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"
