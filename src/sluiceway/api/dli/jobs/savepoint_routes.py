"""The paths of DLI's API that take a savepoint of a running job, and choose the one that a job resumes from."""

from typing import Annotated, Final

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from sluiceway.api.dli import parameters
from sluiceway.api.dli.answers import Done
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import (
    BASE,
    REFUSED,
    FormatGiven,
    JobIdGiven,
    LanguageGiven,
    ProjectGiven,
    TruthGiven,
)
from sluiceway.api.dli.fields import SameId, described
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.dli.jobs.verdicts import DEADLY, UNREGISTERED
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Language, Text
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NotWhole, StorageTrouble, UnknownJob, UnusablePath, WrongState
from sluiceway.control.import_savepoint import ImportSavepoint
from sluiceway.control.named_states import GoingBack
from sluiceway.control.take_savepoints import TakeSavepoints
from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.behind import Behind
from sluiceway.domain.orders import SaveOrder
from sluiceway.domain.way_back import length

TRIGGER: Final = "TRIGGER"

ACCEPTED: Final = Text(
    "The savepoint is accepted. Follow the job's status until it is job_running again; status_desc says if it failed.",
    "已接受保存点请求。请查询作业状态，直到恢复为 job_running；如失败，status_desc 会说明原因。",
)
CHOSEN: Final = Text(
    "The savepoint is whole. The next start of the job that resumes (resume_savepoint) begins from there.",
    "保存点完整。请带 resume_savepoint 启动作业，作业将从该保存点恢复。",
)
BEHIND: Final = Text(
    " It is {by} older than the newest state of the job: {path}{more}. The work since then is repeated.",
    " 它比作业的最新状态 {path} 旧 {by}{more}；此后处理的数据将重新处理。",
)
AND_MORE: Final = Text(", one of {count} that are newer", "（共有 {count} 个更新的状态）")
NOT_RUNNING: Final = Text(
    "The job is in status {status}, so no savepoint can be taken{note}. A savepoint needs status job_running.",
    "作业状态为 {status}，不能触发保存点{note}。只有 job_running 状态的作业可以触发保存点。",
)
RUNNING: Final = Text(
    "The job is in status {status}, so no savepoint can be imported. Stop the job first.",
    "作业状态为 {status}，不能导入保存点。请先停止作业。",
)
NONE_THERE: Final = Text(
    "There is no whole savepoint at {path}: {why}. Give the directory that holds its _metadata.",
    "{path} 处没有完整的保存点：{why}。请指定 _metadata 所在的目录。",
)

TakeSavepointsGiven = NamedDependency[SkipValidation[TakeSavepoints]]
GoingBackGiven = NamedDependency[SkipValidation[GoingBack]]
ImportSavepointGiven = NamedDependency[SkipValidation[ImportSavepoint]]


class TriggerRequest(Struct, frozen=True):
    """What to do: TRIGGER, and where to: `bucket/dir/` or `obs://bucket/dir/`, or the service's own place."""

    action: Annotated[str, described(enum=[TRIGGER])]
    savepoint_path: str | None = None


class ImportRequest(Struct, frozen=True):
    """Which savepoint to resume the job from: the directory that holds its `_metadata`."""

    savepoint_path: str
    job_id: SameId = None  # the same as in the path


@post(
    f"{BASE}/jobs/{{job_id:str}}/savepoint",
    status_code=200,
    dto=Json[TriggerRequest],
    return_dto=None,
    responses=REFUSED,
    summary="Take a savepoint of a running job",
)
async def trigger_savepoint(
    data: JSONBody[TriggerRequest],
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    take_savepoints: TakeSavepointsGiven,
    permit: PermitGiven,
    savepoint_format: FormatGiven,
) -> Done:
    """Accept a savepoint of the job, which runs on."""
    if data.action != TRIGGER:
        raise bad("action", f"it must be {TRIGGER}", f"必须为 {TRIGGER}")
    try:
        order = SaveOrder(project, [job], data.savepoint_path or None, permit.who, savepoint_format)
        (verdict,) = (await take_savepoints(order)).verdicts
    except UnusablePath as error:
        raise _bad_path(error) from None
    if refused := _refusal(verdict):
        raise refused
    said = " ".join(filter(None, (ACCEPTED.in_(language), verdict.note)))
    return Done(said, truth.say(success=True))


@post(
    f"{BASE}/jobs/{{job_id:str}}/import-savepoint",
    status_code=200,
    dto=Json[ImportRequest],
    return_dto=None,
    responses=REFUSED,
    summary="Choose the state of a job's next resume",
)
async def import_savepoint(
    data: JSONBody[ImportRequest],
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    import_savepoint: ImportSavepointGiven,
    permit: PermitGiven,
    going_back: GoingBackGiven,
) -> Done:
    """Make the next resume begin from a savepoint, which is read first."""
    if data.job_id is not None and parameters.job_id(str(data.job_id)) != job:
        raise bad("job_id", "it is not the one in the path", "与路径中的作业 ID 不一致")
    try:
        found = await import_savepoint(project, job, data.savepoint_path, who=permit.who)
    except UnknownJob:
        raise DliError(Code.STOP_UNKNOWN) from None
    except WrongState as error:
        raise DliError(Code.STOP_STATE, RUNNING, status=dli_status(error.status)) from None
    except NotWhole as error:
        raise DliError(Code.NO_SAVEPOINT, NONE_THERE, path=data.savepoint_path[:200], why=str(error)) from None
    except StorageTrouble as error:
        raise DliError(Code.UNAVAILABLE, why=str(error).rstrip(".")) from None
    except UnusablePath as error:
        raise _bad_path(error) from None
    message = CHOSEN.in_(language) + _behind(await going_back(project, job, found), language)
    return Done(message, truth.say(success=True))


HANDLERS: Final[list[HTTPRouteHandler]] = [trigger_savepoint, import_savepoint]


def _behind(behind: Behind, language: Language) -> str:
    """Names the newer states that an import leaves out; empty where it is the newest known one."""
    if not behind.newer:
        return ""
    count = len(behind.newer)
    more = AND_MORE.say(language, {"count": count}) if count > 1 else ""
    return BEHIND.say(language, {"by": length(behind.by), "path": behind.newer[0].path, "more": more})


def _refusal(verdict: Verdict) -> DliError | None:
    if verdict.refusal is None:
        return None
    if verdict.refusal is Refusal.UNKNOWN:
        return DliError(Code.STOP_UNKNOWN)
    if verdict.refusal is Refusal.NO_QUEUE:
        return DliError(Code.STOP_STATE, UNREGISTERED, queue=verdict.note or "-")
    note = verdict.note.rstrip(".")
    if verdict.refusal is Refusal.DEADLY:
        return DliError(Code.STOP_STATE, DEADLY, why=note)
    status = dli_status(verdict.status) if verdict.status else "-"
    return DliError(Code.STOP_STATE, NOT_RUNNING, status=status, note=f" ({note})" if note else "")


def _bad_path(error: UnusablePath) -> DliError:
    return bad("savepoint_path", str(error).rstrip("."), "它不在存储根目录下，请写成 obs://bucket/dir/")
