"""Plans: dry runs that are kept, compared with the jobs of now, and then carried out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sluiceway.control.errors import PlanOutdated, UnknownPlan
from sluiceway.control.preflight import Finding
from sluiceway.domain.admission import Verdict
from sluiceway.domain.plan import ACCEPTED, Plan, PlanKind, PlanRef, Shown, differences
from sluiceway.domain.way_back import Weight
from sluiceway.store import plans
from sluiceway.store.database import Database
from sluiceway.store.trouble import DatabaseUnavailable

LASTS: Final = timedelta(hours=12)
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class KeptPlans:
    """The use cases around plans."""

    db: Database
    clock: Callable[[], datetime]

    async def keep(self, project: str, kind: PlanKind, who: str, request: str, jobs: Sequence[Shown]) -> int | None:
        """Keep a dry run; its id, or None while the database stores nothing: a look must work on a full disk, too."""
        now = self.clock()
        try:
            return await plans.keep(self.db, Plan(0, project, kind, who, now, now + LASTS, request, jobs))
        except DatabaseUnavailable:
            return None

    async def find(self, project: str, plan_id: int, kind: PlanKind) -> Plan:
        """A plan of this kind that has not expired. Raises `UnknownPlan`."""
        found = await plans.find(self.db, project, plan_id)
        if found is None or found.expires_at <= self.clock():
            raise UnknownPlan(
                f"There is no plan {plan_id} in this project, or no longer: plans last "
                f"{LASTS // timedelta(hours=1)} hours. Make the dry run again."
            )
        if found.kind is not kind:
            raise UnknownPlan(f"Plan {plan_id} is one of a {found.kind}, and not of a {kind}.")
        return found


def hold(plan: PlanRef, was: Sequence[Shown], now: Sequence[Shown]) -> None:
    """Raises `PlanOutdated` where the jobs no longer match."""
    if found := differences(was, now):
        raise PlanOutdated(plan.id, found)


def of_stop(findings: Sequence[Finding]) -> list[Shown]:
    """What the dry run of a stop has shown, without numbers: those change by themselves. An id counts once."""
    once = {finding.job_id: finding for finding in findings}
    return [
        Shown(job, _verdict(finding.verdict), finding.flink_job_id, tuple(_about(finding)))
        for job, finding in once.items()
    ]


def of_starts(verdicts: Mapping[int, Verdict]) -> list[Shown]:
    """What the dry run of starts has shown."""
    return [_started(job, verdict) for job, verdict in verdicts.items()]


def _started(job: int, verdict: Verdict) -> Shown:
    back = verdict.back
    state = back.state.path if back and back.state else ""
    concerns = back.concerns if back else ()
    serious = {concern.trouble.value for concern in concerns if concern.weight is not Weight.NOTE}
    return Shown(job, _verdict(verdict), state, tuple(sorted(serious)))


def _verdict(verdict: Verdict) -> str:
    if verdict.refusal is not None:
        return verdict.refusal.value
    return ACCEPTED if verdict.status is None else f"already {verdict.status}"


def _about(finding: Finding) -> list[str]:
    chosen = finding.choice.format if finding.choice else None
    serious = {one.trouble.value for one in finding.way_back if one.weight is not Weight.NOTE}
    problems = [_NUMBER.sub("#", problem) for problem in finding.problems]
    return [*([chosen.value] if chosen else []), *problems, *sorted(serious)]
