"""The one place where settings become objects: store, storage, engines, use cases, workers, and the API before them."""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import structlog
from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp, Scope

from sluiceway.api import dli, docs, error_page, health, native, permit, prometheus
from sluiceway.api.auth import iam
from sluiceway.api.auth.credentials import Credentials, Knows, nobody_signs_in
from sluiceway.api.auth.gate import Gate
from sluiceway.api.auth.limits import RateLimit
from sluiceway.api.auth.oidc import OidcVerifier
from sluiceway.api.auth.signature import ReplayGuard
from sluiceway.api.budget import LOCALS, STRANGERS, Budget
from sluiceway.api.kept_answers import KeptAnswers
from sluiceway.api.origin import OwnOrigin
from sluiceway.api.pace import Pace
from sluiceway.api.prometheus import BadTokenFile, MetricsToken
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.control.buckets import Buckets
from sluiceway.control.denials import Denials
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.fit_of import FitOf
from sluiceway.control.following import Following
from sluiceway.control.graphs import Graphs
from sluiceway.control.import_savepoint import ImportSavepoint
from sluiceway.control.job_diff import JobDiffs
from sluiceway.control.kept_plans import KeptPlans
from sluiceway.control.metrics import Metrics
from sluiceway.control.own_password import OwnPassword
from sluiceway.control.preflight import Preflight
from sluiceway.control.programs import Fetch
from sluiceway.control.queries import Queries
from sluiceway.control.queues import Queues
from sluiceway.control.resources import Resources
from sluiceway.control.resume_jobs import ResumeJobs
from sluiceway.control.retry_stops import RetryStops
from sluiceway.control.savepoints import Savepoints
from sluiceway.control.sign_in import SignIn
from sluiceway.control.sql_checks import SqlChecks
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.control.tags import ResourceTags, Tags
from sluiceway.control.take_savepoints import TakeSavepoints
from sluiceway.control.templates import Templates
from sluiceway.control.transfer import Transfer
from sluiceway.control.variables import Variables
from sluiceway.control.vault import KEY_FILE, BadKeyFile, Vault
from sluiceway.control.watch import Watch
from sluiceway.control.way_back import WaysBack
from sluiceway.domain.engine import Cluster
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.health import HealthRules
from sluiceway.domain.job import JobSpec
from sluiceway.domain.policy import IfNotRunning, SavepointFormat
from sluiceway.domain.run import Run
from sluiceway.domain.stop import StopRules
from sluiceway.domain.way_back import Allowed
from sluiceway.engines.embedded import EmbeddedFlink, EmbeddedSettings
from sluiceway.engines.flink_rest import FlinkRest
from sluiceway.engines.graphs import SqlGrapher
from sluiceway.engines.jars import JarSubmitter
from sluiceway.engines.operators import SqlOperators
from sluiceway.engines.planner import PlannerJvm
from sluiceway.engines.reading import SqlReading
from sluiceway.engines.session import SessionEngine, Submit
from sluiceway.engines.submit import JvmProvider, SqlSubmitter, other_version
from sluiceway.engines.zone import local_zone
from sluiceway.reconcile.submissions import Submissions
from sluiceway.reconcile.sweep import Sweeper
from sluiceway.reconcile.turn import Turn, TurnSettings
from sluiceway.reconcile.worker import Reconciler, TakesTurns
from sluiceway.settings import MAX_BODY, Settings
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.s3 import S3Access
from sluiceway.storage.savepoints import Storage
from sluiceway.store.database import Database, migrate
from sluiceway.store.private import keep_private, make_directory
from sluiceway.store.reserve import Reserve

EMBEDDED = "embedded"
REQUEST_TIMEOUT = 10.0  # seconds for one request to a JobManager

log = structlog.get_logger(__name__)


class BadSettings(Exception):  # noqa: N818 - it is what they are
    """The service cannot run with these settings; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    asgi: ASGIApp
    clusters: dict[str, str]  # name to URL, the default one first


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in, and who was not."""

    sign_in: SignIn
    knows: Knows
    denials: Denials
    scrapes: Callable[[Scope], bool]  # carries the token for metrics


