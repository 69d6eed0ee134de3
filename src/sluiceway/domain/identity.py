"""Which run a Flink job is that a cluster shows: Flink gives some job ids again, so an id alone names no run.

An application cluster with high availability makes the id of its job from its own cluster id (`ApplicationJobUtils` of
Flink, and before 2.3 `ApplicationDispatcherBootstrap`), and an operator may deploy a job under the id that it had. So a
run is known by its cluster, its Flink job id and the time at which Flink started it. That time alone proves nothing: a
job that was recovered after the loss of its JobManager shows a new one, too, and is the same run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from sluiceway.domain.adoption import Adopted, Adoption, Stranger
from sluiceway.domain.engine import RestorePoint
from sluiceway.domain.observed import tail
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.run import RunPhase
from sluiceway.domain.watched import Watched

_NOTHING: Final = "0" * 16  # the half of an id that is made from another id


class Stage(Enum):
    """Where a run is that bears the Flink job id of a stranger."""

    ENDED = auto()  # Flink has told of its end, or its next run has proven it
    LOST = auto()  # nobody has seen it end: its cluster does not show it any more
    LIVES = auto()  # as far as anybody knows


@dataclass(frozen=True, slots=True)
class Namesake:
    """The latest run in one cluster that bears the Flink job id of a stranger."""

    job_id: int
    run_id: int
    cluster: str
    stage: Stage
    flink_name: str | None  # of its job, which was taken in; None where it was made here
    started_at: datetime | None = None  # when Flink had started it when it was taken in; None: we have started it
    latest: bool = True  # of its job
    over: bool = True  # the latest run of its job is, as far as anybody knows
    open: bool = False  # a stop or savepoint of its job has not settled
    gone: bool = False  # its job was deleted

    @property
    def rests(self) -> bool:
        """Whether its job may have another run."""
        return self.over and not (self.open or self.gone)

    @property
    def job(self) -> Adopted:
        """Its job, as far as adoption knows it."""
        return Adopted(self.job_id, self.run_id, self.flink_name or "", self.rests)


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where a job may be that is to be told apart from a stranger."""

    cluster: str
    flink_job_id: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a cluster shows of a Flink job id, asked between two looks that showed the stranger."""

    started_at: datetime | None = None  # of the living job of that id; None: it shows none
    nowhere: bool = False  # nobody knows where that cluster is now
    unlisted: bool = False  # one lives there, and the list of jobs leaves it out: its start is not known


Answers = Mapping[Spot, Shown | None]  # None where the cluster did not answer


@dataclass(frozen=True, slots=True)
class Known:
    """It is a run that is watched, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """It is to be asked first what lives there."""

    spots: tuple[Spot, ...]  # in order


@dataclass(frozen=True, slots=True)
class Fresh:
    """No run here is this one: it is the next run of `again`, whose id it bears, or has to be recognised otherwise."""

    again: Adopted | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """It is a run that was lost in another cluster: that name has meant this cluster for a while."""

    job: Adopted


Recognised = Fresh | Moved | Unsure | Known


def is_derived(flink_job_id: str) -> bool:
    """Whether Flink has made an id from another one, so that other clusters may have it as well."""
    return _NOTHING in (flink_job_id[:16], flink_job_id[16:])


def recognise(stranger: Stranger, cluster: str, namesakes: Sequence[Namesake], answers: Answers) -> Recognised:
    """What a living job of this cluster is, given the latest run of each cluster that bears its Flink job id.

    A run is followed by another under its id only once it has ended: whatever began later before that is the same run,
    recovered. What is made here has an id of its own, which nobody else has.
    """
    if not namesakes:
        return Fresh()
    if any(each.flink_name is None for each in namesakes) or stranger.started_at is None:
        return Known()
    here = next((each for each in namesakes if each.cluster == cluster), None)
    if here is not None and not _is_over(here, stranger.started_at):
        return Known()
    others = [each for each in namesakes if each.cluster != cluster and not _is_forgotten(each)]
    if moved := next((each for each in others if _has_moved(each, stranger, here)), None):
        return Moved(moved.job)
    if any(each.started_at == stranger.started_at for each in others):
        return Known()
    spots = {each: Spot(each.cluster, stranger.flink_job_id) for each in others}
    if unasked := set(spots.values()) - answers.keys():
        return Unsure(tuple(sorted(unasked)))
    if not all(_is_another(each, stranger, answers[spot]) for each, spot in spots.items()):
        return Known()
    return Fresh() if here is None else _next_of(here)


