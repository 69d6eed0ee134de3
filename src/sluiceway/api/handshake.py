"""A server that speaks TLS. Connections count from their arrival: a handshake takes a place, and not for long.

With asyncio's own server a connection is nobody's before its handshake has ended.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from sluiceway.api.connections import Connection

HANDSHAKE: Final = 10.0  # seconds; asyncio's are 60
GOODBYE: Final = 5.0  # seconds for the caller to agree that the connection ends; asyncio's are 30
REST: Final = 1.0  # seconds without accepting anybody, where this process may open no more files

log = structlog.get_logger(__name__)


class TlsServer:
    """Accepts callers at a socket that listens, until it is closed."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], Connection],
        context: ssl.SSLContext,
        within: float = HANDSHAKE,
    ) -> None:
        """`make` gives a connection that has not arrived; `within` is seconds for a handshake."""
        listening.setblocking(False)
        self._make = make
        self._context = context
        self._within = within
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = self._loop.create_task(self._accept(listening), name="accept")

    def close(self) -> None:
        """Let nobody in any more, also none of those who are in a handshake. What is connected stays."""
        self._accepting.cancel()
        for each in self._handshakes:
            each.cancel()

    async def wait_closed(self) -> None:
        """Wait until the last of them is let go."""
        await asyncio.gather(self._accepting, *self._handshakes, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                opened, address = await self._loop.sock_accept(listening)
            except OSError as error:
                log.warning("not_accepting", why=error.strerror, seconds=REST)
                await asyncio.sleep(REST)
            else:
                self._begin(opened, address)

    def _begin(self, opened: socket.socket, address: Any) -> None:
        connection = self._make()
        shaking = self._loop.create_task(self._shake(opened, connection), name="handshake")
        self._handshakes.add(shaking)
        shaking.add_done_callback(partial(self._over, opened, connection))
        connection.arrive(address[0], shaking.cancel)

    async def _shake(self, opened: socket.socket, connection: Connection) -> None:
        await self._loop.connect_accepted_socket(
            lambda: connection,
            opened,
            ssl=self._context,
            ssl_handshake_timeout=self._within,
            ssl_shutdown_timeout=GOODBYE,
        )

    def _over(self, opened: socket.socket, connection: Connection, shaking: "asyncio.Task[None]") -> None:
        """The connection has begun, and says itself when it ends; or it never will."""
        self._handshakes.discard(shaking)
        if shaking.cancelled() or shaking.exception() is not None:
            connection.admissions.left(connection)
            opened.close()
