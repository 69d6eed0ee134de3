"""TLS for connections that count from their arrival: a handshake that hangs takes a place, and only for a while.

With asyncio's own way a connection is nobody's before its handshake has ended.
"""

import asyncio
import ssl
from typing import Final

from sluiceway.api.connections import Connection

HANDSHAKE: Final = 10.0  # seconds; asyncio's are 60
GOODBYE: Final = 5.0  # seconds for the caller to agree that the connection ends; asyncio's are 30


class Handshake(asyncio.Protocol):
    """What a connection is until its handshake has ended; then `connection` takes over."""

    _task: "asyncio.Task[None] | None" = None

    def __init__(self, connection: Connection, context: ssl.SSLContext, within: float = HANDSHAKE) -> None:
        """`within` is seconds."""
        self._connection = connection
        self._context = context
        self._within = within
        self._early = b""  # what came in the same piece as the end of the handshake
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # what comes is for TLS
        if self._connection.arrive(transport):
            self._task = asyncio.get_running_loop().create_task(self._shake(transport), name="handshake")

    def data_received(self, data: bytes) -> None:
        """The handshake has just ended, and the caller asks already."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Hung up: before the handshake, or between its end and the connection's beginning."""
        self._over = True
        self._connection.crowd.left(self._connection)

    async def _shake(self, transport: asyncio.Transport) -> None:
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._within,
                ssl_shutdown_timeout=GOODBYE,
            )
        except OSError:  # also for what is no TLS, and for what takes too long
            secure = None
        if secure is None or self._over:
            transport.abort()
            self._connection.crowd.left(self._connection)
            return
        secure.set_protocol(self._connection)
        self._connection.connection_made(secure)
        if self._early:
            self._connection.data_received(self._early)
