"""Jobs of a cluster that were not asked about."""

from datetime import UTC, datetime

from sluiceway.domain.adoption import Stranger
from sluiceway.engines.jobmanager.rest import JobOverview

LONGEST = 512  # characters of a name; two jobs that are the same until there have the same name


def stranger_of(job: JobOverview) -> Stranger:
    """What the overview tells of it."""
    began = datetime.fromtimestamp(job.start_time / 1000, UTC) if job.start_time > 0 else None
    return Stranger(job.jid, job.name[:LONGEST], began, batch=job.batch is True)
