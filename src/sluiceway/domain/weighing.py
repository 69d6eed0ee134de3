"""What observations of a place prove about runs, stops and savepoints: the facts that move them. Pure.

A weighing asks (`yield`) for one observation after another, as few as it needs, and returns what they prove. Whoever
runs it answers each question with what the place shows then, and with the moment. What single answers prove, and from
when on they can be believed, stands in `proving`. The sources of the rules are in the Flink contract.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

from sluiceway.domain.asking import Attempted, Canceling
from sluiceway.domain.facts import (
    Alive,
    Ended,
    Gone,
    Hung,
    JobState,
    Lingering,
    Missing,
    Recovering,
    Refusal,
    Refused,
    RunFact,
    Running,
    Saved,
    SaveFact,
    Seen,
    Silent,
    StopFact,
    Stopping,
    Weighed,
)
from sluiceway.domain.observed import (
    ATTEMPT,
    CAUSE,
    CHECKPOINTS,
    SETTINGS,
    STATE,
    AttemptCompleted,
    AttemptFailed,
    AttemptInProgress,
    AttemptUnknown,
    ListedJob,
    NoSuchJob,
    Weighing,
)
from sluiceway.domain.proving import (
    AttemptCase,
    Case,
    Memory,
    NotYet,
    Unanswered,
    ask,
    ask_when,
    ended_with,
    has_own,
    last_kept,
    moment_of,
    moved_on_after,
    overtaken_by,
    ran_on_after,
    recovering,
    running_since,
)
from sluiceway.domain.run import Run, RunPhase

T = TypeVar("T")
AtSight = Missing | Gone | Silent | Alive | Ended | Running  # told without a question

ENDED_WITH_CLUSTER = (
    "The embedded Flink that ran this job has ended, and the job with it. Run it again; when resumed, it starts from "
    "its latest checkpoint or savepoint."
)

_SEEN = {state: Seen(state) for state in JobState}
NOT_SHOWN = Silent("the look at the cluster does not show the job")
UNTOLD = Silent("the cluster does not tell yet whether the job ran on after what is to be kept")


# Runs. ----------------------------------------------------------------------------------------------------------------


def listed(state: JobState | None) -> Seen | None:
    """What the list alone tells of a run that it shows; None when there is more to ask."""
    return None if state is None or state is JobState.FAILED else _SEEN[state]


def weigh_run(run: Run, job: ListedJob | None, life: str | None) -> Weighing[RunFact]:
    """What is to be seen of a run. `life` is the cluster's, where that can be told."""
    if job is not None:
        return (yield from _shown(job))
    if run.life is not None and run.life != life:
        return Gone(ENDED_WITH_CLUSTER)
    if run.phase is RunPhase.LOST or not run.acknowledged:
        return Missing()
    try:  # by name: the list may have left out a live one (FLINK-40602)
        state = yield from ask(STATE)
    except Unanswered as error:
        return Silent(str(error))
    return Missing() if state is None else Seen(state)


def _shown(job: ListedJob) -> Weighing[RunFact]:
    if job.state is None:
        return Silent(f"the cluster shows the state {job.named}, which is not known")
    try:
        return Seen(job.state, (yield from ask(CAUSE)) if job.state is JobState.FAILED else "")
    except Unanswered:
        return Seen(job.state)


# Stops and savepoints. ------------------------------------------------------------------------------------------------


def at_rest(run: RunFact | None, job: ListedJob | None) -> AtSight:
    """What is to be seen of a stop or savepoint of which nothing is under way, given what was seen of its run."""
    if not isinstance(run, Seen):
        return run if isinstance(run, Missing | Gone | Silent) else NOT_SHOWN
    return Ended(run.state, cause=run.why) if run.state.terminal else _unsent(job)


def unasked(about: Canceling | Attempted, run: RunFact | None, *, asked: bool) -> AtSight | None:
    """What is to be seen of one of which something is under way, without a question; None when there is one to ask.

    `asked`: it is to be asked about even while its job lives.
    """
    if not isinstance(run, Seen):
        return run if isinstance(run, Missing | Gone | Silent) else NOT_SHOWN
    return Alive() if isinstance(about, Attempted) and not asked and not run.state.terminal else None


def weigh_cancel(about: Canceling, state: JobState, memory: Memory, now: float) -> Weighing[tuple[StopFact, Memory]]:
    """What is to be seen of a cancel, and what to remember."""
    case = _Cancel(memory, about, state, now)
    return (yield from _told(case, case.fact()))


