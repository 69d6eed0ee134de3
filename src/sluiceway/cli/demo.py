"""`sluiceway demo`: the whole way of a batch stop on a real Flink, seen from outside, checked in the jobs' output."""

import contextlib
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, NoReturn

from cyclopts import Parameter
from cyclopts.validators import Number

from sluiceway.cli import tables
from sluiceway.cli.answers import Answers, read
from sluiceway.cli.client import Client
from sluiceway.cli.demo_job import DemoJob, Output
from sluiceway.cli.demo_service import DemoService
from sluiceway.cli.job_answers import Job
from sluiceway.cli.language import t
from sluiceway.cli.options import Flag, commands
from sluiceway.cli.order_answers import Stop, StopView
from sluiceway.cli.output import Failed, complain, say
from sluiceway.cli.progress import Board, Line, looks

PROJECT: Final = "demo"
ENOUGH: Final = 100  # rows that a job must have written before it is stopped, and again after it was resumed
STAGE: Final = 180.0  # seconds that one stage may take on a busy machine
HELLO: Final = (  # a job to begin with, which needs no file
    "CREATE TABLE n (i BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10'); "
    "CREATE TABLE nowhere (i BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO nowhere SELECT i FROM n"
)
_UNDER_WAY: Final = frozenset({"waiting", "sent", "ending"})
MOST_JOBS: Final = 100  # the embedded Flink has 200 slots, and a notebook not that much memory

app = commands("demo")


@app.default
def demo(*, jobs: Annotated[int, Parameter(validator=Number(gte=1, lte=MOST_JOBS))] = 12, keep: Flag = False) -> int:
    """See it work: real Flink jobs stopped in one call, each with a verified savepoint, and brought back.

    Starts a service of its own with a Flink beside it, in a temporary directory, and removes it all in the end. Exits
    with 0 when every job was stopped with a verified savepoint and carried on from it.

    Example: `sluiceway demo --jobs 20 --keep`

    Parameters
    ----------
    jobs
        How many jobs; 100 at most.
    keep
        Leave the service up for a look around, until Ctrl-C.
    """
    directory = Path(tempfile.mkdtemp(prefix="sluiceway-demo-"))
    try:
        with _ending_on(signal.SIGTERM, signal.SIGHUP), DemoService(directory) as service:
            good = _Demo(service, directory, jobs).run()
            if keep:
                _keep(service)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if not keep:
        _next()
    return 0 if good else 1


@dataclass(frozen=True, slots=True)
class _Result:
    """The outcome of one job."""

    job: Job
    stop: StopView
    before: Output  # when it had stopped
    after: Output  # in the end

    @property
    def faults(self) -> Sequence[str]:
        """Its faults; none, when all is well."""
        claims = {
            t("it was {phase}, not stopped", phase=self.stop.phase): self.stop.phase == "stopped",
            t("its savepoint was not verified"): self.stop.verified,
            t("it ended as {status}", status=self.job.status): self.job.status == "job_cancel_success",
            t("its output at the stop is wrong: {fault}", fault=self.before.fault): not self.before.fault,
            t("its output is wrong: {fault}", fault=self.after.fault): not self.after.fault,
            t("it did not carry on after it was resumed"): self.after.rows > self.before.rows,
        }
        return [fault for fault, holds in claims.items() if not holds]


