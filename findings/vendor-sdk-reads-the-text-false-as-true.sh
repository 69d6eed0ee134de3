#!/usr/bin/env bash
# huaweicloudsdkdli 3.1.219: the answer's fields are made what the model declares with Python's own bool() and str(), whatever
# came. So JSON "false" is True in a field that is declared a bool, and JSON false is the text 'False' in one that is declared
# a str (batch stop), where `== "false"` does not hold either. What a field is told as decides what a caller sees, and the API
# itself tells some as texts and some as booleans.
#
# Seen: is_success "false" gives True in the list of templates; false gives 'False' in that of a batch stop.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check huaweicloudsdkdli==3.1.219 requests==2.34.2
cat > "$work/show.py" <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkdli.v1 import DliClient
from huaweicloudsdkdli.v1.model import (
    BatchStopFlinkJobsRequest,
    ListFlinkSqlJobTemplatesRequest,
    StopFlinkJobsRequestBody,
)


class Server(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        stopping = self.path.endswith("/stop")
        sent = json.dumps([{"is_success": False}] if stopping else {"is_success": "false"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = HttpConfig.get_default_config()
config.timeout = (2, 2)
client = (
    DliClient.new_builder()
    .with_credentials(BasicCredentials("key", "secret", "project"))
    .with_endpoint(f"http://127.0.0.1:{server.server_port}")
    .with_http_config(config)
    .build()
)


def judge(*facts):
    print("as stated" if all(facts) else "OTHERWISE THAN STATED")
    raise SystemExit(not all(facts))


listed = client.list_flink_sql_job_templates(ListFlinkSqlJobTemplatesRequest()).is_success
request = BatchStopFlinkJobsRequest(body=StopFlinkJobsRequestBody(job_ids=[1], trigger_savepoint=True))
stopped = client.batch_stop_flink_jobs(request).body[0].is_success
print('"false" as a bool:', repr(listed), "   false as a str:", repr(stopped))
judge(listed is True, stopped == "False")
PY
"$work/venv/bin/python" "$work/show.py"
