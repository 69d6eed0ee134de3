"""The jars of a fake Flink and what running one is answered, as the Flink contract says.

A jar must be a zip file with the main class in it. What the program does is said by its first argument: "throw" and
"none" start no job, "timeout" has no answer while it submits one, "twice" tries a second one, "late" fails after its
start, and anything else just starts its job.
"""

import io
import os
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sluiceway.testing.fake_failures import Failure

Answer = tuple[int, bytes]
Start = Callable[..., object]

_ROOT = "/tmp/flink-web-upload"  # noqa: S108 - only a text
_REST = "org.apache.flink.runtime.rest.handler.RestHandlerException"
_INVOCATION = "org.apache.flink.client.program.ProgramInvocationException"
_RUNTIME = "org.apache.flink.util.FlinkRuntimeException"
_SUBMITTING = "org.apache.flink.util.FlinkException: Failed to execute job '{}'."
_TAKEN = (
    "org.apache.flink.runtime.client.DuplicateApplicationSubmissionException: Application has already been submitted."
)
_STILLBORN = (
    "java.lang.RuntimeException: org.apache.flink.runtime.client.JobInitializationException: Could not start the"
    " JobMaster.",
    "org.apache.flink.runtime.client.JobInitializationException: Could not start the JobMaster.",
    "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory",
)


class FakeJars:
    """The jars that were uploaded to one fake cluster."""

    def __init__(self, start: Start, fail: Callable[[str, str], None]) -> None:
        """`start(jid, **fields)` takes up a job, and raises `ValueError` for an id that was used; `fail` ends one."""
        self._start = start
        self._fail = fail
        self._jars: dict[str, tuple[str, bytes]] = {}

    def clear(self) -> None:
        """Forget all, as a JobManager does that lost its directory."""
        self._jars.clear()

    def list(self) -> Answer:
        """`GET /jars`."""
        now = int(time.time() * 1000)
        files = [{"id": i, "name": name, "uploaded": now, "entry": []} for i, (name, _) in self._jars.items()]
        return 200, msgspec.json.encode({"address": "http://127.0.0.1", "files": files})

    def upload(self, name: str, content: bytes) -> Answer:
        """`POST /jars/upload`."""
        if not name.endswith(".jar"):
            return _no(400, f"{_REST}: Only Jar files are allowed.")
        jar = f"{uuid.uuid4()}_{name}"
        self._jars[jar] = (name, content)
        return 200, msgspec.json.encode({"filename": f"{_ROOT}/{jar}", "status": "success"})

    def delete(self, jar: str) -> Answer:
        """`DELETE /jars/:id`."""
        if self._jars.pop(jar, None) is None:
            return _no(400, f"{_REST}: File {jar} does not exist in {_ROOT}.")
        return 200, b"{}"

    def run(self, jar: str, body: Mapping[str, Any]) -> Answer:
        """`POST /jars/:id/run`."""
        if (unfit := self._unfit(jar, body.get("entryClass"))) is not None:
            return _broke(unfit)
        jid = str(body.get("jobId") or os.urandom(16).hex())
        mode = next(iter(body.get("programArgsList") or ()), "")
        if mode == "throw":
            return _main_failed("java.lang.IllegalStateException: the author made a mistake")
        if mode == "timeout":
            return _main_failed(_SUBMITTING.format("job"), "java.util.concurrent.TimeoutException: Ask timed out.")
        if mode == "none":
            return _no(400, f"{_REST}: No jobs included in application.")
        return self._begin(jid, mode, body)

    def _unfit(self, jar: str, main: str | None) -> str | None:
        if jar not in self._jars:
            return f"{_REST}: Jar file {_ROOT}/{jar} does not exist"
        try:
            with zipfile.ZipFile(io.BytesIO(self._jars[jar][1])) as archive:
                names = archive.namelist()
        except zipfile.BadZipFile:
            return f"{_INVOCATION}: Error while opening jar file '{_ROOT}/{jar}'"
        if main is None:
            return f"{_INVOCATION}: Neither a 'Main-Class', nor a 'program-class' entry was found in the jar file."
        if f"{main.replace('.', '/')}.class" not in names:
            return f"{_INVOCATION}: The program's entry point class '{main}' was not found in the jar file."
        return None

    def _begin(self, jid: str, mode: str, body: Mapping[str, Any]) -> Answer:
        name = body.get("flinkConfiguration", {}).get("pipeline.name", "Flink Streaming Job")
        savepoint = body.get("savepointPath")
        submitting = _SUBMITTING.format(name)
        try:
            self._start(jid, name=name, restored=savepoint, stop_seconds=0.1, cancel_seconds=0.02)
        except ValueError:
            return _main_failed(submitting, _TAKEN)
        if savepoint is not None and not (Path(urlsplit(savepoint).path) / "_metadata").is_file():
            why = f"{_STILLBORN[-1]} '{savepoint}' on file system 'file'."
            self._fail(jid, why)
            return _main_failed(submitting, *_STILLBORN[:-1], why)
        if mode == "twice":
            return _main_failed(submitting, _TAKEN)
        if mode == "late":
            return _main_failed("java.lang.IllegalStateException: a mistake after the start")
        return 200, msgspec.json.encode({"jobid": jid, "applicationId": jid})


def _main_failed(*chain: str) -> Answer:
    said = chain[0].partition(": ")[2]
    outer = (f"{_RUNTIME}: Could not execute application.", f"{_INVOCATION}: The main method caused an error: {said}")
    trace = Failure((*outer, *chain)).trace().partition("\n")[2]
    return _no(400, f"{_REST}: Could not execute application.\n{trace}")


def _broke(link: str) -> Answer:
    page = f"<Exception on server side:\n{Failure((link,)).trace()}\nEnd of exception on server side>"
    return 500, msgspec.json.encode({"errors": ["Internal server error.", page]})


def _no(status: int, trace: str) -> Answer:
    return status, msgspec.json.encode({"errors": [trace]})
