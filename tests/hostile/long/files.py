"""Files under the storage root that are not what they should be, and a disk that is full."""

import io
import json
import os
import uuid
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from tests.hostile.long.attack import attack
from tests.hostile.long.stage import Scene, Stage
from tests.hostile.long.wire import at_once
from tests.support.flink.handles import subtask

from sluiceway.testing.fake_metadata import metadata, operator

BUCKET = "hostile"
TURNS = 4
MANY = 100_000  # of anything: such files are larger than 1 MB


def _put(at: Stage, name: str, content: bytes) -> str:
    """A file in the storage root, as somebody has put it there; its path as callers name it."""
    path = at.storage / BUCKET / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"obs://{BUCKET}/{name}"


def _import_savepoint(at: Stage, draft: int, path: str, patience: float = 15.0) -> int:
    return at.wire.ask(
        "POST", at.wire.dli(f"/jobs/{draft}/import-savepoint"), {"savepoint_path": path}, patience=patience
    )[0]


@attack("fifo-seven-times", "4")
def fifo(at: Stage) -> None:
    """A pipe that nobody writes to, where a savepoint and a zip file should be; then a good caller does their work."""
    (at.storage / BUCKET / "sp").mkdir(parents=True)
    for name in ("sp/_metadata", "pipe.zip", "pipe.jar"):
        os.mkfifo(at.storage / BUCKET / name)
    draft = at.fleet.draft()
    asks: list[Callable[[], object]] = [lambda: _import_savepoint(at, draft, f"obs://{BUCKET}/sp", 3)] * 7
    body = {"zip_file": f"obs://{BUCKET}/pipe.zip"}
    asks += [lambda: at.wire.ask("POST", at.wire.dli("/jobs/import"), body, patience=3)] * 3
    jar = {"name": f"j{uuid.uuid4().hex[:8]}", "entrypoint": f"obs://{BUCKET}/pipe.jar", "main_class": "A"}
    asks += [lambda: at.wire.ask("POST", at.wire.dli("/flink-jobs"), jar, patience=3)] * 3
    at_once(len(asks), lambda number: asks[number](), 10)
    _works(at)


def _works(at: Stage) -> None:
    """Whether storage does what it is there for."""
    if at.over.is_set():
        return
    status, said = at.wire.ask("PUT", at.wire.own("/resources/good.jar") + "?kind=jar", b"PK", patience=8)
    if status not in {200, 201}:
        at.wrong(f"an upload is answered {status}: {said[:100]!r}")
    body = {"obs_dir": f"obs://{BUCKET}/out", "is_selected": False}
    status, said = at.wire.ask("POST", at.wire.dli("/jobs/export"), body, patience=8)
    if status != 200:
        at.wrong(f"an export is answered {status}: {said[:100]!r}")


@cache
def _zip_of_directories(count: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(f"{number:x}/"), b"")
    return made.getvalue()


def _import_zip(count: int) -> Callable[[Stage], None]:
    def act(at: Stage) -> None:
        path = _put(at, "many.zip", _zip_of_directories(count))

        def one(_: int) -> None:
            for _ in range(TURNS):
                if not at.over.is_set():
                    at.wire.ask("POST", at.wire.dli("/jobs/import"), {"zip_file": path}, patience=30)

        at_once(4, one, 40)

    return act


for _count in (10_000, 300_000):
    _scene = Scene(before=partial(_zip_of_directories, _count))
    attack(f"zip-of-{_count}-directories", "6", _scene, large=_count > MANY)(_import_zip(_count))


@attack("zip-of-large-jobs", "6", large=True)
def zip_of_jobs(at: Stage) -> None:
    """Jobs near the limit of one, which a small file holds many of."""
    job = {"job_type": "flink_opensource_sql_job", "job_id": 1, "name": "x", "sql_body": "x" * (1 << 20)}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sluiceway-jobs", "1")
        for number in range(60):
            archive.writestr(f"jobs/{number}.json", json.dumps(job | {"name": f"large{number}"}))
    path = _put(at, "jobs.zip", made.getvalue())
    at_once(3, lambda _: at.wire.ask("POST", at.wire.dli("/jobs/import"), {"zip_file": path}, patience=30), 40)


