"""A JobManager that answers what it likes, beside a good one whose stops must go on."""

import asyncio
import contextlib
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web
from tests.hostile.long.attack import attack
from tests.hostile.long.stage import Scene, Stage, stop_all

EVIL_PORT = 41877  # fixed, as the option has to name it before the cluster is there
EVIL = Scene(jobs=20, options=(f"--cluster=evil=http://127.0.0.1:{EVIL_PORT}",))
_FAILED = b'{"errors":'
_THROWN = "org.apache.flink.runtime.client.JobInitializationException: "
WITHIN = 25.0  # seconds for stops that take one


@contextlib.contextmanager
def _answering(answer: Callable[[str, str], bytes]) -> Iterator[list[str]]:
    """A JobManager whose every answer is what `answer(method, path)` says; what it was asked."""
    loop, asked = asyncio.new_event_loop(), []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        await request.read()
        said = answer(request.method, request.path)
        failed = request.method == "POST" and said.startswith(_FAILED)
        return web.Response(status=500 if failed else 200, body=said, content_type="application/json")

    async def serve() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", EVIL_PORT, reuse_address=True).start()
        return runner

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    try:
        yield asked
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _beside(answer: Callable[[str, str], bytes]) -> Callable[[Stage], None]:
    """The evil cluster has work, and twenty jobs of the good one are stopped."""

    def act(at: Stage) -> None:
        with _answering(answer) as asked:
            _give_work(at)
            at.wait(3)
            if not at.over.is_set():
                _stops_go_on(at)
            if not asked and not at.over.is_set():
                at.wrong("the evil cluster was never asked")

    return act


def _give_work(at: Stage) -> None:
    """Jobs that the store has running on the evil cluster."""
    import sqlite3

    with sqlite3.connect(at.fleet.path, timeout=20) as db:
        for _ in range(5):
            job = at.fleet._insert(db, "proj0123", f"{at.random.getrandbits(128):032x}")
            db.execute("UPDATE runs SET cluster = 'evil' WHERE job_id = ?", [job])
            db.execute("UPDATE jobs SET cluster = 'evil' WHERE id = ?", [job])
    db.close()
    # A request wakes the worker of the cluster up.
    at.wire.ask("POST", at.wire.own("/stops"), {"queue": "evil", "savepoint": True}, patience=20)


def _stops_go_on(at: Stage) -> None:
    stop, began = stop_all(at, at.jobs), time.monotonic()
    said: dict[str, Any] = {}
    while time.monotonic() - began < WITHIN and not at.over.is_set():
        _, raw = at.wire.ask("GET", at.wire.own(f"/stops/{stop}"), patience=20)
        said = json.loads(raw or b"{}")
        if said.get("settled"):
            break
        at.wait(0.25)
    if said.get("phases", {}).get("stopped") != len(at.jobs):
        at.wrong(f"the stop of {len(at.jobs)} good jobs stands at {said.get('phases')} after {WITHIN:.0f} s")


def _many_jobs(count: int) -> bytes:
    line = {"name": "j", "state": "RUNNING", "start-time": 1, "end-time": -1, "duration": 1, "last-modification": 1}
    tasks = {"running": 1, "total": 1}
    return json.dumps({"jobs": [line | {"jid": f"{n:032x}", "tasks": tasks} for n in range(count)]}).encode()


def _always(content: bytes) -> Callable[[str, str], bytes]:
    return lambda _method, _path: content


_TYPES: tuple[Any, ...] = (
    [],
    "text",
    7,
    None,
    True,
    {"jobs": "x", "status": [], "request-id": {}, "flink-version": 5, "counts": [], "history": {}},
    {"jobs": [{"jid": 5, "state": [], "tasks": "x", "name": {}, "start-time": "x"}]},
    {"jobs": [None, [], "x"], "status": {"id": 5}, "operation": [], "latest": "x"},
    {"jobs": [{"jid": "0" * 32, "state": "RUNNING", "start-time": 10**30, "duration": -1, "last-modification": 1e400}]},
)


def _wrong_types() -> Callable[[str, str], bytes]:
    turn = [0]

    def answer(_method: str, _path: str) -> bytes:
        turn[0] += 1
        return json.dumps(_TYPES[turn[0] % len(_TYPES)]).encode()

    return answer


def _error(text: str) -> Callable[[Stage], None]:
    """Whatever is begun fails with this text, a program that is started there, too."""
    failed = {
        "errors": [text],
        "status": {"id": "COMPLETED"},
        "operation": {"failure-cause": {"class": text[:20_000], "stack-trace": text}},
        "request-id": "0" * 32,
        "jobs": [],
        "flink-version": "2.3.0",
    }
    said = json.dumps(failed).encode()

    def answer(method: str, path: str) -> bytes:
        if path.endswith("/jars/upload"):
            return b'{"filename": "/tmp/0_a.jar", "status": "success"}'
        return b'{"address": "", "files": []}' if path.endswith("/jars") else said

    beside = _beside(answer)

    def act(at: Stage) -> None:
        jobs = [_program(at, number) for number in range(8)]
        at.wire.ask("POST", at.wire.dli("/jobs/run"), {"job_ids": jobs})
        beside(at)

    return act


def _program(at: Stage, number: int) -> int:
    """A job of a jar, for the evil cluster."""
    jar = at.storage / "hostile" / "a.jar"
    jar.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(jar, "w") as made:
        made.writestr("A.class", b"x")
    body = {"name": f"p{number}", "entrypoint": "obs://hostile/a.jar", "main_class": "A", "queue_name": "evil"}
    status, said = at.wire.ask("POST", at.wire.dli("/flink-jobs"), body)
    if status != 200:
        at.wrong(f"a jar job is answered {status}: {said[:200]!r}")
        return 1
    return int(json.loads(said)["job"]["job_id"])


attack("jobmanager-of-200000-jobs", "11", EVIL, large=True)(_beside(_always(_many_jobs(200_000))))
attack("jobmanager-of-4000-jobs", "11", EVIL)(_beside(_always(_many_jobs(4_000))))
attack("jobmanager-deep", "11", EVIL)(_beside(_always(b'{"jobs":' + b"[" * 200_000 + b"]" * 200_000 + b"}")))
attack("jobmanager-long-number", "11", EVIL)(_beside(_always(b'{"jobs":' + b"9" * 1_000_000 + b"}")))
attack("jobmanager-wrong-types", "11", EVIL)(_beside(_wrong_types()))
attack("jobmanager-error-12-kb", "3", EVIL)(_error(_THROWN + "a" * 6_000 + "a." * 3_000))
attack("jobmanager-error-64-kb", "3", EVIL)(_error(_THROWN + "a" * 64_000))
attack("jobmanager-error-1-mb", "3", EVIL)(_error(_THROWN + " \t" * 400_000 + "a." * 100_000))
