"""The whole service in a thread of its own, for clients that block, as the SDK does."""

import asyncio
import socket
import ssl
import threading
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from tests.support.people.sdk import PROJECT, client, code_of

from sluiceway.api.connections import server_config
from sluiceway.api.proxies import Proxies
from sluiceway.assembly.service import running
from sluiceway.cli.shutdown import REQUESTS
from sluiceway.settings import Settings

__all__ = ["BASE", "NOWHERE", "PROJECT", "ServiceThread", "code_of"]

BASE = f"/v1.0/{PROJECT}/streaming"
NOWHERE = "c0=http://127.0.0.1:9"  # a cluster that never answers


@cache
def _no_certificates() -> ssl.SSLContext:
    """For clients that speak plain HTTP. Left to itself each reads all the authorities of the world."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ServiceThread:
    """`sluiceway serve`, but in this process, with clients to talk to it."""

    def __init__(self, data: Path, *clusters: str, **settings: Any) -> None:
        self._settings = Settings(data=data, cluster=clusters or (NOWHERE,), embedded=False, **settings)
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(30), "the service does not come up"
        self.http = httpx.Client(base_url=self.url, timeout=60, verify=_no_certificates())
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(30)

    async def _serve(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            async with running(self._settings) as service:
                proxies = Proxies.named(self._settings.trusted_proxy)
                config = server_config(service.asgi, self._settings.max_connections, proxies, REQUESTS)
                config.lifespan = "off"
                self._server = uvicorn.Server(config)
                self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                serving = asyncio.create_task(self._server.serve([listener]))
                while not self._server.started:
                    await asyncio.sleep(0.01)
                self._up.set()
                await serving

    def sdk(self, project: str = PROJECT) -> Any:
        """The vendor's client, pointed here."""
        return client(self.url, project=project)

    def create(self, name: str, **fields: object) -> int:
        """Make a job."""
        made = self.http.post(f"{BASE}/sql-jobs", json={"name": name, **fields})
        assert made.status_code == 200, made.text
        return int(made.json()["job"]["job_id"])