def clock() -> datetime:
    """Now, in UTC and in whole milliseconds, which is what the store keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service that works on what is stored for as long as the context lasts.

    Raises `BadSettings`, `BadStorage`, `BadDatabase`, and where an embedded Flink is wanted and cannot be started
    `NoJava`, `NoFlink` and `JvmFailed`.
    """
    registered = parse_clusters(settings)
    async with AsyncExitStack() as stack:
        data = _directory(settings.data)
        reserve = Reserve(data / "reserve")
        await asyncio.to_thread(reserve.make_way)
        storage = await _storage(settings, data)
        await asyncio.to_thread(migrate, data / "sluiceway.db")
        db = Database(data / "sluiceway.db", reserve)
        stack.push_async_callback(db.close)
        session = await stack.enter_async_context(_http_session())
        door = _door(settings, db, session)
        await _check_door(settings, door)
        embedded, planner = await _flink_beside(settings, data, stack)

        def locate(name: str) -> Cluster | None:
            return embedded.cluster if embedded is not None and name == EMBEDDED else registered.get(name)

        programs = JarSubmitter(session, Fetch(db, storage.files), data / "packages", storage.uri, REQUEST_TIMEOUT)
        variables = Variables(db, door.sign_in.vault, clock)
        sql = _submitter(session, planner, storage, variables)
        engine = SessionEngine(
            session, _submit(sql, programs), REQUEST_TIMEOUT, sql.options, names=storage.operator_names
        )
        reconciler = _reconciler(settings, db, storage, engine, locate)
        names = ((EMBEDDED,) if embedded else ()) + tuple(registered)
        queues = Queues(names, locate, reconciler.wake)
        watch = Watch(db, reconciler.shifts)
        await watch.begin()
        reconciler.start(names)
        stack.push_async_callback(reconciler.close)
        await stack.enter_async_context(_sweeping(settings, db, storage))
        await stack.enter_async_context(_beside(door.denials.run(), "denials"))
        api = _api(settings, db, queues, storage, engine, planner, door, reconciler=reconciler, watch=watch)
        # Where callers sign in, a page that they look at cannot do it for them.
        signed_in = must_sign_in(settings)
        asgi = Budget(api, STRANGERS) if signed_in else OwnOrigin(Budget(api, LOCALS))
        yield Service(
            RequestIds(SecurityHeaders(health.AskedForHead(Pace(asgi)))),
            {name: cluster.url for name in names if (cluster := locate(name))},
        )


def parse_clusters(settings: Settings) -> dict[str, Cluster]:
    """The registered clusters by name, in the order given. Raises `BadSettings`."""
    clusters: dict[str, Cluster] = {}
    for given in settings.cluster:
        name, _, url = given.partition("=")
        if not re.fullmatch(r"[\w.\-]{1,128}", name) or not _is_address(url):
            raise BadSettings(f"--cluster {given} is not NAME=URL; write for example prod=http://jobmanager:8081")
        if name in clusters or name == EMBEDDED:
            raise BadSettings(f"--cluster {given}: the name {name} is taken; give each cluster its own")
        clusters[name] = Cluster(name, url.rstrip("/"))
    if settings.embedded is False and not clusters:
        raise BadSettings("No cluster to work on: give --cluster NAME=URL, or --embedded for a Flink of its own.")
    return clusters


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    complete = parts.scheme in {"http", "https"} and re.fullmatch(r"[\w.:%\-]+", host) and port != 0
    return bool(complete) and not parts.query and not parts.fragment


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def must_sign_in(settings: Settings) -> bool:
    """Whether callers have to sign in: always where others could reach the service."""
    return settings.auth or not is_loopback(settings.host)


def _door(settings: Settings, db: Database, session: aiohttp.ClientSession | None = None) -> Door:
    """Without a session no identity provider is asked. Raises `BadSettings`."""
    sign_in = SignIn(db, Vault((settings.secret_key_file or settings.data / KEY_FILE).expanduser().absolute()), clock)
    provider, guard = _provider(settings, session), ReplayGuard() if settings.refuse_replays else None
    knows = Credentials(sign_in, clock, provider, guard) if must_sign_in(settings) else nobody_signs_in
    return Door(sign_in, knows, Denials(db, clock), _scrapes(settings))


def _scrapes(settings: Settings) -> Callable[[Scope], bool]:
    if settings.metrics_token_file is None:
        return lambda _: False
    try:
        return MetricsToken.read(settings.metrics_token_file).fits
    except BadTokenFile as error:
        raise BadSettings(f"--metrics-token-file {error}.") from error


def _provider(settings: Settings, session: aiohttp.ClientSession | None) -> OidcVerifier | None:
    issuer, audience = settings.oidc_issuer, settings.oidc_audience
    if bool(issuer) != bool(audience):
        raise BadSettings("--oidc-issuer and --oidc-audience go together; one of them is missing.")
    if not issuer or not audience or session is None:
        return None
    try:
        return OidcVerifier(issuer, audience, session, clock)
    except ValueError as error:
        raise BadSettings(f"--oidc-issuer {error}.") from error


