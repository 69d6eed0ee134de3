"""A running service: store, storage, engine, workers, and the API before them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import structlog
from litestar import Litestar
from litestar.types import ASGIApp

from sluiceway.api import health
from sluiceway.api.budget import LOCALS, STRANGERS, Budget
from sluiceway.api.origin import OwnOrigin
from sluiceway.api.pace import Pace
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.assembly.api import make_api, try_clusters
from sluiceway.assembly.beside import beside
from sluiceway.assembly.clock import clock
from sluiceway.assembly.clusters import begin_clusters, parse_adoption, parse_clusters
from sluiceway.assembly.door import check_door, make_door, must_sign_in
from sluiceway.assembly.ground import Ground, Judging, lifecycle, workers
from sluiceway.control.discovery import Discovery
from sluiceway.control.mover import Mover
from sluiceway.control.programs import Fetch
from sluiceway.control.roster import Roster
from sluiceway.control.try_clusters import Glance
from sluiceway.control.variables import Variables
from sluiceway.control.watch import Watch
from sluiceway.domain.health import HealthRules
from sluiceway.domain.operations.stop import StopRules
from sluiceway.domain.policy import IfNotRunning
from sluiceway.engines.jars.submit import JarSubmitter
from sluiceway.engines.jobmanager.doors import connections
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.planning.submit import SqlSubmitter
from sluiceway.engines.planning.zone import local_zone
from sluiceway.engines.router import Router
from sluiceway.engines.session.engine import SessionEngine
from sluiceway.reconcile.charting import Charting
from sluiceway.reconcile.sweep import Sweeper
from sluiceway.reconcile.turn import TurnSettings
from sluiceway.settings import DATABASE, KEY_FILE, BadSettings, Settings
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.s3 import S3Access
from sluiceway.storage.savepoints import Storage
from sluiceway.store.database import Database
from sluiceway.store.migrating import migrate
from sluiceway.store.private import keep_private, make_directory
from sluiceway.store.reserve import Reserve

REQUEST_TIMEOUT = 10.0  # seconds for one request to a JobManager

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    asgi: ASGIApp
    clusters: dict[str, str]  # name to URL, the default one first; none of those that are nowhere now
    glance: Callable[[str], Awaitable[Glance]]  # at one of them


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service that works on what is stored for as long as the context lasts.

    Raises `BadSettings`, `BadStorage`, `BadDatabase`, and where an embedded Flink is wanted and cannot be started
    `NoJava`, `NoFlink` and `JvmFailed`.
    """
    registered, turns = parse_clusters(settings), _turns(settings)
    async with AsyncExitStack() as stack:
        data = _directory(settings.data)
        reserve = Reserve(data / "reserve")
        await asyncio.to_thread(reserve.make_way)
        storage = await _storage(settings, data)
        await asyncio.to_thread(migrate, data / DATABASE)
        db = Database(data / DATABASE, reserve)
        stack.push_async_callback(db.close)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connections()))
        door = make_door(settings, db, session)
        await check_door(settings, door)
        clusters = await begin_clusters(settings, registered, data, stack)
        roster = Roster(db, door.sign_in.vault, clusters.fixed, Discovery(settings.clusters_from, clock))
        await roster.begin()
        variables = Variables(db, door.sign_in.vault, clock)
        jobmanagers = JobManagers(session, REQUEST_TIMEOUT, roster.credentials)
        stack.push_async_callback(jobmanagers.close)
        sql = SqlSubmitter(
            clusters.planner_of,
            jobmanagers.version,
            storage.uri,
            variables.fill_of_job,
            jobmanagers.address,
            jobmanagers.submit,
        )
        programs = JarSubmitter(jobmanagers, Fetch(db, storage.files), data / "packages", storage.uri)
        engine = SessionEngine(jobmanagers, Router(sql, programs).submit, sql.options, storage.operator_names)
        ground = Ground(db, storage, engine, clock)
        turns = replace(turns, absent=roster.why_absent, labels=roster.labels)
        reconciler, queues = workers(ground, roster.locate, roster.names, turns)
        watch = Watch(db, reconciler.shifts)
        await watch.begin()
        reconciler.start(roster.worked_on)
        stack.push_async_callback(reconciler.close)
        roster.publish_to(queues, reconciler.follow, jobmanagers.keep, engine.keep)
        await stack.enter_async_context(beside(roster.run(), "clusters"))
        # Whether they fit was asked before they were stopped; now that they are, Flink itself is.
        life = lifecycle(ground, queues, turns.rules.timeout, Judging(zone=local_zone()))
        await stack.enter_async_context(beside(Mover(life.start_jobs).run(), "moves"))
        await stack.enter_async_context(sweeping(settings, db, storage))
        await stack.enter_async_context(beside(Charting(db, engine, roster.locate).run(), "tables"))
        await stack.enter_async_context(beside(door.denials.run(), "denials"))
        api = make_api(
            settings,
            ground,
            queues,
            clusters.planner,
            door,
            reconciler=reconciler,
            watch=watch,
            roster=roster,
            planner_of=clusters.planner_of,
        )
        addresses = {name: place.url for name in roster.names if (place := roster.locate(name))}
        yield Service(_guarded(settings, api), addresses, try_clusters(ground, roster).glance)


def _guarded(settings: Settings, api: Litestar) -> ASGIApp:
    """The API behind whatever bounds its callers."""
    # Where callers sign in, a page that they look at cannot do it for them.
    asgi = Budget(api, STRANGERS) if must_sign_in(settings) else OwnOrigin(Budget(api, LOCALS))
    return RequestIds(SecurityHeaders(health.AskedForHead(Pace(asgi))))


def _directory(path: Path) -> Path:
    try:
        path = path.expanduser().absolute()
        make_directory(path)
        keep_private(path / KEY_FILE)
    except FileExistsError as error:
        raise BadSettings(f"--data {path} cannot be used: it is not a directory") from error
    except (OSError, RuntimeError) as error:
        raise BadSettings(f"--data {path} cannot be used: {getattr(error, 'strerror', error)}") from error
    return path


async def _storage(settings: Settings, data: Path) -> Storage:
    access = S3Access(settings.s3_endpoint, settings.s3_region)
    storage = Storage(settings.storage or str(data / "storage"), access, further=settings.read_root)
    try:
        await storage.check()
    except StorageUnreadable as error:
        # It may be back in a minute, and until then stops are accepted and carried through.
        log.warning("storage_unreadable", why=str(error))
    for why in await storage.check_further():
        log.warning("read_root_unreadable", why=why)  # stops do not need it
    return storage


def _turns(settings: Settings) -> TurnSettings:
    rules = StopRules(
        timeout=timedelta(seconds=settings.savepoint_timeout),
        attempts=settings.stop_attempts,
        backoff=timedelta(seconds=2),
        gone_after=timedelta(seconds=settings.gone_after),
        forgotten_after=timedelta(seconds=2),
        if_not_running=IfNotRunning(settings.if_not_running),
    )
    health_rules = HealthRules(unwell_after=timedelta(seconds=settings.unwell_after))
    return TurnSettings(rules, settings.max_savepoints, health=health_rules, adopts=parse_adoption(settings))


@asynccontextmanager
async def sweeping(settings: Settings, db: Database, storage: Storage) -> AsyncIterator[None]:
    """Retention at work, where it is wanted."""
    age, most = settings.savepoint_max_age, settings.savepoints_kept
    if age is None and most is None:
        yield
        return
    sweeper = Sweeper(db, storage, clock, None if age is None else timedelta(seconds=age), most)
    async with beside(sweeper.run(), "retention"):
        yield
