"""The engine for session clusters: Flink's REST API on one side, facts and commands on the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import aiohttp

from sluiceway.domain.commands import JobCommand, StopWithSavepoint, TakeSavepoint
from sluiceway.domain.engine import Cluster, Sighting, SubmitAnswer, Survey, Traffic, Unreachable
from sluiceway.domain.facts import (
    Acknowledged,
    JobState,
    MustClaim,
    Refused,
    RunFact,
    Silent,
    SnapshotFact,
    SubmitRefused,
    Submitted,
)
from sluiceway.domain.health import UNSEEN
from sluiceway.domain.job import JobSpec
from sluiceway.domain.operations.snapshot import Snapshot
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.run import Run
from sluiceway.engines import vitals
from sluiceway.engines.attention import Attention, about_to_save
from sluiceway.engines.changelog import WORDS, keeps_changelog
from sluiceway.engines.flink_rest import FlinkRest, JobOverview
from sluiceway.engines.look import Look, all_of
from sluiceway.engines.restore_words import OperatorNames, named, nobody_knows
from sluiceway.engines.slots import Slots
from sluiceway.engines.surveys import survey_of
from sluiceway.engines.traffic import traffic

T = TypeVar("T")
OptionsOf = Callable[[Cluster, Run, JobSpec], Awaitable[Mapping[str, str]]]
Submit = Callable[[Cluster, Run, str, JobSpec], Awaitable[Submitted | SubmitRefused | Silent]]

AT_ONCE = 100  # questions under way at one cluster
VERSION_EVERY = 60.0  # seconds between questions for a cluster's version


async def own_options(_: Cluster, __: Run, spec: JobSpec) -> Mapping[str, str]:
    """What is set beside the SQL."""
    return spec.options


class SessionEngine:
    """Observes and commands session clusters. One overview a look; attempts are asked about only where it matters."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        submit: Submit,
        timeout: float = 10.0,
        options: OptionsOf = own_options,
        names: OperatorNames = nobody_knows,
    ) -> None:
        """`submit` plans and hands over a job; `timeout` is seconds for one request.

        `options` reads what a job's SQL sets, and may raise `Unreachable`. `names` tells the names of the operators in
        a state, and never raises.
        """
        self._options = options
        self._names = names
        self._session = session
        self._submit = submit
        self._timeout = timeout
        self._attention: dict[str, Attention] = {}
        self._slots = Slots(self.rest)

    def rest(self, cluster: Cluster) -> FlinkRest:
        """The cluster's REST API."""
        return FlinkRest(self._session, cluster.url, self._timeout)

    async def submit(self, cluster: Cluster, run: Run, name: str, spec: JobSpec) -> SubmitAnswer:
        """Plan the job and hand it over; see `Engine`."""
        if run.restore is not None and not run.claims:
            try:
                told = any(word in spec.sql for word in WORDS)
                options = await self._options(cluster, run, spec) if told else spec.options
            except Unreachable as error:
                return Silent(str(error))
            if await keeps_changelog(self.rest(cluster), options):
                return MustClaim()
        answer = await self._submit(cluster, run, name, spec)
        if isinstance(answer, SubmitRefused):
            return replace(answer, text=await named(answer.text, run.restore, self._names))
        return answer

    async def flink_job(self, cluster: Cluster, flink_job_id: str) -> dict[str, object] | None:
        """Flink's own description of a job, with the back pressure of what runs. Raises `Unreachable`."""
        rest = self.rest(cluster)
        job = await rest.job(flink_job_id)
        if job is not None and job.get("state") == JobState.RUNNING:
            await asyncio.gather(*(_add_pressure(rest, flink_job_id, vertex) for vertex in job.get("vertices", ())))
        return job

    async def version_of(self, url: str) -> str:
        """The version of Flink that a cluster runs, by the URL of its REST API. Raises `Unreachable`."""
        return (await FlinkRest(self._session, url, self._timeout).overview()).flink_version

    async def free_slots(self, cluster: Cluster) -> int | None:
        """How many slots are free; None where nobody knows, and where the cluster may grow."""
        return await self._slots.free(cluster)

    async def traffic(self, cluster: Cluster, flink_job_id: str) -> Traffic | None:
        """What flows through a job; None when Flink knows no such job. Raises `Unreachable`."""
        return await traffic(self.rest(cluster), flink_job_id)

    async def send(self, cluster: Cluster, flink_job_id: str, command: JobCommand) -> Acknowledged | Refused | Silent:
        """Ask once; see `Engine`."""
        rest = self.rest(cluster)
        try:
            if isinstance(command, StopWithSavepoint):
                return await rest.stop(
                    flink_job_id,
                    trigger=command.trigger,
                    target=command.target,
                    drain=command.drain,
                    native=command.format is SavepointFormat.NATIVE,
                )
            if isinstance(command, TakeSavepoint):
                return await rest.savepoint(
                    flink_job_id,
                    trigger=command.trigger,
                    target=command.target,
                    native=command.format is SavepointFormat.NATIVE,
                )
            answer = await rest.cancel(flink_job_id)
        except Unreachable as error:
            return Silent(str(error))
        # A job that is over or unknown will be seen as such by the next look, which is surer than this answer.
        return answer if isinstance(answer, Acknowledged) else Silent(answer.text)

    async def observe(
        self, cluster: Cluster, runs: Sequence[Run], stops: Sequence[Stop], snapshots: Sequence[Snapshot]
    ) -> Sighting:
        """Look once; see `Engine`."""
        watched = {r.flink_job_id for r in runs} | {s.flink_job_id for s in stops} | {s.flink_job_id for s in snapshots}
        listed = {job.jid: job for job in await self.rest(cluster).jobs(watched)}
        attention = self._attention.setdefault(cluster.name, Attention())
        look = Look(self.rest(cluster), cluster, listed, asyncio.Semaphore(AT_ONCE), attention.aftermaths, self._names)
        look.doubtful = {run.flink_job_id for run in runs if run.restore and run.health.proof in UNSEEN}
        run_facts = dict(
            zip((r.id for r in runs), await all_of((r.flink_job_id, partial(look.run, r)) for r in runs), strict=True)
        )
        by_flink_id = {run.flink_job_id: run_facts[run.id] for run in runs}
        look.suspects = suspects = attention.suspects(stops, time.monotonic())
        asked = attention.to_ask(stops, listed, time.monotonic()) | suspects
        facts = await all_of(
            (s.flink_job_id, partial(look.stop, s, by_flink_id.get(s.flink_job_id), ask=s.id in asked)) for s in stops
        )
        attention.note(asked, stops, facts, time.monotonic())
        saved = await _snapshot_facts(look, attention, snapshots, by_flink_id)
        attention.forget(stops, snapshots)
        attention.configs.keep(runs)
        urgent = about_to_save(stops, snapshots)
        traits = await attention.traits.ask(look.rest, attention.configs, look.gate, listed, runs, urgent)
        embedded = cluster.life is not None  # nobody can tell of another's
        living = [(r, job) for r in runs if r.live and (job := listed.get(r.flink_job_id)) and _lives(job)]
        ask = vitals.Asking(look.rest, attention.configs, look.gate)
        fare = await vitals.look(ask, attention.rounds, living, time.monotonic(), embedded=embedded)
        version = await self._version(cluster, attention) if stops or snapshots or traits else attention.version
        return Sighting(
            dict(zip((s.id for s in stops), facts, strict=True)), run_facts, saved, traits, fare, flink_version=version
        )

    async def survey(self, cluster: Cluster, flink_job_ids: Sequence[str]) -> dict[str, Survey]:
        """Look at jobs before they are stopped; see `Engine`."""
        rest, gate = self.rest(cluster), asyncio.Semaphore(AT_ONCE)
        listed = {job.jid: job for job in await rest.jobs(set(flink_job_ids))}

        async def look(jid: str) -> Survey | None:
            job = listed.get(jid)
            if job is None or job.state is None:
                return None
            async with gate:
                found = await _or_none(rest.checkpoints(jid))
                config = await _or_none(rest.checkpoint_config(jid))
                restarts = await _or_none(rest.restart_strategy(jid))
            return survey_of(job, job.state, found, config, restarts)

        surveys = await asyncio.gather(*(look(jid) for jid in flink_job_ids))
        return {jid: one for jid, one in zip(flink_job_ids, surveys, strict=True) if one is not None}

    async def _version(self, cluster: Cluster, attention: Attention) -> str:
        now = time.monotonic()
        if now - attention.version_at >= VERSION_EVERY:
            attention.version_at = now
            try:
                attention.version = (await self.rest(cluster).overview()).flink_version
            except Unreachable:
                attention.version_at = float("-inf")
        return attention.version


async def _add_pressure(rest: FlinkRest, jid: str, vertex: dict[str, object]) -> None:
    with suppress(Unreachable):  # the graph is worth something without it
        vertex["backpressure-level"] = await rest.back_pressure(jid, str(vertex.get("id")))


async def _snapshot_facts(
    look: Look, attention: Attention, snapshots: Sequence[Snapshot], runs: Mapping[str, RunFact]
) -> dict[int, SnapshotFact]:
    asked = attention.snapshots_to_ask(snapshots, time.monotonic())
    facts = await all_of(
        (s.flink_job_id, partial(look.snapshot, s, runs.get(s.flink_job_id), ask=s.id in asked)) for s in snapshots
    )
    return dict(zip((s.id for s in snapshots), facts, strict=True))


async def _or_none(question: Awaitable[T]) -> T | None:
    """What nobody tells is left out."""
    try:
        return await question
    except Unreachable:
        return None


def _lives(job: JobOverview) -> bool:
    return job.state is not None and not job.state.terminal
