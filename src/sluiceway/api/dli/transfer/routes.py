"""The paths of DLI's API that export and import jobs as zip files."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation

from sluiceway.api.dli import parameters
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, LanguageGiven, ProjectGiven
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.dli.transfer.rules import exported, imported
from sluiceway.api.dli.transfer.wire import Exported, ExportRequest, Imported, ImportRequest, JobMapping
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Language, Param, Text
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NoExport, UnknownJob
from sluiceway.control.transfer import Arrival, Transfer
from sluiceway.domain.admission import EDITABLE
from sluiceway.domain.job import JobDraft
from sluiceway.storage.errors import BadPath, StorageUnreadable
from sluiceway.wanted import Beat, in_thread

EXPORTED: Final = Text("The jobs are exported.", "作业已导出。")
IMPORTED: Final = Text("See job_mapping for the outcome of each job.", "各作业的导入结果见 job_mapping。")

CAME_IN: Final = Text("It was imported.", "已导入。")
REPLACED: Final = Text("It replaced the job of its name.", "已导入并覆盖同名作业。")
NAME_TAKEN: Final = Text(
    "Job {id} has its name, and is_cover was not set. It was not imported.",
    "作业 {id} 与其同名且未设置 is_cover，未导入。",
)
ACTIVE: Final = Text(
    "Job {id} has its name and is in status {status}. Stop that job first. It was not imported.",
    "同名作业 {id} 的状态为 {status}，请先停止该作业。未导入。",
)
TWICE: Final = Text(
    "Another job of this import, now job {id}, has its name. It was not imported.",
    "本次导入中的另一个同名作业已导入为作业 {id}，该作业未导入。",
)
STRANGE_QUEUE: Final = Text(
    "There is no queue named {queue} here. It was not imported.", "不存在名为 {queue} 的队列，未导入。"
)

# Chinese answers do not say in detail what is wrong with a path or a file.
NO_PATH: Final = "该路径无效。"
NOT_TAKEN: Final = "不存在，或不是可以导入的作业文件。"

TransferGiven = NamedDependency[SkipValidation[Transfer]]


@post(
    f"{BASE}/jobs/export",
    status_code=200,
    dto=Json[ExportRequest],
    return_dto=None,
    responses=REFUSED,
    summary="Export jobs",
)
async def export_jobs(
    data: JSONBody[ExportRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    transfer: TransferGiven,
    permit: PermitGiven,
) -> Exported:
    """Write jobs as zip files into a directory of the storage root: those that are selected, or all."""
    only = parameters.job_ids(data.job_selected or [], field="job_selected") if data.is_selected else None
    try:
        written = await transfer.export(project, data.obs_dir, only, exported, permit.who)
    except UnknownJob as error:
        raise DliError(Code.SHOW_UNKNOWN, id=", ".join(map(str, error.args[:10]))) from None
    except BadPath as error:
        raise DliError(Code.BAD_EXPORT, why=Text(str(error), NO_PATH)) from None
    except StorageUnreadable as error:
        raise DliError(Code.UNAVAILABLE, why=str(error)) from None
    return Exported(EXPORTED.in_(language), written)


@post(
    f"{BASE}/jobs/import",
    status_code=200,
    dto=Json[ImportRequest],
    return_dto=None,
    responses=REFUSED,
    summary="Import jobs",
)
async def import_jobs(
    data: JSONBody[ImportRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    transfer: TransferGiven,
    permit: PermitGiven,
) -> Imported:
    """Make jobs of exported ones. A file that is not right keeps out all of them."""
    cover = bool(data.is_cover)
    try:
        async with transfer.documents(data.zip_file) as documents:
            found = await in_thread(partial(_all_imported, documents))
            drafts = [draft for _, draft in found]
            arrivals = await transfer.take_in(project, drafts, cover=cover, user=permit.who)
    except BadPath as error:
        raise DliError(Code.BAD_IMPORT, why=Text(str(error), NO_PATH)) from None
    except NoExport as error:
        raise DliError(Code.BAD_IMPORT, why=Text(str(error), f"{error.file[:200]} {NOT_TAKEN}")) from None
    except StorageUnreadable as error:
        raise DliError(Code.UNAVAILABLE, why=str(error)) from None
    outcomes = zip(found, arrivals, strict=True)
    return Imported(IMPORTED.in_(language), [_mapping(old, arrival, cover, language) for (old, _), arrival in outcomes])


HANDLERS: Final[list[HTTPRouteHandler]] = [export_jobs, import_jobs]


def _all_imported(documents: Sequence[tuple[str, bytes]], beat: Beat) -> list[tuple[int, JobDraft]]:
    found = []
    for place, document in documents:
        beat()
        found.append(imported(place, document))
    return found


def _mapping(old: int, arrival: Arrival, cover: bool, language: Language) -> JobMapping:
    if arrival.job_id is not None:
        return JobMapping(old, arrival.job_id, (REPLACED if arrival.replaced else CAME_IN).in_(language))
    namesake = arrival.namesake
    if namesake is None:
        return JobMapping(old, -1, STRANGE_QUEUE.say(language, {"queue": arrival.queue}))
    params: dict[str, Param] = {"id": namesake.id, "status": dli_status(namesake.status)}
    if arrival.twice:
        return JobMapping(old, -1, TWICE.say(language, params))
    text = ACTIVE if cover and namesake.status not in EDITABLE else NAME_TAKEN
    return JobMapping(old, -1, text.say(language, params))
