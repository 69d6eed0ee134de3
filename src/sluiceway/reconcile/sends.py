"""The commands of one cluster. What has had no answer is sent again, and looked for in the next turn."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from sluiceway.domain.cluster_turn import Answer
from sluiceway.domain.commands import JobCommand
from sluiceway.domain.engine import Engine
from sluiceway.domain.place import Place
from sluiceway.domain.watched import Watched
from sluiceway.reconcile.errands import Errands

LIMIT = 30.0  # seconds for one command, with the wait for its place


class Sends:
    """Remembers what was sent when. This only spares requests: a service that starts anew sends once more."""

    def __init__(self, engine: Engine, at_once: int, again_after: float) -> None:
        """At most so many commands `at_once`; one that was not confirmed is sent again after so many seconds."""
        self._engine = engine
        self._gate = asyncio.Semaphore(at_once)
        self._again_after = again_after
        self._errands: Errands[str, Answer] = Errands("command", LIMIT)
        self._sent_at: dict[str, float] = {}  # when a command was last sent, by its trigger id

    async def send(
        self, cluster: Place, unconfirmed: Mapping[str, Watched], commands: Mapping[str, JobCommand]
    ) -> dict[str, Answer]:
        """Send the commands that are due; what has been answered by now. All are given by their trigger ids.

        `unconfirmed` are those that have had no answer: others are not sent, and nobody waits for them any more.
        """
        now = time.monotonic()
        self._sent_at = {trigger: at for trigger, at in self._sent_at.items() if trigger in unconfirmed}
        due = {trigger: commands[trigger] for trigger in unconfirmed if trigger in commands and self._due(trigger, now)}
        self._sent_at |= dict.fromkeys(due, now)
        asked = {
            trigger: partial(self._ask, cluster, unconfirmed[trigger].run.flink_job_id, command)
            for trigger, command in due.items()
        }
        return await self._errands.answers(asked, keep=unconfirmed)

    async def close(self) -> None:
        """Give up what is under way. What was sent stays sent."""
        await self._errands.close()

    def _due(self, trigger: str, now: float) -> bool:
        rested = trigger not in self._sent_at or now - self._sent_at[trigger] >= self._again_after
        return rested and trigger not in self._errands

    async def _ask(self, cluster: Place, flink_job_id: str, command: JobCommand) -> Answer:
        async with self._gate:
            return await self._engine.send(cluster, flink_job_id, command)
