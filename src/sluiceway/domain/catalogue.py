"""What comes into the catalogue of savepoints, and when: what a turn's change has kept, and what somebody registers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.watched import Change
from sluiceway.domain.way_back import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A savepoint or checkpoint as the catalogue first has it."""

    project: str
    job_id: int
    run_id: int | None  # that has made it; None: no run of ours
    path: str
    size: int | None  # bytes; None: nobody could read it
    created_at: datetime  # when it was complete
    verified_at: datetime | None
    kind: Kind = Kind.SAVEPOINT
    stop_id: int | None = None  # the stop that has kept it,
    save_id: int | None = None  # or the request to take it while the job ran
    batch_id: int | None = None
    format: str = ""  # empty where it has none of its own
    format_why: str = ""
    drained: bool = False
    flink_version: str = ""  # of the cluster; empty where it is not known
    unproven: str = ""  # why a resume does not take it
    registered_at: datetime | None = None  # when somebody has put it here by its path
    protected: bool = False  # retention leaves it alone,
    protected_until: datetime | None = None  # until then; None: for good


def entries(change: Change, now: datetime) -> Iterator[Entry]:
    """The savepoints that a change has kept, the newest last: that of a stop, which ends the run."""
    if (save := change.kept_by_save) is not None:
        yield _kept(change, save, now)
    if (stop := change.kept_by_stop) is not None:
        yield _kept(change, stop, now)


def _kept(change: Change, by: Stop | Save, now: datetime) -> Entry:
    assert by.savepoint_path is not None, "only asked for where one was kept"
    stop = by if isinstance(by, Stop) else None
    wish = stop.policy.format if stop else None
    return Entry(
        project=change.after.project,
        job_id=by.job_id,
        run_id=change.after.run.id,
        path=by.savepoint_path,
        size=by.savepoint_size,
        created_at=now,
        verified_at=now if by.verified else None,
        stop_id=stop.id if stop else None,
        save_id=None if stop else by.id,
        batch_id=stop.batch_id if stop else None,
        format=by.format or wish or SavepointFormat.CANONICAL,
        format_why=by.format_why,
        drained=stop is not None and stop.policy.drain,
        flink_version=change.flink_version,
        unproven=by.unproven,
    )
