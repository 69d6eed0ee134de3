"""Starts, reads and ends the Java process itself. Everything here blocks; `jvm` calls it from threads."""

import asyncio
import importlib
import json
import logging
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluiceway.engines.planning import confined
from sluiceway.engines.planning.java import INSTALL, MODULE_FLAGS, NoFlink, find_java

CALL_TIMEOUT = 240.0  # seconds for one call into Java; longer than any of Flink's own time-outs
END_TIMEOUT = 10.0  # seconds that Java gets to end by itself

LOG = "flink.log"
LARGEST_FILE = 64 * 1024 * 1024  # bytes that a confined process may write into one file

_FLAGS = (
    "-XX:+ExitOnOutOfMemoryError",  # half a Flink is worse than a new one
    "-XX:-UsePerfData",
)
_FREE_FLAGS = ("-XX:+UseG1GC",)
# All that Java allocates, bounded. The simplest collector takes the least memory and the fewest threads, and the quick
# compiler alone half of the time: what plans SQL now and then never gets as warm as the thorough one needs it.
_CONFINED_FLAGS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:MaxHeapFreeRatio=40",
    "-XX:MaxMetaspaceSize=384m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:ReservedCodeCacheSize=128m",
    "-Duser.name=sluiceway-planner",
)

_GATEWAY = ("py4j.GatewayServer", "--die-on-broken-pipe", "--enable-auth", "0")
_CONFIGURATION = "log4j2.properties"
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
# What plans SQL says what it has failed at with the literals in it, which may be values of sensitive variables.
_QUIET = "".join(
    f"logger.{word}.name = {name}\nlogger.{word}.level = OFF\n"
    for word, name in (
        ("table", "org.apache.flink.table"),
        ("calcite", "org.apache.calcite"),
        ("janino", "org.codehaus"),
    )
)


class JvmFailed(Exception):
    """Java, or the Flink in it, did not start. The text has its words."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How a process is confined, beside its environment, its directory and its limits."""

    user: str  # whose rights it has; empty: the service's own
    landlock: int  # the version of Landlock in force; 0: the system has none

    def __str__(self) -> str:
        """Tell it to the operator of the service."""
        user = f"as the user {self.user}" if self.user else "as the service's user"
        return f"{user}, {f'Landlock {self.landlock}' if self.landlock else 'without Landlock'}"


class JvmProcess:
    """A Java process with a py4j gateway to it."""

    def __init__(self, process: "subprocess.Popen[str]", said: "deque[str]", greeting: "_Greeting") -> None:
        self.gateway = _gateway(greeting.port, greeting.token)  # a py4j JavaGateway
        self.confinement = greeting.confinement  # None: it has the service's rights
        self._process = process
        self._said = said
        self._ended = threading.Event()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="flink-jvm-output", daemon=True).start()

    @classmethod
    def start(cls, directory: Path, heap_mb: int, jars: Sequence[Path], *, confine: bool = False) -> "JvmProcess":
        """Start Java in `directory`, and make that where needed. `jars` is its class path, Flink's own among them.

        With `confine` that directory is emptied of all but logs, and is all that the process can write;
        `sluiceway.engines.planning.confined` says what it can read. Raises `NoJava`, `NoFlink` and `JvmFailed`.
        """
        directory = directory.resolve()
        java = find_java().resolve()
        read = [jar.resolve() for jar in (_py4j_jar(), *jars)]
        _prepare(directory, confine=confine)
        logs = [f"-Dlog4j2.configurationFile={directory / _CONFIGURATION}", f"-Dlog.file={directory / LOG}"]
        flags = [*MODULE_FLAGS, *_FLAGS, f"-Xmx{heap_mb}m", *logs]
        if confine:
            flags += [*_CONFINED_FLAGS, f"-Djava.io.tmpdir={directory}", f"-Duser.home={directory}"]
        else:
            flags += _FREE_FLAGS
        program: list[str | Path] = [java, *flags, "-cp", os.pathsep.join(map(str, read)), *_GATEWAY]
        if confine:
            program = [*_launcher(directory, [java.parent.parent, *read]), *program]
        # Java ends when the pipe to its standard input does, and so with us, whatever ends us. A process group of its
        # own keeps a Ctrl-C in our terminal from ending it before we have.
        process = subprocess.Popen(
            program,
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
            return cls(process, said, _greeting(process, said))
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


def _prepare(directory: Path, *, confine: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir() if confine else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not path.name.startswith(LOG) or not _is_plain(path):
            path.unlink()
    configuration = directory / _CONFIGURATION
    configuration.unlink(missing_ok=True)
    with configuration.open("x") as file:  # never through a link that somebody has left there
        file.write(_LOG + _QUIET if confine else _LOG)


def _is_plain(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _launcher(directory: Path, read: Sequence[Path]) -> list[str]:
    plan = {"directory": str(directory), "read": [str(path) for path in read], "file_bytes": LARGEST_FILE}
    return [sys.executable, "-I", "-S", confined.__file__, json.dumps(plan)]


def _gateway(port: int, token: str) -> Any:
    from py4j.java_gateway import GatewayParameters, JavaGateway

    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_not_py4j)
    return JavaGateway(
        gateway_parameters=GatewayParameters(port=port, auth_token=token, auto_convert=True, read_timeout=CALL_TIMEOUT)
    )


@dataclass(frozen=True, slots=True)
class _Greeting:
    """What the process says before it is ready."""

    port: int  # of the gateway
    token: str  # its secret
    confinement: Confinement | None


def _greeting(process: "subprocess.Popen[str]", said: "deque[str]") -> _Greeting:
    """Java may print warnings of its own before the port and the secret."""
    assert process.stdout is not None
    confinement = None
    for line in process.stdout:
        if line.strip().isdecimal():
            return _Greeting(int(line), process.stdout.readline().strip(), confinement)
        if line.startswith(confined.TOLD):
            confinement = Confinement(**json.loads(line.removeprefix(confined.TOLD)))
        else:
            said.append(line.rstrip())
    code = process.wait()
    raise JvmFailed(f"Java ended with exit code {code} before it was ready: {' '.join(said)[:1000] or 'no output'}")


def _not_py4j(record: logging.LogRecord) -> bool:
    # py4j reports every broken connection with its traceback, some to the root logger. We report it where it matters.
    return f"{os.sep}py4j{os.sep}" not in record.pathname
