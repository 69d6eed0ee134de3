"""What Flink writes into `_metadata`, on real Flink: its own savepoints and checkpoints, and its own reader."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contract.clusters import COUNT, SOURCE, Cluster, RealPlace
from tests.support.flink.handles import every_handle, master_state
from tests.support.patience import PATIENCE

from sluiceway.domain.facts import Broken, Complete
from sluiceway.domain.observed import AttemptCompleted
from sluiceway.engines.jobmanager.versions import since
from sluiceway.storage.metadata import Format, Kind, parse
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import metadata

pytestmark = pytest.mark.real
NEWEST = (((2, 1), 6), ((2, 0), 5), ((1, 18), 4))  # version of `_metadata`, since when
FORMATS = {"CANONICAL": Format.CANONICAL, "NATIVE": Format.NATIVE}


@pytest.fixture
async def cluster(real_flink: Any, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with aiohttp.ClientSession() as session:
        cluster = Cluster(RealPlace(real_flink), session, tmp_path)
        yield cluster
        for jid in cluster.started:
            await cluster.rest.cancel(jid)
            await cluster.ends(jid)


async def counting(cluster: Cluster, real_flink: Any, backend: str) -> str:
    """A job that counts by key, 2 of 8 in parallel, with all its state in files."""
    options = {
        "state.backend.type": backend,
        "execution.checkpointing.dir": f"file:{cluster.root}/checkpoints",
        "execution.checkpointing.interval": "1h",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.data-inline-threshold": "0b",
        "parallelism.default": "2",
        "pipeline.max-parallelism": "8",
    }
    sql = SOURCE.format(more=", 'fields.n.min' = '1', 'fields.n.max' = '50'") + COUNT
    jid = await cluster.run(lambda: asyncio.to_thread(real_flink.submit, sql, **options))
    await asyncio.sleep(1)  # some records: an empty state has no files
    return jid


async def savepoint(cluster: Cluster, jid: str, form: str) -> Path:
    body = {"target-directory": f"file:{cluster.root}/savepoints-{form}", "formatType": form}
    _, said = await cluster.raw("POST", f"/jobs/{jid}/savepoints", body)
    attempt = await cluster.outcome(jid, said["request-id"])
    assert isinstance(attempt, AttemptCompleted)
    return Path(attempt.location.removeprefix("file:"))


async def checkpoint(cluster: Cluster, jid: str) -> Path:
    _, said = await cluster.raw("POST", f"/jobs/{jid}/checkpoints", {"checkpointType": "CONFIGURED"})
    async with asyncio.timeout(PATIENCE):
        while True:
            _, answer = await cluster.raw("GET", f"/jobs/{jid}/checkpoints/{said['request-id']}")
            if answer["status"]["id"] == "COMPLETED":
                return cluster.root / "checkpoints" / jid / f"chk-{answer['operation']['checkpointId']}"
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("backend", ["hashmap", "rocksdb"])
async def test_savepoints_and_checkpoints_are_whole_and_tell_what_was_submitted(
    cluster: Cluster, real_flink: Any, backend: str
) -> None:
    jid = await counting(cluster, real_flink, backend)
    made = {form: await savepoint(cluster, jid, form) for form in FORMATS}
    taken = await checkpoint(cluster, jid)
    _, job = await cluster.raw("GET", f"/jobs/{jid}")
    submitted = {vertex["id"]: (vertex["parallelism"], vertex["maxParallelism"]) for vertex in job["vertices"]}
    storage = Storage(str(cluster.root))
    for path in (*made.values(), taken):
        found = await storage.inspect(f"file:{path}")
        assert (found.wrong, found.unchecked) == ((), 0), path
        assert found.metadata is not None
        operators = {each.id: (each.parallelism, each.max_parallelism) for each in found.metadata.operators}
        assert submitted.items() <= operators.items()
        assert set(submitted.values()) == {(2, 8)}
        state = sum(each.bytes for each in found.metadata.operators)
        assert state > 0
        if cluster.since((2, 0)):  # before, a job's own threshold is ignored, and so little state lies in `_metadata`
            assert state == found.size - (path / "_metadata").stat().st_size
    for form, path in made.items():
        found = await storage.inspect(str(path))
        assert found.metadata is not None
        assert (found.metadata.kind, found.metadata.format) == (Kind.SAVEPOINT, FORMATS[form])
        assert not found.metadata.of_stop, "the job runs on"
        assert found.size == sum(file.stat().st_size for file in path.iterdir())
    assert parse((taken / "_metadata").read_bytes()).kind is Kind.CHECKPOINT


@pytest.mark.parametrize("backend", ["hashmap", "rocksdb"])
async def test_any_file_that_is_taken_from_a_native_savepoint_is_missed(
    cluster: Cluster, real_flink: Any, backend: str
) -> None:
    jid = await counting(cluster, real_flink, backend)
    made = await savepoint(cluster, jid, "NATIVE")
    storage = Storage(str(cluster.root))
    target = f"{storage.uri}/savepoints-NATIVE"
    assert isinstance(await storage.look(target), Complete)
    for file in [file for file in made.iterdir() if file.name != "_metadata"]:
        content = file.read_bytes()
        file.unlink()
        assert await storage.look(target) == Broken(f"file://{made}", f"{file.name} is missing")
        file.write_bytes(content[:-1])
        short = f"{file.name} has {len(content) - 1} bytes, and not {len(content)}"
        assert await storage.look(target) == Broken(f"file://{made}", short)
        file.write_bytes(content)
    assert isinstance(await storage.look(target), Complete)


@pytest.mark.parametrize("version", [3, 4, 5, 6])
def test_flink_reads_what_the_tests_build_by_hand_to_the_same_end(
    real_flink: Any, tmp_path: Path, version: int
) -> None:
    (tmp_path / "_metadata").write_bytes(
        content := metadata(version, every_handle(version), master_states=[master_state()])
    )

    newest = next(found for first, found in NEWEST if since(real_flink.version, first))
    if version > newest or not since(real_flink.version, (2, 0)):
        pytest.skip("this Flink reads no file of that version, or has no names of operators to tell")

    def load() -> tuple[int, list[tuple[object, ...]]]:
        java = real_flink.jvm._java
        stream = java.java.io.DataInputStream(java.java.io.ByteArrayInputStream(content))
        loader = java.java.lang.ClassLoader.getSystemClassLoader()
        checkpoints = java.org.apache.flink.runtime.checkpoint.Checkpoints
        states = checkpoints.loadCheckpointMetadata(stream, loader, f"file:{tmp_path}").getOperatorStates()
        return stream.available(), [
            (
                state.getOperatorID().toString(),
                state.getOperatorName().orElse(None),
                state.getOperatorUid().orElse(None),
                state.getParallelism(),
                state.getMaxParallelism(),
                state.isFullyFinished(),
            )
            for state in states
        ]

    left, operators = real_flink.run(real_flink.jvm._call(load))
    assert left == 0
    assert operators == [
        (each.id, each.name, each.uid, each.parallelism, each.max_parallelism, each.finished)
        for each in parse(content).operators
    ]
