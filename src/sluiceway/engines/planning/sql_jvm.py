"""Reads and plans SQL in a Java process, with Flink's own parser and planner."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.jobmanager.submit_errors import Cause, already_submitted, explain, may_have_arrived
from sluiceway.engines.planning.jvm import FlinkJvm, JavaError, JavaGone
from sluiceway.engines.planning.jvm_process import JvmProcess
from sluiceway.engines.planning.options import NAME
from sluiceway.engines.planning.sql import (
    MOST_STATEMENTS,
    Found,
    Script,
    SqlRefused,
    SqlSyntax,
    Statement,
    check_length,
    script_of,
)

# What the client side of a submission needs. It never repeats itself: that is for the caller, and harmless.
_CLIENT = {
    "execution.target": "remote",
    "execution.attached": "false",
    "rest.retry.max-attempts": "0",
    "rest.connection-timeout": "10000",  # ms: Flink 1.18 reads no unit here
    "rest.idleness-timeout": "30000",
    "client.timeout": "30 s",
}
READER = tuple(Path(__file__).with_name(name) for name in ("ListCost.java", "SqlBounds.java", "SqlReader.java"))
_PROBE = Path(__file__).with_name("StateProbe.java")
_REMOTE = Path(__file__).with_name("RemoteEnvironment.java")
NO_FILES = "The planner cannot read or write files of the machine that it runs on."
_WARM_UP = (
    "CREATE TABLE source (n BIGINT) WITH ('connector' = 'datagen')",
    "CREATE TABLE sink (n BIGINT) WITH ('connector' = 'blackhole')",
)
_FOUND = msgspec.json.Decoder(list[Found])


class SqlJvm(FlinkJvm):
    """A Java process that reads, plans and submits SQL. Made by `launch`."""

    def __init__(self, process: JvmProcess, directory: Path, version: str) -> None:
        super().__init__(process, directory, version)
        self._reader: tuple[Any, Any] | None = None  # the class `SqlReader`, and the parser that it reads with
        self._probe: Any = None
        self._making = threading.Lock()
        self._remote = not version.startswith("1.")  # else see `RemoteEnvironment.java`

    async def warm_up(self) -> None:
        """Load the planner, which would take the first submission several seconds. Never fails."""
        await self._call(self._explain_something)

    async def read_sql(self, body: str) -> Script:
        """Find the statements of a body with Flink's own parser, and what they do together.

        Raises `SqlSyntax`, `SqlRefused`, and `JavaGone`.
        """
        await asyncio.to_thread(check_length, body)
        answer = await self._call(lambda: self._read(body))
        if isinstance(answer, JavaError):
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
        if isinstance(answer, JavaError):
            _judge(answer.causes, self._explained(answer.causes))
        elif isinstance(answer, Unreachable):
            raise answer

    async def pack_sql(self, script: Script, options: Mapping[str, str]) -> bytes:
        """Plan the script and pack it as one job, as Flink's own client does before it sends it to a JobManager.

        Nothing is sent anywhere, and what the JobManager is protected with is not needed here. Raises `SqlRefused`, and
        `JavaGone`.
        """
        answer = await self._call(lambda: self._pack(script, {**options, **_CLIENT}))
        if isinstance(answer, JavaError):
            raise SqlRefused(self._explained(answer.causes))
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    async def plan_sql(self, script: Script, options: Mapping[str, str], *, chained: bool) -> str:
        """The graph that the script would run as, as JSON text: of its operators, or of the tasks they are chained to.

        Nothing is sent anywhere. Raises `SqlSyntax`, `SqlRefused`, and `JavaGone`.
        """
        answer = await self._call(lambda: self._plan(script, dict(options), chained))
        if isinstance(answer, JavaError):
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
        if isinstance(answer, JavaError):
            raise SqlRefused(self._explained(answer.causes))
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    async def readable(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Tell of each pair how the second serializer can read what the first has written; see `StateProbe.java`.

        Raises `JavaGone`.
        """
        answer = await self._call(lambda: [str(self._state_probe().resolve(*pair)) for pair in pairs])
        if isinstance(answer, JavaError):
            raise JavaGone(str(answer))
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    def _explained(self, causes: Sequence[Cause]) -> str:
        text = explain(causes)
        return f"{text} {NO_FILES}" if self.confinement and any(map(_touches_files, causes)) else text

    # Everything below runs in the threads.

    def _submit(self, script: Script, options: dict[str, str], planned: Callable[[], None]) -> None:
        table = self._table_environment(options)
        if script.creates_from_query:
            self._submit_whole(table, script)
            return
        # What `StatementSet.execute` does, in its two steps.
        pipeline = self._pipeline(table, script, options)
        planned()
        self._executor(table).executeAsync(pipeline)

    def _pack(self, script: Script, options: dict[str, str]) -> bytes:
        table = self._table_environment(options)
        pipeline, configuration = self._pipeline(table, script, options), table.getConfig().getConfiguration()
        executors = self._flink.client.deployment.executors.PipelineExecutorUtils
        if self.flink_version.startswith("1."):
            loader = self._java.java.lang.Thread.currentThread().getContextClassLoader()
            job = executors.getJobGraph(pipeline, configuration, loader)
        else:
            job = executors.getStreamGraph(pipeline, configuration)
            job.serializeUserDefinedInstances()
        packed = self._java.java.io.ByteArrayOutputStream()
        stream = self._java.java.io.ObjectOutputStream(packed)
        stream.writeObject(job)
        stream.close()
        return bytes(packed.toByteArray())

    def _pipeline(self, table: Any, script: Script, options: dict[str, str]) -> Any:
        transformations = self._translated(table, script)
        configuration = table.getConfig().getConfiguration()
        return self._executor(table).createPipeline(transformations, configuration, options.get(NAME, ""))

    def _operators(self, script: Script, options: dict[str, str]) -> str:
        graph = self._pipeline(self._table_environment(options), script, options)
        return str(self._state_probe().describe(graph))

    def _state_probe(self) -> Any:
        with self._making:
            self._probe = self._probe or self._made(_PROBE)
            return self._probe

    def _made(self, source: Path) -> Any:
        """An object of this class, compiled with the compiler that Flink brings for its own generated classes."""
        loader = self._java.java.lang.Thread.currentThread().getContextClassLoader()
        compiler = self._flink.table.runtime.generated.CompileUtils
        return compiler.compile(loader, f"sluiceway.{source.stem}", source.read_text()).newInstance()

    def _read(self, body: str) -> str:
        kind, parser = self._reader = self._reader or self._made_reader()
        return str(self._json(kind.read(parser, body, MOST_STATEMENTS)))

    def _made_reader(self) -> tuple[Any, Any]:
        """Compile the reader beside Flink's parser, whose classes nothing else sees. Returns both."""
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
        """Leave it to Flink to make the tables that are created from queries."""
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
        with self._making:
            if not self._remote:
                self._made(_REMOTE).install()
                self._remote = True
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
    return {"rest.address": parts.hostname or "", "rest.port": str(parts.port or 80)}
