"""Which state each of many jobs would resume from, and its condition. Reads only."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sluiceway.domain.admission import may_run
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.domain.way_back import Allowed, Back, Kind, PassedOver, Past, Source, State, Terms, judge
from sluiceway.engines.planning.options import LOCAL_ZONE, NO_ZONE, STATE_TTL, span
from sluiceway.storage.errors import BadPath, StorageUnreadable
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import past, views
from sluiceway.store.database import Database
from sluiceway.store.past import Before
from sluiceway.store.views import Origin

PATIENCE: Final = 30.0  # seconds for one look at a state that is known already; then nobody knows whether it is whole
SETTINGS: Final = (STATE_TTL, LOCAL_ZONE)
TOLD_BY: Final = (*SETTINGS, "{{")  # SQL without any of these sets neither, in a variable or itself
_FREE: Final = timedelta()
# What operators are called whose state has no age in Flink's SQL: windows and interval joins drop theirs as time passes
# in the records, sources and sinks keep theirs as long as it takes. A SinkMaterializer's has one.
_AGELESS: Final = (
    "Source:",
    "Sink:",
    "Window",
    "LocalWindow",
    "GlobalWindow",
    "GroupWindow",
    "IntervalJoin",
    "StreamingFileWriter",
)
_OF_SINKS: Final = (": Writer", ": Committer")


Options = Callable[[str, JobSpec, tuple[str, ...]], Awaitable[Mapping[str, str]]]


async def own_options(_: str, spec: JobSpec, __: tuple[str, ...]) -> Mapping[str, str]:
    """The options beside the SQL."""
    return spec.options


@dataclass(frozen=True, slots=True)
class WaysBack:
    """The use case. Call it."""

    db: Database
    storage: Storage
    clock: Callable[[], datetime]
    zone: str = "UTC"  # that SQL is planned under which has none of its own, and has never run
    options: Options = own_options  # with those that SQL of a project sets, if it names one of some; `Unreachable`

    async def __call__(
        self, project: str, origins: Sequence[Origin], allowed: Collection[Allowed] = ()
    ) -> dict[int, Back]:
        """The ways back by job; of those that may be started."""
        mine = [origin for origin in origins if may_run(origin.status)]
        known = await past.of_jobs(self.db, [origin.job_id for origin in mine], TOLD_BY)
        roots = await views.roots(self.db, [o.run_id for o in mine if o.run_id is not None and not o.saved])
        found = await asyncio.gather(*(self._look(o, known.get(o.job_id), roots) for o in mine))
        settled = await self._catalogued(found)
        terms = await self.terms(project, known)
        now = self.clock()
        return {
            one.job_id: judge(replace(one, terms=_with(terms.get(one.job_id), one)), allowed, now) for one in settled
        }

    async def terms(self, project: str, known: Mapping[int, Before]) -> dict[int, Terms]:
        """How these jobs would run now, and how they ran."""
        found = await asyncio.gather(*(self._terms(project, before) for before in known.values()))
        return dict(zip(known, found, strict=True))

    async def _options(self, project: str, spec: JobSpec) -> Mapping[str, str]:
        """With those that its SQL sets, where anything can read that."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.options(project, spec, SETTINGS) if spec.sql else spec.options
        except (Unreachable, TimeoutError):
            return spec.options

    async def _terms(self, project: str, before: Before) -> Terms:
        spec, then = before.spec, before.zone or ""
        options = await self._options(project, spec)
        kept = Terms(None if spec.program else spec.state_retention, hints=before.hints)
        if STATE_TTL in options:
            kept = replace(kept, retention=span(options[STATE_TTL]), by=STATE_TTL)
        if spec.program is not None:
            return kept  # a program's zone is its cluster's
        named = options.get(LOCAL_ZONE, NO_ZONE)
        zone = named if named != NO_ZONE else then or self.zone
        return replace(kept, zone=zone, zone_then=then, shift=_shift(then, zone, self.clock()))

    async def _look(self, origin: Origin, before: Before | None, roots: Mapping[int, Sequence[str]]) -> Past:
        """The job with its state as it is in storage."""
        worked = before is not None and before.worked
        blank = Past(origin.job_id, origin.status, None, worked=worked)
        named = _named(origin)
        if named is not None:
            return replace(blank, state=await self._inspected(*named))
        places, elsewhere = self._places(origin, before)
        blank = replace(blank, terms=Terms(elsewhere=elsewhere))
        try:
            newest = await self.storage.newest_state(places, roots.get(origin.run_id or 0, ()))
        except StorageUnreadable as error:
            # An older state than the newest would undo work, and nobody would notice.
            return replace(blank, unreadable=str(error))
        passed = tuple(PassedOver(over.path, over.why) for over in newest.passed)
        if newest.state is not None:
            return replace(blank, state=_seen(newest.state, Source.LEFT), passed=passed)
        older = _older(origin)
        state = await self._inspected(*older) if older else None
        return replace(blank, state=state, passed=passed)

    def _places(self, origin: Origin, before: Before | None) -> tuple[list[str], str]:
        """Where the latest run's checkpoints lie, and a place of its own for them that cannot be looked at."""
        checkpoints = origin.checkpoints or self.storage.checkpoints(None, origin.job_id)
        places, elsewhere = [f"{checkpoints}/{origin.flink_job_id}"], ""
        own = before.spec.checkpoint_path if before else None
        if own:
            try:
                places.append(f"{self.storage.place(own)}/{origin.flink_job_id}")
            except BadPath:
                elsewhere = own
        return places, elsewhere

    async def _inspected(self, path: str, source: Source) -> State:
        """A state whose place is known, read again."""
        try:
            async with asyncio.timeout(PATIENCE):
                return _seen(await self.storage.inspect(path), source, path)
        except StorageUnreadable as error:
            return State(path, source, _kind_of(path), fault=str(error))
        except TimeoutError:
            return State(path, source, _kind_of(path), fault=f"it was not read within {PATIENCE:.0f} s")

    async def _catalogued(self, found: Sequence[Past]) -> list[Past]:
        """The same, with what the database knows of each state."""
        paths = sorted({one.state.path for one in found if one.state is not None})
        kept = await past.kept_at(self.db, paths)
        owners = await past.owners_of(self.db, paths)
        unkept = {(one.job_id, one.state.path) for one in found if one.state and one.state.path not in kept}
        of_run = await past.runs_of(self.db, unkept)

        def told(job: int, state: State) -> State:
            row = kept.get(state.path)
            run = row.run_id if row else of_run.get((job, state.path))
            state = replace(state, owner=owners.get(state.path), run_id=run)
            if row is None:
                return state
            return replace(
                state,
                at=row.created_at,
                removed_at=row.removed_at,
                drained=state.drained or row.drained,
                flink_version=row.flink_version,
            )

        return [one if one.state is None else replace(one, state=told(one.job_id, one.state)) for one in found]