def weigh_stop(
    about: Attempted, run: Seen, job: ListedJob | None, memory: Memory, *, suspect: bool = False
) -> Weighing[tuple[StopFact, Memory]]:
    """What is to be seen of a stop with a savepoint, and what to remember. `suspect`: so old that it may hang."""
    case = _Stop(memory, about, run, job, suspect)
    return (yield from _told(case, case.fact()))


def weigh_save(about: Attempted, run: Seen, job: ListedJob | None, memory: Memory) -> Weighing[tuple[SaveFact, Memory]]:
    """What is to be seen of a savepoint of a running job, and what to remember."""
    case = _Save(memory, about, run, job)
    return (yield from _told(case, case.fact()))


def _told(case: Case, weighing: Weighing[T]) -> Weighing[tuple[T | Silent, Memory]]:
    try:
        fact: T | Silent = yield from weighing
    except Unanswered as error:
        fact = Silent(str(error))
    return fact, case.memory


@dataclass(slots=True)
class _Cancel(Case):
    about: Canceling
    state: JobState
    now: float

    def fact(self) -> Weighing[StopFact]:
        about, state = self.about, self.state
        if about.weighs and not state.terminal:
            return (yield from self._last_checkpoint())
        if state is JobState.CANCELED and about.keeps is not None:
            return (yield from self._kept(about.keeps))
        if state is JobState.FINISHED and about.gave_up is not None:
            return (yield from self._gave_up(about.gave_up))
        if state.terminal:
            return Ended(state)
        return Stopping() if state is JobState.CANCELLING else Running()

    def _gave_up(self, target: str) -> Weighing[StopFact]:
        """The job finished before the cancel came: with the savepoint of the stop that was given up, or by itself."""
        found = yield from ask(CHECKPOINTS)
        with_it = found is None or (yield from ended_with(found, target, self.state))
        return UNTOLD if with_it is None else Ended(self.state, moved_on=not with_it)

    def _last_checkpoint(self) -> Weighing[StopFact]:
        found, now = yield from ask_when(CHECKPOINTS)
        fresh = found is not None and found.completed is None
        if fresh and not self.old_answers_are_gone(now):
            return Silent("the cluster may still tell of the job as it was before its first checkpoint")
        return Weighed(last_kept(found, (yield from ask(SETTINGS))), fresh)

    def _kept(self, path: str) -> Weighing[StopFact]:
        """The job is canceled; what it was canceled for must be its last state.

        After somebody else's savepoint its sources had ended, so it must not have run anew either.
        """
        foreign, state = self.about.foreign, self.state
        if foreign and not self.old_answers_are_gone(self.now):
            return Silent("the cluster may still tell of the job as it was before it was canceled")
        found = yield from ask(CHECKPOINTS)
        moved_on = moved_on_after(found, path)
        if found is None or moved_on or not foreign:
            return Ended(state, moved_on=moved_on)
        since = yield from running_since(state)
        if since is None:
            return UNTOLD
        return Ended(state, moved_on=ran_on_after(found, path, since) is not False)


@dataclass(slots=True)
class _Save(AttemptCase):
    def fact(self) -> Weighing[SaveFact]:
        state, ready = self.run.state, self.job is not None and self.job.ready
        answer, now = yield from ask_when(ATTEMPT)
        match answer:
            case AttemptCompleted(location):
                proven = yield from self.proven()
                return Stopping() if proven is None else Saved(location, state, proven=proven)
            case AttemptInProgress():
                return Lingering(Ended(state)) if state.terminal else Stopping()
            case AttemptUnknown():
                return Ended(state) if state.terminal else Running(ready=ready)
            case AttemptFailed():
                return (yield from (self._over(answer, now) if state.terminal else self.failure(answer, now)))
            case NoSuchJob(text):
                # Asked for while a JobManager had yet to find the job again, it has failed for good.
                return Ended(state, text) if state.terminal else Refused(Refusal.OTHER, text)

    def _over(self, failed: AttemptFailed, now: float) -> Weighing[SaveFact]:
        if self.run.state is not JobState.FAILED:
            return Refused(failed.refusal, failed.text)
        cause = yield from self.cause(failed, now)
        return recovering(failed) if cause is None else Refused(failed.refusal, cause)


