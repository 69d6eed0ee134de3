"""Counts the records that a job has read and written, from Flink's metrics of its sources and sinks.

The metrics of a vertex do not tell: they leave out what is chained, and a source reads from no other task. Those of the
operators do. Their names begin with the operator's, in which Flink has put `_` for what it does not like.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sluiceway.domain.engine import Flow, Traffic, Unreachable
from sluiceway.engines.jobmanager.rest import FlinkRest

_METRIC = re.compile(
    r"(?P<operator>.+)\.(?P<metric>numRecords(?:In|Out|InPerSecond|OutPerSecond|InErrors|OutErrors|SendErrors))"
)
_SOURCE = re.compile(r"Source__(?P<name>.+)")
# Of a sink in the older and in the newer style, and of files, which have operators of their own.
_SINK = re.compile(r"Sink__(?P<old>.+)|(?P<new>.+)__Writer|(?P<files>StreamingFileWriter)")
_NUMBERED = re.compile(r"(?P<name>.+?)\[\d+\]")
_AT_ONCE = 8  # vertices that are asked about, each of which may answer megabytes
_MANY = 10_000  # metrics of one vertex
_END = "end"  # not a sink, though Flink gives it the form of one: it ends the graph after files were written


@dataclass(frozen=True, slots=True)
class _Part:
    """Which metrics of a vertex make up the flow of one source or sink."""

    name: str
    records: str
    rate: str
    errors: tuple[str, ...]


async def traffic(rest: FlinkRest, jid: str) -> Traffic | None:
    """What flows through a job, some 10 s old; None when Flink knows no such job. Raises `Unreachable`.

    A job that has ended, or has yet to begin, has no metrics: nothing flows.
    """
    job = await rest.job(jid)
    if job is None:
        return None
    gate = asyncio.Semaphore(_AT_ONCE)
    vertices = [str(vertex["id"]) for vertex in job.get("vertices", ())]
    found = await asyncio.gather(*(_of_vertex(rest, jid, vertex, gate) for vertex in vertices))
    return Traffic(_merged(one.sources for one in found), _merged(one.sinks for one in found))


async def _of_vertex(rest: FlinkRest, jid: str, vertex: str, gate: asyncio.Semaphore) -> Traffic:
    async with gate:
        names = await rest.metric_names(jid, vertex)
        sources, sinks = _parts(names) if len(names) < _MANY else await asyncio.to_thread(_parts, names)
        wanted = {name for part in (*sources, *sinks) for name in (part.records, part.rate, *part.errors)}
        if len(wanted) > _MANY:
            raise Unreachable(f"the cluster names more than {_MANY} sources and sinks in one vertex")
        values = await rest.metric_sums(jid, vertex, sorted(wanted)) if wanted else {}
    return Traffic([_flow(part, values) for part in sources], [_flow(part, values) for part in sinks])


def _parts(names: Iterable[str]) -> tuple[list[_Part], list[_Part]]:
    """The sources and the sinks among the operators of a vertex."""
    metrics: dict[str, set[str]] = {}
    for found in filter(None, map(_METRIC.fullmatch, names)):
        metrics.setdefault(found["operator"], set()).add(found["metric"])
    sources, sinks = [], []
    for operator, has in sorted(metrics.items()):
        if source := _SOURCE.fullmatch(operator):
            sources.append(_part(operator, source["name"], "Out", has & {"numRecordsInErrors"}))
        elif (sink := _SINK.fullmatch(operator)) and (name := sink[sink.lastgroup or 0]) != _END:
            sinks.append(_part(operator, name, "In", has & {"numRecordsSendErrors"} or has & {"numRecordsOutErrors"}))
    return sources, sinks


def _part(operator: str, name: str, way: str, errors: Iterable[str]) -> _Part:
    numbered = _NUMBERED.fullmatch(name)
    counter = f"{operator}.numRecords{way}"
    shown = numbered["name"] if numbered else name
    return _Part(shown, counter, f"{counter}PerSecond", tuple(f"{operator}.{error}" for error in errors))


def _flow(part: _Part, values: Mapping[str, float]) -> Flow:
    errors = sum(values.get(name, 0.0) for name in part.errors)
    return Flow(part.name, int(values.get(part.records, 0.0)), int(errors), values.get(part.rate, 0.0))


def _merged(flows: Iterable[Iterable[Flow]]) -> list[Flow]:
    """One flow for each name: a table that is read or written in several places is one to its user."""
    merged: dict[str, Flow] = {}
    for flow in (each for some in flows for each in some):
        before = merged.get(flow.name, Flow(flow.name, 0, 0, 0.0))
        records, corrupted = before.records + flow.records, before.corrupted + flow.corrupted
        merged[flow.name] = Flow(flow.name, records, corrupted, before.rate + flow.rate)
    return [merged[name] for name in sorted(merged)]
