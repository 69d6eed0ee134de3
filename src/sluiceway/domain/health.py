"""A job's health while it lives: whether all of its tasks run, and the cause where they do not.

A status tells what was asked for and how far it has come; health tells whether the job does its work. Flink says
RUNNING of a job whose tasks wait for slots, and of one that restarts for ever. The overview of all jobs shows both: a
job that loops alternates between RUNNING with none of its tasks and RESTARTING, and the moment at which a task last
changed its state moves with every restart.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sluiceway.domain.facts import JobState


class Condition(StrEnum):
    """The condition of a job's tasks."""

    UNKNOWN = "unknown"  # nobody has seen them for long enough to say
    STARTING = "starting"  # not all of them run yet
    RUNNING = "running"  # all of them run, or have finished
    RESTARTING = "restarting"  # they failed, and have not run steadily since
    NO_SLOTS = "no_slots"  # they wait for slots that the cluster does not have


AILING = frozenset({Condition.RESTARTING, Condition.NO_SLOTS})
_FALLING = frozenset({JobState.RESTARTING, JobState.FAILING})
_ASIDE = frozenset({JobState.CANCELLING, JobState.SUSPENDED, JobState.RECONCILING})  # say nothing of how it fared


class Proof(StrEnum):
    """Whether a run has shown that its state is good."""

    UNKNOWN = "unknown"  # whether it takes checkpoints is not known yet
    AWAITED = "awaited"  # it takes periodic checkpoints, and has completed none
    NONE = "none"  # it takes no periodic checkpoints
    GIVEN = "given"  # it has completed a checkpoint or savepoint, for which all of its tasks must run


UNSEEN = frozenset({Proof.UNKNOWN, Proof.AWAITED})  # which may be only what nobody has seen yet


@dataclass(frozen=True, slots=True)
class HealthRules:
    """How patient health is."""

    unwell_after: timedelta = timedelta(minutes=2)  # how long a job may not run steadily before its status says so
    lasting: timedelta = timedelta(seconds=3)  # what is shorter is nothing to tell, or to rely on
    calm: timedelta = timedelta(seconds=10)  # for which it must run after each restart within the window
    longest_calm: timedelta = timedelta(minutes=2)
    window: timedelta = timedelta(minutes=10)  # within which restarts are counted
    refresh: timedelta = timedelta(seconds=10)  # between two changes of mere numbers


@dataclass(frozen=True, slots=True)
class Health:
    """A run's health as it is stored: numbers are those of the last change worth a write."""

    condition: Condition = Condition.UNKNOWN
    since: datetime | None = None  # since when it has, or has not, run steadily
    tasks: int = 0
    running: int = 0  # of the tasks, with those that have finished
    restarts: int = 0  # within the last minutes; at least
    cause: str = ""  # of the last failure, the innermost
    slots_wanted: int | None = None  # beyond those that it has
    slots_free: int | None = None  # in its cluster
    unwell: bool = False  # it has not run steadily for a time, so its status says so
    proof: Proof = Proof.UNKNOWN
    up_at: datetime | None = (
        None  # when it was first seen to do its work: all tasks, and a checkpoint where it has them
    )

    @property
    def ails(self) -> bool:
        """Whether it is in trouble."""
        return self.unwell or self.condition in AILING


NOTHING_KNOWN = Health()


@dataclass(frozen=True, slots=True)
class Exam:
    """The answers about one job beyond the overview. None where it was not asked, or not answered."""

    cause: str | None = None
    failures: int | None = None  # within the last minutes; Flink remembers some 16
    slots_wanted: int | None = None  # beyond those that it has
    slots_free: int | None = None
    proof: Proof | None = None

    @property
    def short(self) -> bool:
        """Whether its cluster is known to have fewer free slots than it lacks."""
        return self.slots_wanted is not None and (self.slots_free or 0) < self.slots_wanted


@dataclass(frozen=True, slots=True)
class Vitals:
    """A live job as one look at its cluster shows it."""

    state: JobState
    tasks: int
    running: int  # with those that have finished
    finished: int = 0
    scheduled: int = 0  # of the tasks, and waiting for a slot
    moved_at: int = 0  # when a task last changed its state; ms by the cluster's clock
    exam: Exam | None = None

    @property
    def whole(self) -> bool:
        """Whether all of its tasks run, or have finished."""
        return self.state is JobState.RUNNING and 0 < self.tasks == self.running

    @property
    def ready(self) -> bool:
        """Whether all that have not finished run, and some do."""
        return self.whole and self.running > self.finished

    @property
    def waiting(self) -> int:
        """How many tasks wait for slots. A job that was only created has them all before it (adaptive scheduler)."""
        return max(self.tasks, 1) if self.state is JobState.CREATED else self.scheduled


