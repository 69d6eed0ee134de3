"""A Java process beside the service, with Flink's classes in it: to plan SQL in, or to run a cluster in.

py4j's calls block, so they run in threads of their own. No Java object ever leaves those threads: py4j tells Java of
every object that Python drops, and it does so from the thread that drops it, which must not be the event loop's.
"""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.java import flink_version
from sluiceway.engines.jvm_process import Confinement, JvmFailed, JvmProcess
from sluiceway.engines.options import NAME
from sluiceway.engines.sql import (
    MOST_STATEMENTS,
    Found,
    Script,
    SqlRefused,
    SqlSyntax,
    Statement,
    check_length,
    script_of,
)
from sluiceway.engines.submit_errors import (
    LONGEST_MESSAGE,
    Cause,
    already_submitted,
    clipped,
    explain,
    may_have_arrived,
)

AT_ONCE = 64  # calls into Java; those that send a job wait for a cluster
MOST_CAUSES = 20  # a chain of causes that is longer is a circle

# What the client side of a submission needs. It never repeats itself: that is for the caller, and harmless.
_CLIENT = {
    "execution.target": "remote",
    "execution.attached": "false",
    "rest.retry.max-attempts": "0",
    "rest.connection-timeout": "10 s",
    "rest.idleness-timeout": "30 s",
    "client.timeout": "30 s",
}
READER = tuple(Path(__file__).with_name(name) for name in ("ListCost.java", "SqlBounds.java", "SqlReader.java"))
_PROBE = Path(__file__).with_name("StateProbe.java")
NO_FILES = "The planner cannot read or write files of the machine that it runs on."
_LOCAL = "127.0.0.1"
_CLUSTER = {
    "rest.address": _LOCAL,
    "rest.bind-address": _LOCAL,
    "jobmanager.bind-host": _LOCAL,  # also of the blob server, which would else listen to the whole network
    "taskmanager.bind-host": _LOCAL,
    "taskmanager.host": _LOCAL,
    "web.submit.enable": "true",  # Jar jobs come that way
    "web.access-control-allow-origin": f"http://{_LOCAL}",  # or any page in a browser could upload and run a jar
    "taskmanager.system-out.mode": "LOG",  # the rows of the print connector, in the log, whose size is bounded
}
_WARM_UP = (
    "CREATE TABLE source (n BIGINT) WITH ('connector' = 'datagen')",
    "CREATE TABLE sink (n BIGINT) WITH ('connector' = 'blackhole')",
)
_FOUND = msgspec.json.Decoder(list[Found])

T = TypeVar("T")


class JavaGone(Unreachable):
    """The Java process has ended, or did so instead of an answer."""


class _JavaError(Exception):
    """Java threw this. Returned rather than raised, so that no traceback carries Java objects out of the thread."""

    def __init__(self, causes: Sequence[Cause]) -> None:
        super().__init__(explain(causes))
        self.causes = causes


