"""Application clusters, each a fake Flink with one job, that outlive the service: they are at work in a thread."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import FakeJob

T = TypeVar("T")


class Applications:
    """Application clusters with a job each, at work in a thread: they outlive the service."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "clusters.json"
        self.jobs: dict[str, FakeJob] = {}
        self._fakes: list[FakeFlink] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.file.write_text("[]")

    def add(self, name: str, *, version: str = "2.3.0", **habits: Any) -> str:
        """One more, which the service finds in the file of clusters; its address. `version` is that of its Flink."""
        fake = FakeFlink()
        fake.flink_version = version
        fake.of_application(leaves_after=1.0)
        self._wait(fake.start())
        self.jobs[name] = self._call(lambda: fake.add_job(name=name, **habits))
        self._fakes.append(fake)
        there = zip(self.jobs, self._fakes, strict=True)
        beside = self.file.with_suffix(".new")
        beside.write_text(json.dumps([{"name": job, "addresses": [each.url]} for job, each in there]))
        beside.rename(self.file)
        return fake.url

    def gone(self) -> bool:
        """Whether all of them have left."""
        return all(fake._runner is None for fake in self._fakes)

    def close(self) -> None:
        """End all of it."""
        for fake in self._fakes:
            self._wait(fake.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _call(self, work: Callable[[], T]) -> T:
        async def called() -> T:
            return work()

        return self._wait(called())
