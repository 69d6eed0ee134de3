"""Our job statuses under DLI's names. An unwell job has the same name as a failed one."""

from collections.abc import Mapping
from typing import Final

from sluiceway.domain.job import JobStatus

NAMES: Final[Mapping[JobStatus, str]] = {
    JobStatus.DRAFT: "job_init",
    JobStatus.SUBMITTING: "job_submitting",
    JobStatus.SUBMIT_FAILED: "job_submit_fail",
    JobStatus.RUNNING: "job_running",
    JobStatus.UNWELL: "job_running_exception",
    JobStatus.FAILED: "job_running_exception",
    JobStatus.SAVEPOINTING: "job_savepointing",
    JobStatus.CANCELING: "job_canceling",
    JobStatus.STOPPED: "job_cancel_success",
    JobStatus.STOP_FAILED: "job_cancel_fail",
    JobStatus.FINISHED: "job_finish",
}
STATUSES: Final = {name: tuple(s for s in NAMES if NAMES[s] == name) for name in NAMES.values()}
NEVER_HERE: Final = frozenset({"job_downloading", "job_idle", "job_arrearage_stopped", "job_arrearage_recovering"})


def dli_status(status: JobStatus) -> str:
    """The name that DLI clients know."""
    return NAMES[status]
