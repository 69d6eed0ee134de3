#!/usr/bin/env bash
# huaweicloudsdkcore 3.1.219: a refused connection is an SdkException of its own (ConnectionException), an answer that does not
# come in time is not: requests' ReadTimeout passes through as it is. So `except SdkException` around a batch stop misses just
# the case in which nobody knows whether it was accepted.
#
# Seen: requests.exceptions.ReadTimeout, which is no SdkException, and one request at the server.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check huaweicloudsdkdli==3.1.219 requests==2.34.2
cat > "$work/show.py" <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkdli.v1 import DliClient
from huaweicloudsdkdli.v1.model import BatchStopFlinkJobsRequest, StopFlinkJobsRequestBody


requests_seen = []


class Server(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        requests_seen.append(self.path)
        threading.Event().wait(4)  # longer than the client waits

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
raised = None
try:
    client.batch_stop_flink_jobs(request)
except Exception as error:
    raised = error
kind = f"{type(raised).__module__}.{type(raised).__name__}"
print("raised:", kind, "   requests:", len(requests_seen))
judge(kind == "requests.exceptions.ReadTimeout", not isinstance(raised, SdkException), len(requests_seen) == 1)
PY
"$work/venv/bin/python" "$work/show.py"
