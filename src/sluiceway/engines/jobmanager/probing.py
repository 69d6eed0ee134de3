"""Asks a cluster once what works there, also one that is not registered yet."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sluiceway.domain.clusters import Cluster, Credentials
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.probe import At, Probe, Seen, Trace
from sluiceway.engines.jobmanager.addresses import Addresses, identity
from sluiceway.engines.jobmanager.answers import SMALL, decode
from sluiceway.engines.jobmanager.asking import Asking
from sluiceway.engines.jobmanager.doors import Door, open_door
from sluiceway.engines.jobmanager.failures import plain_words
from sluiceway.engines.jobmanager.kinds import is_application
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.engines.jobmanager.shapes import AttemptStatus, ClusterOverview, Triggered

TIMEOUT: Final = 10.0  # seconds for one request
_PATIENCE: Final = 15.0  # seconds for Flink to look at the probe
_BARRED: Final = re.compile(r"Permission denied|AccessDenied|AccessControl", re.IGNORECASE)
_NOT_THERE: Final = re.compile(r"FileNotFound|Cannot find|does not exist|No such file|NoSuchFile", re.IGNORECASE)


async def probe(cluster: Cluster, credentials: Credentials, trace: Trace | None) -> Probe:
    """What works there. Whatever does not is in the answer; nothing is raised for it."""
    door = open_door("", credentials)
    try:
        return await _probed(cluster, door, trace)
    finally:
        if door.session is not None:
            await door.session.close()


async def _probed(cluster: Cluster, door: Door, trace: Trace | None) -> Probe:
    if door.session is None:
        return Probe([At(each, answers=False, why=door.trouble) for each in cluster.addresses], same=True)
    rests = {each: FlinkRest(door.session, each, TIMEOUT) for each in cluster.addresses}
    looks = await asyncio.gather(*(_look(address, rest) for address, rest in rests.items()))
    found = Probe([at for at, _, _ in looks], same=_same([options for _, _, options in looks if options is not None]))
    answering = next(((at, overview) for at, overview, _ in looks if overview is not None), None)
    if answering is None:
        return found
    (at, overview), application = answering, any(is_application(each) for _, _, each in looks if each is not None)
    found = replace(
        found,
        flink_version=overview.flink_version,
        application=application,
        submits=await _submits(rests[at.address]),
        taskmanagers=overview.taskmanagers,
        slots=overview.slots_total,
        free_slots=overview.slots_available,
    )
    if trace is None:
        return found
    seen, why = await _sees(Asking(door.session, Addresses([at.address]), TIMEOUT), trace)
    return replace(found, storage=seen, storage_why=why)


async def _look(address: str, rest: FlinkRest) -> tuple[At, ClusterOverview | None, Mapping[str, str] | None]:
    try:
        overview, jobs, options = await asyncio.gather(rest.overview(), rest.jobs(), rest.cluster_options())
    except Unreachable as error:
        return At(address, answers=False, why=str(error)), None, None
    kind = options.get("high-availability.type", options.get("high-availability", ""))
    available = "" if identity(options)[0] == "none" else kind
    running = sum(job.lives for job in jobs)
    return At(address, True, "", overview.flink_version, available, running), overview, options


def _same(options: list[Mapping[str, str]]) -> bool:
    return len({identity(each) for each in options}) <= 1


async def _submits(rest: FlinkRest) -> bool | None:
    try:
        return await rest.jars() is not None
    except Unreachable:
        return None


async def _sees(asking: Asking, trace: Trace) -> tuple[Seen, str]:
    """Have the JobManager look at the file, as at a savepoint to be removed. It fails to; how it fails tells."""
    try:
        said = await _disposal(asking, trace.uri)
    except (Unreachable, TimeoutError) as error:
        return Seen.UNKNOWN, f"the cluster does not tell: {str(error) or 'no answer in time'}"
    if said is not None and str(trace.version) in said:
        return Seen.YES, "its JobManager has read there what the service has written; TaskManagers are not asked"
    if said is not None and _BARRED.search(said):
        return (
            Seen.UNKNOWN,
            "its JobManager finds the service's file there and may not read it: it runs as another user",
        )
    if said is not None and _NOT_THERE.search(said):
        return Seen.NO, f"its JobManager finds nothing there: {plain_words(said)}"
    return Seen.UNKNOWN, "the cluster does not tell" + (f": {plain_words(said)}" if said else "")


async def _disposal(asking: Asking, uri: str) -> str | None:
    """Why Flink does not remove a savepoint; None where it says that it has. Raises `Unreachable`, `TimeoutError`."""
    answer = await asking("POST", "/savepoint-disposal", {"savepoint-path": uri}, SMALL, None)
    trigger = decode(answer, Triggered, status=answer.status if answer.status in {200, 202} else 202).request_id
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        said = decode(await asking("GET", f"/savepoint-disposal/{trigger}", None, SMALL, None), AttemptStatus)
        if said.status.id == "COMPLETED":
            failed = said.operation.failure_cause if said.operation else None
            return failed.stack_trace if failed else None
        await asyncio.sleep(0.2)
    raise TimeoutError
