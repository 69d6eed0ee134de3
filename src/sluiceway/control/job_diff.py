"""What has changed between a job as it was when its state was made, and as it is now."""

from collections.abc import Sequence
from dataclasses import dataclass

from sluiceway.control.errors import UnknownJob
from sluiceway.control.way_back import WaysBack
from sluiceway.domain.spec_changes import Change, changes
from sluiceway.store import past, past_specs, views


@dataclass(frozen=True, slots=True)
class JobDiff:
    """The job then and now."""

    sql_now: str
    path: str | None = None  # of the state that a resume would take now; None while the job runs, or without any
    run_id: int | None = None  # that has made it; of a job that runs: that run
    sql_before: str | None = None  # None: nobody knows
    changes: Sequence[Change] = ()  # of everything but the SQL


@dataclass(frozen=True, slots=True)
class JobDiffs:
    """The use case. Call it; nothing is stored, and nothing runs."""

    look: WaysBack

    async def __call__(self, project: str, job_id: int) -> JobDiff:
        """Raises `UnknownJob`."""
        db = self.look.db
        origin = (await views.origins(db, project, [job_id])).get(job_id)
        now = (await past.specs_of_jobs(db, [job_id])).get(job_id) if origin else None
        if origin is None or now is None:
            raise UnknownJob(f"There is no job {job_id} in this project.")
        back = (await self.look(project, [origin])).get(job_id)
        state = back.state if back else None
        run_id = state.run_id if state else origin.run_id if back is None else None
        path = state.path if state else None
        before = (await past_specs.specs_of(db, [run_id])).get(run_id) if run_id is not None else None
        if before is None:
            return JobDiff(now.sql, path, run_id)
        return JobDiff(now.sql, path, run_id, before.sql, changes(before, now))
