"""How jobs keep their state, as Flink tells it: asked once in the life of a job, well before its first savepoint."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import JobState
from sluiceway.domain.health import Proof
from sluiceway.domain.run import Run
from sluiceway.domain.traits import Traits
from sluiceway.engines.jobmanager.kinds import is_application
from sluiceway.engines.jobmanager.rest import CheckpointConfig, FlinkRest, JobOverview

AT_LEISURE = 20  # jobs that are asked about in one look, while nobody waits for it
IN_HASTE = 200  # and while somebody does
KIND_EVERY = 60.0  # seconds before a cluster is asked anew what it is, for another job
AGAIN_AFTER = 60.0  # seconds before a job is asked about anew at leisure, after it gave no answer

_STORED_IN_MEMORY = "JobManagerCheckpointStorage"
_BACKENDS = {
    "hashmapstatebackend": "hashmap",
    "embeddedrocksdbstatebackend": "rocksdb",
    "forststatebackend": "forst",
}
_BEGUN = frozenset({JobState.RUNNING, JobState.RESTARTING})


@dataclass(slots=True)
class Configs:
    """How jobs of one cluster take checkpoints. Their format and their proof are both told by it: it is asked once.

    It is remembered only until both are known. A job that tells nothing is asked again: it may yet begin.
    """

    known: dict[str, CheckpointConfig] = field(default_factory=dict)  # by Flink job id

    def keep(self, runs: Sequence[Run]) -> None:
        """Forget those of runs of which both are known, or that are over."""
        if self.known:
            wanted = {r.flink_job_id for r in runs if r.traits is None or r.health.proof is Proof.UNKNOWN}
            self.known = {jid: config for jid, config in self.known.items() if jid in wanted}

    async def of(self, rest: FlinkRest, jid: str) -> CheckpointConfig | None:
        """A job's; None when Flink tells nothing of it. Raises `Unreachable`."""
        if (known := self.known.get(jid)) is not None:
            return known
        found = await rest.checkpoint_config(jid)
        if found is not None:
            self.known[jid] = found
        return found


def traits_of(config: CheckpointConfig | None) -> Traits:
    """What Flink tells of a job, or that it tells nothing."""
    if config is None:
        return Traits(backend="")
    name = config.state_backend.strip().lower()
    return Traits(
        backend=_BACKENDS.get(name, name[:100]),
        changelog=config.state_changelog_enabled,
        in_memory=config.checkpoint_storage == _STORED_IN_MEMORY if config.checkpoint_storage else None,
        after_finish=config.checkpoints_after_tasks_finish,
    )


@dataclass(slots=True)
class Curiosity:
    """The jobs of a cluster that gave no answer when asked. It only saves requests."""

    silent: dict[int, float] = field(default_factory=dict)  # until when, by the run's id

    async def ask(
        self,
        rest: FlinkRest,
        configs: Configs,
        gate: asyncio.Semaphore,
        listed: Mapping[str, JobOverview],
        runs: Sequence[Run],
        urgent: Sequence[str],
    ) -> dict[int, Traits]:
        """The traits of those that have none yet; those of `urgent` jobs (Flink job ids) first.

        An urgent one that gives no answer is told as unknown, so that nobody waits for it.
        """
        if all(run.traits is not None for run in runs):
            return {}
        lacking = {r.flink_job_id: r for r in runs if r.traits is None and has_begun(listed.get(r.flink_job_id))}
        now = time.monotonic()
        self.silent = {i: at for i, at in self.silent.items() if at > now}
        hasty = [lacking[jid] for jid in dict.fromkeys(urgent) if jid in lacking][:IN_HASTE]
        waited_for = {run.id for run in hasty}
        idle = [run for run in lacking.values() if run.id not in self.silent and run.id not in waited_for]
        asked = [*hasty, *idle[: max(AT_LEISURE - len(hasty), 0)]]
        answers = await asyncio.gather(*(_traits(rest, configs, gate, run.flink_job_id) for run in asked))
        told = dict(zip((run.id for run in asked), answers, strict=True))
        self.silent |= {run_id: now + AGAIN_AFTER for run_id, traits in told.items() if traits is None}
        return {i: traits or Traits() for i, traits in told.items() if traits is not None or i in waited_for}


@dataclass(slots=True)
class KindOfCluster:
    """Whether a cluster goes with its jobs. It is asked when a job is first asked about, and seldom."""

    known: bool | None = None
    of: tuple[str, ...] = ()  # the addresses that it was asked at
    at: float = float("-inf")

    async def tell(
        self, rest: FlinkRest, urls: tuple[str, ...], now: float, runs: Sequence[Run], traits: dict[int, Traits]
    ) -> dict[int, Traits]:
        """The same traits, with what the cluster is; of jobs that we submitted it is none that goes with them."""
        strange = {run.id for run in runs if run.id in traits and run.checkpoints is None}
        if not strange:
            return traits
        application = await self._ask(rest, urls, now)
        return traits | {run_id: replace(traits[run_id], application=application) for run_id in strange}

    async def _ask(self, rest: FlinkRest, urls: tuple[str, ...], now: float) -> bool | None:
        """It; None where the cluster does not tell."""
        if self.known is None or urls != self.of or now - self.at >= KIND_EVERY:
            try:
                self.known = is_application(await rest.cluster_options())
            except Unreachable:
                self.known = None
            self.of, self.at = urls, now
        return self.known


def has_begun(job: JobOverview | None) -> bool:
    """Whether Flink tells how it takes checkpoints. Before, it answers as of a job that takes none."""
    return job is not None and job.state in _BEGUN


async def _traits(rest: FlinkRest, configs: Configs, gate: asyncio.Semaphore, jid: str) -> Traits | None:
    async with gate:
        try:
            return traits_of(await configs.of(rest, jid))
        except Unreachable:
            return None
