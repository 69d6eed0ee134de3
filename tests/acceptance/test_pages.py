"""The how-tos as a reader plays them, over fake Flinks. Those that need a real one are in `test_pages_on_flink.py`."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.doubles.certificates import self_made
from tests.support.doubles.fleet import FakeCluster
from tests.support.flink import jar_job
from tests.support.people.pages import PLAYED, ROOT, blocks
from tests.support.people.reader import Own, Reader
from tests.support.services.process import wait_for
from tests.support.services.site import SQL
from tests.support.services.town import Town, next_id, rows, town

pytestmark = pytest.mark.process

HOW_TO = ROOT / "docs/how-to"
ON_REAL_FLINK = {"change-a-job-and-keep-its-state.md"}  # in `test_pages_on_flink.py`


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


def test_when_a_stop_fails(tmp_path: Path, at: Town) -> None:
    at.next_id("jobs", 12)
    at.next_id("batches", 7)
    job = at.job("orders")
    at.flink_job(job).failing = ["storage"] * 9
    at.call("POST", "/api/v1/projects/default/stops", {"job_ids": [job], "on_savepoint_failure": {"attempts": 1}})
    play(tmp_path, "when-a-stop-fails.md", Own(server=at.url))


def test_own_cluster(tmp_path: Path, flink: FakeCluster) -> None:
    home = tmp_path / "reader"
    home.mkdir()
    (home / ".venv").symlink_to(sys.prefix)
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors/kafka.jar").write_bytes(jar_job.jar({"Kafka.class": b"?"}, "Kafka"))
    own = {
        "make setup": "true",
        "http://jobmanager:8081": flink.fake.url,
        "/mnt/flink": f"{tmp_path}/flink",
        "/var/lib/sluiceway": f"{tmp_path}/data",
        "/opt/flink-connectors": f"{tmp_path}/connectors",
    }
    play(tmp_path, "own-cluster.md", Own(own))


def test_alerts(tmp_path: Path, flink: FakeCluster) -> None:
    (tmp_path / "etc").mkdir()
    flink.do(lambda fake: fake.add_job(name="orders"))
    own = {"/etc/sluiceway": f"{tmp_path}/etc", "http://jobmanager:8081": flink.fake.url}
    with Reader(tmp_path / "reader", Own(own)) as reader:
        reader.play(HOW_TO / "alerts.md")
        scrape = f'curl -sf -H "Authorization: Bearer $(cat {tmp_path}/etc/metrics-token)" {reader.service}/metrics'
        named = set(re.findall(r"sluiceway_\w+", (HOW_TO / "alerts.md").read_text()))
        named -= {"sluiceway_stops_open", "sluiceway_stops_settled_total"}  # nothing was stopped
        wait_for(lambda: named <= set(re.findall(r"^(sluiceway_\w+)", reader.types(scrape), re.MULTILINE)))


def test_terraform(tmp_path: Path, flink: FakeCluster) -> None:
    flink.do(lambda fake: fake.add_job(name="orders"))
    own = {
        "http://jobmanager:8081": flink.fake.url,
        "terraform apply": "true",  # its calls are played by `tests/golang`
    }
    with Reader(
        tmp_path / "reader", Own(own, {"sluiceway stop orders": lambda: reader.types("sluiceway jobs show orders")})
    ) as reader:
        reader.play(HOW_TO / "terraform.md")


def test_one_broken_topic(tmp_path: Path) -> None:
    long = "x" * 400  # a name of which only a part is kept
    chains = {"checkout": "orders", "shop": "shop.orders", "reports": "reports", "a": long, "b": long, "c": long}
    like = {name: {"chain": f"Source: s[1] -> {sink}[2]: Writer"} for name, sink in chains.items()}
    with town(tmp_path / "data", "prod", like=like, labels={"env": "prod"}) as at:
        for name in ("reports", "a", "b", "c"):
            at.job(name, queue_name="prod")
        at.next_id("jobs", 11)
        for name in ("checkout", "shop"):
            at.job(name, queue_name="prod")
        at.next_id("plans", 3)
        at.next_id("batches", 7)
        play(tmp_path, "one-broken-topic.md", Own({"/mnt/flink": f"{at.data}/storage"}, server=at.url))


def test_move(tmp_path: Path) -> None:
    with town(tmp_path / "data", "old", "new", labels={}) as at:
        for name in ("orders", "payments", "views"):
            at.job(name, queue_name="old")
        at.next_id("moves", 4)
        at.next_id("batches", 7)
        at.planner.refused["views"] = at.flink("new")
        meanwhile = {"clusters drain old": at.planner.refused.clear}
        own = Own({"/mnt/flink": f"{at.data}/storage"}, meanwhile, server=at.url)
        play(tmp_path, "move.md", own)
        assert {job.name for job in at.clusters["new"].fake.jobs.values()} == {"orders", "payments", "views"}


def test_clusters(tmp_path: Path, flink: FakeCluster) -> None:
    cert, _ = self_made(tmp_path / "etc")
    cert.rename(tmp_path / "etc/ca.pem")
    (tmp_path / "etc/bank.password").write_text("a long password\n")
    flink.do(lambda fake: fake.add_job(name="orders"))
    with town(tmp_path / "data", labels={}) as at:
        own = {
            "http://jobmanager:8081": flink.fake.url,
            "/etc/sluiceway/clusters": f"{tmp_path}/etc",
            "--storage /mnt/flink": f"--no-embedded --data {at.data}",  # a second service on the database
            "http://orders-jm-1:8081": "http://127.0.0.1:9",
            "http://orders-jm-2:8081": "http://127.0.0.2:9",
            "https://flink.bank:8443": "https://127.0.0.1:9",
        }
        adopted = "SELECT count(*) FROM jobs WHERE status = 'running'"
        meanwhile = {"stop --queue prod": lambda: wait_for(lambda: rows(at.data, adopted) == [(1,)])}
        with Reader(tmp_path / "reader", Own(own, meanwhile, server=at.url)) as reader:
            reader.play(HOW_TO / "clusters.md")
            wait_for(lambda: {"bank", "orders", "prod"} <= set(reader.types("sluiceway clusters list").split()))
    assert [job.state.value for job in flink.fake.jobs.values()] == ["FINISHED"]


def test_jobs_of_others(tmp_path: Path, flink: FakeCluster) -> None:
    data = tmp_path / "reader/sluiceway-data"

    def upload() -> None:
        assert flink.fake.jars is not None
        flink.fake.jars.upload("orders.jar", jar_job.jar({"com/shop/Orders.class": b"?"}, "com.shop.Orders"))

    flink.do(lambda fake: fake.add_job(name="orders"))
    own = {"http://jobmanager:8081": flink.fake.url, "s3://bucket/sluiceway": f"file://{tmp_path}/storage"}
    meanwhile = {
        "stop --all": lambda: next_id(data, "batches", 17),
        "--adopt-tag": lambda: flink.do(lambda fake: fake.add_job(name="orders-eu")),
        "clusters jars old": upload,
    }
    play(tmp_path, "jobs-of-others.md", Own(own, meanwhile))


def test_let_a_team_in(tmp_path: Path, flink: FakeCluster) -> None:
    cert, _ = self_made(tmp_path / "etc")
    flink.do(lambda fake: fake.add_job(name="orders"))

    def shown(name: str) -> str:
        """What the page has just shown of the access key."""
        found = re.search(rf"{re.escape(name)}: +(\S+)", reader.outputs["sluiceway access keys add nightly"])
        return found[1] if found else ""

    def adopted() -> None:
        count = "SELECT count(*) FROM jobs WHERE project = 'payments' AND status = 'running'"
        wait_for(lambda: rows(tmp_path / "data", count) == [(1,)])

    def another() -> None:
        flink.do(lambda fake: fake.add_job(name="clicks"))
        adopted()

    def at_another_machine() -> None:
        """The people are not where the program is."""
        kept = "SLUICEWAY_ACCESS_KEY SLUICEWAY_SECRET_KEY SLUICEWAY_SERVER SLUICEWAY_PROJECT"
        reader.types(f"export NOTHING= && sluiceway contexts remove nightly && unset {kept}")

    def as_root() -> None:
        """The night shift has tried what it may not; root, who owns every project, looks."""
        reader.types("sluiceway variables set a b || true")
        root = {"user": {"name": "root", "password": "a long password"}}
        body = {"identity": {"methods": ["password"], "password": root}, "scope": {"project": {"id": "payments"}}}
        told = reader.types(f"curl -si {reader.service}/v3/auth/tokens -d '{json.dumps({'auth': body})}'")
        token = re.search(r"(?i)x-subject-token: (\S+)", told)
        assert token
        reader.types(f"export SLUICEWAY_TOKEN={token[1]} && unset SLUICEWAY_ACCESS_KEY SLUICEWAY_SECRET_KEY")

    with FakeCluster() as other:
        own: dict[str, str | Callable[[], str]] = {
            "/var/lib/sluiceway": f"{tmp_path}/data",
            "/etc/sluiceway": f"{tmp_path}/etc",
            "0.0.0.0": "127.0.0.1",  # where nobody has to sign in unless told: SLUICEWAY_AUTH
            "http://jobmanager:8081": flink.fake.url,
            "http://jobmanager-test:8081": other.fake.url,
            "/mnt/flink": f"{tmp_path}/flink",
            "https://sluiceway.example:8640": "http://127.0.0.1:8640",
            "SLUICEWAY_ACCESS_KEY=…": lambda: f"SLUICEWAY_ACCESS_KEY={shown('Access key (AK)')}",
            "SLUICEWAY_SECRET_KEY=…": lambda: f"SLUICEWAY_SECRET_KEY={shown('Secret key (SK)')}",
            '"password": "…"': '"password": "a long password"',
        }
        environment = {
            "SLUICEWAY_AUTH": "true",
            "SLUICEWAY_ADOPT_INTO": "payments",
            "SSL_CERT_FILE": str(cert),
            "CURL_CA_BUNDLE": str(cert),
        }
        meanwhile = {
            "stop --all": adopted,
            "--context nightly": another,
            "contexts add prod": at_another_machine,
            "sluiceway events": as_root,
        }
        typed = "a long password\n"
        with Reader(tmp_path / "reader", Own(own, meanwhile, environment, typed)) as reader:
            reader.play(HOW_TO / "let-a-team-in.md")
            assert "access_denied" in reader.printed[-1]


def test_readme_with_curl(tmp_path: Path, at: Town) -> None:
    own = {"CREATE TABLE …; INSERT …": " ".join(SQL.split()).replace("'", "'\\''")}
    meanwhile = {
        "jobs/stop": lambda: at.until(1, "job_running"),
        '"resume_savepoint"': lambda: at.until(1, "job_cancel_success"),
    }
    with Reader(tmp_path / "reader", Own(own, meanwhile, server=at.url)) as reader:
        reader.play(ROOT / "README.md", "With curl")
        at.until(1, "job_running")
        assert at.flink_job(1).restored


def test_readme_with_the_sdk(tmp_path: Path, at: Town) -> None:
    jobs = [at.job(f"job-{number}") for number in range(3)]
    with Reader(tmp_path / "reader", Own(server=at.url)) as reader:
        reader.play(ROOT / "README.md", "With DLI's SDK")
    for job in jobs:
        at.until(job, "job_cancel_success")


def test_each_how_to_is_played() -> None:
    played = {f"{name.removeprefix('test_').replace('_', '-')}.md" for name in globals() if name.startswith("test_")}
    assert {page.name for page in HOW_TO.glob("*.md")} <= played | ON_REAL_FLINK


def test_each_block_says_what_it_is() -> None:
    for page in [*HOW_TO.glob("*.md"), ROOT / "docs/tutorial.md", ROOT / "README.md"]:
        for block in blocks(page):
            assert block.language in PLAYED | {"sql", "yaml", "toml", "hcl"}, f"{page}:{block.line}"
