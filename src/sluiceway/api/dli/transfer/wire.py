"""The wire form of exports and imports, and of the jobs in their files."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Struct

from sluiceway.api.dli.fields import MAX_ID, IdIn, of_ids
from sluiceway.api.dli.jars.wire import CreateJarJob
from sluiceway.api.dli.jobs.wire import CreateSqlJob
from sluiceway.settings import MAX_JOB_IDS

OldId = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]


class ExportRequest(Struct, frozen=True):
    """Which jobs to write, and where to."""

    obs_dir: str
    is_selected: bool
    job_selected: Annotated[list[IdIn] | None, of_ids(MAX_JOB_IDS, 0)] = None


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
    """The outcome of one job; `new_job_id` is -1 for one that was not imported."""

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


class JobKind(Struct, frozen=True):
    """What says by which rules the job in a file is read."""

    job_type: str
