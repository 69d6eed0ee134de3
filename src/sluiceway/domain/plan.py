"""A dry run that can be carried out: each job as shown, and its differences from now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PlanKind(StrEnum):
    """What a plan is a plan of."""

    STOP = "stop"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Shown:
    """One job as a dry run has shown it, as far as a change matters."""

    job_id: int
    verdict: str  # accepted, or why not
    subject: str = ""  # the Flink job that would be stopped, or the state that it would be resumed from
    about: Sequence[str] = ()  # what was said about it, without what changes by itself

    @property
    def accepted(self) -> bool:
        """Whether it is acted on."""
        return self.verdict == ACCEPTED


ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class PlanRef:
    """The plan that an order carries out, and its maker."""

    id: int
    who: str

    @property
    def told(self) -> str:
        """For the audit."""
        return f"As plan {self.id} of {self.who or 'somebody'} shows."


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run as it was shown."""

    id: int
    project: str
    kind: PlanKind
    who: str  # made it
    created_at: datetime
    expires_at: datetime
    request: str  # as the API that made it has it
    jobs: Sequence[Shown]

    @property
    def ref(self) -> PlanRef:
        """It in an order that carries it out."""
        return PlanRef(self.id, self.who)


@dataclass(frozen=True, slots=True)
class Difference:
    """How one job differs from the plan."""

    job_id: int
    was: str
    now: str


def differences(was: Sequence[Shown], now: Sequence[Shown]) -> list[Difference]:
    """Every job that no longer matches, in the order of the plan."""
    before, after = _by_job(was), _by_job(now)
    jobs = dict.fromkeys((*before, *after))
    return [
        Difference(job, _told(before.get(job)), _told(after.get(job)))
        for job in jobs
        if before.get(job) != after.get(job)
    ]


def _by_job(shown: Sequence[Shown]) -> Mapping[int, Shown]:
    return {one.job_id: one for one in shown}


def _told(shown: Shown | None) -> str:
    if shown is None:
        return "not in it"
    return ", ".join(filter(None, (shown.verdict, shown.subject, *shown.about)))
