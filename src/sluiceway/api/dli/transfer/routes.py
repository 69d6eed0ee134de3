"""Jobs as zip files: a job is written as the body that would make it, and read by the rules of one that is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Generic, Literal, TypeVar

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct
from msgspec.structs import fields

from sluiceway.api.dli import parameters as requests
from sluiceway.api.dli.body import Json, decode
from sluiceway.api.dli.dependencies import BASE, REFUSED, LanguageGiven, ProjectGiven
from sluiceway.api.dli.fields import MAX_ID, SQL_TYPES, of_ids
from sluiceway.api.dli.jars import rules as jar_rules
from sluiceway.api.dli.jars.wire import CreateJarJob
from sluiceway.api.dli.jobs import rules
from sluiceway.api.dli.jobs.retention import SECONDS
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.dli.jobs.wire import CreateSqlJob, JobIdIn, Tag
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad, unsupported
from sluiceway.api.errors.language import Language, Param, Text
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NoExport, UnknownJob
from sluiceway.control.transfer import Arrival, Transfer
from sluiceway.domain.admission import EDITABLE
from sluiceway.domain.job import JAR_JOB, Job, JobDraft
from sluiceway.settings import MAX_JOB_IDS
from sluiceway.storage.errors import BadPath, StorageUnreadable
from sluiceway.wanted import Beat, in_thread

EXPORTED: Final = Text("The jobs are exported.", "作业已导出。")
IMPORTED: Final = Text("See job_mapping for what has become of each job.", "各作业的导入结果见 job_mapping。")

CAME_IN: Final = Text("It was imported.", "已导入。")
REPLACED: Final = Text("It was imported over the job of its name.", "已导入并覆盖同名作业。")
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

OldId = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
TransferGiven = NamedDependency[SkipValidation[Transfer]]


class ExportRequest(Struct, frozen=True):
    """Which jobs to write, and where to."""

    obs_dir: str
    is_selected: bool
    job_selected: Annotated[list[JobIdIn] | None, of_ids(MAX_JOB_IDS, 0)] = None


class ImportRequest(Struct, frozen=True):
    """What to read: a zip file, or a directory of them."""

    zip_file: str
    is_cover: bool | None = None


class Exported(Struct, frozen=True):
    """Answer to export: the files that were written."""

    message: str
    zip_file: Sequence[str]
    is_success: Literal["true"] = "true"


class JobMapping(Struct, frozen=True):
    """What has become of one job; `new_job_id` is -1 for one that was not imported."""

    old_job_id: int
    new_job_id: int
    remark: str


class Imported(Struct, frozen=True):
    """Answer to import."""

    message: str
    job_mapping: Sequence[JobMapping]
    is_success: Literal["true"] = "true"


class ExportedSqlJob(CreateSqlJob, frozen=True, kw_only=True, omit_defaults=True):
    """A SQL job in a file: what would make it, and what else it was given later."""

    job_id: OldId
    operator_config: str | None = None
    static_estimator_config: str | None = None


class ExportedJarJob(CreateJarJob, frozen=True, kw_only=True, omit_defaults=True):
    """A Jar job in a file: what would make it."""

    job_id: OldId


class _Kind(Struct, frozen=True):
    job_type: str


Exportable = TypeVar("Exportable", ExportedSqlJob, ExportedJarJob)


@dataclass(frozen=True, slots=True)
class Form(Generic[Exportable]):
    """How jobs of a kind are written, and the rules by which they are read."""

    body: type[Exportable]
    create: Callable[[Exportable], JobDraft]

    def read(self, document: bytes) -> tuple[int, JobDraft]:
        """The id that a job had, and what it is to be. Raises `DliError`."""
        body = decode(document, self.body)
        return body.job_id, self.create(body)


def _sql_job(body: ExportedSqlJob) -> JobDraft:
    """Files say what their retention counts; those of older versions counted seconds. Raises `DliError`."""
    return rules.create(body, SECONDS)


FORMS: Final[Mapping[str, Form[ExportedSqlJob] | Form[ExportedJarJob]]] = {
    **dict.fromkeys(SQL_TYPES, Form(ExportedSqlJob, _sql_job)),
    JAR_JOB: Form(ExportedJarJob, jar_rules.create),
}


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
    only = requests.job_ids(data.job_selected or [], field="job_selected") if data.is_selected else None
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


# --- a job in a file ------------------------------------------------------------------------------------------------


def exported(job: Job) -> bytes:
    """A job as it is written. `imported` reads it back, exactly. Raises `DliError` for a kind that has no form."""
    draft = job.draft
    if draft.kind not in FORMS:
        raise unsupported(f"Jobs of type {draft.kind} cannot be exported.", f"不支持导出 {draft.kind} 类型的作业。")
    body = FORMS[draft.kind].body
    settings = rules.settings_of(draft)
    given = {name: getattr(settings, name) for name in {field.name for field in fields(settings)} & _names(body)}
    if settings.run_mode == rules.Settings().run_mode:
        given.pop("run_mode", None)  # both it and job_type are checked against each other only where both were given
    beside = {
        "job_id": job.id,
        "name": draft.name,
        "desc": draft.desc,
        "queue_name": draft.queue,
        "sql_body": draft.spec.sql,
        "job_type": draft.kind,
        "tags": [Tag(key, value) for key, value in draft.tags.items()],
    }
    return msgspec.json.encode(body(**given | {name: beside[name] for name in beside.keys() & _names(body)}))


def _names(body: type[Struct]) -> set[str]:
    return {field.name for field in fields(body)}


def _all_imported(documents: Sequence[tuple[str, bytes]], beat: Beat) -> list[tuple[int, JobDraft]]:
    found = []
    for place, document in documents:
        beat()
        found.append(imported(place, document))
    return found


def imported(place: str, document: bytes) -> tuple[int, JobDraft]:
    """The id that a job had where it was exported, and what it is to be. Raises `DliError` that names the place."""
    try:
        kind = decode(document, _Kind).job_type
        if kind not in FORMS:
            raise bad("job_type", f"it must be one of {', '.join(FORMS)}", f"必须为 {'、'.join(FORMS)} 之一")
        return FORMS[kind].read(document)
    except DliError as error:
        en, zh = error.message(Language.ENGLISH), error.message(Language.CHINESE)
        raise DliError(Code.BAD_IMPORT, why=Text(f"{place}: {en}", f"{place}：{zh}")) from None


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