class FlinkJvm:
    """A running Java process with Flink's classes in it. Made by `launch`."""

    def __init__(self, process: JvmProcess, directory: Path, version: str) -> None:
        self.flink_version = version  # for example "2.3.0"
        self._process = process
        self._directory = directory
        self._java: Any = process.gateway.jvm
        self._flink: Any = self._java.org.apache.flink
        self._cluster: Any = None
        self._reader: tuple[Any, Any] | None = None  # the class `SqlReader`, and the parser that it reads with
        self._probe: Any = None
        self._probing = threading.Lock()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="flink-jvm")

    @classmethod
    async def launch(
        cls, directory: Path, heap_mb: int = 1024, jars: Sequence[Path] = (), *, confine: bool = False
    ) -> Self:
        """Start Java with Flink's jars and `jars` (connectors, formats, functions) on its class path.

        Its logs, at most some 40 MB, and its temporary files are in `directory`; with `confine` it can write nothing
        else, and read nothing of the service's. It ends when this process ends, however that ends. Raises `NoJava`,
        `NoFlink` and `JvmFailed`.
        """
        version = await asyncio.to_thread(flink_version)
        start = partial(JvmProcess.start, directory, heap_mb, jars, confine=confine)
        starting = asyncio.ensure_future(asyncio.to_thread(start))
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_abandon)
            raise
        return cls(process, directory, version)

    @property
    def pid(self) -> int:
        """The id of the Java process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the Java process still runs."""
        return self._process.alive

    @property
    def confinement(self) -> Confinement | None:
        """How the process is confined; None when it has the service's rights."""
        return self._process.confinement

    async def start_cluster(self, options: Mapping[str, str], slots: int, rest_port: int) -> str:
        """Run a Flink cluster of `slots` slots in this process, reachable from this machine only.

        `rest_port` 0 takes a free one. Returns the URL of its REST API. Raises `JvmFailed`; at most one cluster.
        """
        temporary = self._directory / "tmp"
        await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)
        await asyncio.to_thread(temporary.mkdir, parents=True)
        ports = {"rest.port": str(rest_port), "rest.bind-port": str(rest_port)}
        places = {"io.tmp.dirs": str(temporary), "web.upload.dir": str(temporary)}
        merged = {**places, **options, **_CLUSTER, **ports}
        answer = await self._call(lambda: self._start_cluster(merged, slots))
        if isinstance(answer, Exception):
            raise JvmFailed(f"Flink did not start. {answer}")
        return answer

    async def cluster_running(self) -> bool:
        """Whether the cluster that was started here still runs; it may stop by itself without ending the process."""
        return await self._call(lambda: bool(self._cluster.isRunning())) is True

    async def warm_up(self) -> None:
        """Load the planner, which would take the first submission several seconds. Never fails."""
        await self._call(self._explain_something)

    async def read_sql(self, body: str) -> Script:
        """Find the statements of a body with Flink's own parser, and what they do together.

        Raises `SqlSyntax`, `SqlRefused`, and `JavaGone`.
        """
        await asyncio.to_thread(check_length, body)
        answer = await self._call(lambda: self._read(body))
        if isinstance(answer, _JavaError):
            raise SqlRefused(self._explained(answer.causes))
        if isinstance(answer, Unreachable):
            raise answer
        return await asyncio.to_thread(lambda: script_of(_FOUND.decode(answer)))

    async def submit_sql(
        self, rest_url: str, script: Script, options: Mapping[str, str], planned: Callable[[], None] = lambda: None
    ) -> None:
        """Plan the script and hand it to the cluster at `rest_url` as one job, under the id that `options` fix.

        Returns when the cluster has the job, now or from an earlier attempt. Calls `planned`, in another thread, when
        all that is left is to send it; not where planning creates a table. Raises `SqlRefused` when the job cannot be
        started as it is, and `Unreachable` when it may have arrived or not.
        """
        configuration = {**options, **_CLIENT, **_address(rest_url)}
        answer = await self._call(lambda: self._submit(script, configuration, planned))
        if isinstance(answer, _JavaError):
            _judge(answer.causes, self._explained(answer.causes))
        elif isinstance(answer, Unreachable):
            raise answer

    async def plan_sql(self, script: Script, options: Mapping[str, str], *, chained: bool) -> str:
        """The graph that the script would run as, as JSON text: of its operators, or of the tasks they are chained to.

        Nothing is sent anywhere. Raises `SqlSyntax`, `SqlRefused`, and `JavaGone`.
        """
        answer = await self._call(lambda: self._plan(script, dict(options), chained))
        if isinstance(answer, _JavaError):
            unparsed = any(cause.kind.endswith("SqlParserException") for cause in answer.causes)
            raise (SqlSyntax if unparsed else SqlRefused)(self._explained(answer.causes))
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    async def operators(self, script: Script, options: Mapping[str, str]) -> str:
        """The operators that the script would run as, and the state of each, as JSON text; see `StateProbe.java`.

        Nothing is sent anywhere. Raises `SqlRefused`, and `JavaGone`.
        """
        answer = await self._call(lambda: self._operators(script, dict(options)))
        if isinstance(answer, _JavaError):
            raise SqlRefused(self._explained(answer.causes))
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    async def readable(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """How what one serializer has written can be read by another, of each pair; see `StateProbe.java`.

        Raises `JavaGone`.
        """
        answer = await self._call(lambda: [str(self._state_probe().resolve(*pair)) for pair in pairs])
        if isinstance(answer, _JavaError):
            raise JavaGone(str(answer))
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    async def exited(self) -> int:
        """Wait for the end of the Java process, and return its exit code."""
        return await self._process.exited()

    def last_words(self) -> str:
        """What Java itself, rather than Flink, said last; it may well be nothing."""
        return self._process.last_words()

    def kill(self) -> None:
        """End the Java process at once. Calls that are under way end with `JavaGone`."""
        self._process.kill()

    async def close(self) -> None:
        """End the Java process and every job that runs in it. Harmless when it has ended."""
        await asyncio.to_thread(self._process.end)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _explained(self, causes: Sequence[Cause]) -> str:
        text = explain(causes)
        return f"{text} {NO_FILES}" if self.confinement and any(map(_touches_files, causes)) else text

    async def _call(self, work: Callable[[], T]) -> T | _JavaError | Unreachable:
        if not self.alive:
            return JavaGone(f"The Java process has ended. {self.last_words()}".strip())
        return await asyncio.get_running_loop().run_in_executor(self._threads, _guarded, work)

    # Everything below runs in the threads.

    def _start_cluster(self, options: dict[str, str], slots: int) -> str:
        cluster = self._flink.runtime.minicluster
        configuration = self._flink.configuration.Configuration.fromMap(options)
        self._flink.runtime.taskexecutor.SystemOutRedirectionUtils.redirectSystemOutAndError(configuration)
        builder = cluster.MiniClusterConfiguration.Builder().setConfiguration(configuration)
        self._cluster = cluster.MiniCluster(builder.setNumTaskManagers(1).setNumSlotsPerTaskManager(slots).build())
        self._cluster.start()
        return f"http://{_LOCAL}:{self._cluster.getRestAddress().get().getPort()}"

    def _submit(self, script: Script, options: dict[str, str], planned: Callable[[], None]) -> None:
        table = self._table_environment(options)
        if script.creates_from_query:
            self._submit_whole(table, script)
            return
        # What `StatementSet.execute` does, in its two steps.
        pipeline = self._pipeline(table, script, options)
        planned()
        self._executor(table).executeAsync(pipeline)

    def _pipeline(self, table: Any, script: Script, options: dict[str, str]) -> Any:
        transformations = self._translated(table, script)
        configuration = table.getConfig().getConfiguration()
        return self._executor(table).createPipeline(transformations, configuration, options.get(NAME, ""))

    def _operators(self, script: Script, options: dict[str, str]) -> str:
        graph = self._pipeline(self._table_environment(options), script, options)
        return str(self._state_probe().describe(graph))

    def _state_probe(self) -> Any:
        """Compiled once, by the compiler that Flink brings for its own generated classes."""
        with self._probing:
            if self._probe is None:
                loader = self._java.java.lang.Thread.currentThread().getContextClassLoader()
                compiler = self._flink.table.runtime.generated.CompileUtils
                made = compiler.compile(loader, "sluiceway.StateProbe", _PROBE.read_text())
                self._probe = made.newInstance()
            return self._probe

    def _read(self, body: str) -> str:
        kind, parser = self._reader = self._reader or self._made_reader()
        return str(self._json(kind.read(parser, body, MOST_STATEMENTS)))

    def _made_reader(self) -> tuple[Any, Any]:
        """The reader, compiled beside Flink's parser, whose classes nothing else can see; and that parser."""
        parser = self._table_environment({}).getParser()
        classes = parser.getClass().getClassLoader()
        compiler = self._flink.table.runtime.generated.CompileUtils
        for source in READER:  # each sees those before it
            kind = compiler.compile(classes, source.stem, source.read_text())
            classes = kind.getClassLoader()
        member = parser.getClass().getDeclaredField("calciteParserSupplier")
        member.setAccessible(True)
        return kind.newInstance(), member.get(parser).get()

    def _submit_whole(self, table: Any, script: Script) -> None:
        """Only Flink itself makes the tables that are created from queries."""
        sinks = table.createStatementSet()
        for statement in _each(table, script):
            if statement.sink:
                sinks.addInsertSql(statement.in_place)
            else:
                table.executeSql(statement.in_place)
        sinks.execute()

    def _plan(self, script: Script, options: dict[str, str], chained: bool) -> str:
        table = self._table_environment(options)
        transformations = self._translated(table, script)
        graph = table.getPlanner().getExecEnv().generateStreamGraph(transformations)
        if not chained:
            return str(graph.getStreamingPlanAsJSON())
        plan = self._flink.runtime.jobgraph.jsonplan.JsonPlanGenerator.generatePlan(graph.getJobGraph())
        return str(self._json(plan))

    def _json(self, value: Any) -> Any:
        return self._flink.runtime.rest.util.RestMapperUtils.getStrictObjectMapper().writeValueAsString(value)

    def _executor(self, table: Any) -> Any:
        kind = self._java.java.lang.Class.forName("org.apache.flink.table.api.internal.TableEnvironmentImpl")
        member = kind.getDeclaredField("execEnv")
        member.setAccessible(True)
        return member.get(table)

    def _translated(self, table: Any, script: Script) -> Any:
        sinks = self._java.java.util.ArrayList()
        for statement in _each(table, script):
            if statement.sink:
                sinks.addAll(table.getParser().parse(statement.in_place))
            else:
                table.executeSql(statement.in_place)
        return table.getPlanner().translate(sinks)

    def _explain_something(self) -> None:
        table = self._table_environment({})
        for statement in _WARM_UP:
            table.executeSql(statement)
        table.explainSql("INSERT INTO sink SELECT n FROM source", [])

    def _table_environment(self, options: dict[str, str]) -> Any:
        api = self._flink.table.api
        configuration = self._flink.configuration.Configuration.fromMap(options)
        settings = api.EnvironmentSettings.newInstance().withConfiguration(configuration).build()
        return api.TableEnvironment.create(settings)


def _each(table: Any, script: Script) -> Iterator[Statement]:
    """The statements, each with the options in force that it would have in a SQL client."""
    config = table.getConfig()
    for statement, changes in zip(script.statements, script.changes(), strict=True):
        for name, value in changes.items():
            if value is None:
                config.getConfiguration().removeKey(name)
            else:
                config.set(name, value)
        yield statement


def _guarded(work: Callable[[], T]) -> T | _JavaError | Unreachable:
    from py4j.protocol import Py4JError, Py4JJavaError

    try:
        try:
            return work()
        except Py4JJavaError as error:
            return _JavaError(_causes(error.java_exception))
    except (Py4JError, OSError) as error:
        return JavaGone(f"The Java process gave no answer. {error}")


def _causes(throwable: Any) -> list[Cause]:
    causes: list[Cause] = []
    while throwable is not None and len(causes) < MOST_CAUSES:
        causes.append(Cause(throwable.getClass().getName(), clipped(throwable.getMessage() or "", LONGEST_MESSAGE)))
        throwable = throwable.getCause()
    return causes


def _judge(causes: Sequence[Cause], explained: str) -> None:
    if already_submitted(causes):
        return
    if may_have_arrived(causes):
        raise Unreachable(explained)
    raise SqlRefused(explained)


def _touches_files(cause: Cause) -> bool:
    # Partitions of a table in files are looked for while it is planned.
    partitions = cause.message.startswith("Fetch partitions fail")
    return partitions or (cause.kind.startswith("java.") and "denied" in f"{cause.kind} {cause.message}".lower())


def _address(rest_url: str) -> dict[str, str]:
    parts = urlsplit(rest_url)
    if parts.scheme != "http" or parts.hostname is None or parts.path.strip("/"):
        raise SqlRefused(f"SQL can only be submitted to a cluster at http://host:port, not to {rest_url}.")
    return {"rest.address": parts.hostname, "rest.port": str(parts.port or 80)}


def _abandon(starting: "asyncio.Task[JvmProcess]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().kill()