async def _check_door(settings: Settings, door: Door) -> None:
    """Raises `BadSettings` where nobody could be let in."""
    if not must_sign_in(settings):
        return
    try:
        somebody = await door.sign_in.check()
    except BadKeyFile as error:
        raise BadSettings(str(error)) from error
    if not somebody:
        raise BadSettings(
            f"Callers at {settings.host} have to sign in, and there is nobody who could. Make the first user with\n"
            f"  sluiceway access users add NAME --password --data {settings.data}\n"
            f"  sluiceway access grant NAME admin --project '*' --data {settings.data}\n"
            "and start the service again. `sluiceway access keys add NAME` makes an access key for programs."
        )


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


def _http_session() -> aiohttp.ClientSession:
    # One pool for all clusters; a slow one cannot take every connection.
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=128, ttl_dns_cache=60)
    return aiohttp.ClientSession(connector=connector)


async def _storage(settings: Settings, data: Path) -> Storage:
    access = S3Access(settings.s3_endpoint, settings.s3_region)
    storage = Storage(settings.storage or str(data / "storage"), access)
    try:
        await storage.check()
    except StorageUnreadable as error:
        # It may be back in a minute, and until then stops are accepted and carried through.
        log.warning("storage_unreadable", why=str(error))
    return storage


async def _flink_beside(
    settings: Settings, data: Path, stack: AsyncExitStack
) -> tuple[EmbeddedFlink | None, JvmProvider]:
    """The embedded Flink, if one is wanted, and the planner, whose process starts with the first SQL to plan."""
    jars = _jars(settings.jars)
    planner = PlannerJvm(data / "planner", jars=jars)
    stack.push_async_callback(planner.close)
    if not (settings.embedded if settings.embedded is not None else not settings.cluster):
        return None, planner.jvm
    embedded = EmbeddedFlink(
        data / "flink",
        EmbeddedSettings(
            port=settings.embedded_port,
            slots=settings.embedded_slots,
            heap_mb=settings.embedded_heap,
            managed_mb=settings.embedded_managed,
            jars=jars,
        ),
        EMBEDDED,
    )
    await embedded.start()
    stack.push_async_callback(embedded.close)
    # Well before anybody's first job, it hopes.
    await stack.enter_async_context(_beside(planner.warm_up(), "planner"))
    return embedded, planner.jvm


def _jars(directory: Path | None) -> list[Path]:
    if directory is None:
        return []
    found = sorted(directory.expanduser().absolute().glob("*.jar"))
    if not found:
        raise BadSettings(f"--jars {directory} has no jars in it")
    return found


def _submitter(
    session: aiohttp.ClientSession, planner: JvmProvider, storage: Storage, variables: Variables
) -> SqlSubmitter:
    async def version_of(url: str) -> str:
        return (await FlinkRest(session, url, REQUEST_TIMEOUT).overview()).flink_version

    return SqlSubmitter(planner, version_of, storage.uri, variables.fill_of_job)