class _Demo:
    """One run of it. Every stage is a call that anybody could make, and then a look at the effect."""

    def __init__(self, service: DemoService, directory: Path, count: int) -> None:
        self._service = service
        self._client = Client(service.url, PROJECT)
        self._jobs = [DemoJob(number, directory / "output") for number in range(1, count + 1)]
        self._ids: dict[int, DemoJob] = {}

    def run(self) -> bool:
        """All stages, and the table. Tells whether everything holds."""
        began = time.monotonic()
        from rich.console import Console

        with Board(t("Creating"), Console(), keep_done=True) as board:
            board.say(
                t(
                    "Service with a real Flink beside it: {server} (up in {seconds:.1f} s)",
                    server=self._service.url,
                    seconds=self._service.seconds,
                )
            )
            self._create(board)
            self._start(board)
            stop = self._stop(board)
            before = self._outputs()
            self._show_a_change(board)
            self._resume(board, stop, before)
            self._stop_again(board)
        stops = {view.job_id: view for view in stop.jobs}
        ended = {job_id: read(self._client.job(job_id), Job) for job_id in self._ids}
        after = self._outputs()
        results = [_Result(ended[i], stops[i], before[i], after[i]) for i in self._ids if i in stops]
        return _told(results, len(self._jobs), time.monotonic() - began)

    def _create(self, board: Board) -> None:
        for job in self._jobs:
            made = self._client.create_sql_job(job.body())
            self._ids[int(made["job_id"])] = job
            board.show([Line(i, j.name, "created", j.table, done=True) for i, j in self._ids.items()])
        board.say(t("{count} SQL jobs created through DLI's API", count=len(self._ids)))

    def _start(self, board: Board) -> None:
        board.begin(t("Starting"))
        _all(self._client.run(list(self._ids), resume=False), t("start"))
        outputs: Mapping[int, Output] = {}
        for jobs in looks(self._look, STAGE, board.say):
            outputs = self._outputs()
            board.show([_running(job, outputs[job.job_id], 0) for job in jobs])
            _none_failed(jobs)
            if all(output.rows >= ENOUGH for output in outputs.values()):
                break
        else:
            raise Failed(t("The jobs have not processed enough records in time."))
        rows = sum(output.rows for output in outputs.values())
        board.say(
            t(
                "All of them process records: {rows} rows written after {seconds:.1f} s",
                rows=rows,
                seconds=board.seconds,
            )
        )

    def _stop(self, board: Board) -> Stop:
        board.begin(t("Stopping"))
        answers = self._client.stop_dli(list(self._ids), savepoint=True)
        answered = board.seconds * 1000
        _all(answers, t("stop"))
        stop = self._until_settled(board, answers.id)
        board.say(
            t(
                "One call stopped them: answered in {answered:.0f} ms, all at rest with their savepoints "
                "after {seconds:.1f} s (stop {id})",
                answered=answered,
                seconds=board.seconds,
                id=stop.id,
            )
        )
        return stop

    def _show_a_change(self, board: Board) -> None:
        """A change of SQL that Flink would accept in silence, and lose the job's state."""
        board.begin(t("Changing"))
        job_id, job = next(iter(self._ids.items()))
        body = job.body()
        self._client.update_sql_job(job_id, {"sql_body": job.changed()})
        [answer] = self._look_back(job_id).jobs
        if answer.accepted:
            raise Failed(
                t("The dry run of a resume of {name} does not see that its state would be left behind.", name=job.name)
            )
        board.say(
            t(
                "The SQL of {name} was changed, and the dry run of its resume refuses it: {why}",
                name=job.name,
                why=answer.message,
            )
        )
        self._client.update_sql_job(job_id, {"sql_body": body["sql_body"]})
        _all(self._look_back(job_id), t("resume"))
        board.say(t("Changed back, it fits again ({seconds:.1f} s)", seconds=board.seconds))

    def _look_back(self, job_id: int) -> Answers:
        return read(self._client.resume_jobs({"job_ids": [job_id], "dry_run": True}).data, Answers)

    def _resume(self, board: Board, stop: Stop, before: Mapping[int, Output]) -> None:
        board.begin(t("Resuming"))
        _all(read(self._client.resume_stop(stop.id, {}).data, Answers), t("resume"))
        for jobs in looks(self._look, STAGE, board.say):
            now = self._outputs()
            board.show([_running(job, now[job.job_id], before[job.job_id].rows) for job in jobs])
            _none_failed(jobs)
            if all(now[i].rows >= before[i].rows + ENOUGH for i in self._ids):
                break
        else:
            raise Failed(t("The resumed jobs have not written anything new in time."))
        board.say(t("Resumed as a batch, and writing again after {seconds:.1f} s", seconds=board.seconds))

    def _stop_again(self, board: Board) -> None:
        """Also with savepoints, so that every row is written out and can be counted."""
        board.begin(t("Stopping"))
        answers = read(self._client.stop({"all": True, "reason": "end of the demo"}, uuid.uuid4().hex).data, Answers)
        _all(answers, t("stop"))
        self._until_settled(board, answers.id)
        board.say(t("Everything stopped again after {seconds:.1f} s (stop {id})", seconds=board.seconds, id=answers.id))

    def _until_settled(self, board: Board, stop_id: int | None) -> Stop:
        if stop_id is None:
            raise Failed(t("The service did not say under which id it has accepted the stop."))
        for reply in looks(lambda: self._client.show_stop(stop_id), STAGE, board.say):
            stop = read(reply.data, Stop)
            board.show([_stopping(view) for view in stop.jobs])
            if stop.settled:
                return stop
        raise Failed(t("The jobs have not stopped in time."))

    def _look(self) -> list[Job]:
        return [read(self._client.job(job_id), Job) for job_id in self._ids]

    def _outputs(self) -> dict[int, Output]:
        return {job_id: job.output() for job_id, job in self._ids.items()}


