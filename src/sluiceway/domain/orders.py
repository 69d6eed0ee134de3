"""Orders: what somebody asks for at once, and the outcome. Plain data, so that each can be stored and replayed.

HTTP, the commands and the page place the same orders. Whether the caller has the right to it is no part of an order: it
is asked when the order is placed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sluiceway.domain.admission import ACCEPTED, Refusal, Verdict
from sluiceway.domain.batch import Limits
from sluiceway.domain.coming_back import BackWish
from sluiceway.domain.moving import Destination
from sluiceway.domain.plan import PlanRef, Shown
from sluiceway.domain.policy import PLAIN, SavepointFormat, StopPolicy
from sluiceway.domain.way_back import Allowed


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's name for an order, and a digest of the request that placed it.

    Each caller has names of their own: what others were answered is not what this caller would be.
    """

    name: str
    digest: str
    who: str

    @property
    def stored(self) -> str:
        """The name among those of all callers, in whose own names there is no blank."""
        return f"{self.who} {self.name}"


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Stop these jobs. An id that is given twice is acted on once, and answered twice."""

    project: str
    jobs: Sequence[int]
    savepoint: bool = True
    reason: str = ""
    policy: StopPolicy = PLAIN
    limits: Limits = field(default_factory=Limits)
    target: str | None = None  # a directory (URI) for these savepoints; None: each job's own
    waves: Mapping[int, int] = field(default_factory=dict)  # of jobs by id; one without is in the first
    who: str = ""
    stopped_is_done: bool = False  # a job that is stopped already is a success that says so
    at_rest_is_done: bool = False  # a job that does not run, for whatever reason, is marked as stopped, and a success
    after_savepoint: bool = False  # a job of which a savepoint is being taken is stopped once that has ended
    plan: PlanRef | None = None  # the dry run that it carries out
    shown: Mapping[int, str] | None = None  # of its jobs by id: the Flink jobs that were shown, and no others
    key: Key | None = None  # for orders that may be sent again
    retry_of: int | None = None  # the order of which it takes what failed
    to: Destination | None = None  # of a move: where its jobs are started then
    decided: Mapping[int, Verdict] = field(default_factory=dict)  # of a move, of jobs by id: what was found beforehand

    @property
    def gated(self) -> bool:
        """Whether its stops wait for their turn, instead of beginning at once."""
        return len(set(self.waves.values())) > 1 or self.limits != Limits()


@dataclass(frozen=True, slots=True)
class StartOrder:
    """Start these jobs, from nothing or from their newest states. An id that is given twice is acted on once."""

    project: str
    jobs: Sequence[int]
    resume: bool | None = True  # None: as each job says (`resume_checkpoint`), if it has failed
    who: str = ""
    places: Mapping[int, str] = field(default_factory=dict)  # of jobs by id: the cluster that is theirs from now on
    running: bool = False  # they run, and are judged as if each had stopped with a savepoint; nothing is stored
    allow: frozenset[Allowed] = frozenset()  # what is done only where it is asked for by name
    dry_run: bool = False  # nothing is stored, and no job is touched
    plan: PlanRef | None = None  # the dry run that it carries out
    shown: Sequence[Shown] | None = None  # by that; nothing is started where anything else would be shown now


@dataclass(frozen=True, slots=True)
class ResumeOrder:
    """Bring jobs back as one thing: these, or those of a stop, or those that failed in another such order."""

    project: str
    jobs: Sequence[int] = ()
    stop: int | None = None  # the stop, with its retries, whose jobs to bring back; of these only `jobs`, if any
    failed: bool = False  # with `stop`: only what failed of the last way back from it
    retry_of: int | None = None  # in place of `jobs`: the way back of which to try again what failed
    wish: BackWish = field(default_factory=BackWish)
    who: str = ""
    allow: frozenset[Allowed] = frozenset()
    dry_run: bool = False
    plan: PlanRef | None = None
    shown: Sequence[Shown] | None = None
    key: Key | None = None
    places: Mapping[int, str] = field(default_factory=dict)  # of jobs by id: the cluster that is theirs from now on

    def starts(self, jobs: Sequence[int]) -> StartOrder:
        """The order to start jobs that it becomes, once its jobs are known."""
        return StartOrder(
            self.project,
            jobs,
            who=self.who,
            places=self.places,
            allow=self.allow,
            dry_run=self.dry_run,
            plan=self.plan,
            shown=self.shown,
        )


@dataclass(frozen=True, slots=True)
class SaveOrder:
    """Take a savepoint of each of these jobs, which run on. An id that is given twice is acted on once."""

    project: str
    jobs: Sequence[int]
    path: str | None = None  # a directory under the storage root, in which each job gets one of its own
    who: str = ""
    format: SavepointFormat | None = None  # None: whichever does the job no harm


@dataclass(frozen=True, slots=True)
class Placed:
    """The outcome of an order, job by job. Kept under its key: a repeat gets its answer from this."""

    id: int | None  # of the batch to look at; None where there is none
    jobs: Sequence[int]  # one for each position of the order
    odd: Mapping[int, Verdict] = field(default_factory=dict)  # by job; the others are accepted, and that is all
    waves: Mapping[int, int] = field(default_factory=dict)  # of jobs by id; one without is in the first

    @property
    def verdicts(self) -> list[Verdict]:
        """One for each position. Positions share their verdicts, so that an answer is rendered once for all alike."""
        return [self.odd.get(job, ACCEPTED) for job in self.jobs] if self.odd else [ACCEPTED] * len(self.jobs)

    @property
    def by_job(self) -> dict[int, Verdict]:
        """The verdict on each job."""
        return dict(zip(self.jobs, self.verdicts, strict=True))

    @property
    def barred(self) -> set[str]:
        """The clusters on which the caller had no right to it."""
        return {verdict.note for verdict in self.odd.values() if verdict.refusal is Refusal.FORBIDDEN}
