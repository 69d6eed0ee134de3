"""Submits SQL: has it read, settles its options, has it planned and sent. Decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.domain.variables import Filled, Unfilled
from sluiceway.engines.jobmanager.submit_errors import already_submitted, causes_of, explain, not_now
from sluiceway.engines.planning.distributions import Distributions, NoDistribution, minor_of
from sluiceway.engines.planning.java import NoFlink, NoJava
from sluiceway.engines.planning.jvm_process import JvmFailed
from sluiceway.engines.planning.options import LOCAL_ZONE, check_options, named_for, run_options
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.sql import Script, SqlRefused

JvmProvider = Callable[[], Awaitable[Plans]]
PlannerOf = Callable[[Place, str], Awaitable[Plans]]
VersionOf = Callable[[Place], Awaitable[str]]
Fill = Callable[[int, str], Awaitable[Filled]]
AddressOf = Callable[[Place], str]
Send = Callable[[Place, bytes], Awaitable[str | None]]

WHOLE = (
    "CREATE TABLE … AS is planned and sent by Flink's client in one step, which knows neither https nor passwords: it "
    "cannot be submitted to {name}. Write CREATE TABLE and INSERT INTO."
)


async def sends_nothing(place: Place, _: bytes) -> str | None:
    """Nobody sends what was packed."""
    raise Unreachable(f"nothing here sends jobs to {place.name}")


def first_address(place: Place) -> str:
    """Return the one that a place names first."""
    return place.url


async def without_variables(_: object, sql: str) -> Filled:
    """Return the SQL as it is."""
    return Filled(sql)


class SqlSubmitter:
    """Submits SQL jobs to any cluster of a version of Flink that is here, too."""

    def __init__(
        self,
        planner_of: PlannerOf,
        version_of: VersionOf,
        storage_uri: str,
        fill: Fill = without_variables,
        address_of: AddressOf = first_address,
        send: Send = sends_nothing,
    ) -> None:
        """`planner_of` gives what plans for a place of this version of Flink.

        It may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`.

        `version_of` asks for the version of Flink at a place, and may raise `Unreachable`. The checkpoints of runs that
        do not say where go under `storage_uri`, which has no trailing slash. `fill` puts the values of variables into
        the SQL of a job (its id), and may raise `Unfilled`. `address_of` tells which JobManager of a place to go to.
        `send` hands over what was packed, to a place that Flink's client cannot reach; the place's no, or None. It may
        raise `Unreachable`.
        """
        self._address_of = address_of
        self._send = send
        self._planner_of = planner_of
        self._version_of = version_of
        self._storage_uri = storage_uri
        self._fill = fill

    async def submit(self, place: Place, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Submit a run under its own Flink job id. Safe to repeat; `Silent` means that it may have arrived."""
        filled = Filled("")
        try:
            filled = await self._fill(run.job_id, spec.sql)
            version = await self._version_of(place)
            jvm = await self._planner_of(place, version)
            script, whole = effective(await jvm.read_sql(filled.text, caller=place.url, runs=True), spec)
            options = run_options(run, name, whole, self._storage_uri)
            await self._hand_over(jvm, place, script, named_for(version, options))
        except (SqlRefused, Unfilled, NoJava, NoFlink) as error:
            return SubmitRefused(filled.masked(str(error)))
        except (Unreachable, JvmFailed) as error:
            return Silent(filled.masked(str(error)))
        return Submitted(zone=options.get(LOCAL_ZONE, ""))

    async def _hand_over(self, jvm: Plans, place: Place, script: Script, options: Mapping[str, str]) -> None:
        """Have the place run it. Raises `SqlRefused`, `Unreachable` and `JvmFailed`.

        Flink's client goes to plain addresses. Elsewhere the job is packed and sent from here: what plans the SQL of
        all projects gets to know no password.
        """
        if _is_plain(place):
            await jvm.submit_sql(self._address_of(place), script, options)
            return
        if script.creates_from_query:
            raise SqlRefused(WHOLE.format(name=place.name))
        said = await self._send(place, await jvm.pack_sql(script, options, caller=place.url))
        causes = causes_of(said or "")
        if said is None or already_submitted(causes):
            return
        if not_now(causes):
            raise Unreachable(explain(causes))
        raise SqlRefused(explain(causes))

    async def options(self, place: Place, run: Run, spec: JobSpec) -> Mapping[str, str]:
        """The options of a job, those of its SQL among them; its own alone where the SQL is refused.

        Raises `Unreachable` when nothing reads it now.
        """
        try:
            filled = await self._fill(run.job_id, spec.sql)
            planner = await self._planner_of(place, await self._version_of(place))
            script = await planner.read_sql(filled.text, caller=place.url, runs=True)
            return effective(script, spec)[1].options
        except (SqlRefused, Unfilled, NoJava, NoFlink):
            return spec.options  # its submission says so in a moment
        except JvmFailed as error:
            raise Unreachable(str(error)) from error


def _is_plain(place: Place) -> bool:
    """Whether Flink's client can go there: by http, without a path, and with nothing to show."""
    at = [urlsplit(url) for url in place.urls]
    return not place.key and all(url.scheme == "http" and not url.path.strip("/") for url in at)


def effective(script: Script, spec: JobSpec) -> tuple[Script, JobSpec]:
    """Return a job's SQL and the job, with the SQL's own SETs among its options, where they win.

    Raises `SqlRefused` for options that a job may not set, wherever they stand.
    """
    for options in (spec.options, *({name: value} for name, value in script.asked)):
        if why := check_options(options):
            raise SqlRefused(why)
    merged = script.over(spec.options)
    return merged, replace(spec, options=dict(merged.settings))


async def unplanned(place: Place, version_of: VersionOf, here: Distributions) -> str | None:
    """Tell why SQL cannot be planned for a place; None when it can, or nothing plans here. Raises `Unreachable`."""
    if not await asyncio.to_thread(here.all):
        return None  # and a submission says so
    try:
        await asyncio.to_thread(here.of, await version_of(place), place.name)
    except NoDistribution as error:
        return str(error)
    return None


async def unjudged(place: Place, version_of: VersionOf, here: Distributions) -> str:
    """Tell why nobody can judge beforehand whether state fits a job there; empty when somebody can."""
    try:
        version, ours = await version_of(place), (await asyncio.to_thread(here.usual)).version
    except (Unreachable, NoFlink):
        return ""  # the planner, or the submission, says so
    if minor_of(version) == minor_of(ours):
        return ""
    return f"the cluster {place.name} runs Flink {version}, and this is judged by Flink {ours} alone"
