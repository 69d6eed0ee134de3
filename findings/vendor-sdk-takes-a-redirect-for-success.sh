#!/usr/bin/env bash
# huaweicloudsdkdli 3.1.219 (huaweicloudsdkcore 3.1.219): an answer of the 300s is neither followed nor an error. A batch stop
# that a proxy answers with 302 returns normally, with status 302 and nothing in it, so a caller that waits for an exception
# takes it for done. A server for this client must not redirect, and a proxy before it must not either.
#
# Seen: no exception; status_code 302, body None or empty.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check huaweicloudsdkdli==3.1.219 requests==2.34.2
cat > "$work/show.py" <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkdli.v1 import DliClient
from huaweicloudsdkdli.v1.model import BatchStopFlinkJobsRequest, StopFlinkJobsRequestBody


class Server(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(302)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

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


request = BatchStopFlinkJobsRequest(body=StopFlinkJobsRequestBody(job_ids=[1], trigger_savepoint=True))
answer = client.batch_stop_flink_jobs(request)
print("status", answer.status_code, "and the body", answer.body)
judge(answer.status_code == 302, not answer.body)
PY
"$work/venv/bin/python" "$work/show.py"
