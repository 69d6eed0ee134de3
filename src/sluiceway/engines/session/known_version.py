"""The version that a cluster runs, as long as the JobManager that told it is there.

One that was started anew, or took over, has begun each of its jobs anew, and its list shows when (`start-time` is when
this JobManager took the job up). So a job that is shown as begun at the same moment as before proves that nothing has
come in between, and the version need not be asked for again, least of all at the moment of a stop.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.jobmanager.rest import JobOverview

EVERY = 60.0  # seconds between questions for it where no job proves that it is still the same
FEW = 4  # jobs that are remembered


@dataclass(slots=True)
class KnownVersion:
    """The last answer. It only saves requests: losing it costs one."""

    text: str = ""  # empty where nobody has told
    _at: float = float("-inf")
    _began: Mapping[str, int] = field(default_factory=dict)  # jobs of the JobManager that told it, and when each began

    def see(self, listed: Sequence[JobOverview]) -> None:
        """Notice whether it is still the same JobManager that shows a list."""
        if any(self._began.get(job.jid) == job.start_time for job in listed):
            self._began = _some(listed)
        elif self._began:
            self._began, self._at = {}, float("-inf")

    async def ask(self, asked: Callable[[], Awaitable[str]], listed: Sequence[JobOverview], now: float) -> str:
        """The version, asked for where the JobManager of a list, which was seen, is not known to be the same."""
        if self._began or now - self._at < EVERY:
            return self.text
        try:
            self.text, self._at = await asked(), now
            self._began = _some(listed)
        except Unreachable:
            self._at = float("-inf")
        return self.text


def _some(listed: Sequence[JobOverview]) -> Mapping[str, int]:
    """A few jobs, preferably those that will be shown for longer."""
    last = chain((job for job in listed if job.lives), (job for job in listed if job.over))
    return {job.jid: job.start_time for job in islice((job for job in last if job.start_time > 0), FEW)}
