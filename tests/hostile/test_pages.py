"""Pages of large bodies: the same bytes as ever, few bodies in memory at a time, no work for who does not read."""

import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from huaweicloudsdkdli.v1 import ListFlinkJobsRequest, ListFlinkSqlJobTemplatesRequest
from hypothesis import given
from hypothesis import strategies as st
from litestar.response import Stream
from msgspec import Struct
from tests.support.services.thread import BASE, ServiceThread

from sluiceway.api import pages
from sluiceway.domain.job import Job
from sluiceway.store import job_pages
from sluiceway.store import pages as sizes
from sluiceway.store.database import Database
from sluiceway.store.pages import MOST, PIECE, Sized, pieces

TEMPLATES = f"{BASE}/job-templates"
PATIENCE = 30.0


class Item(Struct, frozen=True):
    """One of a page."""

    id: int
    body: str = ""


class Listed(Struct, frozen=True):
    """The page."""

    count: int
    items: Sequence[Item]
    message: str = ""


def frame(items: Sequence[Item]) -> Listed:
    return Listed(7, items)


class Reader:
    """Gives items, and knows how many it has given."""

    def __init__(self, *gone: int) -> None:
        self.given: list[int] = []
        self.gone = gone

    async def __call__(self, ids: Sequence[int]) -> list[Item]:
        self.given += ids
        return [Item(each, '[],"') for each in ids if each not in self.gone]


def stream(answer: Any) -> AsyncIterator[bytes]:
    assert isinstance(answer, Stream)
    return aiter(answer.iterator)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 2 * PIECE) | st.integers(0, 9), max_size=60))
def test_all_in_order_and_no_more_at_once_than_fits(bytes_of: list[int]) -> None:
    page = [Sized(*pair) for pair in enumerate(bytes_of)]
    cut = list(pieces(page))
    assert [each for piece in cut for each in piece] == [row.id for row in page]
    for piece in cut:
        assert 1 <= len(piece) <= MOST
        assert len(piece) == 1 or sum(bytes_of[each] for each in piece) <= PIECE


@pytest.mark.parametrize("gone", [(), (0,), (1, 2), tuple(range(100))], ids=["all", "first", "some", "none"])
async def test_a_large_page_has_the_bytes_that_it_would_have_as_a_whole(gone: tuple[int, ...]) -> None:
    page = [Sized(each, PIECE // 3) for each in range(100)]
    written = b"".join([chunk async for chunk in stream(await pages.answer(frame, Reader(*gone), page))])
    assert written == msgspec.json.encode(frame(await Reader(*gone)(range(100))))


async def test_the_next_bodies_are_read_when_the_last_ones_are_taken() -> None:
    reader = Reader()
    chunks = stream(await pages.answer(frame, reader, [Sized(each, PIECE) for each in range(100)]))
    assert reader.given == []
    for taken in range(5):
        await anext(chunks)
        assert len(reader.given) == taken


async def test_a_small_page_is_a_whole() -> None:
    reader = Reader()
    answer = await pages.answer(frame, reader, [Sized(each, PIECE // 100) for each in range(100)])
    assert answer.content == frame([Item(each, '[],"') for each in range(100)])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path) as running:
        yield running


def test_clients_read_the_same_of_a_small_and_a_large_page(
    service: ServiceThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MOST + 2):
        body = {"name": f"n{number}", "sql_body": f"{number} 订单 [] " * 20, "desc": "[]"}
        assert service.http.post(TEMPLATES, json=body).status_code == 200
        service.create(**body)
    lists = [
        f"{TEMPLATES}?limit=100",
        f"{TEMPLATES}?order=asc&limit=13&offset=2",
        f"{BASE}/jobs?limit=100&show_detail=true",
    ]
    whole = [service.http.get(path) for path in lists]
    monkeypatch.setattr(pages, "WHOLE", 1000)
    monkeypatch.setattr(sizes, "PIECE", 1000)
    streamed = [service.http.get(path) for path in lists]
    for before, after in zip(whole, streamed, strict=True):
        assert ("content-length" in before.headers, "content-length" in after.headers) == (True, False)
        assert after.content == before.content
        ours = {"content-length", "transfer-encoding", "date", "x-request-id"}
        assert {k: v for k, v in after.headers.items() if k not in ours} == {
            k: v for k, v in before.headers.items() if k not in ours
        }
    client = service.sdk()
    found = client.list_flink_sql_job_templates(ListFlinkSqlJobTemplatesRequest(limit=100)).template_list
    assert [each.name for each in found.templates] == [f"n{number}" for number in reversed(range(MOST + 2))]
    assert len(client.list_flink_jobs(ListFlinkJobsRequest(limit=100, show_detail=True)).job_list.jobs) == MOST + 2


def test_a_list_without_details_reads_none_of_them(service: ServiceThread, monkeypatch: pytest.MonkeyPatch) -> None:
    service.create("a", sql_body="-")

    def never(_: object) -> Job:
        raise AssertionError("a whole job was read")

    monkeypatch.setattr(job_pages, "to_job", never)
    assert service.http.get(f"{BASE}/jobs").json()["job_list"]["total_count"] == 1


def test_who_reads_no_further_makes_no_work_and_who_hangs_up_ends_it(
    service: ServiceThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        assert service.http.post(TEMPLATES, json={"name": f"t{number}", "sql_body": "x" * 900_000}).status_code == 200
    taken, ended = 0, threading.Event()
    written = pages._written

    async def watched(*args: Any) -> AsyncIterator[bytes]:
        nonlocal taken
        try:
            async for chunk in written(*args):
                taken += 1
                yield chunk
        finally:
            ended.set()

    monkeypatch.setattr(pages, "_written", watched)
    with httpx.stream("GET", f"{service.url}{TEMPLATES}?limit=100", timeout=PATIENCE) as answer:
        chunks = answer.iter_raw(100)
        next(chunks)
        assert not ended.wait(0.2)
        assert service.http.get("/healthz").status_code == 200
    assert ended.wait(PATIENCE), "and nobody has read the rest"
    assert taken < 20


async def test_jobs_to_export_are_read_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    jobs_of = job_pages.jobs_of

    async def watched(db: Database, project: str, wanted: Sequence[int]) -> list[Job]:
        read.append(len(wanted))
        return await jobs_of(db, project, wanted)

    monkeypatch.setattr(job_pages, "jobs_of", watched)
    monkeypatch.setattr(sizes, "PIECE", 4000)
    with ServiceThread(tmp_path) as service:
        made = [service.create(f"j{number}", sql_body="x" * 3000) for number in range(5)]
        body = {"obs_dir": "bucket/x", "is_selected": False}
        assert service.http.post(f"{BASE}/jobs/export", json=body).status_code == 200
    assert read == [1] * len(made)
