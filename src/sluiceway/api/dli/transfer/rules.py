"""Writes a job as the body that would make it, and reads it by the rules for new jobs. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.fields import SQL_TYPES
from sluiceway.api.dli.jars import rules as jar_rules
from sluiceway.api.dli.jobs import rules
from sluiceway.api.dli.jobs.retention import SECONDS
from sluiceway.api.dli.jobs.settings import Settings, settings_of
from sluiceway.api.dli.tags.wire import Tag
from sluiceway.api.dli.transfer.wire import ExportedJarJob, ExportedSqlJob, JobKind
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad, unsupported
from sluiceway.api.errors.language import Language, Text
from sluiceway.domain.job import JAR_JOB, Job, JobDraft

Exportable = TypeVar("Exportable", ExportedSqlJob, ExportedJarJob)


@dataclass(frozen=True, slots=True)
class Form(Generic[Exportable]):
    """How a job of one kind is written, and the rules that read it."""

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


def exported(job: Job) -> bytes:
    """A job as a file has it. `imported` reads exactly that back. Raises `DliError` for a kind that has no form."""
    draft = job.draft
    if draft.kind not in FORMS:
        raise unsupported(f"Jobs of type {draft.kind} cannot be exported.", f"不支持导出 {draft.kind} 类型的作业。")
    body = FORMS[draft.kind].body
    settings = settings_of(draft)
    given = {name: getattr(settings, name) for name in {field.name for field in fields(settings)} & _names(body)}
    if settings.run_mode == Settings().run_mode:
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


def imported(place: str, document: bytes) -> tuple[int, JobDraft]:
    """The id that a job had where it was exported, and what it is to be. Raises `DliError` that names the place."""
    try:
        kind = decode(document, JobKind).job_type
        if kind not in FORMS:
            raise bad("job_type", f"it must be one of {', '.join(FORMS)}", f"必须为 {'、'.join(FORMS)} 之一")
        return FORMS[kind].read(document)
    except DliError as error:
        en, zh = error.message(Language.ENGLISH), error.message(Language.CHINESE)
        raise DliError(Code.BAD_IMPORT, why=Text(f"{place}: {en}", f"{place}：{zh}")) from None
