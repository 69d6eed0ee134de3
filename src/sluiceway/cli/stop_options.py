"""The options of `sluiceway stop`, and the request that they become."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cyclopts import Parameter

from sluiceway.cli.choice import pair
from sluiceway.cli.language import t
from sluiceway.cli.options import Flag, Names, PositiveInt, Seconds, seconds_of
from sluiceway.cli.output import Failed

Resolve = Callable[[Sequence[str]], list[int]]  # ids or names of jobs to ids


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to stop them."""

    drain: Flag = False
    """Send the last watermark first, so that windows fire: for a job's end."""

    format: Literal["auto", "canonical", "native"] = "auto"
    """Flink's format of the savepoints; auto takes for each job one that does it no harm."""

    target: str | None = None
    """Directory (path or URI) for the savepoints. Default: the service's storage."""

    on_failure: Literal["keep_running", "cancel_keeping_checkpoint", "cancel"] = "keep_running"
    """What to do with a job whose savepoint fails for good."""

    if_not_running: Literal["wait", "cancel", "leave"] | None = None
    """What to do with a job whose tasks do not run: wait as long as the stop may take, cancel it keeping its last
    checkpoint, or leave it alone after a while. Default: the service's --if-not-running."""

    attempts: PositiveInt | None = None
    """Attempts for each savepoint. Default: the service's --stop-attempts."""

    backoff: Seconds = None
    """How long before the first retry, such as 30s; each further one waits twice as long."""

    max_checkpoint_age: Seconds = None
    """Such as 10m; with --on-failure cancel_keeping_checkpoint, an older checkpoint keeps the job running."""

    stop_timeout: Seconds = None
    """How long until a stop without a result is reported as overdue. The service keeps watching it."""

    max_parallel: PositiveInt | None = None
    """Stops under way at once, over all clusters."""

    wave: Names = ()
    """A group that is stopped together: queue=Q, tag:KEY=VALUE, or ids and names with commas. The next begins when the
    last has settled; jobs in no group come last."""

    abort_when: str | None = None
    """Pause what has not begun when so many jobs have not stopped: a number, or a share such as 10%."""

    def body(self, resolve: Resolve) -> dict[str, object]:
        """The fields of the request that differ from the service's defaults. Raises `Failed`."""
        failing = {
            "action": None if self.on_failure == "keep_running" else self.on_failure,
            "attempts": self.attempts,
            "backoff_seconds": self.backoff,
            "max_checkpoint_age_seconds": self.max_checkpoint_age,
        }
        given: dict[str, object] = {
            "drain": self.drain,
            "format": None if self.format == "auto" else self.format,
            "target": self.target,
            "on_savepoint_failure": _given(failing),
            "if_not_running": self.if_not_running,
            "timeout_seconds": self.stop_timeout,
            "max_parallel": self.max_parallel,
            "waves": [_wave(group, resolve) for group in self.wave],
            "abort_when": None if self.abort_when is None else threshold(self.abort_when),
        }
        return _given(given)

    def check(self, *, savepoint: bool) -> None:
        """Refuse options that exclude each other, or that need savepoints. Raises `Failed`."""
        if (self.on_failure == "cancel_keeping_checkpoint") != (self.max_checkpoint_age is not None):
            told = t(
                "--on-failure cancel_keeping_checkpoint and --max-checkpoint-age go together: "
                "how old the checkpoint may be that a job is canceled for."
            )
            raise Failed(told, code=2)
        plain = not self.drain and self.format == "auto" and self.target is None and self.if_not_running is None
        once = self.attempts is None and self.backoff is None
        if not savepoint and not (plain and once and self.on_failure == "keep_running"):
            raise Failed(t("--no-savepoint leaves nothing to drain, write, try again or fall back from."), code=2)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How to look before jobs are touched."""

    dry_run: Flag = False
    """Touch nothing; say for each job whether it would stop, what stands in the way, and what of its way back."""

    window: str | None = None
    """With --dry-run: how long the jobs are to stay stopped, such as 45m or 2h. Says whose state lives shorter."""

    plan: PositiveInt | None = None
    """Carry out exactly what a dry run has shown, by its id; nothing is done if anything has changed."""

    yes: Flag = False
    """Ask nothing. Without a terminal, --all, --no-savepoint and more than 20 jobs need it."""

    def check(self) -> None:
        """Refuse a window without a dry run. Raises `Failed`."""
        if self.window is not None and not self.dry_run:
            raise Failed(t("--window tells a dry run how long the jobs will stay stopped: it needs --dry-run."), code=2)

    def body(self) -> dict[str, object]:
        """The fields of a dry run. Raises `Failed`."""
        length = None if self.window is None else seconds_of("--window", self.window)
        return {"dry_run": True} | ({} if length is None else {"window_seconds": length})

    def order(self, reason: str, *, alone: bool) -> dict[str, object]:
        """The request that carries out the plan, which stands alone but for its reason. Raises `Failed`."""
        if not alone or self.dry_run:
            raise Failed(
                t("A plan already says which jobs to stop and how; give nothing but --reason beside it."), code=2
            )
        return {"plan": self.plan} | ({"reason": reason} if reason else {})


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How an order is sent, and whether the command waits for its end."""

    wait: Flag = False
    """Watch until it has settled for every job."""

    timeout: Seconds = None
    """How long to wait at most, such as 90s or 1h30m. What is accepted goes on all the same."""

    idempotency_key: str | None = None
    """Names the request: sent again, also by another call, it gets the first answer. Default: one of its own."""

    def key(self) -> str:
        """The key of the request."""
        return self.idempotency_key or uuid.uuid4().hex


def _given(fields: dict[str, Any]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}


def _wave(group: str, resolve: Resolve) -> dict[str, object]:
    if group.startswith("queue="):
        group = group.removeprefix("queue=")
        if group:
            return {"queue": group}
    if group.startswith("tag:"):
        return {"tags": dict([pair("--wave tag:", group.removeprefix("tag:"))])}
    jobs = [job.strip() for job in group.split(",") if job.strip()]
    if not jobs:
        raise Failed(t("--wave is empty; write queue=Q, tag:KEY=VALUE, or ids and names with commas."), code=2)
    return {"job_ids": resolve(jobs)}


def threshold(text: str) -> dict[str, object]:
    """The number, or the share, of jobs at which to pause. Raises `Failed`."""
    number = text.removesuffix("%")
    try:
        if text.endswith("%") and 0 < float(number) <= 100:
            return {"share": float(number) / 100}
        if int(number) >= 1 and number == text:
            return {"failures": int(number)}
    except ValueError:
        pass
    raise Failed(t("--abort-when {text} is neither a number above 0 nor a share such as 10%.", text=text), code=2)