def _named(origin: Origin) -> tuple[str, Source] | None:
    """The state that is known without a look at the storage; None where there may be a newer one."""
    if origin.chosen:
        return origin.chosen, Source.CHOSEN
    if origin.saved and origin.stopped_with:
        return origin.stopped_with, Source.STOPPED_WITH
    if origin.flink_job_id is None or origin.run_id is None:
        return (origin.savepoint_path, Source.KEPT_BEFORE) if origin.savepoint_path else None
    return None


def _older(origin: Origin) -> tuple[str, Source] | None:
    """The state of a job whose latest run has left nothing whole."""
    if origin.stopped_with:
        return origin.stopped_with, Source.STOPPED_WITH
    if origin.restored_from:
        return origin.restored_from, Source.BEGAN_FROM
    return (origin.savepoint_path, Source.KEPT_BEFORE) if origin.savepoint_path else None


def _seen(found: Inspection, source: Source, path: str = "") -> State:
    metadata = found.metadata
    outside = f"{found.unchecked} of its files cannot be looked at from here" if found.unchecked else ""
    return State(
        path=path or found.path,
        source=source,
        kind=kind_of(found),
        at=found.at,
        whole=False if found.wrong else None if found.unchecked else True,
        fault=found.why or outside,
        drained=bool(metadata and metadata.drained),
        holders=_holders(found),
    )


def _holders(found: Inspection) -> tuple[str, ...] | None:
    """The operators that have state with an age, as far as their names tell."""
    if found.metadata is None or any(o.name is None and o.bytes for o in found.metadata.operators):
        return None
    names = (operator.name for operator in found.metadata.operators if operator.bytes and operator.name)
    return tuple(
        dict.fromkeys(name for name in names if not name.startswith(_AGELESS) and not name.endswith(_OF_SINKS))
    )


def kind_of(found: Inspection) -> Kind | None:
    """What it is, by the name of its directory, or else by what `_metadata` says of itself."""
    told = Kind(found.metadata.kind.value) if found.metadata and found.metadata.kind else None
    return _kind_of(found.path) or told


def _kind_of(path: str) -> Kind | None:
    """By the name that Flink gives its directory."""
    name = path.rstrip("/").rpartition("/")[2]
    if name.startswith("chk-"):
        return Kind.CHECKPOINT
    return Kind.SAVEPOINT if name.startswith("savepoint-") else None


def _with(terms: Terms | None, one: Past) -> Terms:
    return replace(terms or Terms(), elsewhere=one.terms.elsewhere)


def _shift(then: str, zone: str, now: datetime) -> timedelta:
    """By how much times move from one zone to the other, as of now."""
    if not then or then == zone:
        return _FREE
    was, is_now = _offset(then, now), _offset(zone, now)
    return _FREE if was is None or is_now is None else is_now - was


def _offset(zone: str, now: datetime) -> timedelta | None:
    if zone.startswith("GMT") and len(zone) == len("GMT+08:00"):
        hours, minutes = int(zone[4:6]), int(zone[7:9])
        return timedelta(hours=hours, minutes=minutes) * (-1 if zone[3] == "-" else 1)
    try:
        return now.astimezone(ZoneInfo(zone)).utcoffset()
    except (OSError, ValueError):
        return None
