"""`sluiceway jobs logs`: why a job failed, and the logs of the processes that run it."""

from typing import Annotated, Any, Final

from cyclopts import Parameter
from msgspec import Struct

from sluiceway.cli import tables
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, PositiveInt, ids_or_names, or_default
from sluiceway.cli.output import Failed, complain, one_line, say
from sluiceway.cli.reasons import Reason

JOBMANAGER: Final = "jobmanager"
MOST: Final = 20  # TaskManagers whose logs are read in one call
MOST_LINES: Final = 10_000


class _Failure(Struct, frozen=True):
    at: str | None
    text: str


class _Log(Struct, frozen=True):
    process: str
    lines: list[str]
    cut: bool


class _Told(Struct, frozen=True):
    cluster: str
    failures: list[_Failure]
    processes: list[str]
    withheld: Reason
    log: _Log | None


def _at_most(_: Any, value: int) -> None:
    if value > MOST_LINES:
        raise ValueError(t("It is {most} at most.", most=MOST_LINES))


def logs(
    job: str,
    /,
    *,
    jobmanager: Flag = False,
    taskmanagers: Flag = False,
    taskmanager: str | None = None,
    lines: Annotated[PositiveInt, Parameter(validator=_at_most)] = 100,
    common: Common | None = None,
) -> int:
    """Show why a job has failed, and the logs of the processes that run it.

    Without options: the failures of its latest run with their stack traces, as far as Flink remembers them, the latest
    last.

    A log belongs to a process, and not to a job: it holds what every job prints there. So it is shown where no job of
    another project runs on the cluster, which is an application cluster, and else to an admin of every project alone.

    Example: `sluiceway jobs logs orders`, or `sluiceway jobs logs orders --taskmanagers --lines 200`

    Parameters
    ----------
    job
        Its id or exact name.
    jobmanager
        The end of the JobManager's log.
    taskmanagers
        The end of the log of each TaskManager of its cluster, of 20 at most.
    taskmanager
        The end of the log of one, by its id.
    lines
        How many lines of each log; 10,000 at most.
    """
    common = or_default(common)
    client = common.client()
    if (jobmanager, taskmanagers, taskmanager is not None).count(True) > 1:
        raise Failed(t("Say one of --jobmanager, --taskmanagers and --taskmanager."), code=2)
    (job_id,) = ids_or_names(client, [job])
    named = JOBMANAGER if jobmanager else taskmanager
    data = client.job_logs(job_id, named, lines).data
    found = _of_task_managers(client, job_id, read(data, _Told), lines) if taskmanagers else [data]
    if common.json:
        common.document({**data, "logs": [one["log"] for one in found if one.get("log")]} if taskmanagers else data)
    elif named is None and not taskmanagers:
        _tell_failures(read(data, _Told))
    else:
        for one in found:
            _tell_log(read(one, _Told))
    return 0


def _of_task_managers(client: Client, job_id: int, told: _Told, lines: int) -> list[Any]:
    if told.withheld:
        raise Failed(told.withheld, code=4)
    known = [process for process in told.processes if process != JOBMANAGER]
    if len(known) > MOST:
        complain(t("{most} of {all} TaskManagers; name another one with --taskmanager", most=MOST, all=len(known)))
    return [client.job_logs(job_id, process, lines).data for process in known[:MOST]]


def _tell_failures(told: _Told) -> None:
    for failure in reversed(told.failures):
        at = tables.moment(failure.at) if failure.at else t("at some time")
        say(f"{at}\n{failure.text.rstrip()}\n")
    if not told.failures:
        say(t("Flink knows of no failure of its latest run."))
    if told.withheld:
        complain(one_line(told.withheld))
    elif told.processes:
        complain(t("--jobmanager and --taskmanagers show the logs of the processes that run it."))


def _tell_log(told: _Told) -> None:
    if told.log is not None:
        say(f"==> {told.log.process} <==" + ("  " + t("(the end of it)") if told.log.cut else ""))
        for line in told.log.lines:
            say(line)
