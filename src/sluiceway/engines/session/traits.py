"""How jobs keep their state, as Flink tells it: asked once in the life of a job, well before its first savepoint."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.health import Proof
from sluiceway.domain.observed import BEGUN, CheckpointSettings
from sluiceway.domain.run import Run
from sluiceway.domain.traits import Traits
from sluiceway.engines.jobmanager.kinds import is_application
from sluiceway.engines.jobmanager.rest import CheckpointConfig, FlinkRest, JobOverview

AT_LEISURE = 20  # jobs that are asked about in one look, while nobody waits for it
IN_HASTE = 200  # and while somebody does
KIND_EVERY = 60.0  # seconds before a cluster is asked anew what it is, for another job
AGAIN_AFTER = 60.0  # seconds before a job is asked about anew at leisure, after it gave no answer

NO_INTERVAL = 2**63 - 1  # what Flink shows of a job without periodic checkpoints

_STORED_IN_MEMORY = "JobManagerCheckpointStorage"
_BACKENDS = {
    "hashmapstatebackend": "hashmap",
    "embeddedrocksdbstatebackend": "rocksdb",
    "forststatebackend": "forst",
}


@dataclass(slots=True)
class Configs:
    """How jobs of one cluster take checkpoints. Their format and their proof are both told by it: it is asked once.

    It is remembered only until both are known. A job that tells nothing is asked again: it may yet begin.
    """

    known: dict[str, CheckpointSettings] = field(default_factory=dict)  # by Flink job id

    def keep(self, runs: Sequence[Run]) -> None:
        """Forget those of runs of which both are known, or that are over."""
        if self.known:
            wanted = {r.flink_job_id for r in runs if r.traits is None or r.health.proof is Proof.UNKNOWN}
            self.known = {jid: config for jid, config in self.known.items() if jid in wanted}

    async def of(self, rest: FlinkRest, jid: str) -> CheckpointSettings | None:
        """A job's; None when it takes none. Raises `Unreachable`."""
        if (known := self.known.get(jid)) is not None:
            return known
        found = await rest.checkpoint_config(jid)
        if found is None:
            return None
        self.known[jid] = settings_of(found)
        return self.known[jid]


def settings_of(config: CheckpointConfig) -> CheckpointSettings:
    """How a job takes checkpoints, and how it keeps its state, in our words."""
    kept = config.externalization
    return CheckpointSettings(
        None if config.interval == NO_INTERVAL else config.interval,
        kept.enabled,
        kept.delete_on_cancellation,
        config.timeout,
        config.unaligned_checkpoints,
        _traits_of(config),
    )


def _traits_of(config: CheckpointConfig) -> Traits:
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
        begun = {jid for jid, job in listed.items() if job.state in BEGUN}
        lacking = {r.flink_job_id: r for r in runs if r.traits is None and r.flink_job_id in begun}
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


async def _traits(rest: FlinkRest, configs: Configs, gate: asyncio.Semaphore, jid: str) -> Traits | None:
    async with gate:
        try:
            settings = await configs.of(rest, jid)
        except Unreachable:
            return None
    return settings.traits if settings else Traits(backend="")