@dataclass(slots=True)
class _Stop(AttemptCase):
    suspect: bool

    def fact(self) -> Weighing[StopFact]:
        if self.memory.saved is not None and self.memory.saved_of == self.job:
            return self.memory.saved
        answer, now = yield from ask_when(ATTEMPT)
        over = self.run.state.terminal
        match answer:
            case AttemptCompleted(location):
                return (yield from self._saved(location)) if over else Stopping(saved=True, path=location)
            case AttemptInProgress() if over:
                ended = yield from self._forgotten()
                return Lingering(ended) if isinstance(ended, Ended) else ended
            case AttemptInProgress():
                return (yield from self._hanging()) if self.suspect else Stopping()
            case AttemptUnknown():
                return (yield from (self._forgotten() if over else self._ran_on(now)))
            case AttemptFailed():
                return (yield from self._failed(answer, now))
            case NoSuchJob(text):
                return Ended(self.run.state, text) if over else Silent(text)

    def _saved(self, location: str) -> Weighing[StopFact]:
        """What more there is to ask must not cost what was told: an application cluster tells it about once."""
        try:
            proven = yield from self.proven()
        except Unanswered:
            proven = None
        if proven is None:
            return Stopping(saved=True, path=location)
        saved = Saved(location, self.run.state, proven=proven)
        self.memory = replace(self.memory, saved=saved, saved_of=self.job)
        return saved

    def _forgotten(self) -> Weighing[Ended | Silent]:
        """Flink no longer knows the attempt. If it knows the job's checkpoints, the job must have ended with ours.

        A JobManager that was lost may have brought the job back from before its savepoint; then it ended by itself.
        """
        state, about = self.run.state, self.about
        if state is not JobState.FINISHED:
            return Ended(state, cause=self.run.why)
        found = yield from ask(CHECKPOINTS)
        if found is None:
            return Ended(state)
        with_it = yield from ended_with(found, about.target, state)
        if with_it is None:
            return UNTOLD
        if with_it:
            return Ended(state, proven=has_own(found, about.flink_job_id))
        return Ended(state, "nothing. The job did not end with this stop's savepoint.")

    def _ran_on(self, now: float) -> Weighing[Running | Recovering]:
        """The job runs, and Flink does not know the attempt. One that it had taken may have restarted the job."""
        about, job = self.about, self.job
        if about.stable_since is None or (about.acknowledged and not about.forgotten):
            return Running(ready=job is not None and job.ready)
        if job is None:
            return Recovering("the cluster does not know the attempt, and its list leaves out the job", failed=False)
        restart = yield from self.restart(job, about.stable_since, now)
        if isinstance(restart, NotYet):
            return Recovering("the cluster does not know the attempt, and has restarted the job", failed=False)
        return replace(_unsent(job), restart=restart)

    def _hanging(self) -> Weighing[Stopping | Hung]:
        try:
            found = yield from ask(CHECKPOINTS)
        except Unanswered:
            return Stopping()
        path = overtaken_by(found) if found else None
        return Stopping() if path is None else Hung(path)

    def _failed(self, failed: AttemptFailed, now: float) -> Weighing[StopFact]:
        """The savepoint may be whole although the stop failed (FLINK-33522): path and state are two facts.

        A job that runs again after that failure runs on from an older state, so it must not have begun to run since.
        That it was about to restart (RESTARTING) is no proof: Flink may give that up, and let it fail. That the attempt
        has failed is told even where the cluster does not answer what became of the job: it may forget both.
        """
        state = self.run.state
        if state.terminal and state is not JobState.FAILED:
            return Ended(state, failed.text)
        try:
            return (
                yield from (self._failed_with_its_job(failed, now) if state.terminal else self.failure(failed, now))
            )
        except Unanswered:
            return recovering(failed)

    def _failed_with_its_job(self, failed: AttemptFailed, now: float) -> Weighing[Ended | Saved | Recovering]:
        state, told = self.run.state, (yield from self.cause(failed, now))
        if told is None:
            return recovering(failed)
        if failed.location is None:
            return Ended(state, told)
        since = yield from running_since(state)
        found = yield from ask(CHECKPOINTS)
        if found is None:
            return Ended(state, told)
        ran_on = None if since is None else ran_on_after(found, failed.location, since)
        if ran_on is None:
            return recovering(replace(failed, text=told))
        if ran_on:
            return Ended(state, told)
        note = f"The job ended as {state} after its savepoint was complete: {told}"
        return Saved(failed.location, state, note, has_own(found, self.about.flink_job_id))


def _unsent(job: ListedJob | None) -> Running:
    """A job of which no savepoint of ours was asked for."""
    if job is None:
        return Running(ready=False)
    return Running(
        ready=job.ready, finished=job.finished, changed_at=None if job.changed < 0 else moment_of(job.changed)
    )