def _is_over(run: Namesake, started_at: datetime) -> bool:
    """Whether what has started then cannot be this run."""
    return run.stage is Stage.ENDED and run.started_at is not None and started_at > run.started_at


def _next_of(run: Namesake) -> Recognised:
    """The next run of its job; a job beside it where that was deleted, or has come back under another id."""
    if run.over and run.open:
        return Known()  # what is asked of the run before must not be answered by this one
    return Fresh(run.job) if run.rests else Fresh()


def _is_forgotten(run: Namesake) -> bool:
    """Whether a run was lost, and its job deleted since: what is seen of it elsewhere is a job of its own."""
    return run.gone and run.stage is Stage.LOST


def _has_moved(run: Namesake, stranger: Stranger, here: Namesake | None) -> bool:
    """Whether a run that was lost elsewhere is the stranger, which may have been recovered since.

    It is none that was lost before the one that has ended here: what follows that one is another.
    """
    later = here is None or run.run_id > here.run_id
    same = run.started_at == stranger.started_at or (later and not is_derived(stranger.flink_job_id))
    return run.stage is Stage.LOST and run.latest and run.rests and same and run.flink_name == stranger.name


def _is_another(run: Namesake, stranger: Stranger, shown: Shown | None) -> bool:
    """Whether a run of another cluster is certainly not the stranger, which that name may mean as well."""
    if shown is None or shown.unlisted:
        return False
    if shown.started_at is not None:
        return shown.started_at != stranger.started_at
    if run.stage is Stage.LIVES:
        # Of a cluster that was removed nobody tells; an id that only one job has is that job wherever it is seen.
        return shown.nowhere and is_derived(stranger.flink_job_id) and not run.open
    # It is about to move: what is open of it has to settle first.
    moves = run.stage is Stage.LOST and run.latest and run.open
    return not moves or is_derived(stranger.flink_job_id)


def returning(told: Mapping[str, Recognised]) -> dict[str, Adopted]:
    """The jobs whose next runs these are, by the Flink job ids. Of one job only one is, the one of its latest run."""
    back = [(jid, its.again) for jid, its in told.items() if isinstance(its, Fresh) and its.again]
    latest = {job.job_id: jid for jid, job in sorted(back, key=lambda each: each[1].run_id)}
    return {jid: job for jid, job in back if latest[job.job_id] == jid}


@dataclass(frozen=True, slots=True)
class Vouched:
    """Which of those that are to be taken in are certainly what they are taken for."""

    sure: list[Adoption]
    unsure: dict[Stranger, Unsure]


def vouched(taken: Sequence[Adoption], cluster: str, answers: Mapping[Stranger, Answers]) -> Vouched:
    """Judge those that are known again by their names: while a job lives under its last Flink id, it is that one.

    The list of jobs can leave that one out, so its cluster is asked about it. Without an answer nobody can tell.
    """
    sure, unsure = list[Adoption](), dict[Stranger, Unsure]()
    for each in taken:
        if each.again is None or each.by_id:
            sure.append(each)
            continue
        spot, told = Spot(cluster, each.again.flink_job_id), answers.get(each.stranger, {})
        if spot not in told:
            unsure[each.stranger] = Unsure((spot,))
        elif shown := told[spot]:
            lives = shown.unlisted or shown.started_at is not None
            sure.append(Adoption(each.stranger) if lives else each)
    return Vouched(sure, unsure)


# A stop that was settled from storage, and whose application cluster is there again. --------------------------------


def may_be_followed(watched: Watched) -> bool:
    """Whether what its cluster shows again under its id may be another run: it was lost, and its stop has a savepoint.

    Only of what was taken in, and so has no directory of ours for its checkpoints: others have ids of their own.
    """
    run, stop = watched.run, watched.stop
    if run.phase is not RunPhase.LOST or run.checkpoints is not None or not watched.current:
        return False
    return stop is not None and stop.phase is StopPhase.STOPPED and stop.savepoint_path is not None


def follows(watched: Watched, began: RestorePoint | None) -> bool:
    """Whether a job that began from there is the next run after this one: it goes on from the stop's savepoint.

    A job that is recovered goes on from a checkpoint of its own, or from what it was first started from: savepoints
    are no part of a recovery (FLINK-25191).
    """
    kept = watched.stop.savepoint_path if watched.stop else None
    return kept is not None and began is not None and tail(began.path) == tail(kept)
