"""The whole service in a thread of its own, for clients that block, as the SDK does."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
import uvicorn
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkdli.v1 import DliClient

from sluiceway.app import running
from sluiceway.settings import Settings

PROJECT = "proj0123"
BASE = f"/v1.0/{PROJECT}/streaming"
NOWHERE = "c0=http://127.0.0.1:9"  # a cluster that never answers


class ServiceThread:
    """`sluiceway serve`, but in this process, with clients to talk to it."""

    def __init__(self, data: Path, *clusters: str) -> None:
        self._settings = Settings(data=data, cluster=clusters or (NOWHERE,), embedded=False)
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(30), "the service does not come up"
        self.http = httpx.Client(base_url=self.url, timeout=60)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(30)

    async def _serve(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            async with running(self._settings) as service:
                self._server = uvicorn.Server(uvicorn.Config(service.asgi, log_level="critical", lifespan="off"))
                self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                serving = asyncio.create_task(self._server.serve([listener]))
                while not self._server.started:
                    await asyncio.sleep(0.01)
                self._up.set()
                await serving

    def sdk(self, project: str = PROJECT) -> DliClient:
        """The vendor's client, pointed here."""
        credentials = BasicCredentials("ak", "sk", project)
        return DliClient.new_builder().with_credentials(credentials).with_endpoint(self.url).build()

    def create(self, name: str, **fields: object) -> int:
        """Make a job."""
        made = self.http.post(f"{BASE}/sql-jobs", json={"name": name, **fields})
        assert made.status_code == 200, made.text
        return int(made.json()["job"]["job_id"])


def code_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[int, str]:
    """The status and the code that the SDK reads in a refusal."""
    with pytest.raises(ServiceResponseException) as refused:
        call(*arguments, **named)
    assert refused.value.error_msg
    return refused.value.status_code, refused.value.error_code