def _jar(count: int) -> Callable[[Stage], None]:
    def act(at: Stage) -> None:
        path = _put(at, "many.jar", _zip_of_directories(count))
        made: list[int] = []
        for number in range(4):
            body = {"name": f"jar{number}", "entrypoint": path, "main_class": "A"}
            status, said = at.wire.ask("POST", at.wire.dli("/flink-jobs"), body, patience=30)
            if status == 200:
                made.append(json.loads(said)["job"]["job_id"])
        at.wire.ask("POST", at.wire.dli("/jobs/run"), {"job_ids": made}, patience=30)
        at.wait(8)

    return act


for _count in (10_000, 300_000):
    _scene = Scene(before=partial(_zip_of_directories, _count))
    attack(f"jar-of-{_count}-entries", "6", _scene, large=_count > MANY)(_jar(_count))


def _metadata(make: Callable[[int], bytes], count: int) -> Callable[[Stage], None]:
    def act(at: Stage) -> None:
        paths = [_put(at, f"sp{number}/_metadata", make(count)).removesuffix("/_metadata") for number in range(4)]
        draft = at.fleet.draft()

        def one(number: int) -> None:
            for _ in range(TURNS):
                if not at.over.is_set():
                    _import_savepoint(at, draft, paths[number], 30)

        at_once(4, one, 60)

    return act


@cache
def _empty_subtasks(count: int) -> bytes:
    return metadata(operators=[operator(subtasks=[subtask(0)] * count, parallelism=count, most=32768)])


@cache
def _operators(count: int) -> bytes:
    mark = b"\xff" * 16
    before, _, behind = operator(name="a", id_=mark).partition(mark)
    return metadata(operators=[before + number.to_bytes(16, "big") + behind for number in range(count)])


_FORMS: tuple[tuple[str, Callable[[int], bytes], int], ...] = (
    ("handles", _empty_subtasks, 30_000),
    ("handles", _empty_subtasks, 700_000),
    ("operators", _operators, 20_000),
    ("operators", _operators, 700_000),
)
for _what, _make, _count in _FORMS:
    _scene = Scene(before=partial(_make, _count))
    attack(f"metadata-of-{_count}-{_what}", "6", _scene, large=_count > MANY)(_metadata(_make, _count))


# A full disk. ---------------------------------------------------------------------------------------------------------


@attack("full-disk", "9", Scene(small_disk=True), judged=False)
def full_disk(at: Stage) -> None:
    """No byte is left where the database lies; what makes room has to work all the same."""
    filler = at.root / "filler"
    before = at.wire.ask("PUT", at.wire.own("/resources/room.jar") + "?kind=jar", b"PK" * 50_000)
    draft = at.fleet.draft()
    _fill(filler)
    try:
        body = {"name": f"x{uuid.uuid4().hex[:8]}", "sql_body": "x" * 500_000}
        answers = [at.wire.ask("POST", at.wire.dli("/sql-jobs"), body, patience=30) for _ in range(6)]
        if bad := [status for status, _ in answers if status not in {503, 400, 507}]:
            at.wrong(f"writes on a full disk are answered {sorted(set(bad))}")
        if (ready := at.wire.ask("GET", "/readyz")[0]) == 200:
            at.wrong("readyz says ok on a full disk")
        for method, path in (("DELETE", at.wire.dli(f"/jobs/{draft}")), ("DELETE", at.wire.own("/resources/room.jar"))):
            status, said = at.wire.ask(method, path, patience=30)
            if status != 200:
                at.wrong(
                    f"{method} {path} is answered {status} on a full disk: {said[:80]!r} (before: {before[0]}, {ready})"
                )
    finally:
        filler.unlink(missing_ok=True)
    at.wait(1)
    status, said = at.wire.ask("POST", at.wire.dli("/sql-jobs"), {"name": "again", "sql_body": "x"}, patience=30)
    if status != 200:
        at.wrong(f"with room again a job is answered {status}: {said[:80]!r}")


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
