"""Tells a job that was deployed anew under its Flink job id from one that only came back after a loss.

A stop that storage alone has told of leaves its run lost, and so watched: its application cluster may have been gone
for long, and bring the job back. What is shown again under that id is held back until it is known where it began from.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sluiceway.domain.adoption import Stranger
from sluiceway.domain.engine import Engine, Sighting, Unreachable
from sluiceway.domain.facts import JobState, RunFact, Seen, Silent
from sluiceway.domain.identity import follows, may_be_followed
from sluiceway.domain.observed import FRESH
from sluiceway.domain.place import Place
from sluiceway.domain.watched import Watched

_HELD = Silent("it is not known yet whether this is the job that was stopped, or one that was started after it")


@dataclass(frozen=True, slots=True)
class Return:
    """What is shown again under the id of a run that was lost."""

    stranger: Stranger
    begun_at: float | None = None  # when it was first seen to have begun, on the monotonic clock
    follows: bool = False  # it is another run


class Returning:
    """Asks about each such job until it is known what it is. A service that starts anew asks once more."""

    def __init__(self, engine: Engine) -> None:
        """Nothing has come back yet."""
        self._engine = engine
        self._back: dict[int, Return] = {}  # by run

    async def __call__(
        self, place: Place, watched: Sequence[Watched], sighting: Sighting
    ) -> tuple[Sighting, Mapping[int, Stranger]]:
        """What is seen without what must not be judged yet, and what follows runs that were lost, by their ids."""
        shown = [each for each in watched if may_be_followed(each) and _lives(sighting, each)]
        self._back = {each.run.id: self._back[each.run.id] for each in shown if each.run.id in self._back}
        if not shown:
            return sighting, {}
        held = [each for each in shown if await self._is_held(place, each, sighting)]
        runs = {**sighting.runs, **{each.run.id: _HELD for each in held}}
        known = {each.run.id: back for each in held if (back := self._back.get(each.run.id))}
        return replace(sighting, runs=runs), {run: back.stranger for run, back in known.items() if back.follows}

    async def _is_held(self, place: Place, each: Watched, sighting: Sighting) -> bool:
        """Whether it is another run, or may be one."""
        jid, run = each.run.flink_job_id, each.run.id
        try:
            stranger = (await self._engine.living(place, [jid])).get(jid)
            if stranger is None or stranger.started_at is None:
                return True
            known = self._back.get(run)
            if known is None or known.stranger != stranger:
                known = Return(stranger)
            if known.follows:
                return True
            since = known.begun_at
            if since is None and _has_begun(sighting.runs[run]):
                since = time.monotonic()
            survey = (await self._engine.survey(place, [jid])).get(jid)
        except Unreachable:
            return True
        found = follows(each, survey.began if survey else None)
        self._back[run] = Return(stranger, since, found)
        # What it began from is told some seconds late.
        return found or since is None or time.monotonic() - since < FRESH


def _has_begun(seen: RunFact) -> bool:
    return isinstance(seen, Seen) and seen.state not in {JobState.INITIALIZING, JobState.CREATED}


def _lives(sighting: Sighting, each: Watched) -> bool:
    seen = sighting.runs.get(each.run.id)
    return isinstance(seen, Seen) and not seen.state.terminal