@dataclass(frozen=True, slots=True)
class Pulse:
    """The memory of a job between two looks. It is not stored: without it the next looks notice a loop anew."""

    state: JobState | None = None
    whole_since: datetime | None = None  # since when all of its tasks have been seen to run without a change
    amiss_since: datetime | None = None  # since when they have not
    moved_at: int = 0
    finished: int = 0
    restarts: tuple[datetime, ...] = ()  # that were seen, within the window
    failures: int = 0  # that Flink told of when it was last asked
    told_at: datetime | None = None


MOST_REMEMBERED = 100


def follow(health: Health, pulse: Pulse, vitals: Vitals, now: datetime, rules: HealthRules) -> tuple[Health, Pulse]:
    """The job's health after one more look, and the memory for the next."""
    if _as_before(health, pulse, vitals) or vitals.state.terminal or vitals.state in _ASIDE:
        return health, pulse
    pulse = _felt(pulse, vitals, now, rules)
    condition = _condition(health, pulse, vitals, now, rules)
    seen = _seen(health, pulse, vitals, condition, now, rules)
    seen = _risen(seen, pulse, now, rules)
    if not _worth_telling(health, seen, pulse, now, rules):
        return health, pulse
    return seen, replace(pulse, told_at=now)


def _as_before(health: Health, pulse: Pulse, vitals: Vitals) -> bool:
    """Whether a working job goes on working: true of nearly all, at every look."""
    return (
        vitals.moved_at == pulse.moved_at
        and health.up_at is not None
        and health.condition is Condition.RUNNING
        and pulse.whole_since is not None
        and vitals.exam is None
        and vitals.whole
    )


def told(health: Health) -> str:
    """A job's trouble, in a sentence or two; empty without any."""
    since = f" since {health.since.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" if health.since else ""
    cause = f" Cause: {health.cause}" if health.cause else ""
    match health.condition:
        case Condition.RESTARTING:
            times = f"{health.restarts} restart{'' if health.restarts == 1 else 's'}"
            return f"It does not run steadily{since}: at least {times} in 10 minutes.{cause}"
        case Condition.NO_SLOTS:
            free = "unknown" if health.slots_free is None else health.slots_free
            wanted = "some" if health.slots_wanted is None else health.slots_wanted
            return f"It waits for slots{since}: it lacks {wanted}, and the cluster has {free} free.{cause}"
        case Condition.STARTING:
            return f"{health.running} of its {health.tasks} tasks run{since}.{cause}"
        case Condition.UNKNOWN | Condition.RUNNING:
            return ""


def unproven(health: Health, restore: str | None) -> str:
    """Why a savepoint of a run must not replace the state that the run started from; empty when it may.

    A run that was never seen to work may have saved a state that no run can start from.
    """
    if restore is None or health.up_at is not None or health.proof is Proof.GIVEN or health.condition not in AILING:
        return ""
    return f"Its job never ran steadily, so a resume takes what it was started from, {restore}. {told(health)}"


def falls(pulse: Pulse, vitals: Vitals, now: datetime) -> int:
    """How often a job has restarted lately, where this very look shows it failing; 0 where it does not."""
    if vitals.state.terminal or vitals.state in _ASIDE or (vitals.whole and not just_restarted(pulse, now)):
        return 0
    return max(len(pulse.restarts), pulse.failures)


def _felt(pulse: Pulse, vitals: Vitals, now: datetime, rules: HealthRules) -> Pulse:
    """The memory after this look."""
    restarts = tuple(at for at in pulse.restarts if now - at < rules.window)
    if _has_restarted(pulse, vitals):
        restarts = (*restarts, now)[-MOST_REMEMBERED:]
    told = vitals.exam.failures if vitals.exam else None
    steady = vitals.whole and pulse.whole_since is not None and not _moved(pulse, vitals) and pulse.whole_since <= now
    amiss = pulse.amiss_since if pulse.amiss_since is not None and pulse.amiss_since <= now else now
    return replace(
        pulse,
        state=vitals.state,
        whole_since=(pulse.whole_since if steady else now) if vitals.whole else None,
        amiss_since=None if vitals.whole else amiss,
        moved_at=vitals.moved_at,
        finished=vitals.finished,
        restarts=restarts,
        failures=pulse.failures if told is None else told,
    )


def _has_restarted(pulse: Pulse, vitals: Vitals) -> bool:
    if vitals.state in _FALLING:
        return pulse.state not in _FALLING
    if pulse.whole_since is None:
        return False
    return not vitals.whole or _moved(pulse, vitals)


