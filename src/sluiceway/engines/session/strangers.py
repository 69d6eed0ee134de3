"""Jobs of a cluster that were not asked about."""

from datetime import UTC, datetime

from sluiceway.domain.adoption import Stranger
from sluiceway.engines.jobmanager.rest import JobOverview

LONGEST = 512  # characters of a name; two jobs that are the same until there have the same name


def stranger_of(job: JobOverview) -> Stranger:
    """What the overview tells of it."""
    return Stranger(job.jid, job.name[:LONGEST], moment(job.start_time), batch=job.batch is True)


def moment(ms: int) -> datetime | None:
    """A moment as Flink tells it; None where there is none."""
    return datetime.fromtimestamp(ms / 1000, UTC) if ms > 0 else None
