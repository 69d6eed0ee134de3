"""The service itself, as a process. `serve_command` is the command, which does not load all this for its help."""

import asyncio
import contextlib
import gc
import resource
import socket
import ssl
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
import uvloop

from sluiceway.api.connections import Connection, server_config
from sluiceway.api.handshake import TlsServer
from sluiceway.api.proxies import Proxies
from sluiceway.assembly.service import Service, running
from sluiceway.cli import tables
from sluiceway.cli.language import heard, t
from sluiceway.cli.log_lines import log_to_stderr
from sluiceway.cli.output import Failed, complain, one_line, say
from sluiceway.cli.shutdown import REQUESTS, Shutdown
from sluiceway.cli.tls import in_clear, tls_context
from sluiceway.control.try_clusters import Glance
from sluiceway.engines.planning.java import NoFlink, NoJava
from sluiceway.engines.planning.jvm_process import JvmFailed
from sluiceway.settings import BadSettings, Settings
from sluiceway.storage.errors import BadStorage
from sluiceway.store.migrating import BadDatabase

INTRODUCED = 20  # clusters with a line of their own when the service starts
GLANCE = 10.0  # seconds for a look at one; a Flink that has just started on a busy machine may take some of them
YOUNG: Final = 20_000  # new objects until garbage is collected; with the 700 of Python it took 0.1 ms of CPU a stop


def serve(settings: Settings) -> int:
    """Run it until SIGTERM or Ctrl-C. Raises `Failed`."""
    log_to_stderr()
    _open_many()
    try:
        uvloop.run(_serve(settings))
    except (BadSettings, BadStorage) as error:
        raise Failed(heard(str(error)), code=2) from error
    except (BadDatabase, NoFlink, NoJava, JvmFailed) as error:
        raise Failed(heard(str(error))) from error
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass  # a signal ended it while it started
    return 0


async def _serve(settings: Settings) -> None:
    shutdown = Shutdown()
    tls, proxies = tls_context(settings.tls_cert, settings.tls_key), _proxies(settings)
    listening = _listen(settings)
    if warning := in_clear(settings.host, tls):
        complain(warning)
    shutdown.watch()
    with listening:
        async with running(settings) as service:
            _settle()
            server = _Server(server_config(service.asgi, settings.max_connections, proxies, REQUESTS, tls))
            shutdown.by(server.end)
            announcing = asyncio.create_task(_announce(server, service, settings, listening, tls))
            await server.serve(sockets=[listening])
            await announcing


def _open_many() -> None:
    """Have as many files and connections as this process may: each cluster takes one, and shells start with 1,024."""
    with contextlib.suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _settle() -> None:
    """Collect garbage seldom, and leave permanent objects out: a look at all of them takes the loop 90 ms each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def _proxies(settings: Settings) -> Proxies:
    try:
        return Proxies.named(settings.trusted_proxy)
    except ValueError as error:
        why = heard(str(error))
        raise BadSettings(t("--trusted-proxy {why}. Give for example 10.0.0.5 or 10.0.0.0/24.", why=why)) from error


class _Server(uvicorn.Server):
    """Ends on request, before the rest of the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: uvicorn would raise the signal again at its own end, before ours."""
        yield

    def end(self) -> None:
        """End in order."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but also counts connections in a handshake of TLS, and bounds their time."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise Failed(t("The service could not be started; the log says why."))
        self.servers = [await self._at(listening) for listening in sockets or ()]
        self.started = True

    async def _at(self, listening: socket.socket) -> Any:
        """A server, of which uvicorn needs no more than `close` and `wait_closed`."""
        if self.config.ssl is not None:
            return TlsServer(listening, self._connection, self.config.ssl)
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._connection, sock=listening, backlog=self.config.backlog)

    def _connection(self) -> Connection:
        kind: Any = self.config.http_protocol_class
        made: Connection = kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made


def _listen(settings: Settings) -> socket.socket:
    """The socket, bound before anything starts, so that a port in use is reported at once. Raises `Failed`."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        told = t(
            "{host}:{port} cannot be listened on: {why}. Choose another with --port.",
            host=settings.host,
            port=settings.port,
            why=error.strerror,
        )
        raise Failed(told) from error


async def _announce(
    server: uvicorn.Server,
    service: Service,
    settings: Settings,
    listening: socket.socket,
    tls: ssl.SSLContext | None,
) -> None:
    while not server.started and not server.should_exit:
        await asyncio.sleep(0.02)
    if not server.started:
        return
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"{'https' if tls else 'http'}://{host}:{listening.getsockname()[1]}"
    say(t("Sluiceway is ready at {url}  (try it at {url}/docs, end it with Ctrl-C)", url=url))
    if not service.clusters:
        say(t("  no cluster yet; register one: sluiceway clusters add NAME http://jobmanager:8081"))
    await _introduce(service)


async def _introduce(service: Service) -> None:
    """A line for each cluster: what is there. The service works meanwhile."""
    first = dict(list(service.clusters.items())[:INTRODUCED])
    for line in asyncio.as_completed([_introduced(service, name, address) for name, address in first.items()]):
        say(await line)
    if len(service.clusters) > len(first):
        say(t("  and {more} more: sluiceway clusters list", more=len(service.clusters) - len(first)))


async def _introduced(service: Service, name: str, address: str) -> str:
    flink = t("queue {name}: Flink at {address}", name=name, address=address)
    try:
        async with asyncio.timeout(GLANCE):
            seen = await service.glance(name)
    except TimeoutError:
        told = t("{flink} does not answer within {seconds:.0f} s", flink=flink, seconds=GLANCE)
    except Exception as error:  # it is only told: the service's own work does not depend on it
        told = t("{flink} could not be looked at: {error}", flink=flink, error=error)
    else:
        told = _glance(flink, seen)
    return f"  {one_line(told)}"


def _glance(flink: str, seen: Glance) -> str:
    found = seen.found
    if not found.answers:
        why = heard(found.addresses[0].why) if found.addresses else ""
        return t("{flink} does not answer: {why}", flink=flink, why=why)
    return t(
        "{flink} ({version}, {free} of {slots} slots free, {known} known here, {others} others)",
        flink=flink,
        version=found.flink_version,
        free=found.free_slots,
        slots=found.slots,
        known=tables.jobs(seen.runs),
        others=max(max(at.jobs for at in found.addresses) - seen.runs, 0),
    )
