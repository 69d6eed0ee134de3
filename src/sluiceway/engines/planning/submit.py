"""Submits SQL: has it read, settles its options, has it planned and sent. Decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.domain.variables import Filled, Unfilled
from sluiceway.engines.planning.distributions import installed
from sluiceway.engines.planning.java import NoFlink, NoJava
from sluiceway.engines.planning.jvm_process import JvmFailed
from sluiceway.engines.planning.options import LOCAL_ZONE, check_options, named_for, run_options
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.sql import Script, SqlRefused

JvmProvider = Callable[[], Awaitable[Plans]]
VersionOf = Callable[[Place], Awaitable[str]]
Fill = Callable[[int, str], Awaitable[Filled]]
AddressOf = Callable[[Place], str]


def first_address(place: Place) -> str:
    """Return the one that a place names first."""
    return place.url


async def without_variables(_: object, sql: str) -> Filled:
    """Return the SQL as it is."""
    return Filled(sql)


class SqlSubmitter:
    """Submits SQL jobs to any cluster that runs the planner's version of Flink."""

    def __init__(
        self,
        jvm: JvmProvider,
        version_of: VersionOf,
        storage_uri: str,
        fill: Fill = without_variables,
        address_of: AddressOf = first_address,
    ) -> None:
        """`jvm` gives a planner, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`.

        `version_of` asks for the version of Flink at a place, and may raise `Unreachable`. The checkpoints of runs that
        do not say where go under `storage_uri`, which has no trailing slash. `fill` puts the values of variables into
        the SQL of a job (its id), and may raise `Unfilled`. `address_of` tells which JobManager of a place to go to.
        """
        self._address_of = address_of
        self._jvm = jvm
        self._version_of = version_of
        self._storage_uri = storage_uri
        self._fill = fill

    async def submit(self, place: Place, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Submit a run under its own Flink job id. Safe to repeat; `Silent` means that it may have arrived."""
        filled = Filled("")
        try:
            if place.key:
                raise SqlRefused(f"SQL cannot be submitted to {place.name}, which is protected; a Jar job can.")
            filled = await self._fill(run.job_id, spec.sql)
            jvm = await self._jvm()
            version = await self._version_of(place)
            _check_version(place, version, jvm.flink_version)
            script, whole = effective(await jvm.read_sql(filled.text, caller=place.url, runs=True), spec)
            options = run_options(run, name, whole, self._storage_uri)
            await jvm.submit_sql(self._address_of(place), script, named_for(version, options))
        except (SqlRefused, Unfilled, NoJava, NoFlink) as error:
            return SubmitRefused(filled.masked(str(error)))
        except (Unreachable, JvmFailed) as error:
            return Silent(filled.masked(str(error)))
        return Submitted(zone=options.get(LOCAL_ZONE, ""))

    async def options(self, place: Place, run: Run, spec: JobSpec) -> Mapping[str, str]:
        """The options of a job, those of its SQL among them; its own alone where the SQL is refused.

        Raises `Unreachable` when nothing reads it now.
        """
        try:
            filled = await self._fill(run.job_id, spec.sql)
            script = await (await self._jvm()).read_sql(filled.text, caller=place.url, runs=True)
            return effective(script, spec)[1].options
        except (SqlRefused, Unfilled, NoJava, NoFlink):
            return spec.options  # its submission says so in a moment
        except JvmFailed as error:
            raise Unreachable(str(error)) from error


def effective(script: Script, spec: JobSpec) -> tuple[Script, JobSpec]:
    """Return a job's SQL and the job, with the SQL's own SETs among its options, where they win.

    Raises `SqlRefused` for options that a job may not set, wherever they stand.
    """
    for options in (spec.options, *({name: value} for name, value in script.asked)):
        if why := check_options(options):
            raise SqlRefused(why)
    merged = script.over(spec.options)
    return merged, replace(spec, options=dict(merged.settings))


async def other_version(place: Place, version_of: VersionOf) -> str | None:
    """Tell why SQL cannot be planned for a place; None when it can, or nothing plans here. Raises `Unreachable`."""
    try:
        ours = (await asyncio.to_thread(installed)).version
    except NoFlink:
        return None  # and a submission says so
    return _differs(place, await version_of(place), ours)


def _check_version(place: Place, theirs: str, ours: str) -> None:
    if why := _differs(place, theirs, ours):
        raise SqlRefused(why)


def _differs(place: Place, theirs: str, ours: str) -> str | None:
    if minor(theirs) == minor(ours):
        return None
    return (
        f"The cluster {place.name} runs Flink {theirs}, and SQL is planned here by Flink {ours}. Both must be of the "
        f"same minor version: give the job a queue of Flink {'.'.join(minor(ours))}."
    )


def minor(version: str) -> list[str]:
    """The first two numbers of a version of Flink, in which savepoints and plans have to agree."""
    return version.split("-", maxsplit=1)[0].split(".")[:2]
