"""Verdicts on many jobs in DLI's words: one answer for each position. Pure."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, Literal

from msgspec import UNSET
from msgspec.structs import replace

from sluiceway.api.dli.answers import Done, Truth
from sluiceway.api.dli.jobs import wire
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody
from sluiceway.api.errors.language import Language, Text
from sluiceway.domain.admission import Refusal, Verdict

RefusedForm = Literal["array", "object"]


class Batch(Enum):
    """The operations on many jobs."""

    STOP = "stop"
    RUN = "run"
    DELETE = "delete"


ACCEPTED: Final[Mapping[Batch, Text]] = {
    Batch.STOP: Text(
        "The stop is accepted. Follow the job's status until it is job_cancel_success or job_cancel_fail.",
        "已接受停止请求。请查询作业状态，直到变为 job_cancel_success 或 job_cancel_fail。",
    ),
    Batch.RUN: Text(
        "The start is accepted. Follow the job's status: it becomes job_running, job_finish or job_submit_fail, or"
        " job_running_exception where the job fails or does not run steadily. status_desc says why.",
        "已接受启动请求。请查询作业状态：状态将变为 job_running、job_finish 或 job_submit_fail；"
        "作业失败或不能稳定运行时变为 job_running_exception。原因见 status_desc。",
    ),
    Batch.DELETE: Text("The job is deleted.", "作业已删除。"),
}
AT_REST: Final = Text(
    "The job was at rest already, in status {status}: nothing was stopped, and no savepoint was taken.",
    "作业此前已停止运行，状态为 {status}：未执行停止，也未生成保存点。",
)
REFUSED: Final[Mapping[Batch, Mapping[Refusal, Code]]] = {
    Batch.STOP: {
        Refusal.UNKNOWN: Code.STOP_UNKNOWN,
        Refusal.FORBIDDEN: Code.JOB_FORBIDDEN,
        Refusal.WRONG_STATE: Code.STOP_STATE,
        Refusal.NO_QUEUE: Code.STOP_STATE,
        Refusal.DEADLY: Code.STOP_STATE,
    },
    Batch.RUN: {
        Refusal.UNKNOWN: Code.RUN_UNKNOWN,
        Refusal.FORBIDDEN: Code.RUN_FORBIDDEN,
        Refusal.WRONG_STATE: Code.RUN_STATE,
        Refusal.NO_SAVEPOINT: Code.NO_SAVEPOINT,
        Refusal.NOT_WHOLE: Code.NO_SAVEPOINT,
        Refusal.UNREADABLE: Code.NO_SAVEPOINT,
        Refusal.DRAINED: Code.NO_SAVEPOINT,
        Refusal.FINISHED: Code.NO_SAVEPOINT,
        Refusal.DOES_NOT_FIT: Code.NO_SAVEPOINT,
        Refusal.NO_QUEUE: Code.NO_QUEUE,
        Refusal.NO_STARTS: Code.NO_QUEUE,
        Refusal.NO_PROGRAM: Code.RUN_NO_JAR,
        Refusal.BAD_SQL: Code.SQL_SEMANTICS,
        Refusal.OTHER_FLINK: Code.SQL_SEMANTICS,
        Refusal.NO_DEPENDENCY: Code.NO_DEPENDENCY,
    },
    Batch.DELETE: {
        Refusal.UNKNOWN: Code.DELETE_UNKNOWN,
        Refusal.FORBIDDEN: Code.JOB_FORBIDDEN,
        Refusal.WRONG_STATE: Code.UNAVAILABLE,
    },
}
_IN_SENTENCES: Final = {Refusal.BAD_SQL, Refusal.OTHER_FLINK}  # whose reasons are told whole
UNREGISTERED: Final = Text(
    "The job runs on queue {queue}, which is not registered with this service. Register the cluster, then send the"
    " request again.",
    "作业在队列 {queue} 上运行，而该队列未在本服务注册。请注册集群后重新发送请求。",
)
DEADLY: Final = Text(
    "The service is set to write canonical savepoints for this API, which this job does not survive: {why}. Stop it"
    " without a savepoint, or have the operator set --dli-savepoint-format to auto.",
    "本服务设置为通过此 API 生成 canonical 格式的保存点，该作业会因此失败：{why}。请不带保存点停止，或由运维人员将"
    " --dli-savepoint-format 设为 auto。",
)
_OF_STOPS: Final[Mapping[Refusal, Text]] = {Refusal.NO_QUEUE: UNREGISTERED, Refusal.DEADLY: DEADLY}
NOT_WHOLE: Final = Text(
    "The state that the job would resume from cannot be used: {why}.",
    "作业恢复所需的状态不可用：{why}。",
)
UNREADABLE: Final = Text(
    "The newest state of the job is unknown now. {why}. Send the request again later.",
    "当前无法确定作业的最新状态。{why}。请稍后重试。",
)
DRAINED: Final = Text(
    "The job was drained, so the savepoint is no way back: {why}. The operator can allow it with --dli-resume-anyway"
    " drained.",
    "作业已被 drain，其保存点不能用于恢复：{why}。运维人员可通过 --dli-resume-anyway drained 允许。",
)
FINISHED: Final = Text(
    "The job is not resumed: {why}. The operator can allow it with --dli-resume-anyway finished.",
    "未恢复作业：{why}。运维人员可通过 --dli-resume-anyway finished 允许。",
)
DOES_NOT_FIT: Final = Text(
    "The state does not fit the job as it is now: {why}. State is left behind with"
    " execution.state-recovery.ignore-unclaimed-state = true in runtime_config; the operator can allow it, and state of"
    " another meaning, with --dli-resume-anyway non_restored_state, or other_meaning.",
    "状态与当前作业不匹配：{why}。在 runtime_config 中将 execution.state-recovery.ignore-unclaimed-state 设为 true"
    " 可舍弃无法恢复的状态；运维人员可通过 --dli-resume-anyway non_restored_state 或 other_meaning 允许。",
)
NO_STARTS: Final = Text(
    "No job can be started on the job's queue now: {why}. Update the job's queue_name, or try again later.",
    "当前无法在该作业的队列上启动作业：{why}。请更新作业的 queue_name，或稍后重试。",
)
_OF_RUNS: Final[Mapping[Refusal, Text]] = {
    Refusal.NO_STARTS: NO_STARTS,
    Refusal.NOT_WHOLE: NOT_WHOLE,
    Refusal.UNREADABLE: UNREADABLE,
    Refusal.DRAINED: DRAINED,
    Refusal.FINISHED: FINISHED,
    Refusal.DOES_NOT_FIT: DOES_NOT_FIT,
}
_WORDS: Final = {Batch.STOP: _OF_STOPS, Batch.RUN: _OF_RUNS}


def refusal(verdict: Verdict, batch: Batch) -> DliError | None:
    """The refusal of one job, or None where the verdict accepts it."""
    if verdict.refusal is None:
        return None
    status = dli_status(verdict.status) if verdict.status else "-"
    note = verdict.note.rstrip(".")
    return DliError(
        REFUSED[batch].get(verdict.refusal, REFUSED[batch][Refusal.WRONG_STATE]),
        _WORDS.get(batch, {}).get(verdict.refusal),
        status=status,
        note=f" ({note})" if note else "",
        why=verdict.note if verdict.refusal in _IN_SENTENCES else note or status,
        queue=verdict.note or "-",
    )


def outcomes(
    verdicts: Sequence[Verdict], batch: Batch, language: Language, truth: Truth
) -> tuple[bool, list[wire.Outcome] | list[ErrorBody]]:
    """Whether anything was accepted, and one answer for each position.

    Positions share their verdicts, and so they share the answers: ten thousand ids cost a handful of renderings.
    """
    keys = list(map(id, verdicts))
    distinct = dict(zip(keys, verdicts, strict=True))
    refusals = {key: refusal(verdict, batch) for key, verdict in distinct.items()}
    if all(refusals.values()):
        bodies = {key: error.body(language) for key, error in refusals.items() if error}
        return False, list(map(bodies.__getitem__, keys))
    answers = {key: _outcome(distinct[key], error, batch, language, truth) for key, error in refusals.items()}
    return True, list(map(answers.__getitem__, keys))


def _outcome(verdict: Verdict, error: DliError | None, batch: Batch, language: Language, truth: Truth) -> wire.Outcome:
    success = truth.say(success=error is None)
    if error is not None:
        return wire.Outcome(success, f"{error.code} {error.message(language)}", str(error.code))
    if batch is Batch.STOP and verdict.status is not None:
        return wire.Outcome(success, AT_REST.say(language, {"status": dli_status(verdict.status)}))
    said = " ".join(filter(None, (ACCEPTED[batch].in_(language), verdict.note)))
    return _resumed(wire.Outcome(success, said), verdict)


def _resumed(outcome: wire.Outcome, verdict: Verdict) -> wire.Outcome:
    """The same, with the state that the job starts from."""
    if verdict.back is None or (state := verdict.back.state) is None:
        return outcome
    age = verdict.back.age
    return replace(
        outcome,
        restore_path=state.path,
        restore_kind=UNSET if state.kind is None else state.kind.value,
        restore_age_seconds=UNSET if age is None else int(age.total_seconds()),
    )


def done(language: Language, truth: Truth) -> Done:
    """The answer to the deletion of one job by its path."""
    return Done(ACCEPTED[Batch.DELETE].in_(language), truth.say(success=True))
