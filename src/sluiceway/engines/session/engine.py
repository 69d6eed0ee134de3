"""The engine for session clusters: Flink's REST API on one side, facts and commands on the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sluiceway.domain.adoption import MOST_LISTED, MOST_LOOKED_AT, Stranger
from sluiceway.domain.asking import SaveInquiry, StopInquiry
from sluiceway.domain.cluster_options import weigh_claim
from sluiceway.domain.commands import JobCommand, StopWithSavepoint, TakeSavepoint
from sluiceway.domain.engine import (
    ClusterJar,
    JobFailure,
    LogTail,
    Sighting,
    SubmitAnswer,
    Survey,
    Traffic,
    Unreachable,
)
from sluiceway.domain.facts import (
    Acknowledged,
    JobState,
    Refused,
    Silent,
    SubmitRefused,
    Submitted,
)
from sluiceway.domain.job import JobSpec
from sluiceway.domain.observed import CLUSTER_OPTIONS, OWN_OPTIONS
from sluiceway.domain.place import Place
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.run import Run
from sluiceway.domain.surveying import weigh_survey
from sluiceway.domain.tables import Tables, named_by
from sluiceway.engines.jobmanager.failures import ends
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.engines.jobmanager.restore_words import OperatorNames, named, nobody_knows
from sluiceway.engines.session import vitals
from sluiceway.engines.session.attention import Attention, Quiet, about_to_save
from sluiceway.engines.session.look import Look
from sluiceway.engines.session.questions import Means, Subject, by, seen_job, weighed
from sluiceway.engines.session.slots import Slots
from sluiceway.engines.session.strangers import moment, stranger_of
from sluiceway.engines.session.traffic import traffic
from sluiceway.engines.session.traits import Configs

OptionsOf = Callable[[Place, Run, JobSpec], Awaitable[Mapping[str, str]]]
Submit = Callable[[Place, Run, str, JobSpec], Awaitable[Submitted | SubmitRefused | Silent]]

AT_ONCE = 40  # questions under way at one cluster, as many as commands, so that they find their connections open
MOST_FAILURES = 10  # of a job, that are told with their stack traces


async def own_options(_: Place, __: Run, spec: JobSpec) -> Mapping[str, str]:
    """Return the options set beside the SQL."""
    return spec.options


class SessionEngine:
    """Observes and commands session clusters. One overview a look; attempts are asked about only where it matters."""

    def __init__(
        self,
        jobmanagers: JobManagers,
        submit: Submit,
        options: OptionsOf = own_options,
        names: OperatorNames = nobody_knows,
    ) -> None:
        """`submit` plans a job and hands it over.

        `options` reads what a job's SQL sets, and may raise `Unreachable`. `names` tells the names of the operators in
        a state, and never raises.
        """
        self._options = options
        self._names = names
        self._jobmanagers = jobmanagers
        self._submit = submit
        self._attention: dict[str, Attention] = {}
        self._slots = Slots(jobmanagers.at)

    async def submit(self, place: Place, run: Run, name: str, spec: JobSpec) -> SubmitAnswer:
        """Plan the job and hand it over; see `Engine`."""
        options = partial(self._options, place, run, spec)
        ask = by({OWN_OPTIONS: options, CLUSTER_OPTIONS: self._jobmanagers.at(place).cluster_options})
        if (against := await weighed(ask, weigh_claim(run, spec))) is not None:
            return against
        answer = await self._submit(place, run, name, spec)
        if isinstance(answer, SubmitRefused):
            return replace(answer, text=await named(answer.text, run.restore, self._names))
        return answer

    async def flink_job(self, place: Place, flink_job_id: str) -> dict[str, object] | None:
        """Describe a job, with the back pressure of what runs; see `Engine`."""
        rest = self._jobmanagers.at(place)
        job = await rest.job(flink_job_id)
        if job is not None and job.get("state") == JobState.RUNNING:
            await asyncio.gather(*(_add_pressure(rest, flink_job_id, vertex) for vertex in job.get("vertices", ())))
        return job

    async def version(self, place: Place) -> str:
        """Ask for the version; see `Engine`."""
        return await self._jobmanagers.version(place)

    def keep(self, names: Collection[str]) -> None:
        """Forget what was seen of all places but these."""
        self._attention = {name: seen for name, seen in self._attention.items() if name in names}

    async def jars(self, place: Place) -> Sequence[ClusterJar] | None:
        """List the jars that were uploaded; see `Engine`."""
        there = await self._jobmanagers.at(place).jars()
        if there is None:
            return None
        newest = sorted(there, key=lambda jar: jar.uploaded, reverse=True)
        return [ClusterJar(j.id, j.name, moment(j.uploaded), tuple(e.name for e in j.entry)) for j in newest]

    async def failures(self, place: Place, flink_job_id: str) -> Sequence[JobFailure]:
        """Tell why a job failed lately; see `Engine`."""
        found = await self._jobmanagers.at(place).traces(flink_job_id, MOST_FAILURES)
        return [JobFailure(moment(each.timestamp), ends(each.stacktrace)) for each in found]

    async def task_managers(self, place: Place) -> Sequence[str]:
        """List them; see `Engine`."""
        return await self._jobmanagers.at(place).task_managers()

    async def log(self, place: Place, task_manager: str | None, most: int) -> LogTail | None:
        """Read the end of a log; see `Engine`."""
        found = await self._jobmanagers.at(place).log(task_manager, most)
        return None if found is None else LogTail(found.decode(errors="replace"), len(found) >= most)

    async def free_slots(self, place: Place) -> int | None:
        """Count free slots; see `Engine`."""
        return await self._slots.free(place)

    async def traffic(self, place: Place, flink_job_id: str) -> Traffic | None:
        """Measure what flows through a job; see `Engine`."""
        return await traffic(self._jobmanagers.at(place), flink_job_id)

    async def tables(self, place: Place, flink_job_id: str) -> Tables | None:
        """Look at the names of a job's vertices; see `Engine`."""
        known = [name for name in await self._jobmanagers.at(place).vertex_names(flink_job_id) if name]
        return named_by(known) if known else None

    async def send(self, place: Place, flink_job_id: str, command: JobCommand) -> Acknowledged | Refused | Silent:
        """Ask once; see `Engine`."""
        rest = self._jobmanagers.at(place)
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
        self,
        place: Place,
        runs: Sequence[Run],
        stops: Sequence[StopInquiry],
        saves: Sequence[SaveInquiry],
        *,
        strangers: bool,
    ) -> Sighting:
        """Look once; see `Engine`."""
        watched = {r.flink_job_id for r in runs} | {s.flink_job_id for s in stops} | {s.flink_job_id for s in saves}
        rest = self._jobmanagers.at(place)
        found = await rest.jobs(watched, others=MOST_LOOKED_AT if strangers else 0, of=MOST_LISTED)
        listed = {job.jid: job for job in found if job.jid in watched}
        others = [stranger_of(job) for job in found if job.jid not in watched and job.lives]
        attention = self._attention.setdefault(place.name, Attention())
        version = attention.version
        version.see(found)
        idle = not stops and not saves
        if idle and attention.quiet is not None and attention.quiet.lasts(runs, listed, others):
            return attention.quiet.sighting
        means = Means(rest, attention.configs, asyncio.Semaphore(AT_ONCE), self._names, place.embedded)
        look = Look(means, listed, place.life, attention.memories)
        run_facts = await look.runs(runs)
        by_flink_id = {run.flink_job_id: run_facts[run.id] for run in runs}
        suspects = attention.suspects(stops, time.monotonic())
        asked = attention.to_ask(stops, listed, time.monotonic()) | suspects
        facts = await look.stops(stops, by_flink_id, asked, suspects)
        attention.note(asked, stops, facts.values(), time.monotonic())
        saved = await look.saves(saves, by_flink_id, attention.saves_to_ask(saves, time.monotonic()))
        attention.forget(stops, saves)
        attention.configs.keep(runs)
        urgent = about_to_save(stops, saves)
        traits = await attention.traits.ask(rest, attention.configs, means.gate, listed, runs, urgent)
        if strangers and traits:
            traits = await attention.kind.tell(rest, place.urls, time.monotonic(), runs, traits)
        living = [(r, job) for r in runs if r.live and (job := listed.get(r.flink_job_id)) and job.lives]
        fare = await vitals.look(means, attention.rounds, living, time.monotonic())
        fresh = strangers and not version.text  # who adopts jobs has asked for nothing else of it yet
        if stops or saves or traits or fresh:
            await version.ask(partial(self.version, place), found, time.monotonic())
        sighting = Sighting(facts, run_facts, saved, traits, fare, others, flink_version=version.text)
        attention.quiet = Quiet(runs, listed, sighting) if idle and attention.is_quiet(runs, listed) else None
        return sighting

    async def living(self, place: Place, flink_job_ids: Sequence[str]) -> dict[str, Stranger | None]:
        """Look at the list of jobs, and ask about those of which it does not tell; see `Engine`."""
        rest, at_once = self._jobmanagers.at(place), asyncio.Semaphore(AT_ONCE)
        listed = {job.jid: job for job in await rest.jobs(set(flink_job_ids))}
        untold = [jid for jid in flink_job_ids if jid not in listed or not (listed[jid].lives or listed[jid].over)]

        async def ask(jid: str) -> bool | None:
            async with at_once:
                try:
                    state = await rest.job_state(jid)
                except Unreachable:  # the cluster has answered before: one job must not hide the others
                    return None
                return state is not None and not state.terminal

        lives = zip(untold, await asyncio.gather(*map(ask, untold)), strict=True)
        found: dict[str, Stranger | None] = {jid: stranger_of(job) for jid, job in listed.items() if job.lives}
        return found | {jid: Stranger(jid, "") if told else None for jid, told in lives if told is not False}

    async def survey(self, place: Place, flink_job_ids: Sequence[str]) -> dict[str, Survey]:
        """Look at jobs before they are stopped; see `Engine`."""
        rest = self._jobmanagers.at(place)
        means = Means(rest, Configs(), asyncio.Semaphore(AT_ONCE))
        seen = {job.jid: seen_job(job) for job in await rest.jobs(set(flink_job_ids))}

        async def look(jid: str) -> Survey | None:
            job = seen.get(jid)
            if job is None or job.state is None:
                return None
            return await weighed(Subject(means, jid).ask, weigh_survey(job, job.state, jid))

        surveys = await asyncio.gather(*(look(jid) for jid in flink_job_ids))
        return {jid: one for jid, one in zip(flink_job_ids, surveys, strict=True) if one is not None}


async def _add_pressure(rest: FlinkRest, jid: str, vertex: dict[str, object]) -> None:
    with suppress(Unreachable):  # the graph is worth something without it
        vertex["backpressure-level"] = await rest.back_pressure(jid, str(vertex.get("id")))
