"""The health of jobs on the command line, and waiting until they work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from sluiceway.cli import words
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.connection import Unreachable
from sluiceway.cli.job_answers import Fare, Health, Job
from sluiceway.cli.language import t
from sluiceway.cli.output import complain
from sluiceway.cli.progress import Board, Line, looks

RUNNING: Final = "job_running"
STARTED: Final = frozenset({RUNNING, "job_finish"})  # a job that reads a bounded source may have read it all
STARTING: Final = frozenset({"job_init", "job_submitting"})
LOOPS_AT: Final = 3  # restarts without a time of calm, from which on a job that is waited for counts as looping


@dataclass(frozen=True, slots=True)
class Started:
    """A job that a command waits for."""

    job: Job
    health: Health | None

    @property
    def up(self) -> bool:
        """Whether it does its work; a job that reads a bounded source may have read it all."""
        runs = self.health is not None and self.health.condition == "running" and self.health.up_at is not None
        return self.job.status in STARTED and (runs or self.job.status != RUNNING)

    @property
    def coming(self) -> bool:
        """Whether it may yet."""
        if self.up or self.job.status not in STARTING | {RUNNING}:
            return False
        return self.health is None or not (self.health.unwell or self.health.restarts >= LOOPS_AT)

    @property
    def why(self) -> str:
        """Its trouble, or what it waits for."""
        if self.job.status_desc or self.up or self.health is None or self.job.status != RUNNING:
            return self.job.status_desc
        if self.health.condition == "running":
            awaited = self.health.proof == "awaited"
            return t("waiting for its first checkpoint") if awaited else t("waiting whether it lasts")
        return t("waiting until all of its tasks run")

    @property
    def status(self) -> str:
        """Its status in our words."""
        return words.statuses([self.job.status])[0]

    @property
    def state(self) -> str:
        """Its status, and while it lives how it fares."""
        return words.state(self.status, self.health)

    @property
    def shown(self) -> dict[str, object]:
        """The same for programs."""
        health = None if self.health is None else msgspec.structs.asdict(self.health)
        named: dict[str, object] = {"job_id": self.job.job_id, "status": self.status, "dli_status": self.job.status}
        named["status_desc"] = self.job.status_desc
        return named | {"runs": self.up, "health": health}


def until_started(client: Client, job_ids: Sequence[int], timeout: float | None) -> list[Started]:
    """Watch jobs until each works or will not, or the time is up."""
    found: dict[int, Started] = {}

    def look() -> list[Started]:
        going_on = [job for job in job_ids if job not in found or found[job].coming]
        fares = client.fares(going_on)
        for job in going_on:
            health = read(fares[job], Fare).health if job in fares else None
            found[job] = Started(read(client.job(job), Job), health)
        return [found[job] for job in job_ids]

    try:
        with Board(t("Starting")) as board:
            for jobs in looks(look, timeout, board.say):
                board.show([_line(job) for job in jobs])
                if not any(job.coming for job in jobs):
                    break
    except (KeyboardInterrupt, Unreachable):
        complain(t("The start goes on. Look again with: sluiceway jobs health"))
        raise
    return list(found.values())


def _line(each: Started) -> Line:
    return Line(each.job.job_id, each.job.name, each.state, each.why, done=not each.coming)


def ails(fare: Fare) -> bool:
    """Whether it is in trouble."""
    unwell = fare.health is not None and (fare.health.unwell or fare.health.condition in words.AILING)
    return unwell or fare.silence is not None
