"""What an attempt that has failed did to its job: nothing, or a restart, from a checkpoint or from nothing.

Flink answers about a job from a cache that is some 3 s old, but for its list of jobs. So a restart is seen in the list,
by the time at which a task last changed its state, and what the job was restored from is believed only when it is
certainly younger than that. See the contract, "Formats, state backends".
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sluiceway.domain.facts import JobState, Recovering, Refusal, Refused, Restart
from sluiceway.engines.jobmanager.failures import AttemptFailed, both
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints, FlinkRest, JobOverview

FRESH = 4.0  # seconds after which no answer of Flink's is from before (`web.refresh-interval` is 3 s)
SETTLE = 0.5  # seconds that Flink has to begin the restart that a failure brings about

_UNTOUCHED = frozenset({Refusal.NOT_READY, Refusal.UNSUPPORTED})  # refused before anything was done to the job


@dataclass(slots=True)
class _Heard:
    since: float  # when the failure was heard of
    back: float | None = None  # since when the job has been seen running, without a break
    anew: float | None = None  # when it was first seen to have begun to run again since the attempt was sent
    began: int | None = None  # when it last did so, by the cluster's clock


@dataclass(frozen=True, slots=True)
class NotYet:
    """It cannot be told yet."""


@dataclass(slots=True)
class Aftermaths:
    """The failures of one cluster that are being looked into, by trigger id. Forgetting them costs some seconds."""

    heard: dict[str, _Heard] = field(default_factory=dict)
    over: dict[str, float] = field(default_factory=dict)  # when an attempt was first asked about once it was over

    def keep(self, triggers: Collection[str]) -> None:
        """Forget all others."""
        self.heard = {trigger: heard for trigger, heard in self.heard.items() if trigger in triggers}
        self.over = {trigger: at for trigger, at in self.over.items() if trigger in triggers}

    def old_answers_are_gone(self, trigger: str) -> bool:
        """Whether no answer about the job of an attempt that is over can be from before its end."""
        now = time.monotonic()
        return now - self.over.setdefault(trigger, now) >= FRESH

    async def of_failure(
        self, rest: FlinkRest, job: JobOverview | None, trigger: str, sent: datetime | None, failed: AttemptFailed
    ) -> Refused | Recovering:
        """What to make of an attempt that failed while its job lives. `sent`: since when no task had changed then.

        `job` is None as long as the cluster's list leaves it out, which proves nothing.

        Raises `Unreachable`.
        """
        if failed.refusal in _UNTOUCHED or sent is None:
            return Refused(failed.refusal, failed.text)
        if job is None:
            return Recovering(failed.text.rstrip("."))
        restart = await self.restart(rest, job, trigger, sent, settle=SETTLE)
        if isinstance(restart, NotYet):
            return Recovering(failed.text.rstrip("."))
        cause = await rest.failure_since(job.jid, _ms(sent)) if restart else ""
        return Refused(failed.refusal, both(failed.text, cause), restart)

    async def restart(
        self, rest: FlinkRest, job: JobOverview, trigger: str, sent: datetime, settle: float = 0.0
    ) -> Restart | NotYet | None:
        """The restart of a job since then; None when there was none, and none comes within `settle` seconds.

        Raises `Unreachable`.
        """
        now = time.monotonic()
        if job.ready and job.last_modification <= _ms(sent) and settle == 0.0:
            return None
        heard = self.heard.setdefault(trigger, _Heard(now))
        if now - heard.since < settle:
            return NotYet()
        if job.ready and job.last_modification <= _ms(sent):
            return None
        if job.state is None:
            return NotYet()
        if job.state is not JobState.RUNNING:
            heard.back = None
        elif heard.back is None:
            heard.back = now
        began = await rest.running_since(job.jid, job.state)
        if began is not None and began > _ms(sent):
            heard.began, heard.anew = began, now if heard.anew is None else heard.anew
        if heard.began is None or heard.anew is None:
            return None if heard.back is not None and now - heard.back >= FRESH else NotYet()
        found = await rest.checkpoints(job.jid)
        restored = found.latest.restored if found else None
        if found and restored and restored.restore_timestamp > _ms(sent):
            return Restart(_moment(heard.began), restored.external_path or "a checkpoint", _as_of(found, restored))
        # It may be about to restart once more: what it was brought back from is told all the same.
        return Restart(_moment(heard.began), None) if now - heard.anew >= FRESH else NotYet()

    async def cause_of_end(self, rest: FlinkRest, jid: str, trigger: str, text: str) -> str | None:
        """Why a job failed for good after its attempt had failed with this text; None as long as Flink may yet tell.

        Raises `Unreachable`.
        """
        now = time.monotonic()
        heard = self.heard.setdefault(trigger, _Heard(now))
        cause = await rest.failure_since(jid, 0)
        if cause or now - heard.since >= FRESH:
            return both(text, cause)
        return None


def _as_of(found: Checkpoints, restored: CheckpointInfo) -> datetime | None:
    known = [*found.history, *([found.latest.completed] if found.latest.completed else [])]
    taken = next((c.trigger_timestamp for c in known if c.id == restored.id and c.trigger_timestamp), None)
    return None if taken is None else _moment(taken)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
