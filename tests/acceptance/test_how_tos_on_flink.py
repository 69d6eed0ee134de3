"""The how-tos in which jobs run, as a reader plays them on real Flink. What the others need is said in `test_pages.py`.

All of them share a Flink, which each finds without jobs, and one process that plans SQL.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.doubles.certificates import self_made
from tests.support.doubles.fleet import FakeCluster
from tests.support.flink import jar_job
from tests.support.flink.real import ENDLESS, RealFlink
from tests.support.people.pages import ROOT
from tests.support.people.reader import Own, Reader
from tests.support.services.one_planner import OnePlanner
from tests.support.services.process import wait_for
from tests.support.services.town import Town, next_id, rows, town

pytestmark = pytest.mark.real

HOW_TO = ROOT / "docs/how-to"
COUNTS = """
    CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10',
      'fields.n.min' = '1', 'fields.n.max' = '9');
    CREATE TABLE b (n BIGINT, many BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO b SELECT n, COUNT(*) FROM s GROUP BY n;
"""
LOOPS = ENDLESS.replace("SELECT n ", "SELECT n / (n - n) ")
AGAIN = {"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "100000"}
EACH_SECOND = {"execution.checkpointing.interval": "1s"}


@pytest.fixture(scope="module", autouse=True)
def planner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What plans for the services of this process."""
    planner = OnePlanner(tmp_path_factory.mktemp("planner"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sluiceway.engines.planning.planner.SqlJvm", planner)
        yield
    planner.end()


@pytest.fixture
def flink(real_flink: RealFlink) -> Iterator[RealFlink]:
    """A Flink without jobs: those of others would be taken in, and stopped with the reader's."""
    real_flink.clear()
    yield real_flink
    real_flink.clear()


@pytest.fixture
def at(tmp_path: Path, flink: RealFlink) -> Iterator[Town]:
    """A service with one cluster."""
    with town(tmp_path / "data", prod=flink) as made:
        yield made


def play(home: Path, page: str, own: Own) -> Reader:
    """A reader who has played a how-to."""
    with Reader(home / "reader", own) as reader:
        reader.play(HOW_TO / page)
    return reader


def program(flink: RealFlink, entry: str, out: Path, **more: str) -> bytes:
    """The jar of a program that counts, takes `--topic NAME`, and writes into a directory of that name in `out`.

    `more` are parts of its source, and what stands in their place.
    """
    package, _, name = entry.rpartition(".")
    own = {"package demo": f"package {package}", "class Counter": f"class {name}"}
    own["start(args[1]"] = f'start("{out}/" + args[1]'
    source = jar_job.SOURCE
    for theirs, ours in {**own, **more}.items():
        assert theirs in source
        source = source.replace(theirs, ours)
    return jar_job.compiled(flink, source)


def counted(out: Path) -> int:
    """How far such a program has counted, as far as it is committed: each number is there once, in one go."""
    parts = [part for part in out.rglob("part-*") if "inprogress" not in part.name]
    numbers = sorted(tuple(map(int, line.split(","))) for part in parts for line in part.read_text().split())
    assert numbers == [(n, n) for n in range(1, len(numbers) + 1)]
    return len(numbers)


def writing_to(table: str) -> str:
    """SQL with this sink."""
    return ENDLESS.replace("TABLE b ", f"TABLE `{table}` ").replace("INTO b ", f"INTO `{table}` ")


def state(flink: RealFlink, jid: str) -> str:
    """Of a job in Flink."""
    return str(flink.ask(f"/jobs/{jid}/status")["status"])


def test_maintenance_window(tmp_path: Path, at: Town) -> None:
    at.next_id("jobs", 11)
    jobs = [
        at.job("in", run=False, tags=[{"key": "tier", "value": "source"}]),
        at.job("orders", sql=COUNTS, run=False, tags=[{"key": "tier", "value": "sink"}]),
    ]
    at.run(*jobs)
    at.next_id("plans", 2)

    def started_again() -> None:
        at.run(*jobs, resume=True)
        at.next_id("batches", 7)

    own = Own(
        own={"http://jobmanager:8081": at.flinks["prod"].url, "/mnt/flink": f"{at.data}/storage"},
        meanwhile={"stop --queue prod --wave tag:tier=source --wave tag:tier=sink --abort-when": started_again},
        server=at.url,
    )
    play(tmp_path, "maintenance-window.md", own)
    assert [at.status(job) for job in jobs] == ["job_running"] * 2


def test_jar_jobs(tmp_path: Path, at: Town) -> None:
    out = tmp_path / "out"
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader/orders.jar").write_bytes(program(at.flinks["prod"], "com.example.Orders", out))
    own = {"checkpoint_interval=30": "checkpoint_interval=1"}  # a reader in a hurry: a start waits for the first one
    counts: list[int] = []
    meanwhile = {"--resume --wait": lambda: counts.append(counted(out / "orders"))}
    play(tmp_path, "jar-jobs.md", Own(own, meanwhile, server=at.url))
    wait_for(lambda: counted(out / "orders") > counts[0] > 0)


def test_vendor_sdk(tmp_path: Path, at: Town) -> None:
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader/orders.sql").write_text(ENDLESS)
    own = {"pip install huaweicloudsdkdli": "python -c 'import huaweicloudsdkdli'"}
    reader = play(tmp_path, "vendor-sdk.md", Own(own, server=at.url))
    assert reader.printed[-1].startswith(f"file://{at.data}/storage/jobs/savepoint/")
    assert Path(reader.printed[-1].removeprefix("file://"), "_metadata").is_file()


def test_when_a_stop_fails(tmp_path: Path, at: Town) -> None:
    at.next_id("jobs", 12)
    at.next_id("batches", 7)
    job = at.job("orders")
    savepoints = at.data / "storage/jobs/savepoint"
    savepoints.write_text("in the way of a directory")
    at.call("POST", "/api/v1/projects/default/stops", {"job_ids": [job], "on_savepoint_failure": {"attempts": 1}})
    with Reader(tmp_path / "reader", Own(server=at.url)) as reader:
        reader.play(HOW_TO / "when-a-stop-fails.md")
        assert at.status(job) == "job_cancel_fail"
        assert state(at.flinks["prod"], at.flink_id(job)) == "RUNNING"
        savepoints.unlink()  # "Repair the storage."
        reader.types("sluiceway stops retry 7 --wait")
    assert at.status(job) == "job_cancel_success"


def test_one_broken_topic(tmp_path: Path, flink: RealFlink) -> None:
    """Of a name that is longer than 300 characters only a part is kept."""
    with town(tmp_path / "data", labels={"env": "prod"}, prod=flink) as at:
        jar = program(flink, "com.example.Long", tmp_path / "out", **{'uid("out")': f'uid("out").name("{"x" * 400}")'})
        others = [at.program(name, jar, "com.example.Long", f"--topic {name}", queue_name="prod") for name in "abc"]
        others += [at.job("reports", sql=writing_to("reports"), run=False, queue_name="prod")]
        at.next_id("jobs", 11)
        writers = {"checkout": "orders", "shop": "shop.orders"}
        jobs = [at.job(name, sql=writing_to(to), run=False, queue_name="prod") for name, to in writers.items()]
        at.run(*others, *jobs)
        at.next_id("plans", 3)
        at.next_id("batches", 7)
        play(tmp_path, "one-broken-topic.md", Own({"/mnt/flink": f"{at.data}/storage"}, server=at.url))
        assert {at.status(job) for job in (*others, *jobs)} == {"job_running"}


def test_move(tmp_path: Path, flink: RealFlink, other_flink: RealFlink) -> None:
    """`views` looks for a file on the machine of its JobManager, which the new one has too late."""
    beside = "views.csv"
    (other_flink.directory / beside).touch()
    (flink.directory / beside).unlink(missing_ok=True)
    with town(tmp_path / "data", labels={}, old=other_flink, new=flink) as at:
        looks = {'args[0].equals("throw")': f'!new java.io.File("{beside}").exists()'}
        jar = program(other_flink, "com.example.Views", tmp_path / "out", **looks)
        jobs = [at.job(name, sql=COUNTS, run=False, queue_name="old") for name in ("orders", "payments")]
        jobs += [at.program("views", jar, "com.example.Views", "--topic views", queue_name="old")]
        at.run(*jobs)
        at.next_id("moves", 4)
        at.next_id("batches", 7)
        meanwhile = {"clusters drain old": (flink.directory / beside).touch}
        play(tmp_path, "move.md", Own({"/mnt/flink": f"{at.data}/storage"}, meanwhile, server=at.url))
        assert {state(flink, at.flink_id(job)) for job in jobs} == {"RUNNING"}
        here = counted(tmp_path / "out/views")
        wait_for(lambda: counted(tmp_path / "out/views") > here > 0)


def test_backup(tmp_path: Path, flink: RealFlink) -> None:
    (tmp_path / "backup").mkdir()
    with ExitStack() as stack:
        at = stack.enter_context(town(tmp_path / "data", prod=flink))
        jobs = {at.job("orders"), at.job("payments", run=False)}
        own = {
            "/backup": f"{tmp_path}/backup",
            "/var/lib/sluiceway": str(at.data),
            "/mnt/flink": f"{at.data}/storage",
            "http://jobmanager:8081": flink.url,
        }
        with Reader(tmp_path / "reader", Own(own, {"database restore": at.service.__exit__})) as reader:
            reader.play(HOW_TO / "backup.md")
            assert {int(line.split()[0]) for line in reader.types("sluiceway jobs list").splitlines()[1:]} == jobs
            stopped = reader.types("sluiceway stop orders --wait").splitlines()[-1].split()
            assert stopped[1:4] == ["orders", "prod", "stopped"], "what runs is the job that it was"


def test_alerts(tmp_path: Path, flink: RealFlink) -> None:
    (tmp_path / "etc").mkdir()
    flink.submit(LOOPS, **{"pipeline.name": "orders"}, **AGAIN)
    own = {"/etc/sluiceway": f"{tmp_path}/etc", "http://jobmanager:8081": flink.url}
    with Reader(tmp_path / "reader", Own(own)) as reader:
        reader.play(HOW_TO / "alerts.md")
        scrape = f'curl -sf -H "Authorization: Bearer $(cat {tmp_path}/etc/metrics-token)" {reader.service}/metrics'
        looping = r'^sluiceway_jobs_health\{(?=.*cluster="prod")(?=.*health="restarting").*\} 1'
        wait_for(lambda: bool(re.search(looping, reader.types(scrape), re.MULTILINE)))
        named = set(re.findall(r"sluiceway_\w+", (HOW_TO / "alerts.md").read_text()))
        named -= {"sluiceway_stops_open", "sluiceway_stops_settled_total"}  # nothing was stopped
        wait_for(lambda: named <= set(re.findall(r"^(sluiceway_\w+)", reader.types(scrape), re.MULTILINE)))


def test_terraform(tmp_path: Path, flink: RealFlink) -> None:
    jid = flink.submit(**{"pipeline.name": "orders"})
    own = {
        "http://jobmanager:8081": flink.url,
        "terraform apply": "true",  # its calls are played by `tests/golang`
    }
    with Reader(
        tmp_path / "reader", Own(own, {"sluiceway stop orders": lambda: reader.types("sluiceway jobs show orders")})
    ) as reader:
        reader.play(HOW_TO / "terraform.md")
    assert state(flink, jid) == "FINISHED"


def test_clusters(tmp_path: Path, flink: RealFlink) -> None:
    cert, _ = self_made(tmp_path / "etc")
    cert.rename(tmp_path / "etc/ca.pem")
    (tmp_path / "etc/bank.password").write_text("a long password\n")
    jid = flink.submit(**{"pipeline.name": "orders"})
    with town(tmp_path / "data", labels={}) as at:
        own = {
            "http://jobmanager:8081": flink.url,
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
    assert state(flink, jid) == "FINISHED"


def test_jobs_of_others(tmp_path: Path, flink: RealFlink) -> None:
    """What somebody has started of a jar goes on from its savepoint, with the program that the cluster still has."""
    data, out = tmp_path / "reader/sluiceway-data", tmp_path / "out"
    jar = flink.upload("orders.jar", program(flink, "com.shop.Orders", out))
    named = {"pipeline.name": "orders", **EACH_SECOND}
    flink.run_jar(jar, "com.shop.Orders", ["--topic", "orders"], named)
    wait_for(lambda: counted(out / "orders") > 0)
    own = {"http://jobmanager:8081": flink.url, "s3://bucket/sluiceway": f"file://{tmp_path}/storage"}
    meanwhile = {
        "stop --all": lambda: next_id(data, "batches", 17),
        "--adopt-tag": lambda: flink.submit(**{"pipeline.name": "orders-eu"}),
    }
    with Reader(tmp_path / "reader", Own(own, meanwhile)) as reader:
        reader.play(HOW_TO / "jobs-of-others.md")
        reader.types("sluiceway wait --for=running orders")
        before = counted(out / "orders")
        reader.types("sluiceway stop orders --wait")  # what is written without checkpoints is committed by a savepoint
    assert counted(out / "orders") > before


def test_let_a_team_in(tmp_path: Path, flink: RealFlink) -> None:
    """The second cluster is a fake one, on which nothing runs."""
    cert, _ = self_made(tmp_path / "etc")
    jobs = [flink.submit(**{"pipeline.name": "orders"})]

    def shown(name: str) -> str:
        """What the page has just shown of the access key."""
        found = re.search(rf"{re.escape(name)}: +(\S+)", reader.outputs["sluiceway access keys add nightly"])
        return found[1] if found else ""

    def adopted() -> None:
        count = "SELECT count(*) FROM jobs WHERE project = 'payments' AND status = 'running'"
        wait_for(lambda: rows(tmp_path / "data", count) == [(1,)])

    def another() -> None:
        jobs.append(flink.submit(**{"pipeline.name": "clicks"}))
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
            "http://jobmanager:8081": flink.url,
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
    assert [state(flink, jid) for jid in jobs] == ["FINISHED"] * 2


def test_readme_with_curl(tmp_path: Path, at: Town) -> None:
    own = {"CREATE TABLE …; INSERT …": " ".join(ENDLESS.split()).replace("'", "'\\''")}
    meanwhile = {
        "jobs/stop": lambda: at.until(1, "job_running"),
        '"resume_savepoint"': lambda: at.until(1, "job_cancel_success"),
    }
    with Reader(tmp_path / "reader", Own(own, meanwhile, server=at.url)) as reader:
        reader.play(ROOT / "README.md", "With curl")
        at.until(1, "job_running")
    restored = at.flinks["prod"].ask(f"/jobs/{at.flink_id(1)}/checkpoints")["latest"]["restored"]
    assert restored["external_path"].startswith(f"file:{at.data}/storage/jobs/savepoint/")


def test_readme_with_the_sdk(tmp_path: Path, at: Town) -> None:
    jobs = [at.job(f"job-{number}", run=False) for number in range(3)]
    at.run(*jobs)
    with Reader(tmp_path / "reader", Own(server=at.url)) as reader:
        reader.play(ROOT / "README.md", "With DLI's SDK")
    for job in jobs:
        at.until(job, "job_cancel_success")
