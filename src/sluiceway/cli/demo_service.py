"""The service of the demo: a process of its own, as if somebody had typed `sluiceway serve`."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sluiceway.cli.language import VARIABLE, spoken, t
from sluiceway.cli.output import Failed

START: Final = 120.0  # seconds to be ready in, on a busy machine
END: Final = 20.0  # seconds to end in
FLINK_SETTLES: Final = 10.0  # seconds between its ready line and the line about its Flink, at most

# In either language: addresses alone are the same.
_READY = re.compile(r"Sluiceway[^:]*?(?:：|at )(?P<url>https?://\S+)")
_FLINK = re.compile(r"Flink (?:at )?(?P<url>https?://[\w.:/-]+)")


class DemoService:
    """A running service in a directory. A context manager: it has ended when the context has."""

    def __init__(self, directory: Path) -> None:
        self.url = ""
        self.flink = ""
        self.seconds = 0.0  # that the start took
        self._log = directory / "service.log"
        self._command = [sys.executable, "-m", "sluiceway", "serve", "--embedded", "--host", "127.0.0.1", "--port", "0"]
        self._command += ["--data", str(directory / "data")]
        self._directory = directory
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # None: there will be no more
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready. Raises `Failed` when it does not get there."""
        began = time.monotonic()
        try:
            self._process = self._start()
            self.url = self._await(_READY, START)
            self.seconds = time.monotonic() - began
            self.flink = self._await(_FLINK, FLINK_SETTLES)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, and its Flink with it."""
        self._end()

    def wait(self) -> None:
        """Wait until it ends by itself, which it should not. Raises `Failed` then."""
        if self._process is not None:
            self._process.wait()
            raise Failed(t("The service has ended: {why}", why=self._last_words()))

    def _start(self) -> "subprocess.Popen[str]":
        # Neither the settings of another service, from the environment or the current directory, nor a Ctrl-C that is
        # meant for us: we end it after our report.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SLUICEWAY_")}
        environment[VARIABLE] = spoken()  # of its last words, where it cannot start
        with self._log.open("w") as log:
            process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=0,
            )
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        return process

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is not None:
            for line in process.stdout:
                self._lines.put(line)
        self._lines.put(None)

    def _await(self, wanted: re.Pattern[str], seconds: float) -> str:
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise Failed(
                    t(
                        "The service was not ready within {seconds:.0f} s: {why}",
                        seconds=seconds,
                        why=self._last_words(),
                    )
                ) from None
            if line is None:
                raise Failed(t("The service could not be started: {why}", why=self._last_words()))
            if found := wanted.search(line):
                return found["url"]

    def _last_words(self) -> str:
        try:
            return " / ".join(self._log.read_text(errors="replace").split("\n")[-6:]).strip(" /") or t(
                "it said nothing"
            )
        except OSError as error:
            return t("its log cannot be read: {why}", why=error.strerror)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(END)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            # Its Java process ends when the pipe to it does.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
