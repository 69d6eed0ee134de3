"""The how-tos as a reader plays them, over fake Flinks. Those that need a real one are in `test_pages_on_flink.py`."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.doubles.fleet import FakeCluster
from tests.support.flink import jar_job
from tests.support.people.pages import PLAYED, ROOT, blocks
from tests.support.people.reader import Own, Reader
from tests.support.services.site import SQL
from tests.support.services.town import Town, town

pytestmark = pytest.mark.process

HOW_TO = ROOT / "docs/how-to"
NOT_PLAYED = {
    "alerts.md",
    "change-a-job-and-keep-its-state.md",
    "clusters.md",
    "jobs-of-others.md",
    "let-a-team-in.md",
    "move.md",
    "one-broken-topic.md",
    "own-cluster.md",
    "terraform.md",
    "when-a-stop-fails.md",
}


def play(home: Path, page: str, own: Own) -> Reader:
    """A reader who has played a how-to."""
    with Reader(home / "reader", own) as reader:
        reader.play(HOW_TO / page)
    return reader


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Town]:
    """A service with one cluster."""
    with town(tmp_path / "data", "prod") as made:
        yield made


@pytest.fixture
def flink() -> Iterator[FakeCluster]:
    """A cluster, for services that pages start."""
    with FakeCluster() as made:
        yield made


def test_maintenance_window(tmp_path: Path, at: Town) -> None:
    at.next_id("jobs", 11)
    jobs = [at.job("in", tags=[{"key": "tier", "value": "source"}])]
    jobs += [at.job("orders", tags=[{"key": "tier", "value": "sink"}])]
    at.next_id("plans", 2)

    def started_again() -> None:
        at.call("POST", "/v1.0/default/streaming/jobs/run", {"job_ids": jobs, "resume_savepoint": True})
        for job in jobs:
            at.until(job, "job_running")
        at.next_id("batches", 7)

    own = Own(
        own={"http://jobmanager:8081": at.flink("prod"), "/mnt/flink": f"{at.data}/storage"},
        meanwhile={"stop --queue prod --wave tag:tier=source --wave tag:tier=sink --abort-when": started_again},
        server=at.url,
    )
    play(tmp_path, "maintenance-window.md", own)


def test_jar_jobs(tmp_path: Path, at: Town) -> None:
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader/orders.jar").write_bytes(jar_job.jar({"com/example/Orders.class": b"?"}, "com.example.Orders"))
    play(tmp_path, "jar-jobs.md", Own(server=at.url))
    assert [job.restored is not None for job in at.clusters["prod"].fake.jobs.values()] == [False, True]


def test_vendor_sdk(tmp_path: Path, at: Town) -> None:
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader/orders.sql").write_text(SQL)
    own = {"pip install huaweicloudsdkdli": "python -c 'import huaweicloudsdkdli'"}
    reader = play(tmp_path, "vendor-sdk.md", Own(own, server=at.url))
    assert reader.printed[-1].startswith(f"file://{at.data}/storage/jobs/savepoint/")


def test_upgrade(tmp_path: Path, flink: FakeCluster) -> None:
    own = {
        "git pull && make setup": "true",  # a version from elsewhere
        "git pull": "true",
        "pip install --upgrade": "echo",
        "http://jobmanager:8081": flink.fake.url,
        "/mnt/flink": f"{tmp_path}/flink",
        "/var/lib/sluiceway": f"{tmp_path}/data",
    }
    play(tmp_path, "upgrade.md", Own(own))


def test_backup(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with ExitStack() as stack:
        at = stack.enter_context(town(tmp_path / "data", "prod"))
        jobs = {at.job("orders"), at.job("payments", run=False)}
        own = {
            "/backup": f"{tmp_path}/backup",
            "/var/lib/sluiceway": str(at.data),
            "/mnt/flink": f"{at.data}/storage",
            "http://jobmanager:8081": at.flink("prod"),
        }
        with Reader(tmp_path / "reader", Own(own, {"database restore": at.service.__exit__})) as reader:
            reader.play(HOW_TO / "backup.md")
            assert {int(line.split()[0]) for line in reader.types("sluiceway jobs list").splitlines()[1:]} == jobs


def test_each_how_to_is_played() -> None:
    played = {f"{name.removeprefix('test_').replace('_', '-')}.md" for name in globals() if name.startswith("test_")}
    assert {page.name for page in HOW_TO.glob("*.md")} <= played | NOT_PLAYED


def test_each_block_says_what_it_is() -> None:
    for page in [*HOW_TO.glob("*.md"), ROOT / "docs/tutorial.md", ROOT / "README.md"]:
        for block in blocks(page):
            assert block.language in PLAYED | {"sql", "yaml", "toml", "hcl"}, f"{page}:{block.line}"