def _all(answers: Answers, what: str) -> None:
    for answer in answers.jobs:
        if not answer.accepted:
            raise Failed(
                t("The {what} of job {job} was refused: {why}", what=what, job=answer.job_id, why=answer.message)
            )


def _none_failed(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.status not in {"job_init", "job_submitting", "job_running"}:
            raise Failed(t("{name} is {status}: {why}", name=job.name, status=job.status, why=job.status_desc))


def _running(job: Job, output: Output, before: int) -> Line:
    done = output.rows >= before + ENOUGH
    state = job.status.removeprefix("job_") if output.rows <= before else "writing"
    note = t("{rows} rows", rows=output.rows)
    if before and output.rows > before:
        note = t("{rows} rows, {new} of them new", rows=output.rows, new=output.rows - before)
    return Line(job.job_id, job.name, state, note, done=done)


def _stopping(view: StopView) -> Line:
    note = t("savepoint of {size}", size=tables.size(view.size)) if view.savepoint else view.reason
    state = "stopping" if view.phase in _UNDER_WAY else view.phase
    return Line(view.job_id, view.name, state, note, done=view.phase == "stopped")


def _told(results: Sequence[_Result], wanted: int, seconds: float) -> bool:
    headers = ("job", "status", "savepoint", "size", "verified", "took", "rows")
    say("")
    tables.table(headers, [_row(result) for result in results])
    faults = [f"{result.job.name}: {fault}" for result in results for fault in result.faults]
    for fault in faults:
        complain(fault)
    good = not faults and len(results) == wanted
    if good:
        say(
            t(
                "\n{wanted} of {wanted} jobs stopped with a verified savepoint and carried on from it. No "
                "row was lost or repeated (rows: at the stop → in the end). It took {seconds:.0f} s.",
                wanted=wanted,
                seconds=seconds,
            )
        )
    else:
        complain(t("not everything holds"))
    return good


def _row(result: _Result) -> Sequence[str]:
    stop = result.stop
    seconds = tables.seconds_between(stop.accepted_at, stop.settled_at)
    return (
        result.job.name,
        "stopped" if result.job.status == "job_cancel_success" else result.job.status,
        (stop.savepoint or "").rpartition("/")[2].removeprefix("savepoint-"),
        tables.size(stop.size),
        tables.yes(stop.verified),
        tables.took(seconds),
        f"{result.before.rows} → {result.after.rows}",
    )


def _keep(service: DemoService) -> None:
    command = _command()
    say(
        t(
            "\nThe service stays up until Ctrl-C, with its jobs stopped:\n"
            "  service   {url}\n"
            "  try it    {url}/docs   (project {project})\n"
            "  Flink     {flink}\n"
            "In another terminal:\n"
            "  export SLUICEWAY_SERVER={url} SLUICEWAY_PROJECT={project}\n"
            "  {command} jobs list\n"
            "  {command} resume 2 --wait\n"
            "  {command} stop --all --wait --yes",
            url=service.url,
            project=PROJECT,
            flink=service.flink,
            command=command,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        service.wait()


def _next() -> None:
    command = _command()
    say(
        t(
            "\nNext:\n"
            "  {command} demo --keep      the same, and the service stays up for a look around\n"
            "  {command} serve            a service of your own; then, in another terminal:\n"
            '  echo "{hello}" | {command} jobs create hello --sql - --run\n'
            "  {command} stop --all --wait --yes",
            command=command,
            hello=HELLO,
        )
    )


def _command() -> str:
    """The command as it was typed."""
    return sys.argv[0] if Path(sys.argv[0]).name == "sluiceway" else "sluiceway"


@contextlib.contextmanager
def _ending_on(*signals: signal.Signals) -> Iterator[None]:
    """Clean up as after Ctrl-C also after another signal to end."""

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        raise Failed(t("ended by {signal}", signal=signal.Signals(number).name), code=128 + number)

    before: dict[signal.Signals, Callable[..., Any] | int | None] = {}
    for each in signals:
        before[each] = signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
