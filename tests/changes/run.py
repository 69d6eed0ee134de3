"""Runs the changes: the jobs before them once, a savepoint of each, and from these every change, judged beforehand."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp
from tests.changes.cases import BASES, CHANGES, Base, Change, Row, sql_of
from tests.support.flink.real import RealFlink

from sluiceway.control.judge_fit import JudgeFit, StateFrom
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.fit import Fit
from sluiceway.domain.job import JobSpec
from sluiceway.engines.planning.operators import SqlOperators
from sluiceway.engines.planning.options import flink_options
from sluiceway.engines.planning.reading import SqlReading
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.sql_jvm import SqlJvm
from sluiceway.engines.planning.submit import effective
from sluiceway.storage.savepoints import Storage

AT_ONCE = 3  # that are submitted
ROOM = 35  # jobs at once
_LINE = re.compile(r"(?P<job>(?:before|after)-[\w-]+?)(?::\d+)?> (?P<kind>[+-][IUD])\[(?P<values>[^\]]*)\]")


class Outcome(StrEnum):
    """What Flink did."""

    RESTORED = "restored"
    DROPPED = "dropped"  # it runs, and began anew
    FAILED = "failed"
    NOTHING = "nothing"  # it neither failed nor ran


@dataclass(frozen=True, slots=True)
class Tried:
    """One change: what was said beforehand, and what came of it."""

    change: Change
    fit: Fit
    seconds: float  # that the judgement took
    outcome: Outcome
    cause: str = ""  # of a failure


class Planner:
    """A process that plans, as the use case wants it."""

    def __init__(self, jvm: SqlJvm) -> None:
        self._jvm = jvm
        self.flink_version = jvm.flink_version

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        return await self._jvm.read_sql(body)

    async def operators(self, script: Script, options: Any, *, caller: str) -> str:
        return await self._jvm.operators(script, options)

    async def readable(self, pairs: Any, *, caller: str) -> list[str]:
        return await self._jvm.readable(pairs)


def spec_of(base: Base, job: str, root: Path, change: Change | None = None) -> JobSpec:
    """The job as its owner would have made it, before or after a change."""
    sql = sql_of(base, job, change, f"file://{root}")
    if change is None:
        return JobSpec(sql, state_retention=timedelta(hours=base.ttl_hours), options=base.options)
    hours = base.ttl_hours if change.ttl_hours is None else change.ttl_hours
    options = {**base.options, **change.options}
    return JobSpec(sql, parallelism=change.parallelism, state_retention=timedelta(hours=hours), options=options)


async def run(flink: RealFlink, root: Path, changes: Sequence[Change] = CHANGES) -> list[Tried]:
    """All changes. To be run in the event loop of `flink`."""
    async with aiohttp.ClientSession(flink.url) as session:
        stage = Stage(flink, root, session)
        bases = [base for base in BASES if any(change.base == base.name for change in changes)]
        await stage.begin(bases)
        try:
            fits = [await stage.judge(number, change) for number, change in enumerate(changes)]
            outcomes = await stage.start_all(changes)
        finally:
            await stage.end()
    return [
        Tried(change, fit, seconds, *outcome)
        for change, (fit, seconds), outcome in zip(changes, fits, outcomes, strict=True)
    ]


class Stage:
    """The cluster, what runs on it, and the savepoints."""

    def __init__(self, flink: RealFlink, root: Path, session: aiohttp.ClientSession) -> None:
        self._flink = flink
        self._root = root
        self._session = session
        self._savepoints: dict[str, str] = {}
        self._started: list[str] = []
        planner = Planner(flink.jvm)

        async def provider() -> Any:
            return planner

        async def slots(_: object) -> None:
            """Nobody knows."""

        self._judge_fit = JudgeFit(Storage(str(root)), SqlOperators(SqlReading(provider)), slots)

    async def begin(self, bases: Sequence[Base]) -> None:
        """Run the jobs before the changes, and take a savepoint of each."""
        (self._root / "savepoints").mkdir(parents=True)
        names = {base.name: f"before-{base.name}" for base in bases}
        jobs = {
            base.name: await self._submit(names[base.name], spec_of(base, names[base.name], self._root))
            for base in bases
        }
        await self._until_running(list(jobs.values()))
        await asyncio.sleep(2)
        await asyncio.gather(*(self._save(name, job) for name, job in jobs.items()))
        await self.end()

    async def judge(self, number: int, change: Change) -> tuple[Fit, float]:
        """What is said beforehand, and how long it took."""
        base = _base(change)
        state = StateFrom(self._savepoints[base.name], spec_of(base, f"before-{base.name}", self._root))
        at = time.monotonic()
        fit = await self._judge_fit.judge(spec_of(base, _name(number), self._root, change), state, None, caller="p")
        return fit, time.monotonic() - at

    async def start_all(self, changes: Sequence[Change]) -> list[tuple[Outcome, str]]:
        """Start the changed jobs, as many at once as there is room for, and see what comes of each."""
        outcomes: list[tuple[Outcome, str]] = []
        for first in range(0, len(changes), ROOM):
            outcomes += await self._start(first, changes[first : first + ROOM])
            await self.end()
        return outcomes

    async def _start(self, first: int, changes: Sequence[Change]) -> list[tuple[Outcome, str]]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def started(number: int, change: Change) -> str | SqlRefused:
            async with gate:
                base = _base(change)
                spec = spec_of(base, _name(number), self._root, change)
                try:
                    return await self._submit(_name(number), spec, self._savepoints[base.name])
                except (SqlRefused, Unreachable) as error:
                    return SqlRefused(str(error))

        jobs = await asyncio.gather(*(started(number, change) for number, change in enumerate(changes, first)))
        await self._until_running([job for job in jobs if isinstance(job, str)])
        await asyncio.sleep(3)
        return [
            await self._outcome(change, job, _name(number))
            for number, (change, job) in enumerate(zip(changes, jobs, strict=True), first)
        ]

    async def end(self) -> None:
        """Cancel all that runs."""
        for job in self._started:
            async with self._session.patch(f"/jobs/{job}?mode=cancel"):
                pass
        self._started.clear()

    async def _submit(self, name: str, spec: JobSpec, restore: str | None = None) -> str:
        script, whole = effective(await self._flink.jvm.read_sql(spec.sql), spec)
        job = _id_of(name)
        options = flink_options(
            whole, flink_job_id=job, name=name, restore=restore, checkpoint_dir=f"file://{self._root}/checkpoints"
        )
        await self._flink.jvm.submit_sql(self._flink.url, script, options)
        self._started.append(job)
        return job

    async def _save(self, name: str, job: str) -> None:
        native = next(base.native for base in BASES if base.name == name)
        body = {
            "target-directory": f"file://{self._root}/savepoints",
            "formatType": "NATIVE" if native else "CANONICAL",
        }
        said = await self._ask("POST", f"/jobs/{job}/savepoints", body)
        while (answer := await self._ask("GET", f"/jobs/{job}/savepoints/{said['request-id']}"))["status"][
            "id"
        ] != "COMPLETED":
            await asyncio.sleep(0.05)
        if "location" not in answer["operation"]:
            causes = await self._ask("GET", f"/jobs/{job}/exceptions")
            raise AssertionError(f"{name} has no savepoint: {str(answer)[:500]} {str(causes)[:3000]}")
        self._savepoints[name] = answer["operation"]["location"]

    async def _until_running(self, jobs: Sequence[str]) -> None:
        """Wait until each of them has all of its tasks running, or is over."""
        async with asyncio.timeout(120):
            while True:
                answer = await self._ask("GET", "/jobs/overview")
                found = {job["jid"]: job for job in answer["jobs"] if job["jid"] in jobs}
                waiting = [job for job in jobs if not _settled(found.get(job))]
                if not waiting:
                    return
                await asyncio.sleep(0.1)

    async def _outcome(self, change: Change, job: str | SqlRefused, name: str) -> tuple[Outcome, str]:
        if isinstance(job, SqlRefused):
            return Outcome.FAILED, str(job)
        answer = await self._ask("GET", f"/jobs/{job}")
        if answer["state"] == "FAILED":
            causes = await self._ask("GET", f"/jobs/{job}/exceptions")
            return Outcome.FAILED, "".join(entry["stacktrace"] for entry in causes["exceptionHistory"]["entries"])
        restored = (await self._ask("GET", f"/jobs/{job}/checkpoints")).get("latest", {}).get("restored")
        if not restored:
            return Outcome.DROPPED, ""
        kept = change.kept or _base(change).kept
        rows = await self._rows(name, enough=lambda rows: bool(rows) or kept(rows))
        if not rows and not kept(rows) and answer["state"] != "FINISHED":
            return Outcome.NOTHING, ""
        return (Outcome.RESTORED if kept(rows) else Outcome.DROPPED), f"It printed {list(rows[:6])}"

    async def _rows(self, name: str, enough: Callable[[Sequence[Row]], bool]) -> Sequence[Row]:
        for _ in range(50):
            rows = (await asyncio.to_thread(printed, self._flink.directory)).get(name, [])
            if enough(rows):
                break
            await asyncio.sleep(0.2)
        return rows

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        async with self._session.request(method, path, json=body) as response:
            return await response.json()


def printed(directory: Path) -> dict[str, list[Row]]:
    """What the jobs have printed, by their names."""
    rows: dict[str, list[Row]] = {}
    for log in sorted(directory.glob("flink.log*"), reverse=True):
        for found in _LINE.finditer(log.read_text(errors="replace")):
            rows.setdefault(found["job"], []).append((found["kind"], tuple(found["values"].split(", "))))
    return rows


def _settled(job: Any) -> bool:
    if job is None:
        return False
    tasks = job["tasks"]
    over = job["state"] in {"FAILED", "FINISHED", "CANCELED"}
    return over or (tasks["total"] > 0 and tasks["running"] + tasks["finished"] == tasks["total"])


def _base(change: Change) -> Base:
    return next(base for base in BASES if base.name == change.base)


def _name(number: int) -> str:
    return f"after-{number}"


def _id_of(name: str) -> str:
    import hashlib
    import os

    return hashlib.sha256(name.encode() + os.urandom(8)).hexdigest()[:32]
