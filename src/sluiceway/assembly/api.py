"""Both APIs, the health checks and the documentation as one application."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from litestar import Litestar
from litestar.di import Provide

from sluiceway.api import dli, docs, front, health, native, permit, prometheus
from sluiceway.api.auth import iam
from sluiceway.api.auth.gate import Gate
from sluiceway.api.auth.limits import RateLimit
from sluiceway.api.errors import page as error_page
from sluiceway.api.errors.handlers import FOR_APPLICATION
from sluiceway.api.kept_answers import KeptAnswers
from sluiceway.api.native.events import message
from sluiceway.assembly.door import Door, make_door, signing_in
from sluiceway.assembly.ground import Ground, Judging, lifecycle
from sluiceway.control.buckets import Buckets
from sluiceway.control.check_jobs import CheckJobs
from sluiceway.control.cluster_jars import ClusterJars
from sluiceway.control.clusters import Clusters
from sluiceway.control.following import Following
from sluiceway.control.graphs import Graphs
from sluiceway.control.job_diff import JobDiffs
from sluiceway.control.job_logs import JobLogs
from sluiceway.control.judge_fit import JudgeFit
from sluiceway.control.kept_plans import KeptPlans
from sluiceway.control.metrics import Metrics
from sluiceway.control.named_states import GoingBack
from sluiceway.control.own_password import OwnPassword
from sluiceway.control.queues import Queues
from sluiceway.control.register_savepoint import RegisterSavepoint
from sluiceway.control.resources import Resources
from sluiceway.control.roster import Fixed, Roster
from sluiceway.control.savepoints import Savepoints
from sluiceway.control.sql_checks import SqlChecks
from sluiceway.control.tags import ResourceTags, Tags
from sluiceway.control.templates import Templates
from sluiceway.control.transfer import Transfer
from sluiceway.control.try_clusters import TryClusters
from sluiceway.control.variables import Variables
from sluiceway.control.watch import Watch
from sluiceway.control.way_back import WaysBack
from sluiceway.domain.engine import Engine, Unreachable
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.way_back import Allowed
from sluiceway.engines.jobmanager.probing import probe
from sluiceway.engines.planning.distributions import Distributions, NoDistribution
from sluiceway.engines.planning.graphs import PlannerFor, SqlGrapher
from sluiceway.engines.planning.operators import SqlOperators
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.reading import SqlReading
from sluiceway.engines.planning.submit import JvmProvider, PlannerOf, unjudged, unplanned
from sluiceway.engines.planning.zone import local_zone
from sluiceway.reconcile.worker import Reconciler
from sluiceway.settings import DISTRIBUTIONS, MAX_BODY, Settings


def make_api(
    settings: Settings,
    ground: Ground,
    queues: Queues,
    planner: JvmProvider,
    door: Door | None = None,
    *,
    reconciler: Reconciler | None = None,
    watch: Watch | None = None,
    roster: Roster | None = None,
    planner_of: PlannerOf | None = None,
) -> Litestar:
    """The application. Without a door nobody has to sign in. Raises `BadSettings`."""
    door = door or make_door(settings, ground.db)
    roster = roster or Roster(ground.db, door.sign_in.vault, Fixed())
    given = {
        "clusters": (tries := try_clusters(ground, roster)).clusters,
        "try_clusters": tries,
        "cluster_jars": ClusterJars(ground.engine.jars, queues.locate),
        **_use_cases(settings, ground, queues, planner, door, by_version(planner, planner_of, queues, ground.engine)),
        "watch": watch or Watch(ground.db, list),
        "signing_in": signing_in(settings),
        "readiness": _readiness(ground, roster, reconciler),
    }
    limits = [RateLimit(settings.rate_limit)] if settings.rate_limit else []
    return Litestar(
        route_handlers=_routes(settings),
        dependencies={name: _given(value) for name, value in given.items()}
        | {"permit": Provide(permit.given, sync_to_thread=False)},
        exception_handlers=dict(FOR_APPLICATION),  # unknown paths, and faults, as DLI's gateway answers them
        middleware=[Gate(door.knows, door.denials, door.scrapes), *limits, KeptAnswers()],
        request_max_body_size=MAX_BODY,
        logging_config=None,  # how to log is the command's to say
        openapi_config=docs.described(),
    )


def _routes(settings: Settings) -> list[Any]:
    return [
        *dli.routes(
            settings.refused_form,
            _format(settings.dli_savepoint_format),
            settings.idle_state_retention_unit,
            settings.stop_at_rest,
            frozenset(map(Allowed, settings.dli_resume_anyway)),
        ),
        native.routes(),
        native.account_routes(),
        iam.routes(),
        front.front,
        health.healthz,
        health.readyz,
        prometheus.metrics,
        docs.schema,
        docs.assets(),
        error_page.error_page,
        error_page.error_codes,
    ]


def try_clusters(ground: Ground, roster: Roster) -> TryClusters:
    """The use cases around trying clusters, with those around all clusters in them."""
    return TryClusters(Clusters(ground.db, roster, roster.vault, ground.clock), ground.storage.files, probe)


def by_version(planner: JvmProvider, planner_of: PlannerOf | None, queues: Queues, engine: Engine) -> PlannerFor:
    """What plans for a cluster: one of its own version, where that is here and can be told, else the usual one."""

    async def found(cluster: str | None) -> Plans:
        place = queues.locate(cluster) if cluster else None
        if place is None or planner_of is None:
            return await planner()
        try:
            return await planner_of(place, await engine.version(place))
        except (Unreachable, NoDistribution):
            return await planner()

    return found


def _use_cases(
    settings: Settings, ground: Ground, queues: Queues, planner: JvmProvider, door: Door, planner_for: PlannerFor
) -> dict[str, object]:
    """By the names under which handlers ask for them."""
    db, storage, engine, clock = ground.db, ground.storage, ground.engine, ground.clock
    timeout = timedelta(seconds=settings.savepoint_timeout)
    variables = Variables(db, door.sign_in.vault, clock)
    reading = SqlReading(planner, variables.fill)
    here = Distributions(settings.data.expanduser().absolute() / DISTRIBUTIONS)
    judge_fit = JudgeFit(
        storage,
        SqlOperators(reading),
        engine.free_slots,
        variables.settled_at,
        lambda place: unjudged(place, engine.version, here),
    )
    going_back = GoingBack(db, WaysBack(db, storage, clock))
    check_sql = SqlChecks(db, variables, reading.checked, _misplaced(queues, engine, here))
    life = lifecycle(ground, queues, timeout, Judging(judge_fit.judge, reading.options, local_zone(), check_sql))
    return {
        **{field.name: getattr(life, field.name) for field in fields(life)},
        "job_diffs": JobDiffs(WaysBack(db, storage, clock, local_zone(), reading.options)),
        "plans": KeptPlans(db, clock),
        "buckets": Buckets(db, clock),
        "savepoints": Savepoints(db, storage, clock),
        "register_savepoint": RegisterSavepoint(db, storage, clock, going_back),
        "going_back": going_back,
        "resources": Resources(db, storage.files, clock, settings.data.expanduser().absolute() / "uploads"),
        "judge_fit": judge_fit,
        "following": Following(db, message),
        "queues": queues,
        "templates": Templates(db, clock),
        "job_tags": Tags(db, clock),
        "resource_tags": ResourceTags(db, clock),
        "metrics": Metrics(db, queues, engine),
        "transfer": Transfer(db, queues, storage.files, clock),
        "graphs": Graphs(db, SqlGrapher(planner_for).draw, variables, queues.resolve),
        "job_logs": JobLogs(db, queues.locate, engine, variables),
        "check_jobs": CheckJobs(SqlGrapher(planner_for).compile, variables, queues.resolve),
        "variables": variables,
        "sign_in": door.sign_in,
        "own": OwnPassword(door.sign_in),
        "denials": door.denials,
    }


def _misplaced(queues: Queues, engine: Engine, here: Distributions) -> Callable[[str], Awaitable[str | None]]:
    """Why no SQL can be planned for a cluster, by its name."""

    async def misplaced(name: str) -> str | None:
        place = queues.locate(name)
        return None if place is None else await unplanned(place, engine.version, here)

    return misplaced


def _readiness(ground: Ground, roster: Roster, reconciler: Reconciler | None) -> health.Readiness:
    """What has to do its work before the service counts as ready; each tells what ails it, or nothing."""

    async def database() -> str:
        return await ground.db.ailment() or ""

    async def clusters() -> str:
        down = [name for name, each in roster.listed.items() if not each.trouble and roster.locate(name) is None]
        return f"starting: {', '.join(down)}" if down else ""

    async def workers() -> str:
        stuck = "" if reconciler is None else reconciler.stuck()
        return f"no turn for a while: {stuck}" if stuck else ""

    async def files() -> str:
        return await ground.storage.stuck() or ""

    return {"database": database, "clusters": clusters, "workers": workers, "storage": files}


def _format(name: str) -> SavepointFormat | None:
    return None if name == "auto" else SavepointFormat(name)


def _given(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)