def _submit(sql: SqlSubmitter, programs: JarSubmitter) -> Submit:
    async def submit(cluster: Cluster, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        return await (programs if spec.program else sql).submit(cluster, run, name, spec)

    return submit


def _reconciler(
    settings: Settings,
    db: Database,
    storage: Storage,
    engine: SessionEngine,
    locate: Callable[[str], Cluster | None],
) -> Reconciler:
    rules = StopRules(
        timeout=timedelta(seconds=settings.savepoint_timeout),
        attempts=settings.stop_attempts,
        backoff=timedelta(seconds=2),
        gone_after=timedelta(seconds=settings.gone_after),
        forgotten_after=timedelta(seconds=2),
        if_not_running=IfNotRunning(settings.if_not_running),
    )
    health = HealthRules(unwell_after=timedelta(seconds=settings.unwell_after))
    each = TurnSettings(rules, settings.max_savepoints, health=health)

    def turns(_: str) -> TakesTurns:
        return Turn(db, engine, storage, Submissions(engine), each, clock)

    return Reconciler(db, locate, turns, clock)


@asynccontextmanager
async def _sweeping(settings: Settings, db: Database, storage: Storage) -> AsyncIterator[None]:
    """Retention at work, where it is wanted."""
    age, most = settings.savepoint_max_age, settings.savepoints_kept
    if age is None and most is None:
        yield
        return
    sweeper = Sweeper(db, storage, clock, None if age is None else timedelta(seconds=age), most)
    async with _beside(sweeper.run(), "retention"):
        yield


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _api(
    settings: Settings,
    db: Database,
    queues: Queues,
    storage: Storage,
    engine: SessionEngine,
    planner: JvmProvider,
    door: Door | None = None,
    *,
    reconciler: Reconciler | None = None,
    watch: Watch | None = None,
) -> Litestar:
    door = door or _door(settings, db)
    timeout = timedelta(seconds=settings.savepoint_timeout)
    variables = Variables(db, door.sign_in.vault, clock)
    reading = SqlReading(planner, variables.fill)
    fit_of = FitOf(storage, SqlOperators(reading), engine.free_slots, variables.settled_at)
    stop_jobs = StopJobs(db, queues, storage, clock, timeout)

    async def misplaced(name: str) -> str | None:
        cluster = queues.locate(name)
        return None if cluster is None else await other_version(cluster, engine.version_of)

    check_sql = SqlChecks(db, variables, reading.checked, misplaced)
    start_jobs = StartJobs(db, queues, storage, clock, local_zone(), fit_of.judge, reading.options, check_sql)
    use_cases = {
        "stop_jobs": stop_jobs,
        "retry_stops": RetryStops(stop_jobs),
        "start_jobs": start_jobs,
        "resume_jobs": ResumeJobs(start_jobs),
        "job_diffs": JobDiffs(WaysBack(db, storage, clock, local_zone(), reading.options)),
        "plans": KeptPlans(db, clock),
        "edit_jobs": EditJobs(db, queues, storage, clock, timeout),
        "buckets": Buckets(db, clock),
        "savepoints": Savepoints(db, storage, clock),
        "take_savepoints": TakeSavepoints(db, queues, storage, clock, timeout),
        "import_savepoint": ImportSavepoint(db, storage, clock),
        "resources": Resources(db, storage.files, clock, settings.data.expanduser().absolute() / "uploads"),
        "queries": Queries(db, queues, engine.flink_job),
        "fit_of": fit_of,
        "following": Following(db),
        "preflight": Preflight(db, queues, storage, engine.survey, clock, reading.options),
        "queues": queues,
        "templates": Templates(db, clock),
        "job_tags": Tags(db, clock),
        "resource_tags": ResourceTags(db, clock),
        "metrics": Metrics(db, queues, engine.traffic),
        "transfer": Transfer(db, queues, storage.files, clock),
        "graphs": Graphs(db, SqlGrapher(planner).draw, variables),
        "variables": variables,
        "sign_in": door.sign_in,
        "own": OwnPassword(door.sign_in),
        "denials": door.denials,
        "watch": watch or Watch(db, list),
    }

    async def database() -> str:
        return await db.ailment() or ""

    async def clusters() -> str:
        down = [name for name in queues.names if queues.locate(name) is None]
        return f"starting: {', '.join(down)}" if down else ""

    async def workers() -> str:
        stuck = "" if reconciler is None else reconciler.stuck()
        return f"no turn for a while: {stuck}" if stuck else ""

    async def files() -> str:
        return await storage.stuck() or ""

    readiness: health.Readiness = {"database": database, "clusters": clusters, "workers": workers, "storage": files}
    limits = [RateLimit(settings.rate_limit)] if settings.rate_limit else []
    return Litestar(
        route_handlers=[
            *dli.routes(
                settings.refused_form,
                _format(settings.dli_savepoint_format),
                settings.idle_state_retention_unit,
                settings.stop_at_rest,
                frozenset(map(Allowed, settings.dli_resume_anyway)),
            ),
            native.routes(),
            iam.routes(),
            health.healthz,
            health.readyz,
            prometheus.metrics,
            docs.schema,
            docs.assets(),
            error_page.error_page,
            error_page.error_codes,
        ],
        dependencies={name: _given(value) for name, value in {**use_cases, "readiness": readiness}.items()}
        | {"permit": Provide(permit.given, sync_to_thread=False)},
        exception_handlers=dli.exception_handlers(),
        middleware=[Gate(door.knows, door.denials, door.scrapes), *limits, KeptAnswers()],
        request_max_body_size=MAX_BODY,
        logging_config=None,  # how to log is the command's to say
        openapi_config=docs.described(),
    )


def _format(name: str) -> SavepointFormat | None:
    return None if name == "auto" else SavepointFormat(name)


def _given(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)
