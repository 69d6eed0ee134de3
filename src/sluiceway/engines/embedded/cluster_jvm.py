"""Runs a Flink cluster in a Java process beside the service."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluiceway.engines.planning.jvm import FlinkJvm
from sluiceway.engines.planning.jvm_process import JvmFailed, JvmProcess

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


class ClusterJvm(FlinkJvm):
    """A Java process that runs one Flink cluster. Made by `launch`."""

    def __init__(self, process: JvmProcess, directory: Path, version: str) -> None:
        super().__init__(process, directory, version)
        self._cluster: Any = None

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
        """Whether the cluster still runs; it may stop by itself without ending the process."""
        return await self._call(lambda: bool(self._cluster.isRunning())) is True

    # Everything below runs in the threads.

    def _start_cluster(self, options: dict[str, str], slots: int) -> str:
        cluster = self._flink.runtime.minicluster
        configuration = self._flink.configuration.Configuration.fromMap(options)
        self._redirect(configuration)
        builder = cluster.MiniClusterConfiguration.Builder().setConfiguration(configuration)
        self._cluster = cluster.MiniCluster(builder.setNumTaskManagers(1).setNumSlotsPerTaskManager(slots).build())
        self._cluster.start()
        return f"http://{_LOCAL}:{self._cluster.getRestAddress().get().getPort()}"

    def _redirect(self, configuration: Any) -> None:
        self._flink.runtime.taskexecutor.SystemOutRedirectionUtils.redirectSystemOutAndError(configuration)
