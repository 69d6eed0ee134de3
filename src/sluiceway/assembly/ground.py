"""What a job's life is managed with: the use cases that change it, and the workers that carry them out.

The service, the tests' control plane and the simulation build theirs here, each on a ground of its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.fits import Judge
from sluiceway.control.import_savepoint import ImportSavepoint
from sluiceway.control.move_jobs import MoveJobs
from sluiceway.control.preflight import Preflight
from sluiceway.control.queries import Queries
from sluiceway.control.queues import Queues
from sluiceway.control.resume_jobs import ResumeJobs
from sluiceway.control.retry_stops import RetryStops
from sluiceway.control.sql_checks import SqlChecks
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.control.take_savepoints import TakeSavepoints
from sluiceway.control.way_back import Options, own_options
from sluiceway.domain.engine import Engine
from sluiceway.domain.place import Place
from sluiceway.reconcile.hearing import Hearing
from sluiceway.reconcile.pace import Pace
from sluiceway.reconcile.submissions import Submissions
from sluiceway.reconcile.turn import Turn, TurnSettings
from sluiceway.reconcile.worker import Reconciler
from sluiceway.storage.savepoints import Storage
from sluiceway.store.database import Database
from sluiceway.store.work import Records

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on."""

    db: Database
    storage: Storage
    engine: Engine
    clock: Clock


@dataclass(frozen=True, slots=True)
class Judging:
    """What tells beforehand whether jobs fit their states; without it nobody does."""

    judge: Judge | None = None
    options: Options = own_options  # that a job's SQL sets; see `WaysBack`
    zone: str = "UTC"  # that SQL is planned under which has none of its own, and has never run
    check_sql: SqlChecks | None = None  # tells SQL that cannot run; without it its submission does


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The use cases that jobs live by, under the names by which the API asks for them."""

    stop_jobs: StopJobs
    retry_stops: RetryStops
    start_jobs: StartJobs
    resume_jobs: ResumeJobs
    move_jobs: MoveJobs
    edit_jobs: EditJobs
    take_savepoints: TakeSavepoints
    import_savepoint: ImportSavepoint
    queries: Queries
    preflight: Preflight


def lifecycle(ground: Ground, queues: Queues, timeout: timedelta, judging: Judging = Judging()) -> Lifecycle:
    """The use cases; `timeout` bounds a stop or savepoint that names no bound of its own."""
    db, storage, engine, clock = ground.db, ground.storage, ground.engine, ground.clock
    stop_jobs = StopJobs(db, queues, storage, clock, timeout)
    start_jobs = StartJobs(
        db,
        queues,
        storage,
        clock,
        judging.zone,
        judging.judge,
        judging.options,
        judging.check_sql,
        engine.version,
        engine.jars,
    )
    resume_jobs = ResumeJobs(start_jobs)
    preflight = Preflight(db, queues, storage, engine, clock, judging.options)
    return Lifecycle(
        stop_jobs=stop_jobs,
        retry_stops=RetryStops(stop_jobs),
        start_jobs=start_jobs,
        resume_jobs=resume_jobs,
        move_jobs=MoveJobs(stop_jobs, resume_jobs, preflight),
        edit_jobs=EditJobs(db, queues, storage, clock, timeout),
        take_savepoints=TakeSavepoints(db, queues, storage, clock, timeout),
        import_savepoint=ImportSavepoint(db, storage, clock),
        queries=Queries(db, queues, engine),
        preflight=preflight,
    )


def workers(
    ground: Ground,
    locate: Callable[[str], Place | None],
    names: Iterable[str],
    each: TurnSettings,
    pace: Pace | None = None,
) -> tuple[Reconciler, Queues]:
    """The workers of all clusters, not yet started, and the queues that wake them. `names`: the default one first."""

    records, each = Records(ground.db), replace(each, locate=locate)

    def turns(_: str) -> Turn:
        return Turn(ground.db, ground.engine, ground.storage, Submissions(ground.engine), each, ground.clock, records)

    hearing = Hearing(ground.db, ground.clock)
    reconciler = Reconciler(ground.db, locate, turns, ground.clock, pace, hearing)
    return reconciler, Queues(tuple(names), locate, reconciler.wake)