def _moved(pulse: Pulse, vitals: Vitals) -> bool:
    """Whether a task changed its state, other than by finishing."""
    return vitals.moved_at != pulse.moved_at and vitals.finished == pulse.finished


def _condition(health: Health, pulse: Pulse, vitals: Vitals, now: datetime, rules: HealthRules) -> Condition:
    if vitals.whole:
        return Condition.RUNNING if _steady(health, pulse, now, rules) else Condition.RESTARTING
    if _lacks_slots(health, vitals):
        return Condition.NO_SLOTS
    # A restart may be too short to be met by a look; what Flink tells of failures counts as well.
    if pulse.restarts or pulse.failures or health.condition in {Condition.RESTARTING, Condition.RUNNING}:
        return Condition.RESTARTING
    lasts = pulse.amiss_since is not None and now - pulse.amiss_since >= rules.lasting
    return Condition.STARTING if lasts or health.condition is not Condition.UNKNOWN else Condition.UNKNOWN


def _steady(health: Health, pulse: Pulse, now: datetime, rules: HealthRules) -> bool:
    """Whether a job whose tasks all run now has run for long enough: the more restarts, the longer that is."""
    if not pulse.restarts and health.condition is not Condition.RESTARTING:
        return True
    enough = min(rules.calm * max(len(pulse.restarts), 1), rules.longest_calm)
    if health.condition is Condition.RUNNING and not just_restarted(pulse, now):
        return True  # it was steady before, and nothing has happened since
    return pulse.whole_since is not None and now - pulse.whole_since >= enough


def just_restarted(pulse: Pulse, now: datetime) -> bool:
    """Whether a restart was seen at this very look."""
    return bool(pulse.restarts) and pulse.restarts[-1] == now


def _lacks_slots(health: Health, vitals: Vitals) -> bool:
    exam = vitals.exam
    if exam is None or exam.slots_free is None:
        return vitals.waiting > 0 and health.condition is Condition.NO_SLOTS
    return vitals.waiting > 0 and exam.slots_free < (exam.slots_wanted or 1)


def _seen(
    health: Health,
    pulse: Pulse,
    vitals: Vitals,
    condition: Condition,
    now: datetime,
    rules: HealthRules,
) -> Health:
    exam = vitals.exam or Exam()
    turned = (condition is Condition.RUNNING) != (health.condition is Condition.RUNNING)
    since = now if turned or health.since is None else health.since
    amiss = condition not in {Condition.RUNNING, Condition.UNKNOWN}
    short = condition is Condition.NO_SLOTS
    seen = replace(
        health,
        condition=condition,
        since=None if condition is Condition.UNKNOWN else since,
        tasks=vitals.tasks,
        running=vitals.running,
        restarts=max(len(pulse.restarts), pulse.failures) if amiss else 0,
        cause=(health.cause if exam.cause is None else exam.cause) if amiss else "",
        slots_wanted=(health.slots_wanted if exam.slots_wanted is None else exam.slots_wanted) if short else None,
        slots_free=(health.slots_free if exam.slots_free is None else exam.slots_free) if short else None,
        unwell=amiss and now - since >= rules.unwell_after,
    )
    return replace(seen, proof=exam.proof) if exam.proof and seen.proof is not Proof.GIVEN else seen


def _risen(health: Health, pulse: Pulse, now: datetime, rules: HealthRules) -> Health:
    """The same, with the moment from which it works, if that has come."""
    if health.up_at is not None or health.condition is not Condition.RUNNING:
        return health
    lasts = pulse.whole_since is not None and now - pulse.whole_since >= rules.lasting
    does = health.proof is Proof.GIVEN or (health.proof is Proof.NONE and lasts)
    return replace(health, up_at=now) if does else health


def _worth_telling(before: Health, after: Health, pulse: Pulse, now: datetime, rules: HealthRules) -> bool:
    """Whether a change is worth a write: numbers of a loop move at every look."""
    if _without_numbers(before) != _without_numbers(after):
        return True
    if after.condition in {Condition.RUNNING, Condition.UNKNOWN} or before == after:
        return False
    if after.restarts >= 2 * max(before.restarts, 1) or 2 * after.restarts <= before.restarts:
        return True
    still = replace(before, restarts=0) == replace(after, restarts=0) or after.condition is Condition.RESTARTING
    return not still and (pulse.told_at is None or now - pulse.told_at >= rules.refresh)


def _without_numbers(health: Health) -> Health:
    return replace(health, tasks=0, running=0, restarts=0, slots_wanted=None, slots_free=None)
