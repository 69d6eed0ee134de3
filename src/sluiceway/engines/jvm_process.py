"""The Java process itself: started, listened to, and ended. Everything here blocks; `jvm` calls it from threads."""

import asyncio
import importlib
import logging
import os
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sluiceway.engines.java import INSTALL, MODULE_FLAGS, NoFlink, find_java, flink_jars

CALL_TIMEOUT = 240.0  # seconds for one call into Java; longer than any of Flink's own time-outs
END_TIMEOUT = 10.0  # seconds that Java gets to end by itself

_FLAGS = (
    "-XX:+UseG1GC",
    "-XX:+ExitOnOutOfMemoryError",  # half a Flink is worse than a new one
    "-XX:-UsePerfData",
)

_LOG = """\
monitorInterval = 0
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = file
logger.flink.name = org.apache.flink
logger.flink.level = INFO
appender.file.name = file
appender.file.type = RollingFile
appender.file.fileName = ${sys:log.file}
appender.file.filePattern = ${sys:log.file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
"""


class JvmFailed(Exception):  # noqa: N818 - it is a finding, not a fault of ours
    """Java, or the Flink in it, could not be started. Its text says what it said."""


class JvmProcess:
    """A Java process with a py4j gateway to it."""

    def __init__(self, process: "subprocess.Popen[str]", said: "deque[str]", gateway: Any) -> None:
        self.gateway = gateway  # a py4j JavaGateway
        self._process = process
        self._said = said
        self._ended = threading.Event()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="flink-jvm-output", daemon=True).start()

    @classmethod
    def start(cls, directory: Path, heap_mb: int, jars: Sequence[Path]) -> "JvmProcess":
        """Start Java in `directory`, which is made where needed. Raises `NoJava`, `NoFlink` and `JvmFailed`."""
        directory.mkdir(parents=True, exist_ok=True)
        configuration = directory / "log4j2.properties"
        configuration.write_text(_LOG)
        logs = [f"-Dlog4j2.configurationFile={configuration.resolve()}", f"-Dlog.file={directory.resolve()}/flink.log"]
        classpath = os.pathsep.join(str(jar.resolve()) for jar in (_py4j_jar(), *flink_jars(), *jars))
        flags = [*MODULE_FLAGS, *_FLAGS, f"-Xmx{heap_mb}m", *logs]
        # Java ends when the pipe to its standard input does, and so with us, whatever ends us. A process group of its
        # own keeps a Ctrl-C in our terminal from ending it before we have.
        process = subprocess.Popen(
            [find_java(), *flags, "-cp", classpath, "py4j.GatewayServer", "--die-on-broken-pipe", "--enable-auth", "0"],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        said: deque[str] = deque(maxlen=20)
        try:
            return cls(process, said, _connect(process, said))
        except BaseException:
            process.kill()
            raise

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """The last lines that Java itself wrote; Flink writes to its log instead."""
        return "\n".join(self._said).strip()

    async def exited(self) -> int:
        """Wait for the end, and return the exit code."""
        ended = asyncio.Event()
        with self._lock:
            if not self._ended.is_set():
                self._waiters.append((asyncio.get_running_loop(), ended))
            else:
                ended.set()
        await ended.wait()
        return self._process.wait()

    def end(self) -> None:
        """Ask Java to end, and make it end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def _listen(self) -> None:
        # Somebody has to read it: a full pipe would hold up whatever in Java prints.
        if self._process.stdout is not None:
            self._said.extend(line.rstrip() for line in self._process.stdout)
        self._process.wait()
        with self._lock:
            self._ended.set()
            for loop, ended in self._waiters:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(ended.set)


def _py4j_jar() -> Path:
    try:
        return Path(importlib.import_module("py4j.java_gateway").find_jar_path())
    except ImportError:
        raise NoFlink(f"py4j, by which Java is talked to, is not installed. Install it: {INSTALL}") from None


def _connect(process: "subprocess.Popen[str]", said: "deque[str]") -> Any:
    from py4j.java_gateway import GatewayParameters, JavaGateway

    port, token = _greeting(process, said)
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_not_py4j)
    return JavaGateway(
        gateway_parameters=GatewayParameters(port=port, auth_token=token, auto_convert=True, read_timeout=CALL_TIMEOUT)
    )


def _greeting(process: "subprocess.Popen[str]", said: "deque[str]") -> tuple[int, str]:
    """The gateway's port and secret. Java may print warnings of its own before them."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdecimal():
            return int(line), process.stdout.readline().strip()
        said.append(line.rstrip())
    code = process.wait()
    raise JvmFailed(f"Java ended with exit code {code} before it was ready: {' '.join(said)[:1000] or 'no output'}")


def _not_py4j(record: logging.LogRecord) -> bool:
    # py4j reports every broken connection with its traceback, some to the root logger. We report it where it matters.
    return f"{os.sep}py4j{os.sep}" not in record.pathname
